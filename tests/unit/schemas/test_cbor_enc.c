#include "hex.h"

#include "fp/cbor.h"

static void put_everything(struct fp_enc *e)
{
    struct fp_id id = id_of("ann");
    fp_enc_array(e, 10);
    fp_enc_uint(e, 23);
    fp_enc_uint(e, 24);
    fp_enc_uint(e, UINT64_MAX);
    fp_enc_map(e, 1);
    fp_enc_uint(e, 0x10000);
    fp_enc_text(e, "hi", 2);
    fp_enc_bytes(e, "\1\2\3", 3);
    fp_enc_bool(e, true);
    fp_enc_bool(e, false);
    fp_enc_null(e);
    fp_enc_id(e, &id);
    fp_enc_raw(e, fp_bytes_of("\x80", 1));
}

static const char EVERYTHING[] = "8a 17 1818 1bffffffffffffffff a1 1a00010000 626869 43010203 f5 f4 f6 63616e6e 80";

static void items_have_their_shortest_form(void **state)
{
    (void)state;
    uint8_t buf[64];
    struct fp_enc e;
    fp_enc_init(&e, buf, sizeof buf);
    put_everything(&e);

    assert_false(e.failed);
    assert_bytes(fp_enc_bytes_of(&e), EVERYTHING);
}

static void what_does_not_fit_fails_at_every_size_and_writes_nothing_behind(void **state)
{
    (void)state;
    struct fp_bytes want = hex(EVERYTHING);
    for (size_t cap = 0; cap <= want.len; cap++) {
        uint8_t *buf = malloc(cap > 0 ? cap : 1); /* exactly sized: a sanitizer sees a write behind it */
        assert_non_null(buf);
        struct fp_enc e;
        fp_enc_init(&e, buf, cap);
        put_everything(&e);
        assert_int_equal(e.failed, cap < want.len);
        assert_true(e.len <= cap);
        assert_int_equal(fp_enc_bytes_of(&e).len, cap < want.len ? 0 : want.len);
        free(buf);
    }
    hex_free(want);
}

static void after_a_failure_a_smaller_item_is_not_written_either(void **state)
{
    (void)state;
    uint8_t buf[4];
    struct fp_enc e;
    fp_enc_init(&e, buf, sizeof buf);
    fp_enc_text(&e, "too long", 8);
    size_t len = e.len;
    fp_enc_uint(&e, 1);
    fp_enc_raw(&e, fp_bytes_of("\0", 1));

    assert_true(e.failed);
    assert_int_equal(e.len, len);
    assert_int_equal(fp_enc_bytes_of(&e).len, 0);
}

static void an_empty_string_needs_no_memory(void **state)
{
    (void)state;
    uint8_t buf[4];
    struct fp_enc e;
    fp_enc_init(&e, buf, sizeof buf);
    fp_enc_text(&e, NULL, 0);
    fp_enc_bytes(&e, NULL, 0);
    fp_enc_raw(&e, (struct fp_bytes){0});
    assert_bytes(fp_enc_bytes_of(&e), "60 40");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_have_their_shortest_form),
        cmocka_unit_test(what_does_not_fit_fails_at_every_size_and_writes_nothing_behind),
        cmocka_unit_test(after_a_failure_a_smaller_item_is_not_written_either),
        cmocka_unit_test(an_empty_string_needs_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
