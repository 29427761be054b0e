/*
 * relay_kit.h: what the tests of a hub's relays share: frames as a site would send them, and what was told to it.
 *
 * Shape       relay `ridge` serves the scopes `house` and `shed`. anna (owner) and ben are members of `kitchen` in `house`; zoe owns `field` in
 *             `farm`.
 */
#ifndef TESTS_UNIT_HUB_RELAY_KIT_H
#define TESTS_UNIT_HUB_RELAY_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include "fp/trunk.h"
#include "plugin/hub/trunk.h"
#include "tests/support/hub_kit.h"

#define RK_DOWN "fp/1/relay/ridge/down"
#define RK_EPOCH 77

struct rk_batch { /* records that are to go up in one batch */
    uint8_t buf[TRUNK_RECORDS_BYTES * 2];
    struct fp_enc e;
    uint64_t count;
};

static inline void rk_rights(struct kit *k)
{
    struct hub_relay *r = &k->config.relays[0];
    *r = (struct hub_relay){.relay = kit_id("ridge"), .scopes = {kit_id("house"), kit_id("shed")}, .scope_count = 2};
    k->config.relay_count = 1;
    k->config.services[0] = kit_id("robot");
    k->config.service_count = 1;
    hub_reconfigure(k->hub, &k->config);
}

static inline void rk_open(struct kit *k)
{
    static const char *const members[] = {"ben"};
    static const uint64_t roles[] = {FP_ROLE_MEMBER};
    struct kit_body b;
    kit_open(k);
    rk_rights(k);
    struct fp_command c = kit_conv_new(&b, 1, "kitchen", "house", members, roles, 1);
    kit_send(k, "anna-phone", &c);
    c = kit_conv_new(&b, 1, "field", "farm", NULL, NULL, 0);
    kit_send(k, "zoe-phone", &c);
    kit_run(k);
    kit_idle(k);
    kit_clear(k);
}

/* ------------------------------------------------------------------ frames up */

static inline struct fp_trunk_hello rk_hello_of(void)
{
    struct fp_trunk_hello h = {.protocol = FP_WIRE_VERSION, .epoch = RK_EPOCH};
    for (size_t lane = 0; lane < FP_LANES; lane++) {
        h.lanes[lane] = (struct fp_lane_range){.oldest = 1, .next = 1};
    }
    return h;
}

static inline void rk_frame(struct kit *k, const struct fp_enc *e)
{
    assert_false(e->failed);
    kit_relay_frame(k, "ridge", fp_enc_bytes_of(e));
}

/* held_conv NULL: it does not say what it holds. */
static inline void rk_say_hello(struct kit *k, struct fp_trunk_hello h, const char *held_conv, uint64_t held)
{
    uint8_t buf[512];
    struct fp_enc e;
    struct fp_id id = kit_id(held_conv ? held_conv : "x");
    h.held_count = held_conv ? 1 : 0;
    fp_enc_init(&e, buf, sizeof(buf));
    fp_enc_trunk_hello_begin(&e, &h);
    if (held_conv) {
        fp_enc_trunk_held(&e, &id, held);
    }
    fp_enc_trunk_hello_end(&e, &h);
    rk_frame(k, &e);
}

static inline void rk_hello(struct kit *k)
{
    rk_say_hello(k, rk_hello_of(), NULL, 0);
    kit_run(k);
    kit_idle(k);
}

static inline void rk_ack(struct kit *k, unsigned lane, uint64_t have, uint64_t credit)
{
    uint8_t buf[64];
    struct fp_enc e;
    struct store_info info = mem_store_info(k->mem);
    fp_enc_init(&e, buf, sizeof(buf));
    fp_enc_trunk_ack(&e, info.epoch, lane, have, credit);
    rk_frame(k, &e);
}

static inline void rk_begin(struct rk_batch *b)
{
    fp_enc_init(&b->e, b->buf, sizeof(b->buf));
    b->count = 0;
}

