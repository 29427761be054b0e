/*
 * arena.h: memory for one batch, given back all at once.
 *
 * Shape       blocks; what is asked for is never moved, and good until arena_reset()
 * Errors      NULL when there is no memory
 */
#ifndef PLUGIN_HUB_ARENA_H
#define PLUGIN_HUB_ARENA_H

#include <stddef.h>

#include "fp/bytes.h"

struct arena_block;

struct arena {
    struct arena_block *first; /* kept across resets */
    struct arena_block *last;
};

void *arena_alloc(struct arena *a, size_t size); /* aligned for anything */
/* A copy of the bytes; p is NULL when there is no memory (and for an empty span, where that is fine). */
struct fp_bytes arena_copy(struct arena *a, struct fp_bytes in);
void arena_reset(struct arena *a);
void arena_fini(struct arena *a);

#endif
