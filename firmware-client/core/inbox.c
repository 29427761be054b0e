#include "firmware-client/core/client_impl.h"

/* ------------------------------------------------------------------ events */

static void deliver(struct fp_client *c, struct fp_follow *f, const struct fp_event *ev, struct fp_bytes one, bool fetched)
{
    struct fp_notice n = {.kind = FP_NOTICE_EVENT, .conv = f->pub.id, .seq = ev->seq, .event = ev, .bytes = one, .fetched = fetched};
    if (fp_id_eq(&ev->device, &c->device)) {
        n.ticket = fp_outbox_ticket(&c->box, ev->n);
        const struct fp_slot *slot = n.ticket > 0 ? fp_outbox_slot(&c->box, n.ticket) : NULL;
        if (slot && (slot->marks & (FP_SLOT_SENT | FP_SLOT_OLD)) != 0) {
            struct fp_outcome o = {.signal = FP_SIGNAL_ECHO, .conv = &f->pub.id, .seq = ev->seq};
            fp_uplink_settle(c, n.ticket, &o);
        } else {
            n.ticket = 0;
        }
    }
    if (!fetched && ev->kind == FP_K_MSG && ev->seq > f->counted && !fp_id_eq(&ev->user, &c->user)) {
        f->pub.unread++;
    }
    fp_tell(c, &n);
}

static void skip(struct fp_client *c, struct fp_follow *f, uint64_t upto, enum fp_err err)
{
    struct fp_notice n = {.kind = FP_NOTICE_SKIPPED, .conv = f->pub.id, .seq = f->pub.cursor + 1, .upto = upto, .err = err};
    f->pub.cursor = upto;
    fp_tell(c, &n);
}

/* The next one after the cursor. What cannot be read will not come better: it is passed over, by name. */
static void advance(struct fp_client *c, struct fp_follow *f, struct fp_bytes one)
{
    struct fp_event ev;
    if (fp_event_decode(one, &ev)) {
        skip(c, f, f->pub.cursor + 1, FP_EMALFORMED);
        return;
    }
    f->pub.cursor++;
    deliver(c, f, &ev, one, false);
}

void fp_inbox_drain(struct fp_client *c, struct fp_follow *f)
{
    struct fp_bytes one;
    while (c->reorder_len > 0 && fp_reorder_peek(c, &f->pub.id, f->pub.cursor + 1, &one)) {
        advance(c, f, one);
        fp_reorder_drop(c, &f->pub.id, f->pub.cursor);
    }
}

/* It comes again with its seq, or is taken back; until then it is something to show, and moves no cursor. */
static void provisional(struct fp_client *c, struct fp_follow *f, struct fp_bytes one)
{
    struct fp_event ev;
    if (fp_event_decode(one, &ev) || (ev.flags & FP_FLAG_PROVISIONAL) == 0) {
        return;
    }
    struct fp_notice n = {.kind = FP_NOTICE_PROVISIONAL, .conv = f->pub.id, .event = &ev, .bytes = one};
    n.ticket = fp_id_eq(&ev.device, &c->device) ? fp_outbox_ticket(&c->box, ev.n) : 0;
    fp_tell(c, &n);
}

static void take_event(struct fp_client *c, struct fp_follow *f, struct fp_bytes one, bool in_page)
{
    uint64_t seq = fp_event_seq(one);
    if (seq == 0) {
        provisional(c, f, one);
        return;
    }
    if ((f->flags & FP_FOLLOW_NEW) != 0 && !in_page && c->config.from_head && f->pub.cursor == 0) {
        f->flags &= (uint16_t)~FP_FOLLOW_NEW; /* it begins with this one */
        f->pub.cursor = f->pub.stored = seq - 1;
    }
    fp_follow_head(c, f, seq);
    if (seq == f->pub.cursor + 1 && fp_is_online(c)) {
        advance(c, f, one);
        return;
    }
    struct fp_event ev;
    if (in_page && (f->flags & FP_FOLLOW_FETCH) != 0 && seq > c->fetch.after && seq <= c->fetch.upto) {
        if (!fp_event_decode(one, &ev)) {
            deliver(c, f, &ev, one, true);
        }
    } else if (seq > f->pub.cursor) {
        fp_reorder_put(c, &f->pub.id, seq, one);
    }
}

/* An event or an array of them. */
static void take_events(struct fp_client *c, struct fp_follow *f, struct fp_bytes payload, bool in_page)
{
    struct fp_dec d;
    size_t count = 1;
    fp_dec_init(&d, payload);
    if (fp_dec_peek(&d) == FP_CBOR_ARRAY) {
        count = fp_dec_array(&d);
    }
    for (; count > 0; count--) {
        struct fp_bytes one = fp_dec_raw(&d);
        if (d.failed) {
            return;
        }
        take_event(c, f, one, in_page);
    }
    if (fp_is_online(c)) {
        fp_inbox_drain(c, f);
    }
}

