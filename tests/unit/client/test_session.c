#include "tests/unit/client/test_kit.h"

static void it_says_online_subscribes_and_says_hello_in_this_order(void **state)
{
    (void)state;
    struct kit *k = kit_new(70000, 4096);
    struct fp_command hello;
    const struct kit_said *s;
    fp_client_connect(k->c);
    kit_poll(k);
    s = kit_heard(k);
    assert_int_equal(s->packets[FP_MQTT_CONNECT], 1);
    assert_int_equal(s->packets[FP_MQTT_PUBLISH], 0);
    assert_int_equal(fp_client_link(k->c), FP_LINK_CONNECTING);
    kit_connack(k, 0);
    kit_poll(k);
    s = kit_heard(k);
    assert_string_equal(s->status, "online");
    assert_int_equal(s->filter_count, 2);
    assert_string_equal(s->filters[0], "fp/1/device/ann-1/down");
    assert_string_equal(s->filters[1], "fp/1/user/ann/+");
    assert_int_equal(kit_commands(s, FP_K_HELLO, &hello), 1);
    kit_welcome(k, KIT_EPOCH, 1, 0);
    kit_poll(k);
    assert_int_equal(fp_client_link(k->c), FP_LINK_ONLINE);
    assert_int_equal(kit_heard(k)->packets[FP_MQTT_PUBACK], 1);
    kit_free(k);
}

/* The n of the oldest command without an answer, or of the next one: what hello says of it. */
static uint64_t said_next(struct kit *k)
{
    struct fp_command cmd;
    struct fp_hello hello;
    const char *why = NULL;
    k->ended = true;
    kit_poll(k);
    k->out_len = 0;
    kit_after(k, 120 * FP_SECOND_US);
    kit_connack(k, 0);
    kit_poll(k);
    assert_int_equal(kit_commands(kit_heard(k), FP_K_HELLO, &cmd), 1);
    assert_int_equal(fp_hello_decode(cmd.body, &hello, &why), FP_OK);
    kit_welcome(k, KIT_EPOCH, hello.next_n, 0);
    kit_poll(k);
    return hello.next_n;
}

static void hello_says_how_far_this_device_is(void **state)
{
    (void)state;
    struct kit *k = kit_new(70000, 4096);
    kit_online(k, 5, 0);
    assert_int_equal(said_next(k), 5);
    (void)kit_say(k, "one");
    (void)kit_say(k, "two");
    kit_poll(k);
    kit_relayed(k, 5, 6);
    kit_poll(k);
    assert_int_equal(said_next(k), 5);
    kit_ack(k, 5, 1);
    kit_poll(k);
    assert_int_equal(said_next(k), 6);
    kit_free(k);
}

static void nothing_is_sent_before_the_welcome(void **state)
{
    (void)state;
    struct kit *k = kit_new(70000, 4096);
    struct fp_command cmd = {0};
    (void)kit_say(k, "early");
    fp_client_connect(k->c);
    kit_poll(k);
    kit_connack(k, 0);
    kit_poll(k);
    assert_int_equal(kit_commands(kit_heard(k), FP_K_MSG, &cmd), 0);
    kit_welcome(k, KIT_EPOCH, 41, 0);
    kit_poll(k);
    assert_int_equal(kit_commands(kit_heard(k), FP_K_MSG, &cmd), 1);
    assert_int_equal(cmd.n, 41);
    kit_free(k);
}

static void a_refused_password_is_told_and_tried_again_late(void **state)
{
    (void)state;
    struct kit *k = kit_new(70000, 4096);
    fp_client_connect(k->c);
    kit_poll(k);
    kit_connack(k, 5);
    kit_poll(k);
    assert_int_equal(fp_client_link(k->c), FP_LINK_WAITING);
    assert_int_equal(kit_last(k, FP_NOTICE_LINK)->err, FP_EDENIED);
    kit_heard(k);
    kit_after(k, 29 * FP_SECOND_US);
    assert_int_equal(k->out_len, 0);
    kit_after(k, 32 * FP_SECOND_US);
    assert_int_equal(kit_heard(k)->packets[FP_MQTT_CONNECT], 1);
    kit_free(k);
}

