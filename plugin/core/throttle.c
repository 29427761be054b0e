#include "plugin/core/throttle.h"

#define TOKEN 1000000ULL /* at rate r, r millionths come back each microsecond */

bool throttle_take(struct throttle *t, uint32_t rate_per_s, uint32_t burst_s, struct fp_mono now, uint64_t *out_wait_ms)
{
    *out_wait_ms = 0;
    if (rate_per_s == 0) {
        return true;
    }
    uint64_t elapsed_us = now.us > t->since.us ? now.us - t->since.us : 0;
    uint64_t to_full_us = t->spent_millionths / rate_per_s + 1;
    uint64_t spent = elapsed_us >= to_full_us ? 0 : t->spent_millionths - elapsed_us * rate_per_s;
    uint64_t capacity = TOKEN * rate_per_s * burst_s;

    t->since.us += elapsed_us;
    t->spent_millionths = spent;
    if (spent + TOKEN > capacity) {
        uint64_t missing_us = (spent + TOKEN - capacity + rate_per_s - 1) / rate_per_s;
        *out_wait_ms = (missing_us + 999) / 1000;
        return false;
    }
    t->spent_millionths = spent + TOKEN;
    return true;
}
