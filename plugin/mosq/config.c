#include "plugin/mosq/config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>

#include "plugin/mosq/clock.h"
#include "plugin/mosq/config_table.h"

#define LINE_MAX_BYTES 4096 /* 64 usernames fit */
#define SHOWN_MAX 200       /* of a bad value in the log */

struct loading {
    struct config config;
    bool seen[OPTION_COUNT_MAX];
    char *why;
    size_t why_cap;
};

struct place { /* where an option stands; no file: the broker's configuration */
    const char *file;
    unsigned line;
};

__attribute__((format(printf, 3, 4))) static enum fp_err fail(struct loading *l, const struct place *at, const char *format, ...)
{
    va_list args;
    int used = 0;

    if (at != NULL && at->file != NULL) {
        used = snprintf(l->why, l->why_cap, "%s:%u: ", at->file, at->line);
    }
    if (used < 0 || (size_t)used >= l->why_cap) {
        return FP_ECONFIG; /* cut off rather than left out */
    }
    va_start(args, format);
    (void)vsnprintf(l->why + used, l->why_cap - (size_t)used, format, args);
    va_end(args);
    return FP_ECONFIG;
}

static enum fp_err take_option(struct loading *l, const struct place *at, const char *name, const char *value)
{
    char reason[CONFIG_WHY_MAX];
    const struct option *o = option_find(name);

    if (o == NULL) {
        return fail(l, at, "option %.*s: there is no such option (got \"%.*s\")", SHOWN_MAX, name, SHOWN_MAX, value);
    }
    if (at->file != NULL && strcmp(name, "options_file") == 0) {
        return fail(l, at, "option %s: it stands in the broker's configuration, not in such a file (got \"%.*s\")", name, SHOWN_MAX, value);
    }
    if (l->seen[o - option_table]) {
        return fail(l, at, "option %s: it is given twice (got \"%.*s\")", name, SHOWN_MAX, value);
    }
    l->seen[o - option_table] = true;
    if (option_set(o, value, &l->config, reason, sizeof reason) != FP_OK) {
        return fail(l, at, "option %s: %s (got \"%.*s\")", name, reason, SHOWN_MAX, value);
    }
    return FP_OK;
}

/* `name value`, blanks around both; a line without a name is fine. Cuts the line up. */
static enum fp_err take_line(struct loading *l, const struct place *at, char *line)
{
    static const char *const blanks = " \t\r\n";
    char *name = line + strspn(line, blanks);

    if (*name == '\0' || *name == '#') {
        return FP_OK;
    }
    char *value = name + strcspn(name, blanks);
    if (*value != '\0') {
        *value++ = '\0';
        value += strspn(value, blanks);
    }
    size_t len = strlen(value);
    while (len > 0 && strchr(blanks, value[len - 1]) != NULL) {
        value[--len] = '\0';
    }
    return take_option(l, at, name, value);
}

static enum fp_err take_lines(struct loading *l, FILE *f, const char *path)
{
    char line[LINE_MAX_BYTES];
    struct place at = {.file = path};
    enum fp_err err = FP_OK;

    while (!err && fgets(line, sizeof line, f) != NULL) {
        at.line++;
        size_t len = strlen(line);
        if (len == sizeof line - 1 && line[len - 1] != '\n') {
            return fail(l, &at, "the line is too long");
        }
        err = take_line(l, &at, line);
    }
    if (!err && ferror(f)) {
        return fail(l, NULL, "option options_file: cannot be read: %s (got \"%s\")", strerror(errno), path);
    }
    return err;
}

static enum fp_err take_file(struct loading *l, const char *path)
{
    FILE *f = fopen(path, "re");
    if (f == NULL) {
        return fail(l, NULL, "option options_file: cannot be opened: %s (got \"%s\")", strerror(errno), path);
    }
    enum fp_err err = take_lines(l, f, path);
    (void)fclose(f); /* only read from */
    return err;
}

/* Each end of a trunk has options of its own. */
static enum fp_err check_role(struct loading *l)
{
    const struct config *c = &l->config;
    bool site = c->role == HUB_ROLE_SITE;

    if (site && fp_id_is_none(&c->relay)) {
        return fail(l, NULL, "option relay: role site requires it: the site's name on the trunk (got \"\")");
    }
    if (!site && !fp_id_is_none(&c->relay)) {
        return fail(l, NULL, "option relay: it is for role site (got \"%.*s\")", (int)c->relay.len, c->relay.text);
    }
    if (site && c->relays_file[0] != '\0') {
        return fail(l, NULL, "option relays_file: it is for role hub (got \"%s\")", c->relays_file);
    }
    if (site && c->archive_dir[0] != '\0') {
        return fail(l, NULL, "option archive_dir: it is for role hub (got \"%s\")", c->archive_dir);
    }
    return FP_OK;
}

