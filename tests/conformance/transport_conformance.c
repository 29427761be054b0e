#include "tests/conformance/transport_conformance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define CHUNK 20000
#define PRESSURE_MAX (32U * 1024U * 1024U)
#define SAID 800 /* bytes that every peer has room for */

static const struct transport_maker *maker; /* cmocka hands nothing through to a group */
static struct fp_transport port;

static int set_up(void **state)
{
    (void)state;
    port = maker->make(maker->ctx);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    port.close(port.ctx);
    maker->end(maker->ctx);
    return 0;
}

static uint8_t words[PRESSURE_MAX]; /* what either side says; no short period, so that a lost or doubled piece shows */

static void make_words(void)
{
    for (uint32_t i = 0; i < PRESSURE_MAX; i++) {
        uint32_t x = i * 2654435761U;
        words[i] = (uint8_t)(x >> 24 ^ x >> 13);
    }
}

static void check(const uint8_t *buf, size_t from, size_t len)
{
    assert_true(from + len <= PRESSURE_MAX);
    if (len > 0 && memcmp(buf, words + from, len) != 0) {
        fail_msg("bytes %zu to %zu are others than were said", from, from + len);
    }
}

static enum fp_err open_to_the_end(void)
{
    for (int i = 0; i < TRANSPORT_TURNS_MAX; i++) {
        enum fp_err err = port.open(port.ctx);
        if (err != FP_EAGAIN) {
            return err;
        }
        maker->turn(maker->ctx);
    }
    fail_msg("open() never came to an end");
    return FP_EAGAIN;
}

static void connect_both(void)
{
    unsigned before = maker->peer_count(maker->ctx);
    assert_int_equal(open_to_the_end(), FP_OK);
    for (int i = 0; i < TRANSPORT_TURNS_MAX && maker->peer_count(maker->ctx) == before; i++) {
        maker->turn(maker->ctx);
    }
    assert_int_equal(maker->peer_count(maker->ctx), before + 1);
}

/* Both sides send `up` and `down` bytes at the same time, and get all of them. */
static void talk(size_t up, size_t down)
{
    static uint8_t buf[CHUNK];
    size_t sent = 0, heard = 0, peer_sent = 0, peer_heard = 0;
    for (int idle = 0; sent < up || heard < down || peer_sent < down || peer_heard < up;) {
        size_t before = sent + heard + peer_sent + peer_heard;
        size_t n = up - sent < CHUNK ? up - sent : CHUNK;
        if (n > 0) {
            size_t done = 0;
            enum fp_err err = port.write(port.ctx, words + sent, n, &done);
            assert_true(err == FP_OK || err == FP_EAGAIN);
            assert_true(err == FP_OK ? done >= 1 && done <= n : done == 0);
            sent += done;
        }
        n = maker->peer_read(maker->ctx, buf, CHUNK);
        check(buf, peer_heard, n);
        peer_heard += n;
        n = down - peer_sent < CHUNK ? down - peer_sent : CHUNK;
        if (n > 0) {
            peer_sent += maker->peer_write(maker->ctx, words + peer_sent, n);
        }
        n = 0;
        enum fp_err err = port.read(port.ctx, buf, CHUNK, &n);
        assert_true(err == FP_OK ? n >= 1 && n <= CHUNK : err == FP_EAGAIN);
        check(buf, heard, err == FP_OK ? n : 0);
        heard += err == FP_OK ? n : 0;
        idle = sent + heard + peer_sent + peer_heard == before ? idle + 1 : 0;
        if (idle > 0) {
            assert_true(idle < TRANSPORT_TURNS_MAX);
            maker->turn(maker->ctx);
        }
    }
    assert_int_equal(peer_heard, up);
    assert_int_equal(heard, down);
}

/* Reads until something else than FP_EAGAIN comes. */
static enum fp_err read_some(uint8_t *buf, size_t cap, size_t *out_len)
{
    for (int i = 0; i < TRANSPORT_TURNS_MAX; i++) {
        enum fp_err err = port.read(port.ctx, buf, cap, out_len);
        if (err != FP_EAGAIN) {
            return err;
        }
        maker->turn(maker->ctx);
    }
    fail_msg("nothing came");
    return FP_EAGAIN;
}

static void peer_says(size_t len)
{
    size_t sent = 0;
    for (int i = 0; i < TRANSPORT_TURNS_MAX && sent < len; i++) {
        sent += maker->peer_write(maker->ctx, words + sent, len - sent);
        maker->turn(maker->ctx);
    }
    assert_int_equal(sent, len);
}

