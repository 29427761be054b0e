/*
 * outlet.h: what the engine tells, on its way to the broker's thread: the output ring and the bus port on it.
 *
 * Shape       tells in order; outlet_drain(), called in each TICK, hands them to a sink within a budget
 * Invariants  B1 and B2 of bus.h
 *             O1 what is published in a TICK is delivered, and checked for access, only when the loop turns next. So a grant that touches
 *                an id with a publish of the same TICK waits for the next TICK.
 *             O2 the engine calls again within WAKER_EVERY_US until a TICK has begun with nothing left to tell: the last publishes
 *                need a turn of the loop too.
 * Errors      of tell(): FP_ETOOLARGE: a payload that the ring cannot hold; FP_ESHUTDOWN: given up
 * Thread      the port, outlet_pending() and outlet_wait_us() by the engine's; drain by the broker's; stop by any
 */
#ifndef PLUGIN_MOSQ_OUTLET_H
#define PLUGIN_MOSQ_OUTLET_H

#include "plugin/hub/bus.h"
#include "plugin/mosq/budget.h"
#include "plugin/mosq/gate.h"
#include "plugin/mosq/ring.h"
#include "plugin/mosq/waker.h"

struct outlet_publish {
    const char *topic;
    struct fp_bytes payload;
    uint8_t qos;
    bool retain;
};

struct outlet_grant {
    enum tell_kind kind;
    struct fp_id id;
    struct fp_id user;
    bool allowed;
    uint64_t change;
    uint64_t conn; /* TELL_ALIVE */
    uint32_t alive_s;
};

struct outlet_sink {
    void *ctx;
    bool (*publish)(void *ctx, const struct outlet_publish *p); /* false: no memory; it is tried again in the next TICK */
    void (*grant)(void *ctx, const struct outlet_grant *g);
    void (*log)(void *ctx, enum tell_level level, struct fp_bytes text); /* NULL: nobody reads it */
};

enum outlet_stop {
    OUTLET_RUNS,
    OUTLET_DROPS,   /* the broker is going down: what does not fit is dropped, so that the engine can commit its last input */
    OUTLET_GIVES_UP /* tell() answers FP_ESHUTDOWN */
};

struct outlet {
    struct ring ring;
    struct gate *gate;      /* where the engine sleeps; not owned */
    struct waker *waker;    /* not owned; NULL in tests without a loop */
    atomic_uint stop;       /* enum outlet_stop */
    atomic_bool full;       /* the engine waits for room */
    _Atomic uint64_t quiet; /* everything up to this position of the ring has been delivered: O2 */
    _Atomic uint64_t dropped;
};

enum fp_err outlet_init(struct outlet *out, size_t cap_bytes, struct gate *gate, struct waker *waker);
void outlet_fini(struct outlet *out);
void outlet_stop(struct outlet *out, enum outlet_stop how);

struct bus_port outlet_port(struct outlet *out);
/* Is there anything that the broker's clients do not have yet? */
bool outlet_pending(const struct outlet *out);
/* For inlet_idle: pokes the broker if something is pending; how long the engine may sleep. */
uint64_t outlet_wait_us(void *arg);

struct outlet_turn { /* of one TICK; begin with a zeroed one */
    uint32_t publishes;
    uint32_t grants;
    uint64_t touched; /* a set of hashed ids, of the publishes */
    bool left;        /* there is more, for the next TICK */
};
/* May be called several times in a TICK; budget_turn() comes before the first. */
void outlet_drain(struct outlet *out, struct budget *budget, struct outlet_sink sink, struct outlet_turn *turn);
bool outlet_has_next(struct outlet *out); /* the broker thread's last look */

#endif
