/*
 * site_kit.h: a site ("ship") on the fakes, and a hub at the other end of its trunk that says what the test wants.
 *
 * Shape       far_read() takes what the site has said up, far_...() says something down; nothing is lost unless the test loses it
 */
#ifndef TESTS_UNIT_HUB_SITE_KIT_H
#define TESTS_UNIT_HUB_SITE_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include "fp/trunk.h"
#include "tests/support/hub_kit.h"

#define RELAY "ship"
#define UP "fp/1/relay/ship/up"
#define HUB_EPOCH 4711
#define FAR_RECORDS_MAX 4096
#define TRUNK_PLAIN_MAX 65536
#define EVENTS "fp/1/scope/house/conv/kitchen/event"

struct far_record {
    uint64_t lane, number;
    uint8_t *bytes; /* own_ */
    struct fp_record_up up;
    struct fp_command cmd;
};

struct far { /* the other end */
    struct kit *k;
    size_t seen; /* tells of the bus */
    uint64_t epoch;
    size_t hellos;
    size_t held_count; /* of the last hello */
    struct fp_id held[64];
    uint64_t held_seq[64];
    struct fp_trunk_hello hello;
    uint64_t have[FP_LANES]; /* of the site's records */
    uint64_t next[FP_LANES]; /* of ours */
    uint64_t acked[FP_LANES];
    size_t acks, nacks;
    struct far_record records[FAR_RECORDS_MAX];
    size_t count;
    uint8_t frame[300000];
};

static inline void site_open_kit(struct kit *k)
{
    kit_open(k);
    k->config.role = HUB_ROLE_SITE;
    k->config.relay = kit_id(RELAY);
    kit_restart(k);
}

static inline void far_fini(struct far *f)
{
    for (size_t i = 0; i < f->count; i++) {
        free(f->records[i].bytes);
    }
    f->count = 0;
}

static inline void far_init(struct far *f, struct kit *k)
{
    memset(f, 0, sizeof(*f));
    f->k = k;
    f->epoch = HUB_EPOCH;
}

static inline void far_hello(struct far *f, const struct fp_trunk_hello *h)
{
    struct fp_trunk_hello rows = *h;
    f->hello = *h;
    f->hellos++;
    f->held_count = 0;
    while (f->held_count < 64 && fp_trunk_held(&rows, &f->held[f->held_count], &f->held_seq[f->held_count])) {
        f->held_count++;
    }
    for (size_t lane = 0; lane < FP_LANES; lane++) {
        f->next[lane] = h->have[lane] + 1;
    }
}

static inline void far_batch(struct far *f, const struct fp_trunk_batch *b)
{
    static uint8_t plain[TRUNK_PLAIN_MAX];
    struct fp_bytes rest = b->records;
    struct fp_bytes one;
    uint64_t number = b->first;
    if (b->zlib) {
        uLongf len = sizeof(plain);
        assert_int_equal(uncompress(plain, &len, b->records.p, b->records.len), Z_OK);
        rest = fp_bytes_of(plain, len);
    }
    assert_true(b->first <= f->have[b->lane] + 1);
    while (fp_run_next(&rest, &one)) {
        if (number > f->have[b->lane]) {
            const char *why = NULL;
            assert_true(f->count < FAR_RECORDS_MAX);
            struct far_record *r = &f->records[f->count++];
            *r = (struct far_record){.lane = b->lane, .number = number, .bytes = malloc(one.len)};
            memcpy(r->bytes, one.p, one.len);
            assert_int_equal(fp_record_up_decode(fp_bytes_of(r->bytes, one.len), &r->up), FP_OK);
            (void)fp_command_decode(r->up.command, FP_COMMAND_BYTES_MAX, &r->cmd, &why);
            f->have[b->lane] = number;
        }
        number++;
    }
    assert_int_equal(number, b->first + b->count);
}

static inline void far_read(struct far *f)
{
    for (; f->seen < f->k->bus.count; f->seen++) {
        const struct fake_tell *t = fake_bus_at(&f->k->bus, f->seen);
        struct fp_trunk frame;
        if (strcmp(t->text, UP) != 0) {
            continue;
        }
        assert_int_equal(t->tell.qos, 0);
        assert_int_equal(fp_trunk_decode(t->tell.payload, &frame), FP_OK);
        if (frame.what == FP_TRUNK_HELLO) {
            far_hello(f, &frame.as.hello);
        } else if (frame.what == FP_TRUNK_BATCH) {
            far_batch(f, &frame.as.batch);
        } else if (frame.what == FP_TRUNK_ACK) {
            f->acks++;
            f->acked[frame.as.ack.lane] = frame.as.ack.have;
        } else if (frame.what == FP_TRUNK_NACK) {
            f->nacks++;
        }
    }
}

