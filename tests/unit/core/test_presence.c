#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "plugin/core/presence.h"
#include "tests/support/sim_random.h"

static struct fp_wall at(uint64_t ms)
{
    return (struct fp_wall){.ms = ms};
}

static void assert_state(const struct presence *p, uint8_t state, uint64_t since)
{
    assert_int_equal(p->state, state);
    assert_int_equal(p->since.ms, since);
}

static void the_highest_activity_counts(void **state)
{
    (void)state;
    struct presence p = {0};
    assert_state(&p, FP_PERSON_OFFLINE, 0);
    assert_true(presence_begin(&p, FP_ACTIVITY_AWAY, at(1)));
    assert_state(&p, FP_PERSON_AWAY, 1);
    assert_true(presence_begin(&p, FP_ACTIVITY_BUSY, at(2)));
    assert_state(&p, FP_PERSON_BUSY, 2);
    assert_false(presence_begin(&p, FP_ACTIVITY_ACTIVE, at(3)));
    assert_state(&p, FP_PERSON_BUSY, 2);
    assert_true(presence_end(&p, FP_ACTIVITY_BUSY, at(4)));
    assert_state(&p, FP_PERSON_ACTIVE, 4);
    assert_false(presence_end(&p, FP_ACTIVITY_AWAY, at(5)));
    assert_true(presence_end(&p, FP_ACTIVITY_ACTIVE, at(6)));
    assert_state(&p, FP_PERSON_OFFLINE, 6);
}

static void a_second_device_moves_no_time(void **state)
{
    (void)state;
    struct presence p = {0};
    assert_true(presence_begin(&p, FP_ACTIVITY_ACTIVE, at(1)));
    assert_false(presence_begin(&p, FP_ACTIVITY_ACTIVE, at(2)));
    assert_false(presence_move(&p, FP_ACTIVITY_ACTIVE, FP_ACTIVITY_AWAY, at(3)));
    assert_false(presence_move(&p, FP_ACTIVITY_ACTIVE, FP_ACTIVITY_ACTIVE, at(4)));
    assert_state(&p, FP_PERSON_ACTIVE, 1);
    assert_true(presence_move(&p, FP_ACTIVITY_ACTIVE, FP_ACTIVITY_AWAY, at(5)));
    assert_state(&p, FP_PERSON_AWAY, 5);
}

static void what_is_said_from_afar_counts_where_it_is_higher(void **state)
{
    (void)state;
    struct presence p = {0};
    assert_true(presence_far(&p, FP_PERSON_ACTIVE, at(5), at(9)));
    assert_state(&p, FP_PERSON_ACTIVE, 5);
    assert_int_equal(presence_here(&p), FP_PERSON_OFFLINE);
    assert_false(presence_far(&p, FP_PERSON_ACTIVE, at(6), at(10))); /* said again */
    assert_state(&p, FP_PERSON_ACTIVE, 5);
    assert_true(presence_begin(&p, FP_ACTIVITY_BUSY, at(11)));
    assert_state(&p, FP_PERSON_BUSY, 11);
    assert_false(presence_far(&p, FP_PERSON_UNREACHABLE, at(0), at(12)));
    assert_state(&p, FP_PERSON_BUSY, 11);
    assert_true(presence_end(&p, FP_ACTIVITY_BUSY, at(13)));
    assert_state(&p, FP_PERSON_UNREACHABLE, 13);
    assert_true(presence_far(&p, FP_PERSON_AWAY, at(99), at(14))); /* a time to come */
    assert_state(&p, FP_PERSON_AWAY, 14);
}

static void who_was_out_of_reach_keeps_the_time_when_he_is_offline(void **state)
{
    (void)state;
    struct presence p = {0};
    assert_true(presence_far(&p, FP_PERSON_ACTIVE, at(5), at(9)));
    assert_true(presence_far(&p, FP_PERSON_UNREACHABLE, at(0), at(20)));
    assert_state(&p, FP_PERSON_UNREACHABLE, 20);
    assert_true(presence_far(&p, FP_PERSON_OFFLINE, at(0), at(90)));
    assert_state(&p, FP_PERSON_OFFLINE, 20);
    assert_true(presence_far(&p, FP_PERSON_AWAY, at(0), at(100)));
    assert_true(presence_far(&p, FP_PERSON_OFFLINE, at(0), at(110)));
    assert_state(&p, FP_PERSON_OFFLINE, 110);
}

static void a_lost_session_lasts_for_the_grace_and_no_longer(void **state)
{
    (void)state;
    struct presence_session s = {.activity = FP_ACTIVITY_ACTIVE};
    struct fp_mono now = {.us = 1000};
    assert_false(presence_over(&s, (struct fp_mono){.us = UINT64_MAX}));
    presence_lose(&s, now);
    presence_lose(&s, (struct fp_mono){.us = 2000}); /* said twice */
    assert_false(presence_over(&s, (struct fp_mono){.us = now.us + PRESENCE_GRACE_US - 1}));
    assert_true(presence_over(&s, (struct fp_mono){.us = now.us + PRESENCE_GRACE_US}));
}

/* Q1 and Q2 against a plain list of sessions. */
static void any_order_agrees_with_a_list_of_sessions(void **state)
{
    (void)state;
    const uint64_t seed = 20240801;
    print_message("seed %llu\n", (unsigned long long)seed);
    struct sim_random rnd = {.state = seed};
    struct presence p = {0};
    uint8_t list[32];
    size_t count = 0;
    uint8_t far = FP_PERSON_OFFLINE;
    for (uint64_t now = 1; now < 20000; now++) {
        struct presence before = p;
        uint64_t what = sim_below(&rnd, 4);
        uint8_t activity = (uint8_t)sim_below(&rnd, PRESENCE_ACTIVITIES);
        bool changed = false;
        if (what == 0 && count < 32) {
            list[count++] = activity;
            changed = presence_begin(&p, activity, at(now));
        } else if (what == 1 && count > 0) {
            size_t i = sim_below(&rnd, count);
            changed = presence_move(&p, list[i], activity, at(now));
            list[i] = activity;
        } else if (what == 2 && count > 0) {
            size_t i = sim_below(&rnd, count);
            changed = presence_end(&p, list[i], at(now));
            list[i] = list[--count];
        }
        if (what == 3) {
            far = (uint8_t)sim_below(&rnd, FP_PERSON_BUSY + 1);
            changed = presence_far(&p, far, at(0), at(now));
        }
        uint8_t want = far;
        for (size_t i = 0; i < count; i++) {
            uint8_t one = (uint8_t)(list[i] + FP_PERSON_AWAY);
            want = one > want ? one : want;
        }
        assert_int_equal(p.state, want);
        assert_int_equal(changed, before.state != p.state);
        bool kept = before.state == FP_PERSON_UNREACHABLE && want == FP_PERSON_OFFLINE;
        assert_int_equal(p.since.ms, changed && !kept ? now : before.since.ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_highest_activity_counts),
        cmocka_unit_test(a_second_device_moves_no_time),
        cmocka_unit_test(what_is_said_from_afar_counts_where_it_is_higher),
        cmocka_unit_test(who_was_out_of_reach_keeps_the_time_when_he_is_offline),
        cmocka_unit_test(a_lost_session_lasts_for_the_grace_and_no_longer),
        cmocka_unit_test(any_order_agrees_with_a_list_of_sessions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