/* ------------------------------------------------------------------ replies */

static void snapshot(struct fp_client *c, const struct fp_id *conv, uint64_t floor, struct fp_bytes state)
{
    struct fp_follow *f = fp_follow_find(c, conv);
    if (!f) {
        return;
    }
    f->pub.floor = fp_max_u64(f->pub.floor, floor);
    fp_follow_head(c, f, floor);
    if (floor > f->pub.cursor || (f->flags & FP_FOLLOW_FETCH) != 0) {
        bool fetched = floor <= f->pub.cursor;
        f->pub.cursor = fp_max_u64(f->pub.cursor, floor);
        fp_reorder_drop(c, conv, f->pub.cursor);
        f->page_at = f->pub.cursor;
        struct fp_notice n = {.kind = FP_NOTICE_SNAPSHOT, .conv = *conv, .seq = floor, .bytes = state, .fetched = fetched};
        fp_tell(c, &n);
    }
    if ((f->flags & FP_FOLLOW_ASKED) != 0) {
        fp_follow_wait(c, f, c->now + FP_ANSWER_US);
    }
}

static void page_of_fetch(struct fp_client *c, struct fp_follow *f, const struct fp_page *p)
{
    fp_follow_answered(c, f);
    if (p->to < c->fetch.upto && p->to >= p->from) {
        c->fetch.after = p->to;
        fp_follow_wait(c, f, c->now);
        return;
    }
    c->fetch.conv.len = 0;
    struct fp_notice n = {.kind = FP_NOTICE_FETCHED, .conv = f->pub.id, .seq = p->to};
    fp_tell(c, &n);
    fp_follow_check(c, f);
}

void fp_page(struct fp_client *c, const struct fp_page *p)
{
    struct fp_follow *f = fp_follow_find(c, &p->conv);
    if (!f || p->zlib) {
        return; /* we never ask for zlib */
    }
    uint64_t before = f->pub.cursor;
    take_events(c, f, p->content, true);
    fp_follow_head(c, f, p->to);
    bool fetched = (f->flags & FP_FOLLOW_FETCH) != 0;
    if (fetched) {
        c->fetch.after = fp_max_u64(c->fetch.after, p->to);
    }
    if (p->more) {
        f->page_at = p->to;
        fp_follow_wait(c, f, c->now + FP_ANSWER_US);
    } else if (fetched) {
        page_of_fetch(c, f, p);
    } else {
        fp_follow_answered(c, f);
        fp_follow_check(c, f);
        if (f->pub.cursor < f->pub.head && f->pub.cursor > before) {
            fp_follow_wait(c, f, c->now); /* the hub's credit is used up: ask on */
        }
    }
}

void fp_inbox_down(struct fp_client *c, struct fp_bytes payload)
{
    struct fp_reply r;
    enum fp_err err = fp_reply_decode(payload, &r);
    if (err || (!fp_is_online(c) && r.what != FP_REPLY_WELCOME && r.what != FP_REPLY_NACK)) {
        return; /* I2; what a newer hub says is not for us */
    }
    struct fp_notice n = {.kind = FP_NOTICE_REPORT};
    struct fp_id conv;
    struct fp_follow *f;
    uint64_t head = 0;

    switch (r.what) {
    case FP_REPLY_ACK:
        fp_answers_ack(c, &r);
        break;
    case FP_REPLY_NACK:
        fp_answers_nack(c, &r.as.nack);
        break;
    case FP_REPLY_WELCOME:
        fp_welcome(c, &r);
        break;
    case FP_REPLY_PAGE:
        fp_page(c, &r.as.page);
        break;
    case FP_REPLY_SNAPSHOT:
        snapshot(c, &r.as.snapshot.conv, r.as.snapshot.floor, r.as.snapshot.state);
        break;
    case FP_REPLY_TIME:
        fp_hubclock_reply(c, r.as.time.echo, r.as.time.received.ms, r.as.time.sent.ms);
        break;
    case FP_REPLY_NUDGE:
        while (fp_reply_nudge(&r, &conv, &head)) {
            f = fp_follow_find(c, &conv);
            if (f) {
                fp_follow_head(c, f, head);
                fp_follow_check(c, f);
            }
        }
        break;
    default:
        n.seq = r.as.report.kind;
        n.conv = r.as.report.conv;
        n.upto = r.as.report.seq;
        n.bytes = r.as.report.value;
        fp_tell(c, &n);
    }
}

/*
 * A reply longer than rx_bytes. A page that holds more than one event is as long as we asked for, so this is the one event behind the cursor, or
 * the snapshot below the floor.
 */
