/*
 * config.h: the options of the plugin, all in one table: name, range, default, what it is for.
 *
 * Shape       `plugin_opt_<name> <value>` in the broker's configuration, and `<name> <value>` lines in the file that `options_file` names;
 *             an option comes once, in one of the two
 * Invariants  O1 what config_load() accepts keeps every range, and fits together (rings hold what the limits allow, a site has a name).
 * Errors      FP_ECONFIG, and a line for the operator: "option NAME: REASON (got "VALUE")", with FILE:LINE where it stands in a file
 * Memory      values only
 * Thread      no hidden state
 */
#ifndef PLUGIN_MOSQ_CONFIG_H
#define PLUGIN_MOSQ_CONFIG_H

#include <stdio.h>

#include "plugin/hub/hub.h"
#include "plugin/mosq/relays_file.h"

#define CONFIG_PATH_MAX 1024
#define CONFIG_WHY_MAX 1536

enum other_topics {
    OTHER_AUTO, /* not given: the host's facts decide */
    OTHER_ALLOW,
    OTHER_DEFER,
};

struct id_list {
    struct fp_id ids[HUB_NAMES_MAX];
    size_t count;
};

struct config {
    char db_file[CONFIG_PATH_MAX];
    char options_file[CONFIG_PATH_MAX];
    uint64_t db_max_mb;
    enum hub_role role;
    struct fp_id relay; /* of a site: its own name on the trunk */
    char relays_file[CONFIG_PATH_MAX];
    struct relay_list relays; /* what stands in it */
    struct id_list services;
    struct id_list operators;
    enum other_topics other_topics;
    bool open_scopes;
    uint64_t max_command_bytes;
    uint64_t max_batch_commands;
    uint64_t max_batch_bytes;
    uint64_t max_page_bytes;
    uint64_t max_title_bytes;
    uint64_t max_members;
    uint64_t commands_per_s;
    uint64_t asks_per_s;
    uint64_t now_per_s;
    uint64_t answers_days;
    char archive_dir[CONFIG_PATH_MAX];
    uint64_t archive_days;
    uint64_t cache_entries;
    uint64_t access_entries;
    uint64_t ring_in_kb;
    uint64_t ring_out_kb;
};

struct config_pair { /* as struct mosquitto_opt, without the prefix */
    const char *name;
    const char *value;
};

/* Where a message for the operator goes: a reload may have several. */
struct config_log {
    void (*line)(void *arg, const char *text);
    void *arg;
};

/* On an error *out is not touched and why says what to mend. */
enum fp_err config_load(const struct config_pair *pairs, size_t count, struct config *out, char *out_why, size_t why_cap);

/*
 * After SIGHUP: reads all again. An option that only counts at the start keeps its running value, with a line to `warn` if it differs.
 * On an error *out is not touched: the running configuration stays.
 */
enum fp_err config_reload(const struct config_pair *pairs, size_t count, const struct config *running, struct config_log warn, struct config *out,
                          char *out_why, size_t why_cap);

void config_hub(const struct config *c, struct hub_config *out);

/* The table for README.md. */
void config_print_markdown(FILE *out);

#endif
