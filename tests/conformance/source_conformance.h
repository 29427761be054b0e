/*
 * source_conformance.h: what every source port must do; one suite for all of them.
 */
#ifndef TESTS_CONFORMANCE_SOURCE_CONFORMANCE_H
#define TESTS_CONFORMANCE_SOURCE_CONFORMANCE_H

#include "plugin/hub/source.h"

struct source_maker {
    void *ctx;
    struct source_port (*make)(void *ctx);
    void (*push)(void *ctx, const struct source_item *item); /* all but the stamps; a DISCONNECT only after another item of its conn */
    void (*quiet)(void *ctx, uint64_t us);                   /* nothing arrives for so long, or longer */
    void (*stop)(void *ctx);                                 /* no more is coming */
    void (*end)(void *ctx);
};

/* Returns the number of failed tests. */
int source_conformance_run(const struct source_maker *maker);

#endif
