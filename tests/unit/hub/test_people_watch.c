#include "tests/unit/hub/people_kit.h"

#define BEN "fp/1/user/ben/presence"

static const char *const anna[] = {"anna"};
static const char *const three[] = {"anna", "nobody-at-all", "stranger"};

static void a_watch_is_answered_at_once_with_all(void **state)
{
    (void)state;
    struct kit k;
    pk_open(&k);
    pk_hello(&k, "anna-phone");
    uint64_t since = k.wall.ms;
    pk_hello(&k, "stranger-pad");
    pk_hello(&k, "ben-pad");
    pk_pass(&k, 5000);
    pk_watch(&k, "ben-pad", three, 3, 60);
    struct pk_seen s = pk_seen(&k, BEN);
    assert_true(s.full);
    assert_int_equal(s.count, 3);
    pk_assert_person(&s, "anna", FP_PERSON_ACTIVE, since);
    pk_assert_nothing(&s, "stranger");
    pk_assert_nothing(&s, "nobody-at-all");
    assert_false(fake_bus_at(&k.bus, fake_bus_find(&k.bus, BEN, 0))->tell.retain);
    kit_close(&k);
}

static void then_only_changes_are_told(void **state)
{
    (void)state;
    struct kit k;
    pk_open(&k);
    pk_hello(&k, "ben-pad");
    pk_watch(&k, "ben-pad", three, 3, 60);
    pk_pass(&k, 5000);
    kit_clear(&k);
    pk_hello(&k, "anna-phone");
    struct pk_seen s = pk_seen(&k, BEN);
    assert_false(s.full);
    assert_int_equal(s.count, 1);
    pk_assert_person(&s, "anna", FP_PERSON_ACTIVE, k.wall.ms);
    pk_pass(&k, 5000);
    assert_int_equal(fake_bus_count(&k.bus, BEN), 1);
    kit_close(&k);
}

static void nobody_gets_more_than_one_message_a_second(void **state)
{
    (void)state;
    struct kit k;
    pk_open(&k);
    pk_hello(&k, "ben-pad");
    pk_hello(&k, "ben-phone");
    pk_hello(&k, "anna-phone");
    kit_clear(&k);
    size_t seen = 0;
    struct fp_mono last = {0};
    for (int i = 0; i < 400; i++) {
        pk_watch(&k, i % 2 ? "ben-pad" : "ben-phone", three, 1 + (size_t)i % 3, 60);
        pk_activity(&k, "anna-phone", (uint64_t)i % 3);
        pk_pass(&k, 10);
        size_t now = fake_bus_count(&k.bus, BEN);
        assert_true(now <= seen + 1);
        if (now > seen) {
            assert_true(last.us == 0 || k.mono.us - last.us >= 990000);
            last = k.mono;
        }
        seen = now;
    }
    assert_in_range(seen, 4, 5);
    assert_true(pk_seen(&k, BEN).full); /* the second watch is answered when the second is over */
    kit_close(&k);
}

static void what_changes_back_within_the_second_is_not_told(void **state)
{
    (void)state;
    struct kit k;
    pk_open(&k);
    pk_hello(&k, "ben-pad");
    pk_watch(&k, "ben-pad", anna, 1, 60);
    kit_clear(&k);
    pk_policy(&k, "anna-phone", NULL, FP_VIEWER_NOBODY, 0);
    pk_policy(&k, "anna-phone", NULL, FP_VIEWER_EVERYONE, FP_LEVEL_EXACT);
    pk_pass(&k, 3000);
    assert_int_equal(fake_bus_count(&k.bus, BEN), 0);
    kit_close(&k);
}

static void a_lease_ends_with_its_time_its_session_or_an_empty_one(void **state)
{
    (void)state;
    for (int how = 0; how < 4; how++) {
        struct kit k;
        pk_open(&k);
        pk_hello(&k, "ben-pad");
        pk_watch(&k, "ben-pad", anna, 1, how == 0 ? 5 : 600);
        pk_pass(&k, 4999);
        if (how == 0) {
            pk_pass(&k, 1);
        } else if (how == 1) {
            pk_end(&k, "ben-pad", SOURCE_END_LOST);
        } else if (how == 2) {
            pk_watch(&k, "ben-pad", NULL, 0, 600);
        } else {
            pk_hello_on(&k, "ben-pad", 2); /* another connection */
            kit_run(&k);
        }
        kit_clear(&k);
        pk_hello(&k, "anna-phone");
        pk_pass(&k, 20000);
        assert_int_equal(fake_bus_count(&k.bus, BEN), 0);
        kit_close(&k);
    }
}

