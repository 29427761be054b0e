/*
 * event.h: what the hub tells the members: a command as accepted, plus what the hub knows.
 *
 * Memory      spans point into the input
 * Source      schemas/cddl/event.cddl
 */
#ifndef FP_EVENT_H
#define FP_EVENT_H

#include "fp/cbor.h"
#include "fp/keys.h"
#include "fp/time.h"

struct fp_event {
    uint64_t kind;
    uint64_t n;
    struct fp_id conv;
    uint64_t seen;
    uint8_t priority; /* 2 if absent */
    uint64_t ref;
    uint64_t version;     /* 0 if absent */
    struct fp_bytes body; /* raw; empty if absent */
    struct fp_bytes trace;
    uint64_t seq;
    struct fp_wall at;
    struct fp_id user;
    struct fp_id device;
    uint32_t flags;
    bool has_composed;
    struct fp_wall composed;
    uint64_t composed_error_ms;
    struct fp_id branch_relay; /* none if absent */
    uint64_t branch_base;
    uint64_t branch_k;
    struct fp_bytes body_hash; /* 32 bytes, empty if absent */
};

bool fp_event_encode(struct fp_enc *e, const struct fp_event *ev);
enum fp_err fp_event_decode(struct fp_bytes one, struct fp_event *out);
/* The seq of one encoded event without decoding the rest; 0 if it has none. */
uint64_t fp_event_seq(struct fp_bytes one);

/*
 * A run: events of one conversation in seq order, one after the other without a frame. That is how they are stored; an array header in
 * front makes it the payload of .../event, of two runs together a page's array.
 */
/* Splits off the first event; false at the end, or if the rest is no item. */
bool fp_run_next(struct fp_bytes *run, struct fp_bytes *out_one);
/* The part of the run with from <= seq <= to; an empty span if there is none. *out_count says how many. */
struct fp_bytes fp_run_cut(struct fp_bytes run, uint64_t from, uint64_t to, size_t *out_count);

#endif
