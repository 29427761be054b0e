#define _GNU_SOURCE /* ppoll */
#include "plugin/mosq/gate.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum fp_err gate_init(struct gate *g)
{
    *g = (struct gate){.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
    atomic_init(&g->sleeping, false);
    atomic_init(&g->wakes, 0);
    return g->fd < 0 ? FP_EIO : FP_OK;
}

void gate_fini(struct gate *g)
{
    if (g->fd >= 0) {
        (void)close(g->fd); /* an eventfd has nothing to flush */
    }
    g->fd = -1;
}

void gate_wait(struct gate *g, bool (*ready)(void *arg), void *arg, uint64_t timeout_us)
{
    struct pollfd p = {.fd = g->fd, .events = POLLIN};
    struct timespec ts = {.tv_sec = (time_t)(timeout_us / 1000000), .tv_nsec = (long)(timeout_us % 1000000) * 1000};

    atomic_store(&g->sleeping, true);
    if (!ready(arg)) {
        (void)ppoll(&p, 1, timeout_us == UINT64_MAX ? NULL : &ts, NULL); /* an error is a wake-up for nothing */
    }
    if (!atomic_exchange(&g->sleeping, false)) {
        uint64_t count = 0;
        (void)!read(g->fd, &count, sizeof count); /* gate_open() has written, or is about to: then the next sleep is short */
    }
}

void gate_open(struct gate *g)
{
    if (!atomic_load(&g->sleeping) || !atomic_exchange(&g->sleeping, false)) {
        return;
    }
    uint64_t one = 1;
    (void)!write(g->fd, &one, sizeof one); /* full means that it is open already */
    atomic_fetch_add_explicit(&g->wakes, 1, memory_order_relaxed);
}
