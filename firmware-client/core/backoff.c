#include "firmware-client/core/backoff.h"

uint32_t fp_backoff_ms(uint32_t random, uint32_t attempt, uint32_t min_ms, uint32_t max_ms)
{
    uint32_t cap = min_ms;
    for (; attempt > 0 && cap < max_ms; attempt--) {
        cap = cap > UINT32_MAX / 2 ? UINT32_MAX : cap * 2;
    }
    cap = cap < max_ms ? cap : max_ms;
    uint32_t wait_ms = cap == UINT32_MAX ? random : random % (cap + 1);
    return wait_ms > min_ms / 2 ? wait_ms : min_ms / 2;
}
