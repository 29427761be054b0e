/* What becomes of what a site has in custody: ordered, refused, asked again. */
#include "plugin/hub/site.h"
#include "tests/unit/hub/site_kit.h"

static void say(struct fixture *x, const char *device, uint64_t n, uint8_t priority)
{
    struct fp_command c = kit_msg(&x->b, n, "kitchen", "hello");
    c.priority = priority;
    kit_send(&x->k, device, &c);
}

static void do_say(struct fixture *x, const char *device, uint64_t n, uint8_t priority)
{
    say(x, device, n, priority);
    run(x);
}

static void the_canonical_event_takes_the_place_of_the_provisional_one(void **state)
{
    struct fixture *x = *state;
    bool found = false;
    do_say(x, "ben-pad", 1, FP_PRIORITY_NORMAL);
    far_clear(&x->f);
    far_order(&x->f, &x->f.records[0], 2);
    run(x);
    struct told_events t = told_on(&x->k, EVENTS);
    assert_int_equal(t.count, 1);
    assert_int_equal(t.last.seq, 2);
    assert_int_equal(t.last.n, 1);
    assert_true(kit_acked(&x->k, "ben-pad", 1, 2));
    struct store_branch b = branch_row(&x->k, "ben-pad", 1, &found);
    assert_true(found && b.settled);
    assert_int_equal(b.seq, 2);
    assert_int_equal(b.event.len, 0);
    far_clear(&x->f);
    far_order(&x->f, &x->f.records[0], 2); /* once more: a duplicate */
    run(x);
    assert_int_equal(told_on(&x->k, EVENTS).count, 0);
    assert_int_equal(kit_replies(&x->k, "ben-pad"), 0);
    assert_int_equal(conv_row(&x->k, "kitchen").head, 2);
}

/* The device went to the hub by LTE with what the site has in custody: the event has no branch. */
static void an_event_that_went_another_way_settles_as_well(void **state)
{
    struct fixture *x = *state;
    do_say(x, "ben-pad", 1, FP_PRIORITY_NORMAL);
    far_clear(&x->f);
    uint8_t buf[500];
    struct fp_enc e;
    struct fp_event ev = far_event_of(&x->f.records[0], 2, x->k.wall.ms);
    ev.branch_relay = (struct fp_id){0};
    fp_enc_init(&e, buf, sizeof(buf));
    assert_true(fp_event_encode(&e, &ev));
    far_down(&x->f, 2, fp_enc_bytes_of(&e));
    run(x);
    assert_true(kit_acked(&x->k, "ben-pad", 1, 2));
}

static void a_device_that_comes_from_elsewhere_goes_on_where_it_is(void **state)
{
    struct fixture *x = *state;
    struct far_record r = {.up = {.user = kit_id("carl"), .device = kit_id("carl-pad")}, .cmd = kit_msg(&x->b, 9, "kitchen", "by LTE")};
    far_order(&x->f, &r, 2);
    run(x);
    far_clear(&x->f);
    struct fp_command c = kit_msg(&x->b, 9, "kitchen", "by LTE");
    kit_send(&x->k, "carl-pad", &c);
    run(x);
    assert_true(kit_acked(&x->k, "carl-pad", 9, 2));
    do_say(x, "carl-pad", 10, FP_PRIORITY_NORMAL);
    assert_true(relayed(&x->k, "carl-pad", 10));
    assert_int_equal(x->f.count, 1);
}

static void what_the_hub_refuses_is_taken_back(void **state)
{
    struct fixture *x = *state;
    do_say(x, "ben-pad", 1, FP_PRIORITY_NORMAL);
    far_clear(&x->f);
    far_refuse(&x->f, &x->f.records[0], FP_EDENIED);
    run(x);
    struct told_events t = told_on(&x->k, EVENTS);
    assert_int_equal(t.count, 1);
    assert_int_equal(t.last.flags, FP_FLAG_PROVISIONAL | FP_FLAG_REFUSED);
    assert_int_equal(t.last.body.len, 0);
    assert_int_equal(t.last.n, 1);
    assert_true(kit_nacked(&x->k, "ben-pad", FP_EDENIED));
    far_clear(&x->f);
    do_say(x, "ben-pad", 1, FP_PRIORITY_NORMAL);
    assert_true(kit_nacked(&x->k, "ben-pad", FP_EDENIED));
    far_refuse(&x->f, &x->f.records[0], FP_EDENIED); /* a duplicate */
    far_clear(&x->f);
    run(x);
    assert_int_equal(kit_replies(&x->k, "ben-pad"), 0);
}

