/*
 * config_table.h: the one table of options, for those who load and those who print it.
 */
#ifndef EDGE_RELAY_NET_CONFIG_TABLE_H
#define EDGE_RELAY_NET_CONFIG_TABLE_H

#include "edge-relay/net/config.h"

enum option_kind {
    OPTION_LISTEN,  /* struct config_text: ADDRESS:PORT, numeric, or `off` */
    OPTION_BROKER,  /* struct config_text: HOST:PORT, or a path that starts with a slash */
    OPTION_PATH,    /* struct config_text: a path, or `off` */
    OPTION_WORD,    /* struct config_text: anything without blanks, or `off` */
    OPTION_PEER,    /* struct config_text: HOST:PORT, or `off` */
    OPTION_ORIGINS, /* struct config_text: see core/origin.h */
    OPTION_COUNT,   /* uint64_t, min to max */
    OPTION_LEVEL,   /* enum log_level */
};

struct option_row {
    const char *name;
    enum option_kind kind;
    size_t at;
    uint64_t min, max;
    const char *preset; /* parsed like any other value */
    bool live;          /* SIGHUP changes it; the others count from the next start */
    const char *about;
};

extern const struct option_row option_rows[];
extern const size_t option_row_count;

const struct option_row *option_row_find(const char *name, size_t len);
/* NULL, or the reason why the value is refused; *c is touched only if it is taken. */
const char *option_row_set(const struct option_row *o, const char *value, struct config *c);
/* What a value looks like, for people; NULL for a count, whose range says it. */
const char *option_row_shape(const struct option_row *o);

#endif
