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

static void a_report_on_readers_goes_there_and_back(void **state)
{
    (void)state;
    const struct fp_id conv = id_of("c");
    struct fp_reply r;
    struct fp_readers readers;
    struct fp_reader row;
    fp_enc_report_begin(&e, FP_K_READERS);
    fp_enc_readers(&e, 3);
    fp_enc_reader(&e, &(struct fp_reader){.user = id_of("a"), .delivered = {1000}, .read = {1001}, .confirmed = {1002}});
    fp_enc_reader(&e, &(struct fp_reader){.user = id_of("b"), .delivered = {1000}});
    fp_enc_reader(&e, &(struct fp_reader){.user = id_of("cc")});
    fp_enc_report_end(&e, &conv, 256);
    assert_bytes(fp_enc_bytes_of(&e), "a5 01 08 02 181f 03 a3 6161 83 1903e8 1903e9 1903ea 6162 83 1903e8 f6 f6"
                                       "626363 83 f6 f6 f6 04 6163 05 190100");

    assert_int_equal(fp_reply_decode(fp_enc_bytes_of(&e), &r), FP_OK);
    assert_int_equal(r.as.report.kind, FP_K_READERS);
    assert_id(r.as.report.conv, "c");
    assert_int_equal(r.as.report.seq, 256);
    assert_int_equal(fp_readers_decode(r.as.report.value, &readers), FP_OK);
    assert_int_equal(readers.count, 3);
    assert_true(fp_readers_next(&readers, &row));
    assert_id(row.user, "a");
    assert_true(row.delivered.ms == 1000 && row.read.ms == 1001 && row.confirmed.ms == 1002);
    assert_true(fp_readers_next(&readers, &row));
    assert_id(row.user, "b");
    assert_true(row.delivered.ms == 1000 && row.read.ms == 0 && row.confirmed.ms == 0);
    assert_true(fp_readers_next(&readers, &row));
    assert_true(row.delivered.ms == 0 && row.read.ms == 0 && row.confirmed.ms == 0);
    assert_false(fp_readers_next(&readers, &row));
    assert_false(fp_readers_next(&readers, &row));
}

static void nobody_has_read_is_an_empty_map(void **state)
{
    (void)state;
    struct fp_readers readers;
    struct fp_reader row;
    fp_enc_readers(&e, 0);
    assert_bytes(fp_enc_bytes_of(&e), "a0");
    assert_int_equal(fp_readers_decode(fp_enc_bytes_of(&e), &readers), FP_OK);
    assert_false(fp_readers_next(&readers, &row));
}

static void what_are_no_readers_is_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "", "f6", "80", "a1 6161 00", "a1 6161 82 01 01", "a1 6161 84 01 01 01 01", "a1 6161 83 20 f6 f6", "a1 6161 83 f6 f5 f6",
        "a1 6161 83 f6 f6 6161", "a1 60 83 f6 f6 f6", "a1 01 83 f6 f6 f6", "a0 00", "a2 6161 83 f6 f6 f6",
        "a2 6162 83 f6 f6 f6 6161 83 f6 f6 f6", /* not in order */
        "a2 6161 83 f6 f6 f6 6161 83 f6 f6 f6", /* twice */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fp_bytes in = hex(rows[i]);
        struct fp_readers readers;
        if (fp_readers_decode(in, &readers) != FP_EMALFORMED) {
            fail_msg("accepted: %s", rows[i]);
        }
        hex_free(in);
    }
}

#define HASH_31 "00010203 04050607 08090a0b 0c0d0e0f 10111213 14151617 18191a1b 1c1d1e"

static void a_digest_is_32_bytes(void **state)
{
    (void)state;
    struct fp_bytes chain;
    struct fp_bytes in = hex("5820" HASH_31 "1f");
    assert_int_equal(fp_digest_value(in, &chain), FP_OK);
    assert_bytes(chain, HASH_31 "1f");
    hex_free(in);

    static const char *const rows[] = {
        "", "f6", "40", "581f" HASH_31, "5821" HASH_31 "1f20", "5820" HASH_31, "5820" HASH_31 "1f00", "7820" HASH_31 "1f",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        in = hex(rows[i]);
        if (fp_digest_value(in, &chain) != FP_EMALFORMED) {
            fail_msg("accepted: %s", rows[i]);
        }
        hex_free(in);
    }
}

static void a_nudge_goes_there_and_back(void **state)
{
    (void)state;
    const struct fp_id c = id_of("c");
    const struct fp_id a = id_of("aa");
    struct fp_reply r;
    struct fp_id conv;
    uint64_t head;
    fp_enc_nudge(&e, 2);
    fp_enc_nudge_row(&e, &c, 9);
    fp_enc_nudge_row(&e, &a, 256);
    assert_bytes(fp_enc_bytes_of(&e), "a2 01 07 02 82 82 6163 09 82 626161 190100");
    assert_int_equal(fp_reply_decode(fp_enc_bytes_of(&e), &r), FP_OK);
    assert_true(fp_reply_nudge(&r, &conv, &head));
    assert_true(fp_id_eq(&conv, &c) && head == 9);
    assert_true(fp_reply_nudge(&r, &conv, &head));
    assert_true(fp_id_eq(&conv, &a) && head == 256);
    assert_false(fp_reply_nudge(&r, &conv, &head));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_report_on_readers_goes_there_and_back, fresh),
        cmocka_unit_test_setup(nobody_has_read_is_an_empty_map, fresh),
        cmocka_unit_test(what_are_no_readers_is_refused),
        cmocka_unit_test(a_digest_is_32_bytes),
        cmocka_unit_test_setup(a_nudge_goes_there_and_back, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
