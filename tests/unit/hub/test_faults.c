/* Every store call of a scenario fails once, then for good: nothing is told that is not on disk, and what is on disk has been decided once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/hub_kit.h"

#define MESSAGES 6

static const char *const members[] = {"ben", "carl"};
static const uint64_t roles[] = {FP_ROLE_MEMBER, FP_ROLE_MANAGER};

/* Each command is sent again until it is acked, as a device would. */
static void send_all(struct kit *k)
{
    struct kit_body b;
    struct fp_command c = kit_conv_new(&b, 1, "kitchen", "house", members, roles, 2);
    kit_send(k, "anna-phone", &c);
    for (uint64_t n = 1; n <= MESSAGES; n++) {
        struct fp_command m = kit_msg(&b, n + 1, "kitchen", "hello");
        kit_send(k, "anna-phone", &m);
    }
    kit_run(k);
    c = kit_hello(&b, NULL, 0);
    kit_send(k, "ben-pad", &c);
    c = kit_msg(&b, 1, "kitchen", "from Ben");
    kit_send(k, "ben-pad", &c);
    c = kit_member(&b, 8, FP_K_MEMBER_REMOVE, "kitchen", "carl", -1, -1);
    kit_send(k, "anna-phone", &c);
    c = kit_member(&b, 9, FP_K_MEMBER_ADD, "kitchen", "dora", FP_ROLE_OBSERVER, -1);
    kit_send(k, "anna-phone", &c);
    kit_run(k);
    c = kit_get(&b, "kitchen", 0, 0, 0, false);
    kit_send(k, "anna-phone", &c);
    kit_run(k);
}

struct seen {
    uint64_t highest;
    uint64_t acked_n[2];
};

static void look_at_event(struct fp_bytes one, struct seen *s)
{
    uint64_t seq = fp_event_seq(one);
    assert_int_not_equal(seq, 0);
    s->highest = seq > s->highest ? seq : s->highest;
}

static void look_at_events(struct fp_bytes payload, struct seen *s)
{
    struct fp_dec d;
    fp_dec_init(&d, payload);
    if (fp_dec_peek(&d) == FP_CBOR_MAP) {
        look_at_event(payload, s);
        return;
    }
    for (size_t left = fp_dec_array(&d); left > 0; left--) {
        look_at_event(fp_dec_raw(&d), s);
    }
    assert_true(fp_dec_done(&d));
}

static void look_at_acks(const struct kit *k, const char *device, uint64_t *out_n)
{
    struct fp_reply r;
    struct fp_answer a;
    for (size_t i = 0; kit_reply(k, device, i, &r); i++) {
        while (r.what == FP_REPLY_ACK && fp_reply_answer(&r, &a)) {
            *out_n = a.n > *out_n ? a.n : *out_n;
        }
    }
}

static struct seen what_was_told(const struct kit *k)
{
    struct seen s = {0};
    const char *topic = "fp/1/scope/house/conv/kitchen/event";
    for (size_t at = fake_bus_find(&k->bus, topic, 0); at != SIZE_MAX; at = fake_bus_find(&k->bus, topic, at + 1)) {
        look_at_events(fake_bus_at(&k->bus, at)->tell.payload, &s);
    }
    topic = "fp/1/scope/house/conv/kitchen/head";
    for (size_t at = fake_bus_find(&k->bus, topic, 0); at != SIZE_MAX; at = fake_bus_find(&k->bus, topic, at + 1)) {
        struct fp_head h;
        assert_int_equal(fp_head_decode(fake_bus_at(&k->bus, at)->tell.payload, &h), FP_OK);
        s.highest = h.seq > s.highest ? h.seq : s.highest;
    }
    look_at_acks(k, "anna-phone", &s.acked_n[0]);
    look_at_acks(k, "ben-pad", &s.acked_n[1]);
    return s;
}

static uint64_t stored_next(const struct kit *k, const char *device)
{
    struct store_port p = mem_store_port(k->mem);
    struct store_device d;
    struct fp_id id = kit_id(device);
    bool found = false;
    assert_int_equal(p.load_device(p.ctx, &id, &d, &found), FP_OK);
    return found ? d.next_n : 1;
}

