/* What a relay does not hold yet: which conversations, in which order, and what is on the way. */
#include "plugin/hub/relay.h"

#include <stdlib.h>

#define SCAN_A_TURN 64
#define BATCHES_A_TURN 16
#define SAVE_EVERY_US 1000000U /* what is held: only a lower bound, for after a restart */
#define SAVE_A_TURN 256

/* ------------------------------------------------------------------ a session begins */

/* Y3: what the relay had of the old numbers counts, and the rest is to be sent anew. */
void relay_down_begin(struct hub *h, struct relay *r, const uint64_t have[FP_LANES], bool anew)
{
    struct relay_conv *c;
    struct relay_conv *next;
    struct relay_person *p;
    struct relay_person *after;
    if (anew) {
        relay_down_drop(r);
    }
    for (unsigned lane = 0; lane < FP_LANES && r->linked; lane++) {
        if (have[lane] <= r->lanes[lane].made) {
            r->link.lanes[lane].acked = have[lane];
            relay_down_ack(h, r, lane);
        }
    }
    for (unsigned lane = 0; lane < FP_LANES; lane++) {
        relay_free_segs(&r->lanes[lane]);
        r->lanes[lane].made = have[lane];
    }
    HASH_ITER (hh, r->convs, c, next) {
        relay_move(r, c, RELAY_NOWHERE);
        memset(c->out, 0, sizeof(c->out));
        c->sent = c->held;
        c->floor_sent = c->floor_held;
        c->sum_sent = c->sum_held;
    }
    HASH_ITER (hh, r->persons, p, after) {
        if (p->sent != p->held) {
            p->sent = p->held;
            relay_want_person(r, p);
        }
    }
    link_open(&r->link, have, TRUNK_CREDIT, r->linked, h->mono);
    for (unsigned lane = 0; lane < FP_LANES; lane++) {
        link_next(&r->link, lane, have[lane] + 1);
    }
    r->linked = true;
    r->scan_scope = 0;
    r->scan_after = 0;
    r->more = true;
}

struct scan {
    struct hub *h;
    struct relay *r;
    size_t count;
    struct relay_conv *convs[SCAN_A_TURN];
    bool no_memory;
};

static bool scan_conv(void *arg, const struct store_conv *sc)
{
    struct scan *s = arg;
    struct hub_conv *cached = NULL;
    struct relay_conv *c = relay_conv_get(s->r, sc->cid, &sc->id);
    s->no_memory = !c;
    if (!c) {
        return false;
    }
    HASH_FIND(hh, s->h->convs, sc->id.text, sc->id.len, cached);
    c->head = sc->head;
    c->floor = sc->floor;
    c->safety = cached && cached->safety > c->safety ? cached->safety : c->safety;
    s->convs[s->count++] = c;
    s->r->scan_after = sc->cid;
    return s->count < SCAN_A_TURN;
}

enum fp_err relay_load_conv(struct hub *h, struct relay *r, struct relay_conv *c)
{
    struct store_held held;
    if (c->loaded) {
        return FP_OK;
    }
    enum fp_err err = h->store.load_held(h->store.ctx, &r->rights.relay, c->cid, &held);
    if (!err) {
        c->held = held.seq < c->head ? held.seq : c->head;
        c->sent = c->held;
        c->floor_held = held.about;
        c->floor_sent = held.about;
        c->sum_held = held.receipts;
        c->sum_sent = held.receipts;
        c->loaded = true;
    }
    return err;
}

/* A step over the conversations of the relay's scopes. */
static enum fp_err scan(struct hub *h, struct relay *r)
{
    struct scan s = {.h = h, .r = r};
    uint64_t before = r->scan_after;
    if (r->scan_scope >= r->rights.scope_count) {
        return FP_OK;
    }
    enum fp_err err = h->store.each_conv_in(h->store.ctx, &r->rights.scopes[r->scan_scope], r->scan_after, SCAN_A_TURN, scan_conv, &s);
    err = err ? err : s.no_memory ? FP_ENOMEM : FP_OK;
    for (size_t i = 0; i < s.count && !err; i++) {
        err = relay_load_conv(h, r, s.convs[i]);
        if (!err) {
            relay_scan_members(h, r, s.convs[i], &err);
            relay_want(r, s.convs[i]);
            relay_want_receipts(h, r, s.convs[i]);
        }
    }
    if (err) {
        r->scan_after = before;
    } else if (s.count < SCAN_A_TURN) {
        r->scan_scope++;
        r->scan_after = 0;
    }
    r->more = r->more || r->scan_scope < r->rights.scope_count;
    return err;
}

