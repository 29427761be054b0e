/*
 * source.h: the port that hands the engine its ordered input.
 *
 * Shape       batches of items in the one order that counts. On one machine the order is that of the broker's thread; in a cluster it
 *             would be a replicated log's.
 * Invariants  S1 take() never returns an item twice, nor out of order.
 *             S2 stamps never decrease from item to item (mono), and are taken when the item arrived.
 * Errors      FP_ESHUTDOWN: no more input will come; all there was has been handed out
 * Memory      items and their spans are good until done()
 * Thread      take() and done() from one thread (the engine's)
 */
#ifndef PLUGIN_HUB_SOURCE_H
#define PLUGIN_HUB_SOURCE_H

#include "fp/bytes.h"
#include "fp/err.h"
#include "fp/time.h"
#include "fp/topic.h"

enum source_kind {
    SOURCE_MESSAGE,    /* a device published on its own up, now or blob topic */
    SOURCE_REFUSED,    /* it published there, but in a way that is no use: `refused` says why; payload is empty */
    SOURCE_DISCONNECT, /* its connection has ended */
};

enum source_end {                    /* why a connection ended */
                  SOURCE_END_LOST,   /* or closed in order: Mosquitto 2.0 gives a plugin the same reason for all; `bye` says more */
                  SOURCE_END_SILENT, /* nothing for 1.5 keep-alives */
};

struct source_item {
    enum source_kind kind;
    enum fp_topic_kind topic; /* FP_TOPIC_DEVICE_UP, _NOW or _BLOB */
    struct fp_id user;
    struct fp_id device;
    uint64_t conn; /* tells one connection of the device from the next; 0 never */
    struct fp_mono mono;
    struct fp_wall wall;
    enum source_end end; /* SOURCE_DISCONNECT */
    enum fp_err refused;
    const char *reason; /* static text */
    struct fp_bytes payload;
};

struct source_port {
    void *ctx;
    /* Up to cap items; waits at most wait_us for the first one (returns FP_OK and 0 items then). *out_now_* is the time at the return. */
    enum fp_err (*take)(void *ctx, uint64_t wait_us, struct source_item *items, size_t cap, size_t *out_count, struct fp_mono *out_mono,
                        struct fp_wall *out_wall);
    void (*done)(void *ctx);
};

#endif
