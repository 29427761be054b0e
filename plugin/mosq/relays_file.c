#include "plugin/mosq/relays_file.h"

#include <errno.h>
#include <stdio.h>

#define LINE_MAX_BYTES 8192 /* the most scopes and users fit, with blanks between them */
#define SHOWN_MAX 100       /* of a bad value in the log */

static const char BLANKS[] = " \t\r\n";
static const char ID_EXPECTED[] = "an id is expected, of 1 to 36 characters of A-Z a-z 0-9 . _ ~ -";

struct reading {
    const char *path;
    unsigned line;
    const char *name; /* of the relay; NULL: it is not known yet */
    struct relay_list list;
    char *why;
    size_t why_cap;
};

struct ids { /* one field of a relay */
    const char *field;
    struct fp_id *ids;
    size_t *count;
    size_t max;
};

static enum fp_err fail(struct reading *r, const char *field, const char *reason, const char *got)
{
    char relay[SHOWN_MAX + 16] = "";

    if (r->name != NULL) {
        (void)snprintf(relay, sizeof relay, "relay %.*s: ", SHOWN_MAX, r->name);
    }
    (void)snprintf(r->why, r->why_cap, "%s:%u: %s%s: %s (got \"%.*s\")", r->path, r->line, relay, field, reason, SHOWN_MAX, got);
    return FP_ECONFIG; /* a long text is cut off rather than left out */
}

static enum fp_err too_many(struct reading *r, const char *field, size_t max, const char *got)
{
    char reason[64];

    (void)snprintf(reason, sizeof reason, "there are more than %zu", max);
    return fail(r, field, reason, got);
}

/* Cuts the next word off; NULL at the end of the line. */
static char *next_word(char **at)
{
    char *word = *at + strspn(*at, BLANKS);

    if (*word == '\0' || *word == '#') {
        return NULL;
    }
    char *end = word + strcspn(word, BLANKS);
    if (*end != '\0') {
        *end++ = '\0';
    }
    *at = end;
    return word;
}

static bool has_id(const struct ids *f, const struct fp_id *id)
{
    for (size_t i = 0; i < *f->count; i++) {
        if (fp_id_eq(&f->ids[i], id)) {
            return true;
        }
    }
    return false;
}

static enum fp_err take_id(struct reading *r, const struct ids *f, const char *text)
{
    struct fp_id id;

    if (!fp_id_parse(text, strlen(text), &id)) {
        return fail(r, f->field, ID_EXPECTED, text);
    }
    if (has_id(f, &id)) {
        return fail(r, f->field, "it comes twice", text);
    }
    if (*f->count == f->max) {
        return too_many(r, f->field, f->max, text);
    }
    f->ids[(*f->count)++] = id;
    return FP_OK;
}

/* `S1,S2,...` without blanks. */
static enum fp_err take_ids(struct reading *r, const struct ids *f, char *text)
{
    enum fp_err err = FP_OK;

    if (text == NULL) {
        return fail(r, f->field, "ids are expected, separated by commas without blanks", "");
    }
    for (char *at = text; at != NULL && !err;) {
        char *comma = strchr(at, ',');
        if (comma != NULL) {
            *comma++ = '\0';
        }
        err = take_id(r, f, at);
        at = comma;
    }
    return err;
}

static enum fp_err take_fields(struct reading *r, struct hub_relay *relay, char *at)
{
    struct ids fields[] = {
        {"scopes", relay->scopes, &relay->scope_count, HUB_RELAY_SCOPES_MAX},
        {"users", relay->users, &relay->user_count, HUB_RELAY_USERS_MAX},
    };
    enum fp_err err = FP_OK;

    for (char *word = next_word(&at); word != NULL && !err; word = next_word(&at)) {
        struct ids *f = strcmp(word, "scopes") == 0 ? &fields[0] : strcmp(word, "users") == 0 ? &fields[1] : NULL;
        if (f == NULL) {
            return fail(r, "field", "scopes or users is expected", word);
        }
        if (*f->count > 0) {
            return fail(r, f->field, "it is given twice", word);
        }
        err = take_ids(r, f, next_word(&at));
    }
    if (!err && relay->scope_count == 0) {
        return fail(r, "scopes", "a relay serves at least one scope", "");
    }
    return err;
}

static enum fp_err take_line(struct reading *r, char *line)
{
    struct hub_relay relay = {0};
    char *at = line;
    const char *name = next_word(&at);

    if (name == NULL) {
        return FP_OK;
    }
    if (!fp_id_parse(name, strlen(name), &relay.relay)) {
        return fail(r, "name", ID_EXPECTED, name);
    }
    if (strcmp(name, "~hub") == 0) {
        return fail(r, "name", "it is the hub's own", name);
    }
    if (relay_list_find(&r->list, &relay.relay) != NULL) {
        return fail(r, "name", "the relay comes twice", name);
    }
    if (r->list.count == HUB_RELAYS_MAX) {
        return too_many(r, "name", HUB_RELAYS_MAX, name);
    }
    r->name = name;
    enum fp_err err = take_fields(r, &relay, at);
    if (!err) {
        r->list.rows[r->list.count++] = relay;
    }
    return err;
}

static enum fp_err take_lines(struct reading *r, FILE *f)
{
    char line[LINE_MAX_BYTES];
    enum fp_err err = FP_OK;

    while (!err && fgets(line, sizeof line, f) != NULL) {
        size_t len = strlen(line);
        r->line++;
        if (len == 0 || (line[len - 1] != '\n' && !feof(f))) { /* a NUL ends it early, too */
            return fail(r, "line", "it is too long, or no text", line);
        }
        err = take_line(r, line);
        r->name = NULL; /* it points into the line */
    }
    if (!err && ferror(f)) {
        (void)snprintf(r->why, r->why_cap, "option relays_file: cannot be read: %s (got \"%s\")", strerror(errno), r->path);
        return FP_ECONFIG;
    }
    return err;
}

enum fp_err relays_file_read(const char *path, struct relay_list *out, char *out_why, size_t why_cap)
{
    struct reading r = {.path = path, .why = out_why, .why_cap = why_cap};
    FILE *f = fopen(path, "re");

    if (f == NULL) {
        (void)snprintf(out_why, why_cap, "option relays_file: cannot be opened: %s (got \"%s\")", strerror(errno), path);
        return FP_ECONFIG;
    }
    enum fp_err err = take_lines(&r, f);
    (void)fclose(f); /* only read from */
    if (!err) {
        *out = r.list;
    }
    return err;
}

const struct hub_relay *relay_list_find(const struct relay_list *list, const struct fp_id *name)
{
    for (size_t i = 0; i < list->count; i++) {
        if (fp_id_eq(&list->rows[i].relay, name)) {
            return &list->rows[i];
        }
    }
    return NULL;
}
