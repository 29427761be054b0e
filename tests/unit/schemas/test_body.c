#include "hex.h"

#include "fp/body.h"

static uint8_t buf[512];

static struct fp_enc start(void)
{
    struct fp_enc e;
    fp_enc_init(&e, buf, sizeof buf);
    return e;
}

/* What a body is to be: these bytes, and nothing that our own rules refuse. */
static void assert_body(const struct fp_enc *e, const char *want_hex)
{
    const char *why = "";
    assert_bytes(fp_enc_bytes_of(e), want_hex);
    if (fp_cbor_check(fp_enc_bytes_of(e), NULL, &why)) {
        fail_msg("%s: %s", want_hex, why);
    }
}

static void hello_reads_back_and_leaves_out_what_says_nothing(void **state)
{
    (void)state;
    struct fp_enc e = start();
    struct fp_body_hello said = {0};
    fp_body_hello_begin(&e, &said);
    fp_body_hello_end(&e, &said);
    assert_body(&e, "a1 01 01");

    struct fp_id b = id_of("b");
    struct fp_id aa = id_of("aa");
    e = start();
    said = (struct fp_body_hello){.app = "app", .fresh = true, .cursors = 2, .next_n = 9, .alive_s = 60};
    fp_body_hello_begin(&e, &said);
    fp_body_hello_cursor(&e, &b, 7);
    fp_body_hello_cursor(&e, &aa, 0);
    fp_body_hello_end(&e, &said);
    assert_body(&e, "a6 01 01 02 63617070 03 f5 04 a2 6162 07 626161 00 06 09 07 183c");
    struct fp_hello h;
    const char *why = NULL;
    struct fp_id conv;
    uint64_t seq;
    assert_int_equal(fp_hello_decode(fp_enc_bytes_of(&e), &h, &why), FP_OK);
    assert_true(h.fresh && !h.zlib);
    assert_int_equal(h.next_n, 9);
    assert_int_equal(h.alive_s, 60);
    assert_text(h.app, "app");
    assert_true(fp_hello_cursor(&h, &conv, &seq));
    assert_id(conv, "b");
    assert_int_equal(seq, 7);
    assert_true(fp_hello_cursor(&h, &conv, &seq));
    assert_false(fp_hello_cursor(&h, &conv, &seq));
}

static void get_leaves_out_zeros(void **state)
{
    (void)state;
    struct fp_enc e = start();
    fp_body_get(&e, 0, 0, 0);
    assert_body(&e, "a1 01 00");
    e = start();
    fp_body_get(&e, 9, 0, 1000);
    assert_body(&e, "a2 01 09 03 1903e8");
    e = start();
    fp_body_get(&e, 9, 12, 1000);
    struct fp_get g;
    const char *why = NULL;
    assert_int_equal(fp_get_decode(fp_enc_bytes_of(&e), &g, &why), FP_OK);
    assert_true(g.after == 9 && g.upto == 12 && g.bytes == 1000 && !g.zlib);
}

static void texts_and_reactions(void **state)
{
    (void)state;
    struct fp_enc e = start();
    fp_body_text(&e, "hi", 2);
    assert_body(&e, "a1 01 626869");
    struct fp_msg m;
    const char *why = NULL;
    assert_int_equal(fp_msg_decode(fp_enc_bytes_of(&e), &m, &why), FP_OK);
    assert_text(m.text, "hi");
    e = start();
    fp_body_react(&e, "+1", 2, false);
    assert_body(&e, "a1 01 622b31");
    e = start();
    fp_body_react(&e, "+1", 2, true);
    assert_body(&e, "a2 01 622b31 02 f5");
    e = start();
    fp_body_redact(&e, NULL, 0);
    assert_body(&e, "a0");
    e = start();
    fp_body_redact(&e, "no", 2);
    assert_body(&e, "a1 01 626e6f");
    e = start();
    fp_body_status(&e, NULL, 0, 0);
    assert_body(&e, "a0");
    e = start();
    fp_body_status(&e, "out", 3, 500);
    assert_body(&e, "a2 01 636f7574 02 1901f4");
}

