#include "tests/unit/schemas/hex.h"

#include "firmware-client/core/cbor_small_item.h"

static void an_item_is_told_with_its_value_and_sizes(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        enum fp_cbor_type type;
        uint64_t value;
        size_t head, content;
    } rows[] = {
        {"17", FP_CBOR_UINT, 23, 1, 0},          {"18ff", FP_CBOR_UINT, 255, 2, 0},
        {"190100", FP_CBOR_UINT, 256, 3, 0},     {"1bffffffffffffffff", FP_CBOR_UINT, UINT64_MAX, 9, 0},
        {"3818", FP_CBOR_NEGINT, 24, 2, 0},      {"420102", FP_CBOR_BYTES, 2, 1, 2},
        {"626162", FP_CBOR_TEXT, 2, 1, 2},       {"83010203", FP_CBOR_ARRAY, 3, 1, 0},
        {"a2 0102 0304", FP_CBOR_MAP, 2, 1, 0},  {"f4", FP_CBOR_BOOL, 0, 1, 0},
        {"f5", FP_CBOR_BOOL, 1, 1, 0},           {"f6", FP_CBOR_NULL, 0, 1, 0},
        {"f90001", FP_CBOR_FLOAT, 1, 3, 0},      {"fa00000001", FP_CBOR_FLOAT, 1, 5, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fp_bytes in = hex(rows[i].hex);
        struct fp_small_item item;
        assert_true(fp_small_item(in.p, in.len, &item));
        assert_int_equal(item.type, rows[i].type);
        assert_int_equal(fp_small_type(in.p[0]), rows[i].type);
        assert_true(item.value == rows[i].value);
        assert_int_equal(item.head, rows[i].head);
        assert_int_equal(item.content, rows[i].content);
        hex_free(in);
    }
}

static void what_is_no_item_of_ours_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "", "18", "1817", "1900ff", "1a0000ffff", "1b00000000ffffffff", "1b00", "1c", "1f", "5803 01", "5801 00", "6261", "9f",
        "bf", "c1", "c100", "e0", "f7", "f818", "f93c", "fb00", "ff", "7bffffffffffffffff",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct fp_bytes in = hex(bad[i]);
        struct fp_small_item item;
        if (fp_small_item(in.p, in.len, &item)) {
            fail_msg("accepted: %s", bad[i]);
        }
        hex_free(in);
    }
}

static size_t walk(const char *text, size_t depth_max, bool strict)
{
    struct fp_bytes in = hex(text);
    size_t used = fp_small_walk(in.p, in.len, depth_max, strict);
    hex_free(in);
    return used;
}

static void a_walk_ends_where_the_item_ends(void **state)
{
    (void)state;
    assert_int_equal(walk("00 01", 8, true), 1);
    assert_int_equal(walk("83 00 8101 a10203 04", 8, true), 7);
    assert_int_equal(walk("82 a0 80 00", 8, true), 3);
    assert_int_equal(walk("82 00", 8, false), 0);
}

static void nesting_is_bounded(void **state)
{
    (void)state;
    assert_int_equal(walk("00", 0, false), 1);
    assert_int_equal(walk("80", 0, false), 0);
    assert_int_equal(walk("8180", 1, false), 0);
    assert_int_equal(walk("8180", 2, false), 2);
    assert_int_equal(walk("8181818181818180", FP_CBOR_DEPTH_MAX, true), 8);
    assert_int_equal(walk("818181818181818180", FP_CBOR_DEPTH_MAX, true), 0);
}

static void only_a_strict_walk_looks_at_keys_and_texts(void **state)
{
    (void)state;
    static const char *const loose[] = {"a2 01 00 00 00", "a2 00 00 00 00", "61ff", "a2 6162 00 6161 00", "a1 00 a2 01 00 01 00"};
    for (size_t i = 0; i < sizeof loose / sizeof loose[0]; i++) {
        assert_int_equal(walk(loose[i], 8, true), 0);
        assert_true(walk(loose[i], 8, false) > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_item_is_told_with_its_value_and_sizes), cmocka_unit_test(what_is_no_item_of_ours_is_refused),
        cmocka_unit_test(a_walk_ends_where_the_item_ends),          cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(only_a_strict_walk_looks_at_keys_and_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
