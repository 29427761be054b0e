#include "tests/unit/schemas/hex.h"

#include "firmware-client/core/cbor_small_item.h"

/* What else is behind fp/cbor.h is tested by the files of tests/unit/schemas, which are linked with this codec as well. */

static double number_of(const char *text)
{
    struct fp_bytes in = hex(text);
    struct fp_dec d;
    fp_dec_init(&d, in);
    double v = fp_dec_number(&d);
    assert_true(fp_dec_done(&d));
    hex_free(in);
    return v;
}

static void floats_of_all_widths_have_their_value(void **state)
{
    (void)state;
    assert_true(number_of("f90000") == 0.0);
    assert_true(1.0 / number_of("f98000") < 0.0); /* the other zero */
    assert_true(number_of("f93c00") == 1.0);
    assert_true(number_of("f9c400") == -4.0);
    assert_true(number_of("f90001") == 0x1p-24);
    assert_true(number_of("f983ff") == -1023 * 0x1p-24);
    assert_true(number_of("f90400") == 0x1p-14);
    assert_true(number_of("f97bff") == 65504.0);
    assert_true(number_of("f97c00") > 1e308);
    assert_true(number_of("f9fc00") < -1e308);
    assert_true(number_of("f97e00") != number_of("f97e00"));
    assert_true(number_of("fac0200000") == -2.5);
    assert_true(number_of("fa00000001") == 0x1p-149);
    assert_true(number_of("fa7f7fffff") == 0x1.fffffep127);
    assert_true(number_of("fb3ff199999999999a") == 1.1);
    assert_true(number_of("fb0000000000000001") == 0x1p-1074);
}

static void integers_are_numbers_too(void **state)
{
    (void)state;
    assert_true(number_of("1864") == 100.0);
    assert_true(number_of("3863") == -100.0);
    assert_true(number_of("1bffffffffffffffff") == 0x1p64);
    assert_true(number_of("3bffffffffffffffff") == -0x1p64);
}

static void what_is_no_number_fails(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "6131", "f5", "f6", "80", "f93c", "fa3f8000", "f7", "c100"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct fp_bytes in = hex(bad[i]);
        struct fp_dec d;
        fp_dec_init(&d, in);
        assert_true(fp_dec_number(&d) == 0.0);
        assert_true(d.failed);
        hex_free(in);
    }
}

/* Every length of a head, on both sides of where it grows. */
static void what_is_written_is_read_back(void **state)
{
    (void)state;
    static const uint64_t values[] = {0, 23, 24, 255, 256, 65535, 65536, UINT32_MAX, UINT32_MAX + 1ULL, UINT64_MAX};
    static const size_t sizes[] = {1, 1, 2, 2, 3, 3, 5, 5, 9, 9};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        uint8_t buf[16];
        struct fp_enc e;
        struct fp_dec d;
        fp_enc_init(&e, buf, sizeof buf);
        fp_enc_uint(&e, values[i]);
        assert_int_equal(e.len, sizes[i]);
        fp_dec_init(&d, fp_enc_bytes_of(&e));
        assert_true(fp_dec_uint(&d) == values[i]);
        assert_true(fp_dec_done(&d));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(floats_of_all_widths_have_their_value),
        cmocka_unit_test(integers_are_numbers_too),
        cmocka_unit_test(what_is_no_number_fails),
        cmocka_unit_test(what_is_written_is_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
