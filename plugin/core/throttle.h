/*
 * throttle.h: a token bucket: so many a second on average, and a burst of a few seconds' worth.
 *
 * Units       levels in millionths of a token, so that a refill of one microsecond is not lost to rounding
 * Memory      the caller owns every struct; all zero is a full bucket
 */
#ifndef PLUGIN_CORE_THROTTLE_H
#define PLUGIN_CORE_THROTTLE_H

#include <stdbool.h>
#include <stdint.h>

#include "fp/time.h"

struct throttle {
    uint64_t spent_millionths; /* how far below full */
    struct fp_mono since;      /* when that was so */
};

/* Takes one token. If there is none, false, and *out_wait_ms says when there will be one. rate_per_s 0 never refuses. */
bool throttle_take(struct throttle *t, uint32_t rate_per_s, uint32_t burst_s, struct fp_mono now, uint64_t *out_wait_ms);

#endif
