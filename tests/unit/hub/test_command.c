#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/hub_kit.h"

static const char *const ben[] = {"ben"};
static const uint64_t as_member[] = {FP_ROLE_MEMBER};

/* Anna owns "kitchen" in scope "house" with Ben as member; her next n is 2, the head is 1. */
static void open_kitchen(struct kit *k)
{
    struct kit_body b;
    kit_open(k);
    struct fp_command c = kit_conv_new(&b, 1, "kitchen", "house", ben, as_member, 1);
    kit_send(k, "anna-phone", &c);
    kit_run(k);
    kit_idle(k);
    kit_clear(k);
}

static void a_message_gets_the_next_seq_and_an_ack(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    struct fp_event ev;
    open_kitchen(&k);

    struct fp_command c = kit_msg(&b, 2, "kitchen", "hello");
    kit_send(&k, "anna-phone", &c);
    kit_run(&k);

    assert_true(kit_acked(&k, "anna-phone", 2, 2));
    size_t at = fake_bus_find(&k.bus, "fp/1/scope/house/conv/kitchen/event", 0);
    assert_int_not_equal(at, SIZE_MAX);
    assert_int_equal(fp_event_decode(fake_bus_at(&k.bus, at)->tell.payload, &ev), FP_OK);
    assert_int_equal(ev.seq, 2);
    assert_int_equal(ev.n, 2);
    assert_int_equal(ev.at.ms, k.wall.ms);
    kit_close(&k);
}

static void nothing_is_told_before_the_commit(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    open_kitchen(&k);
    uint64_t before = mem_store_hash(k.mem);

    struct fp_command c = kit_msg(&b, 2, "kitchen", "hello");
    kit_send(&k, "anna-phone", &c);
    fault_store_arm(&k.fault, 1, FP_EIO, true);
    kit_run(&k);

    assert_true(kit_nacked(&k, "anna-phone", FP_EBUSY));
    assert_int_equal(k.bus.count, 2);
    assert_int_not_equal(fake_bus_find_line(&k.bus, "the database could not take a command (", 0), SIZE_MAX);
    assert_int_equal(mem_store_hash(k.mem), before);
    kit_close(&k);
}

static void messages_of_one_batch_travel_as_one_array_and_one_ack(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    struct fp_reply r;
    open_kitchen(&k);

    for (uint64_t n = 2; n <= 11; n++) {
        struct fp_command c = kit_msg(&b, n, "kitchen", "hello");
        kit_send(&k, "anna-phone", &c);
    }
    kit_run(&k);

    assert_int_equal(fake_bus_count(&k.bus, "fp/1/scope/house/conv/kitchen/event"), 1);
    assert_int_equal(kit_replies(&k, "anna-phone"), 1);
    assert_true(kit_reply(&k, "anna-phone", 0, &r));
    assert_int_equal(r.as.ack.count, 10);
    size_t at = fake_bus_find(&k.bus, "fp/1/scope/house/conv/kitchen/event", 0);
    struct fp_dec d;
    fp_dec_init(&d, fake_bus_at(&k.bus, at)->tell.payload);
    assert_int_equal(fp_dec_array(&d), 10);
    for (uint64_t seq = 2; seq <= 11; seq++) {
        assert_int_equal(fp_event_seq(fp_dec_raw(&d)), seq);
    }
    assert_true(fp_dec_done(&d));
    kit_close(&k);
}

static void a_long_run_is_cut_at_the_limit_of_events(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    open_kitchen(&k);
    for (uint64_t n = 2; n <= FP_EVENTS_MAX + 2; n++) {
        struct fp_command c = kit_msg(&b, n, "kitchen", "x");
        kit_send(&k, "anna-phone", &c);
    }
    kit_run(&k);
    assert_int_equal(fake_bus_count(&k.bus, "fp/1/scope/house/conv/kitchen/event"), 2);
    assert_int_equal(kit_replies(&k, "anna-phone"), 2);
    assert_true(kit_acked(&k, "anna-phone", FP_EVENTS_MAX + 2, FP_EVENTS_MAX + 2));
    kit_close(&k);
}

