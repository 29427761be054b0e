#include "plugin/hub/state.h"

enum fp_err timers_open(struct hub *h)
{
    (void)h;
    return FP_OK;
}

void timers_close(struct hub *h)
{
    (void)h;
}

enum fp_err timers_set(struct hub *h, const struct store_timer *t)
{
    (void)h;
    (void)t;
    return FP_OK;
}

enum fp_err timers_drop(struct hub *h, enum store_timer_kind kind, const struct fp_id *owner, uint64_t seq)
{
    (void)h;
    (void)kind;
    (void)owner;
    (void)seq;
    return FP_OK;
}

void timers_commit(struct hub *h)
{
    (void)h;
}

void timers_undo(struct hub *h)
{
    (void)h;
}

enum fp_err timers_run(struct hub *h)
{
    (void)h;
    return FP_OK;
}

uint64_t timers_wait_us(const struct hub *h, struct fp_mono now)
{
    (void)h;
    (void)now;
    return UINT64_MAX;
}