static void a_refusal_that_could_not_be_saved_is_told_by_the_replay(void **state)
{
    struct fixture *x = *state;
    do_say(x, "ben-pad", 1, FP_PRIORITY_NORMAL);
    far_clear(&x->f);
    far_refuse(&x->f, &x->f.records[0], FP_EDENIED);
    fault_store_arm(&x->k.fault, 3, FP_EIO, false);
    kit_run(&x->k);
    assert_int_equal(x->k.fault.failed, 1);
    fault_store_disarm(&x->k.fault);
    assert_true(kit_nacked(&x->k, "ben-pad", FP_EDENIED));
    assert_int_equal(kit_replies(&x->k, "ben-pad"), 1);
    assert_int_equal(told_on(&x->k, EVENTS).count, 1);
}

/* ------------------------------------------------------------------ conversations that begin here */

static void begin_pantry(struct fixture *x)
{
    static const char *const users[] = {"carl"};
    static const uint64_t roles[] = {FP_ROLE_MEMBER};
    struct fp_command c = kit_conv_new(&x->b, 1, "pantry", "dm", users, roles, 1);
    kit_send(&x->k, "ben-pad", &c);
    run(x);
}

static void a_new_conversation_is_usable_at_once_and_settled_later(void **state)
{
    struct fixture *x = *state;
    begin_pantry(x);
    assert_true(relayed(&x->k, "ben-pad", 1));
    assert_true(is_member(&x->k, "pantry", "carl"));
    assert_int_equal(conv_row(&x->k, "pantry").head, 0);
    assert_int_not_equal(fake_bus_find_grant(&x->k.bus, TELL_GRANT_CONV, "pantry", "carl", 0), SIZE_MAX);
    struct fp_command c = kit_msg(&x->b, 1, "pantry", "hello");
    kit_send(&x->k, "carl-pad", &c);
    run(x);
    assert_true(relayed(&x->k, "carl-pad", 1));
    assert_int_equal(x->f.count, 2);
    assert_int_equal(x->f.records[1].up.base, 0);
    far_clear(&x->f);
    far_order(&x->f, &x->f.records[0], 1);
    far_order(&x->f, &x->f.records[1], 2);
    run(x);
    assert_int_equal(conv_row(&x->k, "pantry").head, 2);
    assert_int_equal(conv_row(&x->k, "pantry").about_seq, 1);
    assert_true(kit_acked(&x->k, "ben-pad", 1, 1));
    assert_true(kit_acked(&x->k, "carl-pad", 1, 2));
    assert_true(is_member(&x->k, "pantry", "carl"));
}

static void the_members_of_a_refused_conversation_are_put_out(void **state)
{
    struct fixture *x = *state;
    begin_pantry(x);
    far_clear(&x->f);
    far_refuse(&x->f, &x->f.records[0], FP_ECONFLICT);
    run(x);
    assert_true(kit_nacked(&x->k, "ben-pad", FP_ECONFLICT));
    assert_false(is_member(&x->k, "pantry", "ben"));
    assert_false(is_member(&x->k, "pantry", "carl"));
    struct fp_command c = kit_msg(&x->b, 2, "pantry", "hello");
    kit_send(&x->k, "ben-pad", &c);
    run(x);
    assert_true(relayed(&x->k, "ben-pad", 2)); /* for the hub to say no to */
    assert_int_equal(told_on(&x->k, "fp/1/scope/dm/conv/pantry/event").count, 1);
    struct fp_command again = kit_conv_new(&x->b, 3, "pantry", "dm", NULL, NULL, 0);
    kit_send(&x->k, "ben-pad", &again);
    run(x);
    assert_true(relayed(&x->k, "ben-pad", 3));
    assert_true(is_member(&x->k, "pantry", "ben"));
}

static void who_was_first_with_an_id_counts(void **state)
{
    struct fixture *x = *state;
    static const char *const users[] = {"dora"};
    static const uint64_t roles[] = {FP_ROLE_MEMBER};
    begin_pantry(x);
    struct kit_body b;
    struct far_record r = {.up = {.user = kit_id("anna"), .device = kit_id("anna-desk")},
                           .cmd = kit_conv_new(&b, 2, "pantry", "dm", users, roles, 1)};
    far_order(&x->f, &r, 1);
    run(x);
    assert_false(is_member(&x->k, "pantry", "carl"));
    assert_false(is_member(&x->k, "pantry", "ben"));
    assert_true(is_member(&x->k, "pantry", "dora"));
    assert_true(is_member(&x->k, "pantry", "anna"));
    far_refuse(&x->f, &x->f.records[0], FP_ECONFLICT);
    run(x);
    assert_true(kit_nacked(&x->k, "ben-pad", FP_ECONFLICT));
    assert_true(is_member(&x->k, "pantry", "dora"));
}

/* ------------------------------------------------------------------ order */

