/*
 * change_kit.h: a conversation to change things in, for the tests of change.c, redact.c, elide.c and digest.c.
 *
 * Shape       "kitchen" in "house": anna owns it, ben manages, carl and cleo are members, dora observes. Its first event is seq 1.
 */
#ifndef TESTS_UNIT_HUB_CHANGE_KIT_H
#define TESTS_UNIT_HUB_CHANGE_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "plugin/core/chain.h"
#include "plugin/core/target.h"
#include "tests/support/hub_kit.h"

#define EVENTS "fp/1/scope/house/conv/kitchen/event"
#define CID 1 /* of the only conversation */

static inline void begin_kitchen(struct kit *k)
{
    static const char *const users[] = {"ben", "carl", "cleo", "dora"};
    static const uint64_t roles[] = {FP_ROLE_MANAGER, FP_ROLE_MEMBER, FP_ROLE_MEMBER, FP_ROLE_OBSERVER};
    struct kit_body b;
    struct fp_command c = kit_conv_new(&b, 1, "kitchen", "house", users, roles, 4);
    kit_send(k, "anna-phone", &c);
    kit_run(k);
}

static inline void open_kitchen(struct kit *k)
{
    kit_open(k);
    begin_kitchen(k);
}

/* Any command about a message; the body is {1: text}, or none. */
static inline struct fp_command about_msg(struct kit_body *b, uint64_t kind, uint64_t n, uint64_t ref, const char *text)
{
    struct fp_command c = kit_msg(b, n, "kitchen", text ? text : "");
    c.kind = kind;
    c.ref = ref;
    c.body = text ? c.body : (struct fp_bytes){0};
    return c;
}

static inline void say(struct kit *k, const char *device, uint64_t kind, uint64_t n, uint64_t ref, const char *text)
{
    struct kit_body b;
    struct fp_command c = about_msg(&b, kind, n, ref, text);
    kit_send(k, device, &c);
}

static inline void do_say(struct kit *k, const char *device, uint64_t kind, uint64_t n, uint64_t ref, const char *text)
{
    say(k, device, kind, n, ref, text);
    kit_run(k);
}

/* ------------------------------------------------------------------ what is on disk */

struct stored {
    uint64_t seq;
    uint8_t buf[20000];
    struct fp_event ev;
    bool found;
};

static inline bool keep_stored(void *arg, const struct store_run *run)
{
    struct stored *s = arg;
    size_t count = 0;
    struct fp_bytes one = fp_run_cut(run->events, s->seq, s->seq, &count);
    assert_true(one.len <= sizeof(s->buf));
    memcpy(s->buf, one.p, one.len);
    assert_int_equal(fp_event_decode(fp_bytes_of(s->buf, one.len), &s->ev), FP_OK);
    s->found = true;
    return false;
}

static inline struct fp_event stored_event(const struct kit *k, uint64_t seq, struct stored *s)
{
    *s = (struct stored){.seq = seq};
    assert_int_equal(k->fault.inner.each_run(k->fault.inner.ctx, CID, seq, seq, keep_stored, s), FP_OK);
    assert_true(s->found);
    return s->ev;
}

static inline uint64_t head_of(const struct kit *k)
{
    struct store_conv c;
    bool found = false;
    struct fp_id id = kit_id("kitchen");
    assert_int_equal(k->fault.inner.load_conv(k->fault.inner.ctx, &id, &c, &found), FP_OK);
    return found ? c.head : 0;
}

/* Of the target row; version 0: there is none. */
static inline struct store_target target_row(const struct kit *k, uint64_t seq)
{
    struct store_target t = {0};
    bool found = false;
    assert_int_equal(k->fault.inner.load_target(k->fault.inner.ctx, CID, seq, &t, &found), FP_OK);
    return found ? t : (struct store_target){0};
}

static inline void assert_row(const struct kit *k, uint64_t seq, enum target_state state, uint64_t version, uint64_t body_at)
{
    struct store_target t = target_row(k, seq);
    assert_int_equal(t.state, state);
    assert_int_equal(t.version, version);
    assert_int_equal(t.body_at, body_at);
}

struct chain_walk {
    struct chain at;
    uint64_t upto;
    uint64_t last;
};

static inline bool walk_chain(void *arg, const struct store_run *run)
{
    struct chain_walk *w = arg;
    assert_int_equal(run->first, w->last + 1);
    assert_int_equal(chain_extend_run(&w->at, run->events, w->upto), FP_OK);
    if (run->last <= w->upto) {
        assert_memory_equal(run->chain, w->at.digest, CHAIN_BYTES); /* a run says what its events come to */
    }
    w->last = run->last;
    return true;
}

/* Over the events on disk, from the first on. */
static inline struct chain stored_chain(const struct kit *k, uint64_t upto)
{
    struct chain_walk w = {.upto = upto};
    assert_int_equal(k->fault.inner.each_run(k->fault.inner.ctx, CID, 1, head_of(k), walk_chain, &w), FP_OK);
    return w.at;
}

static inline bool is_null(struct fp_bytes body)
{
    return body.len == 1 && body.p[0] == 0xf6;
}

/* Was the body of the event exactly {1: text}, and is it gone but for its hash? */
static inline void assert_gone(const struct fp_event *ev, const char *text)
{
    struct kit_body b;
    uint8_t hash[CHAIN_BYTES];
    chain_body_hash(kit_msg(&b, 1, "kitchen", text).body, hash);
    assert_true(is_null(ev->body));
    assert_int_equal(ev->body_hash.len, CHAIN_BYTES);
    assert_memory_equal(ev->body_hash.p, hash, CHAIN_BYTES);
}

static inline void assert_stands(const struct fp_event *ev, const char *text)
{
    struct kit_body b;
    assert_true(fp_bytes_eq(ev->body, kit_msg(&b, 1, "kitchen", text).body));
    assert_int_equal(ev->body_hash.len, 0);
}

/* ------------------------------------------------------------------ what was told */

/* The last payload on .../event is this one event. */
static inline struct fp_event told_event(const struct kit *k)
{
    struct fp_event ev;
    size_t found = SIZE_MAX;
    for (size_t at = fake_bus_find(&k->bus, EVENTS, 0); at != SIZE_MAX; at = fake_bus_find(&k->bus, EVENTS, at + 1)) {
        found = at;
    }
    assert_int_not_equal(found, SIZE_MAX);
    assert_int_equal(fp_event_decode(fake_bus_at(&k->bus, found)->tell.payload, &ev), FP_OK);
    return ev;
}

/* Refused for good with a sentence, and nothing has happened. */
static inline void assert_refused(struct kit *k, const char *device, enum fp_err code, uint64_t head)
{
    struct fp_reply r;
    assert_true(kit_nacked(k, device, code));
    assert_true(kit_reply(k, device, kit_replies(k, device) - 1, &r));
    assert_false(r.as.nack.retry);
    assert_true(r.as.nack.reason.len > 12); /* more than the code's name */
    assert_int_equal(head_of(k), head);
}

#endif
