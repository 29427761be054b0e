#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "edge-relay/core/pump.h"

static struct pump connected(void)
{
    struct pump p;
    pump_init(&p, 100, 50);
    pump_connected(&p);
    return p;
}

static void nothing_moves_before_the_broker_is_there(void **state)
{
    (void)state;
    struct pump p;
    pump_init(&p, 100, 50);
    pump_broker_event(&p, true, false, false);
    assert_false(pump_client_may_be_read(&p));
    assert_false(pump_up_direct(&p));
    assert_int_equal(pump_down_room(&p), 0);
    pump_connected(&p);
    assert_true(pump_client_may_be_read(&p));
    assert_true(pump_up_direct(&p));
    assert_int_equal(pump_down_room(&p), 100);
}

static void a_short_read_means_wait_for_news(void **state)
{
    (void)state;
    struct pump p = connected();
    pump_broker_event(&p, true, false, false);
    pump_down_got(&p, 100, 100);
    assert_true(pump_down_wanted(&p)); /* there may be more */
    pump_down_got(&p, 99, 100);
    assert_false(pump_down_wanted(&p));
    pump_broker_event(&p, false, true, false);
    assert_false(pump_down_wanted(&p)); /* news of the other kind */
    pump_broker_event(&p, true, false, false);
    assert_true(pump_down_wanted(&p));
}

static void the_end_is_read_up_to(void **state)
{
    (void)state;
    struct pump p = connected();
    pump_broker_event(&p, false, false, true);
    assert_int_equal(pump_down_room(&p), 100);
    pump_down_got(&p, 10, 100);
    assert_int_equal(pump_down_room(&p), 100); /* no news would come of the end itself */
}

static void what_waits_stops_the_client_and_goes_first(void **state)
{
    (void)state;
    struct pump p = connected();
    pump_up_sent(&p, 30, 70);
    assert_false(pump_up_direct(&p));
    assert_true(pump_up_wait(&p, 40));
    assert_false(pump_client_may_be_read(&p));
    pump_broker_event(&p, false, true, false);
    assert_false(pump_up_direct(&p)); /* it takes bytes again, but first those that wait */
    pump_up_went(&p, 39);
    assert_false(pump_client_may_be_read(&p));
    pump_up_went(&p, 1);
    assert_true(pump_client_may_be_read(&p));
    assert_true(pump_up_direct(&p));
}

static void no_more_waits_than_the_limit(void **state)
{
    (void)state;
    struct pump p = connected();
    assert_true(pump_up_wait(&p, 49));
    assert_false(pump_up_wait(&p, 2));
    assert_int_equal(p.waiting, 49);
    assert_true(pump_up_wait(&p, 1));
    assert_false(pump_up_wait(&p, SIZE_MAX));
    assert_int_equal(p.waiting, 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_moves_before_the_broker_is_there), cmocka_unit_test(a_short_read_means_wait_for_news),
        cmocka_unit_test(the_end_is_read_up_to), cmocka_unit_test(what_waits_stops_the_client_and_goes_first),
        cmocka_unit_test(no_more_waits_than_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
