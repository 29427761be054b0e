/*
 * histogram.h: how often what was how large: counts in buckets of powers of two.
 *
 * Units       the caller's. Bucket 0 counts zeros, bucket i values from 2^(i-1) up to 2^i - 1, and the last one all that is larger
 * Invariants  G1 the counts only rise: two looks at them differ by what was added between, whatever was lost on the way to who looks.
 * Memory      the caller owns it; all zero is an empty one
 */
#ifndef PLUGIN_CORE_HISTOGRAM_H
#define PLUGIN_CORE_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_BUCKETS 32 /* of microseconds: up to 18 minutes */

struct histogram {
    uint64_t counts[HISTOGRAM_BUCKETS];
    uint64_t max; /* since histogram_take_max() */
};

void histogram_add(struct histogram *g, uint64_t value);
/* How many buckets there are up to the last one that is not empty. */
size_t histogram_len(const struct histogram *g);
/* The largest value since the last call; 0: nothing was added. */
uint64_t histogram_take_max(struct histogram *g);

#endif
