#include "tests/unit/client/test_kit.h"

static void what_is_queued_leaves_in_one_batch_in_order(void **state)
{
    (void)state;
    struct kit *k = kit_new(70000, 4096);
    for (int i = 0; i < 30; i++) {
        (void)kit_say(k, "text");
    }
    kit_online(k, 5, 0);
    const struct kit_said *s = kit_heard(k);
    size_t at = 0;
    for (size_t i = 0; i < s->command_count; i++) {
        if (s->commands[i].kind == FP_K_MSG) {
            assert_int_equal(s->commands[i].n, 5 + at);
            at++;
        }
    }
    assert_int_equal(at, 30);
    kit_free(k);
}

static void no_more_than_the_window_is_under_way(void **state)
{
    (void)state;
    struct kit *k = kit_new(1024, 4096);
    struct fp_command cmd = {0};
    for (int i = 0; i < 40; i++) {
        (void)kit_say(k, "text");
    }
    kit_online(k, 1, 0);
    assert_int_equal(kit_commands(kit_heard(k), FP_K_MSG, &cmd), (1024 - 128) / 66);
    kit_ack(k, 1, 1);
    kit_poll(k);
    assert_int_equal(kit_commands(kit_heard(k), FP_K_MSG, &cmd), 1);
    kit_free(k);
}

static void without_an_answer_all_is_sent_again_after_ten_seconds(void **state)
{
    (void)state;
    struct kit *k = kit_new(70000, 4096);
    struct fp_command cmd = {0};
    (void)kit_say(k, "one");
    (void)kit_say(k, "two");
    kit_online(k, 1, 0);
    assert_int_equal(kit_commands(kit_heard(k), FP_K_MSG, &cmd), 2);
    kit_after(k, 9 * FP_SECOND_US);
    assert_int_equal(kit_commands(kit_heard(k), FP_K_MSG, &cmd), 0);
    kit_after(k, 2 * FP_SECOND_US);
    assert_int_equal(kit_commands(kit_heard(k), FP_K_MSG, &cmd), 2);
    assert_true(cmd.n == 2 && cmd.has_age && cmd.age_ms >= 11000);
    kit_free(k);
}

static void what_a_site_has_neither_fills_the_window_nor_is_sent_again(void **state)
{
    (void)state;
    struct kit *k = kit_new(1024, 4096);
    struct fp_command cmd = {0};
    for (int i = 0; i < 40; i++) {
        (void)kit_say(k, "text");
    }
    kit_online(k, 1, 0);
    size_t sent = kit_commands(kit_heard(k), FP_K_MSG, &cmd);
    while (sent < 40) {
        uint64_t before = sent;
        kit_relayed(k, 1, sent);
        kit_poll(k);
        sent += kit_commands(kit_heard(k), FP_K_MSG, &cmd);
        assert_true(sent > before);
    }
    kit_relayed(k, 1, 40);
    kit_poll(k);
    assert_int_equal(kit_last(k, FP_NOTICE_STATE)->state, FP_SEND_RELAYED);
    assert_int_equal(fp_client_pending(k->c), 40);
    kit_after(k, 59 * FP_SECOND_US);
    assert_int_equal(kit_commands(kit_heard(k), FP_K_MSG, &cmd), 0);
    kit_after(k, 2 * FP_SECOND_US); /* its final answer may have got lost */
    assert_int_equal(kit_commands(kit_heard(k), FP_K_MSG, &cmd), 1);
    assert_int_equal(cmd.n, 1);
    for (uint64_t n = 1; n <= 40; n++) {
        kit_ack(k, n, n);
        kit_poll(k);
    }
    assert_int_equal(fp_client_pending(k->c), 0);
    kit_free(k);
}

static void a_lost_answer_of_a_site_is_asked_for_once(void **state)
{
    (void)state;
    struct kit *k = kit_new(70000, 4096);
    struct fp_command cmd = {0};
    for (int i = 0; i < 4; i++) {
        (void)kit_say(k, "text");
    }
    kit_online(k, 1, 0);
    assert_int_equal(kit_commands(kit_heard(k), FP_K_MSG, &cmd), 4);
    kit_relayed(k, 1, 1);
    kit_relayed(k, 3, 4);
    kit_poll(k);
    assert_int_equal(kit_commands(kit_heard(k), FP_K_MSG, &cmd), 3);
    kit_relayed(k, 3, 4);
    kit_poll(k);
    assert_int_equal(kit_commands(kit_heard(k), FP_K_MSG, &cmd), 0);
    kit_free(k);
}

