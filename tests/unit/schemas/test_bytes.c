#include "hex.h"

static void an_id_has_one_to_36_characters(void **state)
{
    (void)state;
    struct fp_id id;
    const char *text = "0123456789012345678901234567890123456"; /* 37 */

    assert_false(fp_id_parse(text, 0, &id));
    assert_true(fp_id_parse(text, 1, &id));
    assert_int_equal(id.len, 1);
    assert_true(fp_id_parse(text, FP_ID_MAX, &id));
    assert_int_equal(id.len, 36);
    assert_false(fp_id_parse(text, FP_ID_MAX + 1, &id));
    assert_true(fp_id_is_none(&id));
}

static void only_the_characters_of_the_grammar_make_an_id(void **state)
{
    (void)state;
    const char *good = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~-";
    struct fp_id id;

    for (int c = 0; c < 256; c++) {
        char text[3] = {'a', (char)c, 'b'};
        bool want = c != 0 && strchr(good, c) != NULL;
        assert_int_equal(fp_id_parse(text, 3, &id), want);
        assert_int_equal(id.len, want ? 3 : 0);
    }
}

static void what_is_behind_an_id_is_zero_so_that_ids_compare(void **state)
{
    (void)state;
    struct fp_id a;
    struct fp_id b;
    memset(&a, 0xff, sizeof a);
    memset(&b, 0x11, sizeof b);
    assert_true(fp_id_parse("ann", 3, &a));
    assert_true(fp_id_parse("annabel", 3, &b));

    assert_memory_equal(&a, &b, sizeof a);
    assert_true(fp_id_eq(&a, &b));
    assert_true(fp_id_parse("anm", 3, &b));
    assert_false(fp_id_eq(&a, &b));
}

static void the_hash_is_fnv_1a_and_can_be_continued(void **state)
{
    (void)state;
    assert_int_equal(fp_hash(FP_HASH_START, "", 0), 0xcbf29ce484222325ULL);
    assert_int_equal(fp_hash(FP_HASH_START, "a", 1), 0xaf63dc4c8601ec8cULL);
    assert_int_equal(fp_hash(FP_HASH_START, "foobar", 6), 0x85944171f73967e8ULL);
    assert_int_equal(fp_hash(fp_hash(FP_HASH_START, "foo", 3), "bar", 3), 0x85944171f73967e8ULL);
}

static void spans_compare_by_content(void **state)
{
    (void)state;
    assert_true(fp_bytes_eq(fp_bytes_of("ab", 2), fp_bytes_of("abc", 2)));
    assert_false(fp_bytes_eq(fp_bytes_of("ab", 2), fp_bytes_of("abc", 3)));
    assert_false(fp_bytes_eq(fp_bytes_of("ab", 2), fp_bytes_of("ac", 2)));
    assert_true(fp_bytes_eq(fp_bytes_of(NULL, 0), fp_bytes_of("x", 0)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_has_one_to_36_characters),
        cmocka_unit_test(only_the_characters_of_the_grammar_make_an_id),
        cmocka_unit_test(what_is_behind_an_id_is_zero_so_that_ids_compare),
        cmocka_unit_test(the_hash_is_fnv_1a_and_can_be_continued),
        cmocka_unit_test(spans_compare_by_content),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