static void safety_overtakes_with_what_its_device_said_before(void **state)
{
    struct fixture *x = *state;
    far_clear(&x->f);
    kit_disconnect(&x->k, RELAY); /* the link is down */
    kit_run(&x->k);
    for (uint64_t n = 1; n <= 20; n++) {
        do_say(x, "carl-pad", n, FP_PRIORITY_NORMAL);
    }
    do_say(x, "ben-pad", 1, FP_PRIORITY_NORMAL);
    do_say(x, "ben-pad", 2, FP_PRIORITY_BULK);
    do_say(x, "ben-pad", 3, FP_PRIORITY_SAFETY);
    assert_int_equal(x->f.count, 0);
    far_clear(&x->f);
    kit_pass(&x->k, 60000);
    far_meet(&x->f);
    run(x);
    struct fp_id ben = kit_id("ben");
    assert_true(x->f.count >= 25);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(x->f.records[i].lane, 0);
        assert_int_equal(x->f.records[i].cmd.n, i + 1);
        assert_true(fp_id_eq(&x->f.records[i].up.user, &ben));
        assert_in_range(x->f.records[i].up.custody_ms, 60000, 61000);
    }
    assert_int_equal(x->f.records[3].lane, 2);
}

static void what_follows_bulk_does_not_overtake_it(void **state)
{
    struct fixture *x = *state;
    do_say(x, "ben-pad", 1, FP_PRIORITY_BULK);
    do_say(x, "ben-pad", 2, FP_PRIORITY_NORMAL);
    do_say(x, "carl-pad", 1, FP_PRIORITY_NORMAL);
    assert_int_equal(x->f.records[0].lane, 3);
    assert_int_equal(x->f.records[1].lane, 3);
    assert_int_equal(x->f.records[2].lane, 2);
}

static void a_gap_at_the_hub_is_filled_from_the_log(void **state)
{
    struct fixture *x = *state;
    struct fp_command c = kit_msg(&x->b, 1, "cellar", "not known here");
    kit_send(&x->k, "ben-pad", &c);
    run(x);
    do_say(x, "ben-pad", 2, FP_PRIORITY_NORMAL);
    assert_int_equal(x->f.count, 2);
    far_ack(&x->f);
    far_refuse(&x->f, &x->f.records[1], FP_EGAP);
    run(x);
    kit_pass(&x->k, 1000);
    run(x);
    assert_int_equal(x->f.count, 4);
    assert_int_equal(x->f.records[2].cmd.n, 1);
    assert_int_equal(x->f.records[2].up.refused, FP_OK);
    assert_int_equal(x->f.records[3].cmd.n, 2);
    assert_int_equal(x->f.records[3].up.refused, FP_OK);
    assert_int_equal(kit_replies(&x->k, "ben-pad"), 2);
}

static void what_the_hub_says_nothing_of_is_asked_again(void **state)
{
    struct fixture *x = *state;
    do_say(x, "ben-pad", 1, FP_PRIORITY_NORMAL);
    far_ack(&x->f); /* its refusal was lost */
    run(x);
    for (unsigned i = 0; i < 50; i++) {
        kit_pass(&x->k, 1000);
        kit_raw(&x->k, RELAY, FP_TOPIC_RELAY_DOWN, (struct fp_bytes){(const uint8_t *)"\xa1\x01\x09", 3}); /* live */
        run(x);
    }
    assert_int_equal(x->f.count, 2);
    assert_int_equal(x->f.records[1].cmd.n, 1);
    far_refuse(&x->f, &x->f.records[1], FP_EDENIED);
    run(x);
    assert_true(kit_nacked(&x->k, "ben-pad", FP_EDENIED));
}

static void what_is_settled_leaves_the_log(void **state)
{
    struct fixture *x = *state;
    uint64_t oldest = 0;
    uint64_t next = 0;
    do_say(x, "ben-pad", 1, FP_PRIORITY_NORMAL);
    far_ack(&x->f);
    run(x);
    assert_int_equal(x->k.fault.inner.lane_range(x->k.fault.inner.ctx, 2, &oldest, &next), FP_OK);
    assert_int_equal(oldest, 1);
    far_order(&x->f, &x->f.records[0], 2);
    run(x);
    kit_pass(&x->k, 6000);
    run(x);
    kit_pass(&x->k, 6000);
    run(x);
    assert_int_equal(x->k.fault.inner.lane_range(x->k.fault.inner.ctx, 2, &oldest, &next), FP_OK);
    assert_int_equal(oldest, 2);
    assert_int_equal(next, 2);
}

/* ------------------------------------------------------------------ clocks */

