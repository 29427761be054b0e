/*
 * clock.h: the two clocks of the machine, for the adapters; everything behind a port gets the time handed in.
 */
#ifndef PLUGIN_MOSQ_CLOCK_H
#define PLUGIN_MOSQ_CLOCK_H

#include <time.h>

#include "fp/time.h"

static inline uint64_t clock_read_us(clockid_t id)
{
    struct timespec ts = {0};
    (void)clock_gettime(id, &ts); /* cannot fail for the clocks below */
    return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static inline struct fp_mono clock_mono(void)
{
    return (struct fp_mono){.us = clock_read_us(CLOCK_MONOTONIC)};
}

static inline struct fp_wall clock_wall(void)
{
    return (struct fp_wall){.ms = clock_read_us(CLOCK_REALTIME) / 1000};
}

#endif
