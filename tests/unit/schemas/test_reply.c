/* What the hub writes: exactly the CDDL. */
#include "hex.h"

#include "fp/reply.h"

static uint8_t buf[256];
static struct fp_enc e;

static int fresh(void **state)
{
    (void)state;
    fp_enc_init(&e, buf, sizeof buf);
    return 0;
}

static void an_ack_has_a_row_an_answer(void **state)
{
    (void)state;
    struct fp_answer full = {.n = 41, .conv = id_of("c"), .seq = 7, .at = {1000}};
    struct fp_answer bare = {.n = 42, .at = {1001}};
    fp_enc_ack_begin(&e, 2);
    fp_enc_answer(&e, &full);
    fp_enc_answer(&e, &bare);
    assert_bytes(fp_enc_bytes_of(&e), "a2 01 01 02 82 84 1829 6163 07 1903e8 84 182a f6 f6 1903e9");
}

static void a_nack_has_what_is_known_and_no_more(void **state)
{
    (void)state;
    struct fp_nack bare = {.code = FP_EBUSY};
    fp_enc_nack(&e, &bare);
    assert_bytes(fp_enc_bytes_of(&e), "a2 01 02 03 0d");

    fp_enc_init(&e, buf, sizeof buf);
    struct fp_nack full = {.n = 9, .code = FP_EGAP, .reason = fp_bytes_of("gap", 3), .retry = true, .current = fp_bytes_of("\x80", 1), .next_n = 5};
    fp_enc_nack(&e, &full);
    assert_bytes(fp_enc_bytes_of(&e), "a7 01 02 02 09 03 05 04 63676170 05 f5 06 80 07 05");
}

static void a_welcome_has_heads_between_its_halves(void **state)
{
    (void)state;
    struct fp_welcome w = {.epoch = 77, .session = 2, .at = {1000}, .next_n = 42, .head_count = 1, .limits = {16384, 64, 200, 65536, 0}};
    struct fp_conv_head h = {.conv = id_of("c"), .scope = id_of("s"), .head = 9, .floor = 1, .read = 3, .unread = 6};
    fp_enc_welcome_begin(&e, &w);
    fp_enc_conv_head(&e, &h);
    fp_enc_welcome_end(&e, &w);
    assert_bytes(fp_enc_bytes_of(&e),
                 "a7 01 03 02 184d 03 02 04 1903e8 05 182a 06 81 86 6163 6173 09 01 03 06 07 a4 01 194000 02 1840 03 18c8 04 1a00010000");

    fp_enc_init(&e, buf, sizeof buf);
    w = (struct fp_welcome){.epoch = 1, .session = 2, .at = {3}, .next_n = 4, .limits = {.alive_s = 60}, .relay = id_of("r")};
    fp_enc_welcome_begin(&e, &w);
    fp_enc_welcome_end(&e, &w);
    assert_bytes(fp_enc_bytes_of(&e), "a8 01 03 02 01 03 02 04 03 05 04 06 80 07 a5 01 00 02 00 03 00 04 00 05 183c 08 6172");
}

static void a_page_is_begun_and_takes_an_array_or_a_stream(void **state)
{
    (void)state;
    struct fp_id conv = id_of("c");
    fp_enc_page_begin(&e, &conv, 5, 8, true, false);
    fp_enc_array(&e, 0);
    assert_bytes(fp_enc_bytes_of(&e), "a7 01 04 02 6163 03 05 04 08 05 f5 06 00 07 80");

    fp_enc_init(&e, buf, sizeof buf);
    fp_enc_page_begin(&e, &conv, 5, 8, false, true);
    fp_enc_bytes(&e, "\x78\x9c", 2);
    assert_bytes(fp_enc_bytes_of(&e), "a7 01 04 02 6163 03 05 04 08 05 f4 06 01 07 42789c");
}

static void the_short_ones_are_written_whole(void **state)
{
    (void)state;
    struct fp_id conv = id_of("c");
    fp_enc_snapshot(&e, &conv, 7, fp_bytes_of("\xa0", 1));
    assert_bytes(fp_enc_bytes_of(&e), "a4 01 05 02 6163 03 07 04 a0");

    fp_enc_init(&e, buf, sizeof buf);
    fp_enc_time(&e, 5, (struct fp_wall){1000}, (struct fp_wall){1001});
    assert_bytes(fp_enc_bytes_of(&e), "a4 01 06 02 05 03 1903e8 04 1903e9");

    fp_enc_init(&e, buf, sizeof buf);
    fp_enc_report_begin(&e, FP_K_EXPLAIN);
    fp_enc_null(&e);
    fp_enc_report_end(&e, &conv, 9);
    assert_bytes(fp_enc_bytes_of(&e), "a5 01 08 02 185b 03 f6 04 6163 05 09");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_ack_has_a_row_an_answer, fresh),
        cmocka_unit_test_setup(a_nack_has_what_is_known_and_no_more, fresh),
        cmocka_unit_test_setup(a_welcome_has_heads_between_its_halves, fresh),
        cmocka_unit_test_setup(a_page_is_begun_and_takes_an_array_or_a_stream, fresh),
        cmocka_unit_test_setup(the_short_ones_are_written_whole, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
