#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "firmware-client/include/fieldpost.h"

/* How far a state is; failed is a way of its own. */
static int rank(enum fp_send_state s)
{
    return (int)s;
}

static void no_signal_moves_a_state_back(void **state)
{
    (void)state;
    for (int s = 0; s < FP_SEND_STATES; s++) {
        for (int g = 0; g < FP_SIGNALS; g++) {
            assert_true(rank(fp_send_next((enum fp_send_state)s, (enum fp_send_signal)g)) >= rank((enum fp_send_state)s));
        }
    }
}

static void what_the_hub_has_never_fails(void **state)
{
    (void)state;
    for (int s = FP_SEND_SENT; s <= FP_SEND_READ; s++) {
        for (int g = 0; g < FP_SIGNALS; g++) {
            assert_int_not_equal(fp_send_next((enum fp_send_state)s, (enum fp_send_signal)g), FP_SEND_FAILED);
        }
    }
}

static void what_failed_stays_failed(void **state)
{
    (void)state;
    for (int g = 0; g < FP_SIGNALS; g++) {
        assert_int_equal(fp_send_next(FP_SEND_FAILED, (enum fp_send_signal)g), FP_SEND_FAILED);
    }
}

static void each_signal_leads_where_it_says(void **state)
{
    (void)state;
    assert_int_equal(fp_send_next(FP_SEND_QUEUED, FP_SIGNAL_ACK_RELAY), FP_SEND_RELAYED);
    assert_int_equal(fp_send_next(FP_SEND_RELAYED, FP_SIGNAL_ACK), FP_SEND_SENT);
    assert_int_equal(fp_send_next(FP_SEND_QUEUED, FP_SIGNAL_ECHO), FP_SEND_SENT);
    assert_int_equal(fp_send_next(FP_SEND_SENT, FP_SIGNAL_DELIVERED), FP_SEND_DELIVERED);
    assert_int_equal(fp_send_next(FP_SEND_DELIVERED, FP_SIGNAL_READ), FP_SEND_READ);
    assert_int_equal(fp_send_next(FP_SEND_RELAYED, FP_SIGNAL_REFUSED), FP_SEND_FAILED);
    assert_int_equal(fp_send_next(FP_SEND_RELAYED, FP_SIGNAL_RETRY), FP_SEND_RELAYED);
}

static void every_state_has_a_name(void **state)
{
    (void)state;
    for (int s = 0; s < FP_SEND_STATES; s++) {
        assert_string_not_equal(fp_send_state_name((enum fp_send_state)s), "unknown");
    }
    assert_string_equal(fp_send_state_name(FP_SEND_STATES), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_signal_moves_a_state_back),    cmocka_unit_test(what_the_hub_has_never_fails), cmocka_unit_test(what_failed_stays_failed),
        cmocka_unit_test(each_signal_leads_where_it_says), cmocka_unit_test(every_state_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
