#include "tests/unit/client/test_kit.h"

static void packets_may_come_byte_by_byte(void **state)
{
    (void)state;
    struct kit *k = kit_new(70000, 4096);
    static uint8_t all[2000];
    kit_online(k, 1, 2);
    kit_page(k, 1, 2, false);
    size_t len = k->in_len;
    memcpy(all, k->in, len);
    k->in_len = 0;
    for (size_t i = 0; i < len; i++) {
        kit_raw(k, all + i, 1);
        kit_poll(k);
    }
    assert_int_equal(kit_count(k, FP_NOTICE_EVENT), 2);
    kit_free(k);
}

static void what_is_no_mqtt_ends_the_connection(void **state)
{
    (void)state;
    struct kit *k = kit_new(70000, 4096);
    const uint8_t junk[] = {0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff};
    kit_online(k, 1, 0);
    kit_raw(k, junk, sizeof(junk));
    (void)fp_client_poll(k->c, kit_now(k));
    assert_int_equal(fp_client_link(k->c), FP_LINK_WAITING);
    assert_int_equal(kit_last(k, FP_NOTICE_LINK)->err, FP_EMALFORMED);
    kit_free(k);
}

static void nothing_but_connack_may_come_first(void **state)
{
    (void)state;
    struct kit *k = kit_new(70000, 4096);
    fp_client_connect(k->c);
    kit_poll(k);
    kit_welcome(k, KIT_EPOCH, 1, 0);
    (void)fp_client_poll(k->c, kit_now(k));
    assert_int_equal(fp_client_link(k->c), FP_LINK_WAITING);
    kit_free(k);
}

static void without_room_for_the_puback_reading_waits(void **state)
{
    (void)state;
    struct kit *k = kit_new(70000, 512);
    kit_online(k, 1, 0);
    kit_heard(k);
    k->blocked = true;
    for (uint64_t i = 0; i < 300; i++) {
        kit_publish(k, "fp/1/user/ann/presence", fp_bytes_of("x", 1), 1);
    }
    kit_poll(k);
    size_t before = kit_count(k, FP_NOTICE_LIVE);
    assert_true(before <= 128);
    assert_true(fp_client_poll(k->c, kit_now(k)).us > k->now_us); /* called again at once it could do no more */
    k->blocked = false;
    for (int i = 0; i < 10; i++) {
        kit_poll(k);
    }
    assert_int_equal(kit_count(k, FP_NOTICE_LIVE), 300);
    assert_int_equal(kit_heard(k)->packets[FP_MQTT_PUBACK], 300);
    kit_free(k);
}

/* A broker that misses some has no room for us any more, until the next connection. */
static void whatever_is_done_about_a_packet_its_puback_is_written(void **state)
{
    (void)state;
    const uint8_t removed[] = {0xa3, 1, 3, 2, 0x62, 'c', '1', 3, 0x62, 's', '1'};
    for (uint64_t before = 90; before < 128; before++) {
        struct kit *k = kit_new(70000, 512);
        kit_online(k, 1, 1);
        kit_heard(k);
        k->blocked = true;
        for (uint64_t i = 0; i < before; i++) {
            kit_publish(k, "fp/1/user/ann/presence", fp_bytes_of("x", 1), 1);
        }
        kit_publish(k, "fp/1/user/ann/inbox", fp_bytes_of(removed, sizeof(removed)), 1);
        kit_poll(k);
        k->blocked = false;
        kit_poll(k);
        assert_int_equal(kit_heard(k)->packets[FP_MQTT_PUBACK], before + 1);
        assert_int_equal(kit_count(k, FP_NOTICE_LEFT), 1);
        kit_free(k);
    }
}

static void a_refused_filter_is_told_and_asked_for_again(void **state)
{
    (void)state;
    struct kit *k = kit_new(70000, 4096);
    kit_online(k, 1, 1);
    kit_heard(k);
    const uint8_t suback[] = {0x90, 3, (uint8_t)(k->c->follows[0].sub_id >> 8), (uint8_t)k->c->follows[0].sub_id, 0x80};
    kit_raw(k, suback, sizeof(suback));
    kit_poll(k);
    assert_int_equal(kit_last(k, FP_NOTICE_NACK)->err, FP_EDENIED);
    kit_after(k, 11 * FP_SECOND_US);
    assert_int_equal(kit_heard(k)->filter_count, 2);
    kit_free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_may_come_byte_by_byte),
        cmocka_unit_test(what_is_no_mqtt_ends_the_connection),
        cmocka_unit_test(nothing_but_connack_may_come_first),
        cmocka_unit_test(without_room_for_the_puback_reading_waits),
        cmocka_unit_test(whatever_is_done_about_a_packet_its_puback_is_written),
        cmocka_unit_test(a_refused_filter_is_told_and_asked_for_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
