#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/hub_kit.h"

#include <stdio.h>

#define HEAD "fp/1/scope/house/conv/kitchen/head"

static void create(struct kit *k, uint64_t n, const char *conv)
{
    struct kit_body b;
    struct fp_command c = kit_conv_new(&b, n, conv, "house", NULL, NULL, 0);
    kit_send(k, "anna-phone", &c);
}

static void say(struct kit *k, uint64_t n)
{
    struct kit_body b;
    struct fp_command c = kit_msg(&b, n, "kitchen", "hello");
    kit_send(k, "anna-phone", &c);
    kit_run(k);
}

static uint64_t last_head(const struct kit *k)
{
    struct fp_head h = {0};
    for (size_t at = fake_bus_find(&k->bus, HEAD, 0); at != SIZE_MAX; at = fake_bus_find(&k->bus, HEAD, at + 1)) {
        assert_int_equal(fp_head_decode(fake_bus_at(&k->bus, at)->tell.payload, &h), FP_OK);
        assert_true(fake_bus_at(&k->bus, at)->tell.retain);
    }
    return h.seq;
}

static void a_head_goes_out_at_once_and_then_once_a_second(void **state)
{
    (void)state;
    struct kit k;
    kit_open(&k);
    kit_idle(&k); /* what a start tells again is told */
    create(&k, 1, "kitchen");
    kit_run(&k);
    assert_int_equal(last_head(&k), 1);
    for (uint64_t n = 2; n <= 20; n++) {
        kit_pass(&k, 10);
        say(&k, n);
    }
    assert_int_equal(fake_bus_count(&k.bus, HEAD), 1);
    uint64_t wait_us = hub_wait_us(k.hub, k.mono);
    assert_true(wait_us > 0 && wait_us <= 1000000);
    kit_pass(&k, 1000);
    kit_run(&k);
    assert_int_equal(last_head(&k), 20);
    assert_int_equal(fake_bus_count(&k.bus, HEAD), 2);
    kit_close(&k);
}

static void retained_messages_are_all_told_again_after_a_start(void **state)
{
    (void)state;
    struct kit k;
    kit_open(&k);
    for (uint64_t n = 1; n <= 100; n++) {
        char conv[16];
        (void)snprintf(conv, sizeof(conv), "c%d", (int)n);
        create(&k, n, conv);
    }
    kit_run(&k);
    kit_restart(&k);
    k.bus.no_room = true;
    kit_run(&k);
    assert_int_equal(k.bus.count, 0); /* live traffic goes first */
    k.bus.no_room = false;
    kit_idle(&k);
    for (int n = 1; n <= 100; n++) {
        char topic[64];
        (void)snprintf(topic, sizeof(topic), "fp/1/scope/house/conv/c%d/head", n);
        assert_int_equal(fake_bus_count(&k.bus, topic), 1);
        (void)snprintf(topic, sizeof(topic), "fp/1/scope/house/conv/c%d/about", n);
        assert_int_equal(fake_bus_count(&k.bus, topic), 1);
    }
    kit_close(&k);
}

static void an_idle_hub_waits_long(void **state)
{
    (void)state;
    struct kit k;
    kit_open(&k);
    kit_run(&k);
    kit_idle(&k);
    kit_pass(&k, 10000); /* the time in which devices of before a restart may come back unnoticed */
    kit_run(&k);
    kit_idle(&k);
    assert_true(hub_wait_us(k.hub, k.mono) >= 50000000);
    kit_close(&k);
}

static void counters_are_told_once_a_second_to_whoever_asked_for_them(void **state)
{
    (void)state;
    struct kit k;
    kit_open(&k);
    kit_run(&k);
    assert_int_equal(fake_bus_count(&k.bus, "fp/1/ops/hub"), 0);
    k.config.ops = true;
    hub_reconfigure(k.hub, &k.config);
    for (int i = 0; i < 20; i++) {
        kit_pass(&k, 100);
        kit_run(&k);
    }
    size_t count = fake_bus_count(&k.bus, "fp/1/ops/hub");
    assert_true(count == 2 || count == 3);
    const char *why = NULL;
    size_t at = fake_bus_find(&k.bus, "fp/1/ops/hub", 0);
    assert_int_equal(fp_cbor_check(fake_bus_at(&k.bus, at)->tell.payload, NULL, &why), FP_OK);
    kit_close(&k);
}

static void caches_that_overflow_change_nothing(void **state)
{
    (void)state;
    struct kit k;
    kit_open(&k);
    k.config.cache_convs = 1;
    hub_close(k.hub);
    struct store_info info = mem_store_info(k.mem);
    assert_int_equal(hub_open(&k.hub, &k.config, fault_store_port(&k.fault), fake_bus_port(&k.bus), &info), FP_OK);
    create(&k, 1, "kitchen");
    create(&k, 2, "cellar");
    kit_run(&k);
    for (uint64_t n = 3; n < 30; n++) {
        say(&k, n);
    }
    assert_true(kit_acked(&k, "anna-phone", 29, 28));
    kit_close(&k);
}

static void hold_up_a_head(uint64_t call)
{
    struct kit k;
    struct kit_body b;
    kit_open(&k);
    create(&k, 1, "kitchen");
    struct fp_command hello = kit_hello(&b, NULL, 0);
    kit_send(&k, "anna-phone", &hello);
    kit_run(&k);
    kit_idle(&k);
    say(&k, 2);
    kit_clear(&k);
    kit_pass(&k, 1000);
    fault_store_arm(&k.fault, call, FP_EIO, false);
    kit_run(&k);
    fault_store_disarm(&k.fault);
    assert_int_equal(k.last, FP_OK);
    for (int i = 0; i < 3; i++) {
        kit_pass(&k, 1000);
        kit_run(&k);
    }
    assert_int_equal(last_head(&k), 2);
    assert_int_equal(fake_bus_count(&k.bus, "fp/1/user/anna/inbox"), 1);
    kit_close(&k);
}

/* The conversation may be quiet from then on: no later event brings the head. */
static void a_head_that_a_failing_store_held_up_is_told_later(void **state)
{
    (void)state;
    for (uint64_t call = 1; call <= 6; call++) {
        hold_up_a_head(call);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_goes_out_at_once_and_then_once_a_second),
        cmocka_unit_test(retained_messages_are_all_told_again_after_a_start),
        cmocka_unit_test(an_idle_hub_waits_long),
        cmocka_unit_test(counters_are_told_once_a_second_to_whoever_asked_for_them),
        cmocka_unit_test(caches_that_overflow_change_nothing),
        cmocka_unit_test(a_head_that_a_failing_store_held_up_is_told_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
