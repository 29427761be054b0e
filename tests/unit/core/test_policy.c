#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fp/body.h"
#include "plugin/core/policy.h"

static uint8_t buf[512];

static struct fp_id id_of(const char *text)
{
    struct fp_id id;
    assert_true(fp_id_parse(text, strlen(text), &id));
    return id;
}

struct rule {
    const char *viewer; /* NULL: kind */
    uint64_t kind, level;
};

static struct fp_bytes policy(const struct rule *rules, size_t count)
{
    struct fp_enc e;
    fp_enc_init(&e, buf, sizeof(buf));
    fp_body_policy_begin(&e, count);
    for (size_t i = 0; i < count; i++) {
        struct fp_policy_rule rule = {.viewer_kind = rules[i].kind, .level = rules[i].level};
        if (rules[i].viewer) {
            rule.viewer = id_of(rules[i].viewer);
        }
        fp_body_policy_rule(&e, &rule);
    }
    assert_false(e.failed);
    return fp_enc_bytes_of(&e);
}
#define POLICY(...) policy((const struct rule[]){__VA_ARGS__}, sizeof((const struct rule[]){__VA_ARGS__}) / sizeof(struct rule))

static uint8_t level(struct fp_bytes p, const char *viewer, bool shares)
{
    struct fp_id id = id_of(viewer);
    return policy_level(p, &id, shares);
}

static bool ben_is_in(void *arg, const struct fp_id *viewer)
{
    struct fp_id ben = id_of("ben");
    size_t *asked = arg;
    ++*asked;
    return fp_id_eq(viewer, &ben);
}

static uint8_t scope_level(struct fp_bytes p, size_t *asked)
{
    *asked = 0;
    return policy_scope_level(p, ben_is_in, asked);
}

static void without_rules_peers_see_all_and_others_nothing(void **state)
{
    (void)state;
    struct fp_bytes none = {0};
    size_t asked;
    assert_int_equal(level(none, "ben", true), FP_LEVEL_EXACT);
    assert_int_equal(level(none, "ben", false), FP_LEVEL_HIDDEN);
    assert_int_equal(level(policy(NULL, 0), "ben", true), FP_LEVEL_EXACT);
    assert_true(policy_is_open(none));
    assert_int_equal(scope_level(none, &asked), FP_LEVEL_EXACT);
}

static void the_nearest_rule_counts(void **state)
{
    (void)state;
    struct fp_bytes p = POLICY({NULL, FP_VIEWER_EVERYONE, FP_LEVEL_HIDDEN}, {NULL, FP_VIEWER_SCOPE, FP_LEVEL_DAY}, {"ben", 0, FP_LEVEL_QUARTER});
    assert_int_equal(level(p, "ben", true), FP_LEVEL_QUARTER);
    assert_int_equal(level(p, "carl", true), FP_LEVEL_DAY);
    p = POLICY({NULL, FP_VIEWER_EVERYONE, FP_LEVEL_QUARTER});
    assert_int_equal(level(p, "carl", true), FP_LEVEL_QUARTER);
}

static void a_stranger_sees_nothing_whatever_the_rules(void **state)
{
    (void)state;
    struct fp_bytes p = POLICY({NULL, FP_VIEWER_EVERYONE, FP_LEVEL_EXACT}, {"ben", 0, FP_LEVEL_EXACT});
    assert_int_equal(level(p, "ben", false), FP_LEVEL_HIDDEN);
}

static void of_two_rules_the_one_that_shows_less_counts(void **state)
{
    (void)state;
    struct fp_bytes p = POLICY({"ben", 0, FP_LEVEL_DAY}, {"ben", 0, FP_LEVEL_EXACT}, {NULL, FP_VIEWER_SCOPE, FP_LEVEL_EXACT},
                               {NULL, FP_VIEWER_SCOPE, FP_LEVEL_QUARTER});
    assert_int_equal(level(p, "ben", true), FP_LEVEL_DAY);
    assert_int_equal(level(p, "carl", true), FP_LEVEL_QUARTER);
}

