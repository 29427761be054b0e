#include "plugin/mosq/inlet.h"

#include <assert.h>

#include "plugin/mosq/clock.h"

struct in_record { /* the payload follows */
    struct source_item item;
};

enum fp_err inlet_init(struct inlet *in, size_t cap_bytes, struct gate *gate)
{
    *in = (struct inlet){.gate = gate};
    atomic_init(&in->stop, INLET_RUNS);
    return ring_init(&in->ring, cap_bytes);
}

void inlet_fini(struct inlet *in)
{
    ring_fini(&in->ring);
}

void inlet_set_idle(struct inlet *in, struct inlet_idle idle)
{
    in->idle = idle;
}

size_t inlet_payload_max(const struct inlet *in)
{
    return ring_record_max(&in->ring) - sizeof(struct in_record);
}

static size_t reserve_bytes(size_t connections)
{
    return (connections + 1) * ring_cost(sizeof(struct in_record)); /* N1: one more for what the wrap may waste */
}

static void stamp(struct inlet *in, struct source_item *item)
{
    struct fp_mono now = clock_mono();

    if (now.us > in->last.us) {
        in->last = now; /* S2 */
    }
    item->mono = in->last;
    item->wall = clock_wall();
}

static void put(struct inlet *in, void *room, const struct source_item *item)
{
    struct in_record *record = room;

    record->item = *item;
    stamp(in, &record->item);
    record->item.payload.p = NULL; /* the consumer finds it behind the record */
    if (item->payload.len > 0) {
        memcpy(record + 1, item->payload.p, item->payload.len);
    }
    ring_commit(&in->ring);
    gate_open(in->gate);
}

enum fp_err inlet_push(struct inlet *in, const struct source_item *item, bool first_of_conn)
{
    if (atomic_load_explicit(&in->stop, memory_order_relaxed) != INLET_RUNS) {
        return FP_ESHUTDOWN;
    }
    size_t connections = in->connections + (first_of_conn ? 1 : 0);
    void *room = NULL;
    if (item->payload.len <= inlet_payload_max(in)) {
        room = ring_reserve(&in->ring, sizeof(struct in_record) + item->payload.len, reserve_bytes(connections));
    }
    if (room == NULL) {
        in->refused++;
        return FP_EAGAIN;
    }
    in->connections = connections;
    put(in, room, item);
    return FP_OK;
}

void inlet_push_disconnect(struct inlet *in, const struct source_item *item)
{
    assert(in->connections > 0 && item->payload.len == 0);

    in->connections--;
    void *room = ring_reserve(&in->ring, sizeof(struct in_record), 0);
    assert(room != NULL); /* N1 */
    if (room != NULL) {
        put(in, room, item);
    }
}

void inlet_stop(struct inlet *in, enum inlet_stop how)
{
    atomic_store(&in->stop, how);
    gate_open(in->gate);
}

static bool has_input(void *arg)
{
    struct inlet *in = arg;
    return atomic_load(&in->stop) != INLET_RUNS || ring_has_next(&in->ring);
}

static size_t take_ready(struct inlet *in, struct source_item *items, size_t cap)
{
    struct fp_bytes span;
    size_t n = 0;

    while (n < cap && ring_take(&in->ring, &span)) {
        const struct in_record *record = (const void *)span.p;
        items[n] = record->item;
        items[n].payload.p = span.p + sizeof *record;
        n++;
    }
    return n;
}

static uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static enum fp_err inlet_take(void *ctx, uint64_t wait_us, struct source_item *items, size_t cap, size_t *out_count, struct fp_mono *out_mono,
                              struct fp_wall *out_wall)
{
    struct inlet *in = ctx;
    uint64_t begun = clock_mono().us;
    enum fp_err err = FP_OK;

    for (;;) {
        unsigned stop = atomic_load(&in->stop); /* before the look at the ring: nothing is pushed after a stop that we see */
        *out_count = stop == INLET_GIVES_UP ? 0 : take_ready(in, items, cap);
        *out_mono = clock_mono();
        uint64_t waited = out_mono->us - begun;
        if (*out_count > 0) {
            break;
        }
        if (stop != INLET_RUNS) {
            err = FP_ESHUTDOWN;
            break;
        }
        if (waited >= wait_us) {
            break;
        }
        uint64_t slice = in->idle.wait_us ? in->idle.wait_us(in->idle.arg) : UINT64_MAX;
        uint64_t left = wait_us == UINT64_MAX ? UINT64_MAX : wait_us - waited;
        gate_wait(in->gate, has_input, in, min_u64(slice, left));
    }
    *out_wall = clock_wall();
    return err;
}

static void inlet_done(void *ctx)
{
    struct inlet *in = ctx;
    ring_release(&in->ring);
}

struct source_port inlet_port(struct inlet *in)
{
    return (struct source_port){.ctx = in, .take = inlet_take, .done = inlet_done};
}
