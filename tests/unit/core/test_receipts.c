#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "plugin/core/receipts.h"
#include "tests/support/sim_random.h"

#define HEAD 100

static struct receipt_moved merge(struct receipt *r, struct receipt_report report)
{
    struct receipt_moved moved = {0};
    assert_int_equal(receipt_merge(r, &report, HEAD, &moved), FP_OK);
    return moved;
}

static void assert_receipt(const struct receipt *r, uint64_t delivered, uint64_t read, uint64_t shown_delivered, uint64_t shown_read)
{
    assert_int_equal(r->delivered, delivered);
    assert_int_equal(r->read, read);
    assert_int_equal(r->shown_delivered, shown_delivered);
    assert_int_equal(r->shown_read, shown_read);
}

static void what_is_read_was_delivered(void **state)
{
    (void)state;
    struct receipt r = {0};
    struct receipt_moved moved = merge(&r, (struct receipt_report){.read = 7});
    assert_true(moved.own && moved.shown);
    assert_receipt(&r, 7, 7, 7, 7);
}

static void a_late_report_changes_nothing(void **state)
{
    (void)state;
    struct receipt r = {.delivered = 5, .read = 5, .shown_delivered = 5, .shown_read = 5};
    struct receipt_moved moved = merge(&r, (struct receipt_report){.delivered = 4, .read = 2});
    assert_false(moved.own || moved.shown);
    assert_receipt(&r, 5, 5, 5, 5);
}

static void a_report_above_the_head_touches_nothing(void **state)
{
    (void)state;
    struct receipt r = {.delivered = 5, .shown_delivered = 5};
    struct receipt_moved moved = {.own = true};
    struct receipt_report delivered = {.delivered = HEAD + 1, .read = 9};
    struct receipt_report read = {.delivered = 9, .read = HEAD + 1};
    assert_int_equal(receipt_merge(&r, &delivered, HEAD, &moved), FP_ECONFLICT);
    assert_int_equal(receipt_merge(&r, &read, HEAD, &moved), FP_ECONFLICT);
    assert_true(moved.own);
    assert_receipt(&r, 5, 0, 5, 0);
    assert_true(merge(&r, (struct receipt_report){.delivered = HEAD, .read = HEAD}).own);
}

static void a_private_read_shows_only_what_was_delivered(void **state)
{
    (void)state;
    struct receipt r = {0};
    struct receipt_moved moved = merge(&r, (struct receipt_report){.delivered = 5, .read = 7, .private_read = true});
    assert_true(moved.own && moved.shown);
    assert_receipt(&r, 7, 7, 5, 0);
    moved = merge(&r, (struct receipt_report){.delivered = 5, .read = 8, .private_read = true});
    assert_true(moved.own);
    assert_false(moved.shown);
    moved = merge(&r, (struct receipt_report){.read = 6});
    assert_false(moved.own);
    assert_true(moved.shown);
    assert_receipt(&r, 8, 8, 6, 6);
}

static void who_hides_shows_nothing_until_he_says_something(void **state)
{
    (void)state;
    struct receipt r = {.delivered = 2, .read = 1, .shown_delivered = 2, .shown_read = 1};
    struct receipt_moved moved = merge(&r, (struct receipt_report){.delivered = 9, .read = 8, .hidden = true});
    assert_true(moved.own);
    assert_false(moved.shown);
    assert_receipt(&r, 9, 8, 2, 1);
    assert_true(receipt_show(&r));
    assert_false(receipt_show(&r));
    assert_receipt(&r, 9, 8, 9, 8);
}

static void any_order_with_repeats_ends_the_same(void **state)
{
    (void)state;
    const uint64_t seed = 20240607;
    print_message("seed %llu\n", (unsigned long long)seed);
    struct sim_random rnd = {.state = seed};
    struct receipt_report reports[200];
    struct receipt want = {0};
    for (size_t i = 0; i < 200; i++) {
        reports[i] =
            (struct receipt_report){.delivered = sim_below(&rnd, HEAD + 1), .read = sim_below(&rnd, HEAD + 1), .private_read = sim_below(&rnd, 2)};
        (void)merge(&want, reports[i]);
    }
    for (int round = 0; round < 50; round++) {
        struct receipt r = {0};
        for (size_t i = 0; i < 1000; i++) {
            (void)merge(&r, reports[sim_below(&rnd, 200)]); /* late and twice */
        }
        for (size_t i = 200; i > 0; i--) { /* and each at least once */
            struct receipt before = r;
            (void)merge(&r, reports[i - 1]);
            assert_true(r.delivered >= before.delivered && r.read >= before.read);                         /* R2 */
            assert_true(r.shown_delivered >= before.shown_delivered && r.shown_read >= before.shown_read); /* R2 */
            assert_true(r.read <= r.delivered && r.shown_read <= r.shown_delivered);                       /* R1 */
            assert_true(r.shown_delivered <= r.delivered && r.shown_read <= r.read);                       /* R4 */
        }
        assert_receipt(&r, want.delivered, want.read, want.shown_delivered, want.shown_read);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_read_was_delivered),
        cmocka_unit_test(a_late_report_changes_nothing),
        cmocka_unit_test(a_report_above_the_head_touches_nothing),
        cmocka_unit_test(a_private_read_shows_only_what_was_delivered),
        cmocka_unit_test(who_hides_shows_nothing_until_he_says_something),
        cmocka_unit_test(any_order_with_repeats_ends_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
