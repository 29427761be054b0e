#include "tests/unit/schemas/hex.h"

#include "firmware-client/core/mqtt.h"

#define CAP 512

static enum fp_err read_hex(const char *text, bool from_client)
{
    struct fp_bytes in = hex(text);
    struct fp_mqtt_reader r = {0};
    struct fp_mqtt_packet p;
    size_t used;
    enum fp_err err = fp_mqtt_read(&r, in, CAP, from_client, &p, &used);
    assert_int_equal(used, err ? 0 : in.len);
    hex_free(in);
    return err;
}

static void what_a_broker_answers_is_read(void **state)
{
    (void)state;
    struct fp_bytes in = hex("20020105 4002 1234 9005 0001 008002 b002 0007 d000");
    struct fp_mqtt_reader r = {0};
    struct fp_mqtt_packet p;
    size_t at = 0;
    size_t used;
    static const enum fp_mqtt_type want[] = {FP_MQTT_CONNACK, FP_MQTT_PUBACK, FP_MQTT_SUBACK, FP_MQTT_UNSUBACK, FP_MQTT_PINGRESP};
    static const uint16_t ids[] = {0, 0x1234, 1, 7, 0};
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(fp_mqtt_read(&r, fp_bytes_of(in.p + at, in.len - at), CAP, false, &p, &used), FP_OK);
        assert_int_equal(p.type, want[i]);
        assert_int_equal(p.id, ids[i]);
        assert_int_equal(p.session_present, i == 0);
        assert_int_equal(p.code, i == 0 ? 5 : 0);
        if (i == 2) {
            assert_bytes(p.payload, "00 80 02");
        }
        at += used;
    }
    assert_int_equal(at, in.len);
    assert_int_equal(fp_mqtt_read(&r, fp_bytes_of(in.p + at, 0), CAP, false, &p, &used), FP_EAGAIN);
    hex_free(in);
}

static void a_publish_points_into_the_input(void **state)
{
    (void)state;
    struct fp_bytes in = hex("3b 09 0003 612f62 0102 6869 30 03 0001 74");
    struct fp_mqtt_reader r = {0};
    struct fp_mqtt_packet p;
    size_t used;
    assert_int_equal(fp_mqtt_read(&r, in, CAP, false, &p, &used), FP_OK);
    assert_int_equal(used, 11);
    assert_true(p.dup && p.retain && !p.skipped);
    assert_int_equal(p.qos, 1);
    assert_int_equal(p.id, 0x0102);
    assert_text(p.topic, "a/b");
    assert_text(p.payload, "hi");
    assert_ptr_equal(p.payload.p, in.p + 9);
    assert_int_equal(fp_mqtt_read(&r, fp_bytes_of(in.p + 11, in.len - 11), CAP, false, &p, &used), FP_OK);
    assert_true(!p.dup && !p.retain);
    assert_int_equal(p.id, 0);
    assert_int_equal(p.payload.len, 0);
    hex_free(in);
}

static void what_a_client_says_is_read_too(void **state)
{
    (void)state;
    static const char *const fine[] = {
        "10 0d 00044d515454 04 02 003c 0001 64", "30 03 0001 74", "40 02 0001", "82 07 0001 0002 612b 01", "82 0a 0001 0001 23 00 0001 2b 02",
        "a2 05 0001 0001 61", "c0 00", "e0 00",
    };
    for (size_t i = 0; i < sizeof fine / sizeof fine[0]; i++) {
        if (read_hex(fine[i], true)) {
            fail_msg("refused: %s", fine[i]);
        }
    }
}

static void a_packet_that_is_cut_short_is_waited_for(void **state)
{
    (void)state;
    static const char *const whole[] = {"32 09 0003 612f62 0102 6869", "20 02 00 00", "90 03 0001 01", "d0 00"};
    for (size_t i = 0; i < 4; i++) {
        struct fp_bytes in = hex(whole[i]);
        for (size_t len = 0; len < in.len; len++) {
            uint8_t *exact = malloc(len > 0 ? len : 1);
            assert_non_null(exact);
            memcpy(exact, in.p, len);
            struct fp_mqtt_reader r = {0};
            struct fp_mqtt_packet p;
            size_t used = 99;
            assert_int_equal(fp_mqtt_read(&r, fp_bytes_of(exact, len), CAP, false, &p, &used), FP_EAGAIN);
            assert_int_equal(used, 0);
            free(exact);
        }
        hex_free(in);
    }
}

static void what_is_malformed_from_a_broker_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "00 00", "f0 00", "50 02 0001", "62 02 0001", "70 02 0001",     /* reserved, and QoS 2's */
        "10 00", "82 06 0001 0001 61 00", "a2 05 0001 0001 61", "c0 00", "e0 00", /* a client's */
        "21 02 00 00", "20 01 00", "20 03 00 00 00", "20 02 02 00",
        "41 02 0001", "40 02 0000", "40 01 00", "40 03 0001 00",
        "90 02 0001", "90 03 0000 00", "90 03 0001 03", "90 03 0001 ff", "92 03 0001 00",
        "b0 02 0000", "b0 03 0001 00", "d0 01 00", "d8 00",
        "30 00", "30 01 00", "30 02 0000", "30 03 0002 61", "32 03 0001 61", "32 04 0001 61 00", "32 05 0001 61 0000", /* topic and id */
        "36 05 0001 61 0001", "38 03 0001 61",                                  /* QoS 3; dup of QoS 0 */
        "30 03 0001 2b", "30 03 0001 23", "30 03 0001 00", "30 03 0001 80", "30 04 0002 c080", "30 05 0003 eda080",
        "30 80808080 01", "30 ffffffff", "20 80808080",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (read_hex(bad[i], false) != FP_EMALFORMED) {
            fail_msg("not refused: %s", bad[i]);
        }
    }
}