struct people_scan {
    struct relay *r;
    bool no_memory;
};

static bool scan_member(void *arg, const struct store_member *m)
{
    struct people_scan *s = arg;
    struct relay_person *p = relay_person_get(s->r, &m->user);
    s->no_memory = !p;
    if (p && p->sent == 0) {
        relay_want_person(s->r, p);
    }
    return p != NULL;
}

void relay_scan_members(struct hub *h, struct relay *r, struct relay_conv *c, enum fp_err *out_err)
{
    struct people_scan s = {.r = r};
    if (!c->members_due) {
        return;
    }
    *out_err = h->store.each_member(h->store.ctx, c->cid, scan_member, &s);
    *out_err = *out_err ? *out_err : s.no_memory ? FP_ENOMEM : FP_OK;
    c->members_due = *out_err != FP_OK;
}

/* ------------------------------------------------------------------ acks */

static void unsaved(struct hub *h, struct relay *r, struct relay_conv *c)
{
    if (!c->unsaved) {
        r->save_due.us = r->unsaved ? r->save_due.us : h->mono.us + SAVE_EVERY_US;
        c->unsaved = true;
        DL_APPEND2(r->unsaved, c, save_prev, save_next);
    }
}

static void has_arrived(struct hub *h, struct relay *r, const struct relay_seg *s, uint64_t count)
{
    struct relay_conv *c = s->conv;
    uint64_t seq = s->kind == RELAY_SEG_EVENTS ? s->value + count - 1 : s->value;
    switch (s->kind) {
    case RELAY_SEG_PERSON:
        s->person->held = s->value > s->person->held ? s->value : s->person->held;
        return;
    case RELAY_SEG_RECEIPTS:
        c->sum_held = s->value;
        break;
    case RELAY_SEG_CONV:
        c->floor_held = s->value;
        c->held = c->held > seq ? c->held : seq;
        break;
    case RELAY_SEG_EVENTS:
        c->held = c->held > seq ? c->held : seq;
        break;
    }
    c->sent = c->sent > c->held ? c->sent : c->held; /* Y1: a copy of what was taken back has come through */
    unsaved(h, r, c);
    if (c->clamped && s->kind != RELAY_SEG_RECEIPTS) {
        relay_want_receipts(h, r, c);
    }
}

void relay_down_ack(struct hub *h, struct relay *r, unsigned lane)
{
    struct relay_lane *l = &r->lanes[lane];
    uint64_t acked = r->link.lanes[lane].acked;
    while (l->first && l->first->first <= acked) {
        struct relay_seg *s = l->first;
        uint64_t last = s->first + s->count - 1;
        has_arrived(h, r, s, (last <= acked ? last : acked) - s->first + 1);
        if (last > acked) {
            return;
        }
        l->first = s->next;
        l->last = l->first ? l->last : NULL;
        if (s->kind == RELAY_SEG_EVENTS || s->kind == RELAY_SEG_CONV) {
            s->conv->out[lane != FP_LANE_URGENT]--;
            relay_want(r, s->conv);
        }
        free(s);
    }
}

static enum fp_err save(struct hub *h, struct relay *r)
{
    struct relay_conv *c;
    size_t count = 0;
    enum fp_err err = stage_begin(h);
    for (c = r->unsaved; c && count < SAVE_A_TURN && !err; c = c->save_next) {
        struct store_held row = {.relay = r->rights.relay, .cid = c->cid, .seq = c->held, .receipts = c->sum_held, .about = c->floor_held};
        err = h->store.save_held(h->store.ctx, &row);
        count++;
    }
    for (unsigned lane = 0; lane < FP_LANES; lane++) {
        r->staged.acked[lane] = r->link.lanes[lane].acked;
    }
    r->changed = true;
    h->relays->staged = true;
    err = err ? err : batch_commit(h);
    r->save_due.us = h->mono.us + SAVE_EVERY_US;
    if (err) {
        batch_undo(h);
        return err == FP_EFULL || err == FP_EBUSY ? FP_OK : err; /* it is only a lower bound */
    }
    for (; count > 0; count--) {
        c = r->unsaved;
        DL_DELETE2(r->unsaved, c, save_prev, save_next);
        c->unsaved = false;
    }
    return FP_OK;
}