static inline void far_clear(struct far *f)
{
    far_read(f);
    kit_clear(f->k);
    f->seen = 0;
}

static inline struct fp_enc far_begin(struct far *f)
{
    struct fp_enc e;
    fp_enc_init(&e, f->frame, sizeof(f->frame));
    return e;
}

static inline void far_say(struct far *f, const struct fp_enc *e)
{
    assert_false(e->failed);
    kit_raw(f->k, RELAY, FP_TOPIC_RELAY_DOWN, fp_enc_bytes_of(e));
}

static inline void far_welcome(struct far *f)
{
    struct fp_enc e = far_begin(f);
    struct fp_trunk_welcome w = {.epoch = f->epoch, .credit = 64, .bytes = 65536, .at = f->k->wall};
    memcpy(w.have, f->have, sizeof(w.have));
    fp_enc_trunk_welcome(&e, &w, NULL, 0);
    far_say(f, &e);
}

/* The pipe comes, and the two ends meet. */
static inline void far_meet(struct far *f)
{
    kit_raw(f->k, RELAY, FP_TOPIC_RELAY_DOWN, fp_bytes_of("", 0));
    kit_run(f->k);
    far_read(f);
    assert_true(f->hellos > 0);
    far_welcome(f);
    kit_run(f->k);
    far_read(f);
}

static inline void far_ack(struct far *f)
{
    for (size_t lane = 0; lane < FP_LANES; lane++) {
        struct fp_enc e = far_begin(f);
        fp_enc_trunk_ack(&e, f->hello.epoch, lane, f->have[lane], 64);
        far_say(f, &e);
    }
}

/* Records, one after the other, as one batch of the lane. */
static inline void far_down(struct far *f, size_t lane, struct fp_bytes records)
{
    struct fp_bytes rest = records;
    struct fp_bytes one;
    uint64_t count = 0;
    while (fp_run_next(&rest, &one)) {
        count++;
    }
    struct fp_trunk_batch b = {.epoch = f->epoch, .lane = lane, .first = f->next[lane], .count = count, .records = records};
    struct fp_enc e = far_begin(f);
    fp_enc_trunk_batch(&e, &b);
    f->next[lane] += count;
    far_say(f, &e);
}

static inline void far_refuse(struct far *f, const struct far_record *r, enum fp_err code)
{
    static const char why[] = "the hub says no";
    struct fp_enc e = far_begin(f);
    fp_enc_trunk_refuse(&e, r->lane, r->number, code, fp_bytes_of(why, strlen(why)), 0);
    far_say(f, &e);
}

static inline void far_gap(struct far *f, const struct far_record *r, uint64_t next_n)
{
    struct fp_enc e = far_begin(f);
    fp_enc_trunk_refuse(&e, r->lane, r->number, FP_EGAP, (struct fp_bytes){0}, next_n);
    far_say(f, &e);
}

/* ------------------------------------------------------------------ events, as a hub would make them */

struct far_event {
    uint8_t buf[20000];
    struct fp_bytes bytes;
    struct fp_event ev;
};

static inline struct fp_event far_event_of(const struct far_record *r, uint64_t seq, uint64_t at)
{
    return (struct fp_event){.kind = r->cmd.kind,
                             .n = r->cmd.n,
                             .conv = r->cmd.conv,
                             .seen = r->cmd.seen,
                             .priority = r->cmd.priority,
                             .ref = r->cmd.ref,
                             .version = r->cmd.kind == FP_K_MSG ? 0 : seq,
                             .body = r->cmd.body,
                             .seq = seq,
                             .at = {.ms = at},
                             .user = r->up.user,
                             .device = r->up.device,
                             .branch_relay = kit_id(RELAY),
                             .branch_base = r->up.base,
                             .branch_k = r->up.k};
}

static inline void far_order(struct far *f, const struct far_record *r, uint64_t seq)
{
    uint8_t buf[20000];
    struct fp_enc e;
    struct fp_event ev = far_event_of(r, seq, f->k->wall.ms);
    fp_enc_init(&e, buf, sizeof(buf));
    assert_true(fp_event_encode(&e, &ev));
    far_down(f, 2, fp_enc_bytes_of(&e));
}

