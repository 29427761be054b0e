#include "tests/unit/cli/cli_test.h"

#include "firmware-client/cli/log.h"

static void is(const struct log *l, const char *want)
{
    struct str out = {0};
    for (size_t i = 0; i < l->count; i++) {
        str_format(&out, "%s%s;", l->entries[i].text, log_mark(&l->entries[i]));
    }
    assert_str(out, want);
    str_fini(&out);
}

static void events_are_in_order_and_there_once(void **state)
{
    (void)state;
    struct log l = {0};
    assert_true(log_event(&l, 5, 0, false, "e"));
    assert_true(log_event(&l, 3, 0, false, "c"));
    assert_true(log_event(&l, 4, 0, true, "d"));
    assert_false(log_event(&l, 4, 0, true, "d"));
    is(&l, "c;d v;e;");
    log_fini(&l);
}

static void an_own_message_goes_from_the_end_to_its_place(void **state)
{
    (void)state;
    struct log l = {0};
    log_queued(&l, 1, "one");
    log_queued(&l, 2, "two");
    log_event(&l, 7, 0, false, "theirs");
    is(&l, "theirs;one ...;two ...;");
    log_state(&l, 1, FP_SEND_SENT, "");
    log_event(&l, 8, 1, true, "ONE");
    is(&l, "theirs;ONE v;two ...;");
    log_state(&l, 1, FP_SEND_READ, "");
    log_state(&l, 1, FP_SEND_DELIVERED, "");
    is(&l, "theirs;ONE vV;two ...;");
    log_state(&l, 2, FP_SEND_FAILED, "denied");
    is(&l, "theirs;ONE vV;two (denied) !;");
    log_fini(&l);
}

static void what_is_provisional_stands_behind_until_it_is_settled(void **state)
{
    (void)state;
    struct log l = {0};
    struct fp_event ev = {.n = 7, .device = {.len = 2, .text = "b1"}};
    log_event(&l, 1, 0, false, "one");
    assert_true(log_provisional(&l, &ev, "held"));
    assert_false(log_provisional(&l, &ev, "held"));
    log_queued(&l, 1, "mine");
    log_event(&l, 2, 0, false, "two");
    is(&l, "one;two;held;mine ...;");
    ev.n = 8;
    log_settled(&l, &ev.device, 8);
    log_settled(&l, &ev.device, 7);
    log_event(&l, 3, 0, false, "held");
    is(&l, "one;two;held;mine ...;");
    assert_int_equal(l.entries[2].seq, 3);
    log_fini(&l);
}

static void receipts_move_own_messages_only_forward(void **state)
{
    (void)state;
    struct log l = {0};
    log_event(&l, 1, 0, true, "a");
    log_event(&l, 2, 0, true, "b");
    log_event(&l, 3, 0, false, "c");
    log_queued(&l, 9, "d");
    log_receipt(&l, 3, 1);
    is(&l, "a vV;b vv;c;d ...;");
    log_receipt(&l, 1, 0);
    is(&l, "a vV;b vv;c;d ...;");
    log_fini(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_are_in_order_and_there_once),
        cmocka_unit_test(an_own_message_goes_from_the_end_to_its_place),
        cmocka_unit_test(what_is_provisional_stands_behind_until_it_is_settled),
        cmocka_unit_test(receipts_move_own_messages_only_forward),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
