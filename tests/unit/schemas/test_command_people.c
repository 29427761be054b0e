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

/* ------------------------------------------------------------------ watch */

static void a_watch_is_read_user_by_user(void **state)
{
    (void)state;
    struct fp_bytes in = hex("a3 01 82 63616e6e 63626f62 02 1878 03 f6");
    struct fp_watch w;
    struct fp_id user;
    const char *why;
    assert_int_equal(fp_watch_decode(in, &w, &why), FP_OK);
    assert_int_equal(w.ttl_s, 120);
    assert_int_equal(w.count, 2);
    assert_true(fp_watch_next(&w, &user));
    assert_id(user, "ann");
    assert_true(fp_watch_next(&w, &user));
    assert_id(user, "bob");
    assert_false(fp_watch_next(&w, &user));
    assert_false(fp_watch_next(&w, &user));
    hex_free(in);
}

static void a_bad_watch_names_its_field(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"a2 01 80 02 00", FP_OK, NULL}, /* no more */
        {"a2 01 80 02 190258", FP_OK, NULL},
        {"a2 01 80 02 190259", FP_ETOOLARGE, "ttl: more than 600 seconds"},
        {"", FP_EMALFORMED, "watch: its body is missing or no map"},
        {"80", FP_EMALFORMED, "watch: its body is missing or no map"},
        {"a0", FP_EMALFORMED, "users: missing"},
        {"a1 02 00", FP_EMALFORMED, "users: missing"},
        {"a1 01 80", FP_EMALFORMED, "ttl: missing"},
        {"a2 01 a0 02 00", FP_EMALFORMED, "users: not an array"},
        {"a2 01 81 60 02 00", FP_EMALFORMED, "users: one is not an id"},
        {"a2 01 81 00 02 00", FP_EMALFORMED, "users: one is not an id"},
        {"a2 01 80 02 20", FP_EMALFORMED, "ttl: not a number of seconds"},
        {"a2 01 80 02 f6", FP_EMALFORMED, "ttl: not a number of seconds"},
        {"a2 01 80 02 00 00", FP_EMALFORMED, TAIL},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct fp_bytes in = hex(rows[i].hex);
        struct fp_watch w;
        const char *why = NULL;
        enum fp_err err = fp_watch_decode(in, &w, &why);
        assert_row(&rows[i], err, why);
        hex_free(in);
    }
}

static void watched_users_have_a_limit(void **state)
{
    (void)state;
    static uint8_t buf[8 * FP_WATCH_USERS_MAX];
    for (size_t extra = 0; extra <= 1; extra++) {
        struct fp_enc e;
        fp_enc_init(&e, buf, sizeof buf);
        fp_enc_map(&e, 2);
        fp_enc_uint(&e, FP_WATCH_USERS);
        fp_enc_array(&e, FP_WATCH_USERS_MAX + extra);
        for (size_t i = 0; i < FP_WATCH_USERS_MAX + extra; i++) {
            fp_enc_text(&e, "user", 4);
        }
        fp_enc_uint(&e, FP_WATCH_TTL);
        fp_enc_uint(&e, 60);
        assert_false(e.failed);
        struct fp_watch w;
        const char *why = NULL;
        assert_int_equal(fp_watch_decode(fp_enc_bytes_of(&e), &w, &why), extra ? FP_ETOOLARGE : FP_OK);
        if (extra) {
            assert_string_equal(why, "users: more than 200");
        }
    }
}

/* ------------------------------------------------------------------ idle, typing, activity */

static void a_flag_is_true_or_false_and_nothing_else(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"f4", FP_OK, NULL},
        {"f5", FP_OK, NULL},
        {"", FP_EMALFORMED, "body: neither true nor false"},
        {"f6", FP_EMALFORMED, "body: neither true nor false"},
        {"01", FP_EMALFORMED, "body: neither true nor false"},
        {"81 f5", FP_EMALFORMED, "body: neither true nor false"},
        {"f5 f5", FP_EMALFORMED, TAIL},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct fp_bytes in = hex(rows[i].hex);
        bool flag = i == 0;
        const char *why = NULL;
        enum fp_err err = fp_flag_decode(in, &flag, &why);
        assert_row(&rows[i], err, why);
        if (!err) {
            assert_int_equal(flag, i == 1);
        }
        hex_free(in);
    }
}

