/*
 * ring.h: a bounded ring of byte records between two threads, without a lock.
 *
 * Shape       one producer, one consumer; a record is contiguous and 8-byte aligned, so that it can be used where it lies
 * Units       bytes; a record costs its length plus RING_RECORD_OVERHEAD at most, and at the wrap up to its own size once more
 * Invariants  R1 records come out whole, once, in the order of ring_commit().
 *             R2 what ring_take() handed out stays untouched until ring_release().
 *             R3 a ring_reserve() that keeps `keep` bytes free leaves room for records that cost `keep` in all.
 * Memory      the buffer is allocated by ring_init() and nothing is allocated later
 * Thread      reserve and commit by the producer; peek, take and release by the consumer; used and cap by both
 */
#ifndef PLUGIN_MOSQ_RING_H
#define PLUGIN_MOSQ_RING_H

#include <stdatomic.h>

#include "fp/bytes.h"
#include "fp/err.h"

#define RING_LINE 64            /* of the cache: what two threads write must not share one */
#define RING_RECORD_OVERHEAD 16 /* the header, and the rounding up to 8 */

struct ring {
    _Alignas(RING_LINE) atomic_size_t head; /* end of what is committed */
    size_t write;                           /* the producer's own: end of what is reserved */
    size_t tail_seen;                       /* the producer's last look at tail */
    _Alignas(RING_LINE) atomic_size_t tail; /* start of what is not yet released */
    size_t read;                            /* the consumer's own: start of what is not yet taken */
    size_t head_seen;                       /* the consumer's last look at head */
    _Alignas(RING_LINE) uint8_t *buf;
    size_t cap;
};

/* cap_bytes is rounded up to a power of two of at least 4096. */
enum fp_err ring_init(struct ring *r, size_t cap_bytes);
void ring_fini(struct ring *r); /* also fine for a zeroed one */

static inline size_t ring_cap(const struct ring *r)
{
    return r->cap;
}

/* The longest record that is sure to fit into an empty ring. */
static inline size_t ring_record_max(const struct ring *r)
{
    return r->cap / 2 - RING_RECORD_OVERHEAD;
}

/* What one record of that length costs at most, the wrap aside. */
static inline size_t ring_cost(size_t len)
{
    return 8 + ((len + 7) & ~(size_t)7);
}

/* Room for one record, not visible before ring_commit(); NULL if there is none. */
void *ring_reserve(struct ring *r, size_t len, size_t keep);
void ring_commit(struct ring *r);

/* The next record; false if there is none yet. peek leaves it to the next take. */
bool ring_peek(struct ring *r, struct fp_bytes *out);
bool ring_take(struct ring *r, struct fp_bytes *out);
void ring_release(struct ring *r); /* gives back all that was taken */

bool ring_has_next(struct ring *r);     /* the consumer's question */
size_t ring_used(const struct ring *r); /* committed and not yet released; a moment's truth */
/* Positions on one line: what was committed at position P has been taken when ring_taken() >= P. */
size_t ring_head(const struct ring *r);
size_t ring_taken(const struct ring *r); /* the consumer's */

#endif
