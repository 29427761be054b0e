#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "edge-relay/core/pace.h"

/* Turns that come `every_us` after the one before has begun; returns how many were held back. */
static unsigned play(struct pace *p, struct fp_mono *now, unsigned turns, unsigned every_us)
{
    unsigned held = 0;
    for (unsigned i = 0; i < turns; i++) {
        now->us += every_us;
        unsigned wait_us = pace_turn(p, *now);
        assert_true(wait_us == 0 || wait_us == PACE_WAIT_US); /* A1 */
        held += wait_us > 0;
        now->us += wait_us;
    }
    return held;
}

static void question_and_answer_is_never_held_back(void **state)
{
    (void)state;
    struct pace p = {0};
    struct fp_mono now = {.us = 1};
    for (int i = 0; i < 10000; i++) {
        assert_int_equal(play(&p, &now, 1, 15), 0);
        pace_heard(&p);
    }
    assert_int_equal(play(&p, &now, 1000, 100000), 0);
}

static void a_flood_is_held_back_until_it_ends(void **state)
{
    (void)state;
    struct pace p = {0};
    struct fp_mono now = {.us = 1};
    assert_int_equal(play(&p, &now, PACE_BUSY_TURNS, 10), 1); /* the last of them */
    assert_int_equal(play(&p, &now, 1000, 10), 1000);
    assert_int_equal(play(&p, &now, 1, 5000), 0); /* nothing came for a while */
    assert_int_equal(play(&p, &now, 100, 500), 0);
}

static void a_flood_that_thins_out_is_let_go(void **state)
{
    (void)state;
    struct pace p = {0};
    struct fp_mono now = {.us = 1};
    (void)play(&p, &now, 100, 10);
    assert_true(play(&p, &now, 100, 600) < 10);
    assert_int_equal(play(&p, &now, 100, 600), 0);
}

static void a_burst_of_less_than_that_goes_at_once(void **state)
{
    (void)state;
    struct pace p = {0};
    struct fp_mono now = {.us = 1};
    for (int i = 0; i < 100; i++) {
        assert_int_equal(play(&p, &now, PACE_BUSY_TURNS - 1, 5), 0);
        now.us += 2000;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(question_and_answer_is_never_held_back),
        cmocka_unit_test(a_flood_is_held_back_until_it_ends),
        cmocka_unit_test(a_flood_that_thins_out_is_let_go),
        cmocka_unit_test(a_burst_of_less_than_that_goes_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
