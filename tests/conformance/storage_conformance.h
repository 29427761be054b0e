/*
 * storage_conformance.h: what every storage port must do; see struct fp_storage.
 */
#ifndef TESTS_CONFORMANCE_STORAGE_CONFORMANCE_H
#define TESTS_CONFORMANCE_STORAGE_CONFORMANCE_H

#include "firmware-client/include/fieldpost.h"

struct storage_maker {
    void *ctx;
    struct fp_storage (*make)(void *ctx);   /* a new one, whatever is in it */
    struct fp_storage (*reopen)(void *ctx); /* the same one, after a restart */
    void (*drop)(void *ctx);
};

/* Runs the suite; the number of failed cases. */
int storage_conformance(const char *name, const struct storage_maker *maker);

#endif