static void what_is_malformed_from_a_client_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "20 02 00 00", "90 03 0001 00", "b0 02 0001", "d0 00", "10 0b 00044d515454 04 02 003c 00",
        "80 06 0001 0001 61 00", "82 02 0001", "82 06 0000 0001 61 00", "82 06 0001 0001 61 03", "82 05 0001 0001 61", "82 05 0001 0000 00",
        "82 07 0001 0001 61 00 00", "82 06 0001 0001 00 00", "a0 05 0001 0001 61", "a2 05 0001 0002 61", "a2 02 0001", "c1 00", "e0 01 00",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (read_hex(bad[i], true) != FP_EMALFORMED) {
            fail_msg("not refused: %s", bad[i]);
        }
    }
}

/* 3 + 2 + 3 + 2 + 600 bytes into a buffer of 512: once as skipped, then nothing of it, then what stands behind it. */
static void a_publish_that_does_not_fit_is_told_once_and_swallowed(void **state)
{
    (void)state;
    static uint8_t in[3 + 7 + 600 + 2] = {0x32, 0xdf, 0x04, 0, 3, 'a', '/', 'b', 0, 5};
    in[sizeof in - 2] = 0xd0;
    struct fp_mqtt_reader r = {0};
    struct fp_mqtt_packet p;
    size_t used;
    for (size_t len = 0; len < 10; len++) {
        assert_int_equal(fp_mqtt_read(&r, fp_bytes_of(in, len), CAP, false, &p, &used), FP_EAGAIN);
        assert_int_equal(used, 0);
    }
    assert_int_equal(fp_mqtt_read(&r, fp_bytes_of(in, 20), CAP, false, &p, &used), FP_OK);
    assert_true(p.skipped);
    assert_text(p.topic, "a/b");
    assert_int_equal(p.id, 5);
    assert_int_equal(p.payload.len, 600);
    assert_null(p.payload.p);
    assert_int_equal(used, 10);
    assert_int_equal(fp_mqtt_read(&r, fp_bytes_of(in + 10, 10), CAP, false, &p, &used), FP_EAGAIN);
    assert_int_equal(used, 10);
    assert_int_equal(fp_mqtt_read(&r, fp_bytes_of(in + 20, 590), CAP, false, &p, &used), FP_EAGAIN);
    assert_int_equal(used, 590);
    assert_int_equal(fp_mqtt_read(&r, fp_bytes_of(in + 610, 2), CAP, false, &p, &used), FP_OK);
    assert_int_equal(p.type, FP_MQTT_PINGRESP);

    r.skip = 600; /* the end of it and the next packet in one piece */
    assert_int_equal(fp_mqtt_read(&r, fp_bytes_of(in + 10, 602), CAP, false, &p, &used), FP_OK);
    assert_int_equal(p.type, FP_MQTT_PINGRESP);
    assert_int_equal(used, 602);
}

static void the_longest_packet_that_fits_is_read_whole(void **state)
{
    (void)state;
    static uint8_t in[CAP + 1] = {0x30, 0xfd, 0x03, 0, 1, 't'}; /* 509 + 3 */
    struct fp_mqtt_reader r = {0};
    struct fp_mqtt_packet p;
    size_t used;
    assert_int_equal(fp_mqtt_read(&r, fp_bytes_of(in, CAP), CAP, false, &p, &used), FP_OK);
    assert_false(p.skipped);
    assert_int_equal(used, CAP);
    in[1]++;
    assert_int_equal(fp_mqtt_read(&r, fp_bytes_of(in, CAP), CAP, false, &p, &used), FP_OK);
    assert_true(p.skipped);
}

static void what_else_does_not_fit_is_refused(void **state)
{
    (void)state;
    assert_int_equal(read_hex("90 8004 0001", false), FP_EMALFORMED);
    assert_int_equal(read_hex("82 8004 0001", true), FP_EMALFORMED);
    assert_int_equal(read_hex("30 8004 00c1", false), FP_EMALFORMED); /* a topic of 193 */
    assert_int_equal(read_hex("30 8004 00c0", false), FP_EAGAIN);
    assert_int_equal(read_hex("30 8004 0001 2b", false), FP_EMALFORMED);
    assert_int_equal(read_hex("32 8004 0001 61 0000", false), FP_EMALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_broker_answers_is_read),
        cmocka_unit_test(a_publish_points_into_the_input),
        cmocka_unit_test(what_a_client_says_is_read_too),
        cmocka_unit_test(a_packet_that_is_cut_short_is_waited_for),
        cmocka_unit_test(what_is_malformed_from_a_broker_is_refused),
        cmocka_unit_test(what_is_malformed_from_a_client_is_refused),
        cmocka_unit_test(a_publish_that_does_not_fit_is_told_once_and_swallowed),
        cmocka_unit_test(the_longest_packet_that_fits_is_read_whole),
        cmocka_unit_test(what_else_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
