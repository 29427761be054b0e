#include "firmware-client/core/client_impl.h"

/*
 * The n of what is queued against the n that the hub expects. It has taken none: the next n is our first one's; some or all: it is one of ours, and
 * those below are sent again for their acks. Anything else: one of the two has lost its memory, and the hub's counts.
 */
static enum fp_err number(struct fp_client *c, uint64_t epoch, uint64_t next_n)
{
    struct fp_outbox *o = &c->box;
    if (o->epoch == epoch && next_n >= fp_outbox_n(o, o->first) && next_n <= fp_outbox_next_n(o)) {
        return FP_OK;
    }
    if (o->epoch != 0 && o->epoch != epoch) {
        struct fp_notice n = {.kind = FP_NOTICE_EPOCH};
        fp_follow_forget_all(c);
        c->reorder_len = 0;
        memset(c->tracked, 0, c->config.tracked * sizeof(*c->tracked)); /* its receipts are not about the old one's seqs */
        fp_tell(c, &n);
    }
    return fp_outbox_number(o, epoch, next_n);
}

static void take_head(struct fp_client *c, const struct fp_conv_head *h, bool pages_follow)
{
    struct fp_follow *f = fp_follow_get(c, &h->conv, &h->scope);
    if (!f) {
        return;
    }
    f->flags |= FP_FOLLOW_NAMED;
    f->pub.floor = fp_max_u64(f->pub.floor, h->floor);
    f->pub.read = fp_max_u64(f->pub.read, h->read);
    f->pub.unread = h->unread;
    f->counted = h->head;
    fp_follow_head(c, f, h->head);
    fp_follow_tell(c, f);
    fp_inbox_drain(c, f);
    fp_follow_check(c, f);
    if (f->due_us == FP_NEVER || (f->flags & FP_FOLLOW_ASKED) != 0) {
        return; /* nothing is missing, or it is asked for */
    }
    if (pages_follow && (f->flags & FP_FOLLOW_TOLD) != 0) {
        f->flags |= FP_FOLLOW_ASKED;
        c->gets++;
        fp_follow_wait(c, f, c->now + FP_ANSWER_US);
    } else {
        fp_follow_wait(c, f, c->now);
    }
}

/* What the welcome does not name is not ours any more. */
static void forget_unnamed(struct fp_client *c)
{
    for (size_t i = 0; i < c->follow_count;) {
        if ((c->follows[i].flags & FP_FOLLOW_NAMED) == 0) {
            fp_follow_forget(c, &c->follows[i]);
        } else {
            i++;
        }
    }
}

void fp_welcome(struct fp_client *c, struct fp_reply *r)
{
    const struct fp_welcome *w = &r->as.welcome.head;
    struct fp_conv_head h;
    bool first = c->step == FP_STEP_WELCOME;
    if (w->epoch == 0 || (!first && !fp_is_online(c))) {
        return;
    }
    if (first) {
        uint64_t since_ms = fp_ms_of(c->now - c->time_sent);
        enum fp_err err = number(c, w->epoch, w->next_n);
        if (err) {
            fp_storage_failed(c, err);
            fp_session_drop(c, err, "the storage failed");
            return;
        }
        c->limits = w->limits;
        fp_hubclock_set(c, (struct fp_wall){w->at.ms}, since_ms + 1);
        fp_session_online(c);
    }
    for (size_t i = 0; i < c->follow_count; i++) {
        c->follows[i].flags &= (uint16_t)~FP_FOLLOW_NAMED;
    }
    while (fp_reply_head(r, &h)) {
        take_head(c, &h, first);
    }
    if (!r->as.welcome.rows.failed) {
        forget_unnamed(c);
    }
    struct fp_follow *f = fp_id_is_none(&c->fetch.conv) ? NULL : fp_follow_find(c, &c->fetch.conv);
    if (f && first && (f->flags & FP_FOLLOW_ASKED) == 0) {
        fp_follow_wait(c, f, c->now);
    }
}
