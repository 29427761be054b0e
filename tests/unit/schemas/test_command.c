#include "hex.h"

#include "fp/command.h"

static struct fp_command decode(const char *text, enum fp_err want)
{
    struct fp_bytes in = hex(text);
    struct fp_command c;
    const char *why = NULL;
    enum fp_err err = fp_command_decode(in, FP_COMMAND_BYTES_MAX, &c, &why);
    hex_free(in);
    if (err != want) {
        fail_msg("%s: %s (%s)", text, fp_err_name(err), why ? why : "-");
    }
    assert_int_equal(why != NULL, err != FP_OK);
    c.body.p = NULL; /* they would dangle */
    c.trace.p = NULL;
    return c;
}

static const char *why_not(const char *text)
{
    struct fp_bytes in = hex(text);
    struct fp_command c;
    const char *why = NULL;
    assert_int_not_equal(fp_command_decode(in, FP_COMMAND_BYTES_MAX, &c, &why), FP_OK);
    hex_free(in);
    assert_non_null(why);
    assert_in_range(strlen(why), 1, FP_REASON_BYTES_MAX);
    return why;
}

/* ------------------------------------------------------------------ kinds */

static void kinds_are_durable_and_now_as_the_contract_says(void **state)
{
    (void)state;
    static const uint8_t durable[] = {20, 21, 22, 23, 24, 25, 40, 41, 42, 43, 44, 70, 80, 81};
    static const uint8_t now[] = {4, 5, 50, 60};
    static const uint8_t up[] = {1, 2, 3, 10, 11, 12, 30, 31, 51, 52, 71, 72, 90, 91};
    uint8_t want[256] = {0};
    for (size_t i = 0; i < sizeof durable; i++) {
        want[durable[i]] = 1 | 2;
    }
    for (size_t i = 0; i < sizeof now; i++) {
        want[now[i]] = 1 | 4;
    }
    for (size_t i = 0; i < sizeof up; i++) {
        want[up[i]] = 1;
    }
    for (uint64_t kind = 0; kind < 256; kind++) {
        assert_int_equal(fp_kind_is_known(kind), (want[kind] & 1) != 0);
        assert_int_equal(fp_kind_is_durable(kind), (want[kind] & 2) != 0);
        assert_int_equal(fp_kind_is_now(kind), (want[kind] & 4) != 0);
    }
    assert_false(fp_kind_is_known(UINT64_MAX) || fp_kind_is_durable(UINT64_MAX) || fp_kind_is_now(UINT64_MAX));
}

/* ------------------------------------------------------------------ uplink */

static enum fp_err open_hex(const char *text, size_t commands_max, size_t *out_count)
{
    struct fp_bytes in = hex(text);
    struct fp_uplink u;
    struct fp_bytes one;
    const char *why = NULL;
    enum fp_err err = fp_uplink_open(&u, in, commands_max, &why);
    assert_int_equal(why != NULL, err != FP_OK);
    for (*out_count = 0; fp_uplink_next(&u, &one); ++*out_count) {
        assert_true(one.p >= in.p && one.p + one.len <= in.p + in.len);
    }
    hex_free(in);
    return err;
}

static void an_uplink_is_one_command_or_several(void **state)
{
    (void)state;
    size_t count;
    assert_int_equal(open_hex("a10102", 64, &count), FP_OK);
    assert_int_equal(count, 1);
    assert_int_equal(open_hex("83 a10102 a1010b a10102", 64, &count), FP_OK);
    assert_int_equal(count, 3);
    assert_int_equal(open_hex("81 a10102", 64, &count), FP_OK);
    assert_int_equal(count, 1);
}

static void a_batch_has_a_limit(void **state)
{
    (void)state;
    size_t count;
    assert_int_equal(open_hex("82 a10102 a1010b", 2, &count), FP_OK);
    assert_int_equal(count, 2);
    assert_int_equal(open_hex("83 a10102 a1010b a10102", 2, &count), FP_ETOOLARGE);
    assert_int_equal(count, 0);
}

