#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/hub_kit.h"

static const char *const ben[] = {"ben"};
static const uint64_t as_member[] = {FP_ROLE_MEMBER};

static void open_kitchen(struct kit *k, uint64_t messages)
{
    struct kit_body b;
    kit_open(k);
    struct fp_command c = kit_conv_new(&b, 1, "kitchen", "house", ben, as_member, 1);
    kit_send(k, "anna-phone", &c);
    for (uint64_t n = 2; n < messages + 2; n++) {
        c = kit_msg(&b, n, "kitchen", "hello");
        kit_send(k, "anna-phone", &c);
    }
    kit_run(k);
    kit_idle(k);
    kit_clear(k);
}

static void hello(struct kit *k, const char *device, const char *conv, uint64_t cursor)
{
    struct kit_body b;
    struct fp_command c = kit_hello(&b, conv, cursor);
    kit_send(k, device, &c);
}

static void a_welcome_says_where_things_stand(void **state)
{
    (void)state;
    struct kit k;
    struct fp_reply r;
    struct fp_conv_head h;
    open_kitchen(&k, 3);
    hello(&k, "ben-pad", NULL, 0);
    kit_run(&k);
    assert_true(kit_reply(&k, "ben-pad", 0, &r));
    assert_int_equal(r.what, FP_REPLY_WELCOME);
    assert_int_equal(r.as.welcome.head.epoch, mem_store_info(k.mem).epoch);
    assert_int_equal(r.as.welcome.head.next_n, 1);
    assert_int_equal(r.as.welcome.head.limits.command_bytes, FP_COMMAND_BYTES_MAX);
    assert_int_equal(r.as.welcome.head.limits.page_bytes, FP_PAGE_BYTES_MAX);
    assert_int_equal(r.as.welcome.head.head_count, 1);
    assert_true(fp_reply_head(&r, &h));
    assert_int_equal(h.head, 4);
    assert_int_equal(h.unread, 3);
    assert_int_equal(h.floor, 0);

    hello(&k, "anna-phone", NULL, 0);
    kit_run(&k);
    assert_true(kit_reply(&k, "anna-phone", 0, &r) && fp_reply_head(&r, &h));
    assert_int_equal(r.as.welcome.head.next_n, 5);
    assert_int_equal(h.unread, 0);
    kit_close(&k);
}

static void a_welcome_knows_what_its_own_batch_did(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    struct fp_reply r;
    struct fp_conv_head h;
    open_kitchen(&k, 0);
    struct fp_command c = kit_msg(&b, 2, "kitchen", "hello");
    kit_send(&k, "anna-phone", &c);
    hello(&k, "anna-phone", NULL, 0);
    kit_run(&k);
    assert_true(kit_reply(&k, "anna-phone", 0, &r));
    assert_int_equal(r.what, FP_REPLY_ACK); /* what came first is answered first */
    assert_true(kit_reply(&k, "anna-phone", 1, &r) && fp_reply_head(&r, &h));
    assert_int_equal(h.head, 2);
    assert_int_equal(h.unread, 0);
    assert_int_equal(r.as.welcome.head.next_n, 3);
    kit_close(&k);
}

static void sessions_are_numbered_upwards_across_restarts(void **state)
{
    (void)state;
    struct kit k;
    struct fp_reply r;
    open_kitchen(&k, 0);
    hello(&k, "ben-pad", NULL, 0);
    kit_run(&k);
    assert_true(kit_reply(&k, "ben-pad", 0, &r));
    uint64_t first = r.as.welcome.head.session;
    hello(&k, "ben-pad", NULL, 0); /* the same connection */
    kit_run(&k);
    assert_true(kit_reply(&k, "ben-pad", 1, &r));
    assert_int_equal(r.as.welcome.head.session, first);
    kit_restart(&k);
    hello(&k, "ben-pad", NULL, 0);
    kit_run(&k);
    assert_true(kit_reply(&k, "ben-pad", 0, &r));
    assert_true(r.as.welcome.head.session > first);
    kit_close(&k);
}

