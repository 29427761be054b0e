/*
 * waker.h: makes the broker's loop turn when the engine has something to tell.
 *
 * Shape       the loop sleeps in epoll_wait() for up to 100 ms. A signal with an empty handler ends the wait (it is never restarted,
 *             SA_RESTART or not; SA_RESTART spares the other calls), and TICK runs. A signal that comes just before the wait is lost,
 *             so whoever has something to tell calls waker_poke() again every WAKER_EVERY_US.
 * Invariants  W1 no signal while the loop is at work on a client's message or in TICK: TICK comes anyway, or looks again.
 *             W2 one signal a turn of the loop, and then one in WAKER_EVERY_US.
 * Errors      FP_EIO: no handler could be installed
 * Thread      init, fini, busy, tick_begin and tick_end by the broker's thread; poke by the engine's
 */
#ifndef PLUGIN_MOSQ_WAKER_H
#define PLUGIN_MOSQ_WAKER_H

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "fp/err.h"
#include "fp/time.h"

#define WAKER_EVERY_US 300

enum waker_state {
    WAKER_MAY_SLEEP, /* between TICK and the first message of the next turn */
    WAKER_AT_WORK,   /* TICK comes without our doing */
};

struct waker {
    pthread_t broker;
    struct sigaction before; /* what the signal did before us */
    atomic_uint state;       /* enum waker_state */
    atomic_uint turn;        /* counts TICKs */
    unsigned poked_turn;     /* the engine's own, as what follows */
    struct fp_mono poked;
    _Atomic uint64_t signals;
};

enum fp_err waker_init(struct waker *w); /* by the broker's thread: that is the one to wake */
void waker_fini(struct waker *w);        /* when the engine's thread has ended */

void waker_busy(struct waker *w); /* a client's message is being handled: TICK follows in this turn */
void waker_tick_begin(struct waker *w);
void waker_tick_end(struct waker *w); /* look once more whether there is something to tell after this */

void waker_poke(struct waker *w, struct fp_mono now);

#endif