static void silence_is_asked_about_and_ends_the_connection(void **state)
{
    (void)state;
    struct kit *k = kit_new(70000, 4096);
    const uint8_t pong[] = {0xd0, 0};
    kit_online(k, 1, 0);
    kit_heard(k);
    kit_after(k, 61 * FP_SECOND_US);
    assert_int_equal(kit_heard(k)->packets[FP_MQTT_PINGREQ], 1);
    kit_raw(k, pong, sizeof(pong));
    kit_after(k, 25 * FP_SECOND_US);
    assert_int_equal(fp_client_link(k->c), FP_LINK_ONLINE);
    kit_after(k, 91 * FP_SECOND_US);
    assert_int_equal(kit_last(k, FP_NOTICE_LINK)->link, FP_LINK_WAITING);
    kit_free(k);
}

/* ------------------------------------------------------------------ a hub that counts on being heard of */

/* Answers what the client asks the hub; how often it asked, and how often the broker. */
static size_t asked(struct kit *k, bool answer, size_t *out_pings)
{
    struct fp_command c;
    struct fp_enc e;
    uint8_t buf[64];
    const uint8_t pong[] = {0xd0, 0};
    const struct kit_said *s = kit_heard(k);
    size_t count = kit_commands(s, FP_K_TIME, &c);
    *out_pings += s->packets[FP_MQTT_PINGREQ];
    if (s->packets[FP_MQTT_PINGREQ] > 0) {
        kit_raw(k, pong, sizeof(pong));
    }
    if (count > 0 && answer) {
        struct fp_dec d;
        fp_dec_init(&d, c.body);
        fp_enc_init(&e, buf, sizeof(buf));
        fp_enc_time(&e, fp_dec_uint(&d), (struct fp_wall){1800000000000}, (struct fp_wall){1800000000000});
        kit_down(k, &e);
    }
    kit_poll(k);
    return count;
}

static struct kit *promised(uint16_t keepalive_s)
{
    struct kit *k = kit_new(70000, 4096);
    fp_client_close(k->c);
    k->config.keepalive_s = keepalive_s;
    k->alive_s = keepalive_s;
    kit_boot(k);
    kit_online(k, 1, 0);
    return k;
}

static void hello_promises_the_keep_alive_if_that_is_an_hour_at_most(void **state)
{
    (void)state;
    static const struct {
        uint16_t keepalive_s;
        uint64_t alive_s;
    } rows[] = {{0, 60}, {1, 1}, {3600, 3600}, {3601, 0}};
    for (size_t i = 0; i < 4; i++) {
        struct kit *k = kit_new(70000, 4096);
        struct fp_command cmd;
        struct fp_hello hello;
        const char *why = NULL;
        fp_client_close(k->c);
        k->config.keepalive_s = rows[i].keepalive_s;
        kit_boot(k);
        fp_client_connect(k->c);
        kit_poll(k);
        kit_connack(k, 0);
        kit_poll(k);
        assert_int_equal(kit_commands(kit_heard(k), FP_K_HELLO, &cmd), 1);
        assert_int_equal(fp_hello_decode(cmd.body, &hello, &why), FP_OK);
        assert_int_equal(hello.alive_s, rows[i].alive_s);
        kit_free(k);
    }
}

static void who_has_nothing_to_say_asks_for_the_time_as_often_as_promised(void **state)
{
    (void)state;
    struct kit *k = promised(4);
    size_t pings = 0;
    size_t count = 0;
    (void)asked(k, true, &pings); /* the first one, for the clock's sake */
    for (int i = 0; i < 1000; i++) {
        kit_after(k, 100000);
        count += asked(k, true, &pings);
    }
    assert_in_range(count, 23, 25);
    assert_int_equal(pings, 0);
    assert_int_equal(fp_client_link(k->c), FP_LINK_ONLINE);
    kit_free(k);
}

