/* What an operator sees of the relays: fp/1/ops/relay, {relay => {name => counter}}. */
#include "plugin/hub/relay.h"

#include <stdlib.h>

#define OPS_EVERY_US 1000000U
#define ROW_BYTES 400

static void put_one(struct fp_enc *e, const struct hub *h, const struct relay *r)
{
    const struct relay_stats *s = &r->stats;
    uint64_t waiting = 0;
    for (unsigned lane = 0; lane < FP_LANES; lane++) {
        waiting += r->lanes[lane].made - r->link.lanes[lane].acked;
    }
    const struct { /* in the order of their encoding */
        const char *name;
        uint64_t value;
    } rows[] = {
        {"up", r->up},
        {"lost", s->lost},
        {"sent", s->sent_records},
        {"holes", s->holes},
        {"known", s->known},
        {"older", r->older},
        {"taken", s->taken},
        {"rtt_us", r->link.rtt_us},
        {"window", r->link.window},
        {"batches", s->batches},
        {"ignored", s->ignored},
        {"refused", s->refused},
        {"waiting", waiting},
        {"heard_ms", r->up ? (h->mono.us - r->heard.us) / 1000 : 0},
        {"sent_bytes", s->sent_bytes},
        {"unsendable", s->unsendable},
        {"sent_batches", s->sent_batches},
    };
    fp_enc_id(e, &r->rights.relay);
    fp_enc_map(e, sizeof(rows) / sizeof(rows[0]));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        fp_enc_text(e, rows[i].name, strlen(rows[i].name));
        fp_enc_uint(e, rows[i].value);
    }
}

static int by_id(const struct relay *a, const struct relay *b)
{
    if (a->rights.relay.len != b->rights.relay.len) {
        return a->rights.relay.len < b->rights.relay.len ? -1 : 1;
    }
    return memcmp(a->rights.relay.text, b->rights.relay.text, a->rights.relay.len);
}

void relays_ops(struct hub *h)
{
    struct relay *r;
    size_t count = 0;
    if (!h->config.ops || !h->relays->all || h->relays->ops_due.us > h->mono.us) {
        return;
    }
    h->relays->ops_due.us = h->mono.us + OPS_EVERY_US;
    LL_SORT(h->relays->all, by_id);
    LL_COUNT(h->relays->all, r, count);
    size_t cap = count * ROW_BYTES + 16;
    uint8_t *buf = arena_alloc(&h->arena, cap);
    struct fp_enc e;
    fp_enc_init(&e, buf, buf ? cap : 0);
    fp_enc_map(&e, count);
    LL_FOREACH (h->relays->all, r) {
        put_one(&e, h, r);
    }
    if (!e.failed) { /* without memory: a second later */
        struct fp_topic topic = {.kind = FP_TOPIC_OPS, .a = {.len = 5, .text = "relay"}};
        tells_now(h, &topic, fp_enc_bytes_of(&e), 0, true);
    }
}
