#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/hub_kit.h"

#define EVENT(conv) "fp/1/scope/house/conv/" conv "/event"

static void open_house(struct kit *k)
{
    static const char *const members[] = {"ben", "cleo"};
    static const uint64_t roles[] = {1, 0};
    struct kit_body b;

    kit_open(k);
    struct fp_command c = kit_conv_new(&b, 1, "kitchen", "house", members, roles, 2);
    kit_send(k, "anna-phone", &c);
    c = kit_conv_new(&b, 2, "cellar", "house", members, roles, 2);
    kit_send(k, "anna-phone", &c);
    kit_run(k);
    kit_idle(k);
    kit_clear(k);
}

static void say(struct kit *k, const char *device, uint64_t n, const char *conv, uint8_t priority, const char *text)
{
    struct kit_body b;
    struct fp_command c = kit_msg(&b, n, conv, text);
    c.priority = priority;
    kit_send(k, device, &c);
}

static bool alerted(const struct kit *k, const char *topic, struct fp_inbox *out)
{
    for (size_t i = fake_bus_find(&k->bus, topic, 0); i != SIZE_MAX; i = fake_bus_find(&k->bus, topic, i + 1)) {
        assert_int_equal(fp_inbox_decode(fake_bus_at(&k->bus, i)->tell.payload, out), FP_OK);
        if (out->what == FP_INBOX_ALERT) {
            return true;
        }
    }
    return false;
}

static void every_member_but_the_author_is_alerted(void **state)
{
    (void)state;
    struct kit k;
    struct fp_inbox in;
    open_house(&k);
    say(&k, "ben-phone", 1, "kitchen", FP_PRIORITY_SAFETY, "gas!");
    kit_run(&k);
    assert_false(alerted(&k, "fp/1/user/ben/inbox", &in));
    assert_true(alerted(&k, "fp/1/user/anna/inbox", &in));
    assert_true(alerted(&k, "fp/1/user/cleo/inbox", &in));
    struct fp_id kitchen = kit_id("kitchen");
    assert_true(fp_id_eq(&in.conv, &kitchen));
    assert_int_equal(in.seq, 2);
    assert_int_equal(in.priority, FP_PRIORITY_SAFETY);
    assert_true(fp_bytes_eq(in.details, fp_bytes_of("\x64gas!", 5)));
    kit_close(&k);
}

static void a_long_text_is_left_out(void **state)
{
    (void)state;
    struct kit k;
    struct fp_inbox in;
    char text[202];
    open_house(&k);
    memset(text, 'x', sizeof(text));
    text[201] = '\0';
    say(&k, "ben-phone", 1, "kitchen", FP_PRIORITY_SAFETY, text);
    kit_run(&k);
    assert_true(alerted(&k, "fp/1/user/anna/inbox", &in));
    assert_int_equal(in.details.len, 0);
    kit_clear(&k);
    text[200] = '\0';
    say(&k, "ben-phone", 2, "kitchen", FP_PRIORITY_SAFETY, text);
    kit_run(&k);
    assert_true(alerted(&k, "fp/1/user/anna/inbox", &in));
    assert_int_equal(in.details.len, 202);
    kit_close(&k);
}

static void other_priorities_other_kinds_and_refusals_alert_nobody(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    struct fp_inbox in;
    open_house(&k);
    say(&k, "ben-phone", 1, "kitchen", FP_PRIORITY_HIGH, "soon");
    say(&k, "cleo-phone", 1, "kitchen", FP_PRIORITY_SAFETY, "an observer does not write");
    struct fp_command c = kit_member(&b, 3, FP_K_MEMBER_ADD, "kitchen", "dora", 1, -1);
    c.priority = FP_PRIORITY_SAFETY;
    kit_send(&k, "anna-phone", &c);
    kit_run(&k);
    assert_true(kit_acked(&k, "anna-phone", 3, 3));
    assert_false(alerted(&k, "fp/1/user/anna/inbox", &in));
    assert_false(alerted(&k, "fp/1/user/cleo/inbox", &in));
    kit_close(&k);
}

static void a_failed_batch_alerts_nobody_and_a_replayed_one_once(void **state)
{
    (void)state;
    for (uint64_t call = 1; call <= 12; call++) {
        struct kit k;
        struct fp_inbox in;
        open_house(&k);
        say(&k, "ben-phone", 1, "kitchen", FP_PRIORITY_SAFETY, "gas!");
        fault_store_arm(&k.fault, call, FP_EIO, call % 2 == 0);
        kit_run(&k);
        bool acked = kit_acked(&k, "ben-phone", 1, 2);
        assert_int_equal(alerted(&k, "fp/1/user/anna/inbox", &in), acked);
        assert_int_equal(fake_bus_count(&k.bus, EVENT("kitchen")), acked);
        kit_close(&k);
    }
}