static uint64_t age_after(struct fixture *x, bool restart, int64_t wall_ms)
{
    far_clear(&x->f);
    kit_disconnect(&x->k, RELAY);
    kit_run(&x->k);
    do_say(x, "ben-pad", 1, FP_PRIORITY_NORMAL);
    kit_pass(&x->k, 60000);
    x->k.wall.ms = (uint64_t)((int64_t)x->k.wall.ms + wall_ms);
    if (restart) {
        kit_restart(&x->k);
        x->k.mono.us = 1000000;
    }
    far_clear(&x->f);
    x->f.seen = 0;
    far_meet(&x->f);
    run(x);
    assert_int_equal(x->f.count, 1);
    return x->f.records[0].up.custody_ms;
}

static void the_age_goes_on_by_the_steady_clock(void **state)
{
    assert_in_range(age_after(*state, false, 3600000), 60000, 61000);
}

static void after_a_restart_the_wall_clock_says_the_age(void **state)
{
    assert_in_range(age_after(*state, true, 0), 60000, 61000);
}

static void a_wall_clock_that_went_back_makes_no_age(void **state)
{
    assert_int_equal(age_after(*state, true, -3600000), 0);
}

static void a_wall_clock_that_jumped_ten_years_makes_no_age(void **state)
{
    assert_int_equal(age_after(*state, true, 10LL * 365 * 86400000), 0);
}

/* ------------------------------------------------------------------ cost */

#define QUEUED 100000
#define AT_ONCE 200

static uint64_t calls_of(struct fixture *x, uint64_t n)
{
    fault_store_arm(&x->k.fault, 0, FP_OK, false);
    for (uint64_t i = 0; i < AT_ONCE; i++) {
        say(x, "ben-pad", n + i, FP_PRIORITY_NORMAL);
    }
    kit_run(&x->k);
    kit_clear(&x->k);
    return x->k.fault.calls;
}

static void a_long_queue_makes_a_message_no_dearer(void **state)
{
    struct fixture *x = *state;
    far_clear(&x->f);
    kit_disconnect(&x->k, RELAY);
    kit_run(&x->k);
    uint64_t n = 1 + AT_ONCE;
    (void)calls_of(x, 1);
    uint64_t first = calls_of(x, n);
    uint64_t last = 0;
    for (n += AT_ONCE; n < QUEUED; n += AT_ONCE) {
        last = calls_of(x, n);
    }
    assert_true(last <= first + AT_ONCE / 10);
    assert_true(last <= 10 * AT_ONCE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_canonical_event_takes_the_place_of_the_provisional_one, site_setup, site_teardown),
        cmocka_unit_test_setup_teardown(an_event_that_went_another_way_settles_as_well, site_setup, site_teardown),
        cmocka_unit_test_setup_teardown(a_device_that_comes_from_elsewhere_goes_on_where_it_is, site_setup, site_teardown),
        cmocka_unit_test_setup_teardown(what_the_hub_refuses_is_taken_back, site_setup, site_teardown),
        cmocka_unit_test_setup_teardown(a_refusal_that_could_not_be_saved_is_told_by_the_replay, site_setup, site_teardown),
        cmocka_unit_test_setup_teardown(a_new_conversation_is_usable_at_once_and_settled_later, site_setup, site_teardown),
        cmocka_unit_test_setup_teardown(the_members_of_a_refused_conversation_are_put_out, site_setup, site_teardown),
        cmocka_unit_test_setup_teardown(who_was_first_with_an_id_counts, site_setup, site_teardown),
        cmocka_unit_test_setup_teardown(safety_overtakes_with_what_its_device_said_before, site_setup, site_teardown),
        cmocka_unit_test_setup_teardown(what_follows_bulk_does_not_overtake_it, site_setup, site_teardown),
        cmocka_unit_test_setup_teardown(a_gap_at_the_hub_is_filled_from_the_log, site_setup, site_teardown),
        cmocka_unit_test_setup_teardown(what_the_hub_says_nothing_of_is_asked_again, site_setup, site_teardown),
        cmocka_unit_test_setup_teardown(what_is_settled_leaves_the_log, site_setup, site_teardown),
        cmocka_unit_test_setup_teardown(the_age_goes_on_by_the_steady_clock, site_setup, site_teardown),
        cmocka_unit_test_setup_teardown(after_a_restart_the_wall_clock_says_the_age, site_setup, site_teardown),
        cmocka_unit_test_setup_teardown(a_wall_clock_that_went_back_makes_no_age, site_setup, site_teardown),
        cmocka_unit_test_setup_teardown(a_wall_clock_that_jumped_ten_years_makes_no_age, site_setup, site_teardown),
        cmocka_unit_test_setup_teardown(a_long_queue_makes_a_message_no_dearer, site_setup, site_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
