/* The log of what goes to a relay: segments are made of what waits, and records of segments, the same ones each time. */
#include "plugin/hub/relay.h"

#include <stdlib.h>

#define EVENTS_A_SEGMENT 256

/* ------------------------------------------------------------------ segments */

static enum fp_err add(struct relay *r, unsigned lane, const struct relay_seg *s)
{
    struct relay_lane *l = &r->lanes[lane];
    struct relay_seg *copy = malloc(sizeof(*copy));
    if (!copy) {
        return FP_ENOMEM;
    }
    *copy = *s;
    copy->next = NULL;
    copy->first = l->made + 1;
    l->made += copy->count;
    if (l->last) {
        l->last->next = copy;
    } else {
        l->first = copy;
    }
    l->last = copy;
    return FP_OK;
}

/* The floor first: events behind it have nothing to stand on else. */
static enum fp_err make_of_conv(struct hub *h, struct relay *r, unsigned lane, struct relay_conv *c, bool *out_made)
{
    enum fp_err err = relay_load_conv(h, r, c);
    relay_scan_members(h, r, c, &err);
    if (err) {
        return err;
    }
    struct relay_seg s = {.conv = c, .count = 1};
    bool floor = c->floor > 0 && c->floor != c->floor_sent;
    uint64_t left = c->head > c->sent ? c->head - c->sent : 0;
    *out_made = floor || left > 0;
    if (!*out_made) {
        return FP_OK;
    }
    if (floor) {
        s.kind = RELAY_SEG_CONV;
        s.value = c->floor;
    } else {
        s.kind = RELAY_SEG_EVENTS;
        s.value = c->sent + 1;
        s.count = left < EVENTS_A_SEGMENT ? left : EVENTS_A_SEGMENT;
    }
    err = add(r, lane, &s);
    if (err) {
        return err;
    }
    c->out[lane != FP_LANE_URGENT]++;
    if (floor) {
        c->floor_sent = c->floor;
        c->sent = c->sent > c->floor ? c->sent : c->floor;
    } else {
        c->sent += s.count;
    }
    return FP_OK;
}

static enum fp_err make_events(struct hub *h, struct relay *r, unsigned lane, enum relay_queue queue, bool *out_made)
{
    enum fp_err err = FP_OK;
    *out_made = false;
    while (!err && !*out_made && r->queues[queue]) {
        struct relay_conv *c = r->queues[queue];
        err = make_of_conv(h, r, lane, c, out_made);
        if (!err) { /* to the end of the queue, if there is more: all get their turn */
            DL_DELETE(r->queues[queue], c);
            c->queue = RELAY_NOWHERE;
            relay_want(r, c);
        }
    }
    return err;
}

static enum fp_err make_person(struct hub *h, struct relay *r, bool *out_made)
{
    struct relay_person *p = r->told_persons;
    struct fp_bytes record;
    uint64_t version = 0;
    enum fp_err err = relay_told_person(h, r, &p->user, &record, &version);
    *out_made = !err && record.len > 0 && version > p->sent;
    if (*out_made) {
        err = add(r, FP_LANE_RECEIPTS, &(struct relay_seg){.kind = RELAY_SEG_PERSON, .count = 1, .person = p, .value = version});
        p->sent = err ? p->sent : version;
    }
    if (!err) {
        DL_DELETE(r->told_persons, p);
        p->waits = false;
    }
    return err;
}

static enum fp_err make_receipts(struct hub *h, struct relay *r, bool *out_made)
{
    struct relay_conv *c = r->told;
    struct fp_bytes record;
    uint64_t sum = 0;
    enum fp_err err = relay_load_conv(h, r, c);
    err = err ? err : relay_told_receipts(h, c, &record, &sum);
    *out_made = !err && record.len > 0 && sum != c->sum_sent;
    if (*out_made) {
        err = add(r, FP_LANE_RECEIPTS, &(struct relay_seg){.kind = RELAY_SEG_RECEIPTS, .count = 1, .conv = c, .value = sum});
        c->sum_sent = err ? c->sum_sent : sum;
        c->told_due = h->mono;
    }
    if (!err) {
        DL_DELETE2(r->told, c, told_prev, told_next);
        c->told_waits = false;
    }
    return err;
}

static enum fp_err make_told(struct hub *h, struct relay *r, bool *out_made)
{
    enum fp_err err = FP_OK;
    *out_made = false;
    while (!err && !*out_made && r->told_persons) {
        err = make_person(h, r, out_made);
    }
    while (!err && !*out_made && r->told && r->told->told_due.us <= h->mono.us) {
        err = make_receipts(h, r, out_made);
    }
    return err;
}

enum fp_err relay_make(struct hub *h, struct relay *r, unsigned lane, bool *out_made)
{
    *out_made = false;
    switch (lane) {
    case FP_LANE_URGENT:
        return make_events(h, r, lane, RELAY_URGENT, out_made);
    case FP_LANE_RECEIPTS:
        return make_told(h, r, out_made);
    case FP_LANE_MESSAGES:
        return make_events(h, r, lane, RELAY_OTHERS, out_made);
    default:
        return FP_OK;
    }
}

/* ------------------------------------------------------------------ records */

struct packing {
    struct hub *h;
    struct relay *r;
    size_t budget;
    size_t len;
    uint64_t count;
    bool full;
    uint64_t seq, upto; /* of the run that is being walked */
};

