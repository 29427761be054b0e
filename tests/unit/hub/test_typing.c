#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>

#include "tests/unit/hub/people_kit.h"

#define TYPING "fp/1/scope/house/conv/kitchen/typing"

static void open_kitchen(struct kit *k)
{
    static const char *const members[] = {"ben", "olga"};
    static const uint64_t roles[] = {1, 0};
    struct kit_body b;

    kit_open(k);
    struct fp_command c = kit_conv_new(&b, 1, "kitchen", "house", members, roles, 2);
    kit_send(k, "anna-phone", &c);
    kit_run(k);
    kit_idle(k);
    kit_pass(k, 11000); /* what a start brings along is over */
    kit_idle(k);
    kit_clear(k);
}

static void types(struct kit *k, const char *device, const char *conv, bool on)
{
    static const uint8_t yes[] = {0xf5}, no[] = {0xf4};
    struct fp_command c = {.kind = FP_K_TYPING, .conv = kit_id(conv), .priority = FP_PRIORITY_NORMAL, .body = fp_bytes_of(on ? yes : no, 1)};
    kit_send(k, device, &c);
}

/* Of the digest told last; -1: none was. */
static int shown(const struct kit *k, char *first, size_t cap)
{
    struct fp_typing t = {0};
    struct fp_id id = {0};
    int count = -1;
    for (size_t i = fake_bus_find(&k->bus, TYPING, 0); i != SIZE_MAX; i = fake_bus_find(&k->bus, TYPING, i + 1)) {
        const struct tell *told = &fake_bus_at(&k->bus, i)->tell;
        assert_int_equal(fp_typing_decode(told->payload, &t), FP_OK);
        assert_int_equal(told->qos, 0);
        assert_false(told->retain);
        count = (int)t.count;
    }
    if (first) {
        first[0] = '\0';
        if (fp_typing_next(&t, &id)) {
            (void)snprintf(first, cap, "%.*s", (int)id.len, id.text);
        }
    }
    return count;
}

static void typing_is_shown_and_ends_by_itself(void **state)
{
    (void)state;
    struct kit k;
    char first[64];
    open_kitchen(&k);
    types(&k, "ben-phone", "kitchen", true);
    kit_run(&k);
    assert_int_equal(shown(&k, first, sizeof(first)), 1);
    assert_string_equal(first, "ben");
    uint64_t wait_us = hub_wait_us(k.hub, k.mono);
    assert_true(wait_us > 0 && wait_us <= 6000000);
    kit_pass(&k, 5999);
    kit_run(&k);
    assert_int_equal(shown(&k, NULL, 0), 1);
    kit_pass(&k, 1);
    kit_run(&k);
    assert_int_equal(shown(&k, NULL, 0), 0);
    kit_pass(&k, 1000);
    kit_run(&k);
    assert_int_equal(fake_bus_count(&k.bus, TYPING), 2);
    assert_true(hub_wait_us(k.hub, k.mono) > 10000000); /* nothing is left of it */
    kit_close(&k);
}

static void a_message_ends_it_at_once(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    open_kitchen(&k);
    types(&k, "ben-phone", "kitchen", true);
    types(&k, "ben-tablet", "kitchen", true);
    kit_run(&k);
    kit_pass(&k, 100);
    struct fp_command c = kit_msg(&b, 1, "kitchen", "hello");
    kit_send(&k, "ben-phone", &c);
    kit_run(&k);
    assert_int_equal(shown(&k, NULL, 0), 0);
    kit_close(&k);
}

static void false_leaving_and_the_end_of_the_connection_end_it(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    open_kitchen(&k);
    for (int how = 0; how < 3; how++) {
        struct fp_command c = kit_hello(&b, NULL, 0);
        kit_send(&k, "ben-phone", &c);
        types(&k, "ben-phone", "kitchen", true);
        kit_run(&k);
        assert_int_equal(shown(&k, NULL, 0), 1);
        c = kit_member(&b, 1, FP_K_MEMBER_REMOVE, "kitchen", "ben", -1, -1);
        if (how == 0) {
            types(&k, "ben-phone", "kitchen", false);
        } else if (how == 1) {
            kit_disconnect(&k, "ben-phone");
        } else {
            kit_send(&k, "ben-phone", &c);
        }
        kit_run(&k);
        assert_int_equal(shown(&k, NULL, 0), 0);
        kit_pass(&k, 2000);
        kit_run(&k);
    }
    kit_close(&k);
}

static void a_policy_that_hides_him_ends_it_at_once(void **state)
{
    (void)state;
    struct kit k;
    char who[40];
    open_kitchen(&k);
    types(&k, "ben-phone", "kitchen", true);
    types(&k, "anna-phone", "kitchen", true);
    kit_run(&k);
    assert_int_equal(shown(&k, who, sizeof(who)), 2);
    assert_string_equal(who, "ben");
    kit_pass(&k, 1100);
    pk_policy(&k, "ben-phone", NULL, FP_VIEWER_SCOPE, FP_LEVEL_HIDDEN);
    assert_int_equal(shown(&k, who, sizeof(who)), 1);
    assert_string_equal(who, "anna");
    kit_close(&k);
}

