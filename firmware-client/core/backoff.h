/*
 * backoff.h: how long to wait before the next attempt: full jitter, so that a thousand devices do not come back at once.
 *
 * Units       ms
 * Source      "Exponential Backoff And Jitter", AWS Architecture Blog, 2015
 */
#ifndef FIRMWARE_CLIENT_CORE_BACKOFF_H
#define FIRMWARE_CLIENT_CORE_BACKOFF_H

#include <stdint.h>

/* attempt from 0. Uniform in [0, min(max, min << attempt)], but at least half of min. `random` is any 32 bits. */
uint32_t fp_backoff_ms(uint32_t random, uint32_t attempt, uint32_t min_ms, uint32_t max_ms);

#endif
