#include "tests/support/mem_store_data.h"

#include <stdlib.h>

static enum fp_err load_device(void *ctx, const struct fp_id *id, struct store_device *out, bool *out_found)
{
    struct mem_store *m = ctx;
    struct mem_device *d = NULL;

    mem_enter(m);
    HASH_FIND(hh, m->device_by_id, id, sizeof *id, d);
    *out_found = d != NULL;
    if (d) {
        *out = d->row;
    }
    return FP_OK;
}

static enum fp_err save_device(void *ctx, struct store_device *row)
{
    struct mem_store *m = ctx;
    struct mem_device *d = NULL;

    mem_enter(m);
    if (!m->in_tx) {
        return FP_ECORRUPT;
    }
    HASH_FIND(hh, m->device_by_id, &row->id, sizeof row->id, d);
    if (d || row->did != 0) {
        return mem_refuse(m, FP_ECORRUPT);
    }
    d = calloc(1, sizeof *d);
    if (!d) {
        abort();
    }
    row->did = m->device_count + 1;
    row->next_n = 1;
    d->row = *row;
    m->devices = mem_grow(m->devices, m->device_count, &m->device_cap, sizeof(void *));
    m->devices[m->device_count++] = d;
    HASH_ADD(hh, m->device_by_id, row.id, sizeof d->row.id, d);
    mem_push_undo(m, &(struct mem_undo){.kind = MEM_UNDO_NEW_DEVICE, .at = row->did});
    return FP_OK;
}

static enum fp_err save_answers(void *ctx, const struct store_answers *a)
{
    struct mem_store *m = ctx;
    struct mem_device *d = mem_device_at(m, a->did);

    mem_enter(m);
    if (!m->in_tx) {
        return FP_ECORRUPT;
    }
    if (!d) {
        return mem_refuse(m, FP_ECORRUPT);
    }
    if (a->first != d->row.next_n || a->last < a->first) { /* T4 */
        return mem_refuse(m, FP_ECORRUPT);
    }
    d->answers = mem_grow(d->answers, d->answers_count, &d->answers_cap, sizeof *d->answers);
    d->answers[d->answers_count++] = (struct mem_answers){.first = a->first, .last = a->last, .at = a->at, .rows = mem_blob_of(a->rows)};
    d->row.next_n = a->last + 1;
    mem_push_undo(m, &(struct mem_undo){.kind = MEM_UNDO_ANSWERS, .at = a->did});
    return FP_OK;
}

static enum fp_err skip_answers(void *ctx, uint64_t did, uint64_t next_n)
{
    struct mem_store *m = ctx;
    struct mem_device *d = mem_device_at(m, did);

    mem_enter(m);
    if (!m->in_tx) {
        return FP_ECORRUPT;
    }
    if (!d || next_n < d->row.next_n) {
        return mem_refuse(m, FP_ECORRUPT);
    }
    if (next_n == d->row.next_n) {
        return FP_OK;
    }
    const struct store_answers none = {.did = did, .first = d->row.next_n, .last = next_n - 1};
    return save_answers(m, &none);
}

static enum fp_err load_answers(void *ctx, uint64_t did, uint64_t n, struct store_answers *out, bool *out_found)
{
    struct mem_store *m = ctx;
    const struct mem_device *d = mem_device_at(m, did);

    mem_enter(m);
    *out_found = false;
    for (size_t i = d ? d->answers_count : 0; i > 0; i--) { /* the newest first: that is what is asked for */
        const struct mem_answers *a = &d->answers[i - 1];
        if (n > a->last) {
            break;
        }
        if (n >= a->first) {
            if (a->rows.len == 0) {
                break; /* skipped */
            }
            *out = (struct store_answers){.did = did, .first = a->first, .last = a->last, .at = a->at, .rows = mem_lend(m, 0, &a->rows)};
            *out_found = true;
            break;
        }
    }
    return FP_OK;
}

/* How many of the device's oldest rows may go: T4 keeps what is left contiguous, so the first row that stays ends the walk. */
static size_t count_old(const struct mem_device *d, struct fp_wall before, size_t limit)
{
    size_t old = 0;

    while (old < limit && old + 1 < d->answers_count && d->answers[old].at.ms < before.ms) {
        old++;
    }
    return old;
}

static enum fp_err prune_answers(void *ctx, struct fp_wall before, size_t limit, size_t *out_removed)
{
    struct mem_store *m = ctx;

    mem_enter(m);
    *out_removed = 0;
    if (m->in_tx) {
        return FP_ECORRUPT;
    }
    for (size_t i = 0; i < m->device_count && *out_removed < limit; i++) {
        struct mem_device *d = m->devices[i];
        size_t old = count_old(d, before, limit - *out_removed);
        for (size_t k = 0; k < old; k++) {
            free(d->answers[k].rows.p);
        }
        if (old > 0) {
            memmove(d->answers, d->answers + old, (d->answers_count - old) * sizeof *d->answers);
        }
        d->answers_count -= old;
        *out_removed += old;
    }
    return FP_OK;
}

void mem_device_port(struct store_port *p)
{
    p->load_device = load_device;
    p->save_device = save_device;
    p->save_answers = save_answers;
    p->skip_answers = skip_answers;
    p->load_answers = load_answers;
    p->prune_answers = prune_answers;
}
