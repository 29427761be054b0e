/*
 * inlet.h: what the broker's thread hands to the engine: the input ring and the source port on it.
 *
 * Shape       items in the order of the broker's thread, stamped when they are pushed. A connection that has pushed something owns room
 *             for its DISCONNECT, so that one is never dropped; a full ring refuses messages, and the caller answers "busy".
 * Invariants  S1 and S2 of source.h
 *             N1 the room set aside is (connections + 1) x the cost of a DISCONNECT.
 * Thread      push by the broker's thread, the port by the engine's, stop by any
 */
#ifndef PLUGIN_MOSQ_INLET_H
#define PLUGIN_MOSQ_INLET_H

#include "plugin/hub/source.h"
#include "plugin/mosq/gate.h"
#include "plugin/mosq/ring.h"

struct inlet_idle { /* asked before each wait: how long may it last? (others may have something to repeat) */
    uint64_t (*wait_us)(void *arg);
    void *arg;
};

enum inlet_stop {
    INLET_RUNS,
    INLET_DRAINS,  /* hands out what is there, then FP_ESHUTDOWN */
    INLET_GIVES_UP /* FP_ESHUTDOWN at once */
};

struct inlet {
    struct ring ring;
    struct gate *gate; /* where the engine sleeps; not owned */
    struct inlet_idle idle;
    atomic_uint stop;   /* enum inlet_stop */
    size_t connections; /* that own room for a DISCONNECT; the broker thread's own, as what follows */
    struct fp_mono last;
    uint64_t refused; /* pushes without room */
};

enum fp_err inlet_init(struct inlet *in, size_t cap_bytes, struct gate *gate);
void inlet_fini(struct inlet *in);
void inlet_set_idle(struct inlet *in, struct inlet_idle idle); /* before the first take() */

/* The longest payload that an item may have. */
size_t inlet_payload_max(const struct inlet *in);
/*
 * A MESSAGE or a REFUSED; the stamps are filled in. first_of_conn sets room aside for the connection's DISCONNECT.
 * FP_EAGAIN: no room, nothing changed. FP_ESHUTDOWN: stopped.
 */
enum fp_err inlet_push(struct inlet *in, const struct source_item *item, bool first_of_conn);
/* Of a connection whose first_of_conn push succeeded; uses the room set aside. */
void inlet_push_disconnect(struct inlet *in, const struct source_item *item);

void inlet_stop(struct inlet *in, enum inlet_stop how);
struct source_port inlet_port(struct inlet *in);

#endif
