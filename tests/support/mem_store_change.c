#include <stdlib.h>

#include "tests/support/mem_store_data.h"

static int target_cmp(const void *a, const void *b)
{
    return mem_u64_cmp(((const struct store_target *)a)->seq, ((const struct store_target *)b)->seq);
}

static int confirm_cmp(const void *a, const void *b)
{
    const struct store_confirm *x = a;
    const struct store_confirm *y = b;
    int by_seq = mem_u64_cmp(x->seq, y->seq);

    return by_seq ? by_seq : mem_id_cmp(&x->user, &y->user);
}

const struct mem_table_kind mem_targets = {.row_bytes = sizeof(struct store_target), .cmp = target_cmp};
const struct mem_table_kind mem_confirms = {.row_bytes = sizeof(struct store_confirm), .cmp = confirm_cmp};

static enum fp_err load_target(void *ctx, uint64_t cid, uint64_t seq, struct store_target *out, bool *out_found)
{
    struct mem_store *m = ctx;
    const struct mem_conv *c = mem_conv_at(m, cid);
    const struct store_target key = {.seq = seq};

    mem_enter(m);
    const struct store_target *row = c ? mem_table_find(&c->targets, &mem_targets, &key) : NULL;
    *out_found = row != NULL;
    if (row) {
        *out = *row;
    }
    return FP_OK;
}

static enum fp_err save_target(void *ctx, const struct store_target *t)
{
    struct mem_store *m = ctx;
    struct mem_conv *c = NULL;
    enum fp_err err = mem_save(m, t->cid, &c);

    if (!err) {
        mem_table_put(m, &c->targets, &mem_targets, t);
    }
    return err;
}

static enum fp_err each_target(void *ctx, uint64_t cid, uint64_t from, uint64_t to, store_target_fn fn, void *arg)
{
    struct mem_store *m = ctx;
    const struct mem_conv *c = mem_conv_at(m, cid);
    const struct store_target key = {.seq = from};
    bool found = false;
    bool go_on = true;

    mem_enter(m);
    m->in_callback = true;
    for (size_t i = c ? mem_table_place(&c->targets, &mem_targets, &key, &found) : 0; c && i < c->targets.count && go_on; i++) {
        const struct store_target copy = *(const struct store_target *)mem_table_at(&c->targets, &mem_targets, i);
        go_on = copy.seq <= to && fn(arg, &copy);
    }
    m->in_callback = false;
    return FP_OK;
}

static enum fp_err save_confirm(void *ctx, const struct store_confirm *f)
{
    struct mem_store *m = ctx;
    struct mem_conv *c = NULL;
    enum fp_err err = mem_save(m, f->cid, &c);

    if (!err && !mem_table_find(&c->confirms, &mem_confirms, f)) { /* the first time stays */
        mem_table_put(m, &c->confirms, &mem_confirms, f);
    }
    return err;
}

static enum fp_err each_confirm(void *ctx, uint64_t cid, uint64_t seq, store_confirm_fn fn, void *arg)
{
    struct mem_store *m = ctx;
    const struct mem_conv *c = mem_conv_at(m, cid);
    const struct store_confirm key = {.seq = seq}; /* the empty id comes before all */
    bool found = false;
    bool go_on = true;

    mem_enter(m);
    m->in_callback = true;
    for (size_t i = c ? mem_table_place(&c->confirms, &mem_confirms, &key, &found) : 0; c && i < c->confirms.count && go_on; i++) {
        const struct store_confirm copy = *(const struct store_confirm *)mem_table_at(&c->confirms, &mem_confirms, i);
        go_on = copy.seq == seq && fn(arg, &copy);
    }
    m->in_callback = false;
    return FP_OK;
}

static struct mem_run *run_at(const struct mem_conv *c, uint64_t first)
{
    for (size_t i = 0; i < c->run_count; i++) {
        if (c->runs[i].first == first) {
            return &c->runs[i];
        }
    }
    return NULL;
}

static enum fp_err rewrite_run(void *ctx, uint64_t cid, uint64_t first, struct fp_bytes events)
{
    struct mem_store *m = ctx;
    struct mem_conv *c = NULL;
    enum fp_err err = mem_save(m, cid, &c);

