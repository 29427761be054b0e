#include <stdlib.h>

#include "tests/support/mem_store_data.h"

static int record_cmp(const void *a, const void *b)
{
    const struct mem_record *x = a;
    const struct mem_record *y = b;
    int by_lane = mem_u64_cmp(x->row.lane, y->row.lane);

    return by_lane ? by_lane : mem_u64_cmp(x->row.number, y->row.number);
}

static void record_release(void *row)
{
    free(((struct mem_record *)row)->record.p);
}

static int branch_cmp(const void *a, const void *b)
{
    const struct mem_branch *x = a;
    const struct mem_branch *y = b;
    int by_device = mem_id_cmp(&x->row.device, &y->row.device);

    return by_device ? by_device : mem_u64_cmp(x->row.n, y->row.n);
}

static void branch_release(void *row)
{
    free(((struct mem_branch *)row)->event.p);
}

static int peer_cmp(const void *a, const void *b)
{
    return mem_id_cmp(&((const struct store_peer *)a)->relay, &((const struct store_peer *)b)->relay);
}

static int held_cmp(const void *a, const void *b)
{
    const struct store_held *x = a;
    const struct store_held *y = b;
    int by_relay = mem_id_cmp(&x->relay, &y->relay);

    return by_relay ? by_relay : mem_u64_cmp(x->cid, y->cid);
}

static int number_cmp(const void *a, const void *b)
{
    return mem_u64_cmp(((const struct mem_number *)a)->name, ((const struct mem_number *)b)->name);
}

const struct mem_table_kind mem_records = {.row_bytes = sizeof(struct mem_record), .cmp = record_cmp, .release = record_release};
const struct mem_table_kind mem_branches = {.row_bytes = sizeof(struct mem_branch), .cmp = branch_cmp, .release = branch_release};
const struct mem_table_kind mem_peers = {.row_bytes = sizeof(struct store_peer), .cmp = peer_cmp};
const struct mem_table_kind mem_helds = {.row_bytes = sizeof(struct store_held), .cmp = held_cmp};
const struct mem_table_kind mem_numbers = {.row_bytes = sizeof(struct mem_number), .cmp = number_cmp};

uint64_t mem_number(const struct mem_store *m, uint64_t name)
{
    const struct mem_number key = {.name = name};
    const struct mem_number *n = mem_table_find(&m->numbers, &mem_numbers, &key);

    return n ? n->value : 0;
}

static void set_number(struct mem_store *m, uint64_t name, uint64_t value)
{
    mem_table_put(m, &m->numbers, &mem_numbers, &(struct mem_number){.name = name, .value = value});
}

static uint64_t lane_next(const struct mem_store *m, uint8_t lane)
{
    uint64_t next = lane < FP_LANES ? mem_number(m, MEM_LANE_NEXT + lane) : 0;

    return next ? next : 1;
}

/* The lane's first record from this number on, and of it only. */
static size_t record_place(const struct mem_store *m, uint8_t lane, uint64_t from)
{
    const struct mem_record key = {.row = {.lane = lane, .number = from}};
    bool found = false;

    return mem_table_place(&m->records, &mem_records, &key, &found);
}

static const struct mem_record *record_at(const struct mem_store *m, size_t i, uint8_t lane)
{
    const struct mem_record *r = i < m->records.count ? mem_table_at(&m->records, &mem_records, i) : NULL;

    return r && r->row.lane == lane ? r : NULL;
}

static enum fp_err add_record(void *ctx, struct store_record *row)
{
    struct mem_store *m = ctx;

    mem_enter(m);
    if (!m->in_tx) {
        return FP_ECORRUPT;
    }
    if (row->lane >= FP_LANES) {
        return mem_refuse(m, FP_ECORRUPT);
    }
    row->number = lane_next(m, row->lane);
    struct mem_record r = {.row = *row, .record = mem_blob_of(row->record)};
    r.row.record = (struct fp_bytes){0};
    mem_table_put(m, &m->records, &mem_records, &r);
    set_number(m, MEM_LANE_NEXT + row->lane, row->number + 1);
    return FP_OK;
}

static enum fp_err each_record(void *ctx, uint8_t lane, uint64_t from, size_t limit, store_record_fn fn, void *arg)
{
    struct mem_store *m = ctx;
    const struct mem_record *r = NULL;

    mem_enter(m);
    m->in_callback = true;
    for (size_t i = record_place(m, lane, from); limit > 0 && (r = record_at(m, i, lane)) != NULL; i++, limit--) {
        struct store_record row = r->row;
        row.record = mem_lend(m, 0, &r->record);
        if (!fn(arg, &row)) {
            break;
        }
    }
    m->in_callback = false;
    return FP_OK;
}

