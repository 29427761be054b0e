#include "plugin/hub/trunk.h"

static enum fp_err save_convs(struct hub *h)
{
    enum fp_err err = FP_OK;
    for (struct hub_conv *c = h->staged_convs; c && !err; c = c->next_staged) {
        err = event_flush(h, c);
        if (!err && c->about_changed) {
            err = conv_publish_about(h, c);
        }
    }
    return err;
}

static enum fp_err save_members(struct hub *h)
{
    enum fp_err err = h->staged_members ? stage_begin(h) : FP_OK; /* a receipt may be all that the batch has */
    for (struct hub_member *m = h->staged_members; m && !err; m = m->next_staged) {
        err = h->store.save_read_msgs(h->store.ctx, m->key.cid, &m->key.user, m->m.read_msgs);
    }
    return err;
}

static enum fp_err save_devices(struct hub *h)
{
    enum fp_err err = FP_OK;
    for (struct hub_device *d = h->staged_devices; d && !err; d = d->next_staged) {
        err = answer_save(h, d);
        if (!err) {
            err = answer_tell_acks(h, d);
        }
    }
    return err;
}

static void unstage(struct hub *h)
{
    for (struct hub_conv *c = h->staged_convs; c; c = c->next_staged) {
        c->staged = false;
        c->about_changed = false;
        c->safety_staged = false;
        c->run = (struct piece_list){0};
    }
    for (struct hub_member *m = h->staged_members; m; m = m->next_staged) {
        m->staged = false;
    }
    receipts_unstage(h);
    for (struct hub_device *d = h->staged_devices; d; d = d->next_staged) {
        d->staged = false;
        d->rows = (struct piece_list){0};
        d->acks = (struct piece_list){0};
    }
}

/* Heads go out after the commit, in due_run(); here they only queue up. */
static enum fp_err queue_heads(struct hub *h)
{
    enum fp_err err = FP_OK;
    for (struct hub_conv *c = h->staged_convs; c && !err; c = c->next_staged) {
        err = due_head(h, c);
        nudge_head(h, c);
        relays_head(h, c);
    }
    return err;
}

enum fp_err batch_commit(struct hub *h)
{
    enum fp_err err = save_convs(h);
    if (!err) {
        err = save_members(h);
    }
    if (!err) {
        err = save_devices(h);
    }
    if (!err) {
        err = receipts_save(h);
    }
    if (!err) {
        err = relays_save(h);
    }
    if (!err && h->begun) {
        struct fp_mono begun = ops_now(h);
        err = h->store.commit(h->store.ctx);
        ops_committed(h, begun);
        h->stats.commits++;
        h->stats.commit_failures += err != FP_OK;
    }
    if (err) {
        return err;
    }
    tells_release(h); /* H1 */
    pages_accept(h);
    timers_commit(h);
    site_commit(h);
    relays_commit(h);
    err = receipts_commit(h);
    err = err ? err : queue_heads(h); /* without memory the batch runs once more, and all of it is answered as repeated */
    unstage(h);
    stage_reset(h);
    return err;
}

void batch_undo(struct hub *h)
{
    if (h->begun) {
        h->store.rollback(h->store.ctx);
    }
    pages_forget_new(h);
    timers_undo(h);
    site_undo(h);
    relays_undo(h);
    unstage(h);
    cache_drop(h); /* M1 */
    stage_reset(h);
}