static void what_is_said_anyway_takes_the_place_of_a_question(void **state)
{
    (void)state;
    struct kit *k = promised(4);
    size_t pings = 0;
    (void)asked(k, true, &pings);
    for (int i = 0; i < 20; i++) {
        kit_after(k, 3 * FP_SECOND_US);
        (void)kit_say(k, "hello");
        kit_poll(k);
        kit_ack(k, (uint64_t)i + 1, (uint64_t)i + 1);
        assert_int_equal(asked(k, true, &pings), 0);
    }
    assert_int_equal(pings, 0);
    kit_free(k);
}

/* PUBACKs for what comes are no word to the hub. */
static void who_only_listens_asks_all_the_same(void **state)
{
    (void)state;
    struct kit *k = promised(4);
    size_t pings = 0;
    size_t count = 0;
    (void)asked(k, true, &pings);
    for (int i = 0; i < 80; i++) {
        kit_publish(k, "fp/1/user/ann/inbox", fp_bytes_of("\xa0", 1), 1);
        kit_after(k, 500000);
        count += asked(k, true, &pings);
    }
    assert_in_range(count, 9, 11);
    assert_int_equal(pings, 0);
    kit_free(k);
}

static void a_hub_that_does_not_answer_is_not_a_dead_link(void **state)
{
    (void)state;
    struct kit *k = promised(4);
    size_t pings = 0;
    size_t count = 0;
    for (int i = 0; i < 400; i++) {
        kit_after(k, 100000);
        count += asked(k, false, &pings);
    }
    assert_in_range(count, 7, 11); /* never 6 s without one: the hub would think us dead */
    assert_in_range(pings, 7, 11);
    assert_int_equal(fp_client_link(k->c), FP_LINK_ONLINE);
    kit_free(k);
}

static void a_link_on_which_nothing_comes_back_is_dead(void **state)
{
    (void)state;
    struct kit *k = promised(4);
    size_t pings = 0;
    (void)asked(k, true, &pings);
    k->blocked = true;
    kit_after(k, 4 * FP_SECOND_US);
    kit_after(k, 1900000);
    assert_int_equal(fp_client_link(k->c), FP_LINK_ONLINE);
    kit_after(k, 200000);
    assert_int_equal(kit_last(k, FP_NOTICE_LINK)->link, FP_LINK_WAITING);
    kit_free(k);
}

static void an_attempt_that_leads_nowhere_ends_after_ten_seconds(void **state)
{
    (void)state;
    struct kit *k = kit_new(70000, 4096);
    fp_client_connect(k->c);
    kit_poll(k);
    kit_connack(k, 0);
    kit_after(k, 9 * FP_SECOND_US);
    assert_int_equal(fp_client_link(k->c), FP_LINK_CONNECTING);
    (void)fp_client_poll(k->c, (struct fp_mono){k->now_us + 2 * FP_SECOND_US});
    assert_int_equal(fp_client_link(k->c), FP_LINK_WAITING);
    kit_free(k);
}

static void poll_says_when_the_next_attempt_is_due(void **state)
{
    (void)state;
    struct kit *k = kit_new(70000, 4096);
    k->open_fails = true;
    fp_client_connect(k->c);
    uint64_t due = fp_client_poll(k->c, kit_now(k)).us;
    assert_int_equal(fp_client_link(k->c), FP_LINK_WAITING);
    assert_true(due >= k->now_us + 100000 && due <= k->now_us + 200000);
    k->open_fails = false;
    k->now_us = due;
    kit_poll(k);
    assert_int_equal(fp_client_link(k->c), FP_LINK_CONNECTING);
    kit_free(k);
}