static void watching_needs_a_session_and_a_body(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    pk_open(&k);
    pk_watch(&k, "ben-pad", anna, 1, 60);
    assert_true(kit_nacked(&k, "ben-pad", FP_ECONFLICT));
    pk_hello(&k, "ben-pad");
    fp_enc_init(&b.e, b.buf, sizeof(b.buf));
    fp_enc_uint(&b.e, 7);
    pk_send(&k, "ben-pad", FP_K_WATCH, &b);
    kit_run(&k);
    assert_true(kit_nacked(&k, "ben-pad", FP_EMALFORMED));
    assert_false(pk_seen(&k, BEN).any);
    kit_close(&k);
}

static void whom_he_meets_in_a_scope_he_sees_from_then_on(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    static const char *const stranger[] = {"stranger"};
    pk_open(&k);
    pk_hello(&k, "stranger-pad");
    pk_hello(&k, "ben-pad");
    pk_watch(&k, "ben-pad", stranger, 1, 600);
    pk_pass(&k, 2000);
    struct fp_command c = kit_member(&b, 2, FP_K_MEMBER_ADD, "kitchen", "stranger", FP_ROLE_MEMBER, -1);
    kit_send(&k, "anna-phone", &c);
    kit_run(&k);
    struct pk_seen s = pk_seen(&k, BEN);
    assert_non_null(pk_person(&s, "stranger"));
    assert_int_equal(pk_person(&s, "stranger")->state, FP_PERSON_ACTIVE);
    pk_pass(&k, 2000);
    c = kit_member(&b, 3, FP_K_MEMBER_REMOVE, "kitchen", "ben", -1, -1); /* now the viewer goes */
    kit_send(&k, "anna-phone", &c);
    kit_run(&k);
    s = pk_seen(&k, BEN);
    pk_assert_nothing(&s, "stranger");
    kit_close(&k);
}

static void a_direct_conversation_makes_peers_but_its_scope_does_not(void **state)
{
    (void)state;
    struct kit k;
    static const char *const eve[] = {"eve"};
    static const char *const fay[] = {"fay"};
    static const char *const both[] = {"eve", "fay"};
    pk_open(&k);
    pk_conv(&k, "dan-pad", 1, "chat", "dm", eve, 1);
    pk_conv(&k, "dan-phone", 1, "talk", "dm", fay, 1);
    pk_hello(&k, "dan-pad");
    pk_hello(&k, "eve-pad");
    pk_hello(&k, "fay-pad");
    pk_watch(&k, "dan-pad", both, 2, 60);
    pk_watch(&k, "eve-pad", fay, 1, 60);
    struct pk_seen s = pk_seen(&k, "fp/1/user/dan/presence");
    assert_int_equal(pk_person(&s, "eve")->state, FP_PERSON_ACTIVE);
    assert_int_equal(pk_person(&s, "fay")->state, FP_PERSON_ACTIVE);
    s = pk_seen(&k, "fp/1/user/eve/presence");
    pk_assert_nothing(&s, "fay");
    assert_false(pk_seen(&k, "fp/1/scope/dm/presence").any);
    kit_close(&k);
}

static void nothing_is_told_while_the_broker_is_behind(void **state)
{
    (void)state;
    struct kit k;
    pk_open(&k);
    pk_hello(&k, "ben-pad");
    pk_pass(&k, 5000);
    kit_clear(&k);
    k.bus.no_room = true;
    pk_watch(&k, "ben-pad", anna, 1, 60);
    pk_hello(&k, "anna-phone");
    assert_int_equal(fake_bus_count(&k.bus, BEN) + fake_bus_count(&k.bus, HOUSE), 0);
    k.bus.no_room = false;
    kit_idle(&k);
    struct pk_seen s = pk_seen(&k, BEN);
    assert_int_equal(pk_person(&s, "anna")->state, FP_PERSON_ACTIVE);
    assert_int_equal(fake_bus_count(&k.bus, HOUSE), 1);
    kit_close(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_watch_is_answered_at_once_with_all),
        cmocka_unit_test(then_only_changes_are_told),
        cmocka_unit_test(nobody_gets_more_than_one_message_a_second),
        cmocka_unit_test(what_changes_back_within_the_second_is_not_told),
        cmocka_unit_test(a_lease_ends_with_its_time_its_session_or_an_empty_one),
        cmocka_unit_test(watching_needs_a_session_and_a_body),
        cmocka_unit_test(whom_he_meets_in_a_scope_he_sees_from_then_on),
        cmocka_unit_test(a_direct_conversation_makes_peers_but_its_scope_does_not),
        cmocka_unit_test(nothing_is_told_while_the_broker_is_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
