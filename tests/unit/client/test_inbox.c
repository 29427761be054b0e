#include "tests/unit/client/test_kit.h"

static void events_come_in_order_whatever_the_order_of_arrival(void **state)
{
    (void)state;
    struct kit *k = kit_new(70000, 4096);
    kit_online(k, 1, 1);
    kit_page(k, 1, 1, false);
    kit_live(k, 4, 4, "bob-1");
    kit_live(k, 3, 3, "bob-1");
    kit_live(k, 2, 2, "bob-1");
    kit_live(k, 3, 3, "bob-1");
    kit_poll(k);
    uint64_t next = 1;
    for (size_t i = 0; i < k->notice_count; i++) {
        if (k->notices[i].kind == FP_NOTICE_EVENT) {
            assert_int_equal(k->notices[i].seq, next);
            next++;
        }
    }
    assert_int_equal(next, 5);
    assert_int_equal(kit_last(k, FP_NOTICE_CAUGHT_UP)->seq, 4);
    kit_free(k);
}

static void a_hole_is_asked_for_after_half_a_second(void **state)
{
    (void)state;
    struct kit *k = kit_new(70000, 4096);
    struct fp_command get;
    struct fp_get body;
    const char *why = NULL;
    kit_online(k, 1, 1);
    kit_page(k, 1, 1, false);
    kit_poll(k);
    kit_live(k, 3, 3, "bob-1");
    kit_poll(k);
    kit_heard(k);
    kit_after(k, 400000);
    assert_int_equal(kit_commands(kit_heard(k), FP_K_GET, &get), 0);
    kit_after(k, 200000);
    assert_int_equal(kit_commands(kit_heard(k), FP_K_GET, &get), 1);
    assert_int_equal(fp_get_decode(get.body, &body, &why), FP_OK);
    assert_int_equal(body.after, 1);
    kit_page(k, 2, 3, false);
    kit_poll(k);
    assert_int_equal(kit_count(k, FP_NOTICE_EVENT), 3);
    kit_free(k);
}

static void pages_go_on_until_the_head_is_reached(void **state)
{
    (void)state;
    struct kit *k = kit_new(70000, 4096);
    struct fp_command get;
    kit_online(k, 1, 9);
    assert_int_equal(kit_commands(kit_heard(k), FP_K_GET, &get), 1);
    kit_page(k, 1, 3, true);
    kit_page(k, 4, 6, false);
    kit_poll(k);
    assert_int_equal(kit_commands(kit_heard(k), FP_K_GET, &get), 1);
    kit_page(k, 7, 9, false);
    kit_poll(k);
    assert_int_equal(kit_count(k, FP_NOTICE_EVENT), 9);
    assert_int_equal(kit_count(k, FP_NOTICE_CAUGHT_UP), 1);
    kit_free(k);
}

static void a_snapshot_moves_the_cursor_to_the_floor(void **state)
{
    (void)state;
    struct kit *k = kit_new(70000, 4096);
    uint8_t buf[100];
    const uint8_t nothing[] = {0xf6};
    struct fp_enc e;
    kit_online(k, 1, 9);
    fp_enc_init(&e, buf, sizeof(buf));
    fp_enc_snapshot(&e, &k->conv, 7, fp_bytes_of(nothing, 1));
    kit_down(k, &e);
    kit_page(k, 8, 9, false);
    kit_poll(k);
    assert_int_equal(kit_last(k, FP_NOTICE_SNAPSHOT)->seq, 7);
    assert_int_equal(kit_count(k, FP_NOTICE_EVENT), 2);
    assert_int_equal(fp_client_conv(k->c, &k->conv)->floor, 7);
    kit_free(k);
}

static void a_page_that_is_too_long_is_passed_over_by_name(void **state)
{
    (void)state;
    struct kit *k = kit_new(1024, 1024);
    static uint8_t big[3000];
    struct fp_command get;
    struct fp_get body;
    const char *why = NULL;
    kit_online(k, 1, 2);
    assert_int_equal(kit_commands(kit_heard(k), FP_K_GET, &get), 1);
    assert_int_equal(fp_get_decode(get.body, &body, &why), FP_OK);
    assert_int_equal(body.bytes, 1024 - 256);
    kit_publish(k, "fp/1/device/ann-1/down", fp_bytes_of(big, sizeof(big)), 1);
    kit_poll(k);
    const struct kit_notice *n = kit_last(k, FP_NOTICE_SKIPPED);
    assert_true(n->seq == 1 && n->upto == 1 && n->err == FP_ETOOLARGE);
    assert_int_equal(kit_commands(kit_heard(k), FP_K_GET, &get), 1);
    kit_page(k, 2, 2, false);
    kit_poll(k);
    assert_int_equal(kit_last(k, FP_NOTICE_EVENT)->seq, 2);
    kit_free(k);
}

