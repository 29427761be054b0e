/* A site's session with its hub: hello, cursors, holes, other hubs, and what comes down beside events. */
#include "plugin/hub/site.h"
#include "tests/unit/hub/site_kit.h"

static void pass(struct fixture *x, uint64_t ms)
{
    kit_pass(&x->k, ms);
    run(x);
}

/* One message of anna's, as the hub has ordered it. */
static struct far_record said(struct kit_body *b, uint64_t seq)
{
    return (struct far_record){.up = {.user = kit_id("anna"), .device = kit_id("anna-desk")}, .cmd = kit_msg(b, seq, "kitchen", "hello")};
}

static void order(struct fixture *x, uint64_t seq)
{
    struct far_record r = said(&x->b, seq);
    far_order(&x->f, &r, seq);
}

static const struct site *site(const struct fixture *x)
{
    return x->k.hub->site;
}

/* ------------------------------------------------------------------ hello */

static void hello_comes_again_and_ever_less_often_until_it_is_answered(void **state)
{
    static const uint64_t after_s[] = {5, 10, 20, 40, 60, 60};
    (void)state;
    struct fixture *x = calloc(1, sizeof(*x));
    assert_non_null(x);
    site_open_kit(&x->k);
    far_init(&x->f, &x->k);
    kit_raw(&x->k, RELAY, FP_TOPIC_RELAY_DOWN, fp_bytes_of("", 0));
    run(x);
    assert_int_equal(x->f.hellos, 1);
    struct fp_id none = kit_id("none"); /* nothing is held, and that is said */
    assert_int_equal(x->f.held_count, 1);
    assert_true(fp_id_eq(&x->f.held[0], &none));
    assert_int_equal(x->f.held_seq[0], 0);
    for (size_t i = 0; i < 6; i++) {
        pass(x, after_s[i] * 1000 - 1);
        assert_int_equal(x->f.hellos, i + 1);
        pass(x, 1);
        assert_int_equal(x->f.hellos, i + 2);
    }
    far_fini(&x->f);
    kit_close(&x->k);
    free(x);
}

static void after_a_start_hello_says_what_is_held_and_later_it_need_not(void **state)
{
    struct fixture *x = *state;
    order(x, 2);
    run(x);
    kit_disconnect(&x->k, RELAY);
    run(x);
    far_meet(&x->f);
    assert_int_equal(x->f.held_count, 0);
    kit_restart(&x->k);
    x->f.seen = 0;
    far_meet(&x->f);
    struct fp_id kitchen = kit_id("kitchen");
    assert_int_equal(x->f.held_count, 1);
    assert_true(fp_id_eq(&x->f.held[0], &kitchen));
    assert_int_equal(x->f.held_seq[0], 2);
}

static void a_link_that_is_silent_is_begun_anew(void **state)
{
    struct fixture *x = *state;
    size_t before = x->f.hellos;
    pass(x, 24000);
    assert_int_equal(x->f.hellos, before);
    pass(x, 2000);
    assert_int_equal(x->f.hellos, before + 1);
}

/* ------------------------------------------------------------------ cursors */

static void nothing_is_acked_that_is_not_on_disk(void **state)
{
    struct fixture *x = *state;
    size_t acks = x->f.acks;
    for (uint64_t at = 1; at < 60; at++) {
        order(x, 2);
        fault_store_arm(&x->k.fault, at, FP_EIO, true);
        kit_run(&x->k);
        uint64_t failed = x->k.fault.failed;
        fault_store_disarm(&x->k.fault);
        far_read(&x->f);
        bool held = conv_row(&x->k, "kitchen").head == 2;
        assert_true(held || x->f.acks == acks);
        assert_true(held || told_on(&x->k, EVENTS).count == 0);
        if (held) {
            return;
        }
        assert_int_not_equal(failed, 0);
        far_welcome(&x->f); /* it has begun anew */
        pass(x, 60000);
        far_welcome(&x->f);
        run(x);
        far_clear(&x->f);
    }
    fail_msg("%s", "it never ended");
}

static void what_is_known_is_acked_and_told_nobody(void **state)
{
    struct fixture *x = *state;
    order(x, 2);
    run(x);
    far_clear(&x->f);
    size_t acks = x->f.acks;
    x->f.next[2]--;
    order(x, 2);
    run(x);
    assert_int_equal(x->f.acks, acks + 1);
    assert_int_equal(x->f.acked[2], x->f.next[2] - 1);
    assert_int_equal(told_on(&x->k, EVENTS).count, 0);
}

