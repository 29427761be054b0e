#include "plugin/hub/state.h"

enum fp_err redact_apply(struct hub *h, struct command_ctx *x)
{
    (void)h;
    (void)x;
    return FP_EUNSUPPORTED;
}

enum fp_err redact_due(struct hub *h)
{
    (void)h;
    return FP_OK;
}
