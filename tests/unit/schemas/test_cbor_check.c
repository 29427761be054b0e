#include "hex.h"

#include "fp/cbor.h"

static enum fp_err check(const char *text)
{
    struct fp_bytes in = hex(text);
    const char *why = NULL;
    enum fp_err err = fp_cbor_check(in, NULL, &why);
    hex_free(in);
    assert_int_equal(why != NULL, err != FP_OK);
    return err;
}

static void what_keeps_the_rules_is_accepted(void **state)
{
    (void)state;
    static const char *const good[] = {
        "00",
        "17",
        "1818",
        "18ff",
        "190100",
        "19ffff",
        "1a00010000",
        "1affffffff",
        "1b0000000100000000",
        "1bffffffffffffffff",
        "20",
        "3818",
        "390100",
        "3bffffffffffffffff",
        "40",
        "4100",
        "60",
        "6161",
        "62c3a9",
        "63e282ac",
        "64f09f9880",
        "80",
        "8100",
        "a0",
        "a10000",
        "a2000001 00",
        "a2 00 00 20 00",
        "a2 6161 00 6162 00",
        "a2 617a 00 626161 00",
        "a1 80 00",
        "a2 80 00 8100 00",
        "f4",
        "f5",
        "f6",
        "f93c00",
        "f97e00",
        "fa3f800000",
        "fb3ff0000000000000",
        "8301 820203 a10405",
        "6461626364",
        "78186162636465666768696a6b6c6d6e6f70717273747576c3a9",
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        if (check(good[i]) != FP_OK) {
            fail_msg("refused: %s", good[i]);
        }
    }
}

static void what_breaks_a_rule_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "18",
        "1800",
        "1817",
        "1900ff",
        "1a0000ffff",
        "1b00000000ffffffff",
        "3817",
        "19",
        "1b00", /* integers */
        "1c",
        "1d",
        "1e",
        "1f",
        "3c",
        "5c",
        "7c",
        "9c",
        "bc",
        "dc",
        "fc", /* reserved */
        "41",
        "5801",
        "580100",
        "590001 00",
        "61",
        "780161",
        "5bffffffffffffffff",
        "7bffffffffffffffff",
        "5bfffffffffffffff8", /* strings */
        "5f4100ff",
        "7f6161ff",
        "9f00ff",
        "bf0000ff",
        "ff",
        "c000",
        "d81800",
        "f7",
        "e0",
        "f3",
        "f800",
        "f820",
        "f8ff", /* kinds */
        "81",
        "8200",
        "9801",
        "980100",
        "9b0000000100000000",
        "9bffffffffffffffff",
        "bb8000000000000000",
        "bbffffffffffffffff",
        "a1",
        "a100",
        "b801",
        "a2 00 00 00 00",
        "a2 01 00 00 00",
        "a2 6162 00 6161 00",
        "a2 626161 00 617a 00",
        "a2 20 00 00 00",
        "a2 8100 00 80 00",
        "a2 80 00 80 00", /* keys */
        "6180",
        "61ff",
        "62c0af",
        "62c1bf",
        "61c3",
        "62c328",
        "63e08080",
        "63eda080",
        "63edbfbf",
        "62e282",
        "64f0808080",
        "64f4908080",
        "64f5808080",
        "63f09f98", /* UTF-8 */
        "78186162636465666768696a6b6c6d6e6f707172737475767778ff00",
        "0000",
        "8000",
        "f9",
        "f93c",
        "fa3f8000",
        "fb3ff00000000000",
        "a1 00 18",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (check(bad[i]) != FP_EMALFORMED) {
            fail_msg("accepted: %s", bad[i]);
        }
    }
}

static void depth_eight_is_the_limit(void **state)
{
    (void)state;
    assert_int_equal(check("8181818181818181 00"), FP_OK);
    assert_int_equal(check("818181818181818181 00"), FP_EMALFORMED);
    assert_int_equal(check("8181818181818180"), FP_OK);
    assert_int_equal(check("818181818181818180"), FP_EMALFORMED);
    assert_int_equal(check("a100a100a100a100a100a100a100a100 00"), FP_OK);
    assert_int_equal(check("a100a100a100a100a100a100a100a100a100 00"), FP_EMALFORMED);
    /* depth comes back when a collection ends */
    assert_int_equal(check("82 81818181818181 00 81818181818181 00"), FP_OK);
}

static void an_invalid_byte_is_found_wherever_it_stands_in_a_long_text(void **state)
{
    (void)state;
    uint8_t text[2 + 64] = {0x78, 64};
    const char *why;
    for (size_t at = 2; at < sizeof text; at++) {
        memset(text + 2, 'a', 64);
        assert_int_equal(fp_cbor_check(fp_bytes_of(text, sizeof text), NULL, &why), FP_OK);
        text[at] = 0xe2;
        assert_int_equal(fp_cbor_check(fp_bytes_of(text, sizeof text), NULL, &why), FP_EMALFORMED);
    }
}

static void with_out_used_more_may_follow(void **state)
{
    (void)state;
    struct fp_bytes in = hex("820102 a0");
    const char *why;
    size_t used = 99;

    assert_int_equal(fp_cbor_check(in, &used, &why), FP_OK);
    assert_int_equal(used, 3);
    assert_int_equal(fp_cbor_check(in, NULL, &why), FP_EMALFORMED);
    assert_string_equal(why, "CBOR: more bytes after the item");
    hex_free(in);
}

static void a_truncated_item_is_refused_at_every_length(void **state)
{
    (void)state;
    struct fp_bytes in = hex("a4 01 14 02 07 03 6161 0a a2 01 78186162636465666768696a6b6c6d6e6f707172737475767778 03 81 fb3ff0000000000000");
    const char *why;
    for (size_t len = 0; len < in.len; len++) {
        uint8_t *copy = malloc(len + 1);
        assert_non_null(copy);
        memcpy(copy, in.p, len);
        copy = realloc(copy, len > 0 ? len : 1);
        assert_int_equal(fp_cbor_check(fp_bytes_of(copy, len), NULL, &why), FP_EMALFORMED);
        free(copy);
    }
    assert_int_equal(fp_cbor_check(in, NULL, &why), FP_OK);
    hex_free(in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_keeps_the_rules_is_accepted), cmocka_unit_test(what_breaks_a_rule_is_refused),
        cmocka_unit_test(depth_eight_is_the_limit),         cmocka_unit_test(an_invalid_byte_is_found_wherever_it_stands_in_a_long_text),
        cmocka_unit_test(with_out_used_more_may_follow),    cmocka_unit_test(a_truncated_item_is_refused_at_every_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
