/* Who is there and who types, both ways: never kept, never sent again. */
#include "plugin/hub/relay.h"

#define LIVE_LEAST_US 1000000U /* not more often than that */
#define TYPISTS_MAX 64

/* ------------------------------------------------------------------ from the relay: of those whom it speaks for (R4) */

static enum fp_err take_people(struct hub *h, struct relay *r, struct fp_trunk_live *l)
{
    const struct fp_id *via = &r->rights.relay;
    struct fp_person p;
    enum fp_err err = FP_OK;
    if (l->full) {
        people_remote_all(h, via);
    }
    while (!err && fp_trunk_person(l, &p)) {
        bool may = false;
        err = relay_speaks_for(h, r, &p.user, &may);
        p.relay = *via;
        if (!err && may) {
            err = people_remote(h, via, &p);
        }
    }
    if (l->full) {
        people_remote_done(h, via);
    }
    return err;
}

static enum fp_err is_member(struct hub *h, const struct hub_conv *c, const struct fp_id *user, bool *out)
{
    struct hub_member *m = NULL;
    enum fp_err err = cache_member(h, c->c.cid, user, &m);
    *out = !err && m->m.role != FP_ROLE_NONE && m->m.active;
    return err;
}

static enum fp_err take_typing(struct hub *h, struct relay *r, struct fp_trunk_typing *t)
{
    struct fp_id users[TYPISTS_MAX];
    size_t count = 0;
    struct fp_id user;
    struct hub_conv *c = NULL;
    enum fp_err err = cache_conv(h, &t->conv, &c);
    if (err || !c || !relay_serves(r, &c->c.scope)) {
        return err;
    }
    while (!err && count < TYPISTS_MAX && fp_trunk_typist(t, &user)) {
        bool may = false;
        bool member = false;
        err = relay_speaks_for(h, r, &user, &may);
        err = err || !may ? err : is_member(h, c, &user, &member);
        if (may && member) {
            users[count++] = user;
        }
    }
    if (!err) {
        typing_remote(h, &r->rights.relay, &t->conv, users, count);
    }
    return err;
}

enum fp_err relay_live(struct hub *h, struct relay *r, struct fp_trunk_live *l)
{
    struct fp_trunk_typing t;
    enum fp_err err = l->has_people ? take_people(h, r, l) : FP_OK;
    while (!err && fp_trunk_typing(l, &t)) {
        err = take_typing(h, r, &t);
    }
    return err;
}

/* ------------------------------------------------------------------ to the relays */

struct rows {
    struct fp_bytes bytes;
    size_t count;
};

/* Those of its scopes, in their order. */
static enum fp_err typing_for(struct hub *h, const struct relay *r, const struct rows *all, struct rows *out)
{
    struct fp_dec d;
    struct fp_enc e;
    uint8_t *buf = arena_alloc(&h->arena, all->bytes.len + 1);
    enum fp_err err = buf ? FP_OK : FP_ENOMEM;
    fp_dec_init(&d, all->bytes);
    fp_enc_init(&e, buf, buf ? all->bytes.len : 0);
    *out = (struct rows){0};
    for (size_t i = 0; i < all->count && !err; i++) {
        struct hub_conv *c = NULL;
        struct fp_id conv = fp_dec_id(&d);
        struct fp_bytes users = fp_dec_raw(&d);
        err = cache_conv(h, &conv, &c);
        if (!err && c && relay_serves(r, &c->c.scope)) {
            fp_enc_id(&e, &conv);
            fp_enc_raw(&e, users);
            out->count++;
        }
    }
    out->bytes = fp_enc_bytes_of(&e);
    return err;
}

static bool people_due(const struct hub *h, const struct relay *r)
{
    bool changed = !r->people_told || r->people_version != people_local_version(h);
    return h->mono.us - r->live_at.us >= (changed ? LIVE_LEAST_US : TRUNK_LIVE_EVERY_US) || !r->people_told;
}

static enum fp_err tell_live(struct hub *h, struct relay *r, const struct rows *all)
{
    struct rows people = {0};
    struct rows typing = {0};
    bool full = people_due(h, r);
    uint64_t version = people_local_version(h);
    enum fp_err err = full ? people_local(h, r->rights.scopes, r->rights.scope_count, &people.bytes, &people.count) : FP_OK;
    err = err ? err : typing_for(h, r, all, &typing);
    if (err || (!full && typing.count == 0)) {
        return err;
    }
    size_t cap = RELAY_FRAME_BYTES + people.bytes.len + typing.bytes.len;
    uint8_t *buf = arena_alloc(&h->arena, cap);
    struct fp_enc e;
    fp_enc_init(&e, buf, buf ? cap : 0);
    fp_enc_trunk_live(&e, full, full, people.count, people.bytes, typing.count, typing.bytes);
    if (e.failed) {
        return FP_ENOMEM;
    }
    trunk_tell_now(h, FP_TOPIC_RELAY_DOWN, &r->rights.relay, fp_enc_bytes_of(&e));
    if (full) {
        r->people_version = version;
        r->people_told = true;
        r->live_at = h->mono;
    }
    return FP_OK;
}

static bool any_up(const struct hub *h)
{
    for (const struct relay *r = h->relays ? h->relays->all : NULL; r; r = r->next) {
        if (r->up) {
            return true;
        }
    }
    return false;
}

enum fp_err relays_live_run(struct hub *h)
{
    struct rows typing = {0};
    enum fp_err err = FP_OK;
    if (!any_up(h)) {
        return FP_OK;
    }
    if (h->relays->typing_due.us <= h->mono.us) {
        err = typing_local(h, &typing.bytes, &typing.count);
        h->relays->typing_due.us = h->mono.us + LIVE_LEAST_US;
    }
    for (struct relay *r = h->relays->all; r && !err; r = r->next) {
        if (r->up) {
            err = tell_live(h, r, &typing);
        }
    }
    return err;
}

static uint64_t until(uint64_t due_us, struct fp_mono now)
{
    return due_us > now.us ? due_us - now.us : 0;
}

uint64_t relays_live_wait_us(const struct hub *h, struct fp_mono now)
{
    uint64_t wait = UINT64_MAX;
    for (const struct relay *r = h->relays ? h->relays->all : NULL; r; r = r->next) {
        if (r->up) { /* that nobody types any more than before is known when it is asked */
            uint64_t typing = until(h->relays->typing_due.us, now);
            wait = typing < wait ? typing : wait;
            wait = r->people_told ? wait : 0;
        }
    }
    return wait;
}
