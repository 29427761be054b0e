/* What is told to a relay besides events: horizons, a conversation as it is now, what somebody says about himself. */
#include "plugin/hub/relay.h"

#define HORIZON_BYTES 64 /* an id and two seqs */
#define MEMBER_BYTES 72  /* an id, a role, two seqs */
#define FRAME_BYTES 256

/* ------------------------------------------------------------------ horizons */

struct horizons {
    struct fp_enc *e; /* NULL: only count */
    uint64_t held;
    size_t count;
    uint64_t sum;
    bool clamped;
};

static uint64_t clamp(struct horizons *k, uint64_t seq)
{
    k->clamped = k->clamped || seq > k->held;
    return seq > k->held ? k->held : seq;
}

/* Never above what the relay holds: it would be a horizon over nothing. */
static bool add_horizon(void *arg, const struct store_receipt *r)
{
    struct horizons *k = arg;
    uint64_t delivered = clamp(k, r->shown_delivered);
    uint64_t read = clamp(k, r->shown_read);
    if (delivered == 0) {
        return true;
    }
    if (k->e) {
        fp_enc_horizon(k->e, &(struct fp_horizon){.id = r->user, .delivered = delivered, .read = read});
    }
    k->count++;
    k->sum = fp_hash(k->sum, r->user.text, r->user.len); /* a plain sum is the same again where one goes and another reads on */
    k->sum = fp_hash(k->sum, &delivered, sizeof(delivered));
    k->sum = fp_hash(k->sum, &read, sizeof(read));
    return true;
}

enum fp_err relay_told_receipts(struct hub *h, struct relay_conv *c, struct fp_bytes *out, uint64_t *out_sum)
{
    struct horizons counted = {.held = c->held, .sum = FP_HASH_START};
    *out = (struct fp_bytes){0};
    enum fp_err err = h->store.each_receipt(h->store.ctx, c->cid, add_horizon, &counted);
    c->clamped = counted.clamped;
    *out_sum = counted.count > 0 ? counted.sum >> 1U : 0; /* the store's numbers have 63 bits */
    if (err || counted.count == 0) {
        return err;
    }
    size_t cap = counted.count * HORIZON_BYTES + FRAME_BYTES;
    uint8_t *buf = arena_alloc(&h->arena, cap);
    struct fp_enc e;
    fp_enc_init(&e, buf, buf ? cap : 0);
    fp_enc_told_receipts_begin(&e, &c->id, counted.count);
    struct horizons rows = {.e = &e, .held = c->held};
    err = h->store.each_receipt(h->store.ctx, c->cid, add_horizon, &rows);
    *out = fp_enc_bytes_of(&e);
    return err ? err : e.failed ? FP_ENOMEM : FP_OK;
}

/* ------------------------------------------------------------------ a conversation */

struct members {
    struct fp_enc e;
    size_t count;
};

static bool count_member(void *arg, const struct store_member *m)
{
    (void)m;
    ((struct members *)arg)->count++;
    return true;
}

static bool add_member(void *arg, const struct store_member *m)
{
    struct members *k = arg;
    fp_enc_told_conv_member(&k->e, &m->user, m->role, m->joined, m->from);
    return !k->e.failed;
}

enum fp_err relay_told_conv(struct hub *h, const struct relay_conv *c, const struct store_away *away, struct fp_bytes *out)
{
    struct hub_conv *hc = NULL;
    struct members k = {0};
    struct fp_bytes title = {0};
    struct fp_bytes context = {0};
    enum fp_err err = cache_conv(h, &c->id, &hc);
    if (!err && !hc) {
        err = FP_ECORRUPT; /* conversations do not go away */
    }
    err = err ? err : h->store.each_member(h->store.ctx, c->cid, count_member, &k);
    size_t cap = FRAME_BYTES + h->config.title_bytes + 2 * FP_CONTEXT_BYTES_MAX + k.count * MEMBER_BYTES;
    uint8_t *buf = err ? NULL : arena_alloc(&h->arena, cap);
    err = err ? err : h->store.load_about(h->store.ctx, c->cid, &title, &context);
    if (err) {
        return err;
    }
    struct fp_conv_state s = {.conv = c->id,
                              .scope = hc->c.scope,
                              .floor = away ? away->last : hc->c.floor,
                              .floor_chain = fp_bytes_of(away ? away->chain : hc->c.floor_chain, sizeof(hc->c.floor_chain)),
                              .about = hc->c.about_seq,
                              .title = arena_copy(&h->arena, title), /* spans of the store end with the next call */
                              .retention_days = hc->c.retention_days,
                              .context = arena_copy(&h->arena, context),
                              .member_count = k.count};
    fp_enc_init(&k.e, buf, buf ? cap : 0);
    fp_enc_told_conv_begin(&k.e, &s);
    err = h->store.each_member(h->store.ctx, c->cid, add_member, &k);
    fp_enc_told_conv_end(&k.e, &s);
    *out = fp_enc_bytes_of(&k.e);
    return err ? err : k.e.failed ? FP_ENOMEM : FP_OK;
}

/* ------------------------------------------------------------------ a person */

static enum fp_err is_one_of_its(struct hub *h, const struct relay *r, const struct fp_id *user, bool *out)
{
    enum fp_err err = FP_OK;
    *out = false;
    for (size_t i = 0; i < r->rights.scope_count && !err && !*out; i++) {
        uint8_t role = FP_ROLE_NONE;
        bool exists = false;
        err = h->store.load_scope(h->store.ctx, &r->rights.scopes[i], user, &role, &exists);
        *out = !err && role != FP_ROLE_NONE;
    }
    return err;
}

enum fp_err relay_told_person(struct hub *h, const struct relay *r, const struct fp_id *user, struct fp_bytes *out, uint64_t *out_version)
{
    struct store_person row;
    bool found = false;
    bool his = false;
    *out = (struct fp_bytes){0};
    enum fp_err err = is_one_of_its(h, r, user, &his);
    err = err || !his ? err : h->store.load_person(h->store.ctx, user, &row, &found);
    if (err || !found || (row.version == 0 && row.status.len == 0 && row.policy.len == 0)) {
        return err;
    }
    struct fp_person_facts f = {.user = *user, .version = row.version, .text = row.status, .until = row.status_until, .policy = row.policy};
    size_t cap = FRAME_BYTES + row.status.len + row.policy.len;
    uint8_t *buf = arena_alloc(&h->arena, cap);
    struct fp_enc e;
    fp_enc_init(&e, buf, buf ? cap : 0);
    fp_enc_told_person(&e, &f);
    *out = fp_enc_bytes_of(&e);
    *out_version = row.version + 1;
    return e.failed ? FP_ENOMEM : FP_OK;
}