static uint64_t stored_head(const struct kit *k)
{
    struct store_port p = mem_store_port(k->mem);
    struct store_conv c;
    struct fp_id id = kit_id("kitchen");
    bool found = false;
    assert_int_equal(p.load_conv(p.ctx, &id, &c, &found), FP_OK);
    return found ? c.head : 0;
}

static uint64_t calls_of_a_good_run(uint64_t *out_hash)
{
    struct kit k;
    kit_open(&k);
    send_all(&k);
    kit_idle(&k);
    uint64_t calls = k.fault.calls;
    *out_hash = mem_store_hash(k.mem);
    assert_int_equal(stored_head(&k), MESSAGES + 4);
    kit_close(&k);
    return calls;
}

static void told_is_on_disk(const struct kit *k, uint64_t fail_at)
{
    struct seen s = what_was_told(k);
    if (s.highest > stored_head(k) || s.acked_n[0] >= stored_next(k, "anna-phone") ||
        (s.acked_n[1] > 0 && s.acked_n[1] >= stored_next(k, "ben-pad"))) {
        print_error("store call %llu failing: told more than is stored\n", (unsigned long long)fail_at);
        fail();
    }
}

static void every_call_failing_once_tells_nothing_untrue_and_ends_the_same(void **state)
{
    (void)state;
    static const enum fp_err errors[] = {FP_EIO, FP_EFULL, FP_EBUSY};
    uint64_t good = 0;
    uint64_t calls = calls_of_a_good_run(&good);
    assert_true(calls > 20);

    for (size_t i = 0; i < 3 * calls; i++) {
        struct kit k;
        kit_open(&k);
        fault_store_arm(&k.fault, i / 3 + 1, errors[i % 3], false);
        send_all(&k);
        told_is_on_disk(&k, i / 3 + 1);
        assert_int_equal(k.last, FP_OK);
        for (int again = 0; again < 2; again++) { /* the devices send again what was not acked */
            send_all(&k);
            told_is_on_disk(&k, i / 3 + 1);
        }
        kit_idle(&k);
        assert_int_equal(stored_head(&k), MESSAGES + 4);
        assert_int_equal(stored_next(&k, "anna-phone"), 10);
        assert_int_equal(stored_next(&k, "ben-pad"), 2);
        kit_close(&k);
    }
}

static void a_store_that_fails_for_good_tells_nothing_untrue(void **state)
{
    (void)state;
    uint64_t good = 0;
    uint64_t calls = calls_of_a_good_run(&good);
    for (uint64_t at = 1; at <= calls; at++) {
        struct kit k;
        kit_open(&k);
        fault_store_arm(&k.fault, at, FP_EIO, true);
        send_all(&k);
        fault_store_disarm(&k.fault);
        told_is_on_disk(&k, at);
        kit_close(&k);
    }
}

static void a_full_store_says_full_and_reads_go_on(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    struct fp_reply r;
    kit_open(&k);
    send_all(&k);
    kit_idle(&k);
    kit_clear(&k);

    struct fp_command c = kit_msg(&b, 10, "kitchen", "no room");
    kit_send(&k, "anna-phone", &c);
    fault_store_arm(&k.fault, 1, FP_EFULL, true); /* even begin */
    kit_run(&k);
    fault_store_disarm(&k.fault);
    assert_true(kit_nacked(&k, "anna-phone", FP_EFULL));
    assert_true(kit_reply(&k, "anna-phone", 0, &r) && r.as.nack.retry && r.as.nack.n == 10);

    kit_send(&k, "anna-phone", &c);
    kit_run(&k);
    assert_true(kit_acked(&k, "anna-phone", 10, MESSAGES + 5));
    kit_close(&k);
}
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_call_failing_once_tells_nothing_untrue_and_ends_the_same),
        cmocka_unit_test(a_store_that_fails_for_good_tells_nothing_untrue),
        cmocka_unit_test(a_full_store_says_full_and_reads_go_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
