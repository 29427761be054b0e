/*
 * engine.h: the engine's thread: the hub between the two rings.
 *
 * Shape       open, start, stop, close; between them the broker's thread pushes to `inlet` and drains `outlet`
 * Errors      engine_fatal() says why the hub has stopped by itself; then nothing is taken any more
 * Thread      all by the broker's thread, but what engine.c runs on its own
 */
#ifndef PLUGIN_MOSQ_ENGINE_H
#define PLUGIN_MOSQ_ENGINE_H

#include <pthread.h>

#include "plugin/hub/hub.h"
#include "plugin/mosq/inlet.h"
#include "plugin/mosq/outlet.h"
#include "plugin/mosq/waker.h"

struct engine_config {
    size_t ring_in_bytes;
    size_t ring_out_bytes;
    const struct hub_config *hub;
    struct store_port store;
    const struct store_info *info;
};

struct engine {
    struct gate gate;
    struct waker waker;
    struct inlet inlet;
    struct outlet outlet;
    struct hub *hub;
    struct source_port source; /* the inlet's */
    pthread_t thread;
    bool has_gate, has_waker, runs;
    _Atomic(struct hub_config *) pending; /* waits for the next turn; owned by whoever takes it out */
    atomic_int fatal;                     /* enum fp_err */
};

/* Fills *e; on an error it is closed again. Call it on the broker's thread: that is the one to wake. */
enum fp_err engine_open(struct engine *e, const struct engine_config *config);
enum fp_err engine_start(struct engine *e);
/* Lets the engine finish what is in the ring. False: it did not within that time, its thread still runs and nothing it uses may go. */
bool engine_stop(struct engine *e, unsigned timeout_ms);
void engine_close(struct engine *e); /* stopped; also fine for a zeroed one */

enum fp_err engine_reconfigure(struct engine *e, const struct hub_config *config);
enum fp_err engine_fatal(const struct engine *e); /* FP_OK while it runs */

#endif
