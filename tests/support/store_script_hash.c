#include "tests/support/store_script.h"

static void mix(uint64_t *h, uint64_t v)
{
    *h = fp_hash(*h, &v, sizeof v);
}

static bool mix_run(void *arg, const struct store_run *run)
{
    uint64_t *h = arg;

    mix(h, run->first);
    mix(h, run->last);
    mix(h, run->msgs);
    mix(h, run->at.ms);
    *h = fp_hash(*h, run->chain, sizeof run->chain);
    *h = fp_hash(*h, run->events.p, run->events.len);
    return true;
}

static void mix_member(uint64_t *h, const struct store_member *m)
{
    const uint64_t numbers[] = {m->cid, m->role, m->active, m->joined, m->from, m->read_msgs, m->change};

    *h = fp_hash(*h, numbers, sizeof numbers);
    *h = fp_hash(*h, &m->user, sizeof m->user);
    *h = fp_hash(*h, &m->scope, sizeof m->scope);
}

static bool mix_receipt(void *arg, const struct store_receipt *r)
{
    const uint64_t numbers[] = {r->cid, r->delivered, r->read, r->shown_delivered, r->shown_read};
    uint64_t *h = arg;

    *h = fp_hash(*h, numbers, sizeof numbers);
    *h = fp_hash(*h, &r->user, sizeof r->user);
    return true;
}

static bool mix_target(void *arg, const struct store_target *t)
{
    const uint64_t numbers[] = {t->cid, t->seq, t->version, t->body_at, t->state};
    uint64_t *h = arg;

    *h = fp_hash(*h, numbers, sizeof numbers);
    return true;
}

static bool mix_confirm(void *arg, const struct store_confirm *c)
{
    uint64_t *h = arg;

    mix(h, c->at.ms);
    *h = fp_hash(*h, &c->user, sizeof c->user);
    return true;
}

static bool mix_timer(void *arg, const struct store_timer *t)
{
    const uint64_t numbers[] = {t->kind, t->seq, t->version, t->due.ms};
    uint64_t *h = arg;

    *h = fp_hash(*h, numbers, sizeof numbers);
    *h = fp_hash(*h, &t->owner, sizeof t->owner);
    return true;
}

/* A user's receipt, and when some seqs above the floor were read: what a trim leaves of those below is the store's. */
static enum fp_err hash_reader(struct store_port p, const struct store_conv *c, const struct fp_id *user, uint64_t *h)
{
    struct store_receipt r = {0};
    enum fp_err err = p.load_receipt(p.ctx, c->cid, user, &r);

    (void)mix_receipt(h, &r);
    for (uint64_t seq = c->floor + 1; seq <= c->head && !err; seq += 1 + (c->head - c->floor) / 3) {
        struct fp_wall at = {0};
        bool found = false;
        err = p.find_advance(p.ctx, c->cid, user, STORE_ADVANCE_READ, seq, &at, &found);
        mix(h, found ? at.ms : 0);
    }
    return err;
}

static enum fp_err hash_marks(struct store_port p, const struct store_conv *c, uint64_t *h)
{
    enum fp_err err = p.each_receipt(p.ctx, c->cid, mix_receipt, h);

    if (!err) {
        err = p.each_target(p.ctx, c->cid, 1, c->head, mix_target, h);
    }
    for (uint64_t seq = 1; seq <= c->head && !err; seq += 1 + c->head / 8) {
        err = p.each_confirm(p.ctx, c->cid, seq, mix_confirm, h);
    }
    for (uint64_t i = 0; i < STORE_SCRIPT_USERS && !err; i++) {
        struct fp_id user = store_script_id("user", 7 + i);
        err = hash_reader(p, c, &user, h);
    }
    return err;
}

static enum fp_err hash_person(struct store_port p, const struct fp_id *user, uint64_t *h)
{
    struct store_person person = {0};
    bool found = false;
    enum fp_err err = p.load_person(p.ctx, user, &person, &found);

    mix(h, found);
    if (!err && found) {
        const uint64_t numbers[] = {person.last_seen.ms, person.status_until.ms, person.version, person.open, person.status.len};
        *h = fp_hash(*h, numbers, sizeof numbers);
        *h = fp_hash(*h, person.status.p, person.status.len);
        *h = fp_hash(*h, person.policy.p, person.policy.len);
    }
    return err;
}

static bool mix_record(void *arg, const struct store_record *r)
{
    const uint64_t numbers[] = {r->lane, r->number, r->at.ms, r->boot, r->mono_ms, r->record.len};
    uint64_t *h = arg;

    *h = fp_hash(*h, numbers, sizeof numbers);
    *h = fp_hash(*h, r->record.p, r->record.len);
    return true;
}

static bool mix_branch(void *arg, const struct store_branch *b)
{
    const uint64_t numbers[] = {b->n, b->cid, b->lane, b->number, b->settled, b->seq, b->code, b->at.ms, b->event.len};
    uint64_t *h = arg;

    *h = fp_hash(*h, numbers, sizeof numbers);
    *h = fp_hash(*h, &b->device, sizeof b->device);
    *h = fp_hash(*h, b->event.p, b->event.len);
    return true;
}

static enum fp_err hash_lane(struct store_port p, uint8_t lane, uint64_t *h)
{
    uint64_t oldest = 0;
    uint64_t next = 0;
    enum fp_err err = p.lane_range(p.ctx, lane, &oldest, &next);

