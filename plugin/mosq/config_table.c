#include "plugin/mosq/config_table.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#define AT(field) offsetof(struct config, field)

/* Counts: name, field, min, max, preset. */
#define COUNT(field, low, high, fallback) .name = #field, .kind = OPTION_COUNT, .at = AT(field), .min = (low), .max = (high), .preset = (fallback)

const struct option option_table[] = {
    {.name = "db_file",
     .kind = OPTION_PATH,
     .at = AT(db_file),
     .preset_text = "required", /* the host takes no name of less than three letters */
     .about = "The database file. Its directory must exist and be writable for the broker's user."},
    {COUNT(db_max_mb, 0, 1U << 24, 0), .preset_text = "0 (no quota)",
     .about =
         "Most megabytes of the database file. Below the size of the disk it keeps deletes possible when the quota is used up; commands then get "
         "`nack full`."},
    {.name = "role",
     .kind = OPTION_ROLE,
     .at = AT(role),
     .preset_text = "`hub`",
     .about = "`hub`: decides, and keeps everything. `site`: a broker at the far end of a trunk that works on while its hub cannot be reached."},
    {.name = "relay",
     .kind = OPTION_ID,
     .at = AT(relay),
     .preset_text = "required with `role site`, refused with `role hub`",
     .about = "A site's own name on the trunk. The one that carries the trunk's frames connects to both brokers under this username, which has no "
              "other rights below `fp/`."},
    {.name = "relays_file",
     .kind = OPTION_PATH,
     .at = AT(relays_file),
     .preset_text = "none; refused with `role site`",
     .live = true,
     .about = "A file with the relays that a hub serves, one a line: `NAME scopes S1,S2 users U1,U2`; `users` may be left out and then "
              "means all members of these scopes, `#` begins a comment. It is read again on SIGHUP."},
    {.name = "services",
     .kind = OPTION_IDS,
     .at = AT(services),
     .preset_text = "none",
     .live = true,
     .about = "Usernames, separated by commas, that may do everything everywhere (role 9)."},
    {.name = "operators",
     .kind = OPTION_IDS,
     .at = AT(operators),
     .preset_text = "none",
     .live = true,
     .about = "Usernames, separated by commas, that read `fp/1/ops/#`."},
    {.name = "other_topics",
     .kind = OPTION_OTHER,
     .at = AT(other_topics),
     .preset_text = "see text",
     .live = true,
     .about =
         "Topics outside `fp/`: `allow` lets everyone publish and subscribe there, `defer` leaves it to the broker's `acl_file` and other plugins, "
         "and "
         "is a refusal where there are none. Without the option: `allow` where the broker's configuration names neither, `defer` where it does or "
         "cannot be read."},
    {.name = "open_scopes",
     .kind = OPTION_BOOL,
     .at = AT(open_scopes),
     .preset = true,
     .live = true,
     .about = "`true`: anyone may open a new scope by creating its first conversation. `false`: only services may."},
    {COUNT(max_command_bytes, 256, FP_EVENTS_BYTES_MAX - FP_EVENT_OVERHEAD_MAX, FP_COMMAND_BYTES_MAX), .live = true, .about = "Longest command."},
    {COUNT(max_batch_commands, 1, FP_BATCH_COMMANDS_MAX, FP_BATCH_COMMANDS_MAX), .live = true, .about = "Most commands in one publish."},
    {COUNT(max_batch_bytes, 1024, FP_BATCH_BYTES_MAX, FP_BATCH_BYTES_MAX), .live = true, .about = "Longest payload of one publish."},
    {COUNT(max_page_bytes, FP_EVENTS_BYTES_MAX + 1024, 1U << 18, FP_PAGE_BYTES_MAX), .live = true,
     .about = "Longest page of history, before compression."},
    {COUNT(max_title_bytes, 1, 1024, FP_TITLE_BYTES_MAX), .live = true, .about = "Longest title of a conversation."},
    {COUNT(max_members, 2, 10000, FP_MEMBERS_MAX), .live = true, .about = "Most members of a conversation."},
    {COUNT(commands_per_s, 0, 1000000, FP_RATE_PER_S), .live = true,
     .about = "Durable commands a second that one device may send, with a burst of five times as many. `0`: no limit."},
    {COUNT(asks_per_s, 0, 1000000, FP_ASKS_PER_S), .live = true,
     .about = "The same for what asks without a number: `hello`, `get`, `heads`, receipts and the like."},
    {COUNT(now_per_s, 0, 1000000, FP_NOW_PER_S), .live = true,
     .about = "The same for what travels on `.../now`: typing, activity, watches, the clock. What is above is dropped without an answer."},
    {COUNT(answers_days, 0, 36500, 60), .live = true,
     .about =
         "For how many days the answers to commands are kept, so that a repeated command gets its first answer again: at least 30, or `0` for ever."},
    {.name = "archive_dir",
     .kind = OPTION_PATH,
     .at = AT(archive_dir),
     .preset_text = "none; refused with `role site`",
     .about = "A directory for the archive: old events of conversations that keep theirs for ever go there, into files of their own (see "
              "\"Archive\"). Without it they stay in the database."},
    {COUNT(archive_days, 0, 36500, 90), .live = true,
     .about = "How old events are when they may go into the archive. `0`: all but a conversation's newest, at once; that makes many small files."},
    {COUNT(cache_entries, 64, 1U << 24, 4096), .about = "Conversations, devices and memberships that the engine holds in memory, each."},
    {COUNT(access_entries, 1024, 1U << 24, 65536), .about = "Access decisions that the broker's thread holds in memory, about 150 bytes each."},
    {COUNT(ring_in_kb, 1024, 1U << 20, 8192),
     .about =
         "Room for commands on their way to the engine; when it is full, commands get `nack busy`. Rounded up to a power of two; at least four times "
         "`max_batch_bytes`."},
    {COUNT(ring_out_kb, 4096, 1U << 20, 16384),
     .about = "Room for what the engine has to tell; when it is full, the engine waits for the broker. Rounded up to a power of two."},
    {.name = "options_file",
     .kind = OPTION_PATH,
     .at = AT(options_file),
     .preset_text = "none",
     .about = "A file with more options, one `name value` a line, `#` begins a comment. It is read again on SIGHUP."},
};