static void who_joins_follows_and_who_leaves_forgets(void **state)
{
    (void)state;
    struct kit *k = kit_new(70000, 4096);
    uint8_t buf[200];
    struct fp_enc e;
    struct fp_command get;
    kit_online(k, 1, 0);
    kit_heard(k);
    fp_enc_init(&e, buf, sizeof(buf));
    fp_enc_inbox_joined(&e, &k->conv, &k->scope, 1);
    kit_publish(k, "fp/1/user/ann/inbox", fp_enc_bytes_of(&e), 1);
    kit_poll(k);
    assert_non_null(fp_client_conv(k->c, &k->conv));
    const struct kit_said *s = kit_heard(k);
    assert_string_equal(s->filters[0], "fp/1/scope/s1/conv/+/+");
    assert_string_equal(s->filters[1], "fp/1/scope/s1/presence");
    assert_int_equal(kit_commands(s, FP_K_GET, &get), 1);
    fp_enc_init(&e, buf, sizeof(buf));
    fp_enc_inbox_removed(&e, &k->conv, &k->scope);
    kit_publish(k, "fp/1/user/ann/inbox", fp_enc_bytes_of(&e), 1);
    kit_poll(k);
    assert_null(fp_client_conv(k->c, &k->conv));
    assert_int_equal(kit_count(k, FP_NOTICE_LEFT), 1);
    assert_int_equal(kit_heard(k)->packets[FP_MQTT_UNSUBSCRIBE], 2);
    kit_free(k);
}

static void a_report_is_told_with_the_event_that_it_is_about(void **state)
{
    (void)state;
    struct kit *k = kit_new(70000, 4096);
    uint8_t buf[128];
    uint8_t chain[32] = {7};
    struct fp_enc e;
    struct fp_id conv;
    assert_true(fp_id_parse("c1", 2, &conv));
    assert_int_equal(fp_client_epoch(k->c), 0);
    kit_online(k, 1, 5);
    assert_int_not_equal(fp_client_epoch(k->c), 0);
    fp_enc_init(&e, buf, sizeof buf);
    fp_enc_report_begin(&e, FP_K_DIGEST);
    fp_enc_bytes(&e, chain, sizeof chain);
    fp_enc_report_end(&e, &conv, 4);
    kit_down(k, &e);
    kit_poll(k);
    const struct kit_notice *n = kit_last(k, FP_NOTICE_REPORT);
    assert_int_equal(n->seq, FP_K_DIGEST);
    assert_true(fp_id_eq(&n->conv, &conv));
    assert_int_equal(n->upto, 4);
    kit_free(k);
}

static void what_cannot_be_read_is_passed_over_or_ignored(void **state)
{
    (void)state;
    struct kit *k = kit_new(70000, 4096);
    const uint8_t junk[] = {0xff, 0x00, 0x1c};
    const char *topics[] = {"fp/1/device/ann-1/down",
                            "fp/1/user/ann/inbox",
                            "fp/1/scope/s1/conv/c1/event",
                            "fp/1/scope/s1/conv/c1/head",
                            "fp/1/scope/s1/conv/c1/receipts",
                            "fp/1/nonsense",
                            "elsewhere"};
    kit_online(k, 1, 1);
    for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++) {
        kit_publish(k, topics[i], fp_bytes_of(junk, sizeof(junk)), 1);
        kit_publish(k, topics[i], fp_bytes_of(junk, 0), 0);
    }
    kit_poll(k);
    assert_int_equal(fp_client_link(k->c), FP_LINK_ONLINE);
    assert_int_equal(kit_count(k, FP_NOTICE_EVENT), 0);
    kit_free(k);
}

