#include "hex.h"

#include "fp/cbor.h"

static void items_are_read_one_after_the_other(void **state)
{
    (void)state;
    struct fp_bytes in = hex("88 1903e8 6161 420102 f5 f6 a1 01 02 f93c00 a0");
    struct fp_dec d;
    fp_dec_init(&d, in);

    assert_int_equal(fp_dec_array(&d), 8);
    assert_int_equal(fp_dec_uint(&d), 1000);
    assert_text(fp_dec_text(&d), "a");
    assert_bytes(fp_dec_bytes(&d), "0102");
    assert_true(fp_dec_bool(&d));
    fp_dec_null(&d);
    assert_bytes(fp_dec_raw(&d), "a10102");
    assert_true(fp_dec_number(&d) == 1.0);
    assert_false(fp_dec_done(&d));
    assert_int_equal(fp_dec_map(&d), 0);
    assert_true(fp_dec_done(&d));
    hex_free(in);
}

static void peek_names_the_next_type_and_takes_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        enum fp_cbor_type type;
    } rows[] = {
        {"00", FP_CBOR_UINT},      {"1b0000000100000000", FP_CBOR_UINT},
        {"20", FP_CBOR_NEGINT},    {"40", FP_CBOR_BYTES},
        {"60", FP_CBOR_TEXT},      {"80", FP_CBOR_ARRAY},
        {"a0", FP_CBOR_MAP},       {"f4", FP_CBOR_BOOL},
        {"f5", FP_CBOR_BOOL},      {"f6", FP_CBOR_NULL},
        {"f93c00", FP_CBOR_FLOAT}, {"fa00000000", FP_CBOR_FLOAT},
        {"fb", FP_CBOR_FLOAT},     {"c0", FP_CBOR_OTHER},
        {"f7", FP_CBOR_OTHER},     {"5f", FP_CBOR_OTHER},
        {"9f", FP_CBOR_OTHER},     {"1c", FP_CBOR_OTHER},
        {"ff", FP_CBOR_OTHER},     {"", FP_CBOR_END},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fp_bytes in = hex(rows[i].hex);
        struct fp_dec d;
        fp_dec_init(&d, in);
        assert_int_equal(fp_dec_peek(&d), rows[i].type);
        assert_int_equal(d.at, 0);
        hex_free(in);
    }
}

static void the_first_failure_sticks_and_yields_zeros(void **state)
{
    (void)state;
    struct fp_bytes in = hex("6161 05");
    struct fp_dec d;
    fp_dec_init(&d, in);

    assert_int_equal(fp_dec_uint(&d), 0); /* it is a text */
    assert_true(d.failed);
    assert_int_equal(fp_dec_peek(&d), FP_CBOR_END);
    assert_null(fp_dec_text(&d).p);
    assert_int_equal(fp_dec_text(&d).len, 0);
    assert_int_equal(fp_dec_bytes(&d).len, 0);
    assert_false(fp_dec_bool(&d));
    assert_int_equal(fp_dec_map(&d), 0);
    assert_int_equal(fp_dec_array(&d), 0);
    assert_true(fp_dec_number(&d) == 0.0);
    struct fp_id id = fp_dec_id(&d);
    assert_true(fp_id_is_none(&id));
    assert_int_equal(fp_dec_raw(&d).len, 0);
    assert_int_equal(fp_dec_key(&d), 0);
    fp_dec_skip(&d);
    fp_dec_null(&d);
    assert_int_equal(d.at, 0);
    assert_false(fp_dec_done(&d));
    hex_free(in);
}

static void a_count_that_the_rest_cannot_hold_fails(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        bool map;
        bool ok;
    } rows[] = {
        {"83 010203", false, true},
        {"84 010203", false, false},
        {"a1 0102", true, true},
        {"a2 010203", true, false},
        {"9bffffffffffffffff", false, false},
        {"bbffffffffffffffff", true, false},
        {"bb8000000000000001 00", true, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fp_bytes in = hex(rows[i].hex);
        struct fp_dec d;
        fp_dec_init(&d, in);
        size_t count = rows[i].map ? fp_dec_map(&d) : fp_dec_array(&d);
        assert_int_equal(!d.failed, rows[i].ok);
        assert_int_equal(count > 0, rows[i].ok);
        hex_free(in);
    }
}

