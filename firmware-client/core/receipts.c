#include "firmware-client/core/client_impl.h"
#include "fp/body.h"

#define RECEIPT_BYTES_MAX 64
#define SAVE_US FP_SECOND_US

/* ------------------------------------------------------------------ what others have of ours */

void fp_receipts_track(struct fp_client *c, uint64_t ticket, const struct fp_id *conv, uint64_t seq)
{
    if (c->config.tracked > 0) {
        struct fp_tracked *t = &c->tracked[c->tracked_at];
        c->tracked_at = c->tracked_at + 1 == c->config.tracked ? 0 : c->tracked_at + 1;
        t->ticket = ticket;
        t->seq = seq;
        t->conv = *conv;
        t->state = FP_SEND_SENT;
    }
}

static void signal(struct fp_client *c, struct fp_tracked *t, enum fp_send_signal signal)
{
    enum fp_send_state next = fp_send_next((enum fp_send_state)t->state, signal);
    if (next != (enum fp_send_state)t->state) {
        struct fp_notice n = {.kind = FP_NOTICE_STATE, .ticket = t->ticket, .state = next, .conv = t->conv, .seq = t->seq};
        t->state = (uint8_t)next;
        fp_tell(c, &n);
    }
}

void fp_receipts_take(struct fp_client *c, const struct fp_id *conv, struct fp_bytes payload)
{
    struct fp_receipts r;
    struct fp_horizon h;
    if (c->config.tracked == 0 || fp_receipts_decode(payload, &r)) {
        return;
    }
    uint64_t delivered = 0;
    uint64_t read = 0;
    while (fp_receipts_next(&r, &h)) {
        if (!fp_id_eq(&h.id, &c->user)) {
            delivered = fp_max_u64(delivered, h.delivered);
            read = fp_max_u64(read, h.read);
        }
    }
    for (size_t i = 0; i < c->config.tracked; i++) {
        struct fp_tracked *t = &c->tracked[i];
        if (t->ticket == 0 || !fp_id_eq(&t->conv, conv)) {
            continue;
        }
        if (t->seq <= read) {
            signal(c, t, FP_SIGNAL_READ);
        } else if (t->seq <= delivered) {
            signal(c, t, FP_SIGNAL_DELIVERED);
        }
    }
}

/* ------------------------------------------------------------------ what we have of others' */

static bool is_owed(const struct fp_follow *f)
{
    return f->pub.stored > f->told_stored || (f->pub.read > f->told_read && f->pub.read > 0);
}

/* All that fits into one command. */
static bool tell(struct fp_client *c, size_t *out_left)
{
    struct fp_message m;
    struct fp_enc e;
    size_t owed = 0;
    *out_left = 0;
    for (size_t i = 0; i < c->follow_count; i++) {
        owed += is_owed(&c->follows[i]);
    }
    if (owed == 0) {
        return true;
    }
    if (!fp_out_begin(c, &m, FP_TOPIC_DEVICE_UP, &e) || e.cap < 2 * RECEIPT_BYTES_MAX) {
        return false;
    }
    size_t room = (size_t)fp_min_u64(e.cap, fp_max_u64(c->limits.command_bytes, 2 * RECEIPT_BYTES_MAX)) / RECEIPT_BYTES_MAX - 1;
    size_t count = owed < room ? owed : room;
    *out_left = owed - count;
    fp_out_head(&e, FP_K_RECEIPT, NULL, true);
    fp_body_receipt_begin(&e, count);
    for (size_t i = 0; count > 0; i++) {
        struct fp_follow *f = &c->follows[i];
        if (is_owed(f)) {
            fp_body_receipt(&e, &f->pub.id, f->pub.stored, f->pub.read, (f->flags & FP_FOLLOW_PRIVATE) != 0);
            f->told_stored = f->pub.stored;
            f->told_read = f->pub.read;
            count--;
        }
    }
    return fp_out_end(c, &m, &e);
}

void fp_receipts_work(struct fp_client *c)
{
    uint64_t at = c->receipts_due;
    size_t left = 0;
    if (c->receipts_off) {
        return;
    }
    if (c->now >= at) {
        at = c->now + FP_HOLE_US;
        if (!fp_rate_take(c, &at) || !tell(c, &left)) {
            c->receipts_due = at;
        } else {
            c->receipts_at = c->now;
            c->receipts_due = left > 0 ? at : FP_NEVER;
        }
    }
    fp_due(c, c->receipts_due);
}

static void receipt_later(struct fp_client *c)
{
    if (c->receipts_due == FP_NEVER) {
        c->receipts_due = fp_max_u64(c->now, c->receipts_at + FP_HOLE_US);
    }
    fp_due(c, c->receipts_due);
}

void fp_client_stored(struct fp_client *c, const struct fp_id *conv, uint64_t seq)
{
    struct fp_follow *f = fp_follow_find(c, conv);
    seq = f ? fp_min_u64(seq, f->pub.cursor) : 0;
    if (f && seq > f->pub.stored) {
        f->pub.stored = seq;
        fp_save_later(c);
        receipt_later(c);
    }
}

void fp_client_read(struct fp_client *c, const struct fp_id *conv, uint64_t seq, bool private_read)
{
    struct fp_follow *f = fp_follow_find(c, conv);
    seq = f ? fp_min_u64(seq, f->pub.cursor) : 0;
    if (f && seq > f->pub.read) {
        f->pub.read = seq;
        f->pub.unread = seq >= f->pub.head ? 0 : f->pub.unread;
        f->flags = (uint16_t)((f->flags & ~FP_FOLLOW_PRIVATE) | (private_read ? FP_FOLLOW_PRIVATE : 0));
        receipt_later(c);
    }
}

/* ------------------------------------------------------------------ the storage */

void fp_save_later(struct fp_client *c)
{
    if (c->save_due == FP_NEVER) {
        c->save_due = c->now + SAVE_US;
    }
    fp_due(c, c->save_due);
}

void fp_receipts_save(struct fp_client *c)
{
    enum fp_err err = FP_OK;
    c->save_due = FP_NEVER;
    for (size_t i = 0; i < c->follow_count && !err; i++) {
        struct fp_follow *f = &c->follows[i];
        if (f->pub.stored > f->saved) {
            err = fp_outbox_set_cursor(&c->box, &f->pub.id, &f->pub.scope, f->pub.stored);
            f->saved = err ? f->saved : f->pub.stored;
        }
    }
    if (!err) {
        err = fp_outbox_flush(&c->box);
    }
    if (err) {
        fp_storage_failed(c, err);
        c->save_due = c->now + 10 * SAVE_US;
    }
}
