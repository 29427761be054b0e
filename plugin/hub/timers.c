#include <stdlib.h>

#include "plugin/hub/state.h"
#include "plugin/hub/timer_heap.h"

#define FIRES_A_TURN 64          /* each is a commit; then the next batch goes first */
#define TIMERS_A_CONV 4          /* in memory, for each conversation that is */
#define TIMERS_MIN 64            /* in memory in any case */
#define RETRY_MS 1000U           /* after a failure of the store, at first */
#define LOOK_MS 60000U           /* the wall clock may be set while we wait, so look again after a while */
#define WALL_MAX_MS (1ULL << 53) /* no clock of ours gets there */

struct timer_change { /* of the batch, in the arena */
    struct timer_change *next;
    struct store_timer t;
    bool dropped;
};

struct timers {
    struct timer_heap heap;
    struct timer_change *first, *last;
};

/* ------------------------------------------------------------------ what is next */

struct fill {
    struct timer_heap *heap;
    size_t left;
};

static bool fill_one(void *arg, const struct store_timer *t)
{
    struct fill *f = arg;
    if (f->left == 0) {
        f->heap->horizon = t->due;
        return false;
    }
    f->left--;
    timer_heap_set(f->heap, t);
    return true;
}

/* Half of what fits, so that there is room for new ones. */
static enum fp_err fill(struct hub *h)
{
    struct timer_heap *heap = &h->timers->heap;
    struct fill f = {.heap = heap, .left = heap->cap / 2};

    timer_heap_clear(heap);
    enum fp_err err = h->store.each_timer(h->store.ctx, fill_one, &f);
    if (err) {
        timer_heap_clear(heap);
        heap->horizon.ms = 0; /* nothing is known: ask again */
    }
    return err;
}

enum fp_err timers_open(struct hub *h)
{
    size_t cap = h->config.cache_convs * TIMERS_A_CONV;
    h->timers = calloc(1, sizeof(*h->timers));
    if (!h->timers) {
        return FP_ENOMEM;
    }
    enum fp_err err = timer_heap_init(&h->timers->heap, cap > TIMERS_MIN ? cap : TIMERS_MIN);
    return err ? err : fill(h);
}

void timers_close(struct hub *h)
{
    if (h->timers) {
        timer_heap_fini(&h->timers->heap);
        free(h->timers);
        h->timers = NULL;
    }
}

/* ------------------------------------------------------------------ within a batch */

static enum fp_err change(struct hub *h, const struct store_timer *t, bool dropped)
{
    struct timer_change *c = arena_alloc(&h->arena, sizeof(*c));
    if (!c) {
        return FP_ENOMEM;
    }
    *c = (struct timer_change){.t = *t, .dropped = dropped};
    if (h->timers->last) {
        h->timers->last->next = c;
    } else {
        h->timers->first = c;
    }
    h->timers->last = c;
    return FP_OK;
}

enum fp_err timers_set(struct hub *h, const struct store_timer *t)
{
    struct store_timer kept = *t;
    kept.due.ms = t->due.ms < WALL_MAX_MS ? t->due.ms : WALL_MAX_MS;
    enum fp_err err = stage_begin(h);
    if (!err) {
        err = h->store.save_timer(h->store.ctx, &kept);
    }
    return err ? err : change(h, &kept, false);
}

enum fp_err timers_drop(struct hub *h, enum store_timer_kind kind, const struct fp_id *owner, uint64_t seq)
{
    enum fp_err err = stage_begin(h);
    if (!err) {
        err = h->store.drop_timer(h->store.ctx, kind, owner, seq);
    }
    return err ? err : change(h, &(struct store_timer){.kind = kind, .owner = *owner, .seq = seq}, true);
}

void timers_commit(struct hub *h)
{
    for (const struct timer_change *c = h->timers->first; c; c = c->next) {
        if (c->dropped) {
            timer_heap_drop(&h->timers->heap, c->t.kind, &c->t.owner, c->t.seq);
        } else {
            timer_heap_set(&h->timers->heap, &c->t);
        }
    }
    timers_undo(h); /* what is in the heap must not come to it a second time */
}

void timers_undo(struct hub *h)
{
    h->timers->first = NULL;
    h->timers->last = NULL;
}

/* ------------------------------------------------------------------ what is due */

static enum fp_err apply(struct hub *h, const struct store_timer *t)
{
    switch (t->kind) {
    case STORE_TIMER_STATUS:
        return people_timer(h, t);
    case STORE_TIMER_TTL:
        return ttl_timer(h, t);
    case STORE_TIMER_RETENTION:
        return retention_timer(h, t);
    }
    return FP_OK; /* a newer release's: it has not been set for us */
}

/* The row goes in the transaction that does what it stands for: once, whenever the power goes. */
static enum fp_err fire(struct hub *h, const struct store_timer *t)
{
    enum fp_err err = timers_drop(h, t->kind, &t->owner, t->seq);
    if (!err) {
        err = apply(h, t);
    }
    if (!err) {
        err = batch_commit(h);
    }
    if (err) {
        batch_undo(h);
    }
    return err;
}

enum fp_err timers_run(struct hub *h)
{
    struct timer_heap *heap = &h->timers->heap;
    struct store_timer t;
    struct fp_wall try_at;
    if (h->doubt.us > h->mono.us) {
        return FP_OK;
    }
    enum fp_err err = timer_heap_is_behind(heap, h->wall) ? fill(h) : FP_OK;

    for (size_t i = 0; !err && i < FIRES_A_TURN && timer_heap_next(heap, &t, &try_at) && try_at.ms <= h->wall.ms; i++) {
        err = fire(h, &t);
        if (err) {
            timer_heap_put_off(heap, &t, h->wall, RETRY_MS);
        }
    }
    return err == FP_EFULL ? FP_OK : err; /* a full disk is no reason to stop: it is tried again */
}

uint64_t timers_wait_us(const struct hub *h, struct fp_mono now)
{
    const struct timer_heap *heap = &h->timers->heap;
    struct store_timer t;
    struct fp_wall next;
    bool any = timer_heap_next(heap, &t, &next);

    if (!any || heap->horizon.ms < next.ms) {
        next = heap->horizon;
    }
    if (next.ms == UINT64_MAX) {
        return UINT64_MAX;
    }
    if (h->doubt.us > now.us) {
        return h->doubt.us - now.us;
    }
    uint64_t wait_ms = next.ms > h->wall.ms ? next.ms - h->wall.ms : 0;
    uint64_t wait_us = (wait_ms < LOOK_MS ? wait_ms : LOOK_MS) * 1000;
    uint64_t passed_us = now.us > h->mono.us ? now.us - h->mono.us : 0;
    return wait_us > passed_us ? wait_us - passed_us : 0;
}
