#include "tests/conformance/source_conformance.h"

#include "tests/support/fake_source.h"

static struct source_port make(void *ctx)
{
    fake_source_init(ctx);
    return fake_source_port(ctx);
}

static void push(void *ctx, const struct source_item *item)
{
    char user[FP_ID_MAX + 1] = "", device[FP_ID_MAX + 1] = "";

    memcpy(user, item->user.text, item->user.len);
    memcpy(device, item->device.text, item->device.len);
    struct fake_client from = {.user = user, .device = device, .conn = item->conn};
    switch (item->kind) {
    case SOURCE_MESSAGE:
        fake_source_message(ctx, from, item->topic, item->payload);
        break;
    case SOURCE_REFUSED:
        fake_source_refused(ctx, from, item->topic, item->refused, item->reason);
        break;
    case SOURCE_DISCONNECT:
        fake_source_end(ctx, from, item->end);
        break;
    }
}

static void quiet(void *ctx, uint64_t us)
{
    fake_source_wait(ctx, us);
}

static void stop(void *ctx)
{
    (void)ctx; /* the script's end is the end */
}

static void end(void *ctx)
{
    fake_source_fini(ctx);
}

int main(void)
{
    struct fake_source source;
    struct source_maker maker = {.ctx = &source, .make = make, .push = push, .quiet = quiet, .stop = stop, .end = end};
    return source_conformance_run(&maker);
}
