/* A device in the background gets heads, its inbox and its answers, and nothing else: the broker's thread holds the rest back. */
#include "plugin/hub/state.h"

/*
 * Told at once and not with the batch: it belongs to the connection and not to the store, so a batch that fails takes nothing of it back. What the
 * batch still tells may come on the other side of it; after "not idle" the device asks for what it has missed anyway.
 */
static void tell_idle(struct hub *h, struct hub_session *s, bool idle)
{
    if (s->idle != idle) {
        s->idle = idle;
        tells_grant_now(h, TELL_IDLE, &s->device, &s->user, idle);
    }
}

enum fp_err idle_set(struct hub *h, struct command_ctx *x)
{
    bool idle = false;
    enum fp_err err = fp_flag_decode(x->cmd->body, &idle, &x->why);
    if (err) {
        return err;
    }
    struct hub_session *s = session_need(h, x);
    if (!s) {
        return FP_ECONFLICT;
    }
    tell_idle(h, s, idle);
    return FP_OK;
}

void idle_end(struct hub *h, struct hub_session *s)
{
    tell_idle(h, s, false);
}
