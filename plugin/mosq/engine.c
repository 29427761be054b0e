#define _GNU_SOURCE /* pthread_timedjoin_np */
#include "plugin/mosq/engine.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>

enum fp_err engine_open(struct engine *e, const struct engine_config *config)
{
    *e = (struct engine){0};
    atomic_init(&e->pending, NULL);
    atomic_init(&e->fatal, FP_OK);

    enum fp_err err = gate_init(&e->gate);
    e->has_gate = err == FP_OK;
    if (!err) {
        err = waker_init(&e->waker);
        e->has_waker = err == FP_OK;
    }
    if (!err) {
        err = inlet_init(&e->inlet, config->ring_in_bytes, &e->gate);
    }
    if (!err) {
        err = outlet_init(&e->outlet, config->ring_out_bytes, &e->gate, &e->waker);
    }
    if (!err) {
        inlet_set_idle(&e->inlet, (struct inlet_idle){.wait_us = outlet_wait_us, .arg = &e->outlet});
        e->source = inlet_port(&e->inlet);
        err = hub_open(&e->hub, config->hub, config->store, outlet_port(&e->outlet), config->info);
    }
    if (err) {
        engine_close(e);
    }
    return err;
}

void engine_close(struct engine *e)
{
    hub_close(e->hub);
    free(atomic_exchange(&e->pending, NULL));
    outlet_fini(&e->outlet);
    inlet_fini(&e->inlet);
    if (e->has_waker) {
        waker_fini(&e->waker);
    }
    if (e->has_gate) {
        gate_fini(&e->gate);
    }
    *e = (struct engine){0};
}

/* Between two turns is when limits may change. */
static enum fp_err take(void *ctx, uint64_t wait_us, struct source_item *items, size_t cap, size_t *out_count, struct fp_mono *out_mono,
                        struct fp_wall *out_wall)
{
    struct engine *e = ctx;
    struct hub_config *fresh = atomic_exchange(&e->pending, NULL);

    if (fresh != NULL) {
        hub_reconfigure(e->hub, fresh);
        free(fresh);
    }
    return e->source.take(e->source.ctx, wait_us, items, cap, out_count, out_mono, out_wall);
}

static void done(void *ctx)
{
    struct engine *e = ctx;
    e->source.done(e->source.ctx);
}

static void *run(void *arg)
{
    struct engine *e = arg;
    enum fp_err err = hub_run(e->hub, (struct source_port){.ctx = e, .take = take, .done = done});

    atomic_store(&e->fatal, err);
    return NULL;
}

enum fp_err engine_start(struct engine *e)
{
    sigset_t all, before;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before); /* the thread inherits it: SIGHUP and SIGTERM are for the broker's */
    int failed = pthread_create(&e->thread, NULL, run, e);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    e->runs = failed == 0;
    return failed ? FP_ENOMEM : FP_OK;
}

static bool join(struct engine *e, unsigned timeout_ms)
{
    struct timespec until = {0};

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += (time_t)(timeout_ms / 1000);
    until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    return pthread_timedjoin_np(e->thread, NULL, &until) == 0;
}

bool engine_stop(struct engine *e, unsigned timeout_ms)
{
    if (!e->runs) {
        return true;
    }
    inlet_stop(&e->inlet, INLET_DRAINS);
    outlet_stop(&e->outlet, OUTLET_DROPS);
    bool joined = join(e, timeout_ms);
    if (!joined) {
        inlet_stop(&e->inlet, INLET_GIVES_UP);
        outlet_stop(&e->outlet, OUTLET_GIVES_UP);
        joined = join(e, timeout_ms / 10); /* it may have waited for the end of a commit only */
    }
    e->runs = !joined;
    return joined;
}

enum fp_err engine_reconfigure(struct engine *e, const struct hub_config *config)
{
    struct hub_config *copy = malloc(sizeof *copy);
    if (copy == NULL) {
        return FP_ENOMEM;
    }
    *copy = *config;
    free(atomic_exchange(&e->pending, copy)); /* an older one that nobody has taken yet */
    gate_open(&e->gate);
    return FP_OK;
}

enum fp_err engine_fatal(const struct engine *e)
{
    return (enum fp_err)atomic_load_explicit(&e->fatal, memory_order_relaxed);
}
