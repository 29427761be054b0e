/*
 * people_kit.h: what the tests of presence share: connections that come and go, what people say about themselves, and what was told of them.
 */
#ifndef TESTS_UNIT_HUB_PEOPLE_KIT_H
#define TESTS_UNIT_HUB_PEOPLE_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fp/body.h"
#include "tests/support/hub_kit.h"

#define HOUSE "fp/1/scope/house/presence"
#define GRACE_MS 10000

/* The item that was added last comes from this connection. */
static inline void pk_conn(struct kit *k, uint64_t conn)
{
    k->items[k->count - 1].conn = conn;
}

static inline void pk_hello_on(struct kit *k, const char *device, uint64_t conn)
{
    struct kit_body b;
    struct fp_command c = kit_hello(&b, NULL, 0);
    kit_send(k, device, &c);
    pk_conn(k, conn);
}

static inline void pk_hello(struct kit *k, const char *device)
{
    pk_hello_on(k, device, 1);
    kit_run(k);
    kit_idle(k);
}

static inline void pk_bye(struct kit *k, const char *device)
{
    struct fp_command c = {.kind = FP_K_BYE, .priority = FP_PRIORITY_NORMAL};
    kit_send(k, device, &c);
    kit_run(k);
    kit_idle(k);
}

static inline void pk_end(struct kit *k, const char *device, enum source_end end)
{
    kit_disconnect(k, device);
    k->items[k->count - 1].end = end;
    kit_run(k);
    kit_idle(k);
}

/* Moves the clock in steps, as the engine would: it wakes up when something is due. */
static inline void pk_pass(struct kit *k, uint64_t ms)
{
    uint64_t left_us = ms * 1000;
    while (left_us > 0) {
        uint64_t wait_us = hub_wait_us(k->hub, k->mono);
        uint64_t step_ms = wait_us > left_us ? left_us / 1000 : (wait_us + 999) / 1000;
        step_ms = step_ms > 0 ? step_ms : 1;
        kit_pass(k, step_ms);
        kit_idle(k);
        left_us -= step_ms * 1000 < left_us ? step_ms * 1000 : left_us;
    }
}

static inline void pk_send(struct kit *k, const char *device, uint64_t kind, const struct kit_body *b)
{
    assert_false(b->e.failed);
    struct fp_command c = {.kind = kind, .priority = FP_PRIORITY_NORMAL, .body = fp_enc_bytes_of(&b->e)};
    kit_send(k, device, &c);
}

static inline void pk_activity(struct kit *k, const char *device, uint64_t activity)
{
    struct kit_body b;
    fp_enc_init(&b.e, b.buf, sizeof(b.buf));
    fp_enc_uint(&b.e, activity);
    pk_send(k, device, FP_K_ACTIVITY, &b);
    kit_run(k);
    kit_idle(k);
}

static inline void pk_status(struct kit *k, const char *device, const char *text, uint64_t until_ms)
{
    struct kit_body b;
    fp_enc_init(&b.e, b.buf, sizeof(b.buf));
    fp_body_status(&b.e, text, strlen(text), until_ms);
    pk_send(k, device, FP_K_STATUS, &b);
    kit_run(k);
    kit_idle(k);
}

/* One rule: viewer NULL is the kind. */
static inline void pk_policy(struct kit *k, const char *device, const char *viewer, uint64_t kind, uint64_t level)
{
    struct kit_body b;
    struct fp_policy_rule rule = {.viewer_kind = kind, .level = level};
    if (viewer) {
        rule.viewer = kit_id(viewer);
    }
    fp_enc_init(&b.e, b.buf, sizeof(b.buf));
    fp_body_policy_begin(&b.e, 1);
    fp_body_policy_rule(&b.e, &rule);
    pk_send(k, device, FP_K_POLICY, &b);
    kit_run(k);
    kit_idle(k);
}

static inline void pk_watch(struct kit *k, const char *device, const char *const *users, size_t count, uint64_t ttl_s)
{
    struct kit_body b;
    fp_enc_init(&b.e, b.buf, sizeof(b.buf));
    fp_enc_map(&b.e, 2);
    fp_enc_uint(&b.e, FP_WATCH_USERS);
    fp_enc_array(&b.e, count);
    for (size_t i = 0; i < count; i++) {
        fp_enc_text(&b.e, users[i], strlen(users[i]));
    }
    fp_enc_uint(&b.e, FP_WATCH_TTL);
    fp_enc_uint(&b.e, ttl_s);
    pk_send(k, device, FP_K_WATCH, &b);
    kit_run(k);
    kit_idle(k);
}

static inline void pk_conv(struct kit *k, const char *owner, uint64_t n, const char *conv, const char *scope, const char *const *members,
                           size_t count)
{
    static const uint64_t roles[8] = {1, 1, 1, 1, 1, 1, 1, 1};
    struct kit_body b;
    assert_true(count <= 8);
    struct fp_command c = kit_conv_new(&b, n, conv, scope, members, roles, count);
    kit_send(k, owner, &c);
    kit_run(k);
    kit_idle(k);
}

/* Anna's kitchen in the house, with Ben and Carl; the start is over. */
static inline void pk_open(struct kit *k)
{
    static const char *const members[] = {"ben", "carl"};
    kit_open(k);
    pk_conv(k, "anna-phone", 1, "kitchen", "house", members, 2);
    pk_pass(k, GRACE_MS + 20000);
    kit_clear(k);
}

/* The latest message on the topic; false if there is none. Text points into the bus. */
struct pk_seen {
    bool any, full;
    size_t count;
    struct fp_person people[16];
};

static inline struct pk_seen pk_seen(const struct kit *k, const char *topic)
{
    struct pk_seen s = {0};
    for (size_t at = fake_bus_find(&k->bus, topic, 0); at != SIZE_MAX; at = fake_bus_find(&k->bus, topic, at + 1)) {
        struct fp_presence p;
        assert_int_equal(fp_presence_decode(fake_bus_at(&k->bus, at)->tell.payload, &p), FP_OK);
        assert_int_equal(fake_bus_at(&k->bus, at)->tell.qos, 0);
        s = (struct pk_seen){.any = true, .full = p.full, .count = p.count};
        for (size_t i = 0; i < 16 && fp_presence_next(&p, &s.people[i]); i++) {
        }
    }
    return s;
}

/* NULL: he is not in it. */
static inline const struct fp_person *pk_person(const struct pk_seen *s, const char *user)
{
    struct fp_id id = kit_id(user);
    for (size_t i = 0; i < s->count && i < 16; i++) {
        if (fp_id_eq(&s->people[i].user, &id)) {
            return &s->people[i];
        }
    }
    return NULL;
}

static inline void pk_assert_person(const struct pk_seen *s, const char *user, uint64_t state, uint64_t since_ms)
{
    const struct fp_person *p = pk_person(s, user);
    assert_non_null(p);
    assert_int_equal(p->state, state);
    assert_int_equal(p->has_since, since_ms > 0);
    assert_int_equal(p->since.ms, since_ms);
}

/* Exactly [offline, null]. */
static inline void pk_assert_nothing(const struct pk_seen *s, const char *user)
{
    pk_assert_person(s, user, FP_PERSON_OFFLINE, 0);
    assert_int_equal(pk_person(s, user)->text.len, 0);
    assert_false(pk_person(s, user)->has_until);
}

#endif