static void an_uplink_that_is_not_well_formed_yields_nothing(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "80", "00", "6161", "82 a10102", "a10102 00", "82 a10102 a1011c", "9f a10102 ff", "f6"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        size_t count;
        assert_int_equal(open_hex(bad[i], 64, &count), FP_EMALFORMED);
        assert_int_equal(count, 0);
    }
}

static void an_uplink_has_a_limit_in_bytes(void **state)
{
    (void)state;
    size_t cap = FP_BATCH_BYTES_MAX + 1;
    uint8_t *buf = malloc(cap);
    assert_non_null(buf);
    for (size_t extra = 0; extra <= 1; extra++) {
        /* {1: 2, 10: bytes}, which as a whole is as long as the limit, or one byte longer */
        struct fp_enc e;
        fp_enc_init(&e, buf, cap);
        fp_enc_map(&e, 2);
        fp_enc_uint(&e, 1);
        fp_enc_uint(&e, 2);
        fp_enc_uint(&e, 10);
        size_t rest = FP_BATCH_BYTES_MAX + extra - e.len - 5;
        uint8_t *body = calloc(1, rest);
        assert_non_null(body);
        fp_enc_bytes(&e, body, rest);
        free(body);
        assert_int_equal(e.len, FP_BATCH_BYTES_MAX + extra);
        struct fp_uplink u;
        const char *why;
        assert_int_equal(fp_uplink_open(&u, fp_enc_bytes_of(&e), 64, &why), extra ? FP_ETOOLARGE : FP_OK);
    }
    free(buf);
}

/* ------------------------------------------------------------------ command */

static void every_field_is_read(void **state)
{
    (void)state;
    struct fp_bytes in = hex("ab 01 14 02 1829 03 6163 04 0c 05 1903e8 06 00 07 183c 08 0a 09 03 0a a1016168 0f 50 000102030405060708090a0b0c0d0e0f");
    struct fp_command c;
    const char *why;
    assert_int_equal(fp_command_decode(in, FP_COMMAND_BYTES_MAX, &c, &why), FP_OK);

    assert_int_equal(c.kind, FP_K_MSG);
    assert_int_equal(c.n, 41);
    assert_id(c.conv, "c");
    assert_int_equal(c.seen, 12);
    assert_true(c.has_age && c.has_ttl && c.has_base);
    assert_int_equal(c.age_ms, 1000);
    assert_int_equal(c.priority, FP_PRIORITY_SAFETY);
    assert_int_equal(c.ttl_s, 60);
    assert_int_equal(c.ref, 10);
    assert_int_equal(c.base, 3);
    assert_bytes(c.body, "a1016168");
    assert_bytes(c.trace, "000102030405060708090a0b0c0d0e0f");

    uint8_t buf[128];
    struct fp_enc e;
    fp_enc_init(&e, buf, sizeof buf);
    assert_true(fp_command_encode(&e, &c));
    assert_true(fp_bytes_eq(fp_enc_bytes_of(&e), in));
    hex_free(in);
}

static void what_is_absent_has_its_default(void **state)
{
    (void)state;
    struct fp_command c = decode("a10102", FP_OK);
    assert_int_equal(c.kind, FP_K_BYE);
    assert_int_equal(c.n, 0);
    assert_true(fp_id_is_none(&c.conv));
    assert_int_equal(c.priority, FP_PRIORITY_NORMAL);
    assert_false(c.has_age || c.has_ttl || c.has_base);
    assert_int_equal(c.body.len, 0);
    assert_int_equal(c.trace.len, 0);

    uint8_t buf[8];
    struct fp_enc e;
    fp_enc_init(&e, buf, sizeof buf);
    assert_true(fp_command_encode(&e, &c));
    assert_bytes(fp_enc_bytes_of(&e), "a10102");
}