static inline void rk_add(struct rk_batch *b, const char *user, const char *device, const struct fp_command *c, struct fp_record_up r)
{
    uint8_t buf[FP_COMMAND_BYTES_MAX];
    struct fp_enc e;
    fp_enc_init(&e, buf, sizeof(buf));
    assert_true(fp_command_encode(&e, c));
    r.user = kit_id(user);
    r.device = kit_id(device);
    r.command = fp_enc_bytes_of(&e);
    assert_true(fp_enc_record_up(&b->e, &r));
    b->count++;
}

static inline void rk_add_msg(struct rk_batch *b, const char *user, const char *device, uint64_t n, const char *conv)
{
    struct kit_body body;
    struct fp_command c = kit_msg(&body, n, conv, "from the ridge");
    rk_add(b, user, device, &c, (struct fp_record_up){.has_custody = true, .custody_ms = 5, .base = 1, .k = n});
}

static inline void rk_send_as(struct kit *k, const struct rk_batch *b, struct fp_trunk_batch t)
{
    static uint8_t buf[TRUNK_RECORDS_BYTES * 3];
    struct fp_enc e;
    t.records = t.records.p ? t.records : fp_enc_bytes_of(&b->e);
    fp_enc_init(&e, buf, sizeof(buf));
    fp_enc_trunk_batch(&e, &t);
    rk_frame(k, &e);
}

static inline void rk_send(struct kit *k, const struct rk_batch *b, uint64_t lane, uint64_t first)
{
    rk_send_as(k, b, (struct fp_trunk_batch){.epoch = RK_EPOCH, .lane = lane, .first = first, .count = b->count});
}

/* ------------------------------------------------------------------ frames down */

/* The index-th frame of the kind since the last kit_clear(); false if there are not so many. */
static inline bool rk_told(const struct kit *k, uint64_t what, size_t index, struct fp_trunk *out)
{
    for (size_t at = fake_bus_find(&k->bus, RK_DOWN, 0); at != SIZE_MAX; at = fake_bus_find(&k->bus, RK_DOWN, at + 1)) {
        const struct tell *t = &fake_bus_at(&k->bus, at)->tell;
        assert_int_equal(t->qos, 0);
        assert_false(t->retain);
        assert_int_equal(fp_trunk_decode(t->payload, out), FP_OK);
        if (out->what == what && index-- == 0) {
            return true;
        }
    }
    return false;
}

static inline size_t rk_count(const struct kit *k, uint64_t what)
{
    struct fp_trunk f;
    size_t count = 0;
    while (rk_told(k, what, count, &f)) {
        count++;
    }
    return count;
}

/* The latest ack of the lane; credit UINT64_MAX: there is none. */
static inline uint64_t rk_acked(const struct kit *k, unsigned lane, uint64_t *out_credit)
{
    struct fp_trunk f;
    uint64_t have = 0;
    *out_credit = UINT64_MAX;
    for (size_t i = 0; rk_told(k, FP_TRUNK_ACK, i, &f); i++) {
        if (f.as.ack.lane == lane) {
            assert_int_equal(f.as.ack.epoch, RK_EPOCH);
            have = f.as.ack.have;
            *out_credit = f.as.ack.credit;
        }
    }
    return have;
}

static inline enum fp_err rk_refused(const struct kit *k, uint64_t lane, uint64_t number)
{
    struct fp_trunk f;
    for (size_t i = 0; rk_told(k, FP_TRUNK_REFUSE, i, &f); i++) {
        if (f.as.refuse.lane == lane && f.as.refuse.number == number) {
            return f.as.refuse.code;
        }
    }
    return FP_OK;
}

/* ------------------------------------------------------------------ the store */

static inline uint64_t rk_head(const struct kit *k, const char *conv)
{
    struct store_port p = mem_store_port(k->mem);
    struct store_conv c;
    struct fp_id id = kit_id(conv);
    bool found = false;
    assert_int_equal(p.load_conv(p.ctx, &id, &c, &found), FP_OK);
    return found ? c.head : 0;
}

