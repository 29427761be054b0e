/*
 * timer_heap.h: the timers that run out next, held in memory.
 *
 * Shape       a heap by the time to try, and an index by (kind, owner, seq). When there are more than fit, those that run out last are
 *             forgotten, and a horizon says from when on the store has to be asked again.
 * Invariants  P1 every timer told of that runs out before the horizon is in here.
 * Errors      none: what finds no memory is forgotten, as above
 * Memory      from malloc, at most `cap` timers
 */
#ifndef PLUGIN_HUB_TIMER_HEAP_H
#define PLUGIN_HUB_TIMER_HEAP_H

#include "plugin/hub/store.h"

struct timer_slot;

struct timer_heap {
    struct timer_slot **slots; /* [0] is the next one */
    struct timer_slot *index;
    size_t count, cap;
    struct fp_wall horizon; /* UINT64_MAX: all are in here */
};

enum fp_err timer_heap_init(struct timer_heap *p, size_t cap);
void timer_heap_fini(struct timer_heap *p);
void timer_heap_clear(struct timer_heap *p); /* and the horizon is gone */

void timer_heap_set(struct timer_heap *p, const struct store_timer *t); /* replaces the one with the same key */
void timer_heap_drop(struct timer_heap *p, enum store_timer_kind kind, const struct fp_id *owner, uint64_t seq);
/* Not before `to`, and each time it is put off doubles the wait of `step_ms`, up to a thousandfold. */
void timer_heap_put_off(struct timer_heap *p, const struct store_timer *t, struct fp_wall now, uint64_t step_ms);
/* The next one and when to try it; false: there is none. */
bool timer_heap_next(const struct timer_heap *p, struct store_timer *out, struct fp_wall *out_try_at);
/* The store has to be asked before anything of `now` can be said to be next. */
bool timer_heap_is_behind(const struct timer_heap *p, struct fp_wall now);

#endif
