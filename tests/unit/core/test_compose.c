#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "plugin/core/compose.h"

static const struct fp_id user = {.len = 4, .text = "anna"};
static const struct fp_id device = {.len = 5, .text = "phone"};
static const struct compose_place place = {.conv = {.len = 1, .text = "c"}, .head = 7, .at = {.ms = 5000}};

static void an_event_takes_the_next_seq_and_names_its_author(void **state)
{
    (void)state;
    struct fp_command c = {.kind = FP_K_MSG, .n = 3, .seen = 6, .priority = 1, .ref = 2};
    struct fp_event ev = compose_event(&c, &place, &user, &device, (struct fp_wall){.ms = 6000});

    assert_int_equal(ev.seq, 8);
    assert_int_equal(ev.at.ms, 6000);
    assert_int_equal(ev.n, 3);
    assert_int_equal(ev.seen, 6);
    assert_int_equal(ev.priority, 1);
    assert_int_equal(ev.ref, 2);
    assert_true(fp_id_eq(&ev.user, &user) && fp_id_eq(&ev.device, &device));
    assert_false(ev.has_composed);
    assert_int_equal(ev.flags, 0);
}

static void at_never_decreases_within_a_conversation(void **state)
{
    (void)state;
    struct fp_command c = {.kind = FP_K_MSG, .n = 1};
    assert_int_equal(compose_event(&c, &place, &user, &device, (struct fp_wall){.ms = 10}).at.ms, 5000);
}

static void seen_is_never_above_the_head(void **state)
{
    (void)state;
    struct fp_command c = {.kind = FP_K_MSG, .n = 1, .seen = 99};
    assert_int_equal(compose_event(&c, &place, &user, &device, (struct fp_wall){.ms = 6000}).seen, 7);
}

static void an_old_command_says_when_it_was_composed(void **state)
{
    (void)state;
    struct fp_command c = {.kind = FP_K_MSG, .n = 1, .has_age = true, .age_ms = COMPOSE_WORTH_MS - 1};
    assert_false(compose_event(&c, &place, &user, &device, (struct fp_wall){.ms = 600000}).has_composed);

    c.age_ms = COMPOSE_WORTH_MS;
    struct fp_event ev = compose_event(&c, &place, &user, &device, (struct fp_wall){.ms = 600000});
    assert_true(ev.has_composed);
    assert_int_equal(ev.composed.ms, 600000 - COMPOSE_WORTH_MS);
    assert_int_equal(ev.flags, 0);

    c.age_ms = COMPOSE_OFFLINE_MS;
    assert_int_equal(compose_event(&c, &place, &user, &device, (struct fp_wall){.ms = 600000}).flags, FP_FLAG_OFFLINE);
}

static void an_absurd_age_is_no_underflow(void **state)
{
    (void)state;
    struct fp_command c = {.kind = FP_K_MSG, .n = 1, .has_age = true, .age_ms = UINT64_MAX};
    assert_int_equal(compose_event(&c, &place, &user, &device, (struct fp_wall){.ms = 6000}).composed.ms, 0);
}

static void a_command_expires_when_it_is_older_than_its_ttl(void **state)
{
    (void)state;
    struct fp_command c = {.has_age = true, .age_ms = 5000, .has_ttl = true, .ttl_s = 5};
    assert_false(compose_expired(&c));
    c.age_ms = 5001;
    assert_true(compose_expired(&c));
    c.ttl_s = UINT64_MAX;
    assert_false(compose_expired(&c));
    c.has_ttl = false;
    assert_false(compose_expired(&c));
    c = (struct fp_command){.has_ttl = true, .ttl_s = 0};
    assert_false(compose_expired(&c));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_takes_the_next_seq_and_names_its_author),
        cmocka_unit_test(at_never_decreases_within_a_conversation),
        cmocka_unit_test(seen_is_never_above_the_head),
        cmocka_unit_test(an_old_command_says_when_it_was_composed),
        cmocka_unit_test(an_absurd_age_is_no_underflow),
        cmocka_unit_test(a_command_expires_when_it_is_older_than_its_ttl),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
