#include "hex.h"

#include "fp/command.h"

struct row {
    const char *hex;
    enum fp_err err;
    const char *why;
};

#define COUNT(rows) (sizeof(rows) / sizeof(rows)[0])

static void assert_row(const struct row *row, enum fp_err err, const char *why)
{
    if (err != row->err || (err && strcmp(why, row->why) != 0)) {
        fail_msg("%s: %s (%s)", row->hex, fp_err_name(err), why ? why : "-");
    }
}

/* ------------------------------------------------------------------ hello */

static void a_hello_is_read_with_its_cursors(void **state)
{
    (void)state;
    struct fp_bytes in = hex("a5 01 01 02 63617070 03 f5 04 a2 6161 05 626262 00 05 f5");
    struct fp_hello h;
    const char *why;
    struct fp_id conv;
    uint64_t seq;
    assert_int_equal(fp_hello_decode(in, &h, &why), FP_OK);

    assert_int_equal(h.protocol, 1);
    assert_text(h.app, "app");
    assert_true(h.fresh && h.zlib);
    assert_int_equal(h.cursor_count, 2);
    assert_true(fp_hello_cursor(&h, &conv, &seq));
    assert_id(conv, "a");
    assert_int_equal(seq, 5);
    assert_true(fp_hello_cursor(&h, &conv, &seq));
    assert_id(conv, "bb");
    assert_int_equal(seq, 0);
    assert_false(fp_hello_cursor(&h, &conv, &seq));
    hex_free(in);
}

static void a_bad_hello_names_its_field(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"a1 01 01", FP_OK, NULL},
        {"a2 01 01 1863 00", FP_OK, NULL},
        {"", FP_EMALFORMED, "hello: its body is missing or no map"},
        {"f6", FP_EMALFORMED, "hello: its body is missing or no map"},
        {"a0", FP_EMALFORMED, "protocol: not version 1"},
        {"a1 01 02", FP_EUNSUPPORTED, "protocol: not version 1"},
        {"a1 01 6131", FP_EMALFORMED, "protocol: not a number"},
        {"a2 01 01 02 05", FP_EMALFORMED, "application: not a text"},
        {"a2 01 01 03 01", FP_EMALFORMED, "fresh: neither true nor false"},
        {"a2 01 01 04 80", FP_EMALFORMED, "cursors: not a map"},
        {"a2 01 01 04 a1 60 00", FP_EMALFORMED, "cursors: a conversation is not an id"},
        {"a2 01 01 04 a1 6161 20", FP_EMALFORMED, "cursors: a seq is not a number"},
        {"a2 01 01 05 f6", FP_EMALFORMED, "zlib: neither true nor false"},
        {"a2 01 01 07 01", FP_OK, NULL},
        {"a2 01 01 07 190e10", FP_OK, NULL},
        {"a2 01 01 07 00", FP_EMALFORMED, "alive: not 1 to 3600 s"},
        {"a2 01 01 07 190e11", FP_EMALFORMED, "alive: not 1 to 3600 s"},
        {"a2 01 01 07 20", FP_EMALFORMED, "alive: not 1 to 3600 s"},
        {"a2 01 01 07 f6", FP_EMALFORMED, "alive: not 1 to 3600 s"},
        {"a1 01 01 00", FP_EMALFORMED, "CBOR: cut short, or more bytes after the item"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct fp_bytes in = hex(rows[i].hex);
        struct fp_hello h;
        const char *why = NULL;
        enum fp_err err = fp_hello_decode(in, &h, &why);
        assert_row(&rows[i], err, why);
        hex_free(in);
    }
}

static void cursors_have_a_limit(void **state)
{
    (void)state;
    static uint8_t buf[16 * FP_CURSORS_MAX];
    for (size_t extra = 0; extra <= 1; extra++) {
        size_t count = FP_CURSORS_MAX + extra;
        struct fp_enc e;
        fp_enc_init(&e, buf, sizeof buf);
        fp_enc_map(&e, 2);
        fp_enc_uint(&e, FP_HELLO_PROTOCOL);
        fp_enc_uint(&e, 1);
        fp_enc_uint(&e, FP_HELLO_CURSORS);
        fp_enc_map(&e, count);
        for (size_t i = 0; i < count; i++) {
            char name[8];
            int len = snprintf(name, sizeof name, "c%04zu", i);
            fp_enc_text(&e, name, (size_t)len);
            fp_enc_uint(&e, i);
        }
        assert_false(e.failed);
        struct fp_hello h;
        const char *why = NULL;
        assert_int_equal(fp_hello_decode(fp_enc_bytes_of(&e), &h, &why), extra ? FP_ETOOLARGE : FP_OK);
        if (extra) {
            assert_string_equal(why, "cursors: more than 1000");
        }
    }
}