static void fifty_people_cost_one_digest_a_second(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    char device[32];
    open_kitchen(&k);
    for (uint64_t i = 0; i < 50; i++) {
        (void)snprintf(device, sizeof(device), "user%d", (int)i);
        struct fp_command c = kit_member(&b, 2 + i, FP_K_MEMBER_ADD, "kitchen", device, 1, -1);
        kit_send(&k, "anna-phone", &c);
    }
    kit_run(&k);
    for (int ms = 0; ms < 10000; ms += 20) { /* each says so once a second */
        (void)snprintf(device, sizeof(device), "user%d-phone", (ms / 20) % 50);
        types(&k, device, "kitchen", true);
        kit_run(&k);
        kit_pass(&k, 20);
    }
    assert_int_equal(shown(&k, NULL, 0), 50);
    assert_in_range(fake_bus_count(&k.bus, TYPING), 2, 10);
    kit_close(&k);
}

static void who_may_not_write_is_told_so_and_not_shown(void **state)
{
    (void)state;
    struct kit k;
    open_kitchen(&k);
    types(&k, "olga-phone", "kitchen", true);
    kit_run(&k);
    assert_true(kit_nacked(&k, "olga-phone", FP_EDENIED));
    types(&k, "eve-phone", "kitchen", true);
    kit_run(&k);
    assert_true(kit_nacked(&k, "eve-phone", FP_EUNKNOWN));
    types(&k, "ben-phone", "nowhere", true);
    kit_run(&k);
    assert_true(kit_nacked(&k, "ben-phone", FP_EUNKNOWN));
    static const uint8_t one[] = {0x01};
    struct fp_command c = {.kind = FP_K_TYPING, .conv = kit_id("kitchen"), .priority = FP_PRIORITY_NORMAL, .body = fp_bytes_of(one, 1)};
    kit_send(&k, "ben-phone", &c);
    kit_run(&k);
    assert_true(kit_nacked(&k, "ben-phone", FP_EMALFORMED));
    assert_int_equal(shown(&k, NULL, 0), -1);
    kit_close(&k);
}

static void nothing_is_published_while_the_broker_is_behind(void **state)
{
    (void)state;
    struct kit k;
    open_kitchen(&k);
    k.bus.no_room = true;
    types(&k, "ben-phone", "kitchen", true);
    kit_run(&k);
    assert_int_equal(shown(&k, NULL, 0), -1);
    assert_int_equal(hub_wait_us(k.hub, k.mono), 1000); /* it looks again, and does not spin */
    kit_pass(&k, 100);
    k.bus.no_room = false;
    kit_run(&k);
    assert_int_equal(shown(&k, NULL, 0), 1);
    k.bus.no_room = true;
    types(&k, "anna-phone", "kitchen", true);
    kit_run(&k);
    kit_pass(&k, 7000);
    k.bus.no_room = false;
    kit_run(&k);
    assert_int_equal(shown(&k, NULL, 0), 0); /* what is over meanwhile is never told */
    assert_int_equal(fake_bus_count(&k.bus, TYPING), 2);
    kit_close(&k);
}

static void a_conversation_whose_batch_failed_is_not_spoken_of(void **state)
{
    (void)state;
    size_t failed = 0;
    for (uint64_t call = 1; call <= 24; call++) {
        struct kit k;
        struct kit_body b;
        open_kitchen(&k);
        struct fp_command c = kit_conv_new(&b, 2, "cellar", "house", NULL, NULL, 0);
        kit_send(&k, "anna-phone", &c);
        types(&k, "anna-phone", "cellar", true);
        fault_store_arm(&k.fault, call, FP_EIO, true);
        kit_run(&k);
        fault_store_disarm(&k.fault);
        kit_run(&k);
        kit_pass(&k, 1000);
        kit_run(&k);
        bool there = fake_bus_find(&k.bus, "fp/1/scope/house/conv/cellar/about", 0) != SIZE_MAX;
        assert_true(there || fake_bus_find(&k.bus, "fp/1/scope/house/conv/cellar/typing", 0) == SIZE_MAX);
        failed += !there;
        kit_close(&k);
    }
    assert_in_range(failed, 1, 23);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(typing_is_shown_and_ends_by_itself),
        cmocka_unit_test(a_message_ends_it_at_once),
        cmocka_unit_test(false_leaving_and_the_end_of_the_connection_end_it),
        cmocka_unit_test(a_policy_that_hides_him_ends_it_at_once),
        cmocka_unit_test(fifty_people_cost_one_digest_a_second),
        cmocka_unit_test(who_may_not_write_is_told_so_and_not_shown),
        cmocka_unit_test(nothing_is_published_while_the_broker_is_behind),
        cmocka_unit_test(a_conversation_whose_batch_failed_is_not_spoken_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
