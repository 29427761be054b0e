#include "tests/support/mem_store_data.h"

static int receipt_cmp(const void *a, const void *b)
{
    return mem_id_cmp(&((const struct store_receipt *)a)->user, &((const struct store_receipt *)b)->user);
}

static int advance_cmp(const void *a, const void *b)
{
    const struct store_advance *x = a;
    const struct store_advance *y = b;
    int by_user = mem_id_cmp(&x->user, &y->user);
    int by_kind = mem_u64_cmp(x->kind, y->kind);

    return by_user ? by_user : by_kind ? by_kind : mem_u64_cmp(x->seq, y->seq);
}

const struct mem_table_kind mem_receipts = {.row_bytes = sizeof(struct store_receipt), .cmp = receipt_cmp};
const struct mem_table_kind mem_advances = {.row_bytes = sizeof(struct store_advance), .cmp = advance_cmp};

static enum fp_err load_receipt(void *ctx, uint64_t cid, const struct fp_id *user, struct store_receipt *out)
{
    struct mem_store *m = ctx;
    const struct mem_conv *c = mem_conv_at(m, cid);
    const struct store_receipt none = {.cid = cid, .user = *user};

    mem_enter(m);
    const struct store_receipt *row = c ? mem_table_find(&c->receipts, &mem_receipts, &none) : NULL;
    *out = row ? *row : none;
    return FP_OK;
}

static enum fp_err save_receipt(void *ctx, const struct store_receipt *r)
{
    struct mem_store *m = ctx;
    struct mem_conv *c = NULL;
    enum fp_err err = mem_save(m, r->cid, &c);

    if (!err) {
        mem_table_put(m, &c->receipts, &mem_receipts, r);
    }
    return err;
}

static enum fp_err each_receipt(void *ctx, uint64_t cid, store_receipt_fn fn, void *arg)
{
    struct mem_store *m = ctx;
    const struct mem_conv *c = mem_conv_at(m, cid);
    bool go_on = true;

    mem_enter(m);
    m->in_callback = true;
    for (size_t i = 0; c && i < c->member_count && go_on; i++) {
        const struct store_receipt key = {.user = c->members[i].user};
        const struct store_receipt *row = mem_table_find(&c->receipts, &mem_receipts, &key);
        if (row && c->members[i].active) {
            const struct store_receipt copy = *row;
            go_on = fn(arg, &copy);
        }
    }
    m->in_callback = false;
    return FP_OK;
}

static bool same_series(const struct store_advance *a, const struct store_advance *b)
{
    return fp_id_eq(&a->user, &b->user) && a->kind == b->kind;
}

/* The first advance of the same series with seq or a later one; NULL: none. */
static const struct store_advance *advance_from(const struct mem_conv *c, const struct store_advance *key)
{
    bool found = false;
    size_t i = mem_table_place(&c->advances, &mem_advances, key, &found);
    const struct store_advance *a = i < c->advances.count ? mem_table_at(&c->advances, &mem_advances, i) : NULL;

    return a && same_series(a, key) ? a : NULL;
}

static enum fp_err add_advance(void *ctx, const struct store_advance *a)
{
    struct mem_store *m = ctx;
    struct mem_conv *c = NULL;
    enum fp_err err = mem_save(m, a->cid, &c);

    if (err) {
        return err;
    }
    if (advance_from(c, a)) { /* does not ascend */
        return mem_refuse(m, FP_ECORRUPT);
    }
    mem_table_put(m, &c->advances, &mem_advances, a);
    return FP_OK;
}

static enum fp_err find_advance(void *ctx, uint64_t cid, const struct fp_id *user, enum store_advance_kind kind, uint64_t seq, struct fp_wall *out_at,
                                bool *out_found)
{
    struct mem_store *m = ctx;
    const struct mem_conv *c = mem_conv_at(m, cid);
    const struct store_advance key = {.cid = cid, .user = *user, .kind = kind, .seq = seq};

    mem_enter(m);
    const struct store_advance *a = c ? advance_from(c, &key) : NULL;
    *out_found = a != NULL;
    if (a) {
        *out_at = a->at;
    }
    return FP_OK;
}

static enum fp_err trim_advances(void *ctx, uint64_t cid, uint64_t upto, size_t limit, bool *out_more)
{
    struct mem_store *m = ctx;
    struct mem_conv *c = mem_conv_at(m, cid);

    mem_enter(m);
    *out_more = false;
    if (!m->in_tx) {
        return FP_ECORRUPT;
    }
    for (size_t i = 0; c && i < c->advances.count;) {
        const struct store_advance *a = mem_table_at(&c->advances, &mem_advances, i);
        if (a->seq > upto) {
            i++;
            continue;
        }
        if (limit == 0) {
            *out_more = true;
            return FP_OK;
        }
        mem_table_remove(m, &c->advances, &mem_advances, i);
        limit--;
    }
    return FP_OK;
}

void mem_receipts_port(struct store_port *p)
{
    p->load_receipt = load_receipt;
    p->save_receipt = save_receipt;
    p->each_receipt = each_receipt;
    p->add_advance = add_advance;
    p->find_advance = find_advance;
    p->trim_advances = trim_advances;
}
