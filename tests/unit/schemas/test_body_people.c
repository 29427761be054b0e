#include "hex.h"

#include "fp/body.h"

static uint8_t buf[64];
static struct fp_enc e;

static int fresh(void **state)
{
    (void)state;
    fp_enc_init(&e, buf, sizeof buf);
    return 0;
}

static void a_policy_reads_back_in_its_order(void **state)
{
    (void)state;
    const struct fp_policy_rule rules[] = {
        {.viewer = id_of("bob"), .viewer_kind = FP_VIEWER_NOBODY, .level = FP_LEVEL_EXACT}, /* a user: the kind says nothing */
        {.viewer_kind = FP_VIEWER_SCOPE, .level = FP_LEVEL_QUARTER},
        {.viewer_kind = FP_VIEWER_EVERYONE, .level = FP_LEVEL_HIDDEN},
    };
    fp_body_policy_begin(&e, 3);
    for (size_t i = 0; i < 3; i++) {
        fp_body_policy_rule(&e, &rules[i]);
    }
    assert_bytes(fp_enc_bytes_of(&e), "83 8263626f6203 820102 820000");

    struct fp_policy p;
    struct fp_policy_rule rule;
    const char *why;
    assert_int_equal(fp_policy_decode(fp_enc_bytes_of(&e), &p, &why), FP_OK);
    for (size_t i = 0; i < 3; i++) {
        assert_true(fp_policy_next(&p, &rule));
        assert_true(fp_id_eq(&rule.viewer, &rules[i].viewer) && rule.level == rules[i].level);
        assert_true(i == 0 || rule.viewer_kind == rules[i].viewer_kind);
    }
    assert_false(fp_policy_next(&p, &rule));
}

static void a_policy_without_rules_is_an_empty_array(void **state)
{
    (void)state;
    struct fp_policy p;
    const char *why;
    fp_body_policy_begin(&e, 0);
    assert_bytes(fp_enc_bytes_of(&e), "80");
    assert_int_equal(fp_policy_decode(fp_enc_bytes_of(&e), &p, &why), FP_OK);
    assert_int_equal(p.count, 0);
}

static void a_watch_reads_back(void **state)
{
    (void)state;
    const struct fp_id users[] = {id_of("zoe"), id_of("anna")};
    struct fp_watch w;
    struct fp_id user;
    const char *why;
    fp_body_watch_begin(&e, 2);
    fp_body_watch_user(&e, &users[0]);
    fp_body_watch_user(&e, &users[1]);
    fp_body_watch_end(&e, FP_WATCH_TTL_MAX);
    assert_bytes(fp_enc_bytes_of(&e), "a2 01 82 637a6f65 64616e6e61 02 190258");
    assert_int_equal(fp_watch_decode(fp_enc_bytes_of(&e), &w, &why), FP_OK);
    assert_int_equal(w.ttl_s, FP_WATCH_TTL_MAX);
    for (size_t i = 0; i < 2; i++) {
        assert_true(fp_watch_next(&w, &user));
        assert_true(fp_id_eq(&user, &users[i]));
    }
    assert_false(fp_watch_next(&w, &user));
}

static void nobody_is_watched_any_more(void **state)
{
    (void)state;
    struct fp_watch w;
    const char *why;
    fp_body_watch_begin(&e, 0);
    fp_body_watch_end(&e, 0);
    assert_bytes(fp_enc_bytes_of(&e), "a2 01 80 02 00");
    assert_int_equal(fp_watch_decode(fp_enc_bytes_of(&e), &w, &why), FP_OK);
    assert_int_equal(w.count, 0);
}

static void a_digest_reads_back(void **state)
{
    (void)state;
    uint64_t seq = 0;
    const char *why;
    fp_body_digest(&e, 70000);
    assert_bytes(fp_enc_bytes_of(&e), "a1 01 1a00011170");
    assert_int_equal(fp_digest_decode(fp_enc_bytes_of(&e), &seq, &why), FP_OK);
    assert_int_equal(seq, 70000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_policy_reads_back_in_its_order, fresh),
        cmocka_unit_test_setup(a_policy_without_rules_is_an_empty_array, fresh),
        cmocka_unit_test_setup(a_watch_reads_back, fresh),
        cmocka_unit_test_setup(nobody_is_watched_any_more, fresh),
        cmocka_unit_test_setup(a_digest_reads_back, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
