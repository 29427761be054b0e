#include <stdlib.h>

#include "tests/support/mem_store_data.h"

static uint64_t hash_u64(uint64_t h, uint64_t v)
{
    return fp_hash(h, &v, sizeof v);
}

static uint64_t hash_blob(uint64_t h, const struct mem_blob *b)
{
    return fp_hash(hash_u64(h, b->len), b->p, b->len);
}

static uint64_t hash_id(uint64_t h, const struct fp_id *id)
{
    return fp_hash(hash_u64(h, id->len), id->text, id->len);
}

static uint64_t hash_member(uint64_t h, const struct store_member *m)
{
    const uint64_t numbers[] = {m->cid, m->role, m->active, m->joined, m->from, m->read_msgs, m->change};

    h = hash_id(hash_id(h, &m->user), &m->scope);
    return fp_hash(h, numbers, sizeof numbers);
}

static uint64_t hash_receipts(uint64_t h, const struct mem_conv *c)
{
    h = hash_u64(hash_u64(h, c->receipts.count), c->advances.count);
    for (size_t i = 0; i < c->receipts.count; i++) {
        const struct store_receipt *r = mem_table_at(&c->receipts, &mem_receipts, i);
        const uint64_t numbers[] = {r->cid, r->delivered, r->read, r->shown_delivered, r->shown_read};
        h = fp_hash(hash_id(h, &r->user), numbers, sizeof numbers);
    }
    for (size_t i = 0; i < c->advances.count; i++) {
        const struct store_advance *a = mem_table_at(&c->advances, &mem_advances, i);
        const uint64_t numbers[] = {a->cid, a->kind, a->seq, a->at.ms};
        h = fp_hash(hash_id(h, &a->user), numbers, sizeof numbers);
    }
    return h;
}

static uint64_t hash_changes(uint64_t h, const struct mem_conv *c)
{
    h = hash_u64(hash_u64(h, c->targets.count), c->confirms.count);
    for (size_t i = 0; i < c->targets.count; i++) {
        const struct store_target *t = mem_table_at(&c->targets, &mem_targets, i);
        const uint64_t numbers[] = {t->cid, t->seq, t->version, t->body_at, t->state};
        h = fp_hash(h, numbers, sizeof numbers);
    }
    for (size_t i = 0; i < c->confirms.count; i++) {
        const struct store_confirm *f = mem_table_at(&c->confirms, &mem_confirms, i);
        const uint64_t numbers[] = {f->cid, f->seq, f->at.ms};
        h = fp_hash(hash_id(h, &f->user), numbers, sizeof numbers);
    }
    return h;
}

static uint64_t hash_people(uint64_t h, const struct mem_store *m)
{
    h = hash_u64(hash_u64(h, m->people.count), m->timers.count);
    for (size_t i = 0; i < m->people.count; i++) {
        const struct mem_person *p = mem_table_at(&m->people, &mem_people, i);
        const uint64_t numbers[] = {p->row.last_seen.ms, p->row.status_until.ms, p->row.version, p->row.open};
        h = fp_hash(hash_id(h, &p->row.user), numbers, sizeof numbers);
        h = hash_blob(hash_blob(h, &p->status), &p->policy);
    }
    for (size_t i = 0; i < m->timers.count; i++) {
        const struct store_timer *t = mem_table_at(&m->timers, &mem_timers, i);
        const uint64_t numbers[] = {t->kind, t->seq, t->version, t->due.ms};
        h = fp_hash(hash_id(h, &t->owner), numbers, sizeof numbers);
    }
    return h;
}

static uint64_t hash_records(uint64_t h, const struct mem_store *m)
{
    for (size_t i = 0; i < m->records.count; i++) {
        const struct mem_record *r = mem_table_at(&m->records, &mem_records, i);
        const uint64_t numbers[] = {r->row.lane, r->row.number, r->row.at.ms, r->row.boot, r->row.mono_ms};
        h = hash_blob(fp_hash(h, numbers, sizeof numbers), &r->record);
    }
    for (uint64_t name = MEM_LANE_NEXT; name <= MEM_EPOCH; name++) {
        h = hash_u64(h, mem_number(m, name));
    }
    return h;
}

