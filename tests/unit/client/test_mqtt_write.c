#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "firmware-client/core/mqtt.h"

static uint8_t buf[70000];

static struct fp_mqtt_out out_of(size_t cap)
{
    memset(buf, 0xee, sizeof buf);
    return (struct fp_mqtt_out){.buf = buf, .cap = cap};
}

static void assert_wrote(const struct fp_mqtt_out *o, const void *want, size_t len)
{
    assert_int_equal(o->len, len);
    assert_memory_equal(o->buf, want, len);
}

static void connect_has_its_fields_in_the_order_of_the_standard(void **state)
{
    (void)state;
    struct fp_mqtt_out o = out_of(200);
    struct fp_mqtt_connect c = {.client_id = "d", .user = "u", .password = "pw", .will_topic = "w", .will_payload = "off", .will_qos = 1,
                                .will_retain = true, .clean_session = true, .keepalive_s = 300};
    assert_true(fp_mqtt_put_connect(&o, &c));
    static const char want[] = "\x10\x1c\0\4MQTT\4\xee\1\x2c\0\1d\0\1w\0\3off\0\1u\0\2pw";
    assert_wrote(&o, want, sizeof want - 1);
}

static void connect_without_user_or_will_leaves_them_out(void **state)
{
    (void)state;
    struct fp_mqtt_out o = out_of(200);
    struct fp_mqtt_connect c = {.client_id = "dev", .password = "a password needs a user", .keepalive_s = 60};
    assert_true(fp_mqtt_put_connect(&o, &c));
    static const char want[] = "\x10\x0f\0\4MQTT\4\0\0\x3c\0\3dev";
    assert_wrote(&o, want, sizeof want - 1);

    o = out_of(200);
    c = (struct fp_mqtt_connect){.client_id = "dev", .will_topic = "w", .clean_session = true};
    assert_true(fp_mqtt_put_connect(&o, &c));
    static const char empty_will[] = "\x10\x14\0\4MQTT\4\x06\0\0\0\3dev\0\1w\0\0";
    assert_wrote(&o, empty_will, sizeof empty_will - 1);
}

static void small_packets_are_as_in_the_standard(void **state)
{
    (void)state;
    struct fp_mqtt_out o = out_of(200);
    assert_true(fp_mqtt_put_subscribe(&o, 0x0102, "a/+", 1));
    assert_true(fp_mqtt_put_unsubscribe(&o, 3, "a"));
    assert_true(fp_mqtt_put_puback(&o, 0x1234));
    assert_true(fp_mqtt_put_pingreq(&o));
    assert_true(fp_mqtt_put_disconnect(&o));
    static const char want[] = "\x82\x08\1\2\0\3a/+\1" "\xa2\x05\0\3\0\1a" "\x40\x02\x12\x34" "\xc0\0" "\xe0\0";
    assert_wrote(&o, want, sizeof want - 1);
}

/* Each writer with each capacity: all or nothing, and not a byte behind what it says. */
static void what_does_not_fit_changes_nothing(void **state)
{
    (void)state;
    const struct fp_mqtt_connect c = {.client_id = "d", .user = "u", .password = "p"};
    for (int what = 0; what < 6; what++) {
        size_t need = 0;
        for (size_t cap = 0; cap <= 40; cap++) {
            struct fp_mqtt_out o = out_of(cap);
            bool ok = what == 0   ? fp_mqtt_put_connect(&o, &c)
                      : what == 1 ? fp_mqtt_put_subscribe(&o, 1, "filter", 0)
                      : what == 2 ? fp_mqtt_put_unsubscribe(&o, 1, "filter")
                      : what == 3 ? fp_mqtt_put_puback(&o, 1)
                      : what == 4 ? fp_mqtt_put_pingreq(&o)
                                  : fp_mqtt_put_disconnect(&o);
            if (ok && need == 0) {
                need = cap;
                assert_int_equal(o.len, cap);
            }
            assert_int_equal(ok, need > 0);
            assert_int_equal(o.len, ok ? need : 0);
            assert_int_equal(buf[o.len], 0xee);
        }
        assert_true(need > 0);
    }
}