const size_t option_count = sizeof option_table / sizeof option_table[0];

_Static_assert(sizeof option_table / sizeof option_table[0] <= OPTION_COUNT_MAX, "who keeps a flag an option has room for it");

const struct option *option_find(const char *name)
{
    for (size_t i = 0; i < option_count; i++) {
        if (strcmp(option_table[i].name, name) == 0) {
            return &option_table[i];
        }
    }
    return NULL;
}

static void *value_of(const struct option *o, struct config *c)
{
    return (char *)c + o->at;
}

static size_t size_of(const struct option *o)
{
    switch (o->kind) {
    case OPTION_PATH:
        return CONFIG_PATH_MAX;
    case OPTION_COUNT:
        return sizeof(uint64_t);
    case OPTION_IDS:
        return sizeof(struct id_list);
    case OPTION_BOOL:
        return sizeof(bool);
    case OPTION_OTHER:
        return sizeof(enum other_topics);
    case OPTION_ROLE:
        return sizeof(enum hub_role);
    case OPTION_ID:
        return sizeof(struct fp_id);
    }
    return 0;
}

void option_preset(const struct option *o, struct config *c)
{
    memset(value_of(o, c), 0, size_of(o)); /* OTHER_AUTO, HUB_ROLE_HUB, no id, the empty list and the empty path are zero */
    if (o->kind == OPTION_COUNT) {
        memcpy(value_of(o, c), &o->preset, sizeof o->preset);
    } else if (o->kind == OPTION_BOOL) {
        bool preset = o->preset != 0;
        memcpy(value_of(o, c), &preset, sizeof preset);
    }
}

bool option_same(const struct option *o, const struct config *a, const struct config *b)
{
    return memcmp((const char *)a + o->at, (const char *)b + o->at, size_of(o)) == 0;
}

void option_copy(const struct option *o, struct config *to, const struct config *from)
{
    memcpy(value_of(o, to), (const char *)from + o->at, size_of(o));
}

static enum fp_err refuse(char *out_reason, size_t cap, const char *reason)
{
    (void)snprintf(out_reason, cap, "%s", reason); /* cut off rather than left out */
    return FP_ECONFIG;
}

static enum fp_err set_path(const char *value, char *out, char *out_reason, size_t cap)
{
    size_t len = strlen(value);

    if (len == 0) {
        return refuse(out_reason, cap, "a path is expected");
    }
    if (len >= CONFIG_PATH_MAX) {
        return refuse(out_reason, cap, "the path is too long");
    }
    memset(out, 0, CONFIG_PATH_MAX);
    memcpy(out, value, len);
    return FP_OK;
}