static inline uint64_t rk_next_n(const struct kit *k, const char *device)
{
    struct store_port p = mem_store_port(k->mem);
    struct store_device d;
    struct fp_id id = kit_id(device);
    bool found = false;
    assert_int_equal(p.load_device(p.ctx, &id, &d, &found), FP_OK);
    return found ? d.next_n : 0;
}

static inline struct store_peer rk_peer(const struct kit *k)
{
    struct store_port p = mem_store_port(k->mem);
    struct store_peer peer = {0};
    struct fp_id id = kit_id("ridge");
    bool found = false;
    assert_int_equal(p.load_peer(p.ctx, &id, &peer, &found), FP_OK);
    return peer;
}

/* One counter of fp/1/ops/relay. */
static inline uint64_t rk_ops(struct kit *k, const char *name)
{
    k->config.ops = true;
    hub_reconfigure(k->hub, &k->config);
    kit_pass(k, 1000);
    kit_run(k);
    size_t at = SIZE_MAX;
    for (size_t next = fake_bus_find(&k->bus, "fp/1/ops/relay", 0); next != SIZE_MAX; next = fake_bus_find(&k->bus, "fp/1/ops/relay", at + 1)) {
        at = next;
    }
    assert_int_not_equal(at, SIZE_MAX);
    struct fp_bytes payload = fake_bus_at(&k->bus, at)->tell.payload;
    const char *why = NULL;
    struct fp_dec d;
    assert_int_equal(fp_cbor_check(payload, NULL, &why), FP_OK);
    fp_dec_init(&d, payload);
    assert_int_equal(fp_dec_map(&d), 1);
    (void)fp_dec_id(&d);
    for (size_t left = fp_dec_map(&d); left > 0; left--) {
        struct fp_bytes key = fp_dec_text(&d);
        uint64_t value = fp_dec_uint(&d);
        if (key.len == strlen(name) && memcmp(key.p, name, key.len) == 0) {
            return value;
        }
    }
    fail_msg("no counter %s", name);
    return 0;
}

/* ------------------------------------------------------------------ a site, as far as the hub can see one */

struct rk_site {
    uint64_t have[FP_LANES];
    size_t seen;          /* tells of the bus that it has looked at */
    uint64_t next_seq[2]; /* of kitchen, of another conversation */
    char other[16];
    uint64_t events, twice, receipts, convs, persons;
    uint64_t floor;
    uint64_t delivered_sum; /* of the kitchen's latest receipts */
    uint64_t batches, bytes;
    unsigned first_lane; /* of the first batch; 9: none yet */
    bool deaf;           /* takes nothing */
    bool mute;           /* does not ack */
};

static inline void rk_take_event(struct rk_site *s, struct fp_bytes one)
{
    struct fp_event ev;
    assert_int_equal(fp_event_decode(one, &ev), FP_OK);
    struct fp_id kitchen = kit_id("kitchen");
    bool other = !fp_id_eq(&ev.conv, &kitchen);
    if (other) {
        assert_int_equal(ev.conv.len, strlen(s->other));
        assert_memory_equal(ev.conv.text, s->other, ev.conv.len);
    }
    s->events++;
    if (ev.seq <= s->next_seq[other]) {
        s->twice++;
        return;
    }
    assert_int_equal(ev.seq, s->next_seq[other] + 1); /* never a hole */
    s->next_seq[other] = ev.seq;
}

