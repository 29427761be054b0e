#include "plugin/hub/state.h"

enum fp_err ttl_said(struct hub *h, struct command_ctx *x, const struct fp_event *ev)
{
    (void)h;
    (void)x;
    (void)ev;
    return FP_OK;
}

enum fp_err ttl_timer(struct hub *h, const struct store_timer *t)
{
    (void)h;
    (void)t;
    return FP_OK;
}
