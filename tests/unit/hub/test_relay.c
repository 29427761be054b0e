/* A relay's session: how it begins, how it ends, and what hello finds out. */
#include "tests/unit/hub/relay_kit.h"

static struct rk_batch batch;

/* Three records taken, two of ours held. */
static void work_a_while(struct kit *k, struct rk_site *s)
{
    *s = rk_site_new();
    rk_site_hello(k, s);
    rk_begin(&batch);
    for (uint64_t n = 1; n <= 3; n++) {
        rk_add_msg(&batch, "ben", "ben-pad", n, "kitchen");
    }
    rk_send(k, &batch, 2, 1);
    rk_site_run(k, s);
    kit_pass(k, 1100);
    kit_run(k); /* it is saved how far the relay is */
}

static struct fp_trunk_hello as_after_work(const struct rk_site *s)
{
    struct fp_trunk_hello h = rk_hello_of();
    h.lanes[2] = (struct fp_lane_range){.oldest = 4, .next = 4};
    memcpy(h.have, s->have, sizeof(h.have));
    return h;
}

static void is_reset(struct kit *k, enum fp_trunk_reset_reason why)
{
    struct fp_trunk f;
    kit_run(k);
    assert_true(rk_told(k, FP_TRUNK_RESET, 0, &f));
    assert_int_equal(f.as.reset.reason, why);
    assert_int_equal(f.as.reset.old_epoch, RK_EPOCH);
    assert_int_equal(rk_count(k, FP_TRUNK_WELCOME), 0);
    assert_int_equal(rk_ops(k, "up"), 0);
}

static void hello_goes_on_where_it_was(void **state)
{
    struct kit k;
    struct rk_site s;
    struct fp_trunk f;
    (void)state;
    rk_open(&k);
    work_a_while(&k, &s);
    kit_restart(&k);
    rk_say_hello(&k, as_after_work(&s), NULL, 0);
    kit_run(&k);
    assert_true(rk_told(&k, FP_TRUNK_WELCOME, 0, &f));
    assert_int_equal(f.as.welcome.have[2], 3);
    assert_int_equal(rk_count(&k, FP_TRUNK_RESET), 0);
    kit_close(&k);
}

static void a_restored_site_is_told_to_begin_a_new_log(void **state)
{
    struct kit k;
    struct rk_site s;
    struct fp_trunk f;
    (void)state;
    rk_open(&k);
    work_a_while(&k, &s);
    kit_restart(&k);
    struct fp_trunk_hello h = as_after_work(&s);
    h.lanes[2] = (struct fp_lane_range){.oldest = 2, .next = 3}; /* it has forgotten the third */
    rk_say_hello(&k, h, NULL, 0);
    is_reset(&k, FP_RESET_RELAY_IS_OLDER);

    kit_clear(&k);
    h.epoch = 99;
    rk_say_hello(&k, h, "kitchen", 2);
    s.seen = 0;
    s.next_seq[0] = 2;
    s.events = 0;
    rk_site_run(&k, &s);
    assert_true(rk_told(&k, FP_TRUNK_WELCOME, 0, &f));
    assert_int_equal(f.as.welcome.have[2], 1);
    assert_int_equal(rk_peer(&k).epoch, 99);
    assert_int_equal(s.next_seq[0], 4);
    assert_int_equal(s.events, 2);
    kit_close(&k);
}

static void so_is_one_that_has_less_of_ours_than_it_had(void **state)
{
    struct kit k;
    struct rk_site s;
    (void)state;
    rk_open(&k);
    work_a_while(&k, &s);
    kit_restart(&k);
    struct fp_trunk_hello h = as_after_work(&s);
    h.have[2]--;
    rk_say_hello(&k, h, NULL, 0);
    is_reset(&k, FP_RESET_RELAY_IS_OLDER);
    kit_close(&k);
}

static void a_late_copy_of_an_old_hello_is_no_restored_site(void **state)
{
    struct kit k;
    struct rk_site s;
    (void)state;
    rk_open(&k);
    work_a_while(&k, &s);
    kit_clear(&k);
    rk_say_hello(&k, rk_hello_of(), NULL, 0);
    kit_run(&k);
    assert_int_equal(rk_count(&k, FP_TRUNK_RESET), 0);
    assert_int_equal(rk_ops(&k, "up"), 1);
    kit_pass(&k, 5000); /* a site that has been restored says it again */
    rk_say_hello(&k, rk_hello_of(), NULL, 0);
    is_reset(&k, FP_RESET_RELAY_IS_OLDER);
    kit_close(&k);
}

