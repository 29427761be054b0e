#include "plugin/hub/receipts.h"
#include "plugin/hub/trunk.h"

#define DAY_MS 86400000ULL
#define DAYS_MAX 100000000ULL /* what is to last longer lasts for ever */
#define HOUR_MS 3600000U
#define SCRUB_AFTER_US 60000000U
#define RUNS_A_STEP 64
#define ADVANCES_A_STEP 1024

static struct fp_wall plus_days(struct fp_wall at, uint64_t days)
{
    return (struct fp_wall){.ms = at.ms + days * DAY_MS};
}

static bool first_run(void *arg, const struct store_run *run)
{
    struct fp_wall *at = arg;
    *at = run->at;
    return false;
}

/* All conversations look at their oldest runs on the hour: a scrub goes over the whole file, so it had better be one for all. */
static struct fp_wall on_the_hour(struct fp_wall at)
{
    return (struct fp_wall){.ms = (at.ms + HOUR_MS - 1) / HOUR_MS * HOUR_MS};
}

static enum fp_err oldest_is_due(struct hub *h, const struct hub_conv *c, struct fp_wall *out)
{
    struct store_away away;
    bool found = false;

    *out = h->wall;
    enum fp_err err = h->store.each_run(h->store.ctx, c->c.cid, c->c.floor + 1, c->c.head, first_run, out);
    if (err == FP_EAGAIN) { /* it goes as a whole, when the last of it is old enough */
        err = h->store.find_away(h->store.ctx, c->c.cid, c->c.floor + 1, &away, &found);
        err = err || found ? err : FP_EAGAIN;
        *out = found ? away.at : *out;
    }
    *out = plus_days(*out, c->c.retention_days);
    return err;
}

static enum fp_err set_timer(struct hub *h, const struct hub_conv *c, struct fp_wall due)
{
    struct store_timer t = {.kind = STORE_TIMER_RETENTION, .owner = c->c.id, .version = c->c.about_seq, .due = due};
    return timers_set(h, &t);
}

static bool is_for_ever(const struct hub_conv *c)
{
    return c->c.retention_days == 0 || c->c.retention_days > DAYS_MAX;
}

enum fp_err retention_set(struct hub *h, struct hub_conv *c)
{
    struct fp_wall due;
    if (site_is(h)) { /* the hub says when the floor moves: a site's clock takes no history away */
        return FP_OK;
    }
    if (is_for_ever(c)) {
        return timers_drop(h, STORE_TIMER_RETENTION, &c->c.id, 0);
    }
    enum fp_err err = oldest_is_due(h, c, &due);
    return err ? err : set_timer(h, c, due.ms > h->wall.ms ? on_the_hour(due) : h->wall);
}

/* ------------------------------------------------------------------ what is old */

struct old_msg {
    uint64_t seq;
    struct fp_id user;
};

struct old_runs { /* the oldest ones that are old enough, but for the conversation's last */
    struct hub *h;
    uint64_t days;
    uint64_t head;
    uint64_t upto;     /* the last seq of them */
    uint8_t chain[32]; /* after it */
    size_t count;
    struct old_msg *msgs;
    size_t msg_count, msg_cap;
    bool more;
    enum fp_err err;
};

static bool add_msg(struct old_runs *o, const struct fp_event *ev)
{
    if (o->msg_count == o->msg_cap) {
        size_t cap = o->msg_cap * 2 + 256;
        struct old_msg *msgs = arena_alloc(&o->h->arena, cap * sizeof(*msgs));
        if (!msgs) {
            o->err = FP_ENOMEM;
            return false;
        }
        if (o->msg_count > 0) {
            memcpy(msgs, o->msgs, o->msg_count * sizeof(*msgs));
        }
        o->msgs = msgs;
        o->msg_cap = cap;
    }
    o->msgs[o->msg_count++] = (struct old_msg){.seq = ev->seq, .user = ev->user};
    return true;
}

static bool add_run(void *arg, const struct store_run *run)
{
    struct old_runs *o = arg;
    struct fp_bytes rest = run->events;
    struct fp_bytes one;

    if (run->last == o->head || plus_days(run->at, o->days).ms > o->h->wall.ms) {
        return false;
    }
    o->more = o->count == RUNS_A_STEP;
    if (o->more) {
        return false;
    }
    while (fp_run_next(&rest, &one)) {
        struct fp_event ev;
        o->err = fp_event_decode(one, &ev) ? FP_ECORRUPT : FP_OK;
        if (o->err || (ev.kind == FP_K_MSG && !add_msg(o, &ev))) {
            return false;
        }
    }
    o->upto = run->last;
    memcpy(o->chain, run->chain, sizeof(o->chain));
    o->count++;
    return true;
}