    mix(h, oldest);
    mix(h, next);
    return err ? err : p.each_record(p.ctx, lane, 0, SIZE_MAX, mix_record, h);
}

static enum fp_err hash_branches(struct store_port p, const struct fp_id *device, uint64_t *h)
{
    uint64_t open = 0;
    enum fp_err err = p.count_branches(p.ctx, device, &open);

    mix(h, open);
    for (uint64_t n = 1; n <= STORE_SCRIPT_BRANCHES && !err; n++) {
        struct store_branch b = {0};
        bool found = false;
        err = p.load_branch(p.ctx, device, n, &b, &found);
        if (!err && found) {
            (void)mix_branch(h, &b);
        }
    }
    return err;
}

static enum fp_err hash_relay(struct store_port p, const struct fp_id *relay, uint64_t *h)
{
    struct store_peer peer = {0};
    bool found = false;
    enum fp_err err = p.load_peer(p.ctx, relay, &peer, &found);

    mix(h, found);
    mix(h, peer.epoch);
    *h = fp_hash(*h, peer.have, sizeof peer.have);
    *h = fp_hash(*h, peer.acked, sizeof peer.acked);
    for (uint64_t cid = 1; cid <= STORE_SCRIPT_CONVS && !err; cid++) {
        struct store_held held = {0};
        err = p.load_held(p.ctx, relay, cid, &held);
        const uint64_t numbers[] = {held.seq, held.receipts, held.about};
        *h = fp_hash(*h, numbers, sizeof numbers);
    }
    return err;
}

static enum fp_err hash_trunk(struct store_port p, uint64_t *h)
{
    enum fp_err err = FP_OK;

    for (uint8_t lane = 0; lane < STORE_SCRIPT_LANES && !err; lane++) {
        err = hash_lane(p, lane, h);
    }
    for (uint64_t i = 0; i < STORE_SCRIPT_DEVICES && !err; i++) {
        const struct fp_id id = store_script_id("d", i);
        err = hash_branches(p, &id, h);
    }
    for (uint64_t cid = 0; cid <= STORE_SCRIPT_CONVS && !err; cid++) {
        err = p.each_branch(p.ctx, cid, mix_branch, h);
    }
    for (uint64_t i = 0; i < STORE_SCRIPT_RELAYS && !err; i++) {
        const struct fp_id id = store_script_id("r", i);
        err = hash_relay(p, &id, h);
    }
    return err;
}

static enum fp_err hash_conv(struct store_port p, const struct fp_id *id, uint64_t *h)
{
    struct store_conv c = {0};
    struct fp_bytes title = {0};
    struct fp_bytes context = {0};
    bool found = false;
    enum fp_err err = p.load_conv(p.ctx, id, &c, &found);

    mix(h, found);
    if (err || !found) {
        return err;
    }
    const uint64_t numbers[] = {c.cid, c.floor, c.about_seq, c.retention_days, c.head, c.msgs, c.at.ms};
    *h = fp_hash(*h, numbers, sizeof numbers);
    *h = fp_hash(*h, &c.scope, sizeof c.scope);
    *h = fp_hash(*h, c.floor_chain, sizeof c.floor_chain);
    err = p.load_about(p.ctx, c.cid, &title, &context);
    if (!err) {
        *h = fp_hash(*h, title.p, title.len);
        err = p.each_run(p.ctx, c.cid, 1, c.head, mix_run, h);
    }
    for (uint64_t i = 0; i < STORE_SCRIPT_USERS && !err; i++) {
        struct fp_id user = store_script_id("user", 7 + i);
        struct store_member m = {0};
        err = p.load_member(p.ctx, c.cid, &user, &m, &found);
        mix_member(h, &m);
    }
    return err ? err : hash_marks(p, &c, h);
}

static enum fp_err hash_device(struct store_port p, const struct fp_id *id, uint64_t *h)
{
    struct store_device d = {0};
    struct store_answers a = {0};
    bool found = false;
    enum fp_err err = p.load_device(p.ctx, id, &d, &found);

    mix(h, found);
    mix(h, d.did);
    mix(h, d.next_n);
    for (uint64_t n = 1; found && n < d.next_n && !err; n = a.last + 1) {
        bool kept = false;
        a.last = n;
        err = p.load_answers(p.ctx, d.did, n, &a, &kept);
        mix(h, kept);
        if (kept) {
            mix(h, a.first);
            *h = fp_hash(*h, a.rows.p, a.rows.len);
        }
    }
    return err;
}

enum fp_err store_script_hash(struct store_port p, uint64_t *out)
{
    uint64_t h = FP_HASH_START;
    enum fp_err err = FP_OK;

    for (uint64_t i = 0; i < STORE_SCRIPT_CONVS && !err; i++) {
        struct fp_id id = store_script_id("c", i);
        err = hash_conv(p, &id, &h);
    }
    for (uint64_t i = 0; i < STORE_SCRIPT_DEVICES && !err; i++) {
        struct fp_id id = store_script_id("d", i);
        err = hash_device(p, &id, &h);
    }
    for (uint64_t i = 0; i < STORE_SCRIPT_USERS && !err; i++) {
        struct fp_id id = store_script_id("user", 7 + i);
        err = hash_person(p, &id, &h);
    }
    if (!err) {
        err = p.each_timer(p.ctx, mix_timer, &h);
    }
    if (!err) {
        err = hash_trunk(p, &h);
    }
    if (!err) {
        *out = h;
    }
    return err;
}