static void a_run_is_cut_at_the_limit_of_bytes(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    static char text[10001];
    memset(text, 'x', sizeof(text) - 1);
    open_kitchen(&k);
    for (uint64_t n = 2; n <= 8; n++) {
        struct fp_command c = kit_msg(&b, n, "kitchen", text);
        kit_send(&k, "anna-phone", &c);
    }
    kit_run(&k);
    assert_int_equal(fake_bus_count(&k.bus, "fp/1/scope/house/conv/kitchen/event"), 2);
    for (size_t at = fake_bus_find(&k.bus, "fp/1/scope/house/conv/kitchen/event", 0); at != SIZE_MAX;
         at = fake_bus_find(&k.bus, "fp/1/scope/house/conv/kitchen/event", at + 1)) {
        assert_true(fake_bus_at(&k.bus, at)->tell.payload.len <= FP_EVENTS_BYTES_MAX + 8);
    }
    assert_true(kit_acked(&k, "anna-phone", 8, 8));
    kit_close(&k);
}

static void acks_are_cut_at_their_limit(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    struct fp_reply r;
    open_kitchen(&k);
    for (uint64_t n = 2; n <= FP_ACKS_MAX + 2; n++) {
        struct fp_command c = kit_msg(&b, n, "kitchen", "x");
        kit_send(&k, "anna-phone", &c);
    }
    kit_run(&k);
    assert_true(kit_reply(&k, "anna-phone", 0, &r));
    assert_int_equal(r.as.ack.count, FP_ACKS_MAX);
    assert_true(kit_reply(&k, "anna-phone", 1, &r));
    assert_int_equal(r.as.ack.count, 1);
    kit_close(&k);
}

static void a_command_may_have_just_so_many_bytes(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    open_kitchen(&k);
    struct fp_command c = kit_msg(&b, 2, "kitchen", "hello");
    uint8_t buf[256];
    struct fp_enc e;
    fp_enc_init(&e, buf, sizeof(buf));
    assert_true(fp_command_encode(&e, &c));
    k.config.command_bytes = e.len - 1;
    hub_reconfigure(k.hub, &k.config);
    kit_send(&k, "anna-phone", &c);
    kit_run(&k);
    assert_true(kit_nacked(&k, "anna-phone", FP_ETOOLARGE));
    k.config.command_bytes = e.len;
    hub_reconfigure(k.hub, &k.config);
    c.n = 3;
    kit_send(&k, "anna-phone", &c);
    kit_run(&k);
    assert_true(kit_acked(&k, "anna-phone", 3, 2));
    kit_close(&k);
}

static void a_repeated_command_gets_its_first_answer_again(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    open_kitchen(&k);
    struct fp_command c = kit_msg(&b, 2, "kitchen", "hello");
    kit_send(&k, "anna-phone", &c);
    c.has_age = true;
    c.age_ms = 400;
    kit_send(&k, "anna-phone", &c); /* in the same batch */
    kit_run(&k);
    assert_true(kit_acked(&k, "anna-phone", 2, 2));
    assert_int_equal(fake_bus_count(&k.bus, "fp/1/scope/house/conv/kitchen/event"), 1);

    kit_restart(&k); /* and from the store */
    uint64_t before = mem_store_hash(k.mem);
    kit_send(&k, "anna-phone", &c);
    kit_run(&k);
    assert_true(kit_acked(&k, "anna-phone", 2, 2));
    assert_int_equal(fake_bus_count(&k.bus, "fp/1/scope/house/conv/kitchen/event"), 0);
    assert_int_equal(mem_store_hash(k.mem), before);
    kit_close(&k);
}

static void a_repeated_refusal_is_the_same_bytes(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    struct fp_reply first;
    struct fp_reply again;
    open_kitchen(&k);
    struct fp_command c = kit_msg(&b, 2, "cellar", "hello");
    kit_send(&k, "anna-phone", &c);
    kit_run(&k);
    kit_send(&k, "anna-phone", &c);
    kit_run(&k);
    assert_true(kit_reply(&k, "anna-phone", 0, &first) && kit_reply(&k, "anna-phone", 1, &again));
    assert_int_equal(first.as.nack.code, FP_EUNKNOWN);
    assert_int_equal(again.as.nack.code, FP_EUNKNOWN);
    assert_int_equal(again.as.nack.n, 2);
    assert_true(fp_bytes_eq(first.as.nack.reason, again.as.nack.reason));
    kit_close(&k);
}

static void the_same_number_with_another_content_is_a_conflict(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    open_kitchen(&k);
    struct fp_command c = kit_msg(&b, 2, "kitchen", "hello");
    kit_send(&k, "anna-phone", &c);
    c = kit_msg(&b, 2, "kitchen", "HELLO");
    kit_send(&k, "anna-phone", &c);
    kit_run(&k);
    assert_true(kit_nacked(&k, "anna-phone", FP_ECONFLICT));
    kit_close(&k);
}

