#include "tests/unit/client/test_kit.h"

static void a_wrong_config_is_named(void **state)
{
    (void)state;
    struct kit *k = kit_new(512, 512);
    struct fp_client *c = NULL;
    const char *why = NULL;
    struct fp_client_config g = k->config;
    g.user = "no such user";
    assert_int_equal(fp_client_open(&g, kit_now(k), &c, &why), FP_ECONFIG);
    assert_string_equal(why, "user");
    g = k->config;
    g.rx_bytes = 511;
    assert_int_equal(fp_client_open(&g, kit_now(k), &c, &why), FP_ECONFIG);
    assert_string_equal(why, "rx_bytes");
    g = k->config;
    g.memory_bytes--;
    assert_int_equal(fp_client_open(&g, kit_now(k), &c, &why), FP_ECONFIG);
    assert_string_equal(why, "memory");
    assert_null(c);
    kit_free(k);
}

static void what_is_queued_survives_a_restart(void **state)
{
    (void)state;
    struct kit *k = kit_new(70000, 4096);
    struct fp_command cmd = {0};
    assert_int_equal(kit_say(k, "one"), 1);
    assert_int_equal(kit_say(k, "two"), 2);
    kit_online(k, 9, 0);
    kit_ack(k, 9, 1);
    kit_poll(k);
    fp_client_close(k->c);
    kit_boot(k);
    assert_int_equal(fp_client_pending(k->c), 1);
    assert_int_equal(kit_say(k, "three"), 3);
    k->out_len = 0;
    kit_online(k, 10, 0);
    assert_int_equal(kit_commands(kit_heard(k), FP_K_MSG, &cmd), 2);
    assert_int_equal(cmd.n, 11);
    kit_free(k);
}

static void only_what_has_not_left_can_be_cancelled(void **state)
{
    (void)state;
    struct kit *k = kit_new(70000, 4096);
    uint64_t sent = kit_say(k, "one");
    kit_online(k, 1, 0);
    assert_int_equal(fp_client_cancel(k->c, sent), FP_EBUSY);
    uint64_t kept = kit_say(k, "two");
    assert_int_equal(fp_client_cancel(k->c, kept), FP_OK);
    assert_int_equal(kit_last(k, FP_NOTICE_STATE)->state, FP_SEND_FAILED);
    assert_int_equal(fp_client_cancel(k->c, kept), FP_EUNKNOWN);
    assert_int_equal(fp_client_cancel(k->c, 99), FP_EUNKNOWN);
    kit_free(k);
}

static void what_cannot_be_a_durable_command_is_refused(void **state)
{
    (void)state;
    struct kit *k = kit_new(70000, 4096);
    const uint8_t bad[] = {0xa1, 0x01};
    const uint8_t deep[] = {0x81, 0x81, 0x81, 0x81, 0x81, 0x81, 0x01};
    struct fp_command cmd = {.kind = FP_K_HELLO, .priority = 2};
    assert_int_equal(fp_client_send(k->c, &cmd, kit_now(k), NULL), FP_EMALFORMED);
    cmd.kind = FP_K_MSG;
    cmd.body = fp_bytes_of(bad, sizeof(bad));
    assert_int_equal(fp_client_send(k->c, &cmd, kit_now(k), NULL), FP_EMALFORMED);
    cmd.body = fp_bytes_of(deep, sizeof(deep));
    assert_int_equal(fp_client_send(k->c, &cmd, kit_now(k), NULL), FP_EMALFORMED);
    for (uint32_t i = 0; i < k->config.entries; i++) {
        (void)kit_say(k, "x");
    }
    assert_int_equal(fp_client_say(k->c, &k->conv, "x", 1, kit_now(k), NULL), FP_EFULL);
    kit_free(k);
}

static void a_message_names_what_its_author_had_seen(void **state)
{
    (void)state;
    struct kit *k = kit_new(70000, 4096);
    struct fp_command cmd = {0};
    kit_online(k, 1, 3);
    kit_page(k, 1, 3, false);
    kit_poll(k);
    kit_heard(k);
    (void)kit_say(k, "text");
    kit_poll(k);
    assert_int_equal(kit_commands(kit_heard(k), FP_K_MSG, &cmd), 1);
    assert_int_equal(cmd.seen, 3);
    kit_free(k);
}

static void typing_is_told_now_and_then_and_its_end_at_once(void **state)
{
    (void)state;
    struct kit *k = kit_new(70000, 4096);
    struct fp_command cmd = {0};
    fp_client_typing(k->c, &k->conv, true, kit_now(k));
    kit_online(k, 1, 0);
    assert_int_equal(kit_commands(kit_heard(k), FP_K_TYPING, &cmd), 0);
    for (int i = 0; i < 8; i++) {
        fp_client_typing(k->c, &k->conv, true, kit_now(k));
        kit_after(k, 500000);
    }
    assert_int_equal(kit_commands(kit_heard(k), FP_K_TYPING, &cmd), 2);
    fp_client_typing(k->c, &k->conv, false, kit_now(k));
    fp_client_typing(k->c, &k->conv, false, kit_now(k));
    kit_poll(k);
    assert_int_equal(kit_commands(kit_heard(k), FP_K_TYPING, &cmd), 1);
    assert_int_equal(cmd.body.p[0], 0xf4);
    kit_free(k);
}

static void what_need_not_last_is_passed_on_when_online(void **state)
{
    (void)state;
    struct kit *k = kit_new(70000, 4096);
    const uint8_t busy[] = {2};
    struct fp_command cmd = {.kind = FP_K_ACTIVITY, .priority = 2, .body = fp_bytes_of(busy, 1)};
    assert_int_equal(fp_client_pass(k->c, &cmd), FP_EAGAIN);
    kit_online(k, 1, 0);
    kit_heard(k);
    assert_int_equal(fp_client_pass(k->c, &cmd), FP_OK);
    kit_poll(k);
    assert_int_equal(kit_commands(kit_heard(k), FP_K_ACTIVITY, &cmd), 1);
    cmd.kind = FP_K_MSG;
    assert_int_equal(fp_client_pass(k->c, &cmd), FP_EMALFORMED);
    kit_free(k);
}

static void closing_nothing_is_fine(void **state)
{
    (void)state;
    fp_client_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wrong_config_is_named),
        cmocka_unit_test(what_is_queued_survives_a_restart),
        cmocka_unit_test(only_what_has_not_left_can_be_cancelled),
        cmocka_unit_test(what_cannot_be_a_durable_command_is_refused),
        cmocka_unit_test(a_message_names_what_its_author_had_seen),
        cmocka_unit_test(typing_is_told_now_and_then_and_its_end_at_once),
        cmocka_unit_test(what_need_not_last_is_passed_on_when_online),
        cmocka_unit_test(closing_nothing_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
