#include <stdlib.h>

#include "tests/support/mem_store_data.h"

static int person_cmp(const void *a, const void *b)
{
    return mem_id_cmp(&((const struct mem_person *)a)->row.user, &((const struct mem_person *)b)->row.user);
}

static void person_release(void *row)
{
    struct mem_person *p = row;

    free(p->status.p);
    free(p->policy.p);
}

static int timer_cmp(const void *a, const void *b)
{
    const struct store_timer *x = a;
    const struct store_timer *y = b;
    int by_kind = mem_u64_cmp(x->kind, y->kind);
    int by_owner = mem_id_cmp(&x->owner, &y->owner);

    return by_kind ? by_kind : by_owner ? by_owner : mem_u64_cmp(x->seq, y->seq);
}

static int due_cmp(const void *a, const void *b)
{
    int by_due = mem_u64_cmp(((const struct store_timer *)a)->due.ms, ((const struct store_timer *)b)->due.ms);

    return by_due ? by_due : timer_cmp(a, b);
}

const struct mem_table_kind mem_people = {.row_bytes = sizeof(struct mem_person), .cmp = person_cmp, .release = person_release};
const struct mem_table_kind mem_timers = {.row_bytes = sizeof(struct store_timer), .cmp = timer_cmp};

static enum fp_err load_person(void *ctx, const struct fp_id *user, struct store_person *out, bool *out_found)
{
    struct mem_store *m = ctx;
    const struct mem_person key = {.row = {.user = *user}};

    mem_enter(m);
    const struct mem_person *p = mem_table_find(&m->people, &mem_people, &key);
    *out_found = p != NULL;
    if (p) {
        *out = p->row;
        out->status = mem_lend(m, 0, &p->status);
        out->policy = mem_lend(m, 1, &p->policy);
    }
    return FP_OK;
}

static enum fp_err save_person(void *ctx, const struct store_person *row)
{
    struct mem_store *m = ctx;

    mem_enter(m);
    if (!m->in_tx) {
        return FP_ECORRUPT;
    }
    struct mem_person p = {.row = *row, .status = mem_blob_of(row->status), .policy = mem_blob_of(row->policy)};
    p.row.status = (struct fp_bytes){0};
    p.row.policy = (struct fp_bytes){0};
    mem_table_put(m, &m->people, &mem_people, &p);
    return FP_OK;
}

static enum fp_err save_timer(void *ctx, const struct store_timer *t)
{
    struct mem_store *m = ctx;

    mem_enter(m);
    if (!m->in_tx) {
        return FP_ECORRUPT;
    }
    mem_table_put(m, &m->timers, &mem_timers, t);
    return FP_OK;
}

static enum fp_err drop_timer(void *ctx, enum store_timer_kind kind, const struct fp_id *owner, uint64_t seq)
{
    struct mem_store *m = ctx;
    const struct store_timer key = {.kind = kind, .owner = *owner, .seq = seq};
    bool found = false;

    mem_enter(m);
    if (!m->in_tx) {
        return FP_ECORRUPT;
    }
    size_t i = mem_table_place(&m->timers, &mem_timers, &key, &found);
    if (found) {
        mem_table_remove(m, &m->timers, &mem_timers, i);
    }
    return FP_OK;
}

static enum fp_err each_timer(void *ctx, store_timer_fn fn, void *arg)
{
    struct mem_store *m = ctx;
    struct mem_blob copy = mem_blob_of(fp_bytes_of(m->timers.rows, m->timers.count * mem_timers.row_bytes));
    struct store_timer *timers = (void *)copy.p;
    bool go_on = true;

    mem_enter(m);
    m->in_callback = true;
    qsort(timers, m->timers.count, sizeof *timers, due_cmp);
    for (size_t i = 0; i < m->timers.count && go_on; i++) {
        go_on = fn(arg, &timers[i]);
    }
    m->in_callback = false;
    free(copy.p);
    return FP_OK;
}

void mem_people_port(struct store_port *p)
{
    p->load_person = load_person;
    p->save_person = save_person;
    p->save_timer = save_timer;
    p->drop_timer = drop_timer;
    p->each_timer = each_timer;
}