static void a_new_connection_begins_with_the_oldest(void **state)
{
    (void)state;
    struct kit *k = kit_new(70000, 4096);
    struct fp_command cmd = {0};
    (void)kit_say(k, "one");
    (void)kit_say(k, "two");
    kit_online(k, 1, 0);
    kit_ack(k, 1, 1);
    kit_poll(k);
    k->ended = true;
    kit_poll(k);
    kit_after(k, FP_SECOND_US);
    k->out_len = 0;
    kit_online(k, 2, 0);
    assert_int_equal(kit_commands(kit_heard(k), FP_K_MSG, &cmd), 1);
    assert_int_equal(cmd.n, 2);
    kit_free(k);
}

static void what_never_left_expires_by_its_ttl(void **state)
{
    (void)state;
    struct kit *k = kit_new(70000, 4096);
    struct fp_command cmd = {.kind = FP_K_CONFIRM, .conv = k->conv, .priority = 2, .ref = 3, .has_ttl = true, .ttl_s = 5};
    uint64_t ticket = 0;
    assert_int_equal(fp_client_send(k->c, &cmd, kit_now(k), &ticket), FP_OK);
    (void)kit_say(k, "stays");
    kit_after(k, 4 * FP_SECOND_US);
    assert_int_equal(kit_count(k, FP_NOTICE_STATE), 0);
    kit_after(k, 2 * FP_SECOND_US);
    const struct kit_notice *n = kit_last(k, FP_NOTICE_STATE);
    assert_true(n->ticket == ticket && n->state == FP_SEND_FAILED && n->err == FP_EEXPIRED);
    kit_online(k, 7, 0);
    assert_int_equal(kit_commands(kit_heard(k), FP_K_MSG, &cmd), 1);
    assert_int_equal(cmd.n, 7);
    kit_free(k);
}

static void a_blocked_transport_delays_and_loses_nothing(void **state)
{
    (void)state;
    struct kit *k = kit_new(70000, 600);
    struct fp_command cmd = {0};
    kit_online(k, 1, 0);
    kit_heard(k);
    k->blocked = true;
    for (int i = 0; i < 40; i++) {
        (void)fp_client_say(k->c, &k->conv, "text of a message", 17, kit_now(k), NULL);
    }
    kit_poll(k);
    assert_true(fp_client_wants_write(k->c));
    k->blocked = false;
    for (int i = 0; i < 10; i++) {
        kit_poll(k);
    }
    assert_int_equal(kit_commands(kit_heard(k), FP_K_MSG, &cmd), fp_client_pending(k->c));
    kit_free(k);
}

static enum fp_err fails(void *ctx, uint32_t at, const void *p, size_t len)
{
    (void)ctx, (void)at, (void)p, (void)len;
    return FP_EIO;
}

/* Else it would be sent after the next start, although it was told as failed. */
static void what_expires_while_the_storage_fails_is_told_when_it_is_written(void **state)
{
    (void)state;
    struct kit *k = kit_new(70000, 4096);
    struct fp_command cmd = {.kind = FP_K_CONFIRM, .conv = k->conv, .priority = 2, .ref = 3, .has_ttl = true, .ttl_s = 5};
    assert_int_equal(fp_client_send(k->c, &cmd, kit_now(k), NULL), FP_OK);
    k->c->box.storage.program = fails;
    kit_after(k, 6 * FP_SECOND_US);
    assert_int_equal(kit_count(k, FP_NOTICE_STATE), 0);
    assert_int_equal(kit_count(k, FP_NOTICE_STORAGE), 1);
    assert_int_equal(fp_client_pending(k->c), 1);
    k->c->box.storage.program = k->config.storage.program;
    kit_after(k, 2 * FP_SECOND_US);
    assert_int_equal(kit_last(k, FP_NOTICE_STATE)->err, FP_EEXPIRED);
    assert_int_equal(fp_client_pending(k->c), 0);
    kit_free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_queued_leaves_in_one_batch_in_order),
        cmocka_unit_test(no_more_than_the_window_is_under_way),
        cmocka_unit_test(without_an_answer_all_is_sent_again_after_ten_seconds),
        cmocka_unit_test(what_a_site_has_neither_fills_the_window_nor_is_sent_again),
        cmocka_unit_test(a_lost_answer_of_a_site_is_asked_for_once),
        cmocka_unit_test(a_new_connection_begins_with_the_oldest),
        cmocka_unit_test(what_never_left_expires_by_its_ttl),
        cmocka_unit_test(what_expires_while_the_storage_fails_is_told_when_it_is_written),
        cmocka_unit_test(a_blocked_transport_delays_and_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