static void a_missing_batch_is_asked_for(void **state)
{
    struct fixture *x = *state;
    x->f.next[2]++;
    order(x, 3);
    run(x);
    assert_int_equal(x->f.nacks, 1);
    assert_int_equal(conv_row(&x->k, "kitchen").head, 1);
}

static void a_hole_between_events_makes_a_hello_with_all_that_is_held(void **state)
{
    struct fixture *x = *state;
    size_t hellos = x->f.hellos;
    order(x, 2);
    order(x, 4);
    run(x);
    assert_int_equal(conv_row(&x->k, "kitchen").head, 2);
    assert_int_equal(x->f.hellos, hellos + 1);
    assert_int_equal(x->f.held_count, 1);
    assert_int_equal(x->f.held_seq[0], 2);
}

static void a_batch_of_an_older_session_is_not_taken_for_one_of_this(void **state)
{
    struct fixture *x = *state;
    uint64_t old = x->f.next[2];
    kit_disconnect(&x->k, RELAY);
    run(x);
    far_meet(&x->f);
    uint64_t next = x->f.next[2];
    assert_true(next > old);
    x->f.next[2] = old;
    order(x, 2);
    run(x);
    assert_int_equal(conv_row(&x->k, "kitchen").head, 1);
    x->f.next[2] = next;
    order(x, 2);
    run(x);
    assert_int_equal(conv_row(&x->k, "kitchen").head, 2);
}

static void a_record_that_nobody_can_read_is_passed_over(void **state)
{
    struct fixture *x = *state;
    static const uint8_t odd[] = {0x82, 0x09, 0x00};
    far_down(&x->f, 2, fp_bytes_of(odd, sizeof(odd)));
    order(x, 2);
    run(x);
    assert_int_equal(conv_row(&x->k, "kitchen").head, 2);
    assert_true(site(x)->counters.malformed > 0);
}

/* ------------------------------------------------------------------ another hub, an older one, an older site */

static void still_takes(struct fixture *x, uint64_t n)
{
    struct fp_command c = kit_msg(&x->b, n, "kitchen", "still here");
    size_t before = x->f.count;
    kit_send(&x->k, "ben-pad", &c);
    run(x);
    assert_true(relayed(&x->k, "ben-pad", n));
    assert_int_equal(x->f.count, before);
}

static void meet_again(struct fixture *x)
{
    kit_disconnect(&x->k, RELAY);
    run(x);
    far_meet(&x->f);
    run(x);
}

static void nothing_goes_to_a_hub_that_is_another(void **state)
{
    struct fixture *x = *state;
    x->f.epoch = HUB_EPOCH + 1;
    meet_again(x);
    assert_true(site(x)->stopped);
    still_takes(x, 1);
    x->f.epoch = HUB_EPOCH;
    pass(x, 61000);
    far_welcome(&x->f);
    run(x);
    assert_false(site(x)->stopped);
    assert_int_equal(x->f.count, 1);
}

static void nothing_goes_to_a_hub_that_was_restored(void **state)
{
    struct fixture *x = *state;
    struct fp_enc e = far_begin(&x->f);
    fp_enc_trunk_reset(&e, x->f.hello.epoch, x->f.hello.epoch, FP_RESET_HUB_IS_OLDER);
    far_say(&x->f, &e);
    run(x);
    assert_true(site(x)->stopped);
    still_takes(x, 1);
}

static void a_hub_that_lacks_what_was_dropped_is_seen_by_its_welcome(void **state)
{
    struct fixture *x = *state;
    struct fp_command c = kit_msg(&x->b, 1, "kitchen", "hello");
    kit_send(&x->k, "ben-pad", &c);
    run(x);
    far_ack(&x->f);
    far_order(&x->f, &x->f.records[0], 2);
    run(x);
    pass(x, 6000);
    pass(x, 6000);
    x->f.have[2] = 0;
    meet_again(x);
    assert_false(site(x)->stopped); /* first the hub is to see what this site holds */
    meet_again(x);
    assert_true(site(x)->stopped);
    still_takes(x, 2);
}

static void a_site_that_was_restored_begins_a_new_log(void **state)
{
    struct fixture *x = *state;
    uint64_t epoch = x->f.hello.epoch;
    struct fp_enc e = far_begin(&x->f);
    fp_enc_trunk_reset(&e, epoch, epoch + 1, FP_RESET_RELAY_IS_OLDER);
    far_say(&x->f, &e);
    run(x);
    assert_int_not_equal(x->f.hello.epoch, epoch);
    assert_int_equal(x->f.held_count, 1);
    epoch = x->f.hello.epoch;
    kit_restart(&x->k);
    x->f.seen = 0;
    far_meet(&x->f);
    assert_int_equal(x->f.hello.epoch, epoch);
}

