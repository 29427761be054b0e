#include "plugin/core/target.h"
#include "plugin/hub/state.h"

#define TTL_MAX_S (1ULL << 40) /* what lasts longer lasts for ever */

enum fp_err ttl_said(struct hub *h, struct command_ctx *x, const struct fp_event *ev)
{
    if (ev->kind != FP_K_MSG || !x->cmd->has_ttl || x->cmd->ttl_s > TTL_MAX_S) {
        return FP_OK;
    }
    uint64_t ttl_ms = x->cmd->ttl_s * 1000;
    uint64_t age_ms = x->cmd->has_age ? x->cmd->age_ms : 0;
    struct store_timer t = {
        .kind = STORE_TIMER_TTL,
        .owner = ev->conv,
        .seq = ev->seq,
        .version = ev->seq,
        .due = {.ms = ev->at.ms + (ttl_ms > age_ms ? ttl_ms - age_ms : 0)},
    };
    return timers_set(h, &t);
}

/* The hub's own device, so that what it does is numbered and remembered as everything else is. */
static enum fp_err hub_device(struct hub *h, const struct fp_id *id, struct hub_device **out)
{
    enum fp_err err = cache_device(h, id, out);
    if (err || *out) {
        return err;
    }
    struct store_device d = {.id = *id, .user = *id, .next_n = 1};
    err = stage_begin(h);
    if (!err) {
        err = h->store.save_device(h->store.ctx, &d);
    }
    return err ? err : cache_new_device(h, &d, out);
}

static enum fp_err is_there(struct hub *h, const struct hub_conv *c, uint64_t seq, bool *out)
{
    struct store_target t;
    bool changed = false;

    *out = false;
    if (seq <= c->c.floor) {
        return FP_OK;
    }
    enum fp_err err = h->store.load_target(h->store.ctx, c->c.cid, seq, &t, &changed);
    *out = !err && (!changed || t.state < TARGET_DELETED);
    return err;
}

enum fp_err ttl_timer(struct hub *h, const struct store_timer *t)
{
    struct source_item item = {.kind = SOURCE_MESSAGE, .user = context_hub(), .device = context_hub(), .mono = h->mono, .wall = h->wall};
    struct command_ctx x = {.item = &item, .role = FP_ROLE_NONE};
    struct hub_conv *c = NULL;
    bool there = false;

    enum fp_err err = cache_conv(h, &t->owner, &c);
    if (!err && c) {
        err = is_there(h, c, t->seq, &there);
    }
    if (err || !there) {
        return err;
    }
    err = hub_device(h, &item.device, &x.dev);
    if (err) {
        return err;
    }
    struct fp_command cmd = {
        .kind = FP_K_DELETE, .n = x.dev->d.next_n, .conv = t->owner, .seen = c->c.head, .ref = t->seq, .priority = FP_PRIORITY_NORMAL};
    x.cmd = &cmd;
    err = change_delete(h, &x);
    return fp_err_is_peer(err) && err != FP_EFULL && err != FP_EBUSY ? FP_OK : err; /* a refusal: there is nothing left to delete */
}
