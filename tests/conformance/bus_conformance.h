/*
 * bus_conformance.h: what every bus port must do; one suite for all of them.
 */
#ifndef TESTS_CONFORMANCE_BUS_CONFORMANCE_H
#define TESTS_CONFORMANCE_BUS_CONFORMANCE_H

#include "plugin/hub/bus.h"

struct bus_effect { /* a publish that reaches its readers, or a grant that counts from now on */
    enum tell_kind kind;
    const char *topic;
    struct fp_bytes payload;
    uint8_t qos;
    bool retain;
    struct fp_id id;
    struct fp_id user;
    bool allowed;
    uint64_t change;
};

typedef void (*bus_effect_fn)(void *arg, const struct bus_effect *e);

struct bus_maker {
    void *ctx;
    struct bus_port (*make)(void *ctx);
    void (*deliver)(void *ctx, bus_effect_fn fn, void *arg); /* all that has been told, in the order of taking effect */
    void (*stop)(void *ctx);                                 /* nobody is there any more */
    void (*end)(void *ctx);
};

/* Returns the number of failed tests. */
int bus_conformance_run(const struct bus_maker *maker);

#endif