static void a_copy_of_its_hello_numbers_nothing_anew(void **state)
{
    struct kit k;
    struct kit_body b;
    uint64_t n = 2;
    struct rk_site s = rk_site_new();
    (void)state;
    rk_open(&k);
    (void)snprintf(s.other, sizeof(s.other), "attic");
    struct fp_command c = kit_conv_new(&b, n++, "attic", "shed", NULL, NULL, 0);
    kit_send(&k, "anna-phone", &c);
    kit_run(&k);
    rk_hello(&k);
    s.mute = true;
    (void)rk_site_take(&k, &s); /* it has one of each under 1 and 2, and its ack is late */
    s.mute = false;
    rk_say_hello(&k, rk_hello_of(), NULL, 0);
    rk_write(&k, "kitchen", &n, 3);
    rk_site_run(&k, &s); /* fails at a hole */
    assert_int_equal(rk_count(&k, FP_TRUNK_WELCOME), 2);
    assert_int_equal(s.next_seq[0], 4);
    assert_int_equal(s.next_seq[1], 1);
    assert_int_equal(s.twice, 0);
    kit_pass(&k, 100);
    rk_say_hello(&k, rk_hello_of(), NULL, 0); /* and one more, when that has been acked */
    rk_write(&k, "kitchen", &n, 3);
    rk_site_run(&k, &s);
    assert_int_equal(s.next_seq[0], 7);
    assert_int_equal(s.twice, 0);
    kit_close(&k);
}

static void a_restored_hub_stops_the_site(void **state)
{
    struct kit k;
    struct rk_site s;
    (void)state;
    rk_open(&k);
    work_a_while(&k, &s);
    kit_restart(&k);
    struct fp_trunk_hello h = as_after_work(&s);
    h.lanes[2] = (struct fp_lane_range){.oldest = 6, .next = 9}; /* a hub had four and five */
    rk_say_hello(&k, h, NULL, 0);
    is_reset(&k, FP_RESET_HUB_IS_OLDER);
    assert_int_equal(rk_ops(&k, "older"), 1);
    kit_close(&k);
}

static void so_does_one_that_never_met_it_or_lacks_events_that_it_holds(void **state)
{
    struct kit k;
    struct fp_trunk_hello h = rk_hello_of();
    (void)state;
    rk_open(&k);
    h.lanes[0].oldest = 2;
    h.lanes[0].next = 2;
    rk_say_hello(&k, h, NULL, 0);
    is_reset(&k, FP_RESET_HUB_IS_OLDER);
    kit_clear(&k);
    rk_say_hello(&k, rk_hello_of(), "kitchen", 2);
    is_reset(&k, FP_RESET_HUB_IS_OLDER);
    kit_clear(&k);
    rk_say_hello(&k, rk_hello_of(), "no-such", 1);
    is_reset(&k, FP_RESET_HUB_IS_OLDER);
    kit_close(&k);
}

static void a_new_log_means_that_it_holds_what_it_says(void **state)
{
    struct kit k;
    struct rk_site s;
    (void)state;
    rk_open(&k);
    work_a_while(&k, &s);
    kit_restart(&k);
    struct fp_trunk_hello h = rk_hello_of();
    h.epoch = 99;
    s = rk_site_new();
    rk_say_hello(&k, h, NULL, 0); /* an empty database */
    rk_site_run(&k, &s);
    assert_int_equal(s.next_seq[0], 4);
    kit_close(&k);
}

static void a_hello_of_another_protocol_is_ignored(void **state)
{
    struct kit k;
    struct fp_trunk_hello h = rk_hello_of();
    (void)state;
    rk_open(&k);
    h.protocol = 2;
    rk_say_hello(&k, h, NULL, 0);
    kit_run(&k);
    assert_int_equal(fake_bus_count(&k.bus, RK_DOWN), 0);
    kit_close(&k);
}

static void numbers_that_no_log_reaches_are_no_hello(void **state)
{
    struct kit k;
    struct fp_trunk_hello h = rk_hello_of();
    (void)state;
    rk_open(&k);
    h.have[2] = UINT64_MAX;
    rk_say_hello(&k, h, NULL, 0);
    h = rk_hello_of();
    h.lanes[2] = (struct fp_lane_range){.oldest = 1, .next = UINT64_MAX};
    rk_say_hello(&k, h, NULL, 0);
    kit_run(&k);
    kit_idle(&k);
    assert_int_equal(fake_bus_count(&k.bus, RK_DOWN), 0);
    kit_close(&k);
}

static void refusals_of_another_log_are_not_told_again(void **state)
{
    struct kit k;
    struct fp_trunk_hello h = rk_hello_of();
    (void)state;
    rk_open(&k);
    rk_hello(&k);
    rk_begin(&batch);
    rk_add_msg(&batch, "ben", "ben-pad", 1, "attic");
    rk_send(&k, &batch, 2, 1);
    kit_run(&k);
    kit_clear(&k);
    h.epoch = 99;
    rk_say_hello(&k, h, NULL, 0);
    kit_run(&k);
    assert_int_equal(rk_count(&k, FP_TRUNK_WELCOME), 1);
    assert_int_equal(rk_count(&k, FP_TRUNK_REFUSE), 0);
    kit_close(&k);
}