static void a_safety_message_is_told_before_the_rest_of_the_batch(void **state)
{
    (void)state;
    struct kit k;
    struct fp_reply r;
    open_house(&k);
    say(&k, "anna-phone", 3, "cellar", FP_PRIORITY_NORMAL, "potatoes");
    say(&k, "anna-phone", 4, "kitchen", FP_PRIORITY_NORMAL, "tea");
    say(&k, "ben-phone", 1, "kitchen", FP_PRIORITY_SAFETY, "gas!");
    kit_run(&k);
    size_t kitchen = fake_bus_find(&k.bus, EVENT("kitchen"), 0);
    size_t cellar = fake_bus_find(&k.bus, EVENT("cellar"), 0);
    assert_true(kitchen < cellar && cellar < SIZE_MAX);
    assert_true(fake_bus_find(&k.bus, "fp/1/user/cleo/inbox", 0) < cellar);
    assert_int_equal(fake_bus_count(&k.bus, EVENT("kitchen")), 1); /* with the tea in front of it: the order in a conversation stays */
    assert_true(kit_reply(&k, "anna-phone", 0, &r));
    assert_true(kit_acked(&k, "anna-phone", 4, 2) && kit_acked(&k, "ben-phone", 1, 3));
    kit_clear(&k);
    say(&k, "anna-phone", 5, "cellar", FP_PRIORITY_NORMAL, "potatoes");
    say(&k, "anna-phone", 6, "kitchen", FP_PRIORITY_NORMAL, "tea");
    kit_run(&k); /* the batch after it is as always */
    assert_true(fake_bus_find(&k.bus, EVENT("cellar"), 0) < fake_bus_find(&k.bus, EVENT("kitchen"), 0));
    kit_close(&k);
}

static void it_does_not_overtake_a_grant(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    open_house(&k);
    say(&k, "anna-phone", 3, "cellar", FP_PRIORITY_NORMAL, "potatoes");
    struct fp_command c = kit_member(&b, 4, FP_K_MEMBER_ADD, "kitchen", "dora", 1, -1);
    kit_send(&k, "anna-phone", &c);
    say(&k, "anna-phone", 5, "kitchen", FP_PRIORITY_SAFETY, "gas!");
    kit_run(&k);
    size_t grant = fake_bus_find_grant(&k.bus, TELL_GRANT_CONV, "kitchen", "dora", 0);
    assert_true(grant < fake_bus_find(&k.bus, EVENT("kitchen"), 0));
    kit_close(&k);
}

static void it_is_the_first_to_be_fetched(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    struct fp_reply r;
    open_house(&k);
    say(&k, "anna-phone", 3, "kitchen", FP_PRIORITY_SAFETY, "gas!");
    kit_run(&k);
    kit_idle(&k);
    kit_clear(&k);
    struct fp_command c = kit_get(&b, "cellar", 0, 0, 0, false);
    kit_send(&k, "ben-phone", &c);
    c = kit_get(&b, "kitchen", 0, 0, 0, false);
    kit_send(&k, "ben-phone", &c);
    kit_run(&k);
    kit_idle(&k);
    struct fp_id kitchen = kit_id("kitchen");
    assert_int_equal(kit_replies(&k, "ben-phone"), 2);
    assert_true(kit_reply(&k, "ben-phone", 0, &r));
    assert_int_equal(r.what, FP_REPLY_PAGE);
    assert_true(fp_id_eq(&r.as.page.conv, &kitchen));
    kit_clear(&k);
    c = kit_get(&b, "cellar", 0, 0, 0, false);
    kit_send(&k, "ben-phone", &c);
    c = kit_get(&b, "kitchen", 2, 0, 0, false); /* he has it */
    kit_send(&k, "ben-phone", &c);
    kit_run(&k);
    kit_idle(&k);
    assert_true(kit_reply(&k, "ben-phone", 0, &r));
    assert_false(fp_id_eq(&r.as.page.conv, &kitchen));
    kit_close(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_member_but_the_author_is_alerted),
        cmocka_unit_test(a_long_text_is_left_out),
        cmocka_unit_test(other_priorities_other_kinds_and_refusals_alert_nobody),
        cmocka_unit_test(a_failed_batch_alerts_nobody_and_a_replayed_one_once),
        cmocka_unit_test(a_safety_message_is_told_before_the_rest_of_the_batch),
        cmocka_unit_test(it_does_not_overtake_a_grant),
        cmocka_unit_test(it_is_the_first_to_be_fetched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
