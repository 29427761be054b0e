/* Custody at a site: on disk, told here, on its way; and what the site itself refuses. */
#include "tests/unit/hub/site_kit.h"

static int setup(void **state)
{
    (void)site_setup(state);
    struct fixture *x = *state;
    kit_clear(&x->k);
    x->f.seen = 0;
    return 0;
}

static void send_msg(struct fixture *x, const char *device, uint64_t n, const char *text)
{
    struct fp_command c = kit_msg(&x->b, n, "kitchen", text);
    kit_send(&x->k, device, &c);
}

static void do_msg(struct fixture *x, const char *device, uint64_t n, const char *text)
{
    send_msg(x, device, n, text);
    kit_run(&x->k);
    far_read(&x->f);
}

static void what_is_taken_is_acked_as_relayed_told_as_provisional_and_sent_up(void **state)
{
    struct fixture *x = *state;
    struct fp_id ship = kit_id(RELAY);
    do_msg(x, "ben-pad", 1, "hello");
    assert_true(relayed(&x->k, "ben-pad", 1));
    struct told_events t = told_on(&x->k, EVENTS);
    assert_int_equal(t.count, 1);
    assert_int_equal(t.last.seq, 0);
    assert_int_equal(t.last.flags, FP_FLAG_PROVISIONAL);
    assert_true(fp_id_eq(&t.last.branch_relay, &ship));
    assert_int_equal(t.last.branch_base, 1);
    assert_int_equal(t.last.at.ms, x->k.wall.ms);
    assert_int_equal(x->f.count, 1);
    assert_int_equal(x->f.records[0].lane, 2);
    assert_int_equal(x->f.records[0].up.k, t.last.branch_k);
    assert_int_equal(x->f.records[0].up.base, 1);
    assert_int_equal(x->f.records[0].cmd.n, 1);
    assert_int_equal(conv_row(&x->k, "kitchen").head, 1);
    uint64_t k_before = t.last.branch_k;
    do_msg(x, "carl-pad", 1, "and I");
    assert_true(told_on(&x->k, EVENTS).last.branch_k > k_before);
}

static void nothing_is_told_of_what_the_disk_did_not_take(void **state)
{
    struct fixture *x = *state;
    for (uint64_t at = 1; at < 40; at++) {
        send_msg(x, "ben-pad", 1, "hello");
        fault_store_arm(&x->k.fault, at, FP_EIO, true);
        kit_run(&x->k);
        bool failed = x->k.fault.failed > 0;
        fault_store_disarm(&x->k.fault);
        if (!failed) {
            assert_true(relayed(&x->k, "ben-pad", 1));
            return;
        }
        far_read(&x->f);
        bool found = false;
        (void)branch_row(&x->k, "ben-pad", 1, &found);
        if (!found) {
            assert_int_equal(told_on(&x->k, EVENTS).count, 0);
            assert_int_equal(x->f.count, 0);
        } else { /* only what came after the commit has failed */
            return;
        }
        kit_clear(&x->k);
        x->f.seen = 0;
    }
    fail_msg("%s", "it never ended");
}

static void a_failed_commit_is_replayed(void **state)
{
    struct fixture *x = *state;
    send_msg(x, "ben-pad", 1, "hello");
    send_msg(x, "carl-pad", 1, "and I");
    fault_store_arm(&x->k.fault, 3, FP_EIO, false);
    kit_run(&x->k);
    fault_store_disarm(&x->k.fault);
    far_read(&x->f);
    assert_true(relayed(&x->k, "ben-pad", 1));
    assert_true(relayed(&x->k, "carl-pad", 1));
    assert_int_equal(told_on(&x->k, EVENTS).count, 2);
    assert_int_equal(x->f.count, 2);
}

static void a_repeat_is_answered_as_things_stand(void **state)
{
    struct fixture *x = *state;
    do_msg(x, "ben-pad", 1, "hello");
    kit_clear(&x->k);
    x->f.seen = 0;
    do_msg(x, "ben-pad", 1, "hello");
    assert_true(relayed(&x->k, "ben-pad", 1));
    assert_int_equal(told_on(&x->k, EVENTS).count, 0);
    assert_int_equal(x->f.count, 1);
    kit_restart(&x->k);
    x->f.seen = 0;
    do_msg(x, "ben-pad", 1, "hello");
    assert_true(relayed(&x->k, "ben-pad", 1));
    far_meet(&x->f);
    far_order(&x->f, &x->f.records[0], 2);
    kit_run(&x->k);
    assert_true(kit_acked(&x->k, "ben-pad", 1, 2));
    kit_clear(&x->k);
    x->f.seen = 0;
    do_msg(x, "ben-pad", 1, "hello");
    assert_true(kit_acked(&x->k, "ben-pad", 1, 2));
    do_msg(x, "ben-pad", 1, "something else");
    assert_true(kit_nacked(&x->k, "ben-pad", FP_ECONFLICT));
}