static inline void rk_take_record(struct rk_site *s, struct fp_bytes one)
{
    struct fp_record_down r;
    struct fp_id user;
    uint64_t delivered = 0;
    uint64_t read = 0;
    struct fp_id kitchen = kit_id("kitchen");
    bool is_kitchen = false;
    assert_int_equal(fp_record_down_decode(one, &r), FP_OK);
    switch (r.what) {
    case 0:
        rk_take_event(s, one);
        break;
    case FP_TOLD_RECEIPTS_WHAT:
        s->receipts++;
        is_kitchen = fp_id_eq(&r.receipts.conv, &kitchen);
        s->delivered_sum = is_kitchen && r.receipts.count > 0 ? 0 : s->delivered_sum;
        while (fp_record_horizon(&r, &user, &delivered, &read)) {
            assert_true(delivered <= s->next_seq[!is_kitchen]); /* not above what it holds */
            s->delivered_sum += is_kitchen ? delivered : 0;
        }
        break;
    case FP_TOLD_CONV_WHAT:
        s->convs++;
        s->floor = r.conv.floor;
        if (s->next_seq[0] < r.conv.floor) {
            s->next_seq[0] = r.conv.floor;
        }
        break;
    default:
        s->persons++;
    }
}

static inline void rk_take_batch(struct rk_site *s, const struct fp_trunk_batch *b)
{
    static uint8_t plain[TRUNK_RECORDS_BYTES];
    struct fp_bytes records = b->records;
    struct fp_bytes one;
    uLongf len = sizeof(plain);
    uint64_t number = b->first;
    if (b->zlib) {
        assert_int_equal(uncompress(plain, &len, b->records.p, b->records.len), Z_OK);
        records = fp_bytes_of(plain, len);
    }
    s->batches++;
    s->bytes += b->records.len;
    s->first_lane = s->first_lane == 9 ? (unsigned)b->lane : s->first_lane;
    if (b->first > s->have[b->lane] + 1) {
        return;
    }
    while (fp_run_next(&records, &one)) {
        if (number++ > s->have[b->lane]) {
            rk_take_record(s, one);
            s->have[b->lane]++;
        }
    }
    assert_int_equal(number, b->first + b->count);
}

/* Takes what was told since the last time, and acks. True if there was a batch. */
static inline bool rk_site_take(struct kit *k, struct rk_site *s)
{
    bool any = false;
    bool acks[FP_LANES] = {false};
    for (; fake_bus_at(&k->bus, s->seen); s->seen++) {
        const struct fake_tell *t = fake_bus_at(&k->bus, s->seen);
        struct fp_trunk f;
        if (strcmp(t->text, RK_DOWN) != 0 || fp_trunk_decode(t->tell.payload, &f) || f.what != FP_TRUNK_BATCH || s->deaf) {
            continue;
        }
        rk_take_batch(s, &f.as.batch);
        acks[f.as.batch.lane] = true;
        any = true;
    }
    for (unsigned lane = 0; lane < FP_LANES; lane++) {
        if (acks[lane] && !s->mute) {
            rk_ack(k, lane, s->have[lane], TRUNK_CREDIT);
        }
    }
    return any;
}

/* Until all is there. */
static inline void rk_site_run(struct kit *k, struct rk_site *s)
{
    for (int i = 0; i < 200; i++) {
        kit_run(k);
        kit_idle(k);
        if (!rk_site_take(k, s)) {
            return;
        }
        kit_pass(k, 5);
    }
    fail_msg("it does not end");
}

static inline void rk_site_hello(struct kit *k, struct rk_site *s)
{
    struct fp_trunk_hello h = rk_hello_of();
    memcpy(h.have, s->have, sizeof(h.have));
    rk_say_hello(k, h, NULL, 0);
    s->seen = k->bus.count; /* between hello and welcome numbers are still those of the session before */
    rk_site_run(k, s);
}

static inline struct rk_site rk_site_new(void)
{
    return (struct rk_site){.first_lane = 9};
}

/* anna writes that many in the kitchen; *n is her next number. */
static inline void rk_write(struct kit *k, const char *conv, uint64_t *n, size_t count)
{
    struct kit_body b;
    for (size_t i = 0; i < count; i++) {
        struct fp_command c = kit_msg(&b, (*n)++, conv, "hello");
        kit_send(k, "anna-phone", &c);
        if (k->count == KIT_ITEMS_MAX / 2) {
            kit_run(k);
        }
    }
    kit_run(k);
}

#endif
