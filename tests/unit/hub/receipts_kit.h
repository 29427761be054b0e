/*
 * receipts_kit.h: what the tests of receipts share: reports sent, and what was told of them.
 */
#ifndef TESTS_UNIT_HUB_RECEIPTS_KIT_H
#define TESTS_UNIT_HUB_RECEIPTS_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fp/body.h"
#include "tests/support/hub_kit.h"

#define RECEIPTS "fp/1/scope/house/conv/kitchen/receipts"

static inline struct fp_command rk_command(struct kit_body *b, uint64_t kind)
{
    assert_false(b->e.failed);
    return (struct fp_command){.kind = kind, .priority = FP_PRIORITY_NORMAL, .body = fp_enc_bytes_of(&b->e)};
}

static inline void rk_report_on(struct kit *k, const char *device, const char *conv, uint64_t delivered, uint64_t read, bool private_read)
{
    struct kit_body b;
    struct fp_id id = kit_id(conv);
    fp_enc_init(&b.e, b.buf, sizeof(b.buf));
    fp_body_receipt_begin(&b.e, 1);
    fp_body_receipt(&b.e, &id, delivered, read, private_read);
    struct fp_command c = rk_command(&b, FP_K_RECEIPT);
    kit_send(k, device, &c);
}

static inline void rk_report(struct kit *k, const char *device, uint64_t delivered, uint64_t read)
{
    rk_report_on(k, device, "kitchen", delivered, read, false);
}

static inline void rk_hello(struct kit *k, const char *device)
{
    struct kit_body b;
    struct fp_command c = kit_hello(&b, NULL, 0);
    kit_send(k, device, &c);
    kit_run(k);
}

static inline void rk_say(struct kit *k, const char *device, uint64_t n)
{
    struct kit_body b;
    struct fp_command c = kit_msg(&b, n, "kitchen", "hello");
    kit_send(k, device, &c);
}

/* Anna's kitchen with Ben, Carl and Dora; the creation is event 1. */
static inline void rk_open(struct kit *k)
{
    static const char *const members[] = {"ben", "carl", "dora"};
    static const uint64_t roles[] = {FP_ROLE_MEMBER, FP_ROLE_MEMBER, FP_ROLE_OBSERVER};
    struct kit_body b;
    kit_open(k);
    k->config.asks_per_s = 0;
    hub_reconfigure(k->hub, &k->config);
    struct fp_command c = kit_conv_new(&b, 1, "kitchen", "house", members, roles, 3);
    kit_send(k, "anna-phone", &c);
    kit_run(k);
    kit_idle(k);
}

/* The latest vector that was told; count -1: none. */
struct rk_vector {
    int count;
    struct fp_horizon rows[8];
};

static inline struct rk_vector rk_vector(const struct kit *k)
{
    struct rk_vector v = {.count = -1};
    for (size_t at = fake_bus_find(&k->bus, RECEIPTS, 0); at != SIZE_MAX; at = fake_bus_find(&k->bus, RECEIPTS, at + 1)) {
        struct fp_receipts r;
        assert_int_equal(fp_receipts_decode(fake_bus_at(&k->bus, at)->tell.payload, &r), FP_OK);
        assert_true(fake_bus_at(&k->bus, at)->tell.retain);
        assert_int_equal(fake_bus_at(&k->bus, at)->tell.qos, 0);
        v.count = (int)r.count;
        assert_true(r.count <= 8);
        for (size_t i = 0; fp_receipts_next(&r, &v.rows[i]); i++) {
        }
    }
    return v;
}

/* What the latest vector shows of the user; 0, 0 where he is not in it. */
static inline struct fp_horizon rk_shown(const struct kit *k, const char *user)
{
    struct rk_vector v = rk_vector(k);
    struct fp_id id = kit_id(user);
    for (int i = 0; i < v.count; i++) {
        if (fp_id_eq(&v.rows[i].id, &id)) {
            return v.rows[i];
        }
    }
    return (struct fp_horizon){.id = id};
}

/* The latest welcome's row of the conversation; asks for it. */
static inline struct fp_conv_head rk_head(struct kit *k, const char *device, const char *conv)
{
    struct fp_reply r;
    struct fp_conv_head h;
    struct fp_id id = kit_id(conv);
    struct fp_command c = {.kind = FP_K_HEADS, .priority = FP_PRIORITY_NORMAL};
    kit_send(k, device, &c);
    kit_run(k);
    size_t count = kit_replies(k, device);
    assert_true(count > 0 && kit_reply(k, device, count - 1, &r));
    assert_int_equal(r.what, FP_REPLY_WELCOME);
    while (fp_reply_head(&r, &h)) {
        if (fp_id_eq(&h.conv, &id)) {
            return h;
        }
    }
    fail_msg("welcome names no %s", conv);
    return h;
}

#endif