/* ------------------------------------------------------------------ get */

static void a_get_is_read(void **state)
{
    (void)state;
    struct fp_bytes in = hex("a4 01 07 02 18ff 03 190400 04 f5");
    struct fp_get g;
    const char *why;
    assert_int_equal(fp_get_decode(in, &g, &why), FP_OK);
    assert_int_equal(g.after, 7);
    assert_int_equal(g.upto, 255);
    assert_int_equal(g.bytes, 1024);
    assert_true(g.zlib);
    hex_free(in);
}

static void a_bad_get_names_its_field(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"a1 01 00", FP_OK, NULL},
        {"a2 01 00 05 f6", FP_OK, NULL},
        {"", FP_EMALFORMED, "get: its body is missing or no map"},
        {"01", FP_EMALFORMED, "get: its body is missing or no map"},
        {"a0", FP_EMALFORMED, "after: missing"},
        {"a1 02 05", FP_EMALFORMED, "after: missing"},
        {"a1 01 20", FP_EMALFORMED, "after: not a number"},
        {"a2 01 00 02 f6", FP_EMALFORMED, "up to: not a number"},
        {"a2 01 00 03 f6", FP_EMALFORMED, "bytes: not a number"},
        {"a2 01 00 04 01", FP_EMALFORMED, "zlib: neither true nor false"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct fp_bytes in = hex(rows[i].hex);
        struct fp_get g;
        const char *why = NULL;
        enum fp_err err = fp_get_decode(in, &g, &why);
        assert_row(&rows[i], err, why);
        hex_free(in);
    }
}

/* ------------------------------------------------------------------ conversation */

static void a_conversation_is_read_with_its_members(void **state)
{
    (void)state;
    struct fp_bytes in = hex("a5 01 6173 02 63746974 03 a2 6161 00 6162 03 04 a3 01 6162 02 6131 03 a1 01 02 05 181e");
    struct fp_conv_body b;
    const char *why;
    struct fp_id user;
    uint64_t role;
    assert_int_equal(fp_conv_body_decode(in, 3, &b, &why), FP_OK);

    assert_id(b.scope, "s");
    assert_text(b.title, "tit");
    assert_bytes(b.context, "a3 01 6162 02 6131 03 a1 01 02");
    assert_int_equal(b.retention_days, 30);
    assert_true(b.has_title && b.has_context && b.has_retention && b.has_members);
    assert_true(fp_conv_body_member(&b, &user, &role));
    assert_id(user, "a");
    assert_int_equal(role, FP_ROLE_OBSERVER);
    assert_true(fp_conv_body_member(&b, &user, &role));
    assert_id(user, "b");
    assert_int_equal(role, FP_ROLE_OWNER);
    assert_false(fp_conv_body_member(&b, &user, &role));
    hex_free(in);
}

static void a_bad_conversation_names_its_field(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"a0", FP_OK, NULL},
        {"a1 02 63616263", FP_OK, NULL},
        {"a1 18ff 00", FP_OK, NULL},
        {"a1 05 00", FP_OK, NULL},
        {"", FP_EMALFORMED, "conversation: its body is missing or no map"},
        {"a1 01 60", FP_EMALFORMED, "scope: not an id"},
        {"a1 02 43616263", FP_EMALFORMED, "title: not a text"},
        {"a1 02 6461626364", FP_ETOOLARGE, "title: too many bytes"},
        {"a1 03 80", FP_EMALFORMED, "members: not a map"},
        {"a1 03 a1 612f 00", FP_EMALFORMED, "members: a user is not an id"},
        {"a1 03 a1 6161 04", FP_EMALFORMED, "members: a role is not 0 to 3"},
        {"a1 03 a1 6161 09", FP_EMALFORMED, "members: a role is not 0 to 3"},
        {"a1 03 a1 6161 f6", FP_EMALFORMED, "members: a role is not 0 to 3"},
        {"a1 04 f6", FP_EMALFORMED, "context: not a map"},
        {"a1 04 a0", FP_EMALFORMED, "context: needs a class and an id"},
        {"a1 04 a1 01 6162", FP_EMALFORMED, "context: needs a class and an id"},
        {"a1 04 a2 01 05 02 6131", FP_EMALFORMED, "context: its class is not a text"},
        {"a1 04 a2 01 6162 02 612f", FP_EMALFORMED, "context: its id is not an id"},
        {"a1 05 20", FP_EMALFORMED, "retention: not a number of days"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct fp_bytes in = hex(rows[i].hex);
        struct fp_conv_body b;
        const char *why = NULL;
        enum fp_err err = fp_conv_body_decode(in, 3, &b, &why);
        assert_row(&rows[i], err, why);
        hex_free(in);
    }
}