static void acks_of_custody_and_final_ones_keep_apart_and_in_order(void **state)
{
    struct fixture *x = *state;
    struct fp_reply r;
    do_msg(x, "ben-pad", 1, "one");
    kit_clear(&x->k);
    x->f.seen = 0;
    send_msg(x, "ben-pad", 2, "two");
    far_order(&x->f, &x->f.records[0], 2);
    send_msg(x, "ben-pad", 3, "three");
    kit_run(&x->k);
    assert_int_equal(kit_replies(&x->k, "ben-pad"), 3);
    assert_true(kit_reply(&x->k, "ben-pad", 0, &r) && r.as.ack.relay.len > 0);
    assert_true(kit_reply(&x->k, "ben-pad", 1, &r) && r.as.ack.relay.len == 0);
    assert_true(kit_reply(&x->k, "ben-pad", 2, &r) && r.as.ack.relay.len > 0);
}

static void doubt(struct fixture *x, const struct fp_command *c)
{
    struct fp_reply r;
    struct fp_answer a;
    kit_send(&x->k, "ben-pad", c);
    kit_run(&x->k);
    far_read(&x->f);
    assert_true(relayed(&x->k, "ben-pad", c->n));
    assert_true(kit_reply(&x->k, "ben-pad", kit_replies(&x->k, "ben-pad") - 1, &r) && fp_reply_answer(&r, &a));
    assert_true(fp_id_eq(&a.conv, &c->conv));
    assert_int_equal(told_on(&x->k, EVENTS).count, 0);
    assert_int_equal(x->f.count, c->n);
    assert_int_equal(x->f.records[c->n - 1].cmd.n, c->n);
}

/* The hub may know better, or have it already by another way: the answer is its own, and until then nobody here is shown it. */
static void what_is_in_doubt_is_relayed_and_not_shown(void **state)
{
    struct fixture *x = *state;
    struct fp_command c = kit_msg(&x->b, 1, "cellar", "hello");
    doubt(x, &c);
    assert_int_equal(x->f.records[0].up.refused, FP_OK);
    c = kit_member(&x->b, 2, FP_K_MEMBER_ADD, "kitchen", "dora", FP_ROLE_MEMBER, -1);
    doubt(x, &c);
    c = kit_msg(&x->b, 3, "kitchen", "hello");
    c.ref = 99; /* of which nothing has come yet */
    doubt(x, &c);
    c = kit_msg(&x->b, 4, "kitchen", "hello");
    c.has_ttl = true;
    c.ttl_s = 1;
    c.has_age = true;
    c.age_ms = 5000;
    doubt(x, &c);
    far_refuse(&x->f, &x->f.records[0], FP_EUNKNOWN);
    kit_run(&x->k);
    assert_true(kit_nacked(&x->k, "ben-pad", FP_EUNKNOWN));
    struct far_record *r = &x->f.records[2];
    r->cmd.ref = 0;
    far_order(&x->f, r, 2);
    kit_run(&x->k);
    assert_true(kit_acked(&x->k, "ben-pad", 3, 2));
    do_msg(x, "ben-pad", 5, "hello");
    assert_true(relayed(&x->k, "ben-pad", 5));
}

static void say_odd(struct fixture *x)
{
    struct fp_enc e;
    uint8_t buf[32];
    fp_enc_init(&e, buf, sizeof(buf));
    fp_enc_map(&e, 3);
    fp_enc_uint(&e, FP_KEY_KIND);
    fp_enc_uint(&e, FP_K_MSG);
    fp_enc_uint(&e, FP_KEY_N);
    fp_enc_uint(&e, 1);
    fp_enc_uint(&e, FP_KEY_CONV);
    fp_enc_uint(&e, 5); /* no name */
    kit_clear(&x->k);
    x->f.seen = 0;
    kit_raw(&x->k, "ben-pad", FP_TOPIC_DEVICE_UP, fp_enc_bytes_of(&e));
    kit_run(&x->k);
    far_read(&x->f);
}

/* What cannot be read goes up as a number, and is refused once the hub has taken note: else a device that goes there would leave a hole. */
static void what_cannot_be_read_goes_up_as_a_number(void **state)
{
    struct fixture *x = *state;
    say_odd(x);
    assert_true(relayed(&x->k, "ben-pad", 1));
    assert_int_equal(x->f.count, 1);
    assert_int_equal(x->f.records[0].up.refused, FP_EMALFORMED);
    assert_int_equal(x->f.records[0].cmd.n, 1);
    say_odd(x);
    assert_true(relayed(&x->k, "ben-pad", 1));
    assert_int_equal(x->f.count, 1);
    far_refuse(&x->f, &x->f.records[0], FP_EMALFORMED);
    kit_run(&x->k);
    assert_true(kit_nacked(&x->k, "ben-pad", FP_EMALFORMED));
    say_odd(x);
    assert_true(kit_nacked(&x->k, "ben-pad", FP_EMALFORMED));
}