static void an_activity_is_one_of_three(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"00", FP_OK, NULL},
        {"01", FP_OK, NULL},
        {"02", FP_OK, NULL},
        {"03", FP_EMALFORMED, "activity: not 0 to 2"},
        {"190100", FP_EMALFORMED, "activity: not 0 to 2"}, /* 0, if it were cut to a byte */
        {"20", FP_EMALFORMED, "activity: not 0 to 2"},
        {"f5", FP_EMALFORMED, "activity: not 0 to 2"},
        {"", FP_EMALFORMED, "activity: not 0 to 2"},
        {"01 01", FP_EMALFORMED, TAIL},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct fp_bytes in = hex(rows[i].hex);
        uint8_t activity = 9;
        const char *why = NULL;
        enum fp_err err = fp_activity_decode(in, &activity, &why);
        assert_row(&rows[i], err, why);
        if (!err) {
            assert_int_equal(activity, i);
        }
        hex_free(in);
    }
}

/* ------------------------------------------------------------------ status */

static void what_a_client_writes_of_a_status_is_read(void **state)
{
    (void)state;
    uint8_t buf[64];
    struct fp_enc e;
    struct fp_status s;
    const char *why;
    fp_enc_init(&e, buf, sizeof buf);
    fp_body_status(&e, "on leave", 8, 5000);
    assert_int_equal(fp_status_decode(fp_enc_bytes_of(&e), &s, &why), FP_OK);
    assert_text(s.text, "on leave");
    assert_int_equal(s.until.ms, 5000);

    fp_enc_init(&e, buf, sizeof buf);
    fp_body_status(&e, NULL, 0, 0);
    assert_int_equal(fp_status_decode(fp_enc_bytes_of(&e), &s, &why), FP_OK);
    assert_int_equal(s.text.len, 0);
    assert_int_equal(s.until.ms, 0);
}

static void a_bad_status_names_its_field(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"a0", FP_OK, NULL},
        {"a3 01 6178 02 01 03 a0", FP_OK, NULL},
        {"", FP_EMALFORMED, "status: its body is missing or no map"},
        {"6178", FP_EMALFORMED, "status: its body is missing or no map"},
        {"a1 01 00", FP_EMALFORMED, "status: not a text"},
        {"a1 01 f6", FP_EMALFORMED, "status: not a text"},
        {"a1 02 20", FP_EMALFORMED, "until: not a time"},
        {"a1 02 f6", FP_EMALFORMED, "until: not a time"},
        {"a0 00", FP_EMALFORMED, TAIL},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct fp_bytes in = hex(rows[i].hex);
        struct fp_status s;
        const char *why = NULL;
        enum fp_err err = fp_status_decode(in, &s, &why);
        assert_row(&rows[i], err, why);
        hex_free(in);
    }
}

static void a_status_has_a_limit(void **state)
{
    (void)state;
    char text[FP_STATUS_BYTES_MAX + 1];
    memset(text, 'x', sizeof text);
    for (size_t extra = 0; extra <= 1; extra++) {
        uint8_t buf[FP_STATUS_BYTES_MAX + 16];
        struct fp_enc e;
        struct fp_status s;
        const char *why = NULL;
        fp_enc_init(&e, buf, sizeof buf);
        fp_body_status(&e, text, FP_STATUS_BYTES_MAX + extra, 0);
        assert_int_equal(fp_status_decode(fp_enc_bytes_of(&e), &s, &why), extra ? FP_ETOOLARGE : FP_OK);
        if (extra) {
            assert_string_equal(why, "status: more than 200 bytes");
        }
    }
}

/* ------------------------------------------------------------------ policy */