/* ------------------------------------------------------------------ what a member has not read and cannot read any more is not unread */

struct member_ids {
    struct hub *h;
    struct fp_id *ids;
    size_t count, cap;
    bool no_memory;
};

static bool note_member(void *arg, const struct store_member *m)
{
    struct member_ids *k = arg;
    if (k->count == k->cap) {
        size_t cap = k->cap * 2 + 16;
        struct fp_id *ids = arena_alloc(&k->h->arena, cap * sizeof(*ids));
        k->no_memory = !ids;
        if (!ids) {
            return false;
        }
        if (k->count > 0) {
            memcpy(ids, k->ids, k->count * sizeof(*ids));
        }
        k->ids = ids;
        k->cap = cap;
    }
    k->ids[k->count++] = m->user;
    return true;
}

static void stage_member(struct hub *h, struct hub_member *m)
{
    if (!m->staged) {
        m->staged = true;
        m->next_staged = h->staged_members;
        h->staged_members = m;
    }
}

static uint64_t seen_by(const struct hub_member *m)
{
    uint64_t before = m->m.from > 0 ? m->m.from - 1 : 0;
    return m->r.read > before ? m->r.read : before;
}

static enum fp_err load_member(struct hub *h, const struct hub_conv *c, const struct fp_id *user, struct hub_member **out)
{
    enum fp_err err = cache_member(h, c->c.cid, user, out);
    return err ? err : receipts_load(h, *out);
}

static enum fp_err settle_member(struct hub *h, const struct hub_conv *c, const struct old_runs *o, const struct fp_id *user)
{
    struct hub_member *m = NULL;
    enum fp_err err = load_member(h, c, user, &m);
    if (err) {
        return err;
    }
    uint64_t seen = seen_by(m);
    uint64_t unseen = 0;
    for (size_t i = o->msg_count; i > 0 && o->msgs[i - 1].seq > seen; i--) {
        unseen += !fp_id_eq(&o->msgs[i - 1].user, user);
    }
    if (unseen > 0) {
        m->m.read_msgs += unseen;
        stage_member(h, m);
    }
    return FP_OK;
}

static enum fp_err settle_members(struct hub *h, const struct hub_conv *c, const struct old_runs *o)
{
    struct member_ids k = {.h = h};
    enum fp_err err = h->store.each_member(h->store.ctx, c->c.cid, note_member, &k);
    err = k.no_memory ? FP_ENOMEM : err;
    for (size_t i = 0; !err && i < k.count; i++) {
        err = settle_member(h, c, o, &k.ids[i]);
    }
    return err;
}

struct upto_ctx {
    struct old_runs *o;
    uint64_t after, upto;
};

static bool add_upto(void *arg, const struct store_run *run)
{
    struct upto_ctx *k = arg;
    struct fp_bytes rest = run->events;
    struct fp_bytes one;
    while (fp_run_next(&rest, &one)) {
        struct fp_event ev;
        k->o->err = fp_event_decode(one, &ev) ? FP_ECORRUPT : FP_OK;
        bool counts = !k->o->err && ev.kind == FP_K_MSG && ev.seq > k->after && ev.seq <= k->upto;
        if (k->o->err || (counts && !add_msg(k->o, &ev))) {
            return false;
        }
    }
    return true;
}

enum fp_err retention_forget(struct hub *h, struct hub_conv *c, uint64_t upto)
{
    struct old_runs o = {.h = h};
    struct upto_ctx k = {.o = &o, .after = c->c.floor, .upto = upto};
    enum fp_err err = h->store.each_run(h->store.ctx, c->c.cid, c->c.floor + 1, upto, add_upto, &k);
    err = o.err ? o.err : err;
    return err ? err : settle_members(h, c, &o);
}

/* ------------------------------------------------------------------ */

static enum fp_err raise_floor(struct hub *h, struct hub_conv *c, uint64_t upto, const uint8_t chain[32])
{
    stage_conv(h, c); /* its head is told anew, with the floor */
    c->c.floor = upto;
    memcpy(c->c.floor_chain, chain, sizeof(c->c.floor_chain)); /* what is left goes on from it (digest.c) */
    if (h->scrubbed) {                                         /* redact_due(); should the batch fail, one scrub is for nothing */
        h->scrubbed = false;
        h->scrub_again.us = h->mono.us + SCRUB_AFTER_US;
    }
    return h->store.save_conv(h->store.ctx, &c->c, (struct fp_bytes){0}, (struct fp_bytes){0});
}

