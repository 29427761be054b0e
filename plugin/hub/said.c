#include "plugin/hub/trunk.h"

enum fp_err event_said(struct hub *h, struct command_ctx *x, const struct fp_event *ev)
{
    enum fp_err err = receipts_said(h, x, ev);
    if (!err) {
        err = ttl_said(h, x, ev);
    }
    if (!err) {
        err = alerts_said(h, x, ev);
    }
    if (!err && x->canonical) {
        err = site_said(h, x, ev);
    }
    if (!err) {
        typing_stop(h, &ev->conv, &ev->user);
    }
    return err;
}