static void a_policy_is_read_rule_by_rule(void **state)
{
    (void)state;
    struct fp_bytes in = hex("83 820000 820203 8263626f6202");
    struct fp_policy p;
    struct fp_policy_rule rule;
    const char *why;
    assert_int_equal(fp_policy_decode(in, &p, &why), FP_OK);
    assert_int_equal(p.count, 3);
    assert_true(fp_policy_next(&p, &rule));
    assert_true(fp_id_is_none(&rule.viewer));
    assert_true(rule.viewer_kind == FP_VIEWER_EVERYONE && rule.level == FP_LEVEL_HIDDEN);
    assert_true(fp_policy_next(&p, &rule));
    assert_true(rule.viewer_kind == FP_VIEWER_NOBODY && rule.level == FP_LEVEL_EXACT);
    assert_true(fp_policy_next(&p, &rule));
    assert_id(rule.viewer, "bob");
    assert_int_equal(rule.level, FP_LEVEL_QUARTER);
    assert_false(fp_policy_next(&p, &rule));
    assert_false(fp_policy_next(&p, &rule));
    hex_free(in);
}

static void a_bad_policy_says_what_is_wrong(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"80", FP_OK, NULL},
        {"81 820103", FP_OK, NULL},
        {"", FP_EMALFORMED, "policy: its body is missing or no array"},
        {"a0", FP_EMALFORMED, "policy: its body is missing or no array"},
        {"81 00", FP_EMALFORMED, "policy: a rule is not a viewer and a level"},
        {"81 8100", FP_EMALFORMED, "policy: a rule is not a viewer and a level"},
        {"81 83000000", FP_EMALFORMED, "policy: a rule is not a viewer and a level"},
        {"81 820300", FP_EMALFORMED, "policy: a viewer is neither an id nor 0 to 2"}, /* reserved */
        {"81 820400", FP_EMALFORMED, "policy: a viewer is neither an id nor 0 to 2"},
        {"81 82f600", FP_EMALFORMED, "policy: a viewer is neither an id nor 0 to 2"},
        {"81 826000", FP_EMALFORMED, "policy: a viewer is not an id"},
        {"81 82612f00", FP_EMALFORMED, "policy: a viewer is not an id"},
        {"81 820004", FP_EMALFORMED, "policy: a level is not 0 to 3"},
        {"81 820020", FP_EMALFORMED, "policy: a level is not 0 to 3"},
        {"81 820000 00", FP_EMALFORMED, TAIL},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct fp_bytes in = hex(rows[i].hex);
        struct fp_policy p;
        const char *why = NULL;
        enum fp_err err = fp_policy_decode(in, &p, &why);
        assert_row(&rows[i], err, why);
        hex_free(in);
    }
}

static void a_policys_rules_have_a_limit(void **state)
{
    (void)state;
    static uint8_t buf[8 * FP_POLICY_RULES_MAX];
    for (size_t extra = 0; extra <= 1; extra++) {
        struct fp_enc e;
        struct fp_policy p;
        const char *why = NULL;
        struct fp_policy_rule rule = {.viewer_kind = FP_VIEWER_SCOPE, .level = FP_LEVEL_DAY};
        fp_enc_init(&e, buf, sizeof buf);
        fp_body_policy_begin(&e, FP_POLICY_RULES_MAX + extra);
        for (size_t i = 0; i < FP_POLICY_RULES_MAX + extra; i++) {
            fp_body_policy_rule(&e, &rule);
        }
        assert_int_equal(fp_policy_decode(fp_enc_bytes_of(&e), &p, &why), extra ? FP_ETOOLARGE : FP_OK);
        if (extra) {
            assert_string_equal(why, "policy: more than 64 rules");
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_watch_is_read_user_by_user),
        cmocka_unit_test(a_bad_watch_names_its_field),
        cmocka_unit_test(watched_users_have_a_limit),
        cmocka_unit_test(a_flag_is_true_or_false_and_nothing_else),
        cmocka_unit_test(an_activity_is_one_of_three),
        cmocka_unit_test(what_a_client_writes_of_a_status_is_read),
        cmocka_unit_test(a_bad_status_names_its_field),
        cmocka_unit_test(a_status_has_a_limit),
        cmocka_unit_test(a_policy_is_read_rule_by_rule),
        cmocka_unit_test(a_bad_policy_says_what_is_wrong),
        cmocka_unit_test(a_policys_rules_have_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