static void a_hello_that_cannot_be_saved_is_not_answered(void **state)
{
    (void)state;
    for (uint64_t at = 1; at < 12; at++) {
        struct kit k;
        rk_open(&k);
        fault_store_arm(&k.fault, at, FP_EIO, true);
        rk_say_hello(&k, rk_hello_of(), "kitchen", 1);
        kit_run(&k);
        size_t welcomes = rk_count(&k, FP_TRUNK_WELCOME);
        assert_int_equal(welcomes, rk_peer(&k).epoch == RK_EPOCH);
        fault_store_disarm(&k.fault);
        rk_say_hello(&k, rk_hello_of(), "kitchen", 1);
        kit_run(&k);
        assert_int_equal(rk_count(&k, FP_TRUNK_WELCOME), welcomes + 1);
        kit_close(&k);
    }
}

/* ------------------------------------------------------------------ ends */

static void the_end_of_its_connection_ends_the_session(void **state)
{
    struct kit k;
    (void)state;
    rk_open(&k);
    rk_hello(&k);
    kit_disconnect(&k, "anna-phone"); /* of somebody else */
    kit_run(&k);
    assert_int_equal(rk_ops(&k, "up"), 1);
    kit_relay_gone(&k, "ridge");
    kit_run(&k);
    assert_int_equal(rk_ops(&k, "up"), 0);
    assert_int_equal(rk_ops(&k, "lost"), 1);
    kit_close(&k);
}

static void so_does_silence(void **state)
{
    struct kit k;
    (void)state;
    rk_open(&k);
    rk_hello(&k);
    kit_pass(&k, TRUNK_SILENT_US / 1000 - 3000);
    assert_int_equal(rk_ops(&k, "up"), 1);
    kit_pass(&k, 3000);
    kit_run(&k);
    assert_int_equal(rk_ops(&k, "up"), 0);
    kit_close(&k);
}

static void a_live_frame_goes_out_every_so_often(void **state)
{
    struct kit k;
    (void)state;
    rk_open(&k);
    rk_hello(&k);
    assert_int_equal(rk_count(&k, FP_TRUNK_LIVE), 1);
    for (int i = 0; i < 20; i++) {
        kit_pass(&k, 1000);
        rk_ack(&k, 2, 0, TRUNK_CREDIT); /* it is heard */
        kit_run(&k);
    }
    assert_int_equal(rk_count(&k, FP_TRUNK_LIVE), 3);
    kit_close(&k);
}

static void other_rights_need_another_hello(void **state)
{
    struct kit k;
    struct fp_trunk f;
    (void)state;
    rk_open(&k);
    rk_hello(&k);
    hub_reconfigure(k.hub, &k.config); /* nothing new */
    assert_int_equal(rk_ops(&k, "up"), 1);
    k.config.relays[0].scope_count = 1;
    hub_reconfigure(k.hub, &k.config);
    assert_int_equal(rk_ops(&k, "up"), 0);
    kit_clear(&k);
    rk_hello(&k);
    assert_true(rk_told(&k, FP_TRUNK_WELCOME, 0, &f));
    assert_int_equal(f.as.welcome.scope_count, 1);
    k.config.relay_count = 0;
    hub_reconfigure(k.hub, &k.config);
    kit_clear(&k);
    rk_hello(&k);
    assert_int_equal(fake_bus_count(&k.bus, RK_DOWN), 0);
    kit_close(&k);
}

static void without_relays_nothing_is_kept_and_nothing_is_waited_for(void **state)
{
    struct kit k;
    struct kit_body b;
    (void)state;
    kit_open(&k);
    struct fp_command c = kit_conv_new(&b, 1, "kitchen", "house", NULL, NULL, 0);
    kit_send(&k, "anna-phone", &c);
    kit_run(&k);
    kit_idle(&k);
    kit_relay_frame(&k, "ridge", fp_bytes_of("\x00", 1));
    kit_run(&k);
    assert_int_equal(fake_bus_count(&k.bus, RK_DOWN), 0);
    kit_close(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hello_goes_on_where_it_was),
        cmocka_unit_test(a_restored_site_is_told_to_begin_a_new_log),
        cmocka_unit_test(so_is_one_that_has_less_of_ours_than_it_had),
        cmocka_unit_test(a_late_copy_of_an_old_hello_is_no_restored_site),
        cmocka_unit_test(a_copy_of_its_hello_numbers_nothing_anew),
        cmocka_unit_test(a_restored_hub_stops_the_site),
        cmocka_unit_test(so_does_one_that_never_met_it_or_lacks_events_that_it_holds),
        cmocka_unit_test(a_new_log_means_that_it_holds_what_it_says),
        cmocka_unit_test(a_hello_of_another_protocol_is_ignored),
        cmocka_unit_test(numbers_that_no_log_reaches_are_no_hello),
        cmocka_unit_test(refusals_of_another_log_are_not_told_again),
        cmocka_unit_test(a_hello_that_cannot_be_saved_is_not_answered),
        cmocka_unit_test(the_end_of_its_connection_ends_the_session),
        cmocka_unit_test(so_does_silence),
        cmocka_unit_test(a_live_frame_goes_out_every_so_often),
        cmocka_unit_test(other_rights_need_another_hello),
        cmocka_unit_test(without_relays_nothing_is_kept_and_nothing_is_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