static void receipts_are_as_short_as_they_can_be(void **state)
{
    (void)state;
    struct fp_id a = id_of("a");
    struct fp_id b = id_of("b");
    struct fp_id cc = id_of("cc");
    struct fp_enc e = start();
    fp_body_receipt_begin(&e, 3);
    fp_body_receipt(&e, &a, 5, 0, false);
    fp_body_receipt(&e, &b, 5, 4, false);
    fp_body_receipt(&e, &cc, 5, 4, true);
    assert_body(&e, "a3 6161 8105 6162 820504 626363 830504f5");
}

static void members_read_back(void **state)
{
    (void)state;
    struct fp_id u = id_of("u");
    struct fp_member_body m;
    const char *why = NULL;
    struct fp_enc e = start();
    fp_body_member(&e, &u, FP_ROLE_NONE, false, 0);
    assert_body(&e, "a1 01 6175");
    assert_int_equal(fp_member_body_decode(fp_enc_bytes_of(&e), &m, &why), FP_OK);
    assert_int_equal(m.role, FP_ROLE_NONE);
    e = start();
    fp_body_member(&e, &u, FP_ROLE_OBSERVER, true, 0);
    assert_body(&e, "a3 01 6175 02 00 03 00");
    assert_int_equal(fp_member_body_decode(fp_enc_bytes_of(&e), &m, &why), FP_OK);
    assert_true(m.role == FP_ROLE_OBSERVER && m.has_from && m.from == 0);
}

static void a_conversation_reads_back(void **state)
{
    (void)state;
    struct fp_id s = id_of("s");
    struct fp_id u = id_of("u");
    struct fp_conv_body c;
    struct fp_id user;
    uint64_t role;
    const char *why = NULL;
    struct fp_enc e = start();
    fp_body_conv_begin(&e, NULL, "t", 0);
    assert_body(&e, "a1 02 6174");
    e = start();
    fp_body_conv_begin(&e, &s, NULL, 0);
    assert_body(&e, "a1 01 6173");
    e = start();
    fp_body_conv_begin(&e, &s, "t", 1);
    fp_body_conv_member(&e, &u, FP_ROLE_MANAGER);
    assert_body(&e, "a3 01 6173 02 6174 03 a1 6175 02");
    assert_int_equal(fp_conv_body_decode(fp_enc_bytes_of(&e), FP_TITLE_BYTES_MAX, &c, &why), FP_OK);
    assert_id(c.scope, "s");
    assert_text(c.title, "t");
    assert_true(fp_conv_body_member(&c, &user, &role));
    assert_id(user, "u");
    assert_int_equal(role, FP_ROLE_MANAGER);
}

static void what_does_not_fit_fails(void **state)
{
    (void)state;
    struct fp_enc e;
    fp_enc_init(&e, buf, 3);
    fp_body_text(&e, "hi", 2);
    assert_true(e.failed);
    assert_int_equal(fp_enc_bytes_of(&e).len, 0);
}

static void ids_are_ordered_by_length_then_bytes(void **state)
{
    (void)state;
    static const char *const order[] = {"A", "a", "b", "aa", "ab", "b0", "aaa"};
    for (size_t i = 0; i < 7; i++) {
        for (size_t k = 0; k < 7; k++) {
            struct fp_id a = id_of(order[i]);
            struct fp_id b = id_of(order[k]);
            assert_int_equal(fp_id_before(&a, &b), i < k);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hello_reads_back_and_leaves_out_what_says_nothing),
        cmocka_unit_test(get_leaves_out_zeros),
        cmocka_unit_test(texts_and_reactions),
        cmocka_unit_test(receipts_are_as_short_as_they_can_be),
        cmocka_unit_test(members_read_back),
        cmocka_unit_test(a_conversation_reads_back),
        cmocka_unit_test(what_does_not_fit_fails),
        cmocka_unit_test(ids_are_ordered_by_length_then_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
