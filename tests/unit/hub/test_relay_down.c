/* What goes to a relay: all that it does not hold, in order, once; and what matters first. */
#include "tests/unit/hub/relay_kit.h"

static void a_relay_is_brought_up_to_date_and_stays_so(void **state)
{
    struct kit k;
    uint64_t n = 2;
    struct rk_site s = rk_site_new();
    (void)state;
    rk_open(&k);
    rk_write(&k, "kitchen", &n, 700);
    rk_site_hello(&k, &s);
    assert_int_equal(s.next_seq[0], 701);
    assert_int_equal(s.events, 701);
    assert_int_equal(s.twice, 0);
    assert_true(s.batches < 40);
    rk_write(&k, "kitchen", &n, 3);
    rk_site_run(&k, &s);
    assert_int_equal(s.next_seq[0], 704);
    assert_int_equal(s.twice, 0);
    /* And nothing more, however often it is looked at. */
    uint64_t batches = s.batches;
    for (int i = 0; i < 50; i++) {
        kit_pass(&k, 100);
        rk_site_run(&k, &s);
    }
    assert_int_equal(s.batches, batches);
    kit_close(&k);
}

static void other_scopes_stay_here(void **state)
{
    struct kit k;
    struct kit_body b;
    struct rk_site s = rk_site_new();
    (void)state;
    rk_open(&k);
    rk_site_hello(&k, &s);
    struct fp_command c = kit_msg(&b, 2, "field", "not for them");
    kit_send(&k, "zoe-phone", &c);
    rk_site_run(&k, &s); /* it fails at an event of another conversation */
    assert_int_equal(s.events, 1);
    kit_close(&k);
}

static void a_new_conversation_of_its_scopes_follows(void **state)
{
    struct kit k;
    struct kit_body b;
    struct rk_site s = rk_site_new();
    (void)state;
    rk_open(&k);
    rk_site_hello(&k, &s);
    (void)snprintf(s.other, sizeof(s.other), "attic");
    struct fp_command c = kit_conv_new(&b, 2, "attic", "shed", NULL, NULL, 0);
    kit_send(&k, "anna-phone", &c);
    rk_site_run(&k, &s);
    assert_int_equal(s.next_seq[1], 1);
    kit_close(&k);
}

static void after_a_reconnect_only_what_is_missing_goes(void **state)
{
    struct kit k;
    uint64_t n = 2;
    struct rk_site s = rk_site_new();
    (void)state;
    rk_open(&k);
    rk_write(&k, "kitchen", &n, 10);
    rk_site_hello(&k, &s);
    kit_relay_gone(&k, "ridge");
    kit_run(&k);
    rk_write(&k, "kitchen", &n, 5);
    assert_int_equal(rk_ops(&k, "up"), 0);
    rk_site_hello(&k, &s);
    assert_int_equal(s.next_seq[0], 16);
    assert_int_equal(s.events, 16);
    kit_close(&k);
}

static void what_was_on_the_way_and_has_arrived_does_not_go_again(void **state)
{
    struct kit k;
    uint64_t n = 2;
    struct rk_site s = rk_site_new();
    (void)state;
    rk_open(&k);
    rk_write(&k, "kitchen", &n, 10);
    rk_hello(&k);
    s.mute = true; /* it has it, and its ack is lost with the connection */
    (void)rk_site_take(&k, &s);
    s.mute = false;
    kit_relay_gone(&k, "ridge");
    kit_run(&k);
    rk_site_hello(&k, &s);
    assert_int_equal(s.next_seq[0], 11);
    assert_int_equal(s.events, 11);
    kit_close(&k);
}

static void after_the_hubs_restart_it_remembers(void **state)
{
    struct kit k;
    uint64_t n = 2;
    struct rk_site s = rk_site_new();
    (void)state;
    rk_open(&k);
    rk_write(&k, "kitchen", &n, 10);
    rk_site_hello(&k, &s);
    kit_pass(&k, 1100);
    kit_run(&k);
    kit_restart(&k);
    s.seen = 0;
    rk_write(&k, "kitchen", &n, 2);
    rk_site_hello(&k, &s);
    assert_int_equal(s.next_seq[0], 13);
    assert_int_equal(s.events, 13);
    kit_close(&k);
}

