#include "plugin/core/histogram.h"

static size_t bucket_of(uint64_t value)
{
    size_t bits = value == 0 ? 0 : 64 - (size_t)__builtin_clzll(value);
    return bits < HISTOGRAM_BUCKETS ? bits : HISTOGRAM_BUCKETS - 1;
}

void histogram_add(struct histogram *g, uint64_t value)
{
    g->counts[bucket_of(value)]++;
    g->max = value > g->max ? value : g->max;
}

size_t histogram_len(const struct histogram *g)
{
    size_t len = HISTOGRAM_BUCKETS;
    while (len > 0 && g->counts[len - 1] == 0) {
        len--;
    }
    return len;
}

uint64_t histogram_take_max(struct histogram *g)
{
    uint64_t max = g->max;
    g->max = 0;
    return max;
}
