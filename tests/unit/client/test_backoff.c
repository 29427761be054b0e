#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "firmware-client/core/backoff.h"

static void each_attempt_may_wait_twice_as_long(void **state)
{
    (void)state;
    uint32_t before = 0;
    for (uint32_t attempt = 0; attempt < 8; attempt++) {
        uint32_t most = 0;
        for (uint32_t r = 0; r < 60000; r++) {
            uint32_t ms = fp_backoff_ms(r, attempt, 200, 60000);
            most = ms > most ? ms : most;
        }
        assert_int_equal(most, 200U << attempt);
        assert_true(most > before);
        before = most;
    }
}

static void it_stays_between_half_of_the_least_and_the_most(void **state)
{
    (void)state;
    for (uint32_t attempt = 0; attempt < 100; attempt++) {
        for (uint32_t r = 0; r < 200000; r += 37) {
            uint32_t ms = fp_backoff_ms(r, attempt, 200, 60000);
            assert_true(ms >= 100 && ms <= 60000);
        }
    }
}

static void the_largest_numbers_do_no_harm(void **state)
{
    (void)state;
    assert_int_equal(fp_backoff_ms(UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX), UINT32_MAX);
    assert_int_equal(fp_backoff_ms(5, 31, 3000000000U, UINT32_MAX), 1500000000U);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_attempt_may_wait_twice_as_long),
        cmocka_unit_test(it_stays_between_half_of_the_least_and_the_most),
        cmocka_unit_test(the_largest_numbers_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