/* Another hub makes "kitchen" in "house" (anna owns it, ben and carl are members) and says it down. */
static inline void far_kitchen(struct far *f)
{
    static const char *const users[] = {"ben", "carl"};
    static const uint64_t roles[] = {FP_ROLE_MEMBER, FP_ROLE_MEMBER};
    struct kit_body b;
    struct fp_command c = kit_conv_new(&b, 1, "kitchen", "house", users, roles, 2);
    struct far_record r = {.up = {.user = kit_id("anna"), .device = kit_id("anna-desk")}, .cmd = c};
    uint8_t buf[2000];
    struct fp_enc e;
    struct fp_event ev = far_event_of(&r, 1, f->k->wall.ms);
    ev.branch_relay = (struct fp_id){0};
    ev.branch_k = 0;
    fp_enc_init(&e, buf, sizeof(buf));
    assert_true(fp_event_encode(&e, &ev));
    far_down(f, 2, fp_enc_bytes_of(&e));
    kit_run(f->k);
    kit_idle(f->k);
    far_read(f);
}

/* ------------------------------------------------------------------ what was told */

struct told_events {
    size_t count;
    struct fp_event last;
};

static inline struct told_events told_on(const struct kit *k, const char *topic)
{
    struct told_events t = {0};
    for (size_t at = fake_bus_find(&k->bus, topic, 0); at != SIZE_MAX; at = fake_bus_find(&k->bus, topic, at + 1)) {
        struct fp_dec d;
        fp_dec_init(&d, fake_bus_at(&k->bus, at)->tell.payload);
        size_t many = fp_dec_peek(&d) == FP_CBOR_ARRAY ? fp_dec_array(&d) : 1;
        for (; many > 0; many--) {
            assert_int_equal(fp_event_decode(fp_dec_raw(&d), &t.last), FP_OK);
            t.count++;
        }
    }
    return t;
}

/* The last reply is an ack of this n only, of custody at the ship. */
static inline bool relayed(const struct kit *k, const char *device, uint64_t n)
{
    struct fp_reply r;
    struct fp_answer a = {0};
    struct fp_id ship = kit_id(RELAY);
    size_t count = kit_replies(k, device);
    if (count == 0 || !kit_reply(k, device, count - 1, &r) || r.what != FP_REPLY_ACK || !fp_id_eq(&r.as.ack.relay, &ship)) {
        return false;
    }
    while (fp_reply_answer(&r, &a)) {
    }
    return a.n == n && a.seq == 0;
}

static inline struct store_conv conv_row(const struct kit *k, const char *name)
{
    struct store_conv c = {0};
    bool found = false;
    struct fp_id id = kit_id(name);
    assert_int_equal(k->fault.inner.load_conv(k->fault.inner.ctx, &id, &c, &found), FP_OK);
    return found ? c : (struct store_conv){0};
}

static inline bool is_member(const struct kit *k, const char *conv, const char *user)
{
    struct store_member m = {0};
    bool found = false;
    struct fp_id id = kit_id(user);
    assert_int_equal(k->fault.inner.load_member(k->fault.inner.ctx, conv_row(k, conv).cid, &id, &m, &found), FP_OK);
    return found && m.active;
}

static inline struct store_branch branch_row(const struct kit *k, const char *device, uint64_t n, bool *out_found)
{
    struct store_branch b = {0};
    struct fp_id id = kit_id(device);
    assert_int_equal(k->fault.inner.load_branch(k->fault.inner.ctx, &id, n, &b, out_found), FP_OK);
    return b;
}

/* ------------------------------------------------------------------ a site that has met its hub, and holds one conversation */

struct fixture {
    struct kit k;
    struct far f;
    struct kit_body b;
    uint64_t n; /* of the next command, for tests that count */
};

static inline int site_setup(void **state)
{
    struct fixture *x = calloc(1, sizeof(*x));
    assert_non_null(x);
    site_open_kit(&x->k);
    far_init(&x->f, &x->k);
    far_meet(&x->f);
    far_kitchen(&x->f);
    far_clear(&x->f);
    x->n = 1;
    *state = x;
    return 0;
}

static inline int site_teardown(void **state)
{
    struct fixture *x = *state;
    far_fini(&x->f);
    kit_close(&x->k);
    free(x);
    return 0;
}

static inline void run(struct fixture *x)
{
    kit_run(&x->k);
    kit_idle(&x->k);
    far_read(&x->f);
}

#endif