/* P10: who hides leaves no trace in what others are told. */
static void a_session_number_does_not_count_those_of_others(void **state)
{
    (void)state;
    struct kit k;
    struct fp_reply r;
    uint64_t numbers[2];
    for (size_t others = 0; others < 2; others++) {
        open_kitchen(&k, 0);
        for (size_t i = 0; i < others; i++) {
            hello(&k, "anna-phone", NULL, 0);
            kit_run(&k);
        }
        hello(&k, "ben-pad", NULL, 0);
        kit_run(&k);
        assert_true(kit_reply(&k, "ben-pad", 0, &r));
        numbers[others] = r.as.welcome.head.session;
        kit_close(&k);
    }
    assert_int_equal(numbers[0], numbers[1]);
}

static void pages_follow_a_cursor_that_is_behind_without_asking(void **state)
{
    (void)state;
    struct kit k;
    struct fp_reply r;
    open_kitchen(&k, 3);
    hello(&k, "ben-pad", "kitchen", 2);
    kit_run(&k);
    assert_int_equal(kit_replies(&k, "ben-pad"), 2);
    assert_true(kit_reply(&k, "ben-pad", 1, &r));
    assert_int_equal(r.what, FP_REPLY_PAGE);
    assert_int_equal(r.as.page.from, 3);
    assert_int_equal(r.as.page.to, 4);
    assert_false(r.as.page.more);

    kit_clear(&k);
    hello(&k, "ben-pad", "kitchen", 4);
    kit_run(&k);
    assert_int_equal(kit_replies(&k, "ben-pad"), 1);
    hello(&k, "ben-pad", "cellar", 0); /* a cursor for what is not there: welcome does not name it */
    kit_run(&k);
    assert_int_equal(kit_replies(&k, "ben-pad"), 2);
    kit_close(&k);
}

static void another_protocol_is_unsupported(void **state)
{
    (void)state;
    struct kit k;
    static const uint8_t body[] = {0xa1, FP_HELLO_PROTOCOL, 0x02};
    open_kitchen(&k, 0);
    struct fp_command c = {.kind = FP_K_HELLO, .priority = 2, .body = fp_bytes_of(body, sizeof(body))};
    kit_send(&k, "ben-pad", &c);
    kit_run(&k);
    assert_true(kit_nacked(&k, "ben-pad", FP_EUNSUPPORTED));
    kit_close(&k);
}

static size_t heads_told(struct kit *k, const char *topic)
{
    size_t count = 0;
    for (size_t at = fake_bus_find(&k->bus, topic, 0); at != SIZE_MAX; at = fake_bus_find(&k->bus, topic, at + 1)) {
        struct fp_inbox i;
        assert_int_equal(fp_inbox_decode(fake_bus_at(&k->bus, at)->tell.payload, &i), FP_OK);
        count += i.what == FP_INBOX_HEADS;
    }
    return count;
}

static void only_who_is_there_hears_of_heads(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    open_kitchen(&k, 0);
    hello(&k, "ben-pad", NULL, 0);
    kit_run(&k);
    kit_pass(&k, 5000);
    struct fp_command c = kit_msg(&b, 2, "kitchen", "hello");
    kit_send(&k, "anna-phone", &c);
    kit_run(&k);
    assert_int_equal(heads_told(&k, "fp/1/user/ben/inbox"), 1);
    assert_int_equal(heads_told(&k, "fp/1/user/anna/inbox"), 0);

    kit_disconnect(&k, "ben-pad");
    kit_run(&k);
    kit_pass(&k, 5000);
    c = kit_msg(&b, 3, "kitchen", "hello");
    kit_send(&k, "anna-phone", &c);
    kit_run(&k);
    assert_int_equal(heads_told(&k, "fp/1/user/ben/inbox"), 1);
    kit_close(&k);
}

