#include "hex.h"

#include "fp/body.h"
#include "fp/command.h"

struct row {
    const char *hex;
    enum fp_err err;
    const char *why;
};

#define COUNT(rows) (sizeof(rows) / sizeof(rows)[0])
#define TAIL "CBOR: cut short, or more bytes after the item"

static void assert_row(const struct row *row, enum fp_err err, const char *why)
{
    if (err != row->err || (err && strcmp(why, row->why) != 0)) {
        fail_msg("%s: %s (%s)", row->hex, fp_err_name(err), why ? why : "-");
    }
}

/* ------------------------------------------------------------------ receipt */

static void assert_receipt(struct fp_receipt_body *b, const char *conv, uint64_t delivered, bool has_read, uint64_t read, bool private_read)
{
    struct fp_receipt_row row;
    assert_true(fp_receipt_body_next(b, &row));
    assert_id(row.conv, conv);
    assert_int_equal(row.delivered, delivered);
    assert_int_equal(row.has_read, has_read);
    assert_int_equal(row.read, read);
    assert_int_equal(row.private_read, private_read);
}

static void each_conversation_of_a_receipt_says_as_much_as_it_will(void **state)
{
    (void)state;
    struct fp_bytes in = hex("a4 6161 8105 6162 820504 6163 83190100 04 f5 6164 8207f5");
    struct fp_receipt_body b;
    struct fp_receipt_row row;
    const char *why;
    assert_int_equal(fp_receipt_body_decode(in, &b, &why), FP_OK);
    assert_int_equal(b.count, 4);
    assert_receipt(&b, "a", 5, false, 0, false);
    assert_receipt(&b, "b", 5, true, 4, false);
    assert_receipt(&b, "c", 256, true, 4, true);
    assert_receipt(&b, "d", 7, false, 0, true);
    assert_false(fp_receipt_body_next(&b, &row));
    assert_false(fp_receipt_body_next(&b, &row));
    hex_free(in);
}

static void what_a_client_writes_of_receipts_is_read(void **state)
{
    (void)state;
    uint8_t buf[64];
    struct fp_enc e;
    struct fp_id a = id_of("a");
    struct fp_id b = id_of("b");
    struct fp_id cc = id_of("cc");
    struct fp_receipt_body body;
    const char *why;
    fp_enc_init(&e, buf, sizeof buf);
    fp_body_receipt_begin(&e, 3);
    fp_body_receipt(&e, &a, 5, 0, false);
    fp_body_receipt(&e, &b, 6, 4, false);
    fp_body_receipt(&e, &cc, 7, 0, true);
    assert_int_equal(fp_receipt_body_decode(fp_enc_bytes_of(&e), &body, &why), FP_OK);
    assert_receipt(&body, "a", 5, false, 0, false);
    assert_receipt(&body, "b", 6, true, 4, false);
    assert_receipt(&body, "cc", 7, true, 0, true);
}

static void a_bad_receipt_says_what_is_wrong(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"a1 6161 8100", FP_OK, NULL},
        {"", FP_EMALFORMED, "receipt: its body is missing or no map"},
        {"f6", FP_EMALFORMED, "receipt: its body is missing or no map"},
        {"81 8105", FP_EMALFORMED, "receipt: its body is missing or no map"},
        {"a0", FP_EMALFORMED, "receipt: names no conversation"},
        {"a1 60 8105", FP_EMALFORMED, "receipt: a conversation is not an id"},
        {"a1 01 8105", FP_EMALFORMED, "receipt: a conversation is not an id"},
        {"a1 6161 05", FP_EMALFORMED, "receipt: not an array of one to three items"},
        {"a1 6161 80", FP_EMALFORMED, "receipt: not an array of one to three items"},
        {"a1 6161 84050400f5", FP_EMALFORMED, "receipt: not an array of one to three items"},
        {"a1 6161 8120", FP_EMALFORMED, "receipt: delivered is not a number"},
        {"a1 6161 81f5", FP_EMALFORMED, "receipt: delivered is not a number"},
        {"a1 6161 8205f6", FP_EMALFORMED, "receipt: read is not a number"},
        {"a1 6161 830504f6", FP_EMALFORMED, "receipt: private is neither true nor false"},
        {"a1 6161 83050401", FP_EMALFORMED, "receipt: private is neither true nor false"},
        {"a1 6161 8305f504", FP_EMALFORMED, "receipt: an item behind private"},
        {"a2 6161 8105 6162 8105 00", FP_EMALFORMED, TAIL},
        {"a2 6161 8105 6162 81", FP_EMALFORMED, "receipt: not an array of one to three items"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct fp_bytes in = hex(rows[i].hex);
        struct fp_receipt_body b;
        const char *why = NULL;
        enum fp_err err = fp_receipt_body_decode(in, &b, &why);
        assert_row(&rows[i], err, why);
        hex_free(in);
    }
}