static void is_heard(size_t len)
{
    static uint8_t buf[CHUNK];
    size_t heard = 0;
    while (heard < len) {
        size_t n = 0;
        assert_int_equal(read_some(buf, len - heard, &n), FP_OK);
        check(buf, heard, n);
        heard += n;
    }
}

static void is_over(enum fp_err err)
{
    assert_true(err != FP_OK && err != FP_EAGAIN);
}

/* ------------------------------------------------------------------ cases */

static void an_open_connection_stays_open(void **state)
{
    (void)state;
    connect_both();
    assert_int_equal(port.open(port.ctx), FP_OK);
    assert_int_equal(port.open(port.ctx), FP_OK);
    talk(10, 10);
}

static void nothing_to_read_is_told_as_such(void **state)
{
    (void)state;
    uint8_t byte;
    size_t n = 0;
    connect_both();
    for (int i = 0; i < 5; i++) {
        assert_int_equal(port.read(port.ctx, &byte, 1, &n), FP_EAGAIN);
        maker->turn(maker->ctx);
    }
}

static void bytes_of_any_number_come_through_in_both_directions(void **state)
{
    (void)state;
    static const size_t SIZES[] = {1, 2, 3, 127, 128, 511, 512, 513, 1023, 1460, 4095, 4097, 16383, 16384, 16385, 65536, 300001};
    connect_both();
    for (size_t i = 0; i < sizeof SIZES / sizeof SIZES[0]; i++) {
        talk(SIZES[i], 0);
        talk(0, SIZES[i]);
        talk(SIZES[i], SIZES[sizeof SIZES / sizeof SIZES[0] - 1 - i]);
    }
}

static void single_bytes_are_read_one_by_one(void **state)
{
    (void)state;
    uint8_t byte;
    size_t n = 0;
    connect_both();
    peer_says(300);
    for (size_t i = 0; i < 300; i++) {
        assert_int_equal(read_some(&byte, 1, &n), FP_OK);
        assert_int_equal(n, 1);
        check(&byte, i, 1);
    }
}

static void no_room_is_told_and_nothing_is_lost(void **state)
{
    (void)state;
    static uint8_t buf[CHUNK];
    size_t sent = 0, heard = 0;
    connect_both();
    for (int full = 0; full < 20;) {
        size_t n = 0;
        enum fp_err err = port.write(port.ctx, words + sent, CHUNK, &n);
        assert_true(err == FP_OK || err == FP_EAGAIN);
        sent += n;
        assert_true(sent < PRESSURE_MAX - 10 * CHUNK);
        full += err == FP_EAGAIN;
    }
    size_t taken = sent; /* none, where a whole record has to fit in */
    for (int idle = 0; heard < taken || sent < taken + 5 * CHUNK;) {
        size_t n = maker->peer_read(maker->ctx, buf, CHUNK);
        check(buf, heard, n);
        heard += n;
        size_t done = 0;
        if (sent < taken + 5 * CHUNK) {
            enum fp_err err = port.write(port.ctx, words + sent, CHUNK, &done);
            assert_true(err == FP_OK || err == FP_EAGAIN);
            sent += done;
        }
        idle = n == 0 && done == 0 ? idle + 1 : 0;
        if (idle > 0) {
            assert_true(idle < TRANSPORT_TURNS_MAX);
            maker->turn(maker->ctx);
        }
    }
    assert_true(heard <= sent);
}

static void the_end_of_the_peer_is_told_after_all_it_said(void **state)
{
    (void)state;
    uint8_t byte;
    size_t n = 0;
    connect_both();
    talk(100, 0);
    peer_says(SAID);
    if (maker->peer_half_close) {
        maker->peer_close(maker->ctx);
        is_heard(SAID);
    } else { /* a line drops what was on its way */
        is_heard(SAID);
        maker->peer_close(maker->ctx);
    }
    is_over(read_some(&byte, 1, &n));
    is_over(port.read(port.ctx, &byte, 1, &n)); /* and from then on */
}

static void writing_to_a_peer_that_is_gone_fails_in_the_end(void **state)
{
    (void)state;
    connect_both();
    talk(10, 10);
    maker->peer_close(maker->ctx);
    enum fp_err err = FP_OK;
    for (int i = 0; i < TRANSPORT_TURNS_MAX && (err == FP_OK || err == FP_EAGAIN); i++) {
        size_t n = 0;
        err = port.write(port.ctx, "x", 1, &n);
        maker->turn(maker->ctx);
    }
    is_over(err);
}