static void unknown_keys_are_skipped(void **state)
{
    (void)state;
    struct fp_command c = decode("a5 01 14 02 05 0b a101820203 184d 6161 6178 f6", FP_OK);
    assert_int_equal(c.kind, FP_K_MSG);
    assert_int_equal(c.n, 5);
}

static void a_bad_field_is_named_and_kind_and_n_survive(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        const char *why;
        uint64_t kind;
        uint64_t n;
    } rows[] = {
        {"a3 01 14 02 05 03 60", "conversation: not an id of 1 to 36 characters of A-Z a-z 0-9 . _ ~ -", 20, 5},
        {"a3 01 14 02 05 03 07", "conversation: not an id of 1 to 36 characters of A-Z a-z 0-9 . _ ~ -", 20, 5},
        {"a3 01 14 02 05 04 20", "seen: not a number", 20, 5},
        {"a3 01 14 02 05 05 20", "age: not a number", 20, 5},
        {"a3 01 14 02 05 06 04", "priority: not 0 to 3", 20, 5},
        {"a3 01 14 02 05 06 190100", "priority: not 0 to 3", 20, 5},
        {"a3 01 14 02 05 07 f6", "ttl: not a number", 20, 5},
        {"a3 01 14 02 05 08 f93c00", "ref: not a number", 20, 5},
        {"a3 01 14 02 05 09 6161", "base: not a number", 20, 5},
        {"a3 01 14 02 05 0a 818181818180", "body: nested deeper than 5", 20, 5},
        {"a3 01 14 02 05 0f 4f 000102030405060708090a0b0c0d0e", "trace: not 16 bytes", 20, 5},
        {"a3 01 14 02 05 0f 51 000102030405060708090a0b0c0d0e0f10", "trace: not 16 bytes", 20, 5},
        {"a3 01 14 02 05 0f 70 30303030303030303030303030303030", "trace: not 16 bytes", 20, 5},
        {"a2 01 6161 02 05", "kind: not a number from 1", 0, 5},
        {"a2 01 00 02 05", "kind: not a number from 1", 0, 5},
        {"a1 02 05", "kind: missing", 0, 5},
        {"a2 01 14 02 00", "n: not a number from 1", 20, 0},
        {"a2 01 14 02 20", "n: not a number from 1", 20, 0},
        {"a1 01 14", "n: missing, but this kind is durable", 20, 0},
        {"a2 01 02 02 05", "n: given, but this kind is not durable", 2, 5},
        {"05", "command: not a map", 0, 0},
        {"80", "command: not a map", 0, 0},
        {"a0", "kind: missing", 0, 0},
        {"a2 01 14 02 05 00", "CBOR: cut short, or more bytes after the item", 20, 5},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fp_command c = decode(rows[i].hex, FP_EMALFORMED);
        assert_string_equal(why_not(rows[i].hex), rows[i].why);
        assert_int_equal(c.kind, rows[i].kind);
        assert_int_equal(c.n, rows[i].n);
    }
}

static void the_other_side_of_each_limit_is_taken(void **state)
{
    (void)state;
    assert_int_equal(decode("a3 01 14 02 05 06 03", FP_OK).priority, FP_PRIORITY_BULK);
    assert_int_equal(decode("a3 01 14 02 05 0a 8181818180", FP_OK).body.len, 5);
    assert_int_equal(decode("a3 01 14 02 05 0f 50 000102030405060708090a0b0c0d0e0f", FP_OK).trace.len, 16);
    assert_int_equal(decode("a2 01 14 02 01", FP_OK).n, 1);
    assert_true(decode("a2 01 14 02 1bffffffffffffffff", FP_OK).n == UINT64_MAX);
}

static void an_unknown_kind_is_unsupported_with_all_it_brought(void **state)
{
    (void)state;
    struct fp_command c = decode("a3 01 1863 02 07 03 6163", FP_EUNSUPPORTED);
    assert_int_equal(c.kind, 99);
    assert_int_equal(c.n, 7);
    assert_id(c.conv, "c");
    assert_true(c.hash != 0);
    assert_int_equal(decode("a1 01 1863", FP_EUNSUPPORTED).n, 0);
}

