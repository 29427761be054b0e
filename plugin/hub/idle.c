#include "plugin/hub/state.h"

enum fp_err idle_set(struct hub *h, struct command_ctx *x)
{
    (void)h;
    (void)x;
    return FP_EUNSUPPORTED;
}

void idle_end(struct hub *h, struct hub_session *s)
{
    (void)h;
    (void)s;
}