static void a_context_has_a_limit_in_bytes(void **state)
{
    (void)state;
    static uint8_t buf[FP_CONTEXT_BYTES_MAX + 64];
    static const uint8_t zeros[FP_CONTEXT_BYTES_MAX] = {0};
    for (size_t extra = 0; extra <= 1; extra++) {
        struct fp_enc e;
        fp_enc_init(&e, buf, sizeof buf);
        fp_enc_map(&e, 1);
        fp_enc_uint(&e, FP_CONV_CONTEXT);
        size_t from = e.len;
        fp_enc_map(&e, 3);
        fp_enc_uint(&e, FP_CONTEXT_CLASS);
        fp_enc_text(&e, "bid", 3);
        fp_enc_uint(&e, FP_CONTEXT_ID);
        fp_enc_text(&e, "1", 1);
        fp_enc_uint(&e, FP_CONTEXT_DETAILS);
        fp_enc_bytes(&e, zeros, FP_CONTEXT_BYTES_MAX + extra - (e.len - from) - 3);
        assert_int_equal(e.len - from, FP_CONTEXT_BYTES_MAX + extra);
        struct fp_conv_body b;
        const char *why = NULL;
        assert_int_equal(fp_conv_body_decode(fp_enc_bytes_of(&e), 3, &b, &why), extra ? FP_ETOOLARGE : FP_OK);
        if (extra) {
            assert_string_equal(why, "context: more than 4096 bytes");
        }
    }
}

/* ------------------------------------------------------------------ member */

static void a_member_is_read(void **state)
{
    (void)state;
    struct fp_bytes in = hex("a3 01 63616e6e 02 02 03 09");
    struct fp_member_body m;
    const char *why;
    assert_int_equal(fp_member_body_decode(in, &m, &why), FP_OK);
    assert_id(m.user, "ann");
    assert_int_equal(m.role, FP_ROLE_MANAGER);
    assert_int_equal(m.from, 9);
    hex_free(in);

    in = hex("a1 01 63616e6e");
    assert_int_equal(fp_member_body_decode(in, &m, &why), FP_OK);
    assert_int_equal(m.role, FP_ROLE_NONE);
    assert_int_equal(m.from, 0);
    hex_free(in);
}

static void a_bad_member_names_its_field(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"a2 01 6161 02 00", FP_OK, NULL},
        {"a2 01 6161 02 03", FP_OK, NULL},
        {"a2 01 6161 6178 00", FP_OK, NULL},
        {"", FP_EMALFORMED, "member: its body is missing or no map"},
        {"a0", FP_EMALFORMED, "user: missing"},
        {"a1 02 01", FP_EMALFORMED, "user: missing"},
        {"a1 01 00", FP_EMALFORMED, "user: not an id"},
        {"a2 01 6161 02 04", FP_EMALFORMED, "role: not 0 to 3"},
        {"a2 01 6161 02 09", FP_EMALFORMED, "role: not 0 to 3"},
        {"a2 01 6161 02 18ff", FP_EMALFORMED, "role: not 0 to 3"},
        {"a2 01 6161 02 20", FP_EMALFORMED, "role: not 0 to 3"},
        {"a2 01 6161 03 f6", FP_EMALFORMED, "from: not a number"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct fp_bytes in = hex(rows[i].hex);
        struct fp_member_body m;
        const char *why = NULL;
        enum fp_err err = fp_member_body_decode(in, &m, &why);
        assert_row(&rows[i], err, why);
        hex_free(in);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hello_is_read_with_its_cursors),
        cmocka_unit_test(a_bad_hello_names_its_field),
        cmocka_unit_test(cursors_have_a_limit),
        cmocka_unit_test(a_get_is_read),
        cmocka_unit_test(a_bad_get_names_its_field),
        cmocka_unit_test(a_conversation_is_read_with_its_members),
        cmocka_unit_test(a_bad_conversation_names_its_field),
        cmocka_unit_test(a_context_has_a_limit_in_bytes),
        cmocka_unit_test(a_member_is_read),
        cmocka_unit_test(a_bad_member_names_its_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