static void what_a_restart_made_it_forget_goes_again_and_does_no_harm(void **state)
{
    struct kit k;
    uint64_t n = 2;
    struct rk_site s = rk_site_new();
    (void)state;
    rk_open(&k);
    rk_write(&k, "kitchen", &n, 10);
    rk_site_hello(&k, &s);
    kit_restart(&k); /* before it was saved */
    s.seen = 0;
    rk_site_hello(&k, &s);
    assert_int_equal(s.next_seq[0], 11);
    kit_close(&k);
}

static void what_the_relay_says_to_hold_counts_more(void **state)
{
    struct kit k;
    uint64_t n = 2;
    struct rk_site s = rk_site_new();
    (void)state;
    rk_open(&k);
    rk_write(&k, "kitchen", &n, 10);
    rk_site_hello(&k, &s);
    s.next_seq[0] = 4;
    s.events = 0;
    struct fp_trunk_hello h = rk_hello_of();
    memcpy(h.have, s.have, sizeof(h.have));
    rk_say_hello(&k, h, "kitchen", 4);
    rk_site_run(&k, &s);
    assert_int_equal(s.next_seq[0], 11);
    assert_int_equal(s.events, 7);
    kit_close(&k);
}

static void a_lost_batch_goes_again_under_the_same_numbers(void **state)
{
    struct kit k;
    uint64_t n = 2;
    struct rk_site s = rk_site_new();
    (void)state;
    rk_open(&k);
    rk_write(&k, "kitchen", &n, 300);
    rk_hello(&k);
    s.deaf = true;
    (void)rk_site_take(&k, &s);
    s.deaf = false;
    rk_write(&k, "kitchen", &n, 3);
    for (int i = 0; i < 40 && s.next_seq[0] < 304; i++) {
        kit_pass(&k, 500);
        rk_site_run(&k, &s);
    }
    assert_int_equal(s.next_seq[0], 304);
    assert_int_equal(s.twice, 0);
    kit_close(&k);
}

static void credit_and_window_are_kept(void **state)
{
    struct kit k;
    uint64_t n = 2;
    struct rk_site s = rk_site_new();
    (void)state;
    rk_open(&k);
    rk_write(&k, "kitchen", &n, 4000);
    rk_hello(&k);
    size_t first = rk_count(&k, FP_TRUNK_BATCH);
    assert_in_range(first, 1, TRUNK_CREDIT);
    for (int i = 0; i < 20; i++) {
        kit_run(&k);
        kit_idle(&k);
    }
    assert_int_equal(rk_count(&k, FP_TRUNK_BATCH), first); /* without an ack no more */
    s.mute = true;
    (void)rk_site_take(&k, &s);
    rk_ack(&k, 2, 0, 0);
    kit_run(&k);
    rk_ack(&k, 2, s.have[2], 0); /* all of it has come, and there is no room */
    kit_run(&k);
    kit_idle(&k);
    assert_false(rk_site_take(&k, &s));
    rk_ack(&k, 2, s.have[2], 1);
    kit_run(&k);
    kit_idle(&k);
    size_t before = s.batches;
    (void)rk_site_take(&k, &s);
    assert_int_equal(s.batches, before + 1);
    s.mute = false;
    rk_ack(&k, 2, s.have[2], TRUNK_CREDIT);
    rk_site_run(&k, &s);
    assert_int_equal(s.next_seq[0], 4001);
    kit_close(&k);
}

