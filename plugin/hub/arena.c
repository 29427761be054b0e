#include "plugin/hub/arena.h"

#include <stdalign.h>
#include <stdlib.h>

#define BLOCK_BYTES (256U * 1024U)

struct arena_block {
    struct arena_block *next;
    size_t cap;
    size_t used;
    alignas(max_align_t) unsigned char data[];
};

static struct arena_block *add_block(struct arena *a, size_t size)
{
    size_t cap = size > BLOCK_BYTES ? size : BLOCK_BYTES;
    struct arena_block *b = malloc(sizeof(*b) + cap);
    if (!b) {
        return NULL;
    }
    *b = (struct arena_block){.cap = cap};
    if (a->last) {
        a->last->next = b;
    } else {
        a->first = b;
    }
    a->last = b;
    return b;
}

void *arena_alloc(struct arena *a, size_t size)
{
    size_t rounded = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    struct arena_block *b = a->last;
    if (!b || b->cap - b->used < rounded) {
        b = add_block(a, rounded);
    }
    if (!b) {
        return NULL;
    }
    void *p = b->data + b->used;
    b->used += rounded;
    return p;
}

struct fp_bytes arena_copy(struct arena *a, struct fp_bytes in)
{
    if (in.len == 0) {
        return (struct fp_bytes){0};
    }
    void *p = arena_alloc(a, in.len);
    if (!p) {
        return (struct fp_bytes){0};
    }
    memcpy(p, in.p, in.len);
    return fp_bytes_of(p, in.len);
}

/* One block is enough for a usual batch; what an unusual one took goes back. */
void arena_reset(struct arena *a)
{
    struct arena_block *keep = a->first && a->first->cap == BLOCK_BYTES ? a->first : NULL;
    for (struct arena_block *b = keep ? keep->next : a->first; b;) {
        struct arena_block *next = b->next;
        free(b);
        b = next;
    }
    if (keep) {
        keep->next = NULL;
        keep->used = 0;
    }
    a->first = keep;
    a->last = keep;
}

void arena_fini(struct arena *a)
{
    arena_reset(a);
    free(a->first);
    *a = (struct arena){0};
}
