#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/hub_kit.h"

#define EVENTS "fp/1/scope/house/conv/kitchen/event"

static const char *const two[] = {"ben", "carl"};
static const uint64_t manager_and_member[] = {FP_ROLE_MANAGER, FP_ROLE_MEMBER};

/* Anna owner, Ben manager, Carl member; head 1, Anna's next n is 2. */
static void open_kitchen(struct kit *k)
{
    struct kit_body b;
    kit_open(k);
    struct fp_command c = kit_conv_new(&b, 1, "kitchen", "house", two, manager_and_member, 2);
    kit_send(k, "anna-phone", &c);
    kit_run(k);
    kit_idle(k);
    kit_clear(k);
}

static void say(struct kit *k, const char *device, uint64_t n)
{
    struct kit_body b;
    struct fp_command c = kit_msg(&b, n, "kitchen", "hello");
    kit_send(k, device, &c);
}

static void change(struct kit *k, const char *device, uint64_t n, uint64_t kind, const char *user, int role)
{
    struct kit_body b;
    struct fp_command c = kit_member(&b, n, kind, "kitchen", user, role, -1);
    kit_send(k, device, &c);
}

/* The highest seq in the first event message told at or behind `from`; 0 if there is none. */
static uint64_t last_seq(const struct kit *k, size_t from, size_t *out_at)
{
    size_t at = fake_bus_find(&k->bus, EVENTS, from);
    *out_at = at;
    if (at == SIZE_MAX) {
        return 0;
    }
    struct fp_bytes payload = fake_bus_at(&k->bus, at)->tell.payload;
    struct fp_dec d;
    fp_dec_init(&d, payload);
    if (fp_dec_peek(&d) == FP_CBOR_MAP) {
        return fp_event_seq(payload);
    }
    uint64_t seq = 0;
    for (size_t left = fp_dec_array(&d); left > 0; left--) {
        seq = fp_event_seq(fp_dec_raw(&d));
    }
    return seq;
}

static void what_was_said_before_and_after_a_joiner_is_told_apart(void **state)
{
    (void)state;
    struct kit k;
    size_t before = 0;
    size_t after = 0;
    open_kitchen(&k);
    say(&k, "anna-phone", 2);                                             /* seq 2 */
    change(&k, "anna-phone", 3, FP_K_MEMBER_ADD, "dora", FP_ROLE_MEMBER); /* seq 3 */
    say(&k, "anna-phone", 4);                                             /* seq 4 */
    kit_run(&k);

    size_t grant = fake_bus_find_grant(&k.bus, TELL_GRANT_CONV, "kitchen", "dora", 0);
    assert_int_equal(last_seq(&k, 0, &before), 2);
    assert_int_equal(last_seq(&k, before + 1, &after), 4);
    assert_true(before < grant && grant < after);
    kit_close(&k);
}

static void a_leavers_last_event_is_the_one_that_puts_him_out(void **state)
{
    (void)state;
    struct kit k;
    size_t before = 0;
    size_t after = 0;
    open_kitchen(&k);
    say(&k, "anna-phone", 2);
    change(&k, "anna-phone", 3, FP_K_MEMBER_REMOVE, "carl", -1);
    say(&k, "anna-phone", 4);
    kit_run(&k);

    assert_int_equal(last_seq(&k, 0, &before), 3);
    size_t revoke = fake_bus_find_grant(&k.bus, TELL_GRANT_CONV, "kitchen", "carl", 0);
    assert_false(fake_bus_at(&k.bus, revoke)->tell.allowed);
    assert_int_equal(last_seq(&k, before + 1, &after), 4);
    assert_true(before < revoke && revoke < after);
    size_t scope = fake_bus_find_grant(&k.bus, TELL_GRANT_SCOPE, "house", "carl", 0);
    assert_true(scope != SIZE_MAX && !fake_bus_at(&k.bus, scope)->tell.allowed);
    assert_int_equal(fake_bus_count(&k.bus, "fp/1/user/carl/inbox"), 1);
    kit_close(&k);
}