static void a_safety_message_overtakes_and_brings_what_is_before_it(void **state)
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
    rk_write(&k, "attic", &n, 3000);
    rk_write(&k, "kitchen", &n, 20);
    rk_hello(&k); /* the window is full of the attic */
    c = kit_msg(&b, n++, "kitchen", "fire");
    c.priority = FP_PRIORITY_SAFETY;
    kit_send(&k, "anna-phone", &c);
    kit_run(&k);
    kit_idle(&k);
    (void)rk_site_take(&k, &s);
    assert_int_equal(s.next_seq[0], 22);
    assert_true(s.next_seq[1] < 3001);
    assert_true(s.have[FP_LANE_URGENT] > 0);
    rk_site_run(&k, &s);
    assert_int_equal(s.next_seq[1], 3001);
    assert_int_equal(s.next_seq[0], 22);
    kit_close(&k);
}

static void what_is_on_the_way_goes_once_more_in_front_of_a_safety_message(void **state)
{
    struct kit k;
    struct kit_body b;
    uint64_t n = 2;
    struct rk_site s = rk_site_new();
    (void)state;
    rk_open(&k);
    rk_write(&k, "kitchen", &n, 5);
    rk_hello(&k);
    s.deaf = true; /* lost */
    (void)rk_site_take(&k, &s);
    s.deaf = false;
    struct fp_command c = kit_msg(&b, n++, "kitchen", "fire");
    c.priority = FP_PRIORITY_SAFETY;
    kit_send(&k, "anna-phone", &c);
    kit_run(&k);
    kit_idle(&k);
    (void)rk_site_take(&k, &s);
    assert_int_equal(s.next_seq[0], 7);
    assert_int_equal(s.first_lane, FP_LANE_URGENT);
    rk_site_run(&k, &s);
    for (int i = 0; i < 10; i++) {
        kit_pass(&k, 1000);
        rk_site_run(&k, &s);
    }
    assert_int_equal(s.next_seq[0], 7);
    assert_int_equal(rk_ops(&k, "waiting"), 0);
    kit_close(&k);
}

/* ------------------------------------------------------------------ horizons */

static void read_up_to(struct kit *k, const char *device, uint64_t seq)
{
    struct kit_body b;
    fp_enc_init(&b.e, b.buf, sizeof(b.buf));
    fp_enc_map(&b.e, 1);
    fp_enc_text(&b.e, "kitchen", 7);
    fp_enc_array(&b.e, 2);
    fp_enc_uint(&b.e, seq);
    fp_enc_uint(&b.e, seq);
    struct fp_command c = {.kind = FP_K_RECEIPT, .priority = FP_PRIORITY_NORMAL, .body = fp_enc_bytes_of(&b.e)};
    kit_send(k, device, &c);
    kit_run(k);
}

static void pass(struct kit *k, struct rk_site *s)
{
    for (int i = 0; i < 4; i++) {
        kit_pass(k, 600);
        rk_site_run(k, s);
    }
}

static void horizons_follow_and_are_not_told_twice(void **state)
{
    struct kit k;
    uint64_t n = 2;
    struct rk_site s = rk_site_new();
    (void)state;
    rk_open(&k);
    rk_write(&k, "kitchen", &n, 4);
    read_up_to(&k, "ben-pad", 3);
    rk_site_hello(&k, &s);
    pass(&k, &s);
    uint64_t anna = s.delivered_sum - 3; /* who writes has seen what was there */
    assert_true(s.delivered_sum >= 3);
    assert_in_range(s.receipts, 1, 2);
    uint64_t told = s.receipts;
    read_up_to(&k, "ben-pad", 5);
    pass(&k, &s);
    assert_int_equal(s.delivered_sum, anna + 5);
    assert_int_equal(s.receipts, told + 1);
    kit_relay_gone(&k, "ridge");
    kit_run(&k);
    rk_site_hello(&k, &s);
    pass(&k, &s);
    assert_int_equal(s.receipts, told + 1);
    kit_restart(&k);
    s.seen = 0;
    rk_site_hello(&k, &s);
    pass(&k, &s);
    assert_int_equal(s.receipts, told + 1);
    kit_close(&k);
}

/* ------------------------------------------------------------------ floors, people */