/* O1: what no single option can say. */
static enum fp_err check(struct loading *l)
{
    const struct config *c = &l->config;

    if (c->db_file[0] == '\0') {
        return fail(l, NULL, "option db_file: it is required (got \"\")");
    }
    if (c->answers_days > 0 && c->answers_days < 30) {
        return fail(l, NULL, "option answers_days: at least 30, or 0 for ever (got \"%" PRIu64 "\")", c->answers_days);
    }
    if (c->max_command_bytes > c->max_batch_bytes) {
        return fail(l, NULL, "option max_command_bytes: more than max_batch_bytes, which is %" PRIu64 " (got \"%" PRIu64 "\")", c->max_batch_bytes,
                    c->max_command_bytes);
    }
    if (c->ring_in_kb * 1024 < 4 * c->max_batch_bytes) {
        return fail(l, NULL, "option ring_in_kb: less than four times max_batch_bytes, which is %" PRIu64 " (got \"%" PRIu64 "\")",
                    c->max_batch_bytes, c->ring_in_kb);
    }
    return check_role(l);
}

static enum fp_err read_relays(struct loading *l)
{
    l->config.relays = (struct relay_list){0};
    if (l->config.relays_file[0] == '\0') {
        return FP_OK;
    }
    return relays_file_read(l->config.relays_file, &l->config.relays, l->why, l->why_cap);
}

enum fp_err config_load(const struct config_pair *pairs, size_t count, struct config *out, char *out_why, size_t why_cap)
{
    struct loading l = {.why = out_why, .why_cap = why_cap};
    struct place broker = {0};
    enum fp_err err = FP_OK;

    for (size_t i = 0; i < option_count; i++) {
        option_preset(&option_table[i], &l.config);
    }
    for (size_t i = 0; i < count && !err; i++) {
        err = take_option(&l, &broker, pairs[i].name, pairs[i].value ? pairs[i].value : "");
    }
    if (!err && l.config.options_file[0] != '\0') {
        err = take_file(&l, l.config.options_file);
    }
    if (!err) {
        err = check(&l);
    }
    if (!err) {
        err = read_relays(&l);
    }
    if (!err) {
        *out = l.config;
    }
    return err;
}

enum fp_err config_reload(const struct config_pair *pairs, size_t count, const struct config *running, struct config_log warn, struct config *out,
                          char *out_why, size_t why_cap)
{
    struct loading fresh = {.why = out_why, .why_cap = why_cap};
    char text[CONFIG_WHY_MAX];
    enum fp_err err = config_load(pairs, count, &fresh.config, out_why, why_cap);

    if (err) {
        return err;
    }
    struct config merged = fresh.config;
    for (size_t i = 0; i < option_count; i++) {
        const struct option *o = &option_table[i];
        if (!o->live && !option_same(o, running, &fresh.config)) {
            option_copy(o, &merged, running);
            (void)snprintf(text, sizeof text, "option %s: it counts at the start only; the old value stays until then", o->name);
            warn.line(warn.arg, text);
        }
    }
    fresh.config = merged;
    err = check(&fresh); /* a new limit may not fit a ring that stays, nor a new file the role */
    if (!err) {
        *out = merged;
    }
    return err;
}

void config_hub(const struct config *c, struct hub_config *out)
{
    hub_config_init(out); /* the table bounds every value, so that it fits a size_t of 32 bits */
    out->command_bytes = (size_t)c->max_command_bytes;
    out->batch_commands = (size_t)c->max_batch_commands;
    out->page_bytes = (size_t)c->max_page_bytes;
    out->title_bytes = (size_t)c->max_title_bytes;
    out->members = (size_t)c->max_members;
    out->commands_per_s = (uint32_t)c->commands_per_s;
    out->asks_per_s = (uint32_t)c->asks_per_s;
    out->now_per_s = (uint32_t)c->now_per_s;
    out->answers_days = (uint32_t)c->answers_days;
    out->archive = c->archive_dir[0] != '\0';
    out->archive_days = (uint32_t)c->archive_days;
    out->open_scopes = c->open_scopes;
    out->role = c->role;
    out->relay = c->relay;
    memcpy(out->relays, c->relays.rows, sizeof out->relays);
    out->relay_count = c->relays.count;
    memcpy(out->services, c->services.ids, sizeof out->services);
    out->service_count = c->services.count;
    out->cache_convs = (size_t)c->cache_entries;
    out->ops = c->operators.count > 0; /* nobody else may read it */
    out->clock = clock_mono;
}