static void the_end_of_an_older_connection_leaves_the_session_alone(void **state)
{
    (void)state;
    struct kit k;
    open_kitchen(&k, 0);
    hello(&k, "ben-pad", NULL, 0);
    kit_run(&k);
    assert_int_equal(hub_stats(k.hub)->sessions, 1);
    kit_disconnect(&k, "ben-pad");
    k.items[0].conn = 7;
    kit_run(&k);
    assert_int_equal(hub_stats(k.hub)->sessions, 1);
    kit_disconnect(&k, "ben-pad");
    kit_run(&k);
    assert_int_equal(hub_stats(k.hub)->sessions, 0);
    kit_close(&k);
}

static void bye_ends_the_session(void **state)
{
    (void)state;
    struct kit k;
    open_kitchen(&k, 0);
    hello(&k, "ben-pad", NULL, 0);
    struct fp_command c = {.kind = FP_K_BYE, .priority = 2};
    kit_send(&k, "ben-pad", &c);
    kit_run(&k);
    assert_int_equal(hub_stats(k.hub)->sessions, 0);
    kit_close(&k);
}

static void heads_are_told_again_on_demand(void **state)
{
    (void)state;
    struct kit k;
    struct fp_reply r;
    struct fp_conv_head h;
    open_kitchen(&k, 2);
    struct fp_command c = {.kind = FP_K_HEADS, .priority = 2};
    kit_send(&k, "ben-pad", &c);
    kit_run(&k);
    assert_true(kit_reply(&k, "ben-pad", 0, &r));
    assert_int_equal(r.what, FP_REPLY_WELCOME);
    assert_true(fp_reply_head(&r, &h));
    assert_int_equal(h.head, 3);
    kit_close(&k);
}

static void the_time_is_told_with_the_devices_own_clock(void **state)
{
    (void)state;
    struct kit k;
    struct fp_reply r;
    static const uint8_t body[] = {0x19, 0x12, 0x34};
    static const uint8_t text[] = {0x61, 'x'};
    open_kitchen(&k, 0);
    struct fp_command c = {.kind = FP_K_TIME, .priority = 2, .body = fp_bytes_of(body, sizeof(body))};
    kit_send(&k, "ben-pad", &c);
    kit_run(&k);
    assert_true(kit_reply(&k, "ben-pad", 0, &r));
    assert_int_equal(r.what, FP_REPLY_TIME);
    assert_int_equal(r.as.time.echo, 0x1234);
    assert_int_equal(r.as.time.received.ms, k.wall.ms);

    c.body = fp_bytes_of(text, sizeof(text));
    kit_send(&k, "ben-pad", &c);
    kit_run(&k);
    assert_true(kit_nacked(&k, "ben-pad", FP_EMALFORMED));
    kit_close(&k);
}
static void hello_alive(struct kit *k, uint64_t alive_s, uint64_t conn)
{
    struct kit_body b;
    fp_enc_init(&b.e, b.buf, sizeof(b.buf));
    fp_enc_map(&b.e, alive_s > 0 ? 2 : 1);
    fp_enc_uint(&b.e, FP_HELLO_PROTOCOL);
    fp_enc_uint(&b.e, 1);
    if (alive_s > 0) {
        fp_enc_uint(&b.e, FP_HELLO_ALIVE);
        fp_enc_uint(&b.e, alive_s);
    }
    struct fp_command c = {.kind = FP_K_HELLO, .priority = FP_PRIORITY_NORMAL, .body = fp_enc_bytes_of(&b.e)};
    kit_send(k, "ben-pad", &c);
    k->items[k->count - 1].conn = conn;
}

/* What the broker was told last since the last kit_clear(); NULL: nothing. */
static const struct tell *promise(const struct kit *k)
{
    const struct tell *last = NULL;
    for (size_t i = fake_bus_find_grant(&k->bus, TELL_ALIVE, "ben-pad", "ben", 0); i != SIZE_MAX;
         i = fake_bus_find_grant(&k->bus, TELL_ALIVE, "ben-pad", "ben", i + 1)) {
        last = &fake_bus_at(&k->bus, i)->tell;
    }
    return last;
}

static uint64_t welcomed(const struct kit *k)
{
    struct fp_reply r;
    assert_true(kit_reply(k, "ben-pad", kit_replies(k, "ben-pad") - 1, &r));
    assert_int_equal(r.what, FP_REPLY_WELCOME);
    return r.as.welcome.head.limits.alive_s;
}

