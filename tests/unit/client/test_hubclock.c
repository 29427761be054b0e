#include "tests/unit/client/test_kit.h"

static void it_is_unknown_until_the_hub_has_told_it(void **state)
{
    (void)state;
    struct kit *k = kit_new(70000, 4096);
    struct fp_wall at;
    uint64_t error_ms = 0;
    assert_false(fp_client_time(k->c, kit_now(k), &at, &error_ms));
    kit_online(k, 1, 0);
    assert_true(fp_client_time(k->c, kit_now(k), &at, &error_ms));
    assert_int_equal(at.ms, 1700000000000);
    kit_free(k);
}

static void the_middle_of_the_round_trip_counts(void **state)
{
    (void)state;
    struct kit *k = kit_new(70000, 4096);
    struct fp_wall at;
    struct fp_enc e;
    uint8_t buf[64];
    uint64_t error_ms = 0;
    fp_client_connect(k->c);
    kit_poll(k);
    kit_connack(k, 0);
    kit_poll(k);
    k->now_us += 3 * FP_SECOND_US; /* a slow welcome says little */
    kit_welcome(k, KIT_EPOCH, 1, 0);
    kit_poll(k);
    fp_enc_init(&e, buf, sizeof(buf));
    fp_enc_time(&e, k->now_us / 1000, (struct fp_wall){1800000000000}, (struct fp_wall){1800000000020});
    k->now_us += 100000;
    kit_down(k, &e);
    kit_poll(k);
    assert_true(fp_client_time(k->c, kit_now(k), &at, &error_ms));
    assert_int_equal(at.ms, 1800000000010 + 50);
    assert_int_equal(error_ms, 51);
    k->now_us += 1000 * FP_SECOND_US;
    assert_true(fp_client_time(k->c, kit_now(k), &at, &error_ms));
    assert_int_equal(at.ms, 1800000000060 + 1000000);
    assert_true(error_ms >= 51 + 100 && error_ms <= 51 + 130);
    kit_free(k);
}

static void an_answer_to_something_else_changes_nothing(void **state)
{
    (void)state;
    struct kit *k = kit_new(70000, 4096);
    struct fp_wall at;
    uint64_t error_ms = 0;
    kit_online(k, 1, 0);
    fp_hubclock_reply(k->c, 1, 5, 6);
    fp_hubclock_reply(k->c, k->c->time_sent / 1000, 6, 5);
    assert_true(fp_client_time(k->c, kit_now(k), &at, &error_ms));
    assert_int_equal(at.ms, 1700000000000);
    kit_free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_unknown_until_the_hub_has_told_it),
        cmocka_unit_test(the_middle_of_the_round_trip_counts),
        cmocka_unit_test(an_answer_to_something_else_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