static void who_has_left_may_not_write_or_read(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    open_kitchen(&k);
    change(&k, "carl-phone", 1, FP_K_MEMBER_REMOVE, "carl", -1);
    kit_run(&k);
    assert_true(kit_acked(&k, "carl-phone", 1, 2));
    say(&k, "carl-phone", 2);
    kit_run(&k);
    assert_true(kit_nacked(&k, "carl-phone", FP_EUNKNOWN));
    struct fp_command c = kit_get(&b, "kitchen", 0, 0, 0, false);
    kit_send(&k, "carl-phone", &c);
    kit_run(&k);
    assert_true(kit_nacked(&k, "carl-phone", FP_EUNKNOWN));
    kit_close(&k);
}

static void the_scope_stays_open_to_who_has_another_conversation_there(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    open_kitchen(&k);
    struct fp_command c = kit_conv_new(&b, 2, "cellar", "house", two, manager_and_member, 2);
    kit_send(&k, "anna-phone", &c);
    kit_run(&k);
    kit_clear(&k);
    change(&k, "anna-phone", 3, FP_K_MEMBER_REMOVE, "carl", -1);
    kit_run(&k);
    assert_int_equal(fake_bus_find_grant(&k.bus, TELL_GRANT_SCOPE, "house", "carl", 0), SIZE_MAX);
    kit_close(&k);
}

static void adding_a_member_twice_is_a_conflict(void **state)
{
    (void)state;
    struct kit k;
    open_kitchen(&k);
    change(&k, "anna-phone", 2, FP_K_MEMBER_ADD, "ben", FP_ROLE_MEMBER);
    kit_run(&k);
    assert_true(kit_nacked(&k, "anna-phone", FP_ECONFLICT));
    kit_close(&k);
}

static void removing_a_stranger_is_unknown(void **state)
{
    (void)state;
    struct kit k;
    open_kitchen(&k);
    change(&k, "anna-phone", 2, FP_K_MEMBER_REMOVE, "dora", -1);
    kit_run(&k);
    assert_true(kit_nacked(&k, "anna-phone", FP_EUNKNOWN));
    change(&k, "anna-phone", 3, FP_K_MEMBER_ROLE, "dora", FP_ROLE_OWNER);
    kit_run(&k);
    assert_true(kit_nacked(&k, "anna-phone", FP_EUNKNOWN));
    kit_close(&k);
}

static void a_role_given_with_a_removal_does_not_make_it_a_promotion(void **state)
{
    (void)state;
    struct kit k;
    open_kitchen(&k);
    change(&k, "carl-phone", 1, FP_K_MEMBER_REMOVE, "carl", FP_ROLE_OWNER);
    kit_run(&k);
    assert_true(kit_acked(&k, "carl-phone", 1, 2));
    say(&k, "carl-phone", 2);
    kit_run(&k);
    assert_true(kit_nacked(&k, "carl-phone", FP_EUNKNOWN));
    kit_close(&k);
}

static void a_role_is_missing_only_where_it_is_needed(void **state)
{
    (void)state;
    struct kit k;
    open_kitchen(&k);
    change(&k, "anna-phone", 2, FP_K_MEMBER_ADD, "dora", -1);
    kit_run(&k);
    assert_true(kit_nacked(&k, "anna-phone", FP_EMALFORMED));
    change(&k, "anna-phone", 3, FP_K_MEMBER_ROLE, "carl", -1);
    kit_run(&k);
    assert_true(kit_nacked(&k, "anna-phone", FP_EMALFORMED));
    kit_close(&k);
}

static void a_new_role_counts_from_the_next_command_on(void **state)
{
    (void)state;
    struct kit k;
    open_kitchen(&k);
    change(&k, "anna-phone", 2, FP_K_MEMBER_ROLE, "carl", FP_ROLE_OBSERVER);
    say(&k, "carl-phone", 1);
    kit_run(&k);
    assert_true(kit_acked(&k, "anna-phone", 2, 2));
    assert_true(kit_nacked(&k, "carl-phone", FP_EDENIED));
    kit_close(&k);
}

static void the_last_owner_cannot_leave_while_others_remain(void **state)
{
    (void)state;
    struct kit k;
    open_kitchen(&k);
    change(&k, "anna-phone", 2, FP_K_MEMBER_REMOVE, "anna", -1);
    kit_run(&k);
    assert_true(kit_nacked(&k, "anna-phone", FP_EDENIED));
    change(&k, "anna-phone", 3, FP_K_MEMBER_ROLE, "ben", FP_ROLE_OWNER);
    change(&k, "anna-phone", 4, FP_K_MEMBER_REMOVE, "anna", -1);
    kit_run(&k);
    assert_true(kit_acked(&k, "anna-phone", 4, 3));
    kit_close(&k);
}