static void move_floor(struct kit *k, uint64_t days)
{
    struct kit_body b;
    fp_enc_init(&b.e, b.buf, sizeof(b.buf));
    fp_enc_map(&b.e, 1);
    fp_enc_uint(&b.e, FP_CONV_RETENTION);
    fp_enc_uint(&b.e, 1);
    struct fp_command c = {.kind = FP_K_CONV_SET,
                           .n = rk_next_n(k, "anna-phone"),
                           .conv = kit_id("kitchen"),
                           .priority = FP_PRIORITY_NORMAL,
                           .body = fp_enc_bytes_of(&b.e)};
    kit_send(k, "anna-phone", &c);
    kit_run(k);
    kit_pass(k, days * 86400000ULL);
    for (int i = 0; i < 20; i++) {
        kit_run(k);
        kit_idle(k);
        kit_pass(k, 3600000);
    }
}

static void a_conversation_without_its_beginning_is_told_as_it_is(void **state)
{
    struct kit k;
    uint64_t n = 2;
    struct rk_site s = rk_site_new();
    (void)state;
    rk_open(&k);
    rk_write(&k, "kitchen", &n, 8);
    move_floor(&k, 3);
    rk_write(&k, "kitchen", &(uint64_t){rk_next_n(&k, "anna-phone")}, 2);
    rk_site_hello(&k, &s);
    assert_int_equal(s.convs, 1);
    assert_true(s.floor > 0);
    assert_int_equal(s.next_seq[0], rk_head(&k, "kitchen"));
    assert_int_equal(s.events, rk_head(&k, "kitchen") - s.floor);
    kit_close(&k);
}

static void a_floor_that_moves_is_told(void **state)
{
    struct kit k;
    uint64_t n = 2;
    struct rk_site s = rk_site_new();
    (void)state;
    rk_open(&k);
    rk_write(&k, "kitchen", &n, 8);
    rk_site_hello(&k, &s);
    assert_int_equal(s.convs, 0);
    move_floor(&k, 3); /* the relay has been silent meanwhile */
    rk_site_hello(&k, &s);
    assert_int_equal(s.convs, 1);
    assert_int_equal(s.next_seq[0], rk_head(&k, "kitchen"));
    kit_close(&k);
}

static void what_is_gone_while_it_was_on_the_way_is_told_as_a_floor(void **state)
{
    struct kit k;
    struct kit_body b;
    uint64_t n = 2;
    struct rk_site s = rk_site_new();
    (void)state;
    rk_open(&k);
    rk_write(&k, "kitchen", &n, 8);
    fp_enc_init(&b.e, b.buf, sizeof(b.buf));
    fp_enc_map(&b.e, 1);
    fp_enc_uint(&b.e, FP_CONV_RETENTION);
    fp_enc_uint(&b.e, 1);
    struct fp_command c = {.kind = FP_K_CONV_SET, .n = n++, .conv = kit_id("kitchen"), .priority = FP_PRIORITY_NORMAL, .body = fp_enc_bytes_of(&b.e)};
    kit_send(&k, "anna-phone", &c);
    kit_run(&k);
    uint64_t day_ms = 86400000;
    uint64_t hour_ms = 3600000;
    kit_pass(&k, day_ms + hour_ms - k.wall.ms % hour_ms - 5000); /* retention goes by the hour */
    rk_write(&k, "kitchen", &n, 2);
    assert_int_equal(rk_head(&k, "kitchen"), 12);
    rk_hello(&k);
    s.deaf = true;
    for (int i = 0; i < 40; i++) {
        kit_pass(&k, 500);
        rk_ack(&k, 0, 0, TRUNK_CREDIT);
        kit_run(&k);
        kit_idle(&k);
        (void)rk_site_take(&k, &s);
        s.deaf = i < 20;
    }
    rk_site_run(&k, &s);
    assert_true(s.floor > 0);
    assert_in_range(s.convs, 1, 2);
    assert_true(s.events < 12);
    assert_int_equal(s.next_seq[0], rk_head(&k, "kitchen"));
    kit_close(&k);
}

