#include "plugin/hub/state.h"

enum fp_err retention_set(struct hub *h, struct hub_conv *c)
{
    (void)h;
    (void)c;
    return FP_OK;
}

enum fp_err retention_timer(struct hub *h, const struct store_timer *t)
{
    (void)h;
    (void)t;
    return FP_OK;
}
