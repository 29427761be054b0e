#include "plugin/hub/state.h"

enum fp_err change_edit(struct hub *h, struct command_ctx *x)
{
    (void)h;
    (void)x;
    return FP_EUNSUPPORTED;
}

enum fp_err change_delete(struct hub *h, struct command_ctx *x)
{
    (void)h;
    (void)x;
    return FP_EUNSUPPORTED;
}

enum fp_err change_react(struct hub *h, struct command_ctx *x)
{
    (void)h;
    (void)x;
    return FP_EUNSUPPORTED;
}

enum fp_err change_confirm(struct hub *h, struct command_ctx *x)
{
    (void)h;
    (void)x;
    return FP_EUNSUPPORTED;
}