static enum fp_err lane_range(void *ctx, uint8_t lane, uint64_t *out_oldest, uint64_t *out_next)
{
    struct mem_store *m = ctx;

    mem_enter(m);
    const struct mem_record *oldest = record_at(m, record_place(m, lane, 0), lane);
    *out_next = lane_next(m, lane);
    *out_oldest = oldest ? oldest->row.number : *out_next;
    return FP_OK;
}

static enum fp_err drop_records(void *ctx, uint8_t lane, uint64_t upto, size_t limit, bool *out_more)
{
    struct mem_store *m = ctx;

    mem_enter(m);
    *out_more = false;
    if (!m->in_tx) {
        return FP_ECORRUPT;
    }
    size_t first = record_place(m, lane, 0);
    for (const struct mem_record *r = record_at(m, first, lane); r && r->row.number <= upto; r = record_at(m, first, lane)) {
        if (limit == 0) {
            *out_more = true;
            break;
        }
        mem_table_remove(m, &m->records, &mem_records, first);
        limit--;
    }
    return FP_OK;
}

static struct mem_branch *branch_at(const struct mem_store *m, size_t i)
{
    return mem_table_at(&m->branches, &mem_branches, i);
}

static enum fp_err save_branch(void *ctx, const struct store_branch *row)
{
    struct mem_store *m = ctx;
    struct mem_branch b = {.row = *row};

    mem_enter(m);
    if (!m->in_tx) {
        return FP_ECORRUPT;
    }
    if (row->lane >= FP_LANES || (row->cid != 0 && !mem_conv_at(m, row->cid))) {
        return mem_refuse(m, FP_ECORRUPT);
    }
    const struct mem_branch *old = mem_table_find(&m->branches, &mem_branches, &b);
    b.taken = old ? old->taken : ++m->taken;
    b.event = mem_blob_of(row->event);
    b.row.event = (struct fp_bytes){0};
    mem_table_put(m, &m->branches, &mem_branches, &b);
    return FP_OK;
}

static struct store_branch lend_branch(struct mem_store *m, const struct mem_branch *b)
{
    struct store_branch row = b->row;

    row.event = mem_lend(m, 0, &b->event);
    return row;
}

static enum fp_err load_branch(void *ctx, const struct fp_id *device, uint64_t n, struct store_branch *out, bool *out_found)
{
    struct mem_store *m = ctx;
    const struct mem_branch key = {.row = {.device = *device, .n = n}};

    mem_enter(m);
    const struct mem_branch *b = mem_table_find(&m->branches, &mem_branches, &key);
    *out_found = b != NULL;
    if (b) {
        *out = lend_branch(m, b);
    }
    return FP_OK;
}

static enum fp_err find_branch(void *ctx, uint8_t lane, uint64_t number, struct store_branch *out, bool *out_found)
{
    struct mem_store *m = ctx;
    const struct mem_branch *first = NULL;

    mem_enter(m);
    for (size_t i = 0; i < m->branches.count; i++) {
        const struct mem_branch *b = branch_at(m, i);
        if (b->row.lane == lane && b->row.number == number && (!first || b->taken < first->taken)) {
            first = b;
        }
    }
    *out_found = first != NULL;
    if (first) {
        *out = lend_branch(m, first);
    }
    return FP_OK;
}

static int taken_cmp(const void *a, const void *b)
{
    const struct mem_branch *const *x = a;
    const struct mem_branch *const *y = b;

    return mem_u64_cmp((*x)->taken, (*y)->taken);
}

const struct mem_branch **mem_branches_taken(const struct mem_store *m)
{
    const struct mem_branch **all = calloc(m->branches.count + 1, sizeof *all);

    if (!all) {
        abort();
    }
    for (size_t i = 0; i < m->branches.count; i++) {
        all[i] = branch_at(m, i);
    }
    qsort(all, m->branches.count, sizeof *all, taken_cmp);
    return all;
}

static enum fp_err each_branch(void *ctx, uint64_t cid, store_branch_fn fn, void *arg)
{
    struct mem_store *m = ctx;
    bool go_on = true;

    mem_enter(m);
    const struct mem_branch **all = mem_branches_taken(m);
    m->in_callback = true;
    for (size_t i = 0; i < m->branches.count && go_on; i++) {
        if (all[i]->row.cid == cid && !all[i]->row.settled) {
            const struct store_branch row = lend_branch(m, all[i]);
            go_on = fn(arg, &row);
        }
    }
    m->in_callback = false;
    free(all);
    return FP_OK;
}

