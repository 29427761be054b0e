#include "tests/unit/client/test_kit.h"

static void what_is_stored_is_told_once_half_a_second(void **state)
{
    (void)state;
    struct kit *k = kit_new(70000, 4096);
    struct fp_command cmd = {0};
    kit_online(k, 1, 3);
    kit_page(k, 1, 3, false);
    kit_poll(k);
    kit_after(k, FP_SECOND_US);
    kit_heard(k);
    fp_client_stored(k->c, &k->conv, 1);
    kit_poll(k);
    assert_int_equal(kit_commands(kit_heard(k), FP_K_RECEIPT, &cmd), 1);
    const uint8_t want[] = {0xa1, 0x62, 'c', '1', 0x81, 1};
    assert_true(fp_bytes_eq(cmd.body, fp_bytes_of(want, sizeof(want))));
    fp_client_stored(k->c, &k->conv, 2);
    fp_client_stored(k->c, &k->conv, 3);
    kit_poll(k);
    assert_int_equal(kit_commands(kit_heard(k), FP_K_RECEIPT, &cmd), 0);
    kit_after(k, 500000);
    assert_int_equal(kit_commands(kit_heard(k), FP_K_RECEIPT, &cmd), 1);
    kit_free(k);
}

static void what_has_not_come_is_neither_stored_nor_read(void **state)
{
    (void)state;
    struct kit *k = kit_new(70000, 4096);
    kit_online(k, 1, 3);
    kit_page(k, 1, 2, true);
    kit_poll(k);
    fp_client_stored(k->c, &k->conv, 3);
    fp_client_read(k->c, &k->conv, 99, false);
    fp_client_read(k->c, &k->scope, 99, false);
    const struct fp_conv *conv = fp_client_conv(k->c, &k->conv);
    assert_true(conv->stored == 2 && conv->read == 2);
    kit_free(k);
}

static void receipts_of_others_move_ours_on_and_never_back(void **state)
{
    (void)state;
    struct kit *k = kit_new(70000, 4096);
    const uint8_t own[] = {0xa1, 0x63, 'a', 'n', 'n', 0x82, 9, 9};
    const uint8_t delivered[] = {0xa1, 0x63, 'b', 'o', 'b', 0x82, 4, 1};
    const uint8_t read[] = {0xa1, 0x63, 'b', 'o', 'b', 0x82, 4, 4};
    (void)kit_say(k, "one");
    kit_online(k, 1, 0);
    kit_ack(k, 1, 4);
    kit_publish(k, "fp/1/scope/s1/conv/c1/receipts", fp_bytes_of(own, sizeof(own)), 0);
    kit_poll(k);
    assert_int_equal(kit_last(k, FP_NOTICE_STATE)->state, FP_SEND_SENT);
    kit_publish(k, "fp/1/scope/s1/conv/c1/receipts", fp_bytes_of(delivered, sizeof(delivered)), 0);
    kit_poll(k);
    assert_int_equal(kit_last(k, FP_NOTICE_STATE)->state, FP_SEND_DELIVERED);
    kit_publish(k, "fp/1/scope/s1/conv/c1/receipts", fp_bytes_of(read, sizeof(read)), 0);
    kit_publish(k, "fp/1/scope/s1/conv/c1/receipts", fp_bytes_of(delivered, sizeof(delivered)), 0);
    kit_poll(k);
    assert_true(kit_last(k, FP_NOTICE_STATE)->state == FP_SEND_READ && kit_last(k, FP_NOTICE_STATE)->ticket == 1);
    assert_int_equal(kit_count(k, FP_NOTICE_STATE), 3);
    kit_free(k);
}

static void receipts_of_another_hub_are_not_about_what_the_old_one_acked(void **state)
{
    (void)state;
    struct kit *k = kit_new(70000, 4096);
    const uint8_t delivered[] = {0xa1, 0x63, 'b', 'o', 'b', 0x82, 4, 1};
    (void)kit_say(k, "one");
    kit_online(k, 1, 0);
    kit_ack(k, 1, 4);
    kit_poll(k);
    k->ended = true;
    kit_poll(k);
    kit_after(k, 2 * FP_SECOND_US);
    kit_connack(k, 0);
    kit_poll(k);
    kit_welcome(k, KIT_EPOCH + 1, 1, 9);
    kit_publish(k, "fp/1/scope/s1/conv/c1/receipts", fp_bytes_of(delivered, sizeof(delivered)), 0);
    kit_poll(k);
    assert_int_equal(kit_count(k, FP_NOTICE_EPOCH), 1);
    assert_int_equal(kit_last(k, FP_NOTICE_STATE)->state, FP_SEND_SENT);
    kit_free(k);
}

static void a_hub_without_receipts_is_not_asked_again(void **state)
{
    (void)state;
    struct kit *k = kit_new(70000, 4096);
    struct fp_command cmd = {0};
    kit_online(k, 1, 3);
    kit_page(k, 1, 3, false);
    kit_poll(k);
    fp_client_stored(k->c, &k->conv, 1);
    kit_after(k, FP_SECOND_US);
    kit_nack(k, 0, FP_EUNSUPPORTED, false, 0);
    kit_poll(k);
    kit_heard(k);
    fp_client_stored(k->c, &k->conv, 3);
    kit_after(k, FP_SECOND_US);
    assert_int_equal(kit_commands(kit_heard(k), FP_K_RECEIPT, &cmd), 0);
    kit_free(k);
}

static void after_a_restart_only_what_was_not_stored_comes_again(void **state)
{
    (void)state;
    struct kit *k = kit_new(70000, 4096);
    kit_online(k, 1, 3);
    kit_page(k, 1, 3, false);
    kit_poll(k);
    fp_client_stored(k->c, &k->conv, 2);
    fp_client_close(k->c);
    kit_boot(k);
    const struct fp_conv *conv = fp_client_conv(k->c, &k->conv);
    assert_non_null(conv);
    assert_true(conv->cursor == 2 && conv->stored == 2 && fp_id_eq(&conv->scope, &k->scope));
    kit_free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_stored_is_told_once_half_a_second),
        cmocka_unit_test(what_has_not_come_is_neither_stored_nor_read),
        cmocka_unit_test(receipts_of_others_move_ours_on_and_never_back),
        cmocka_unit_test(receipts_of_another_hub_are_not_about_what_the_old_one_acked),
        cmocka_unit_test(a_hub_without_receipts_is_not_asked_again),
        cmocka_unit_test(after_a_restart_only_what_was_not_stored_comes_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