static void a_peer_that_says_no_more_is_told_as_the_end(void **state)
{
    (void)state;
    uint8_t byte;
    size_t n = 0;
    if (!maker->peer_half_close) {
        skip();
    }
    connect_both();
    peer_says(700);
    maker->peer_half_close(maker->ctx);
    is_heard(700);
    is_over(read_some(&byte, 1, &n));
    port.close(port.ctx);
    for (int i = 0; i < TRANSPORT_TURNS_MAX && !maker->peer_ended(maker->ctx); i++) {
        maker->turn(maker->ctx);
    }
    assert_true(maker->peer_ended(maker->ctx));
}

static void what_was_written_before_close_arrives_and_then_the_end(void **state)
{
    (void)state;
    size_t n = 0;
    if (!maker->peer_ended) {
        skip();
    }
    connect_both();
    for (size_t sent = 0; sent < SAID;) {
        enum fp_err err = port.write(port.ctx, words + sent, SAID - sent, &n);
        assert_true(err == FP_OK || err == FP_EAGAIN);
        sent += err == FP_OK ? n : 0;
        if (err == FP_EAGAIN) {
            maker->turn(maker->ctx);
        }
    }
    port.close(port.ctx);
    size_t heard = 0;
    for (int i = 0; i < TRANSPORT_TURNS_MAX && (heard < SAID || !maker->peer_ended(maker->ctx)); i++) {
        uint8_t got[SAID];
        n = maker->peer_read(maker->ctx, got, sizeof got);
        check(got, heard, n);
        heard += n;
        maker->turn(maker->ctx);
    }
    assert_int_equal(heard, SAID);
    assert_true(maker->peer_ended(maker->ctx));
}

static void a_closed_one_neither_reads_nor_writes(void **state)
{
    (void)state;
    uint8_t byte = 0;
    size_t n = 0;
    port.close(port.ctx); /* it never was open */
    is_over(port.read(port.ctx, &byte, 1, &n));
    connect_both();
    port.close(port.ctx);
    port.close(port.ctx);
    is_over(port.read(port.ctx, &byte, 1, &n));
    is_over(port.write(port.ctx, &byte, 1, &n));
}

static void it_can_be_opened_again_and_again(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        connect_both();
        talk(1000, 2000);
        if (i % 2 == 0) {
            port.close(port.ctx);
        } else {
            uint8_t byte;
            size_t n = 0;
            maker->peer_close(maker->ctx);
            is_over(read_some(&byte, 1, &n));
            port.close(port.ctx);
        }
    }
}

static void nothing_of_an_earlier_connection_comes(void **state)
{
    (void)state;
    if (!maker->peer_ended) {
        skip();
    }
    connect_both();
    peer_says(SAID);
    is_heard(10);
    port.close(port.ctx);
    connect_both();
    talk(50, 50);
}

static void an_attempt_can_be_given_up(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        (void)port.open(port.ctx);
        port.close(port.ctx);
    }
    for (int i = 0; i < 10; i++) {
        maker->turn(maker->ctx);
    }
    assert_int_equal(open_to_the_end(), FP_OK);
    talk(100, 100);
}

static void nobody_there_is_told_each_time(void **state)
{
    (void)state;
    if (!maker->refuse) {
        skip();
    }
    maker->refuse(maker->ctx);
    is_over(open_to_the_end());
    port.close(port.ctx);
    is_over(open_to_the_end());
    is_over(open_to_the_end()); /* also without a close() between them */
}

int transport_conformance_run(const struct transport_maker *m)
{
    maker = m;
    make_words();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_open_connection_stays_open, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_to_read_is_told_as_such, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bytes_of_any_number_come_through_in_both_directions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(single_bytes_are_read_one_by_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_room_is_told_and_nothing_is_lost, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_end_of_the_peer_is_told_after_all_it_said, set_up, tear_down),
        cmocka_unit_test_setup_teardown(writing_to_a_peer_that_is_gone_fails_in_the_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_peer_that_says_no_more_is_told_as_the_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_was_written_before_close_arrives_and_then_the_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_closed_one_neither_reads_nor_writes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_can_be_opened_again_and_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_of_an_earlier_connection_comes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_attempt_can_be_given_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nobody_there_is_told_each_time, set_up, tear_down),
    };
    return cmocka_run_group_tests_name(m->name, tests, NULL, NULL);
}