static enum fp_err set_count(const struct option *o, const char *value, uint64_t *out, char *out_reason, size_t cap)
{
    char *end = NULL;

    errno = 0;
    unsigned long long n = strtoull(value, &end, 10);
    if (value[0] < '0' || value[0] > '9' || *end != '\0') {
        return refuse(out_reason, cap, "a number is expected");
    }
    if (errno != 0 || n < o->min || n > o->max) {
        (void)snprintf(out_reason, cap, "out of range, %" PRIu64 " to %" PRIu64, o->min, o->max);
        return FP_ECONFIG;
    }
    *out = n;
    return FP_OK;
}

static enum fp_err add_id(struct id_list *list, const char *text, size_t len, char *out_reason, size_t cap)
{
    struct fp_id id;

    if (!fp_id_parse(text, len, &id)) {
        return refuse(out_reason, cap, "usernames are expected, of 1 to 36 characters of A-Z a-z 0-9 . _ ~ -, separated by commas");
    }
    for (size_t i = 0; i < list->count; i++) {
        if (fp_id_eq(&list->ids[i], &id)) {
            return refuse(out_reason, cap, "a username comes twice");
        }
    }
    if (list->count == HUB_NAMES_MAX) {
        (void)snprintf(out_reason, cap, "more than %d usernames", HUB_NAMES_MAX);
        return FP_ECONFIG;
    }
    list->ids[list->count++] = id;
    return FP_OK;
}

static enum fp_err set_ids(const char *value, struct id_list *out, char *out_reason, size_t cap)
{
    struct id_list list = {0};
    const char *p = value;

    for (;;) {
        p += strspn(p, " \t");
        size_t len = strcspn(p, ", \t");
        enum fp_err err = add_id(&list, p, len, out_reason, cap);
        if (err) {
            return err;
        }
        p += len;
        p += strspn(p, " \t");
        if (*p == '\0') {
            break;
        }
        if (*p != ',') {
            return refuse(out_reason, cap, "usernames are separated by commas");
        }
        p++;
    }
    *out = list;
    return FP_OK;
}

static enum fp_err set_bool(const char *value, bool *out, char *out_reason, size_t cap)
{
    bool yes = strcmp(value, "true") == 0;

    if (!yes && strcmp(value, "false") != 0) {
        return refuse(out_reason, cap, "true or false is expected");
    }
    *out = yes;
    return FP_OK;
}

static enum fp_err set_other(const char *value, enum other_topics *out, char *out_reason, size_t cap)
{
    bool allow = strcmp(value, "allow") == 0;

    if (!allow && strcmp(value, "defer") != 0) {
        return refuse(out_reason, cap, "allow or defer is expected");
    }
    *out = allow ? OTHER_ALLOW : OTHER_DEFER;
    return FP_OK;
}

static enum fp_err set_role(const char *value, enum hub_role *out, char *out_reason, size_t cap)
{
    bool site = strcmp(value, "site") == 0;

    if (!site && strcmp(value, "hub") != 0) {
        return refuse(out_reason, cap, "hub or site is expected");
    }
    *out = site ? HUB_ROLE_SITE : HUB_ROLE_HUB;
    return FP_OK;
}

static enum fp_err set_id(const char *value, struct fp_id *out, char *out_reason, size_t cap)
{
    struct fp_id id;

    if (!fp_id_parse(value, strlen(value), &id)) {
        return refuse(out_reason, cap, "a name is expected, of 1 to 36 characters of A-Z a-z 0-9 . _ ~ -");
    }
    if (strcmp(value, "~hub") == 0) {
        return refuse(out_reason, cap, "the name is the hub's own");
    }
    *out = id;
    return FP_OK;
}

enum fp_err option_set(const struct option *o, const char *value, struct config *c, char *out_reason, size_t reason_cap)
{
    void *at = value_of(o, c);

    switch (o->kind) {
    case OPTION_PATH:
        return set_path(value, at, out_reason, reason_cap);
    case OPTION_COUNT:
        return set_count(o, value, at, out_reason, reason_cap);
    case OPTION_IDS:
        return set_ids(value, at, out_reason, reason_cap);
    case OPTION_BOOL:
        return set_bool(value, at, out_reason, reason_cap);
    case OPTION_OTHER:
        return set_other(value, at, out_reason, reason_cap);
    case OPTION_ROLE:
        return set_role(value, at, out_reason, reason_cap);
    case OPTION_ID:
        return set_id(value, at, out_reason, reason_cap);
    }
    return FP_ECONFIG;
}
