#include "plugin/hub/timer_heap.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1 /* a failed HASH_ADD leaves hh.tbl NULL */
#include <uthash.h>

#define PUT_OFF_DOUBLINGS 10

struct timer_key {
    struct fp_id owner;
    uint64_t seq;
    enum store_timer_kind kind;
};

struct timer_slot {
    struct timer_key key;
    struct store_timer t;
    struct fp_wall try_at;
    unsigned put_off; /* how often */
    size_t at;        /* in slots[] */
    UT_hash_handle hh;
};

static struct timer_key key_of(enum store_timer_kind kind, const struct fp_id *owner, uint64_t seq)
{
    struct timer_key key;
    memset(&key, 0, sizeof(key)); /* the padding is hashed as well, and what is behind the id's end */
    key.owner.len = owner->len;
    memcpy(key.owner.text, owner->text, owner->len);
    key.seq = seq;
    key.kind = kind;
    return key;
}

enum fp_err timer_heap_init(struct timer_heap *p, size_t cap)
{
    *p = (struct timer_heap){.cap = cap, .horizon = {.ms = UINT64_MAX}};
    p->slots = malloc(cap * sizeof(struct timer_slot *));
    return p->slots ? FP_OK : FP_ENOMEM;
}

void timer_heap_clear(struct timer_heap *p)
{
    HASH_CLEAR(hh, p->index);
    for (size_t i = 0; i < p->count; i++) {
        free(p->slots[i]);
    }
    p->count = 0;
    p->horizon.ms = UINT64_MAX;
}

void timer_heap_fini(struct timer_heap *p)
{
    timer_heap_clear(p);
    free(p->slots);
    p->slots = NULL;
}

/* ------------------------------------------------------------------ the heap */

static void put(struct timer_heap *p, size_t at, struct timer_slot *s)
{
    p->slots[at] = s;
    s->at = at;
}

static void rise(struct timer_heap *p, size_t at)
{
    struct timer_slot *s = p->slots[at];
    while (at > 0 && s->try_at.ms < p->slots[(at - 1) / 2]->try_at.ms) {
        put(p, at, p->slots[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    put(p, at, s);
}

static void sink(struct timer_heap *p, size_t at)
{
    struct timer_slot *s = p->slots[at];
    for (size_t below = at * 2 + 1; below < p->count; below = at * 2 + 1) {
        below += below + 1 < p->count && p->slots[below + 1]->try_at.ms < p->slots[below]->try_at.ms;
        if (s->try_at.ms <= p->slots[below]->try_at.ms) {
            break;
        }
        put(p, at, p->slots[below]);
        at = below;
    }
    put(p, at, s);
}

static void forget(struct timer_heap *p, struct timer_slot *s)
{
    size_t at = s->at;
    struct timer_slot *last = p->slots[--p->count];
    if (last != s) {
        put(p, at, last);
        sink(p, at);
        rise(p, last->at);
    }
    HASH_DEL(p->index, s);
    free(s);
}

static struct timer_slot *find(const struct timer_heap *p, enum store_timer_kind kind, const struct fp_id *owner, uint64_t seq)
{
    struct timer_key key = key_of(kind, owner, seq);
    struct timer_slot *s = NULL;
    HASH_FIND(hh, p->index, &key, sizeof(key), s);
    return s;
}

/* ------------------------------------------------------------------ the horizon */

static void lower_horizon(struct timer_heap *p, struct fp_wall due)
{
    p->horizon.ms = due.ms < p->horizon.ms ? due.ms : p->horizon.ms;
}

static int by_due(const void *a, const void *b)
{
    const struct timer_slot *x = *(struct timer_slot *const *)a;
    const struct timer_slot *y = *(struct timer_slot *const *)b;
    return (x->t.due.ms > y->t.due.ms) - (x->t.due.ms < y->t.due.ms);
}

static int by_try(const void *a, const void *b)
{
    const struct timer_slot *x = *(struct timer_slot *const *)a;
    const struct timer_slot *y = *(struct timer_slot *const *)b;
    return (x->try_at.ms > y->try_at.ms) - (x->try_at.ms < y->try_at.ms);
}

/* Forgets the half that runs out last. */
static void halve(struct timer_heap *p)
{
    size_t keep = p->count / 2;
    qsort(p->slots, p->count, sizeof(struct timer_slot *), by_due);
    lower_horizon(p, p->slots[keep]->t.due); /* P1 */
    for (size_t i = keep; i < p->count; i++) {
        assert(p->index); /* what is in it has been put there */
        HASH_DEL(p->index, p->slots[i]);
        free(p->slots[i]);
    }
    p->count = keep;
    qsort(p->slots, p->count, sizeof(struct timer_slot *), by_try); /* what is sorted is a heap */
    for (size_t i = 0; i < p->count; i++) {
        p->slots[i]->at = i;
    }
}

static struct timer_slot *new_slot(struct timer_heap *p, const struct timer_key *key)
{
    struct timer_slot *s = calloc(1, sizeof(*s));
    if (!s) {
        return NULL;
    }
    memcpy(&s->key, key, sizeof(*key));
    HASH_ADD(hh, p->index, key, sizeof(s->key), s);
    if (!s->hh.tbl) {
        free(s);
        return NULL;
    }
    return s;
}

void timer_heap_set(struct timer_heap *p, const struct store_timer *t)
{
    timer_heap_drop(p, t->kind, &t->owner, t->seq);
    if (t->due.ms >= p->horizon.ms) {
        return; /* P1 */
    }
    if (p->count == p->cap) {
        halve(p);
    }
    struct timer_key key = key_of(t->kind, &t->owner, t->seq);
    struct timer_slot *s = t->due.ms < p->horizon.ms ? new_slot(p, &key) : NULL;
    if (!s) {
        lower_horizon(p, t->due); /* P1 */
        return;
    }
    s->t = *t;
    s->try_at = t->due;
    put(p, p->count++, s);
    rise(p, s->at);
}

void timer_heap_drop(struct timer_heap *p, enum store_timer_kind kind, const struct fp_id *owner, uint64_t seq)
{
    struct timer_slot *s = find(p, kind, owner, seq);
    if (s) {
        forget(p, s);
    }
}

void timer_heap_put_off(struct timer_heap *p, const struct store_timer *t, struct fp_wall now, uint64_t step_ms)
{
    struct timer_slot *s = find(p, t->kind, &t->owner, t->seq);
    if (s) {
        s->try_at.ms = now.ms + (step_ms << s->put_off);
        s->put_off += s->put_off < PUT_OFF_DOUBLINGS;
        sink(p, s->at);
    }
}

bool timer_heap_next(const struct timer_heap *p, struct store_timer *out, struct fp_wall *out_try_at)
{
    if (p->count == 0) {
        return false;
    }
    *out = p->slots[0]->t;
    *out_try_at = p->slots[0]->try_at;
    return true;
}

bool timer_heap_is_behind(const struct timer_heap *p, struct fp_wall now)
{
    return now.ms >= p->horizon.ms && (p->count == 0 || p->slots[0]->try_at.ms > p->horizon.ms);
}