static void wake_tries_at_once_but_not_twice_a_second(void **state)
{
    (void)state;
    struct kit *k = kit_new(70000, 4096);
    fp_client_connect(k->c);
    kit_poll(k);
    kit_connack(k, 5);
    kit_poll(k);
    kit_heard(k);
    fp_client_wake(k->c);
    kit_after(k, 900000);
    assert_int_equal(k->out_len, 0);
    kit_after(k, 200000);
    assert_int_equal(kit_heard(k)->packets[FP_MQTT_CONNECT], 1);
    kit_free(k);
}

static void good_bye_is_said_in_order_and_ends_idle(void **state)
{
    (void)state;
    struct kit *k = kit_new(70000, 4096);
    struct fp_command bye;
    kit_online(k, 1, 0);
    kit_heard(k);
    fp_client_disconnect(k->c);
    kit_poll(k);
    const struct kit_said *s = kit_heard(k);
    assert_string_equal(s->status, "offline");
    assert_int_equal(kit_commands(s, FP_K_BYE, &bye), 1);
    assert_int_equal(s->packets[FP_MQTT_DISCONNECT], 1);
    assert_int_equal(fp_client_link(k->c), FP_LINK_IDLE);
    kit_after(k, 100 * FP_SECOND_US);
    assert_int_equal(k->out_len, 0);
    kit_free(k);
}

static void who_comes_back_while_good_bye_is_said_connects(void **state)
{
    (void)state;
    struct kit *k = kit_new(70000, 4096);
    kit_online(k, 1, 0);
    fp_client_disconnect(k->c);
    fp_client_connect(k->c);
    for (int i = 0; i < 4; i++) {
        assert_true(fp_client_poll(k->c, kit_now(k)).us < k->now_us + 60 * FP_SECOND_US);
    }
    assert_int_equal(kit_heard(k)->packets[FP_MQTT_CONNECT], 1);
    kit_free(k);
}

static void a_ping_that_does_not_fit_waits_for_the_transport(void **state)
{
    (void)state;
    struct kit *k = kit_new(70000, 512);
    kit_online(k, 1, 0);
    k->blocked = true;
    memset(k->c->tx.buf, 0, k->c->tx.cap);
    k->c->tx.len = k->c->tx.cap;
    k->now_us += 61 * FP_SECOND_US;
    assert_true(fp_client_poll(k->c, kit_now(k)).us > k->now_us);
    assert_true(fp_client_wants_write(k->c));
    kit_free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_says_online_subscribes_and_says_hello_in_this_order),
        cmocka_unit_test(hello_says_how_far_this_device_is),
        cmocka_unit_test(nothing_is_sent_before_the_welcome),
        cmocka_unit_test(a_refused_password_is_told_and_tried_again_late),
        cmocka_unit_test(silence_is_asked_about_and_ends_the_connection),
        cmocka_unit_test(hello_promises_the_keep_alive_if_that_is_an_hour_at_most),
        cmocka_unit_test(who_has_nothing_to_say_asks_for_the_time_as_often_as_promised),
        cmocka_unit_test(what_is_said_anyway_takes_the_place_of_a_question),
        cmocka_unit_test(who_only_listens_asks_all_the_same),
        cmocka_unit_test(a_hub_that_does_not_answer_is_not_a_dead_link),
        cmocka_unit_test(a_link_on_which_nothing_comes_back_is_dead),
        cmocka_unit_test(an_attempt_that_leads_nowhere_ends_after_ten_seconds),
        cmocka_unit_test(poll_says_when_the_next_attempt_is_due),
        cmocka_unit_test(wake_tries_at_once_but_not_twice_a_second),
        cmocka_unit_test(good_bye_is_said_in_order_and_ends_idle),
        cmocka_unit_test(who_comes_back_while_good_bye_is_said_connects),
        cmocka_unit_test(a_ping_that_does_not_fit_waits_for_the_transport),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
