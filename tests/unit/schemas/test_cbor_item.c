#include "hex.h"

#include "schemas/src/cbor_item.h"

static struct fp_cbor_item item_of(const char *text)
{
    struct fp_bytes in = hex(text);
    struct fp_cbor_item item;
    assert_null(fp_cbor_item_read(in.p, in.len, &item));
    item.data = NULL; /* it would dangle */
    hex_free(in);
    return item;
}

static const char *why_not(const char *text)
{
    struct fp_bytes in = hex(text);
    struct fp_cbor_item item;
    const char *why = fp_cbor_item_read(in.p, in.len, &item);
    hex_free(in);
    assert_non_null(why);
    return why;
}

static void each_type_is_told_with_its_value_and_size(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        enum fp_cbor_type type;
        uint64_t value;
        size_t size;
    } rows[] = {
        {"17", FP_CBOR_UINT, 23, 1},
        {"18ff", FP_CBOR_UINT, 255, 2},
        {"190100", FP_CBOR_UINT, 256, 3},
        {"1affffffff", FP_CBOR_UINT, UINT32_MAX, 5},
        {"1bffffffffffffffff", FP_CBOR_UINT, UINT64_MAX, 9},
        {"20", FP_CBOR_NEGINT, 0, 1},
        {"3818", FP_CBOR_NEGINT, 24, 2},
        {"39ffff", FP_CBOR_NEGINT, 65535, 3},
        {"3a00010000", FP_CBOR_NEGINT, 65536, 5},
        {"3b0000000100000000", FP_CBOR_NEGINT, 0x100000000, 9},
        {"420102", FP_CBOR_BYTES, 2, 3},
        {"626162", FP_CBOR_TEXT, 2, 3},
        {"83010203", FP_CBOR_ARRAY, 3, 1},
        {"a2 0102 0304", FP_CBOR_MAP, 2, 1},
        {"f4", FP_CBOR_BOOL, 0, 1},
        {"f5", FP_CBOR_BOOL, 1, 1},
        {"f6", FP_CBOR_NULL, 0, 1},
        {"f93c00", FP_CBOR_FLOAT, 0, 3},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fp_cbor_item item = item_of(rows[i].hex);
        assert_int_equal(item.type, rows[i].type);
        assert_int_equal(item.value, rows[i].value);
        assert_int_equal(item.size, rows[i].size);
    }
}

static void numbers_of_all_widths_have_their_value(void **state)
{
    (void)state;
    assert_true(item_of("f93c00").number == 1.0);
    assert_true(item_of("fac0200000").number == -2.5);
    assert_true(item_of("fb3ff199999999999a").number == 1.1);
    assert_true(item_of("1864").number == 100.0);
    assert_true(item_of("3863").number == -100.0);
}

static void a_refusal_says_what_is_wrong(void **state)
{
    (void)state;
    assert_string_equal(why_not(""), "CBOR: cut short");
    assert_string_equal(why_not("5803 01"), "CBOR: cut short");
    assert_string_equal(why_not("1c"), "CBOR: a reserved or simple value");
    assert_string_equal(why_not("c1"), "CBOR: a tag, an indefinite length or an undefined value");
    assert_string_equal(why_not("9f"), "CBOR: a tag, an indefinite length or an undefined value");
    assert_string_equal(why_not("1817"), "CBOR: an integer or a length is not in its shortest form");
    assert_string_equal(why_not("5801 00"), "CBOR: an integer or a length is not in its shortest form");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_type_is_told_with_its_value_and_size),
        cmocka_unit_test(numbers_of_all_widths_have_their_value),
        cmocka_unit_test(a_refusal_says_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
