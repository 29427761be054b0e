#include "plugin/hub/state.h"

void nudge_report(struct hub *h, const struct source_item *item)
{
    (void)h;
    (void)item;
}

enum fp_err nudge_run(struct hub *h)
{
    (void)h;
    return FP_OK;
}

uint64_t nudge_wait_us(const struct hub *h, struct fp_mono now)
{
    (void)h;
    (void)now;
    return UINT64_MAX;
}