/* ------------------------------------------------------------------ turns */

/* One segment of each lane is made ahead, so that the link knows what there is. */
static enum fp_err make_ahead(struct hub *h, struct relay *r)
{
    enum fp_err err = FP_OK;
    for (unsigned lane = 0; lane < FP_LANES && !err; lane++) {
        bool made = true;
        if (r->lanes[lane].made == r->link.lanes[lane].sent) {
            err = relay_make(h, r, lane, &made);
        }
        link_next(&r->link, lane, r->lanes[lane].made + 1);
    }
    return err;
}

static enum fp_err send_one(struct hub *h, struct relay *r, bool *out_sent)
{
    unsigned lane = 0;
    uint64_t from = 0;
    uint64_t count = 0;
    size_t bytes = 0;
    size_t len = 0;
    struct fp_bytes frame;
    enum fp_err err = make_ahead(h, r);
    *out_sent = !err && link_pick(&r->link, &lane, &from, &bytes);
    if (!*out_sent) {
        return err;
    }
    err = relay_pack(h, r, lane, from, bytes, &len, &count);
    link_next(&r->link, lane, r->lanes[lane].made + 1);
    if (!err) {
        err = trunk_pack(h, h->info.epoch, lane, from, count, fp_bytes_of(h->relays->records, len), &frame);
    }
    if (err) {
        return err;
    }
    trunk_tell_now(h, FP_TOPIC_RELAY_DOWN, &r->rights.relay, frame);
    link_sent(&r->link, lane, from + count - 1, frame.len, h->mono);
    r->stats.sent_batches++;
    r->stats.sent_records += count;
    r->stats.sent_bytes += frame.len;
    return FP_OK;
}

enum fp_err relay_down_run(struct hub *h, struct relay *r)
{
    bool sent = true;
    r->more = false;
    enum fp_err err = scan(h, r);
    size_t left = h->bus.has_room(h->bus.ctx) ? BATCHES_A_TURN : 0;
    for (; left > 0 && sent && !err; left--) {
        err = send_one(h, r, &sent);
    }
    r->more = r->more || (sent && !err);
    if (!err && r->unsaved && r->save_due.us <= h->mono.us) {
        err = save(h, r);
    }
    return err;
}

static uint64_t until(uint64_t due_us, struct fp_mono now)
{
    return due_us > now.us ? due_us - now.us : 0;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Could a segment be made that the link does not know of yet? */
static bool may_make(const struct relay *r, unsigned lane)
{
    if (r->lanes[lane].made != r->link.lanes[lane].sent) {
        return false;
    }
    switch (lane) {
    case FP_LANE_URGENT:
        return r->queues[RELAY_URGENT];
    case FP_LANE_RECEIPTS:
        return r->told_persons;
    default:
        return lane == FP_LANE_MESSAGES && r->queues[RELAY_OTHERS];
    }
}

uint64_t relay_down_wait_us(const struct hub *h, const struct relay *r, struct fp_mono now)
{
    const struct relay_lane *told = &r->lanes[FP_LANE_RECEIPTS];
    struct fp_mono due;
    unsigned lane = 0;
    uint64_t from = 0;
    size_t bytes = 0;
    bool ready = r->more || link_pick(&r->link, &lane, &from, &bytes);
    uint64_t wait = link_due(&r->link, &due) ? until(due.us, now) : UINT64_MAX;
    for (lane = 0; lane < FP_LANES && !ready; lane++) {
        ready = may_make(r, lane);
    }
    if (ready) {
        return h->bus.has_room(h->bus.ctx) ? 0 : 1000;
    }
    if (r->told && told->made == r->link.lanes[FP_LANE_RECEIPTS].sent) {
        wait = least(wait, until(r->told->told_due.us, now));
    }
    return least(wait, r->unsaved ? until(r->save_due.us, now) : UINT64_MAX);
}