/* It went by another way, to a conversation of which nothing comes here. */
static void what_the_hub_knows_already_is_done(void **state)
{
    struct fixture *x = *state;
    struct fp_command c = kit_msg(&x->b, 1, "elsewhere", "hello");
    doubt(x, &c);
    struct fp_enc e = far_begin(&x->f);
    struct fp_trunk_known known = {
        .lane = x->f.records[0].lane, .number = x->f.records[0].number, .conv = kit_id("elsewhere"), .seq = 7, .at = x->k.wall};
    fp_enc_trunk_known(&e, &known);
    far_say(&x->f, &e);
    kit_run(&x->k);
    assert_true(kit_acked(&x->k, "ben-pad", 1, 7));
    kit_clear(&x->k);
    x->f.seen = 0;
    kit_send(&x->k, "ben-pad", &c);
    kit_run(&x->k);
    assert_true(kit_acked(&x->k, "ben-pad", 1, 7));
}

static void what_the_hub_does_not_take_from_this_site_stays_with_the_device(void **state)
{
    struct fixture *x = *state;
    struct fp_reply r;
    struct fp_command c = kit_msg(&x->b, 1, "elsewhere", "hello");
    doubt(x, &c);
    struct fp_enc e = far_begin(&x->f);
    fp_enc_trunk_refuse(&e, x->f.records[0].lane, x->f.records[0].number, FP_EDENIED, (struct fp_bytes){0}, 1);
    far_say(&x->f, &e);
    kit_clear(&x->k);
    x->f.seen = 0;
    kit_run(&x->k);
    assert_true(kit_nacked(&x->k, "ben-pad", FP_EDENIED));
    assert_true(kit_reply(&x->k, "ben-pad", 0, &r) && r.as.nack.retry);
    kit_send(&x->k, "ben-pad", &c);
    kit_run(&x->k);
    far_read(&x->f);
    assert_true(relayed(&x->k, "ben-pad", 1));
    assert_int_equal(x->f.count, 2);
}

static void a_site_takes_what_is_above_the_next_n(void **state)
{
    struct fixture *x = *state;
    do_msg(x, "ben-pad", 7, "hello");
    assert_true(relayed(&x->k, "ben-pad", 7));
    do_msg(x, "ben-pad", 5, "went up by LTE, and nobody here knows");
    assert_true(relayed(&x->k, "ben-pad", 5));
    do_msg(x, "ben-pad", 8, "on");
    assert_true(relayed(&x->k, "ben-pad", 8));
    assert_int_equal(x->f.count, 3);
}

static void hello_says_how_far_the_device_is(void **state)
{
    struct fixture *x = *state;
    struct fp_reply r;
    uint8_t buf[32];
    struct fp_enc e;
    fp_enc_init(&e, buf, sizeof(buf));
    fp_enc_map(&e, 2);
    fp_enc_uint(&e, FP_HELLO_PROTOCOL);
    fp_enc_uint(&e, 1);
    fp_enc_uint(&e, FP_HELLO_NEXT);
    fp_enc_uint(&e, 42);
    struct fp_command c = {.kind = FP_K_HELLO, .body = fp_enc_bytes_of(&e), .priority = FP_PRIORITY_NORMAL};
    kit_send(&x->k, "ben-pad", &c);
    kit_run(&x->k);
    assert_true(kit_reply(&x->k, "ben-pad", 0, &r));
    assert_int_equal(r.what, FP_REPLY_WELCOME);
    assert_int_equal(r.as.welcome.head.next_n, 42);
    assert_int_equal(r.as.welcome.head.epoch, HUB_EPOCH);
    struct fp_id ship = kit_id(RELAY);
    assert_true(fp_id_eq(&r.as.welcome.head.relay, &ship));
}

static void after_welcome_comes_what_is_provisional(void **state)
{
    struct fixture *x = *state;
    struct fp_reply r;
    struct fp_event ev;
    do_msg(x, "ben-pad", 1, "one");
    do_msg(x, "carl-pad", 1, "two");
    struct fp_command c = kit_hello(&x->b, NULL, 0);
    kit_send(&x->k, "anna-pad", &c);
    kit_run(&x->k);
    assert_true(kit_reply(&x->k, "anna-pad", 1, &r));
    assert_int_equal(r.what, FP_REPLY_PAGE);
    assert_int_equal(r.as.page.from, 2);
    assert_int_equal(r.as.page.to, 1);
    assert_false(r.as.page.more);
    struct fp_dec d;
    fp_dec_init(&d, r.as.page.content);
    assert_int_equal(fp_dec_array(&d), 2);
    assert_int_equal(fp_event_decode(fp_dec_raw(&d), &ev), FP_OK);
    assert_int_equal(ev.seq, 0);
    struct fp_id ben = kit_id("ben");
    assert_true(fp_id_eq(&ev.user, &ben));
}