static enum fp_err drop_upto(struct hub *h, const struct hub_conv *c, uint64_t upto, size_t limit)
{
    uint64_t last = 0;
    enum fp_err err = h->store.drop_runs(h->store.ctx, c->c.cid, upto, limit, &last);
    return err || last == upto ? err : FP_ECORRUPT;
}

static enum fp_err drop(struct hub *h, struct hub_conv *c, const struct old_runs *o)
{
    enum fp_err err = settle_members(h, c, o);
    if (!err) {
        err = drop_upto(h, c, o->upto, RUNS_A_STEP);
    }
    return err ? err : raise_floor(h, c, o->upto, o->chain);
}

/* ------------------------------------------------------------------ what is old and lies in a part of the archive that is not there */

static enum fp_err find_old_away(struct hub *h, const struct hub_conv *c, struct store_away *out, bool *out_found)
{
    struct store_away one;
    uint64_t from = c->c.floor + 1;
    bool found = true;
    enum fp_err err = FP_OK;

    *out_found = false;
    while (!err && found) {
        err = h->store.find_away(h->store.ctx, c->c.cid, from, &one, &found);
        found = !err && found && one.first <= from && plus_days(one.at, c->c.retention_days).ms <= h->wall.ms;
        if (found) {
            *out = one;
            *out_found = true;
            from = one.last + 1;
        }
    }
    return err;
}

/* Who wrote what of it cannot be seen: what each one has read is counted from what is left. */
static enum fp_err count_anew(struct hub *h, struct hub_conv *c)
{
    struct member_ids k = {.h = h};
    enum fp_err err = h->store.each_member(h->store.ctx, c->c.cid, note_member, &k);
    err = k.no_memory ? FP_ENOMEM : err;
    for (size_t i = 0; !err && i < k.count; i++) {
        struct hub_member *m = NULL;
        err = load_member(h, c, &k.ids[i], &m);
        if (!err && seen_by(m) < c->c.floor) {
            err = receipts_count_anew(h, c, m, true);
            stage_member(h, m);
        }
    }
    return err;
}

/* It goes without having been seen; the store says which file is to be deleted. */
static enum fp_err drop_away(struct hub *h, struct hub_conv *c)
{
    struct store_away away;
    bool found = false;
    enum fp_err err = find_old_away(h, c, &away, &found);
    if (err || !found) {
        return err;
    }
    err = drop_upto(h, c, away.last, SIZE_MAX);
    if (!err) {
        err = raise_floor(h, c, away.last, away.chain);
    }
    return err ? err : count_anew(h, c);
}

/* ------------------------------------------------------------------ */

static enum fp_err drop_old(struct hub *h, struct hub_conv *c, bool *out_more)
{
    struct old_runs o = {.h = h, .days = c->c.retention_days, .head = c->c.head};
    enum fp_err err = h->store.each_run(h->store.ctx, c->c.cid, c->c.floor + 1, c->c.head, add_run, &o);
    err = o.err ? o.err : err;
    if (err == FP_EAGAIN && o.count == 0) {
        return drop_away(h, c);
    }
    *out_more = o.more || err == FP_EAGAIN;
    err = err == FP_EAGAIN ? FP_OK : err;
    return err || o.count == 0 ? err : drop(h, c, &o);
}

enum fp_err retention_timer(struct hub *h, const struct store_timer *t)
{
    struct hub_conv *c = NULL;
    bool more = false;
    bool more_runs = false;

    enum fp_err err = cache_conv(h, &t->owner, &c);
    if (err || !c || is_for_ever(c)) {
        return err;
    }
    err = drop_old(h, c, &more_runs);
    if (!err && c->c.floor > 0) {
        err = h->store.trim_advances(h->store.ctx, c->c.cid, c->c.floor, ADVANCES_A_STEP, &more);
    }
    if (!err && (more || more_runs)) {
        return set_timer(h, c, (struct fp_wall){.ms = h->wall.ms + 1}); /* other work goes in between */
    }
    struct fp_wall due = h->wall;
    err = err ? err : oldest_is_due(h, c, &due);
    due.ms = due.ms > h->wall.ms ? due.ms : h->wall.ms + 1; /* the last run is older than that, and stays */
    return err ? err : set_timer(h, c, on_the_hour(due));
}
