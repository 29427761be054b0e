#include <assert.h>
#include <stdlib.h>

#include "tests/support/mem_store_data.h"

int mem_u64_cmp(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

void *mem_table_at(const struct mem_table *t, const struct mem_table_kind *kind, size_t i)
{
    return t->rows + i * kind->row_bytes;
}

size_t mem_table_place(const struct mem_table *t, const struct mem_table_kind *kind, const void *key, bool *out_found)
{
    size_t low = 0;
    size_t high = t->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (kind->cmp(mem_table_at(t, kind, middle), key) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *out_found = low < t->count && kind->cmp(mem_table_at(t, kind, low), key) == 0;
    return low;
}

void *mem_table_find(const struct mem_table *t, const struct mem_table_kind *kind, const void *key)
{
    bool found = false;
    size_t i = mem_table_place(t, kind, key, &found);

    return found ? mem_table_at(t, kind, i) : NULL;
}

static void insert(struct mem_table *t, const struct mem_table_kind *kind, size_t i, const void *row)
{
    t->rows = mem_grow(t->rows, t->count, &t->cap, kind->row_bytes);
    uint8_t *at = mem_table_at(t, kind, i);
    memmove(at + kind->row_bytes, at, (t->count - i) * kind->row_bytes);
    memcpy(at, row, kind->row_bytes);
    t->count++;
}

static void take_out(struct mem_table *t, const struct mem_table_kind *kind, size_t i)
{
    uint8_t *at = mem_table_at(t, kind, i);

    t->count--;
    memmove(at, at + kind->row_bytes, (t->count - i) * kind->row_bytes);
}

static void release(const struct mem_table_kind *kind, void *row)
{
    if (kind->release) {
        kind->release(row);
    }
}

static void push(struct mem_store *m, struct mem_table *t, const struct mem_table_kind *kind, enum mem_undo_kind undo, const void *row)
{
    struct mem_blob copy = mem_blob_of(fp_bytes_of(row, kind->row_bytes));

    mem_push_undo(m, &(struct mem_undo){.kind = undo, .table = t, .table_kind = kind, .row = copy.p});
}

void mem_table_put(struct mem_store *m, struct mem_table *t, const struct mem_table_kind *kind, const void *row)
{
    bool found = false;
    size_t i = mem_table_place(t, kind, row, &found);

    if (!found) {
        push(m, t, kind, MEM_UNDO_ROW_NEW, row);
        insert(t, kind, i, row);
        return;
    }
    push(m, t, kind, MEM_UNDO_ROW_REPLACED, mem_table_at(t, kind, i));
    memcpy(mem_table_at(t, kind, i), row, kind->row_bytes);
}

void mem_table_remove(struct mem_store *m, struct mem_table *t, const struct mem_table_kind *kind, size_t i)
{
    push(m, t, kind, MEM_UNDO_ROW_REMOVED, mem_table_at(t, kind, i));
    take_out(t, kind, i);
}

void mem_table_undo(const struct mem_undo *u)
{
    bool found = false;
    size_t i = mem_table_place(u->table, u->table_kind, u->row, &found);

    if (u->kind == MEM_UNDO_ROW_REMOVED) {
        assert(!found);
        insert(u->table, u->table_kind, i, u->row);
    } else {
        assert(found);
        release(u->table_kind, mem_table_at(u->table, u->table_kind, i));
        if (u->kind == MEM_UNDO_ROW_NEW) {
            take_out(u->table, u->table_kind, i);
        } else {
            memcpy(mem_table_at(u->table, u->table_kind, i), u->row, u->table_kind->row_bytes);
        }
    }
    free(u->row);
}

void mem_table_forget(const struct mem_undo *u)
{
    if (u->row && u->kind != MEM_UNDO_ROW_NEW) {
        release(u->table_kind, u->row);
    }
    free(u->row);
}

void mem_table_free(struct mem_table *t, const struct mem_table_kind *kind)
{
    for (size_t i = 0; i < t->count; i++) {
        release(kind, mem_table_at(t, kind, i));
    }
    free(t->rows);
}
