#include "plugin/mosq/waker.h"

#define WAKER_SIGNAL SIGURG /* ignored by default, not blocked by the host, used by nobody there */

static void do_nothing(int signal)
{
    (void)signal;
}

enum fp_err waker_init(struct waker *w)
{
    struct sigaction action = {.sa_handler = do_nothing, .sa_flags = SA_RESTART};

    *w = (struct waker){.broker = pthread_self()};
    atomic_init(&w->state, WAKER_AT_WORK);
    atomic_init(&w->turn, 1);
    atomic_init(&w->signals, 0);
    if (sigemptyset(&action.sa_mask) != 0 || sigaction(WAKER_SIGNAL, &action, &w->before) != 0) {
        return FP_EIO;
    }
    return FP_OK;
}

void waker_fini(struct waker *w)
{
    (void)sigaction(WAKER_SIGNAL, &w->before, NULL); /* it worked before with the same arguments */
}

void waker_busy(struct waker *w)
{
    atomic_store_explicit(&w->state, WAKER_AT_WORK, memory_order_relaxed);
}

void waker_tick_begin(struct waker *w)
{
    atomic_store(&w->state, WAKER_AT_WORK);
}

void waker_tick_end(struct waker *w)
{
    atomic_fetch_add_explicit(&w->turn, 1, memory_order_relaxed);
    atomic_store(&w->state, WAKER_MAY_SLEEP); /* in one order with the rings' heads: whoever misses this is seen by the last look */
}

void waker_poke(struct waker *w, struct fp_mono now)
{
    if (atomic_load(&w->state) == WAKER_AT_WORK) {
        return; /* W1 */
    }
    unsigned turn = atomic_load_explicit(&w->turn, memory_order_relaxed);
    if (turn == w->poked_turn && now.us - w->poked.us < WAKER_EVERY_US) {
        return; /* W2 */
    }
    w->poked_turn = turn;
    w->poked = now;
    atomic_fetch_add_explicit(&w->signals, 1, memory_order_relaxed);
    (void)pthread_kill(w->broker, WAKER_SIGNAL); /* cannot fail for a thread that outlives this one */
}
