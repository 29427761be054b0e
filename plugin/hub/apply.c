/* What the hub has ordered runs through the handlers of its command. They do not judge then, and store the event as it is. */
#include "plugin/hub/site.h"

static struct fp_command command_of(const struct fp_event *ev)
{
    return (struct fp_command){
        .kind = ev->kind,
        .n = ev->n,
        .conv = ev->conv,
        .seen = ev->seen,
        .ref = ev->ref,
        .priority = ev->priority,
        .body = ev->body,
        .trace = ev->trace,
    };
}

/* What it is about is behind the floor here: there is nothing left to change. */
static bool is_about_gone(const struct hub_conv *c, const struct fp_event *ev)
{
    return c && ev->kind != FP_K_MSG && ev->ref > 0 && ev->ref <= c->c.floor;
}

/* The event counts, whatever this release makes of it: the chain must go on. */
static enum fp_err append_bare(struct hub *h, struct command_ctx *x)
{
    enum fp_err err = x->conv ? cache_member(h, x->conv->c.cid, &x->item->user, &x->member) : FP_EMALFORMED;
    return err ? err : event_append(h, x, x->canonical);
}

static enum fp_err run(struct hub *h, struct command_ctx *x)
{
    if (is_about_gone(x->conv, x->canonical)) {
        return append_bare(h, x);
    }
    struct hub_conv *c = x->conv;
    enum fp_err err = command_apply(h, x);
    if (!fp_err_is_peer(err) || err == FP_EFULL || err == FP_EBUSY) {
        return err;
    }
    h->site->counters.apply_failures++;
    x->conv = c;
    return c && c->c.head == x->canonical->seq ? FP_OK : append_bare(h, x);
}

enum fp_err apply_event(struct hub *h, struct fp_bytes one)
{
    struct fp_event ev;
    if (fp_event_decode(one, &ev) || ev.seq == 0 || fp_id_is_none(&ev.conv)) {
        return FP_EMALFORMED;
    }
    struct fp_command cmd = command_of(&ev);
    struct source_item item = {
        .kind = SOURCE_MESSAGE, .topic = FP_TOPIC_DEVICE_UP, .user = ev.user, .device = ev.device, .mono = h->mono, .wall = ev.at};
    struct command_ctx x = {.item = &item, .cmd = &cmd, .raw = one, .role = FP_ROLE_SERVICE, .canonical = &ev, .canonical_bytes = one};

    enum fp_err err = cache_conv(h, &ev.conv, &x.conv);
    if (err) {
        return err;
    }
    uint64_t head = x.conv ? x.conv->c.head : 0;
    if (ev.seq <= head) {
        return FP_ECONFLICT;
    }
    if (ev.seq != head + 1 || (!x.conv && ev.kind != FP_K_CONV_NEW)) {
        return FP_EGAP;
    }
    err = run(h, &x);
    if (!err) {
        h->site->counters.applied++;
        err = apply_receipts_due(h, x.conv);
    }
    return err;
}

/* ------------------------------------------------------------------ conv-new */

struct named {
    const struct fp_conv_body *body;
    const struct fp_id *owner;
};

static bool is_named(const void *arg, const struct fp_id *user)
{
    const struct named *k = arg;
    struct fp_conv_body body = *k->body;
    struct fp_id id;
    uint64_t role = 0;
    bool found = fp_id_eq(k->owner, user);
    while (!found && fp_conv_body_member(&body, &id, &role)) {
        found = fp_id_eq(&id, user);
    }
    return found;
}

/* Where another one was first with this id, whom only ours had let in is put out. */
enum fp_err apply_conv_new(struct hub *h, struct command_ctx *x)
{
    struct fp_conv_body body;
    enum fp_err err = fp_conv_body_decode(x->cmd->body, SIZE_MAX, &body, &x->why);
    if (!err) {
        err = stage_begin(h);
    }
    if (!err && x->conv) {
        struct named named = {.body = &body, .owner = &x->item->user};
        err = member_put_others_out(h, x->conv, is_named, &named);
    }
    if (err) {
        return err;
    }
    struct store_conv row = {.id = x->cmd->conv, .scope = body.scope, .about_seq = 1, .retention_days = body.retention_days};
    if (x->conv) {
        row.cid = x->conv->c.cid;
    }
    err = conv_save_new(h, x, &body, &row);
    if (!err) {
        err = event_append(h, x, x->canonical);
    }
    if (!err) {
        x->conv->about_changed = true;
    }
    return err;
}
