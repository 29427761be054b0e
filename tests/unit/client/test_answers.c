#include "tests/unit/client/test_kit.h"

static struct kit *with_three_sent(void)
{
    struct kit *k = kit_new(70000, 4096);
    (void)kit_say(k, "one");
    (void)kit_say(k, "two");
    (void)kit_say(k, "three");
    kit_online(k, 11, 0);
    kit_heard(k);
    return k;
}

static void an_ack_makes_it_sent_and_takes_it_out(void **state)
{
    (void)state;
    struct kit *k = with_three_sent();
    kit_ack(k, 11, 100);
    kit_poll(k);
    const struct kit_notice *n = kit_last(k, FP_NOTICE_STATE);
    assert_true(n->ticket == 1 && n->state == FP_SEND_SENT && n->seq == 100);
    assert_int_equal(fp_client_pending(k->c), 2);
    kit_ack(k, 11, 100); /* the hub repeats itself */
    kit_poll(k);
    assert_int_equal(kit_count(k, FP_NOTICE_STATE), 1);
    kit_free(k);
}

static void an_ack_that_got_lost_is_asked_for_once(void **state)
{
    (void)state;
    struct kit *k = with_three_sent();
    struct fp_command cmd = {0};
    kit_ack(k, 12, 101);
    kit_poll(k);
    assert_int_equal(kit_commands(kit_heard(k), FP_K_MSG, &cmd), 2); /* 11 and what stands behind it */
    kit_ack(k, 13, 102);
    kit_poll(k);
    assert_int_equal(kit_commands(kit_heard(k), FP_K_MSG, &cmd), 0);
    kit_ack(k, 11, 100);
    kit_poll(k);
    assert_int_equal(fp_client_pending(k->c), 0);
    assert_int_equal(kit_count(k, FP_NOTICE_STATE), 3);
    kit_free(k);
}

static void a_refusal_for_good_fails_it_with_its_code(void **state)
{
    (void)state;
    struct kit *k = with_three_sent();
    kit_nack(k, 11, FP_EDENIED, false, 0);
    kit_poll(k);
    const struct kit_notice *n = kit_last(k, FP_NOTICE_STATE);
    assert_true(n->ticket == 1 && n->state == FP_SEND_FAILED && n->err == FP_EDENIED);
    assert_int_equal(fp_client_pending(k->c), 2);
    kit_free(k);
}

static void a_refusal_for_now_is_tried_again_after_a_wait(void **state)
{
    (void)state;
    struct kit *k = with_three_sent();
    struct fp_command cmd = {0};
    kit_nack(k, 12, FP_EBUSY, true, 0);
    kit_nack(k, 13, FP_EGAP, true, 12);
    kit_poll(k);
    assert_int_equal(kit_count(k, FP_NOTICE_RETRY), 1);
    assert_int_equal(kit_commands(kit_heard(k), FP_K_MSG, &cmd), 0);
    kit_after(k, FP_SECOND_US);
    assert_int_equal(kit_commands(kit_heard(k), FP_K_MSG, &cmd), 2);
    assert_int_equal(fp_client_pending(k->c), 3);
    kit_free(k);
}

static void a_gap_that_we_do_not_have_numbers_anew(void **state)
{
    (void)state;
    struct kit *k = with_three_sent();
    struct fp_command cmd = {0};
    kit_nack(k, 11, FP_EGAP, true, 5);
    kit_poll(k);
    kit_after(k, FP_SECOND_US);
    assert_int_equal(kit_commands(kit_heard(k), FP_K_MSG, &cmd), 3);
    assert_int_equal(cmd.n, 7);
    kit_free(k);
}

static void the_own_event_counts_as_an_answer(void **state)
{
    (void)state;
    struct kit *k = with_three_sent();
    kit_welcome(k, KIT_EPOCH, 11, 1);
    kit_poll(k);
    kit_live(k, 2, 11, "ann-1");
    kit_live(k, 1, 3, "bob-1");
    kit_poll(k);
    const struct kit_notice *n = kit_last(k, FP_NOTICE_STATE);
    assert_true(n->ticket == 1 && n->state == FP_SEND_SENT && n->seq == 2);
    n = kit_last(k, FP_NOTICE_EVENT);
    assert_true(n->ticket == 1 && n->seq == 2);
    kit_ack(k, 11, 2);
    kit_poll(k);
    assert_int_equal(kit_count(k, FP_NOTICE_STATE), 1);
    kit_free(k);
}

static void a_refusal_without_a_number_is_told(void **state)
{
    (void)state;
    struct kit *k = with_three_sent();
    kit_nack(k, 0, FP_EUNKNOWN, false, 0);
    kit_poll(k);
    assert_int_equal(kit_last(k, FP_NOTICE_NACK)->err, FP_EUNKNOWN);
    assert_int_equal(fp_client_pending(k->c), 3);
    kit_free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ack_makes_it_sent_and_takes_it_out),
        cmocka_unit_test(an_ack_that_got_lost_is_asked_for_once),
        cmocka_unit_test(a_refusal_for_good_fails_it_with_its_code),
        cmocka_unit_test(a_refusal_for_now_is_tried_again_after_a_wait),
        cmocka_unit_test(a_gap_that_we_do_not_have_numbers_anew),
        cmocka_unit_test(the_own_event_counts_as_an_answer),
        cmocka_unit_test(a_refusal_without_a_number_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