static uint64_t first_page_from(struct kit *k, const char *device, uint64_t *out_floor)
{
    struct kit_body b;
    struct fp_reply r;
    kit_clear(k);
    struct fp_command c = kit_get(&b, "kitchen", 0, 0, 0, false);
    kit_send(k, device, &c);
    kit_run(k);
    *out_floor = 0;
    for (size_t i = 0; kit_reply(k, device, i, &r); i++) {
        if (r.what == FP_REPLY_SNAPSHOT) {
            *out_floor = r.as.snapshot.floor;
        } else if (r.what == FP_REPLY_PAGE) {
            return r.as.page.from;
        }
    }
    return 0;
}

static void a_joiner_sees_the_history_that_he_was_given(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    uint64_t floor = 0;
    open_kitchen(&k);
    say(&k, "anna-phone", 2);
    say(&k, "anna-phone", 3);                                                                        /* head 3 */
    struct fp_command c = kit_member(&b, 4, FP_K_MEMBER_ADD, "kitchen", "dora", FP_ROLE_MEMBER, -1); /* joins with 4 */
    kit_send(&k, "anna-phone", &c);
    struct kit_body b2;
    c = kit_member(&b2, 5, FP_K_MEMBER_ADD, "kitchen", "emil", FP_ROLE_MEMBER, 2);
    kit_send(&k, "anna-phone", &c);
    struct kit_body b3;
    c = kit_member(&b3, 6, FP_K_MEMBER_ADD, "kitchen", "fred", FP_ROLE_MEMBER, 1);
    kit_send(&k, "anna-phone", &c);
    kit_run(&k);

    assert_int_equal(first_page_from(&k, "dora-phone", &floor), 4);
    assert_int_equal(floor, 3);
    assert_int_equal(first_page_from(&k, "emil-phone", &floor), 2);
    assert_int_equal(floor, 1);
    assert_int_equal(first_page_from(&k, "fred-phone", &floor), 1);
    assert_int_equal(floor, 0);
    kit_close(&k);
}

static void nobody_gives_more_history_than_he_may_see_himself(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    uint64_t floor = 0;
    open_kitchen(&k);
    say(&k, "anna-phone", 2);
    change(&k, "anna-phone", 3, FP_K_MEMBER_ADD, "dora", FP_ROLE_MANAGER); /* sees from 3 */
    kit_run(&k);
    struct fp_command c = kit_member(&b, 1, FP_K_MEMBER_ADD, "kitchen", "emil", FP_ROLE_MEMBER, 1);
    kit_send(&k, "dora-phone", &c);
    kit_run(&k);
    assert_true(kit_acked(&k, "dora-phone", 1, 4));
    assert_int_equal(first_page_from(&k, "emil-phone", &floor), 3);
    c = kit_member(&b, 2, FP_K_MEMBER_ADD, "kitchen", "fred", FP_ROLE_MEMBER, 99);
    kit_send(&k, "dora-phone", &c);
    kit_run(&k);
    assert_true(kit_nacked(&k, "dora-phone", FP_EMALFORMED));
    kit_close(&k);
}
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_said_before_and_after_a_joiner_is_told_apart),
        cmocka_unit_test(a_leavers_last_event_is_the_one_that_puts_him_out),
        cmocka_unit_test(who_has_left_may_not_write_or_read),
        cmocka_unit_test(the_scope_stays_open_to_who_has_another_conversation_there),
        cmocka_unit_test(adding_a_member_twice_is_a_conflict),
        cmocka_unit_test(removing_a_stranger_is_unknown),
        cmocka_unit_test(a_role_given_with_a_removal_does_not_make_it_a_promotion),
        cmocka_unit_test(a_role_is_missing_only_where_it_is_needed),
        cmocka_unit_test(a_new_role_counts_from_the_next_command_on),
        cmocka_unit_test(the_last_owner_cannot_leave_while_others_remain),
        cmocka_unit_test(a_joiner_sees_the_history_that_he_was_given),
        cmocka_unit_test(nobody_gives_more_history_than_he_may_see_himself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
