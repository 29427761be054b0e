/* fp/1/ops/host: the host's counters for operators, once a second: {name => counter}, as fp/1/ops/hub; a name with max is of that second. */
#include "fp/cbor.h"
#include "plugin/mosq/host.h"

#define OPS_EVERY_US 1000000ULL

static uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

void host_settle_peaks(struct host *h)
{
    struct host_peaks *ever = &h->peaks_ever;

    ever->gap_us = max_u64(ever->gap_us, h->peaks.gap_us);
    ever->turn_us = max_u64(ever->turn_us, h->peaks.turn_us);
    ever->tick_us = max_u64(ever->tick_us, h->peaks.tick_us);
    ever->delivery_us = max_u64(ever->delivery_us, h->peaks.delivery_us);
    ever->ring_in = (size_t)max_u64(ever->ring_in, h->peaks.ring_in);
    ever->ring_out = (size_t)max_u64(ever->ring_out, h->peaks.ring_out);
    h->peaks = (struct host_peaks){0};
}

void host_publish_ops(struct host *h, struct fp_mono now)
{
    const struct host_stats *s = &h->stats;
    const struct host_peaks *p = &h->peaks;
    const struct {
        const char *name;
        uint64_t value;
    } rows[] = {
        /* in the order of their encoding: by length, then bytes */
        {"busy", s->busy},
        {"ticks", s->ticks},
        {"grants", s->grants},
        {"refused", s->refused},
        {"ring_in", ring_used(&h->engine.inlet.ring)},
        {"signals", atomic_load_explicit(&h->engine.waker.signals, memory_order_relaxed)},
        {"look_ups", h->rights.look_ups},
        {"messages", s->messages},
        {"ring_out", ring_used(&h->engine.outlet.ring)},
        {"cut_ticks", s->cut_ticks},
        {"publishes", s->publishes},
        {"gap_us_max", p->gap_us},
        {"ring_in_max", p->ring_in},
        {"tick_us_max", p->tick_us},
        {"turn_us_max", p->turn_us},
        {"ring_out_max", p->ring_out},
        {"stall_us_max", max_u64(p->gap_us, p->turn_us)},
        {"delivery_us_max", p->delivery_us},
        {"look_up_failures", h->rights.failures},
    };
    uint8_t buf[512];
    struct fp_enc e;

    if (h->config.operators.count == 0 || now.us < h->ops_due.us) {
        return;
    }
    h->ops_due.us = now.us + OPS_EVERY_US;
    fp_enc_init(&e, buf, sizeof buf);
    fp_enc_map(&e, sizeof rows / sizeof rows[0]);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fp_enc_text(&e, rows[i].name, strlen(rows[i].name));
        fp_enc_uint(&e, rows[i].value);
    }
    struct fp_bytes payload = fp_enc_bytes_of(&e);
    host_settle_peaks(h);
    if (payload.len > 0) {
        (void)mosquitto_broker_publish_copy(NULL, "fp/1/ops/host", (int)payload.len, payload.p, 0, true, NULL); /* the next one is a second away */
    }
}
