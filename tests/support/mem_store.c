#include "tests/support/mem_store.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/mem_store_data.h"

void *mem_grow(void *items, size_t count, size_t *cap, size_t item_bytes)
{
    if (count < *cap) {
        return items;
    }
    size_t next = *cap ? *cap * 2 : 8;
    void *grown = realloc(items, next * item_bytes);
    if (!grown) {
        (void)fprintf(stderr, "mem_store: no memory\n");
        abort();
    }
    *cap = next;
    return grown;
}

struct mem_blob mem_blob_of(struct fp_bytes b)
{
    struct mem_blob blob = {.p = malloc(b.len ? b.len : 1), .len = b.len};
    if (!blob.p) {
        (void)fprintf(stderr, "mem_store: no memory\n");
        abort();
    }
    if (b.len) {
        memcpy(blob.p, b.p, b.len);
    }
    return blob;
}

void mem_enter(struct mem_store *m)
{
    assert(!m->in_callback); /* a callback may not call the store */
    for (size_t i = 0; i < 2; i++) {
        free(m->lent[i].p);
        m->lent[i] = (struct mem_blob){0};
    }
}

struct fp_bytes mem_lend(struct mem_store *m, int slot, const struct mem_blob *b)
{
    free(m->lent[slot].p);
    m->lent[slot] = mem_blob_of((struct fp_bytes){.p = b->p, .len = b->len});
    return (struct fp_bytes){.p = m->lent[slot].p, .len = b->len};
}

enum fp_err mem_refuse(struct mem_store *m, enum fp_err err)
{
    mem_undo_all(m);
    m->in_tx = false;
    return err;
}

enum fp_err mem_save(struct mem_store *m, uint64_t cid, struct mem_conv **out_c)
{
    mem_enter(m);
    if (!m->in_tx) {
        return FP_ECORRUPT;
    }
    *out_c = mem_conv_at(m, cid);
    return *out_c ? FP_OK : mem_refuse(m, FP_ECORRUPT);
}

void mem_push_undo(struct mem_store *m, const struct mem_undo *u)
{
    m->undo = mem_grow(m->undo, m->undo_count, &m->undo_cap, sizeof *m->undo);
    m->undo[m->undo_count++] = *u;
}

struct mem_conv *mem_conv_at(const struct mem_store *m, uint64_t cid)
{
    return cid >= 1 && cid <= m->conv_count ? m->convs[cid - 1] : NULL;
}

struct mem_device *mem_device_at(const struct mem_store *m, uint64_t did)
{
    return did >= 1 && did <= m->device_count ? m->devices[did - 1] : NULL;
}

static void free_conv(struct mem_conv *c)
{
    for (size_t i = 0; i < c->run_count; i++) {
        free(c->runs[i].events.p);
    }
    free(c->runs);
    free(c->members);
    mem_table_free(&c->receipts, &mem_receipts);
    mem_table_free(&c->advances, &mem_advances);
    mem_table_free(&c->targets, &mem_targets);
    mem_table_free(&c->confirms, &mem_confirms);
    free(c->title.p);
    free(c->context.p);
    free(c);
}

static void free_device(struct mem_device *d)
{
    for (size_t i = 0; i < d->answers_count; i++) {
        free(d->answers[i].rows.p);
    }
    free(d->answers);
    free(d);
}

static void undo_conv(struct mem_store *m, const struct mem_undo *u)
{
    struct mem_conv *c = mem_conv_at(m, u->at);

    c->row = u->conv;
    if (u->title.p) {
        free(c->title.p);
        c->title = u->title;
    }
    if (u->context.p) {
        free(c->context.p);
        c->context = u->context;
    }
}

static void undo_append(struct mem_store *m, const struct mem_undo *u)
{
    struct mem_conv *c = mem_conv_at(m, u->at);

    free(c->runs[--c->run_count].events.p);
    c->row = u->conv;
}

static void undo_member(struct mem_store *m, const struct mem_undo *u)
{
    struct mem_conv *c = mem_conv_at(m, u->at);
    bool found = false;
    size_t i = mem_member_place(c, &u->member.user, &found);

    assert(found);
    if (u->kind == MEM_UNDO_MEMBER) {
        c->members[i] = u->member;
        return;
    }
    memmove(&c->members[i], &c->members[i + 1], (c->member_count - i - 1) * sizeof *c->members);
    c->member_count--;
}

