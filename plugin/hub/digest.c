#include "plugin/hub/state.h"

enum fp_err digest_ask(struct hub *h, struct command_ctx *x)
{
    (void)h;
    (void)x;
    return FP_EUNSUPPORTED;
}
