#include "plugin/hub/state.h"

enum fp_err alerts_said(struct hub *h, struct command_ctx *x, const struct fp_event *ev)
{
    (void)h;
    (void)x;
    (void)ev;
    return FP_OK;
}