static void an_id_is_a_text_of_the_grammar(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        bool ok;
    } rows[] = {{"63616e6e", true}, {"60", false}, {"61 2f", false}, {"43616e6e", false}, {"62 6100", false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fp_bytes in = hex(rows[i].hex);
        struct fp_dec d;
        fp_dec_init(&d, in);
        struct fp_id id = fp_dec_id(&d);
        assert_int_equal(!d.failed, rows[i].ok);
        assert_int_equal(!fp_id_is_none(&id), rows[i].ok);
        hex_free(in);
    }
}

static void raw_is_bounded_in_depth(void **state)
{
    (void)state;
    struct fp_bytes in = hex("81818100");
    struct fp_dec d;

    fp_dec_init(&d, in);
    assert_int_equal(fp_dec_raw_within(&d, 3).len, 4);
    fp_dec_init(&d, in);
    assert_int_equal(fp_dec_raw_within(&d, 2).len, 0);
    assert_true(d.failed);
    hex_free(in);

    in = hex("8181818181818181 00");
    fp_dec_init(&d, in);
    assert_int_equal(fp_dec_raw_within(&d, 1000).len, 9);
    hex_free(in);
    in = hex("818181818181818181 00");
    fp_dec_init(&d, in);
    assert_int_equal(fp_dec_raw_within(&d, 1000).len, 0);
    hex_free(in);
    in = hex("00");
    fp_dec_init(&d, in);
    assert_int_equal(fp_dec_raw_within(&d, 0).len, 1);
    hex_free(in);
    in = hex("80");
    fp_dec_init(&d, in);
    assert_int_equal(fp_dec_raw_within(&d, 0).len, 0);
    hex_free(in);
}

static void a_key_that_is_no_number_is_skipped_whole(void **state)
{
    (void)state;
    struct fp_bytes in = hex("a3 07 01 6178 02 820102 03");
    struct fp_dec d;
    fp_dec_init(&d, in);

    assert_int_equal(fp_dec_map(&d), 3);
    assert_int_equal(fp_dec_key(&d), 7);
    assert_int_equal(fp_dec_uint(&d), 1);
    assert_true(fp_dec_key(&d) == FP_KEY_FOREIGN);
    assert_int_equal(fp_dec_uint(&d), 2);
    assert_true(fp_dec_key(&d) == FP_KEY_FOREIGN);
    assert_int_equal(fp_dec_uint(&d), 3);
    assert_true(fp_dec_done(&d));
    hex_free(in);
}

static void an_integer_reads_as_a_number_too(void **state)
{
    (void)state;
    struct fp_bytes in = hex("84 1832 3831 f9bc00 61 61");
    struct fp_dec d;
    fp_dec_init(&d, in);
    assert_int_equal(fp_dec_array(&d), 4);
    assert_true(fp_dec_number(&d) == 50.0);
    assert_true(fp_dec_number(&d) == -50.0);
    assert_true(fp_dec_number(&d) == -1.0);
    assert_true(fp_dec_number(&d) == 0.0);
    assert_true(d.failed);
    hex_free(in);
}

static void a_null_span_reads_as_nothing(void **state)
{
    (void)state;
    struct fp_dec d;
    fp_dec_init(&d, (struct fp_bytes){0});
    assert_true(fp_dec_done(&d));
    assert_int_equal(fp_dec_peek(&d), FP_CBOR_END);
    assert_int_equal(fp_dec_map(&d), 0);
    assert_true(d.failed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_are_read_one_after_the_other),
        cmocka_unit_test(peek_names_the_next_type_and_takes_nothing),
        cmocka_unit_test(the_first_failure_sticks_and_yields_zeros),
        cmocka_unit_test(a_count_that_the_rest_cannot_hold_fails),
        cmocka_unit_test(an_id_is_a_text_of_the_grammar),
        cmocka_unit_test(raw_is_bounded_in_depth),
        cmocka_unit_test(a_key_that_is_no_number_is_skipped_whole),
        cmocka_unit_test(a_null_span_reads_as_nothing),
        cmocka_unit_test(an_integer_reads_as_a_number_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
