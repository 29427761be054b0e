/* What comes down beside events: where a conversation begins, who has read how far, what people say of themselves. */
#include <stdlib.h>

#include "plugin/hub/site.h"

#define DROP_AT_ONCE 1024

/* ------------------------------------------------------------------ receipts */

static struct site_later *find_later(struct hub *h, const struct fp_id *conv)
{
    struct site_later *l = NULL;
    HASH_FIND(hh, h->site->later, conv->text, conv->len, l);
    return l;
}

static void drop_later(struct hub *h, struct site_later *l)
{
    HASH_DEL(h->site->later, l);
    free((void *)(uintptr_t)l->record.p);
    free(l);
}

void apply_receipts_forget(struct hub *h)
{
    struct site_later *l;
    struct site_later *next;
    HASH_ITER (hh, h->site->later, l, next) {
        drop_later(h, l);
    }
}

struct vector { /* one told-receipts: its rows, again and again */
    struct fp_id conv;
    struct fp_bytes rows;
    size_t count;
};

static struct vector vector_of(const struct fp_record_down *r)
{
    const struct fp_dec *d = &r->receipts.rows;
    return (struct vector){.conv = r->receipts.conv, .rows = fp_bytes_of(d->p + d->at, d->len - d->at), .count = r->receipts.count};
}

static struct fp_record_down down_of(const struct vector *v)
{
    struct fp_record_down r = {.what = FP_TOLD_RECEIPTS_WHAT};
    r.receipts.conv = v->conv;
    r.receipts.count = v->count;
    fp_dec_init(&r.receipts.rows, v->rows);
    return r;
}

/* For the rows that are ahead of the events. In memory: after a start the hub is asked for all of it (tell_held). */
static enum fp_err keep_for_later(struct hub *h, const struct vector *v, uint64_t upto)
{
    struct site_later *l = find_later(h, &v->conv);
    uint8_t *copy = malloc(v->rows.len + 1);
    if (!copy) {
        return FP_ENOMEM;
    }
    if (!l) {
        l = calloc(1, sizeof(*l));
        if (!l) {
            free(copy);
            return FP_ENOMEM;
        }
        l->conv = v->conv;
        HASH_ADD_KEYPTR(hh, h->site->later, l->conv.text, l->conv.len, l);
        if (!l->hh.tbl) {
            free(copy);
            free(l);
            return FP_ENOMEM;
        }
    }
    memcpy(copy, v->rows.p, v->rows.len);
    free((void *)(uintptr_t)l->record.p);
    l->record = fp_bytes_of(copy, v->rows.len);
    l->count = v->count;
    l->upto = upto;
    return FP_OK;
}

/* What can be told now. *out_upto: the head that the rest waits for; 0: there is no rest. */
static enum fp_err take_rows(struct hub *h, struct hub_conv *c, struct fp_record_down r, uint64_t *out_upto)
{
    struct fp_id user;
    uint64_t delivered = 0;
    uint64_t read = 0;
    uint64_t head = c ? c->c.head : 0;
    enum fp_err err = FP_OK;

    *out_upto = 0;
    while (!err && fp_record_horizon(&r, &user, &delivered, &read)) {
        struct hub_member *m = NULL;
        if (delivered > head || read > head) {
            uint64_t most = delivered > read ? delivered : read;
            *out_upto = most > *out_upto ? most : *out_upto;
        }
        if (c && head > 0) {
            err = cache_member(h, c->c.cid, &user, &m);
            err = err ? err : receipts_told(h, c, m, delivered < head ? delivered : head, read < head ? read : head);
        }
    }
    return err;
}

enum fp_err apply_receipts(struct hub *h, struct fp_record_down *r)
{
    struct hub_conv *c = NULL;
    struct vector v = vector_of(r);
    uint64_t upto = 0;

    enum fp_err err = cache_conv(h, &v.conv, &c);
    if (!err) {
        err = take_rows(h, c, down_of(&v), &upto);
    }
    if (!err && upto > 0) {
        err = keep_for_later(h, &v, upto);
    }
    return err;
}

enum fp_err apply_receipts_due(struct hub *h, struct hub_conv *c)
{
    struct site_later *l = h->site->later ? find_later(h, &c->c.id) : NULL;
    if (!l || c->c.head < l->upto) {
        return FP_OK;
    }
    struct vector v = {.conv = l->conv, .rows = l->record, .count = l->count};
    uint64_t upto = 0;
    enum fp_err err = take_rows(h, c, down_of(&v), &upto);
    if (!err) {
        drop_later(h, l); /* should the batch fail, site_undo() has the hub tell all of it again */
    }
    return err;
}

/* ------------------------------------------------------------------ conv-state */

static bool is_named(const void *arg, const struct fp_id *user)
{
    struct fp_conv_state s = *(const struct fp_conv_state *)arg;
    struct fp_id id;
    uint64_t role = 0;
    uint64_t joined = 0;
    uint64_t from = 0;
    while (fp_conv_state_member(&s, &id, &role, &joined, &from)) {
        if (fp_id_eq(&id, user)) {
            return true;
        }
    }
    return false;
}

/* Those who come in have nothing to read below the floor. */
static enum fp_err take_members(struct hub *h, struct hub_conv *c, struct fp_conv_state *s)
{
    struct fp_id user;
    uint64_t role = 0;
    uint64_t joined = 0;
    uint64_t from = 0;
    enum fp_err err = FP_OK;

