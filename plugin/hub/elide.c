#include <stdlib.h>

#include "plugin/core/chain.h"
#include "plugin/hub/change.h"

static const uint8_t null_item = 0xf6;

bool elide_event(struct fp_enc *e, struct fp_event ev, uint32_t flags)
{
    uint8_t hash[CHAIN_BYTES];

    ev.flags |= flags;
    if (ev.body.len > 0 && ev.body_hash.len == 0) {
        chain_body_hash(ev.body, hash);
        ev.body = fp_bytes_of(&null_item, 1);
        ev.body_hash = fp_bytes_of(hash, sizeof(hash));
    }
    return fp_event_encode(e, &ev);
}

struct elide {
    struct hub *h;
    uint64_t cid;
    uint64_t from, to;
    struct store_target *rows; /* of messages in from..to, ascending */
    size_t count, cap;
    struct store_target before; /* of a message before `from`: the last one asked for */
    bool before_found;
    struct fp_enc enc;
    bool changed;
};

static bool is_any(void *arg, const struct store_target *t)
{
    (void)t;
    *(bool *)arg = true;
    return false;
}

static bool keep_row(void *arg, const struct store_target *t)
{
    struct elide *e = arg;
    if (e->count < e->cap) {
        e->rows[e->count++] = *t;
    }
    return true;
}

static int compare_seq(const void *key, const void *row)
{
    uint64_t seq = *(const uint64_t *)key;
    uint64_t other = ((const struct store_target *)row)->seq;
    return (seq > other) - (seq < other);
}

/* NULL in *out: the message was never changed. */
static enum fp_err target_of_msg(struct elide *e, uint64_t seq, const struct store_target **out)
{
    enum fp_err err = FP_OK;
    if (seq >= e->from) {
        *out = bsearch(&seq, e->rows, e->count, sizeof(*e->rows), compare_seq);
        return FP_OK;
    }
    if (e->before.seq != seq) {
        err = e->h->store.load_target(e->h->store.ctx, e->cid, seq, &e->before, &e->before_found);
        e->before.seq = seq;
    }
    *out = e->before_found ? &e->before : NULL;
    return err;
}

static bool is_gone(const struct store_target *t, uint64_t seq)
{
    bool none_stands = t->state == TARGET_DELETED || t->state == TARGET_REDACTED;
    return none_stands || (t->state == TARGET_EDITED && t->body_at != seq);
}

static enum fp_err elide_one(struct elide *e, struct fp_bytes one)
{
    struct fp_event ev;
    const struct store_target *t = NULL;

    if (fp_event_decode(one, &ev)) {
        return FP_ECORRUPT;
    }
    if (ev.kind == FP_K_MSG || ev.kind == FP_K_EDIT) {
        enum fp_err err = target_of_msg(e, ev.kind == FP_K_MSG ? ev.seq : ev.ref, &t);
        if (err) {
            return err;
        }
    }
    if (!t || !is_gone(t, ev.seq)) {
        fp_enc_raw(&e->enc, one);
        return FP_OK;
    }
    e->changed = true;
    return elide_event(&e->enc, ev, 0) ? FP_OK : FP_ENOMEM;
}

/* The changed messages up to `to` decide whether a look inside is needed at all: an edit comes after what it edits. */
static enum fp_err any_change(struct hub *h, uint64_t cid, uint64_t to, bool *out)
{
    *out = false;
    return h->store.each_target(h->store.ctx, cid, 1, to, is_any, out);
}

enum fp_err elide_run(struct hub *h, uint64_t cid, uint64_t from, uint64_t to, struct fp_bytes run, struct fp_bytes *out)
{
    bool any = false;

    *out = run;
    enum fp_err err = any_change(h, cid, to, &any);
    if (err || !any) {
        return err;
    }
    struct elide e = {.h = h, .cid = cid, .from = from, .to = to, .cap = (size_t)(to - from + 1)};
    size_t bytes = run.len + e.cap * ELIDED_MORE_BYTES;
    uint8_t *buf = arena_alloc(&h->arena, bytes);
    e.rows = arena_alloc(&h->arena, e.cap * sizeof(*e.rows));
    if (!buf || !e.rows) {
        return FP_ENOMEM;
    }
    fp_enc_init(&e.enc, buf, bytes);
    err = h->store.each_target(h->store.ctx, cid, from, to, keep_row, &e);
    struct fp_bytes one;
    while (!err && run.len > 0) {
        err = fp_run_next(&run, &one) ? elide_one(&e, one) : FP_ECORRUPT;
    }
    if (err || e.enc.failed) {
        return err ? err : FP_ENOMEM;
    }
    if (e.changed) {
        *out = fp_enc_bytes_of(&e.enc);
    }
    return FP_OK;
}