static enum fp_err count_branches(void *ctx, const struct fp_id *device, uint64_t *out_open)
{
    struct mem_store *m = ctx;

    mem_enter(m);
    *out_open = 0;
    for (size_t i = 0; i < m->branches.count && *out_open < STORE_BRANCHES_COUNTED; i++) {
        const struct mem_branch *b = branch_at(m, i);
        *out_open += !b->row.settled && fp_id_eq(&b->row.device, device);
    }
    return FP_OK;
}

static enum fp_err prune_branches(void *ctx, struct fp_wall before, size_t limit, size_t *out_removed)
{
    struct mem_store *m = ctx;
    size_t kept = 0;

    mem_enter(m);
    *out_removed = 0;
    if (m->in_tx) {
        return FP_ECORRUPT;
    }
    for (size_t i = 0; i < m->branches.count; i++) {
        struct mem_branch b = *branch_at(m, i);
        if (b.row.settled && b.row.at.ms < before.ms && *out_removed < limit) {
            branch_release(&b);
            ++*out_removed;
        } else {
            *branch_at(m, kept++) = b;
        }
    }
    m->branches.count = kept;
    return FP_OK;
}

static enum fp_err load_peer(void *ctx, const struct fp_id *relay, struct store_peer *out, bool *out_found)
{
    struct mem_store *m = ctx;
    const struct store_peer key = {.relay = *relay};

    mem_enter(m);
    const struct store_peer *p = mem_table_find(&m->peers, &mem_peers, &key);
    *out_found = p != NULL;
    if (p) {
        *out = *p;
    }
    return FP_OK;
}

static enum fp_err save_peer(void *ctx, const struct store_peer *p)
{
    struct mem_store *m = ctx;

    mem_enter(m);
    if (!m->in_tx) {
        return FP_ECORRUPT;
    }
    mem_table_put(m, &m->peers, &mem_peers, p);
    return FP_OK;
}

static enum fp_err load_held(void *ctx, const struct fp_id *relay, uint64_t cid, struct store_held *out)
{
    struct mem_store *m = ctx;
    const struct store_held none = {.relay = *relay, .cid = cid};

    mem_enter(m);
    const struct store_held *row = mem_table_find(&m->helds, &mem_helds, &none);
    *out = row ? *row : none;
    return FP_OK;
}

static enum fp_err save_held(void *ctx, const struct store_held *r)
{
    struct mem_store *m = ctx;
    struct mem_conv *c = NULL;
    enum fp_err err = mem_save(m, r->cid, &c);

    if (!err) {
        mem_table_put(m, &m->helds, &mem_helds, r);
    }
    return err;
}

static enum fp_err forget_held(void *ctx, const struct fp_id *relay)
{
    struct mem_store *m = ctx;

    mem_enter(m);
    if (!m->in_tx) {
        return FP_ECORRUPT;
    }
    for (size_t i = m->helds.count; i > 0; i--) {
        const struct store_held *r = mem_table_at(&m->helds, &mem_helds, i - 1);
        if (fp_id_eq(&r->relay, relay)) {
            mem_table_remove(m, &m->helds, &mem_helds, i - 1);
        }
    }
    return FP_OK;
}

static enum fp_err new_epoch(void *ctx, uint64_t epoch)
{
    struct mem_store *m = ctx;

    mem_enter(m);
    if (!m->in_tx) {
        return FP_ECORRUPT;
    }
    if (epoch == 0) {
        return mem_refuse(m, FP_ECORRUPT);
    }
    set_number(m, MEM_EPOCH, epoch);
    return FP_OK;
}

void mem_trunk_free(struct mem_store *m)
{
    mem_table_free(&m->records, &mem_records);
    mem_table_free(&m->branches, &mem_branches);
    mem_table_free(&m->peers, &mem_peers);
    mem_table_free(&m->helds, &mem_helds);
    mem_table_free(&m->numbers, &mem_numbers);
}

void mem_trunk_port(struct store_port *p)
{
    p->add_record = add_record;
    p->each_record = each_record;
    p->lane_range = lane_range;
    p->drop_records = drop_records;
    p->save_branch = save_branch;
    p->load_branch = load_branch;
    p->find_branch = find_branch;
    p->each_branch = each_branch;
    p->count_branches = count_branches;
    p->prune_branches = prune_branches;
    p->load_peer = load_peer;
    p->save_peer = save_peer;
    p->load_held = load_held;
    p->save_held = save_held;
    p->forget_held = forget_held;
    p->new_epoch = new_epoch;
}