static bool put(struct packing *p, struct fp_bytes record)
{
    size_t cap = p->count == 0 || p->budget > TRUNK_RECORDS_BYTES ? TRUNK_RECORDS_BYTES : p->budget;
    if (p->full || record.len > cap - (p->len < cap ? p->len : cap)) {
        p->full = true;
        return false;
    }
    memcpy(p->h->relays->records + p->len, record.p, record.len);
    p->len += record.len;
    p->count++;
    return true;
}

/* Says nothing, under a number that has to say something. */
static void put_filler(struct packing *p, const struct fp_id *conv)
{
    uint8_t buf[64];
    struct fp_enc e;
    fp_enc_init(&e, buf, sizeof(buf));
    fp_enc_told_receipts_begin(&e, conv, 0);
    (void)put(p, fp_enc_bytes_of(&e));
}

static enum fp_err put_conv(struct packing *p, const struct relay_conv *c, const struct store_away *away)
{
    struct fp_bytes record;
    enum fp_err err = relay_told_conv(p->h, c, away, &record);
    if (!err && record.len > TRUNK_RECORDS_BYTES) {
        p->r->stats.unsendable++;
        put_filler(p, &c->id);
    } else if (!err) {
        (void)put(p, record);
    }
    return err;
}

static bool put_run(void *arg, const struct store_run *run)
{
    struct packing *p = arg;
    size_t count = 0;
    struct fp_bytes one;
    if (run->first > p->seq) {
        return false; /* a hole: the caller finds out */
    }
    struct fp_bytes part = fp_run_cut(run->events, p->seq, p->upto, &count);
    while (fp_run_next(&part, &one) && put(p, one)) {
        p->seq++;
    }
    return !p->full && p->seq <= p->upto;
}

/* What is gone since it was numbered (the floor has moved over it) is told as a floor, and its other numbers say nothing. */
static enum fp_err put_below(struct packing *p, const struct relay_conv *c, const struct store_away *away)
{
    uint64_t floor = away ? away->last : c->floor;
    enum fp_err err = FP_OK;
    bool first = true;
    while (!err && !p->full && p->seq <= floor && p->seq <= p->upto) {
        if (first) {
            err = put_conv(p, c, away);
        } else {
            put_filler(p, &c->id);
        }
        first = false;
        p->seq += !p->full;
    }
    return err;
}

static bool is_put(const struct packing *p)
{
    return p->full || p->seq > p->upto;
}

/* What lies in the archive and is away is for the relay as if it were gone: the others do not wait for it. */
static enum fp_err put_behind_away(struct packing *p, const struct relay_conv *c)
{
    struct store_away away;
    bool found = false;
    enum fp_err err = archive_last_away(p->h, c->cid, p->seq, &away, &found);
    err = err ? err : found ? put_below(p, c, &away) : FP_EAGAIN;
    return err || is_put(p) ? err : p->h->store.each_run(p->h->store.ctx, c->cid, p->seq, p->upto, put_run, p);
}

static enum fp_err put_events(struct packing *p, const struct relay_seg *s, uint64_t skip)
{
    const struct relay_conv *c = s->conv;
    p->seq = s->value + skip;
    p->upto = s->value + s->count - 1;
    enum fp_err err = put_below(p, c, NULL);
    if (err || is_put(p)) {
        return err;
    }
    err = p->h->store.each_run(p->h->store.ctx, c->cid, p->seq, p->upto, put_run, p);
    err = err == FP_EAGAIN ? put_behind_away(p, c) : err;
    return err ? err : is_put(p) ? FP_OK : FP_ECORRUPT;
}

static enum fp_err put_told(struct packing *p, const struct relay_seg *s)
{
    struct fp_bytes record = {0};
    uint64_t ignored = 0;
    enum fp_err err = FP_OK;
    switch (s->kind) {
    case RELAY_SEG_CONV:
        return put_conv(p, s->conv, NULL);
    case RELAY_SEG_RECEIPTS:
        err = relay_told_receipts(p->h, s->conv, &record, &ignored);
        break;
    case RELAY_SEG_PERSON:
        err = relay_told_person(p->h, p->r, &s->person->user, &record, &ignored);
        break;
    case RELAY_SEG_EVENTS:
        break;
    }
    if (!err && (record.len == 0 || record.len > TRUNK_RECORDS_BYTES)) { /* he has left since */
        put_filler(p, s->conv ? &s->conv->id : &s->person->user);
    } else if (!err) {
        (void)put(p, record);
    }
    return err;
}

static struct relay_seg *seg_at(struct relay_lane *l, uint64_t number)
{
    struct relay_seg *s = l->first;
    while (s && s->first + s->count <= number) {
        s = s->next;
    }
    return s;
}

enum fp_err relay_pack(struct hub *h, struct relay *r, unsigned lane, uint64_t from, size_t bytes, size_t *out_len, uint64_t *out_count)
{
    struct packing p = {.h = h, .r = r, .budget = bytes};
    struct relay_seg *s = seg_at(&r->lanes[lane], from);
    enum fp_err err = s ? FP_OK : FP_ECORRUPT;
    while (!err && s && !p.full) {
        uint64_t skip = from + p.count - s->first;
        err = s->kind == RELAY_SEG_EVENTS ? put_events(&p, s, skip) : put_told(&p, s);
        if (!err && !p.full && !s->next) {
            bool made = false;
            err = relay_make(h, r, lane, &made);
        }
        s = s->next;
    }
    *out_len = p.len;
    *out_count = p.count;
    return err ? err : p.count > 0 ? FP_OK : FP_ECORRUPT;
}
