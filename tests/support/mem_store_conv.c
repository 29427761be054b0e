#include "tests/support/mem_store_data.h"

#include <stdlib.h>

static enum fp_err load_conv(void *ctx, const struct fp_id *id, struct store_conv *out, bool *out_found)
{
    struct mem_store *m = ctx;
    struct mem_conv *c = NULL;

    mem_enter(m);
    HASH_FIND(hh, m->conv_by_id, id, sizeof *id, c);
    *out_found = c != NULL;
    if (c) {
        *out = c->row;
    }
    return FP_OK;
}

/* T3 */
static void head_at_floor(struct mem_conv *c)
{
    c->row.msgs = 0;
    c->row.at = (struct fp_wall){0};
    c->row.head = c->row.floor;
    memcpy(c->row.chain, c->row.floor_chain, sizeof c->row.chain);
}

static enum fp_err new_conv(struct mem_store *m, struct store_conv *row, struct fp_bytes title, struct fp_bytes context)
{
    struct mem_conv *c = NULL;

    HASH_FIND(hh, m->conv_by_id, &row->id, sizeof row->id, c);
    if (c) {
        return mem_refuse(m, FP_ECORRUPT);
    }
    c = calloc(1, sizeof *c);
    if (!c) {
        abort();
    }
    row->cid = m->conv_count + 1;
    c->row = *row;
    head_at_floor(c);
    c->title = mem_blob_of(title);
    c->context = mem_blob_of(context);
    m->convs = mem_grow(m->convs, m->conv_count, &m->conv_cap, sizeof(void *));
    m->convs[m->conv_count++] = c;
    HASH_ADD(hh, m->conv_by_id, row.id, sizeof c->row.id, c);
    mem_push_undo(m, &(struct mem_undo){.kind = MEM_UNDO_NEW_CONV, .at = row->cid});
    return FP_OK;
}

static enum fp_err save_conv(void *ctx, struct store_conv *row, struct fp_bytes title, struct fp_bytes context)
{
    struct mem_store *m = ctx;

    mem_enter(m);
    if (!m->in_tx) {
        return FP_ECORRUPT;
    }
    if (row->cid == 0) {
        return new_conv(m, row, title, context);
    }
    struct mem_conv *c = mem_conv_at(m, row->cid);
    if (!c) {
        return mem_refuse(m, FP_ECORRUPT);
    }
    struct mem_undo undo = {.kind = MEM_UNDO_CONV, .at = row->cid, .conv = c->row};
    if (title.p) {
        undo.title = c->title;
        c->title = mem_blob_of(title);
    }
    if (context.p) {
        undo.context = c->context;
        c->context = mem_blob_of(context);
    }
    c->row.floor = row->floor;
    memcpy(c->row.floor_chain, row->floor_chain, sizeof c->row.floor_chain);
    c->row.about_seq = row->about_seq;
    c->row.retention_days = row->retention_days;
    if (c->run_count == 0) {
        head_at_floor(c);
    }
    mem_push_undo(m, &undo);
    return FP_OK;
}

static enum fp_err load_about(void *ctx, uint64_t cid, struct fp_bytes *out_title, struct fp_bytes *out_context)
{
    struct mem_store *m = ctx;
    struct mem_conv *c = mem_conv_at(m, cid);

    mem_enter(m);
    if (!c) {
        return FP_ECORRUPT;
    }
    *out_title = mem_lend(m, 0, &c->title);
    *out_context = mem_lend(m, 1, &c->context);
    return FP_OK;
}

static enum fp_err each_conv(void *ctx, uint64_t after_cid, size_t limit, store_conv_fn fn, void *arg)
{
    struct mem_store *m = ctx;

    mem_enter(m);
    m->in_callback = true;
    for (size_t i = after_cid; i < m->conv_count && limit > 0; i++, limit--) {
        const struct store_conv row = m->convs[i]->row;
        if (!fn(arg, &row)) {
            break;
        }
    }
    m->in_callback = false;
    return FP_OK;
}

static enum fp_err each_conv_in(void *ctx, const struct fp_id *scope, uint64_t after_cid, size_t limit, store_conv_fn fn, void *arg)
{
    struct mem_store *m = ctx;

    mem_enter(m);
    m->in_callback = true;
    for (size_t i = after_cid; i < m->conv_count && limit > 0; i++) {
        const struct store_conv row = m->convs[i]->row;
        if (!fp_id_eq(&row.scope, scope)) {
            continue;
        }
        if (!fn(arg, &row)) {
            break;
        }
        limit--;
    }
    m->in_callback = false;
    return FP_OK;
}

static enum fp_err append(void *ctx, const struct store_run *run)
{
    struct mem_store *m = ctx;
    struct mem_conv *c = mem_conv_at(m, run->cid);

    mem_enter(m);
    if (!m->in_tx) {
        return FP_ECORRUPT;
    }
    if (!c) {
        return mem_refuse(m, FP_ECORRUPT);
    }
    if (run->first != c->row.head + 1 || run->last < run->first) { /* T3 */
        return mem_refuse(m, FP_ECORRUPT);
    }
    mem_push_undo(m, &(struct mem_undo){.kind = MEM_UNDO_APPEND, .at = run->cid, .conv = c->row});
    c->runs = mem_grow(c->runs, c->run_count, &c->run_cap, sizeof *c->runs);
    c->runs[c->run_count++] =
        (struct mem_run){.first = run->first, .last = run->last, .msgs = run->msgs, .at = run->at, .events = mem_blob_of(run->events)};
    c->row.head = run->last;
    c->row.msgs = run->msgs;
    c->row.at = run->at;
    memcpy(c->row.chain, run->chain, sizeof c->row.chain);
    memcpy(c->runs[c->run_count - 1].chain, run->chain, sizeof run->chain);
    return FP_OK;
}

/* The index of the first run that ends at seq or later. */
static size_t run_place(const struct mem_conv *c, uint64_t seq)
{
    size_t low = 0;
    size_t high = c->run_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (c->runs[middle].last < seq) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static enum fp_err each_run(void *ctx, uint64_t cid, uint64_t from, uint64_t to, store_run_fn fn, void *arg)
{
    struct mem_store *m = ctx;
    struct mem_conv *c = mem_conv_at(m, cid);

    mem_enter(m);
    m->in_callback = true;
    for (size_t i = c ? run_place(c, from) : 0; c && from <= to && i < c->run_count && c->runs[i].first <= to; i++) {
        const struct mem_run *r = &c->runs[i];
        if (r->last <= m->away_upto && i + 1 < c->run_count) {
            m->in_callback = false;
            return FP_EAGAIN;
        }
        struct store_run run = {.cid = cid, .first = r->first, .last = r->last, .msgs = r->msgs, .at = r->at, .events = mem_lend(m, 0, &r->events)};
        memcpy(run.chain, r->chain, sizeof run.chain);
        if (!fn(arg, &run)) {
            break;
        }
    }
    m->in_callback = false;
    return FP_OK;
}

void mem_conv_port(struct store_port *p)
{
    p->load_conv = load_conv;
    p->save_conv = save_conv;
    p->load_about = load_about;
    p->each_conv = each_conv;
    p->each_conv_in = each_conv_in;
    p->append = append;
    p->each_run = each_run;
}
