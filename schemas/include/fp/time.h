/*
 * time.h: two clocks as two types, so that they cannot mix.
 *
 * Units       fp_mono: microseconds on a clock that never steps; for deadlines.
 *             fp_wall: milliseconds since 1970-01-01 UTC; for people.
 */
#ifndef FP_TIME_H
#define FP_TIME_H

#include <stdint.h>

struct fp_mono {
    uint64_t us;
};

struct fp_wall {
    uint64_t ms;
};

#endif