    if (err) {
        return err;
    }
    struct mem_run *run = run_at(c, first);
    if (run && run->last <= m->away_upto && run != &c->runs[c->run_count - 1]) {
        return mem_refuse(m, FP_EAGAIN);
    }
    if (!run) {
        return mem_refuse(m, FP_ECORRUPT);
    }
    mem_push_undo(m, &(struct mem_undo){.kind = MEM_UNDO_REWRITE, .at = cid, .run = *run});
    run->events = mem_blob_of(events);
    return FP_OK;
}

static enum fp_err scrub(void *ctx)
{
    struct mem_store *m = ctx;

    mem_enter(m);
    return m->in_tx ? FP_ECORRUPT : FP_OK; /* there are no files */
}

/* Nothing is ever moved: that nobody can tell the difference is what the suite is about. */
static enum fp_err archive(void *ctx, struct fp_wall before, struct fp_wall overdue, bool *out_more)
{
    struct mem_store *m = ctx;

    (void)before;
    (void)overdue;
    mem_enter(m);
    *out_more = false;
    return m->in_tx ? FP_ECORRUPT : FP_OK;
}

static enum fp_err find_away(void *ctx, uint64_t cid, uint64_t from, struct store_away *out, bool *out_found)
{
    struct mem_store *m = ctx;
    const struct mem_conv *c = mem_conv_at(m, cid);

    mem_enter(m);
    *out_found = false;
    for (size_t i = 0; c && i + 1 < c->run_count && c->runs[i].last <= m->away_upto; i++) {
        const struct mem_run *r = &c->runs[i];
        *out_found = r->last >= from;
        *out = (struct store_away){.first = c->runs[0].first, .last = r->last, .msgs = r->msgs, .at = r->at};
        memcpy(out->chain, r->chain, sizeof out->chain);
    }
    return FP_OK;
}

void mem_store_set_away(struct mem_store *m, uint64_t upto)
{
    m->away_upto = upto;
}

static const char *line(void *ctx)
{
    mem_enter(ctx);
    return NULL;
}

static unsigned percent_used(void *ctx)
{
    struct mem_store *m = ctx;

    mem_enter(m);
    return m->percent;
}

static void room(void *ctx, struct store_room *out)
{
    struct mem_store *m = ctx;

    mem_enter(m);
    *out = (struct store_room){.quota_bytes = 100, .db_bytes = m->percent};
}

void mem_store_set_used(struct mem_store *m, unsigned percent)
{
    m->percent = percent;
}

static enum fp_err drop_runs(void *ctx, uint64_t cid, uint64_t upto, size_t limit, uint64_t *out_last)
{
    struct mem_store *m = ctx;
    struct mem_conv *c = mem_conv_at(m, cid);

    mem_enter(m);
    *out_last = 0;
    if (!m->in_tx) {
        return FP_ECORRUPT;
    }
    for (; c && limit > 0 && c->run_count > 1 && c->runs[0].last <= upto; limit--) {
        *out_last = c->runs[0].last;
        mem_push_undo(m, &(struct mem_undo){.kind = MEM_UNDO_DROP_RUN, .at = cid, .run = c->runs[0]});
        c->run_count--;
        memmove(c->runs, c->runs + 1, c->run_count * sizeof *c->runs);
    }
    return FP_OK;
}

void mem_change_undo(struct mem_store *m, const struct mem_undo *u)
{
    struct mem_conv *c = mem_conv_at(m, u->at);

    if (u->kind == MEM_UNDO_REWRITE) {
        struct mem_run *run = run_at(c, u->run.first);
        free(run->events.p);
        *run = u->run;
        return;
    }
    c->runs = mem_grow(c->runs, c->run_count, &c->run_cap, sizeof *c->runs);
    memmove(c->runs + 1, c->runs, c->run_count * sizeof *c->runs);
    c->runs[0] = u->run;
    c->run_count++;
}

void mem_change_port(struct store_port *p)
{
    p->load_target = load_target;
    p->save_target = save_target;
    p->each_target = each_target;
    p->save_confirm = save_confirm;
    p->each_confirm = each_confirm;
    p->rewrite_run = rewrite_run;
    p->archive = archive;
    p->find_away = find_away;
    p->line = line;
    p->scrub = scrub;
    p->drop_runs = drop_runs;
    p->percent_used = percent_used;
    p->room = room;
}