static void a_gap_names_the_number_that_is_expected_and_uses_none_up(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    struct fp_reply r;
    open_kitchen(&k);
    struct fp_command c = kit_msg(&b, 5, "kitchen", "hello");
    kit_send(&k, "anna-phone", &c);
    kit_run(&k);
    assert_true(kit_reply(&k, "anna-phone", 0, &r));
    assert_int_equal(r.as.nack.code, FP_EGAP);
    assert_int_equal(r.as.nack.n, 5);
    assert_int_equal(r.as.nack.next_n, 2);
    assert_true(r.as.nack.retry);

    c = kit_msg(&b, 2, "kitchen", "hello");
    kit_send(&k, "anna-phone", &c);
    kit_run(&k);
    assert_true(kit_acked(&k, "anna-phone", 2, 2));
    kit_close(&k);
}

static void a_refused_command_uses_its_number_up(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    open_kitchen(&k);
    struct fp_command c = kit_msg(&b, 2, "cellar", "hello");
    kit_send(&k, "anna-phone", &c);
    c = kit_msg(&b, 3, "kitchen", "hello");
    kit_send(&k, "anna-phone", &c);
    kit_run(&k);
    assert_true(kit_acked(&k, "anna-phone", 3, 2));
    kit_close(&k);
}

static void a_device_of_another_user_is_refused_and_nothing_changes(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    open_kitchen(&k);
    uint64_t before = mem_store_hash(k.mem);
    struct fp_command c = kit_msg(&b, 2, "kitchen", "hello");
    kit_as(&k, "ben", "anna-phone", &c);
    kit_run(&k);
    assert_true(kit_nacked(&k, "anna-phone", FP_EIDENTITY));
    c = kit_hello(&b, NULL, 0);
    kit_as(&k, "ben", "anna-phone", &c);
    kit_run(&k);
    assert_true(kit_nacked(&k, "anna-phone", FP_EIDENTITY));
    assert_int_equal(mem_store_hash(k.mem), before);
    kit_close(&k);
}

static void garbage_is_malformed_and_changes_nothing(void **state)
{
    (void)state;
    struct kit k;
    static const uint8_t garbage[] = {0xff, 0x00, 0x13};
    open_kitchen(&k);
    uint64_t before = mem_store_hash(k.mem);
    kit_raw(&k, "carl-phone", FP_TOPIC_DEVICE_UP, fp_bytes_of(garbage, sizeof(garbage)));
    kit_run(&k);
    assert_true(kit_nacked(&k, "carl-phone", FP_EMALFORMED));
    assert_int_equal(mem_store_hash(k.mem), before);
    kit_close(&k);
}

static void a_command_past_its_ttl_has_expired(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    open_kitchen(&k);
    struct fp_command c = kit_msg(&b, 2, "kitchen", "hello");
    c.has_age = c.has_ttl = true;
    c.ttl_s = 5;
    c.age_ms = 6000;
    kit_send(&k, "anna-phone", &c);
    kit_run(&k);
    assert_true(kit_nacked(&k, "anna-phone", FP_EEXPIRED));
    kit_close(&k);
}

static void a_kind_of_a_later_release_is_unsupported(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    open_kitchen(&k);
    struct fp_command c = kit_msg(&b, 2, "kitchen", "hello");
    c.kind = FP_K_STEP;
    kit_send(&k, "anna-phone", &c);
    kit_run(&k);
    assert_true(kit_nacked(&k, "anna-phone", FP_EUNSUPPORTED));
    kit_close(&k);
}

static void too_many_commands_a_second_are_refused_for_a_while(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    struct fp_reply r;
    open_kitchen(&k);
    k.config.commands_per_s = 2;
    hub_reconfigure(k.hub, &k.config);
    for (uint64_t n = 2; n <= 12; n++) {
        struct fp_command c = kit_msg(&b, n, "kitchen", "hello");
        kit_send(&k, "anna-phone", &c);
    }
    kit_run(&k);
    assert_true(kit_replies(&k, "anna-phone") > 1);
    assert_true(kit_reply(&k, "anna-phone", 1, &r));
    assert_int_equal(r.as.nack.code, FP_ERATE);
    assert_int_equal(r.as.nack.n, 12);
    assert_true(r.as.nack.retry);
    struct fp_dec d;
    fp_dec_init(&d, r.as.nack.current);
    assert_int_equal(fp_dec_uint(&d), 500);

    kit_pass(&k, 500);
    struct fp_command c = kit_msg(&b, 12, "kitchen", "hello");
    kit_send(&k, "anna-phone", &c);
    kit_run(&k);
    assert_true(kit_acked(&k, "anna-phone", 12, 12));
    kit_close(&k);
}