static void a_snapshot_that_was_fetched_is_told_as_such(void **state)
{
    (void)state;
    struct kit *k = kit_new(70000, 4096);
    uint8_t buf[100];
    const uint8_t nothing[] = {0xf6};
    struct fp_enc e;
    kit_online(k, 1, 3);
    kit_page(k, 1, 3, false);
    kit_poll(k);
    assert_int_equal(fp_client_fetch(k->c, &k->conv, 0, 3), FP_OK);
    kit_poll(k);
    fp_enc_init(&e, buf, sizeof(buf));
    fp_enc_snapshot(&e, &k->conv, 2, fp_bytes_of(nothing, 1));
    kit_down(k, &e);
    kit_page(k, 3, 3, false);
    kit_poll(k);
    assert_true(kit_last(k, FP_NOTICE_SNAPSHOT)->fetched);
    assert_int_equal(kit_last(k, FP_NOTICE_FETCHED)->seq, 3);
    kit_free(k);
}

static void what_came_live_before_a_page_that_is_too_long_is_not_skipped(void **state)
{
    (void)state;
    struct kit *k = kit_new(1024, 1024);
    static uint8_t big[3000];
    struct fp_command get;
    kit_online(k, 1, 2);
    assert_int_equal(kit_commands(kit_heard(k), FP_K_GET, &get), 1);
    kit_page(k, 1, 1, true);
    kit_live(k, 2, 2, "bob-1"); /* alone it fits, in a page it does not */
    kit_publish(k, "fp/1/device/ann-1/down", fp_bytes_of(big, sizeof(big)), 1);
    kit_poll(k);
    assert_int_equal(kit_count(k, FP_NOTICE_SKIPPED), 0);
    kit_live(k, 3, 3, "bob-1");
    kit_poll(k);
    assert_int_equal(kit_last(k, FP_NOTICE_EVENT)->seq, 3);
    assert_int_equal(kit_count(k, FP_NOTICE_EVENT), 3);
    kit_free(k);
}

static void what_is_provisional_is_told_and_moves_no_cursor(void **state)
{
    (void)state;
    struct kit *k = kit_new(70000, 4096);
    uint8_t buf[400];
    struct fp_enc e;
    struct fp_event ev = {.kind = FP_K_MSG, .n = 4, .conv = k->conv, .priority = 2, .at = {1700000000001}, .user = k->conv, .device = k->conv};
    ev.branch_relay = k->scope;
    kit_online(k, 1, 1);
    kit_live(k, 1, 1, "bob-1");
    fp_enc_init(&e, buf, sizeof(buf));
    assert_true(fp_event_encode(&e, &ev)); /* neither seq nor flag: no event at all */
    kit_publish(k, "fp/1/scope/s1/conv/c1/event", fp_enc_bytes_of(&e), 1);
    kit_poll(k);
    assert_int_equal(kit_count(k, FP_NOTICE_PROVISIONAL), 0);
    ev.flags = FP_FLAG_PROVISIONAL;
    fp_enc_init(&e, buf, sizeof(buf));
    assert_true(fp_event_encode(&e, &ev));
    kit_publish(k, "fp/1/scope/s1/conv/c1/event", fp_enc_bytes_of(&e), 1);
    kit_poll(k);
    assert_int_equal(kit_count(k, FP_NOTICE_PROVISIONAL), 1);
    assert_int_equal(kit_last(k, FP_NOTICE_PROVISIONAL)->ticket, 0);
    assert_int_equal(fp_client_conv(k->c, &k->conv)->cursor, 1);
    kit_free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_come_in_order_whatever_the_order_of_arrival),
        cmocka_unit_test(what_is_provisional_is_told_and_moves_no_cursor),
        cmocka_unit_test(a_hole_is_asked_for_after_half_a_second),
        cmocka_unit_test(pages_go_on_until_the_head_is_reached),
        cmocka_unit_test(a_snapshot_moves_the_cursor_to_the_floor),
        cmocka_unit_test(a_page_that_is_too_long_is_passed_over_by_name),
        cmocka_unit_test(a_snapshot_that_was_fetched_is_told_as_such),
        cmocka_unit_test(what_came_live_before_a_page_that_is_too_long_is_not_skipped),
        cmocka_unit_test(who_joins_follows_and_who_leaves_forgets),
        cmocka_unit_test(a_report_is_told_with_the_event_that_it_is_about),
        cmocka_unit_test(what_cannot_be_read_is_passed_over_or_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