static void undo_answers(struct mem_store *m, const struct mem_undo *u)
{
    struct mem_device *d = mem_device_at(m, u->at);
    struct mem_answers *gone = &d->answers[--d->answers_count];

    d->row.next_n = gone->first; /* T4 */
    free(gone->rows.p);
}

static void undo_one(struct mem_store *m, const struct mem_undo *u)
{
    switch (u->kind) {
    case MEM_UNDO_NEW_CONV: {
        struct mem_conv *c = m->convs[--m->conv_count];
        HASH_DEL(m->conv_by_id, c);
        free_conv(c);
        break;
    }
    case MEM_UNDO_CONV:
        undo_conv(m, u);
        break;
    case MEM_UNDO_APPEND:
        undo_append(m, u);
        break;
    case MEM_UNDO_NEW_MEMBER:
    case MEM_UNDO_MEMBER:
        undo_member(m, u);
        break;
    case MEM_UNDO_NEW_DEVICE: {
        struct mem_device *d = m->devices[--m->device_count];
        HASH_DEL(m->device_by_id, d);
        free_device(d);
        break;
    }
    case MEM_UNDO_ANSWERS:
        undo_answers(m, u);
        break;
    case MEM_UNDO_REWRITE:
    case MEM_UNDO_DROP_RUN:
        mem_change_undo(m, u);
        break;
    case MEM_UNDO_ROW_NEW:
    case MEM_UNDO_ROW_REPLACED:
    case MEM_UNDO_ROW_REMOVED:
        mem_table_undo(u);
        break;
    }
}

void mem_undo_all(struct mem_store *m)
{
    while (m->undo_count > 0) {
        undo_one(m, &m->undo[--m->undo_count]);
    }
}

static enum fp_err mem_begin(void *ctx)
{
    struct mem_store *m = ctx;

    mem_enter(m);
    if (m->in_tx) {
        return FP_ECORRUPT;
    }
    m->in_tx = true;
    return FP_OK;
}

static enum fp_err mem_commit(void *ctx)
{
    struct mem_store *m = ctx;

    mem_enter(m);
    if (!m->in_tx) {
        return FP_ECORRUPT;
    }
    for (size_t i = 0; i < m->undo_count; i++) {
        free(m->undo[i].title.p);
        free(m->undo[i].context.p);
        free(m->undo[i].run.events.p);
        mem_table_forget(&m->undo[i]);
    }
    m->undo_count = 0;
    m->in_tx = false;
    return FP_OK;
}

static void mem_rollback(void *ctx)
{
    struct mem_store *m = ctx;

    mem_enter(m);
    mem_undo_all(m);
    m->in_tx = false;
}

struct mem_store *mem_store_new(void)
{
    struct mem_store *m = calloc(1, sizeof *m);

    if (m) {
        m->boot = 1;
    }
    return m;
}

void mem_store_free(struct mem_store *m)
{
    if (!m) {
        return;
    }
    mem_rollback(m);
    HASH_CLEAR(hh, m->conv_by_id);
    HASH_CLEAR(hh, m->device_by_id);
    for (size_t i = 0; i < m->conv_count; i++) {
        free_conv(m->convs[i]);
    }
    for (size_t i = 0; i < m->device_count; i++) {
        free_device(m->devices[i]);
    }
    mem_table_free(&m->people, &mem_people);
    mem_table_free(&m->timers, &mem_timers);
    mem_trunk_free(m);
    free(m->convs);
    free(m->devices);
    free(m->undo);
    free(m);
}

struct store_port mem_store_port(struct mem_store *m)
{
    struct store_port p = {.ctx = m, .begin = mem_begin, .commit = mem_commit, .rollback = mem_rollback};

    mem_conv_port(&p);
    mem_member_port(&p);
    mem_device_port(&p);
    mem_receipts_port(&p);
    mem_change_port(&p);
    mem_people_port(&p);
    mem_trunk_port(&p);
    return p;
}

struct store_info mem_store_info(const struct mem_store *m)
{
    uint64_t epoch = mem_number(m, MEM_EPOCH);
    struct store_info info = {.epoch = epoch ? epoch : 0x6d656d6f7279ULL, .boot = m->boot};

    for (size_t c = 0; c < m->conv_count; c++) {
        for (size_t i = 0; i < m->convs[c]->member_count; i++) {
            uint64_t change = m->convs[c]->members[i].change;
            info.change = change > info.change ? change : info.change;
        }
    }
    return info;
}

void mem_store_restart(struct mem_store *m)
{
    mem_rollback(m);
    m->boot++;
}
