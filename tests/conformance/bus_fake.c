#include "tests/conformance/bus_conformance.h"

#include "tests/support/fake_bus.h"

static struct bus_port make(void *ctx)
{
    fake_bus_init(ctx);
    return fake_bus_port(ctx);
}

static void deliver(void *ctx, bus_effect_fn fn, void *arg)
{
    for (size_t i = 0; fake_bus_at(ctx, i) != NULL; i++) {
        const struct fake_tell *f = fake_bus_at(ctx, i);
        const struct tell *t = &f->tell;
        fn(arg, &(struct bus_effect){
                    .kind = t->kind,
                    .topic = f->text,
                    .payload = t->payload,
                    .qos = t->qos,
                    .retain = t->retain,
                    .id = t->id,
                    .user = t->user,
                    .allowed = t->allowed,
                    .change = t->change,
                });
    }
    fake_bus_clear(ctx);
}

static void stop(void *ctx)
{
    struct fake_bus *b = ctx;
    b->down = true;
}

static void end(void *ctx)
{
    fake_bus_fini(ctx);
}

int main(void)
{
    struct fake_bus bus;
    struct bus_maker maker = {.ctx = &bus, .make = make, .deliver = deliver, .stop = stop, .end = end};
    return bus_conformance_run(&maker);
}
