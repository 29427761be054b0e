#include "tests/unit/client/test_kit.h"

static void lose_the_link(struct kit *k)
{
    k->ended = true;
    kit_poll(k);
    kit_after(k, 2 * FP_SECOND_US);
    k->out_len = 0;
}

static void connect_again(struct kit *k, uint64_t epoch, uint64_t next_n, uint64_t head)
{
    fp_client_connect(k->c);
    kit_poll(k);
    kit_connack(k, 0);
    kit_poll(k);
    kit_welcome(k, epoch, next_n, head);
    kit_poll(k);
}

static void another_epoch_drops_the_cursors_and_numbers_anew(void **state)
{
    (void)state;
    struct kit *k = kit_new(70000, 4096);
    struct fp_command cmd = {0};
    kit_online(k, 5, 2);
    kit_page(k, 1, 2, false);
    (void)kit_say(k, "text");
    kit_poll(k);
    lose_the_link(k);
    connect_again(k, KIT_EPOCH + 1, 900, 1);
    assert_int_equal(kit_count(k, FP_NOTICE_EPOCH), 1);
    assert_int_equal(fp_client_conv(k->c, &k->conv)->cursor, 0);
    assert_int_equal(kit_commands(kit_heard(k), FP_K_MSG, &cmd), 1);
    assert_int_equal(cmd.n, 900);
    kit_free(k);
}

static void what_the_hub_has_taken_already_is_sent_again_for_its_ack(void **state)
{
    (void)state;
    struct kit *k = kit_new(70000, 4096);
    struct fp_command cmd = {0};
    (void)kit_say(k, "one");
    (void)kit_say(k, "two");
    kit_online(k, 5, 0);
    lose_the_link(k);
    connect_again(k, KIT_EPOCH, 7, 0);
    assert_int_equal(kit_commands(kit_heard(k), FP_K_MSG, &cmd), 2);
    assert_int_equal(cmd.n, 6);
    kit_free(k);
}

static void a_hub_that_is_further_than_we_numbers_ours(void **state)
{
    (void)state;
    struct kit *k = kit_new(70000, 4096);
    struct fp_command cmd = {0};
    kit_online(k, 5, 0);
    lose_the_link(k);
    (void)kit_say(k, "one");
    connect_again(k, KIT_EPOCH, 50, 0);
    assert_int_equal(kit_commands(kit_heard(k), FP_K_MSG, &cmd), 1);
    assert_int_equal(cmd.n, 50);
    kit_free(k);
}

static void a_conversation_that_is_not_named_any_more_is_forgotten(void **state)
{
    (void)state;
    struct kit *k = kit_new(70000, 4096);
    kit_online(k, 5, 2);
    lose_the_link(k);
    connect_again(k, KIT_EPOCH, 5, 0);
    assert_int_equal(kit_count(k, FP_NOTICE_LEFT), 1);
    assert_null(fp_client_conv_at(k->c, 0));
    kit_free(k);
}

static void the_hello_carries_the_cursors(void **state)
{
    (void)state;
    struct kit *k = kit_new(70000, 4096);
    struct fp_command cmd = {0};
    struct fp_hello hello;
    struct fp_id conv;
    uint64_t seq = 0;
    const char *why = NULL;
    kit_online(k, 5, 2);
    kit_page(k, 1, 2, false);
    kit_poll(k);
    lose_the_link(k);
    connect_again(k, KIT_EPOCH, 5, 9);
    const struct kit_said *s = kit_heard(k);
    assert_int_equal(kit_commands(s, FP_K_HELLO, &cmd), 1);
    assert_int_equal(fp_hello_decode(cmd.body, &hello, &why), FP_OK);
    assert_false(hello.fresh);
    assert_true(fp_hello_cursor(&hello, &conv, &seq) && fp_id_eq(&conv, &k->conv) && seq == 2);
    assert_int_equal(kit_commands(s, FP_K_GET, &cmd), 0); /* the pages follow without asking */
    kit_free(k);
}

static void a_welcome_in_between_only_tells_the_heads(void **state)
{
    (void)state;
    struct kit *k = kit_new(70000, 4096);
    kit_online(k, 5, 2);
    kit_page(k, 1, 2, false);
    kit_welcome(k, KIT_EPOCH, 5, 4);
    kit_poll(k);
    assert_int_equal(fp_client_conv(k->c, &k->conv)->head, 4);
    assert_int_equal(kit_count(k, FP_NOTICE_EPOCH), 0);
    kit_free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_epoch_drops_the_cursors_and_numbers_anew),
        cmocka_unit_test(what_the_hub_has_taken_already_is_sent_again_for_its_ack),
        cmocka_unit_test(a_hub_that_is_further_than_we_numbers_ours),
        cmocka_unit_test(a_conversation_that_is_not_named_any_more_is_forgotten),
        cmocka_unit_test(the_hello_carries_the_cursors),
        cmocka_unit_test(a_welcome_in_between_only_tells_the_heads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
