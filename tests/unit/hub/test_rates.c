#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/hub_kit.h"

static void open_kitchen(struct kit *k, uint32_t commands, uint32_t asks, uint32_t now)
{
    struct kit_body b;
    kit_open(k);
    struct fp_command c = kit_conv_new(&b, 1, "kitchen", "house", NULL, NULL, 0);
    kit_send(k, "anna-phone", &c);
    kit_run(k);
    k->config.commands_per_s = commands;
    k->config.asks_per_s = asks;
    k->config.now_per_s = now;
    hub_reconfigure(k->hub, &k->config);
    kit_clear(k);
}

static void ask(struct kit *k, int times)
{
    for (int i = 0; i < times; i++) {
        struct fp_command c = {.kind = FP_K_HEADS, .priority = FP_PRIORITY_NORMAL};
        kit_send(k, "anna-phone", &c);
    }
}

static void time_now(struct kit *k, int times)
{
    static const uint8_t clock[] = {0x05};
    for (int i = 0; i < times; i++) {
        struct fp_command c = {.kind = FP_K_TIME, .priority = FP_PRIORITY_NORMAL, .body = fp_bytes_of(clock, 1)};
        kit_send(k, "anna-phone", &c);
    }
}

static uint64_t wait_ms(const struct fp_reply *r)
{
    struct fp_dec d;
    fp_dec_init(&d, r->as.nack.current);
    return fp_dec_uint(&d);
}

static void questions_have_a_bucket_of_their_own(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    struct fp_reply r;
    open_kitchen(&k, 1, 2, 1);
    ask(&k, 11); /* five seconds' worth are ten */
    kit_run(&k);
    assert_int_equal(kit_replies(&k, "anna-phone"), 11);
    assert_true(kit_reply(&k, "anna-phone", 9, &r));
    assert_int_equal(r.what, FP_REPLY_WELCOME);
    assert_true(kit_reply(&k, "anna-phone", 10, &r));
    assert_true(kit_nacked(&k, "anna-phone", FP_ERATE));
    assert_int_equal(r.as.nack.n, 0);
    assert_true(r.as.nack.retry);
    assert_int_equal(wait_ms(&r), 500);
    struct fp_command c = kit_msg(&b, 2, "kitchen", "hello");
    kit_send(&k, "anna-phone", &c);
    kit_run(&k);
    assert_true(kit_acked(&k, "anna-phone", 2, 2)); /* durable commands are not held up by it */
    kit_pass(&k, 500);
    ask(&k, 1);
    kit_run(&k);
    assert_false(kit_nacked(&k, "anna-phone", FP_ERATE));
    kit_close(&k);
}

static void what_is_too_much_on_now_is_dropped_without_a_word(void **state)
{
    (void)state;
    struct kit k;
    open_kitchen(&k, 1, 1, 3);
    time_now(&k, 20);
    kit_run(&k);
    assert_int_equal(kit_replies(&k, "anna-phone"), 15);
    assert_int_equal(hub_stats(k.hub)->shed, 5);
    ask(&k, 1);
    kit_run(&k);
    assert_int_equal(kit_replies(&k, "anna-phone"), 16); /* another bucket */
    kit_pass(&k, 1000);
    time_now(&k, 5);
    kit_run(&k);
    assert_int_equal(kit_replies(&k, "anna-phone"), 19);
    assert_int_equal(hub_stats(k.hub)->shed, 7);
    kit_close(&k);
}

static void bye_is_never_refused(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    open_kitchen(&k, 0, 1, 0);
    struct fp_command c = kit_hello(&b, NULL, 0);
    kit_send(&k, "anna-phone", &c);
    ask(&k, 10);
    struct fp_command bye = {.kind = FP_K_BYE, .priority = FP_PRIORITY_NORMAL};
    kit_send(&k, "anna-phone", &bye);
    kit_run(&k);
    assert_true(kit_nacked(&k, "anna-phone", FP_ERATE));
    assert_int_equal(hub_stats(k.hub)->sessions, 0);
    kit_close(&k);
}

static void a_replayed_batch_takes_no_tokens_twice(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    open_kitchen(&k, 1, 1, 0);
    for (uint64_t n = 2; n <= 6; n++) {
        struct fp_command c = kit_msg(&b, n, "kitchen", "hello");
        kit_send(&k, "anna-phone", &c);
    }
    ask(&k, 5);
    fault_store_arm(&k.fault, 4, FP_EIO, false);
    kit_run(&k);
    assert_int_equal(hub_stats(k.hub)->replays, 1);
    for (size_t i = 0; i < kit_replies(&k, "anna-phone"); i++) {
        struct fp_reply r;
        assert_true(kit_reply(&k, "anna-phone", i, &r));
        assert_true(r.what != FP_REPLY_NACK || r.as.nack.code != FP_ERATE);
    }
    kit_close(&k);
}

static void zero_is_no_limit(void **state)
{
    (void)state;
    struct kit k;
    open_kitchen(&k, 0, 0, 0);
    ask(&k, 100);
    time_now(&k, 100);
    kit_run(&k);
    assert_int_equal(kit_replies(&k, "anna-phone"), 200);
    kit_close(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(questions_have_a_bucket_of_their_own),
        cmocka_unit_test(what_is_too_much_on_now_is_dropped_without_a_word),
        cmocka_unit_test(bye_is_never_refused),
        cmocka_unit_test(a_replayed_batch_takes_no_tokens_twice),
        cmocka_unit_test(zero_is_no_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