/* ------------------------------------------------------------------ beside events */

static void tell_receipts(struct fixture *x, uint64_t delivered, uint64_t read)
{
    uint8_t buf[128];
    struct fp_enc e;
    struct fp_id kitchen = kit_id("kitchen");
    fp_enc_init(&e, buf, sizeof(buf));
    fp_enc_told_receipts_begin(&e, &kitchen, 1);
    fp_enc_horizon(&e, &(struct fp_horizon){.id = kit_id("carl"), .delivered = delivered, .read = read});
    far_down(&x->f, 1, fp_enc_bytes_of(&e));
    run(x);
}

static struct store_receipt carls(const struct fixture *x)
{
    struct store_receipt r;
    struct fp_id carl = kit_id("carl");
    assert_int_equal(x->k.fault.inner.load_receipt(x->k.fault.inner.ctx, conv_row(&x->k, "kitchen").cid, &carl, &r), FP_OK);
    return r;
}

static struct store_member member_row(const struct fixture *x, const char *user)
{
    struct store_member m;
    bool found = false;
    struct fp_id id = kit_id(user);
    assert_int_equal(x->k.fault.inner.load_member(x->k.fault.inner.ctx, conv_row(&x->k, "kitchen").cid, &id, &m, &found), FP_OK);
    assert_true(found);
    return m;
}

static void receipts_may_be_ahead_of_their_events(void **state)
{
    struct fixture *x = *state;
    order(x, 2);
    run(x);
    tell_receipts(x, 4, 3);
    assert_int_equal(carls(x).shown_delivered, 2);
    assert_int_equal(carls(x).shown_read, 2);
    order(x, 3);
    order(x, 4);
    run(x);
    assert_int_equal(carls(x).shown_delivered, 4);
    assert_int_equal(carls(x).shown_read, 3);
    assert_int_equal(conv_row(&x->k, "kitchen").msgs, 3);
    assert_int_equal(member_row(x, "carl").read_msgs, 2);
    tell_receipts(x, 2, 1); /* late */
    assert_int_equal(carls(x).shown_delivered, 4);
}

static void tell_state(struct fixture *x, const char *conv, uint64_t floor, const char *const *users, size_t count)
{
    uint8_t buf[1024];
    uint8_t chain[32];
    struct fp_enc e;
    memset(chain, 7, sizeof(chain));
    struct fp_conv_state s = {.conv = kit_id(conv),
                              .scope = kit_id("house"),
                              .floor = floor,
                              .floor_chain = fp_bytes_of(chain, sizeof(chain)),
                              .about = 1,
                              .title = fp_bytes_of("Larder", 6),
                              .member_count = count};
    fp_enc_init(&e, buf, sizeof(buf));
    fp_enc_told_conv_begin(&e, &s);
    for (size_t i = 0; i < count; i++) {
        struct fp_id id = kit_id(users[i]);
        fp_enc_told_conv_member(&e, &id, strcmp(users[i], "anna") == 0 ? FP_ROLE_OWNER : FP_ROLE_MEMBER, 1, 1);
    }
    fp_enc_told_conv_end(&e, &s);
    far_down(&x->f, 2, fp_enc_bytes_of(&e));
}

static void a_conversation_may_begin_above_one(void **state)
{
    struct fixture *x = *state;
    static const char *const users[] = {"ben", "anna"};
    tell_state(x, "pantry", 50, users, 2);
    run(x);
    assert_int_equal(conv_row(&x->k, "pantry").head, 50);
    assert_int_equal(conv_row(&x->k, "pantry").floor, 50);
    assert_true(is_member(&x->k, "pantry", "ben"));
    struct far_record r = {.up = {.user = kit_id("anna"), .device = kit_id("anna-desk")}, .cmd = kit_msg(&x->b, 9, "pantry", "on")};
    far_order(&x->f, &r, 51);
    run(x);
    assert_int_equal(conv_row(&x->k, "pantry").head, 51);
    assert_int_equal(site(x)->counters.apply_failures, 0);
}

struct events_left {
    uint64_t first, last;
    size_t count;
};

static bool note_run(void *arg, const struct store_run *run)
{
    struct events_left *l = arg;
    struct fp_bytes rest = run->events;
    struct fp_bytes one;
    while (fp_run_next(&rest, &one)) {
        l->last = fp_event_seq(one);
        l->first = l->first == 0 ? l->last : l->first;
        l->count++;
    }
    return true;
}