static void what_lies_in_an_archive_that_is_away_is_told_as_a_floor(void **state)
{
    struct kit k;
    uint64_t n = 2;
    struct rk_site s = rk_site_new();
    (void)state;
    rk_open(&k);
    rk_write(&k, "kitchen", &n, 5); /* 2 to 6 */
    rk_write(&k, "kitchen", &n, 3); /* 7 to 9 */
    mem_store_set_away(k.mem, 6);
    rk_site_hello(&k, &s);
    assert_int_equal(s.floor, 6);
    assert_int_equal(s.events, 3);
    assert_int_equal(s.next_seq[0], rk_head(&k, "kitchen"));
    rk_write(&k, "kitchen", &n, 2);
    rk_site_run(&k, &s);
    assert_int_equal(s.events, 5);
    assert_int_equal(k.last, FP_OK);
    kit_close(&k);
}

static void what_people_say_about_themselves_follows(void **state)
{
    struct kit k;
    struct kit_body b;
    struct rk_site s = rk_site_new();
    (void)state;
    rk_open(&k);
    rk_site_hello(&k, &s);
    assert_int_equal(s.persons, 0); /* nobody has said anything */
    fp_enc_init(&b.e, b.buf, sizeof(b.buf));
    fp_enc_map(&b.e, 1);
    fp_enc_uint(&b.e, FP_STATUS_TEXT);
    fp_enc_text(&b.e, "on site", 7);
    struct fp_command c = {.kind = FP_K_STATUS, .priority = FP_PRIORITY_NORMAL, .body = fp_enc_bytes_of(&b.e)};
    kit_send(&k, "ben-pad", &c);
    kit_send(&k, "zoe-phone", &c); /* none of its people */
    rk_site_run(&k, &s);
    assert_int_equal(s.persons, 1);
    fp_enc_init(&b.e, b.buf, sizeof(b.buf));
    fp_enc_array(&b.e, 1);
    fp_enc_array(&b.e, 2);
    fp_enc_uint(&b.e, FP_VIEWER_EVERYONE);
    fp_enc_uint(&b.e, FP_LEVEL_HIDDEN);
    c = (struct fp_command){.kind = FP_K_POLICY, .priority = FP_PRIORITY_NORMAL, .body = fp_enc_bytes_of(&b.e)};
    kit_send(&k, "ben-pad", &c);
    rk_site_run(&k, &s);
    assert_int_equal(s.persons, 2);
    kit_relay_gone(&k, "ridge");
    kit_run(&k);
    rk_site_hello(&k, &s);
    assert_int_equal(s.persons, 2);
    kit_close(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_relay_is_brought_up_to_date_and_stays_so),
        cmocka_unit_test(other_scopes_stay_here),
        cmocka_unit_test(a_new_conversation_of_its_scopes_follows),
        cmocka_unit_test(after_a_reconnect_only_what_is_missing_goes),
        cmocka_unit_test(what_was_on_the_way_and_has_arrived_does_not_go_again),
        cmocka_unit_test(after_the_hubs_restart_it_remembers),
        cmocka_unit_test(what_a_restart_made_it_forget_goes_again_and_does_no_harm),
        cmocka_unit_test(what_the_relay_says_to_hold_counts_more),
        cmocka_unit_test(a_lost_batch_goes_again_under_the_same_numbers),
        cmocka_unit_test(credit_and_window_are_kept),
        cmocka_unit_test(a_safety_message_overtakes_and_brings_what_is_before_it),
        cmocka_unit_test(what_is_on_the_way_goes_once_more_in_front_of_a_safety_message),
        cmocka_unit_test(horizons_follow_and_are_not_told_twice),
        cmocka_unit_test(a_conversation_without_its_beginning_is_told_as_it_is),
        cmocka_unit_test(a_floor_that_moves_is_told),
        cmocka_unit_test(what_is_gone_while_it_was_on_the_way_is_told_as_a_floor),
        cmocka_unit_test(what_lies_in_an_archive_that_is_away_is_told_as_a_floor),
        cmocka_unit_test(what_people_say_about_themselves_follows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