static void a_receipt_that_names_a_conversation_twice_never_leaves_its_uplink(void **state)
{
    (void)state;
    static const char *const uplinks[] = {"a2 01 181e 0a a2 6161 8105 6161 8106", "a2 01 181e 0a a2 6162 8105 6161 8106"};
    for (size_t i = 0; i < COUNT(uplinks); i++) {
        struct fp_bytes in = hex(uplinks[i]);
        struct fp_uplink u;
        const char *why = NULL;
        assert_int_equal(fp_uplink_open(&u, in, 1, &why), FP_EMALFORMED);
        hex_free(in);
    }
}

/* ------------------------------------------------------------------ react */

static void what_a_client_writes_of_reactions_is_read(void **state)
{
    (void)state;
    for (int back = 0; back <= 1; back++) {
        uint8_t buf[32];
        struct fp_enc e;
        struct fp_react r;
        const char *why;
        fp_enc_init(&e, buf, sizeof buf);
        fp_body_react(&e, "+1", 2, back == 1);
        assert_int_equal(fp_react_decode(fp_enc_bytes_of(&e), &r, &why), FP_OK);
        assert_text(r.with, "+1");
        assert_int_equal(r.back, back);
    }
}

static void a_bad_reaction_says_what_is_wrong(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"a1 01 6178", FP_OK, NULL},
        {"a2 01 6178 02 f4", FP_OK, NULL},
        {"a3 01 6178 1863 8100 6161 f6", FP_OK, NULL},
        {"", FP_EMALFORMED, "reaction: its body is missing or no map"},
        {"6178", FP_EMALFORMED, "reaction: its body is missing or no map"},
        {"a0", FP_EMALFORMED, "reaction: missing or empty"},
        {"a1 02 f5", FP_EMALFORMED, "reaction: missing or empty"},
        {"a1 01 60", FP_EMALFORMED, "reaction: missing or empty"},
        {"a1 01 4178", FP_EMALFORMED, "reaction: not a text"},
        {"a2 01 6178 02 01", FP_EMALFORMED, "take back: neither true nor false"},
        {"a1 01 6178 00", FP_EMALFORMED, TAIL},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct fp_bytes in = hex(rows[i].hex);
        struct fp_react r;
        const char *why = NULL;
        enum fp_err err = fp_react_decode(in, &r, &why);
        assert_row(&rows[i], err, why);
        hex_free(in);
    }
}

static void a_reaction_has_a_limit(void **state)
{
    (void)state;
    static const char text[FP_REACT_BYTES_MAX + 2] = "1234567890123456789012345678901234567890123456789012345678901234+";
    for (size_t extra = 0; extra <= 1; extra++) {
        uint8_t buf[128];
        struct fp_enc e;
        struct fp_react r;
        const char *why = NULL;
        fp_enc_init(&e, buf, sizeof buf);
        fp_body_react(&e, text, FP_REACT_BYTES_MAX + extra, false);
        assert_int_equal(fp_react_decode(fp_enc_bytes_of(&e), &r, &why), extra ? FP_ETOOLARGE : FP_OK);
        if (extra) {
            assert_string_equal(why, "reaction: more than 64 bytes");
        }
    }
}