static uint64_t hash_branches(uint64_t h, const struct mem_store *m)
{
    const struct mem_branch **all = mem_branches_taken(m);

    for (size_t i = 0; i < m->branches.count; i++) {
        const struct store_branch *b = &all[i]->row;
        const uint64_t numbers[] = {b->n, b->cid, b->lane, b->number, b->settled, b->seq, b->code, b->at.ms};
        h = fp_hash(hash_id(h, &b->device), numbers, sizeof numbers);
        h = hash_blob(h, &all[i]->event);
    }
    free(all);
    return h;
}

static uint64_t hash_trunk(uint64_t h, const struct mem_store *m)
{
    const uint64_t counts[] = {m->records.count, m->branches.count, m->peers.count, m->helds.count};

    h = hash_branches(hash_records(fp_hash(h, counts, sizeof counts), m), m);
    for (size_t i = 0; i < m->peers.count; i++) {
        const struct store_peer *p = mem_table_at(&m->peers, &mem_peers, i);
        h = hash_u64(hash_id(h, &p->relay), p->epoch);
        h = fp_hash(fp_hash(h, p->have, sizeof p->have), p->acked, sizeof p->acked);
    }
    for (size_t i = 0; i < m->helds.count; i++) {
        const struct store_held *r = mem_table_at(&m->helds, &mem_helds, i);
        const uint64_t numbers[] = {r->cid, r->seq, r->receipts, r->about};
        h = fp_hash(hash_id(h, &r->relay), numbers, sizeof numbers);
    }
    return h;
}

static uint64_t hash_conv(uint64_t h, const struct mem_conv *c)
{
    const uint64_t numbers[] = {c->row.cid, c->row.floor, c->row.about_seq, c->row.retention_days, c->run_count, c->member_count};

    h = hash_id(hash_id(h, &c->row.id), &c->row.scope);
    h = fp_hash(h, numbers, sizeof numbers);
    h = fp_hash(h, c->row.floor_chain, sizeof c->row.floor_chain);
    h = hash_blob(hash_blob(h, &c->title), &c->context);
    for (size_t i = 0; i < c->run_count; i++) {
        const struct mem_run *r = &c->runs[i];
        const uint64_t run[] = {r->first, r->last, r->msgs, r->at.ms};
        h = hash_blob(fp_hash(h, run, sizeof run), &r->events);
        h = fp_hash(h, r->chain, sizeof r->chain);
    }
    for (size_t i = 0; i < c->member_count; i++) {
        h = hash_member(h, &c->members[i]);
    }
    return hash_changes(hash_receipts(h, c), c);
}

static uint64_t hash_device(uint64_t h, const struct mem_device *d)
{
    h = hash_id(hash_id(hash_u64(h, d->row.did), &d->row.id), &d->row.user);
    h = hash_u64(hash_u64(h, d->row.next_n), d->answers_count);
    for (size_t i = 0; i < d->answers_count; i++) {
        const struct mem_answers *a = &d->answers[i];
        const uint64_t numbers[] = {a->first, a->last, a->at.ms};
        h = hash_blob(fp_hash(h, numbers, sizeof numbers), &a->rows);
    }
    return h;
}

uint64_t mem_store_hash(const struct mem_store *m)
{
    uint64_t h = hash_u64(hash_u64(FP_HASH_START, m->conv_count), m->device_count);

    for (size_t i = 0; i < m->conv_count; i++) {
        h = hash_conv(h, m->convs[i]);
    }
    for (size_t i = 0; i < m->device_count; i++) {
        h = hash_device(h, m->devices[i]);
    }
    return hash_trunk(hash_people(h, m), m);
}
