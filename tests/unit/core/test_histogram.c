#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "plugin/core/histogram.h"

static void an_empty_one_has_no_bucket(void **state)
{
    (void)state;
    struct histogram g = {0};
    assert_int_equal(histogram_len(&g), 0);
    assert_int_equal(histogram_take_max(&g), 0);
}

static void a_bucket_ends_below_its_power_of_two(void **state)
{
    (void)state;
    for (size_t i = 1; i < HISTOGRAM_BUCKETS; i++) {
        struct histogram g = {0};
        histogram_add(&g, 1ULL << (i - 1));
        histogram_add(&g, (1ULL << i) - 1);
        assert_int_equal(g.counts[i], 2);
        assert_int_equal(histogram_len(&g), i + 1);
    }
    struct histogram zeros = {0};
    histogram_add(&zeros, 0);
    assert_int_equal(zeros.counts[0], 1);
    assert_int_equal(histogram_len(&zeros), 1);
}

static void the_last_bucket_takes_all_that_is_larger(void **state)
{
    (void)state;
    struct histogram g = {0};
    histogram_add(&g, 1ULL << (HISTOGRAM_BUCKETS - 2));
    histogram_add(&g, 1ULL << (HISTOGRAM_BUCKETS - 1));
    histogram_add(&g, UINT64_MAX);
    assert_int_equal(g.counts[HISTOGRAM_BUCKETS - 1], 3);
    assert_int_equal(histogram_len(&g), HISTOGRAM_BUCKETS);
}

static void the_largest_is_told_once_and_the_counts_stay(void **state)
{
    (void)state;
    struct histogram g = {0};
    histogram_add(&g, 7);
    histogram_add(&g, 900);
    histogram_add(&g, 30);
    assert_true(histogram_take_max(&g) == 900);
    assert_int_equal(histogram_take_max(&g), 0);
    histogram_add(&g, 5);
    assert_int_equal(histogram_take_max(&g), 5);
    assert_int_equal(g.counts[3], 2); /* G1 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_one_has_no_bucket),
        cmocka_unit_test(a_bucket_ends_below_its_power_of_two),
        cmocka_unit_test(the_last_bucket_takes_all_that_is_larger),
        cmocka_unit_test(the_largest_is_told_once_and_the_counts_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
