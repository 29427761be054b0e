#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plugin/mosq/budget.h"

static uint32_t spend_all(struct budget *b, size_t bytes)
{
    uint32_t n = 0;
    while (budget_spend(b, bytes)) {
        n++;
    }
    return n;
}

static void cheap_turns_that_used_it_up_make_it_grow(void **state)
{
    (void)state;
    struct budget b;

    budget_init(&b);
    assert_int_equal(spend_all(&b, 10), BUDGET_COUNT_START);
    budget_turn(&b, 100);
    assert_int_equal(b.count, BUDGET_COUNT_START + BUDGET_COUNT_START / 4);
    for (int i = 0; i < 100; i++) {
        (void)spend_all(&b, 10);
        budget_turn(&b, BUDGET_LOW_US - 1);
    }
    assert_int_equal(b.count, BUDGET_COUNT_MAX); /* U1 */
}

static void cheap_turns_that_left_some_do_not(void **state)
{
    (void)state;
    struct budget b;

    budget_init(&b);
    for (int i = 0; i < 10; i++) {
        assert_true(budget_spend(&b, 10));
        budget_turn(&b, 0);
    }
    assert_int_equal(b.count, BUDGET_COUNT_START);
}

static void a_dear_turn_halves_it_down_to_the_least(void **state)
{
    (void)state;
    struct budget b;

    budget_init(&b);
    (void)spend_all(&b, 10);
    budget_turn(&b, BUDGET_HIGH_US);
    assert_int_equal(b.count, BUDGET_COUNT_START); /* on the line */
    (void)spend_all(&b, 10);
    budget_turn(&b, BUDGET_HIGH_US + 1);
    assert_int_equal(b.count, BUDGET_COUNT_START / 2);
    for (int i = 0; i < 10; i++) {
        (void)spend_all(&b, 10);
        budget_turn(&b, 1000000);
    }
    assert_int_equal(b.count, BUDGET_COUNT_MIN); /* U1 */
    assert_int_equal(spend_all(&b, 10), BUDGET_COUNT_MIN);
}

static void a_small_turn_that_was_dear_counts_as_what_it_was(void **state)
{
    (void)state;
    struct budget b = {.count = 1000};

    for (int i = 0; i < 20; i++) { /* a large room: 20 publishes, 200 deliveries each */
        assert_true(budget_spend(&b, 10));
    }
    budget_turn(&b, 40000);
    assert_int_equal(b.count, 10);
}

static void bytes_count_too_but_the_first_publish_always_goes(void **state)
{
    (void)state;
    struct budget b;

    budget_init(&b);
    assert_true(budget_spend(&b, 100000000));
    assert_false(budget_spend(&b, 1));
    assert_true(b.cut_short);
    budget_turn(&b, 0);
    assert_true(budget_spend(&b, (BUDGET_COUNT_START + BUDGET_COUNT_START / 4) * BUDGET_BYTES_PER_PUBLISH - 1));
    assert_true(budget_spend(&b, 1));
    assert_false(budget_spend(&b, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cheap_turns_that_used_it_up_make_it_grow),          cmocka_unit_test(cheap_turns_that_left_some_do_not),
        cmocka_unit_test(a_dear_turn_halves_it_down_to_the_least),           cmocka_unit_test(a_small_turn_that_was_dear_counts_as_what_it_was),
        cmocka_unit_test(bytes_count_too_but_the_first_publish_always_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