void fp_inbox_down_skipped(struct fp_client *c)
{
    struct fp_follow *f = NULL;
    for (size_t i = 0; i < c->follow_count && !f; i++) {
        f = (c->follows[i].flags & FP_FOLLOW_ASKED) != 0 ? &c->follows[i] : NULL;
    }
    if (!f || !fp_is_small(c)) {
        struct fp_notice n = {.kind = FP_NOTICE_NACK, .err = FP_ETOOLARGE};
        fp_tell(c, &n);
        return;
    }
    if ((f->flags & FP_FOLLOW_FETCH) != 0) {
        struct fp_notice n = {
            .kind = FP_NOTICE_SKIPPED, .conv = f->pub.id, .seq = c->fetch.after + 1, .upto = c->fetch.after + 1, .err = FP_ETOOLARGE};
        struct fp_page p = {.from = n.seq, .to = n.seq};
        n.fetched = true;
        fp_tell(c, &n);
        page_of_fetch(c, f, &p);
        return;
    }
    if (f->page_at != f->pub.cursor) { /* what it began with has come live meanwhile: not this one was too long */
        fp_follow_answered(c, f);
        fp_follow_check(c, f);
        fp_follow_wait(c, f, f->pub.cursor < f->pub.head ? c->now : FP_NEVER);
        return;
    }
    bool below = f->pub.cursor < f->pub.floor;
    skip(c, f, below ? f->pub.floor : f->pub.cursor + 1, FP_ETOOLARGE);
    f->page_at = f->pub.cursor;
    fp_follow_head(c, f, f->pub.cursor);
    fp_inbox_drain(c, f);
    if (!below) { /* the pages of below follow */
        fp_follow_answered(c, f);
        fp_follow_check(c, f);
        fp_follow_wait(c, f, f->pub.cursor < f->pub.head ? c->now : FP_NEVER);
    }
}

/* ------------------------------------------------------------------ topics */

static void inbox_heads(struct fp_client *c, struct fp_inbox *in)
{
    struct fp_inbox_head row;
    while (fp_inbox_next(in, &row)) {
        struct fp_follow *f = fp_follow_get(c, &row.conv, &row.scope);
        if (f) {
            fp_follow_head(c, f, row.head);
            f->counted = fp_max_u64(f->counted, row.head);
            f->pub.unread = row.unread;
            fp_follow_tell(c, f);
            fp_follow_check(c, f);
        }
    }
}

static void inbox_horizons(struct fp_client *c, struct fp_inbox *in)
{
    struct fp_horizon h;
    while (fp_inbox_horizon(in, &h)) {
        struct fp_follow *f = fp_follow_find(c, &h.id);
        if (f && h.read > f->pub.read) {
            f->pub.read = h.read;
            fp_follow_tell(c, f);
        }
    }
}

static void inbox(struct fp_client *c, struct fp_bytes payload)
{
    struct fp_inbox in;
    struct fp_follow *f;
    if (!fp_is_online(c) || fp_inbox_decode(payload, &in)) {
        return; /* the welcome says the same */
    }
    switch (in.what) {
    case FP_INBOX_HEADS:
        inbox_heads(c, &in);
        break;
    case FP_INBOX_JOINED:
        f = fp_follow_get(c, &in.conv, &in.scope);
        if (f) {
            fp_follow_tell(c, f);
            if (!c->config.from_head && (c->config.want & FP_WANT_EVENTS) != 0) {
                fp_follow_wait(c, f, c->now);
            }
        }
        break;
    case FP_INBOX_REMOVED:
        f = fp_follow_find(c, &in.conv);
        if (f) {
            fp_follow_forget(c, f);
        }
        break;
    case FP_INBOX_HORIZONS:
        inbox_horizons(c, &in);
        break;
    default:
        break;
    }
}

static void head(struct fp_client *c, struct fp_follow *f, struct fp_bytes payload)
{
    struct fp_head h;
    if (!fp_head_decode(payload, &h) && h.epoch == c->box.epoch && h.seq > f->pub.head) {
        fp_follow_head(c, f, h.seq);
        fp_follow_tell(c, f);
        fp_follow_check(c, f);
    }
}

void fp_inbox_topic(struct fp_client *c, const struct fp_topic *t, struct fp_bytes payload)
{
    struct fp_follow *f = t->kind >= FP_TOPIC_CONV_EVENT && t->kind <= FP_TOPIC_CONV_TYPING ? fp_follow_find(c, &t->b) : NULL;
    if (t->kind == FP_TOPIC_CONV_EVENT || t->kind == FP_TOPIC_CONV_HEAD) {
        if (f && t->kind == FP_TOPIC_CONV_HEAD) {
            head(c, f, payload);
        } else if (f) {
            take_events(c, f, payload, false);
            fp_follow_check(c, f);
        }
        return;
    }
    struct fp_notice n = {.kind = FP_NOTICE_LIVE, .topic = t, .bytes = payload};
    if (t->kind == FP_TOPIC_USER_INBOX) {
        inbox(c, payload);
    } else if (t->kind == FP_TOPIC_CONV_RECEIPTS) {
        fp_receipts_take(c, &t->b, payload);
    }
    fp_tell(c, &n);
}
