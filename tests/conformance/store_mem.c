/* The suite over the fake, and over the fake behind a fault_store that never fails. */
#include "tests/conformance/store_conformance.h"
#include "tests/support/fault_store.h"
#include "tests/support/mem_store.h"

struct world {
    struct mem_store *store;
    struct fault_store fault;
    bool behind_fault;
};

static enum fp_err hand_out(struct world *w, struct store_port *out)
{
    fault_store_init(&w->fault, mem_store_port(w->store));
    *out = w->behind_fault ? fault_store_port(&w->fault) : mem_store_port(w->store);
    return FP_OK;
}

static enum fp_err make(void *ctx, struct store_port *out)
{
    struct world *w = ctx;

    w->store = mem_store_new();
    return w->store ? hand_out(w, out) : FP_ENOMEM;
}

static enum fp_err restart(void *ctx, struct store_port *out)
{
    struct world *w = ctx;

    mem_store_restart(w->store);
    return hand_out(w, out);
}

static void end(void *ctx)
{
    struct world *w = ctx;

    mem_store_free(w->store);
}

int main(void)
{
    struct world plain = {0};
    struct world faulty = {.behind_fault = true};
    const struct store_maker makers[] = {
        {.ctx = &plain, .make = make, .restart = restart, .end = end},
        {.ctx = &faulty, .make = make, .restart = restart, .end = end},
    };

    return store_conformance_run(&makers[0]) + store_conformance_run(&makers[1]);
}