static struct events_left left(const struct fixture *x)
{
    struct events_left l = {0};
    struct store_conv c = conv_row(&x->k, "kitchen");
    assert_int_equal(x->k.fault.inner.each_run(x->k.fault.inner.ctx, c.cid, 1, c.head, note_run, &l), FP_OK);
    return l;
}

static void the_hubs_floor_is_the_sites(void **state)
{
    struct fixture *x = *state;
    static const char *const users[] = {"ben", "anna", "carl"};
    for (uint64_t seq = 2; seq <= 9; seq++) {
        order(x, seq); /* one run */
    }
    run(x);
    tell_state(x, "kitchen", 5, users, 3);
    run(x);
    assert_int_equal(conv_row(&x->k, "kitchen").floor, 5);
    assert_int_equal(left(x).first, 6);
    assert_int_equal(left(x).last, 9);
    assert_int_equal(member_row(x, "carl").read_msgs, 4); /* what is gone is not unread */
    order(x, 10);
    run(x);
    assert_int_equal(conv_row(&x->k, "kitchen").head, 10);
    kit_restart(&x->k);
    assert_int_equal(conv_row(&x->k, "kitchen").floor, 5);
    assert_int_equal(left(x).count, 5);
}

static void a_site_that_was_away_for_longer_than_is_kept_goes_on_at_the_floor(void **state)
{
    struct fixture *x = *state;
    static const char *const users[] = {"ben", "anna", "dora"};
    order(x, 2);
    run(x);
    tell_state(x, "kitchen", 40, users, 3);
    order(x, 41);
    run(x);
    struct store_conv c = conv_row(&x->k, "kitchen");
    assert_int_equal(c.floor, 40);
    assert_int_equal(c.head, 41);
    assert_int_equal(left(x).first, 41);
    assert_false(is_member(&x->k, "kitchen", "carl"));
    assert_true(is_member(&x->k, "kitchen", "dora"));
    assert_int_equal(c.msgs - member_row(x, "dora").read_msgs, 1);
    assert_int_equal(c.msgs - member_row(x, "ben").read_msgs, 1);
    assert_int_equal(site(x)->counters.apply_failures, 0);
}

static void facts_of_people_come_down(void **state)
{
    struct fixture *x = *state;
    uint8_t buf[128];
    struct fp_enc e;
    struct store_person p;
    bool found = false;
    struct fp_person_facts f = {.user = kit_id("anna"), .version = 7, .text = fp_bytes_of("on site", 7)};
    for (uint64_t version = 7; version >= 6; version--) { /* an older one changes nothing */
        f.version = version;
        fp_enc_init(&e, buf, sizeof(buf));
        fp_enc_told_person(&e, &f);
        far_down(&x->f, 1, fp_enc_bytes_of(&e));
        run(x);
        f.text = fp_bytes_of("at home", 7);
    }
    assert_int_equal(x->k.fault.inner.load_person(x->k.fault.inner.ctx, &f.user, &p, &found), FP_OK);
    assert_true(found);
    assert_int_equal(p.version, 7);
    assert_memory_equal(p.status.p, "on site", 7);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, site_setup, site_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hello_comes_again_and_ever_less_often_until_it_is_answered),
        TEST(after_a_start_hello_says_what_is_held_and_later_it_need_not),
        TEST(a_link_that_is_silent_is_begun_anew),
        TEST(nothing_is_acked_that_is_not_on_disk),
        TEST(what_is_known_is_acked_and_told_nobody),
        TEST(a_missing_batch_is_asked_for),
        TEST(a_hole_between_events_makes_a_hello_with_all_that_is_held),
        TEST(a_batch_of_an_older_session_is_not_taken_for_one_of_this),
        TEST(a_record_that_nobody_can_read_is_passed_over),
        TEST(nothing_goes_to_a_hub_that_is_another),
        TEST(nothing_goes_to_a_hub_that_was_restored),
        TEST(a_hub_that_lacks_what_was_dropped_is_seen_by_its_welcome),
        TEST(a_site_that_was_restored_begins_a_new_log),
        TEST(receipts_may_be_ahead_of_their_events),
        TEST(a_conversation_may_begin_above_one),
        TEST(the_hubs_floor_is_the_sites),
        TEST(a_site_that_was_away_for_longer_than_is_kept_goes_on_at_the_floor),
        TEST(facts_of_people_come_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
