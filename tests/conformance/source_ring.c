#include "tests/conformance/source_conformance.h"

#include <stdlib.h>

#include "plugin/mosq/inlet.h"

#define CONNS_MAX 100

struct rig {
    struct gate gate;
    struct inlet inlet;
    bool known[CONNS_MAX];
};

static void must(bool ok)
{
    if (!ok) {
        abort();
    }
}

static struct source_port make(void *ctx)
{
    struct rig *r = ctx;

    *r = (struct rig){0};
    must(gate_init(&r->gate) == FP_OK);
    must(inlet_init(&r->inlet, 1 << 20, &r->gate) == FP_OK);
    return inlet_port(&r->inlet);
}

static void push(void *ctx, const struct source_item *item)
{
    struct rig *r = ctx;

    must(item->conn < CONNS_MAX);
    if (item->kind == SOURCE_DISCONNECT) {
        inlet_push_disconnect(&r->inlet, item);
        r->known[item->conn] = false;
        return;
    }
    must(inlet_push(&r->inlet, item, !r->known[item->conn]) == FP_OK);
    r->known[item->conn] = true;
}

static void quiet(void *ctx, uint64_t us)
{
    (void)ctx; /* nobody pushes on his own */
    (void)us;
}

static void stop(void *ctx)
{
    struct rig *r = ctx;
    inlet_stop(&r->inlet, INLET_DRAINS);
}

static void end(void *ctx)
{
    struct rig *r = ctx;
    inlet_fini(&r->inlet);
    gate_fini(&r->gate);
}

int main(void)
{
    static struct rig rig;
    struct source_maker maker = {.ctx = &rig, .make = make, .push = push, .quiet = quiet, .stop = stop, .end = end};
    return source_conformance_run(&maker);
}