static void a_string_that_two_bytes_cannot_count_is_refused(void **state)
{
    (void)state;
    static char text[65537];
    memset(text, 'x', 65536);
    struct fp_mqtt_out o = out_of(sizeof buf);
    struct fp_mqtt_connect c = {.client_id = "d", .user = text};
    assert_false(fp_mqtt_put_connect(&o, &c));
    assert_false(fp_mqtt_put_subscribe(&o, 1, text, 1));
    assert_false(fp_mqtt_put_unsubscribe(&o, 1, text));
    size_t cap;
    assert_null(fp_mqtt_publish_begin(&o, &(struct fp_mqtt_publish){.topic = text}, &cap));
    assert_int_equal(o.len, 0);
    text[65535] = '\0';
    assert_true(fp_mqtt_put_subscribe(&o, 1, text, 1));
}

static void publish_is_built_in_place(void **state)
{
    (void)state;
    struct fp_mqtt_out o = out_of(1000);
    assert_true(fp_mqtt_put_pingreq(&o));
    struct fp_mqtt_publish p = {.topic = "t/1", .qos = 1, .dup = true, .id = 0x0203};
    size_t cap;
    uint8_t *at = fp_mqtt_publish_begin(&o, &p, &cap);
    assert_non_null(at);
    assert_int_equal(o.len, 2);
    memcpy(at, "hello", 5);
    fp_mqtt_publish_end(&o, &p, 5);
    p = (struct fp_mqtt_publish){.topic = "t", .retain = true};
    assert_non_null(fp_mqtt_publish_begin(&o, &p, &cap));
    fp_mqtt_publish_end(&o, &p, 0);
    static const char want[] = "\xc0\0" "\x3a\x0c\0\3t/1\2\3hello" "\x31\3\0\1t";
    assert_wrote(&o, want, sizeof want - 1);
}

/* Every capacity around the lengths at which the length itself takes a byte more: the packet that fits is written whole and reads back. */
static void a_publish_fills_its_buffer_to_the_last_byte(void **state)
{
    (void)state;
    struct fp_mqtt_publish p = {.topic = "abc", .qos = 1, .id = 9};
    for (size_t room = 0; room < 17000; room += room > 200 && room < 16300 ? 97 : 1) {
        struct fp_mqtt_out o = out_of(room);
        size_t cap = 0;
        uint8_t *at = fp_mqtt_publish_begin(&o, &p, &cap);
        if (room < 9) {
            assert_null(at);
            continue;
        }
        assert_non_null(at);
        assert_true(at + cap <= buf + room);
        assert_true(room - (size_t)(at - buf) == cap);
        for (size_t len = cap > 3 ? cap - 3 : 0; len <= cap; len++) {
            o = out_of(room);
            memset(at, 'x', len);
            fp_mqtt_publish_end(&o, &p, len);
            assert_int_equal(buf[room], 0xee);
            struct fp_mqtt_reader r = {0};
            struct fp_mqtt_packet packet;
            size_t used;
            assert_int_equal(fp_mqtt_read(&r, fp_bytes_of(buf, o.len), room, true, &packet, &used), FP_OK);
            assert_int_equal(used, o.len);
            assert_int_equal(packet.id, 9);
            assert_int_equal(packet.payload.len, len);
            for (size_t i = 0; i < len; i++) {
                assert_int_equal(packet.payload.p[i], 'x');
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connect_has_its_fields_in_the_order_of_the_standard), cmocka_unit_test(connect_without_user_or_will_leaves_them_out),
        cmocka_unit_test(small_packets_are_as_in_the_standard),                cmocka_unit_test(what_does_not_fit_changes_nothing),
        cmocka_unit_test(a_string_that_two_bytes_cannot_count_is_refused),     cmocka_unit_test(publish_is_built_in_place),
        cmocka_unit_test(a_publish_fills_its_buffer_to_the_last_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