    while (!err && fp_conv_state_member(s, &user, &role, &joined, &from)) {
        struct hub_member *m = NULL;
        err = cache_member(h, c->c.cid, &user, &m);
        if (err) {
            return err;
        }
        bool was_in = m->m.active;
        uint64_t read_msgs = was_in ? m->m.read_msgs : c->c.msgs;
        m->m = (struct store_member){.cid = c->c.cid,
                                     .scope = c->c.scope,
                                     .user = user,
                                     .role = (uint8_t)role,
                                     .active = true,
                                     .joined = joined,
                                     .from = from,
                                     .read_msgs = read_msgs,
                                     .change = m->m.change};
        err = was_in ? h->store.save_member(h->store.ctx, &m->m) : conv_let_in(h, c, m);
    }
    return err;
}

static void set_floor(struct store_conv *c, const struct fp_conv_state *s)
{
    c->floor = s->floor;
    memcpy(c->floor_chain, s->floor_chain.p, sizeof(c->floor_chain));
}

static enum fp_err begin_at_floor(struct hub *h, struct fp_conv_state *s)
{
    struct hub_conv *c = NULL;
    struct store_conv row = {.id = s->conv, .scope = s->scope, .about_seq = s->about, .retention_days = s->retention_days, .head = s->floor};
    set_floor(&row, s);
    memcpy(row.chain, row.floor_chain, sizeof(row.chain));
    enum fp_err err = h->store.save_conv(h->store.ctx, &row, s->title, s->context);
    if (!err) {
        err = cache_new_conv(h, &row, &c);
    }
    if (!err) {
        err = take_members(h, c, s);
    }
    if (!err) {
        c->about_changed = true;
        stage_conv(h, c);
    }
    return err;
}

/* Between our head and the floor there is nothing any more: a run without events leads over it. */
static enum fp_err leap(struct hub *h, struct hub_conv *c, struct fp_conv_state *s)
{
    static const uint8_t nothing;
    struct store_run run = {.cid = c->c.cid, .first = c->c.head + 1, .last = s->floor, .msgs = c->c.msgs, .at = c->c.at};
    run.events = fp_bytes_of(&nothing, 0);
    memcpy(run.chain, s->floor_chain.p, sizeof(run.chain));
    enum fp_err err = member_put_others_out(h, c, is_named, s); /* who went in the part that is no longer told */
    if (!err) {
        err = h->store.append(h->store.ctx, &run);
    }
    if (err) {
        return err;
    }
    c->c.head = s->floor;
    memcpy(c->c.chain, run.chain, sizeof(c->c.chain));
    c->c.about_seq = s->about;
    c->c.retention_days = s->retention_days;
    c->about_changed = true;
    return take_members(h, c, s);
}

struct cut {
    struct hub *h;
    uint64_t first, last;
    struct fp_bytes events;
};

static bool take_cut(void *arg, const struct store_run *run)
{
    struct cut *k = arg;
    k->first = run->first;
    k->last = run->last;
    k->events = arena_copy(&k->h->arena, run->events);
    return false;
}

/* A run here may reach over the floor; what is below goes all the same. */
static enum fp_err cut_run(struct hub *h, const struct hub_conv *c, uint64_t floor)
{
    struct cut k = {.h = h};
    size_t count = 0;
    if (c->c.head <= floor) {
        return FP_OK;
    }
    enum fp_err err = h->store.each_run(h->store.ctx, c->c.cid, floor + 1, floor + 1, take_cut, &k);
    if (err || k.first == 0 || k.first > floor) {
        return err;
    }
    struct fp_bytes left = fp_run_cut(k.events, floor + 1, k.last, &count);
    return left.p ? h->store.rewrite_run(h->store.ctx, c->c.cid, k.first, left) : FP_ENOMEM;
}

static enum fp_err raise_floor(struct hub *h, struct hub_conv *c, struct fp_conv_state *s)
{
    uint64_t last = 0;
    bool leaps = s->floor > c->c.head;
    enum fp_err err = event_flush(h, c);
    if (!err) {
        err = retention_forget(h, c, leaps ? c->c.head : s->floor);
    }
    if (!err && leaps) {
        err = leap(h, c, s);
    }
    if (!err) {
        err = h->store.drop_runs(h->store.ctx, c->c.cid, s->floor, DROP_AT_ONCE, &last);
    }
    if (!err) {
        err = cut_run(h, c, s->floor);
    }
    if (err) {
        return err;
    }
    set_floor(&c->c, s);
    stage_conv(h, c);
    h->scrubbed = false;
    struct fp_bytes none = {0};
    return h->store.save_conv(h->store.ctx, &c->c, leaps ? s->title : none, leaps ? s->context : none);
}

enum fp_err apply_conv_state(struct hub *h, struct fp_conv_state *s)
{
    struct hub_conv *c = NULL;
    enum fp_err err = cache_conv(h, &s->conv, &c);
    if (!err) {
        err = stage_begin(h);
    }
    if (err || (c && s->floor <= c->c.floor)) {
        return err; /* the rest of it comes with the events */
    }
    err = c ? raise_floor(h, c, s) : begin_at_floor(h, s);
    if (!err) {
        err = cache_conv(h, &s->conv, &c);
    }
    return err ? err : apply_receipts_due(h, c);
}

/* ------------------------------------------------------------------ people */

enum fp_err apply_person(struct hub *h, const struct fp_person_facts *f)
{
    return people_facts(h, f);
}