static void a_pruned_answer_is_too_late_to_ask_for(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    open_kitchen(&k);
    struct fp_command first = kit_msg(&b, 2, "kitchen", "hello");
    kit_send(&k, "anna-phone", &first);
    kit_run(&k);
    kit_pass(&k, 61ULL * 86400 * 1000);
    struct kit_body b2;
    struct fp_command second = kit_msg(&b2, 3, "kitchen", "hello");
    kit_send(&k, "anna-phone", &second);
    kit_run(&k);
    kit_pass(&k, 600000);
    kit_run(&k);
    kit_send(&k, "anna-phone", &first);
    kit_run(&k);
    assert_true(kit_nacked(&k, "anna-phone", FP_ETOOLATE));
    kit_send(&k, "anna-phone", &second);
    kit_run(&k);
    assert_true(kit_acked(&k, "anna-phone", 3, 3));
    kit_close(&k);
}

static void an_outsider_learns_nothing_of_a_conversation(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    struct fp_reply known;
    struct fp_reply unknown;
    open_kitchen(&k);
    struct fp_command c = kit_msg(&b, 1, "kitchen", "hello");
    kit_send(&k, "carl-phone", &c);
    c = kit_msg(&b, 2, "attic", "hello");
    kit_send(&k, "carl-phone", &c);
    kit_run(&k);
    assert_true(kit_reply(&k, "carl-phone", 0, &known) && kit_reply(&k, "carl-phone", 1, &unknown));
    assert_int_equal(known.as.nack.code, FP_EUNKNOWN);
    assert_int_equal(unknown.as.nack.code, FP_EUNKNOWN);
    assert_true(fp_bytes_eq(known.as.nack.reason, unknown.as.nack.reason));
    kit_close(&k);
}

static void a_reply_refers_to_an_event_that_exists(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    open_kitchen(&k);
    struct fp_command c = kit_msg(&b, 2, "kitchen", "hello");
    c.ref = 2;
    kit_send(&k, "anna-phone", &c);
    kit_run(&k);
    assert_true(kit_nacked(&k, "anna-phone", FP_EUNKNOWN));
    c.n = 3;
    c.ref = 1;
    kit_send(&k, "anna-phone", &c);
    kit_run(&k);
    assert_true(kit_acked(&k, "anna-phone", 3, 2));
    kit_close(&k);
}
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_gets_the_next_seq_and_an_ack),
        cmocka_unit_test(nothing_is_told_before_the_commit),
        cmocka_unit_test(messages_of_one_batch_travel_as_one_array_and_one_ack),
        cmocka_unit_test(a_long_run_is_cut_at_the_limit_of_events),
        cmocka_unit_test(a_run_is_cut_at_the_limit_of_bytes),
        cmocka_unit_test(acks_are_cut_at_their_limit),
        cmocka_unit_test(a_command_may_have_just_so_many_bytes),
        cmocka_unit_test(a_repeated_command_gets_its_first_answer_again),
        cmocka_unit_test(a_repeated_refusal_is_the_same_bytes),
        cmocka_unit_test(the_same_number_with_another_content_is_a_conflict),
        cmocka_unit_test(a_gap_names_the_number_that_is_expected_and_uses_none_up),
        cmocka_unit_test(a_refused_command_uses_its_number_up),
        cmocka_unit_test(a_device_of_another_user_is_refused_and_nothing_changes),
        cmocka_unit_test(garbage_is_malformed_and_changes_nothing),
        cmocka_unit_test(a_command_past_its_ttl_has_expired),
        cmocka_unit_test(a_kind_of_a_later_release_is_unsupported),
        cmocka_unit_test(too_many_commands_a_second_are_refused_for_a_while),
        cmocka_unit_test(a_pruned_answer_is_too_late_to_ask_for),
        cmocka_unit_test(an_outsider_learns_nothing_of_a_conversation),
        cmocka_unit_test(a_reply_refers_to_an_event_that_exists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
