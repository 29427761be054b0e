#include "tests/conformance/bus_conformance.h"

#include <stdlib.h>

#include "plugin/mosq/outlet.h"

#define TURN_MAX 2048

struct rig {
    struct gate gate;
    struct outlet outlet;
    struct budget budget;
    /* The broker keeps what a TICK publishes and delivers it when the loop turns next. */
    struct bus_effect kept[TURN_MAX];
    uint8_t bytes[TURN_MAX][64];
    char topics[TURN_MAX][FP_TOPIC_MAX];
    size_t kept_count;
    bus_effect_fn fn;
    void *arg;
};

static void must(bool ok)
{
    if (!ok) {
        abort();
    }
}

static struct bus_port make(void *ctx)
{
    struct rig *r = ctx;

    memset(r, 0, sizeof *r);
    must(gate_init(&r->gate) == FP_OK);
    must(outlet_init(&r->outlet, 1 << 20, &r->gate, NULL) == FP_OK);
    budget_init(&r->budget);
    return outlet_port(&r->outlet);
}

static bool on_publish(void *ctx, const struct outlet_publish *p)
{
    struct rig *r = ctx;
    size_t i = r->kept_count++;

    must(i < TURN_MAX && p->payload.len <= sizeof r->bytes[i] && strlen(p->topic) < sizeof r->topics[i]);
    memcpy(r->bytes[i], p->payload.p, p->payload.len);
    memcpy(r->topics[i], p->topic, strlen(p->topic) + 1);
    r->kept[i] = (struct bus_effect){
        .kind = TELL_PUBLISH,
        .topic = r->topics[i],
        .payload = fp_bytes_of(r->bytes[i], p->payload.len),
        .qos = p->qos,
        .retain = p->retain,
    };
    return true;
}

static void on_grant(void *ctx, const struct outlet_grant *g)
{
    struct rig *r = ctx;
    r->fn(r->arg, &(struct bus_effect){.kind = g->kind, .id = g->id, .user = g->user, .allowed = g->allowed, .change = g->change});
}

static void deliver(void *ctx, bus_effect_fn fn, void *arg)
{
    struct rig *r = ctx;
    struct outlet_sink sink = {.ctx = r, .publish = on_publish, .grant = on_grant};

    r->fn = fn;
    r->arg = arg;
    while (outlet_pending(&r->outlet)) {
        struct outlet_turn turn = {0};
        budget_turn(&r->budget, 0);
        outlet_drain(&r->outlet, &r->budget, sink, &turn);
        for (size_t i = 0; i < r->kept_count; i++) {
            fn(arg, &r->kept[i]);
        }
        r->kept_count = 0;
    }
}

static void stop(void *ctx)
{
    struct rig *r = ctx;
    outlet_stop(&r->outlet, OUTLET_GIVES_UP);
}

static void end(void *ctx)
{
    struct rig *r = ctx;
    outlet_fini(&r->outlet);
    gate_fini(&r->gate);
}

int main(void)
{
    static struct rig rig;
    struct bus_maker maker = {.ctx = &rig, .make = make, .deliver = deliver, .stop = stop, .end = end};
    return bus_conformance_run(&maker);
}