static void a_command_has_a_limit_in_bytes_and_keeps_its_name_beyond_it(void **state)
{
    (void)state;
    struct fp_bytes in = hex("a3 01 14 02 05 0a 48 0001020304050607");
    struct fp_command c;
    const char *why;
    assert_int_equal(fp_command_decode(in, in.len, &c, &why), FP_OK);
    uint64_t hash = c.hash;
    assert_int_equal(fp_command_decode(in, in.len - 1, &c, &why), FP_ETOOLARGE);
    assert_string_equal(why, "command: too many bytes");
    assert_int_equal(c.kind, 20);
    assert_int_equal(c.n, 5);
    assert_true(c.hash == hash);
    assert_int_equal(c.body.len, 0);
    hex_free(in);
}

static void the_hash_leaves_out_the_age_and_nothing_else(void **state)
{
    (void)state;
    uint64_t plain = decode("a3 01 14 02 05 0a a1016168", FP_OK).hash;
    assert_true(decode("a4 01 14 02 05 05 00 0a a1016168", FP_OK).hash == plain);
    assert_true(decode("a4 01 14 02 05 05 1903e8 0a a1016168", FP_OK).hash == plain);

    assert_true(decode("a3 01 14 02 05 0a a1016169", FP_OK).hash != plain);
    assert_true(decode("a3 01 15 02 05 0a a1016168", FP_OK).hash != plain);
    assert_true(decode("a3 01 14 02 06 0a a1016168", FP_OK).hash != plain);
    assert_true(decode("a4 01 14 02 05 07 00 0a a1016168", FP_OK).hash != plain);
    assert_true(decode("a4 01 14 02 05 0a a1016168 184d 00", FP_OK).hash != plain);
}

static void a_refused_command_has_the_hash_of_its_bytes_too(void **state)
{
    (void)state;
    uint64_t bad = decode("a3 01 14 02 05 06 04", FP_EMALFORMED).hash;
    assert_true(decode("a4 01 14 02 05 05 187b 06 04", FP_EMALFORMED).hash == bad);
    assert_true(decode("a3 01 14 02 05 06 05", FP_EMALFORMED).hash != bad);
}

static void what_does_not_fit_is_not_encoded(void **state)
{
    (void)state;
    struct fp_command c = decode("a4 01 14 02 05 03 6163 06 01", FP_OK);
    uint8_t buf[16];
    for (size_t cap = 0; cap <= 11; cap++) {
        struct fp_enc e;
        fp_enc_init(&e, buf, cap);
        assert_int_equal(fp_command_encode(&e, &c), cap >= 10);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_are_durable_and_now_as_the_contract_says),
        cmocka_unit_test(an_uplink_is_one_command_or_several),
        cmocka_unit_test(a_batch_has_a_limit),
        cmocka_unit_test(an_uplink_that_is_not_well_formed_yields_nothing),
        cmocka_unit_test(an_uplink_has_a_limit_in_bytes),
        cmocka_unit_test(every_field_is_read),
        cmocka_unit_test(what_is_absent_has_its_default),
        cmocka_unit_test(unknown_keys_are_skipped),
        cmocka_unit_test(a_bad_field_is_named_and_kind_and_n_survive),
        cmocka_unit_test(the_other_side_of_each_limit_is_taken),
        cmocka_unit_test(an_unknown_kind_is_unsupported_with_all_it_brought),
        cmocka_unit_test(a_command_has_a_limit_in_bytes_and_keeps_its_name_beyond_it),
        cmocka_unit_test(the_hash_leaves_out_the_age_and_nothing_else),
        cmocka_unit_test(a_refused_command_has_the_hash_of_its_bytes_too),
        cmocka_unit_test(what_does_not_fit_is_not_encoded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