static void nobody_means_nobody(void **state)
{
    (void)state;
    size_t asked;
    struct fp_bytes p = POLICY({NULL, FP_VIEWER_NOBODY, FP_LEVEL_EXACT}, {"ben", 0, FP_LEVEL_EXACT}, {NULL, FP_VIEWER_SCOPE, FP_LEVEL_EXACT});
    assert_int_equal(level(p, "ben", true), FP_LEVEL_HIDDEN);
    assert_int_equal(level(p, "carl", true), FP_LEVEL_HIDDEN);
    assert_int_equal(scope_level(p, &asked), FP_LEVEL_HIDDEN);
    assert_false(policy_is_open(p));
}

static void a_scope_sees_what_the_least_trusted_of_its_members_may(void **state)
{
    (void)state;
    size_t asked;
    assert_int_equal(scope_level(POLICY({"ben", 0, FP_LEVEL_HIDDEN}), &asked), FP_LEVEL_HIDDEN);
    assert_int_equal(scope_level(POLICY({"carl", 0, FP_LEVEL_HIDDEN}), &asked), FP_LEVEL_EXACT); /* he is not in it */
    assert_int_equal(asked, 1);
    assert_int_equal(scope_level(POLICY({"ben", 0, FP_LEVEL_DAY}), &asked), FP_LEVEL_DAY);
    assert_int_equal(scope_level(POLICY({NULL, FP_VIEWER_SCOPE, FP_LEVEL_DAY}, {"ben", 0, FP_LEVEL_EXACT}), &asked), FP_LEVEL_DAY);
    assert_int_equal(asked, 0);
}

static void it_is_open_only_where_nobody_is_hidden_from(void **state)
{
    (void)state;
    assert_false(policy_is_open(POLICY({"carl", 0, FP_LEVEL_HIDDEN})));
    assert_false(policy_is_open(POLICY({NULL, FP_VIEWER_EVERYONE, FP_LEVEL_HIDDEN})));
    assert_true(policy_is_open(POLICY({"carl", 0, FP_LEVEL_DAY}, {NULL, FP_VIEWER_SCOPE, FP_LEVEL_DAY})));
}

static void what_cannot_be_read_hides(void **state)
{
    (void)state;
    size_t asked;
    struct fp_bytes bad = fp_bytes_of("\x9f", 1);
    assert_int_equal(level(bad, "ben", true), FP_LEVEL_HIDDEN);
    assert_int_equal(scope_level(bad, &asked), FP_LEVEL_HIDDEN);
    assert_false(policy_is_open(bad));
}

static void times_are_rounded_down(void **state)
{
    (void)state;
    struct fp_wall at = {.ms = 1700000000000}; /* 22:13:20 */
    assert_int_equal(policy_round(FP_LEVEL_EXACT, at).ms, 1700000000000);
    assert_int_equal(policy_round(FP_LEVEL_QUARTER, at).ms, 1699999200000);
    assert_int_equal(policy_round(FP_LEVEL_DAY, at).ms, 1699920000000);
    assert_int_equal(policy_round(FP_LEVEL_DAY, (struct fp_wall){0}).ms, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_rules_peers_see_all_and_others_nothing),
        cmocka_unit_test(the_nearest_rule_counts),
        cmocka_unit_test(a_stranger_sees_nothing_whatever_the_rules),
        cmocka_unit_test(of_two_rules_the_one_that_shows_less_counts),
        cmocka_unit_test(nobody_means_nobody),
        cmocka_unit_test(a_scope_sees_what_the_least_trusted_of_its_members_may),
        cmocka_unit_test(it_is_open_only_where_nobody_is_hidden_from),
        cmocka_unit_test(what_cannot_be_read_hides),
        cmocka_unit_test(times_are_rounded_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
