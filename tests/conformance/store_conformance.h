/*
 * store_conformance.h: what every store port must do; one suite for all of them.
 */
#ifndef TESTS_CONFORMANCE_STORE_CONFORMANCE_H
#define TESTS_CONFORMANCE_STORE_CONFORMANCE_H

#include "plugin/hub/store.h"

struct store_maker {
    void *ctx;
    /* An empty store. */
    enum fp_err (*make)(void *ctx, struct store_port *out);
    /* As after a crash: whatever is not committed is gone. */
    enum fp_err (*restart)(void *ctx, struct store_port *out);
    void (*end)(void *ctx);
};

/* Returns the number of failed tests. */
int store_conformance_run(const struct store_maker *maker);

#endif