static void after_welcome_not_more_comes_than_a_request_is_answered_with(void **state)
{
    struct fixture *x = *state;
    struct fp_reply r;
    char text[8001];
    size_t bytes = 0;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    for (uint64_t n = 1; n <= 150; n++) {
        do_msg(x, "ben-pad", n, text);
    }
    kit_clear(&x->k);
    struct fp_command c = kit_hello(&x->b, NULL, 0);
    kit_send(&x->k, "anna-pad", &c);
    kit_run(&x->k);
    for (size_t i = 1; kit_reply(&x->k, "anna-pad", i, &r); i++) {
        assert_int_equal(r.what, FP_REPLY_PAGE);
        bytes += r.as.page.content.len;
    }
    assert_in_range(bytes, FP_PAGE_CREDIT_BYTES - 10000, FP_PAGE_CREDIT_BYTES);
}

static void receipts_and_policies_go_up_as_they_came(void **state)
{
    struct fixture *x = *state;
    uint8_t buf[64];
    struct fp_enc e;
    fp_enc_init(&e, buf, sizeof(buf));
    fp_enc_map(&e, 1);
    fp_enc_text(&e, "kitchen", 7);
    fp_enc_array(&e, 2);
    fp_enc_uint(&e, 1);
    fp_enc_uint(&e, 1);
    struct fp_command hello = kit_hello(&x->b, NULL, 0);
    kit_send(&x->k, "ben-pad", &hello);
    kit_run(&x->k);
    struct fp_command c = {.kind = FP_K_RECEIPT, .body = fp_enc_bytes_of(&e), .priority = FP_PRIORITY_NORMAL};
    kit_send(&x->k, "ben-pad", &c);
    kit_run(&x->k);
    far_read(&x->f);
    assert_int_equal(x->f.count, 1);
    assert_int_equal(x->f.records[0].lane, 1);
    assert_int_equal(x->f.records[0].cmd.kind, FP_K_RECEIPT);
}

static void before_it_has_met_its_hub_a_site_is_busy(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    struct fp_reply r;
    site_open_kit(&k);
    struct fp_command c = kit_hello(&b, NULL, 0);
    kit_send(&k, "ben-pad", &c);
    kit_run(&k);
    assert_true(kit_nacked(&k, "ben-pad", FP_EBUSY));
    assert_true(kit_reply(&k, "ben-pad", 0, &r) && r.as.nack.retry);
    c = kit_msg(&b, 1, "kitchen", "hello");
    kit_send(&k, "ben-pad", &c);
    kit_run(&k);
    assert_true(kit_nacked(&k, "ben-pad", FP_EBUSY));
    assert_int_equal(hub_stats(k.hub)->replays, 0);
    kit_close(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_taken_is_acked_as_relayed_told_as_provisional_and_sent_up, setup, site_teardown),
        cmocka_unit_test_setup_teardown(nothing_is_told_of_what_the_disk_did_not_take, setup, site_teardown),
        cmocka_unit_test_setup_teardown(a_failed_commit_is_replayed, setup, site_teardown),
        cmocka_unit_test_setup_teardown(a_repeat_is_answered_as_things_stand, setup, site_teardown),
        cmocka_unit_test_setup_teardown(acks_of_custody_and_final_ones_keep_apart_and_in_order, setup, site_teardown),
        cmocka_unit_test_setup_teardown(what_is_in_doubt_is_relayed_and_not_shown, setup, site_teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_read_goes_up_as_a_number, setup, site_teardown),
        cmocka_unit_test_setup_teardown(what_the_hub_knows_already_is_done, setup, site_teardown),
        cmocka_unit_test_setup_teardown(what_the_hub_does_not_take_from_this_site_stays_with_the_device, setup, site_teardown),
        cmocka_unit_test_setup_teardown(a_site_takes_what_is_above_the_next_n, setup, site_teardown),
        cmocka_unit_test_setup_teardown(hello_says_how_far_the_device_is, setup, site_teardown),
        cmocka_unit_test_setup_teardown(after_welcome_comes_what_is_provisional, setup, site_teardown),
        cmocka_unit_test_setup_teardown(after_welcome_not_more_comes_than_a_request_is_answered_with, setup, site_teardown),
        cmocka_unit_test_setup_teardown(receipts_and_policies_go_up_as_they_came, setup, site_teardown),
        cmocka_unit_test(before_it_has_met_its_hub_a_site_is_busy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