/* ------------------------------------------------------------------ redact */

static void a_redaction_needs_no_reason_and_no_body(void **state)
{
    (void)state;
    uint8_t buf[32];
    struct fp_enc e;
    struct fp_bytes reason = fp_bytes_of("old", 3);
    const char *why;
    assert_int_equal(fp_redact_decode(fp_bytes_of(NULL, 0), &reason, &why), FP_OK);
    assert_int_equal(reason.len, 0);

    fp_enc_init(&e, buf, sizeof buf);
    fp_body_redact(&e, NULL, 0);
    assert_int_equal(fp_redact_decode(fp_enc_bytes_of(&e), &reason, &why), FP_OK);
    assert_int_equal(reason.len, 0);

    fp_enc_init(&e, buf, sizeof buf);
    fp_body_redact(&e, "a name", 6);
    assert_int_equal(fp_redact_decode(fp_enc_bytes_of(&e), &reason, &why), FP_OK);
    assert_text(reason, "a name");
}

static void a_bad_redaction_says_what_is_wrong(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"a1 01 60", FP_OK, NULL},
        {"a2 01 6178 02 a0", FP_OK, NULL},
        {"f6", FP_EMALFORMED, "redaction: its body is no map"},
        {"6178", FP_EMALFORMED, "redaction: its body is no map"},
        {"a1 01 05", FP_EMALFORMED, "reason: not a text"},
        {"a1 01 f6", FP_EMALFORMED, "reason: not a text"},
        {"a1 01 6178 00", FP_EMALFORMED, TAIL},
        {"a2 01 6178", FP_EMALFORMED, "redaction: its body is no map"}, /* more pairs than bytes */
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct fp_bytes in = hex(rows[i].hex);
        struct fp_bytes reason;
        const char *why = NULL;
        enum fp_err err = fp_redact_decode(in, &reason, &why);
        assert_row(&rows[i], err, why);
        hex_free(in);
    }
}

/* ------------------------------------------------------------------ digest */

static void a_digest_asks_at_one_event(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"a1 01 1863", FP_OK, NULL},
        {"a2 01 1863 02 f6", FP_OK, NULL},
        {"", FP_EMALFORMED, "digest: its body is missing or no map"},
        {"1863", FP_EMALFORMED, "digest: its body is missing or no map"},
        {"a0", FP_EMALFORMED, "seq: missing"},
        {"a1 02 01", FP_EMALFORMED, "seq: missing"},
        {"a1 01 20", FP_EMALFORMED, "seq: not a number"},
        {"a1 01 f6", FP_EMALFORMED, "seq: not a number"},
        {"a1 01 1863 00", FP_EMALFORMED, TAIL},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct fp_bytes in = hex(rows[i].hex);
        uint64_t seq = 7;
        const char *why = NULL;
        enum fp_err err = fp_digest_decode(in, &seq, &why);
        assert_row(&rows[i], err, why);
        if (!err) {
            assert_int_equal(seq, 99);
        }
        hex_free(in);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_conversation_of_a_receipt_says_as_much_as_it_will),
        cmocka_unit_test(what_a_client_writes_of_receipts_is_read),
        cmocka_unit_test(a_bad_receipt_says_what_is_wrong),
        cmocka_unit_test(a_receipt_that_names_a_conversation_twice_never_leaves_its_uplink),
        cmocka_unit_test(what_a_client_writes_of_reactions_is_read),
        cmocka_unit_test(a_bad_reaction_says_what_is_wrong),
        cmocka_unit_test(a_reaction_has_a_limit),
        cmocka_unit_test(a_redaction_needs_no_reason_and_no_body),
        cmocka_unit_test(a_bad_redaction_says_what_is_wrong),
        cmocka_unit_test(a_digest_asks_at_one_event),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
