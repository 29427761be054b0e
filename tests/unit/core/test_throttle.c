#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "plugin/core/throttle.h"

static void a_full_bucket_holds_the_burst_and_no_more(void **state)
{
    (void)state;
    struct throttle t = {0};
    uint64_t wait_ms = 0;
    for (int i = 0; i < 50; i++) {
        assert_true(throttle_take(&t, 10, 5, (struct fp_mono){.us = 1000}, &wait_ms));
    }
    assert_false(throttle_take(&t, 10, 5, (struct fp_mono){.us = 1000}, &wait_ms));
    assert_int_equal(wait_ms, 100);
}

static void tokens_come_back_at_the_rate(void **state)
{
    (void)state;
    struct throttle t = {0};
    uint64_t wait_ms = 0;
    for (int i = 0; i < 50; i++) {
        (void)throttle_take(&t, 10, 5, (struct fp_mono){.us = 0}, &wait_ms);
    }
    assert_false(throttle_take(&t, 10, 5, (struct fp_mono){.us = 99999}, &wait_ms));
    assert_int_equal(wait_ms, 1);
    assert_true(throttle_take(&t, 10, 5, (struct fp_mono){.us = 100000}, &wait_ms));
    assert_false(throttle_take(&t, 10, 5, (struct fp_mono){.us = 100000}, &wait_ms));
    for (int i = 0; i < 50; i++) {
        assert_true(throttle_take(&t, 10, 5, (struct fp_mono){.us = 60000000}, &wait_ms));
    }
    assert_false(throttle_take(&t, 10, 5, (struct fp_mono){.us = 60000000}, &wait_ms));
}

static void a_clock_that_steps_back_gives_nothing_away(void **state)
{
    (void)state;
    struct throttle t = {0};
    uint64_t wait_ms = 0;
    for (int i = 0; i < 5; i++) {
        assert_true(throttle_take(&t, 1, 5, (struct fp_mono){.us = 1000000}, &wait_ms));
    }
    assert_false(throttle_take(&t, 1, 5, (struct fp_mono){.us = 5}, &wait_ms));
}

static void no_rate_is_no_limit(void **state)
{
    (void)state;
    struct throttle t = {0};
    uint64_t wait_ms = 0;
    for (int i = 0; i < 100000; i++) {
        assert_true(throttle_take(&t, 0, 5, (struct fp_mono){.us = 0}, &wait_ms));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_bucket_holds_the_burst_and_no_more),
        cmocka_unit_test(tokens_come_back_at_the_rate),
        cmocka_unit_test(a_clock_that_steps_back_gives_nothing_away),
        cmocka_unit_test(no_rate_is_no_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
