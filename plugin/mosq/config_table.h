/*
 * config_table.h: the one table of options, for those who load and those who print it.
 *
 * Shape       a row an option; its value lives at `at` in struct config
 */
#ifndef PLUGIN_MOSQ_CONFIG_TABLE_H
#define PLUGIN_MOSQ_CONFIG_TABLE_H

#include "plugin/mosq/config.h"

enum option_kind {
    OPTION_PATH,  /* char[CONFIG_PATH_MAX] */
    OPTION_COUNT, /* uint64_t, min to max */
    OPTION_IDS,   /* struct id_list */
    OPTION_BOOL,
    OPTION_OTHER, /* enum other_topics */
    OPTION_ROLE,  /* enum hub_role */
    OPTION_ID,    /* struct fp_id */
};

struct option {
    const char *name;
    enum option_kind kind;
    size_t at;
    uint64_t min, max;
    uint64_t preset;         /* of a count or bool */
    const char *preset_text; /* what the documentation calls the default, where the number does not say it */
    bool live;               /* SIGHUP changes it; the others count from the next start */
    const char *about;       /* a sentence or two, for the README */
};

#define OPTION_COUNT_MAX 32

extern const struct option option_table[];
extern const size_t option_count;

/* The option of that name, or NULL. */
const struct option *option_find(const char *name);
void option_preset(const struct option *o, struct config *c);
/* FP_OK, or FP_ECONFIG and a reason; *c is touched only if all of the value is fine. */
enum fp_err option_set(const struct option *o, const char *value, struct config *c, char *out_reason, size_t reason_cap);
bool option_same(const struct option *o, const struct config *a, const struct config *b);
void option_copy(const struct option *o, struct config *to, const struct config *from);

#endif