static void who_promises_to_be_heard_of_is_taken_at_his_word(void **state)
{
    (void)state;
    static const struct {
        uint64_t says, conn;
        bool told;
    } steps[] = {{0, 1, false}, {60, 1, true}, {5, 2, true}, {0, 2, true}, {0, 2, true}, {0, 3, false}};
    struct kit k;
    open_kitchen(&k, 0);
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        kit_clear(&k);
        hello_alive(&k, steps[i].says, steps[i].conn);
        kit_run(&k);
        assert_int_equal(welcomed(&k), steps[i].says);
        const struct tell *t = promise(&k);
        assert_int_equal(t != NULL, steps[i].told);
        if (t) {
            assert_int_equal(t->alive_s, steps[i].says);
            assert_int_equal(t->conn, steps[i].conn);
        }
    }
    kit_close(&k);
}

static void a_promise_is_told_when_its_welcome_is(void **state)
{
    (void)state;
    struct kit k;
    uint64_t failed = 0;
    open_kitchen(&k, 0);
    for (uint64_t call = 1; call < 20; call++) { /* where a call of the store fails, the batch is run once more */
        struct kit_body b;
        hello_alive(&k, 60, 1);
        kit_run(&k);
        kit_clear(&k);
        struct fp_command c = kit_msg(&b, 1 + call, "kitchen", "hello");
        kit_send(&k, "anna-phone", &c);
        hello_alive(&k, 0, 1);
        fault_store_arm(&k.fault, call, FP_EIO, false);
        kit_run(&k);
        failed += k.fault.failed;
        fault_store_disarm(&k.fault);
        assert_int_equal(welcomed(&k), 0);
        assert_non_null(promise(&k));
        assert_int_equal(promise(&k)->alive_s, 0);
    }
    assert_true(failed > 0);
    kit_close(&k);
}

static void a_question_that_is_shed_is_no_end(void **state)
{
    (void)state;
    struct kit k;
    struct fp_reply r;
    open_kitchen(&k, 0);
    k.config.now_per_s = FP_NOW_PER_S;
    hub_reconfigure(k.hub, &k.config);
    hello_alive(&k, 60, 1);
    kit_run(&k);
    kit_clear(&k);
    for (int i = 0; i < 200; i++) {
        kit_raw(&k, "ben-pad", FP_TOPIC_DEVICE_NOW, fp_bytes_of("\xa2\x01\x05\x0a\x07", 5));
    }
    kit_run(&k);
    assert_in_range(kit_replies(&k, "ben-pad"), 1, 199);
    assert_int_equal(hub_stats(k.hub)->shed, 200 - kit_replies(&k, "ben-pad"));
    assert_true(kit_reply(&k, "ben-pad", 0, &r));
    assert_int_equal(r.what, FP_REPLY_TIME);
    assert_int_equal(hub_stats(k.hub)->sessions, 1);
    kit_close(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_welcome_says_where_things_stand),
        cmocka_unit_test(a_welcome_knows_what_its_own_batch_did),
        cmocka_unit_test(sessions_are_numbered_upwards_across_restarts),
        cmocka_unit_test(a_session_number_does_not_count_those_of_others),
        cmocka_unit_test(pages_follow_a_cursor_that_is_behind_without_asking),
        cmocka_unit_test(another_protocol_is_unsupported),
        cmocka_unit_test(only_who_is_there_hears_of_heads),
        cmocka_unit_test(the_end_of_an_older_connection_leaves_the_session_alone),
        cmocka_unit_test(bye_ends_the_session),
        cmocka_unit_test(heads_are_told_again_on_demand),
        cmocka_unit_test(the_time_is_told_with_the_devices_own_clock),
        cmocka_unit_test(who_promises_to_be_heard_of_is_taken_at_his_word),
        cmocka_unit_test(a_promise_is_told_when_its_welcome_is),
        cmocka_unit_test(a_question_that_is_shed_is_no_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
