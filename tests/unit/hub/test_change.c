#include "tests/unit/hub/change_kit.h"

static void an_edit_makes_a_new_version_that_all_are_told_of(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    open_kitchen(&k);
    do_say(&k, "carl-phone", FP_K_MSG, 1, 0, "noon");
    struct fp_command c = about_msg(&b, FP_K_EDIT, 2, 2, "one o'clock");
    c.has_base = true;
    c.base = 2;
    kit_send(&k, "carl-phone", &c);
    kit_run(&k);
    assert_true(kit_acked(&k, "carl-phone", 2, 3));
    struct fp_event ev = told_event(&k);
    assert_int_equal(ev.kind, FP_K_EDIT);
    assert_int_equal(ev.ref, 2);
    assert_int_equal(ev.version, 3);
    assert_int_equal(ev.flags, 0);
    assert_stands(&ev, "one o'clock");
    assert_row(&k, 2, TARGET_EDITED, 3, 3);
    kit_close(&k);
}

static void an_edit_that_has_not_seen_the_last_one_is_kept_but_lost(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    open_kitchen(&k);
    do_say(&k, "carl-phone", FP_K_MSG, 1, 0, "noon");
    do_say(&k, "carl-phone", FP_K_EDIT, 2, 2, "one");
    struct fp_command c = about_msg(&b, FP_K_EDIT, 1, 2, "two");
    c.has_base = true;
    c.base = 2;
    kit_send(&k, "carl-pad", &c);
    kit_run(&k);
    assert_true(kit_acked(&k, "carl-pad", 1, 4));
    struct fp_event ev = told_event(&k);
    assert_int_equal(ev.flags, FP_FLAG_CONFLICT);
    assert_int_equal(ev.version, 3);
    assert_stands(&ev, "two");
    assert_row(&k, 2, TARGET_EDITED, 3, 3);
    do_say(&k, "carl-phone", FP_K_EDIT, 3, 2, "three"); /* without a base the last one wins */
    assert_int_equal(told_event(&k).version, 5);
    assert_row(&k, 2, TARGET_EDITED, 5, 5);
    kit_close(&k);
}

static void a_lost_edit_of_what_never_changed_leaves_it_plain(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    open_kitchen(&k);
    do_say(&k, "carl-phone", FP_K_MSG, 1, 0, "noon");
    struct fp_command c = about_msg(&b, FP_K_EDIT, 2, 2, "one");
    c.has_base = true;
    c.base = 0;
    kit_send(&k, "carl-phone", &c);
    kit_run(&k);
    assert_int_equal(told_event(&k).flags, FP_FLAG_CONFLICT);
    assert_int_equal(told_event(&k).version, 2);
    assert_row(&k, 2, TARGET_PLAIN, 2, 2);
    kit_close(&k);
}

static void only_its_author_edits_a_message(void **state)
{
    (void)state;
    struct kit k;
    open_kitchen(&k);
    do_say(&k, "carl-phone", FP_K_MSG, 1, 0, "noon");
    do_say(&k, "ben-phone", FP_K_EDIT, 1, 2, "never");
    assert_refused(&k, "ben-phone", FP_EDENIED, 2);
    do_say(&k, "anna-phone", FP_K_EDIT, 2, 2, "never");
    assert_refused(&k, "anna-phone", FP_EDENIED, 2);
    do_say(&k, "eve-phone", FP_K_EDIT, 1, 2, "never"); /* no member */
    assert_refused(&k, "eve-phone", FP_EUNKNOWN, 2);
    assert_row(&k, 2, TARGET_PLAIN, 0, 0);
    kit_close(&k);
}

static void an_observer_changes_nothing_not_even_his_own(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    static const uint64_t kinds[] = {FP_K_EDIT, FP_K_DELETE, FP_K_REACT, FP_K_CONFIRM, FP_K_REDACT};
    open_kitchen(&k);
    do_say(&k, "carl-phone", FP_K_MSG, 1, 0, "noon");
    struct fp_command c = kit_member(&b, 2, FP_K_MEMBER_ROLE, "kitchen", "carl", FP_ROLE_OBSERVER, -1);
    kit_send(&k, "anna-phone", &c);
    kit_run(&k);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        do_say(&k, "carl-phone", kinds[i], i + 2, 2, "x");
        assert_refused(&k, "carl-phone", FP_EDENIED, 3);
    }
    kit_close(&k);
}

static void what_is_named_must_be_a_message_that_he_may_see(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    static const uint64_t kinds[] = {FP_K_EDIT, FP_K_DELETE, FP_K_REACT, FP_K_CONFIRM, FP_K_REDACT};
    open_kitchen(&k);
    do_say(&k, "carl-phone", FP_K_MSG, 1, 0, "noon");
    struct fp_command c = kit_member(&b, 2, FP_K_MEMBER_ADD, "kitchen", "finn", FP_ROLE_MANAGER, -1);
    kit_send(&k, "anna-phone", &c);
    kit_run(&k);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        do_say(&k, "ben-phone", kinds[i], 4 * i + 1, 0, "x");
        assert_refused(&k, "ben-phone", FP_EMALFORMED, 3);
        do_say(&k, "ben-phone", kinds[i], 4 * i + 2, 4, "x"); /* above the head */
        assert_refused(&k, "ben-phone", FP_EUNKNOWN, 3);
        do_say(&k, "ben-phone", kinds[i], 4 * i + 3, UINT64_MAX, "x");
        assert_refused(&k, "ben-phone", FP_EUNKNOWN, 3);
        do_say(&k, "ben-phone", kinds[i], 4 * i + 4, 3, "x"); /* an event, but no message */
        assert_refused(&k, "ben-phone", FP_EUNKNOWN, 3);
        do_say(&k, "finn-phone", kinds[i], i + 1, 2, "x"); /* from before he joined */
        assert_refused(&k, "finn-phone", FP_EUNKNOWN, 3);
    }
    kit_close(&k);
}

static void bodies_are_checked(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    static const uint64_t kinds[] = {FP_K_EDIT, FP_K_REACT};
    static const uint8_t null_item = 0xf6;
    open_kitchen(&k);
    do_say(&k, "carl-phone", FP_K_MSG, 1, 0, "noon");
    for (size_t i = 0; i < 2; i++) {
        do_say(&k, "carl-phone", kinds[i], 2 * i + 2, 2, NULL);
        assert_refused(&k, "carl-phone", FP_EMALFORMED, 2);
        struct fp_command c = about_msg(&b, kinds[i], 2 * i + 3, 2, NULL);
        c.body = fp_bytes_of(&null_item, 1);
        kit_send(&k, "carl-phone", &c);
        kit_run(&k);
        assert_refused(&k, "carl-phone", FP_EMALFORMED, 2);
    }
    struct fp_command c = about_msg(&b, FP_K_DELETE, 6, 2, NULL); /* what a delete carries is nobody's business */
    c.body = fp_bytes_of(&null_item, 1);
    kit_send(&k, "carl-phone", &c);
    kit_run(&k);
    assert_true(kit_acked(&k, "carl-phone", 6, 3));
    assert_int_equal(told_event(&k).body.len, 0);
    kit_close(&k);
}

static void a_delete_wins_and_is_final(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    open_kitchen(&k);
    do_say(&k, "carl-phone", FP_K_MSG, 1, 0, "noon");
    do_say(&k, "carl-phone", FP_K_EDIT, 2, 2, "one");
    struct fp_command c = about_msg(&b, FP_K_DELETE, 1, 2, NULL);
    c.has_base = true;
    c.base = 2; /* it has not seen the edit */
    kit_send(&k, "carl-pad", &c);
    kit_run(&k);
    assert_true(kit_acked(&k, "carl-pad", 1, 4));
    assert_int_equal(told_event(&k).version, 4);
    assert_int_equal(told_event(&k).flags, 0);
    assert_row(&k, 2, TARGET_DELETED, 4, 0);
    do_say(&k, "carl-pad", FP_K_DELETE, 2, 2, NULL);
    assert_refused(&k, "carl-pad", FP_ECONFLICT, 4);
    do_say(&k, "carl-phone", FP_K_EDIT, 3, 2, "two"); /* a later edit is lost, whatever it has seen */
    assert_true(kit_acked(&k, "carl-phone", 3, 5));
    assert_int_equal(told_event(&k).flags, FP_FLAG_CONFLICT);
    assert_int_equal(told_event(&k).version, 4);
    assert_row(&k, 2, TARGET_DELETED, 4, 0);
    kit_close(&k);
}

static void managers_and_owners_delete_what_others_wrote(void **state)
{
    (void)state;
    struct kit k;
    open_kitchen(&k);
    do_say(&k, "carl-phone", FP_K_MSG, 1, 0, "noon");
    do_say(&k, "anna-phone", FP_K_MSG, 2, 0, "one");
    do_say(&k, "cleo-phone", FP_K_DELETE, 1, 2, NULL);
    assert_refused(&k, "cleo-phone", FP_EDENIED, 3);
    do_say(&k, "ben-phone", FP_K_DELETE, 1, 2, NULL);
    assert_true(kit_acked(&k, "ben-phone", 1, 4));
    do_say(&k, "ben-phone", FP_K_DELETE, 2, 3, NULL);
    assert_true(kit_acked(&k, "ben-phone", 2, 5));
    do_say(&k, "cleo-phone", FP_K_MSG, 2, 0, "two");
    do_say(&k, "anna-phone", FP_K_DELETE, 3, 6, NULL);
    assert_true(kit_acked(&k, "anna-phone", 3, 7));
    kit_close(&k);
}

static void a_reaction_is_an_event_and_changes_no_version(void **state)
{
    (void)state;
    struct kit k;
    open_kitchen(&k);
    do_say(&k, "carl-phone", FP_K_MSG, 1, 0, "noon");
    do_say(&k, "ben-phone", FP_K_REACT, 1, 2, "+1");
    assert_true(kit_acked(&k, "ben-phone", 1, 3));
    assert_int_equal(told_event(&k).kind, FP_K_REACT);
    assert_int_equal(told_event(&k).version, 0);
    assert_row(&k, 2, TARGET_PLAIN, 0, 0);
    kit_close(&k);
}

/* ------------------------------------------------------------------ confirming */

static void ask_to_confirm(struct kit *k, uint64_t n)
{
    struct kit_body b;
    struct fp_command c = kit_msg(&b, n, "kitchen", "");
    fp_enc_init(&b.e, b.buf, sizeof(b.buf));
    fp_enc_map(&b.e, 2);
    fp_enc_uint(&b.e, FP_MSG_TEXT);
    fp_enc_text(&b.e, "evacuate", 8);
    fp_enc_uint(&b.e, FP_MSG_CONFIRM);
    fp_enc_bool(&b.e, true);
    c.body = fp_enc_bytes_of(&b.e);
    kit_send(k, "anna-phone", &c);
    kit_run(k);
}

struct confirms {
    size_t count;
    struct store_confirm last;
};

static bool count_confirm(void *arg, const struct store_confirm *c)
{
    struct confirms *k = arg;
    k->count++;
    k->last = *c;
    return true;
}

static struct confirms confirms_of(const struct kit *k, uint64_t seq)
{
    struct confirms c = {0};
    assert_int_equal(k->fault.inner.each_confirm(k->fault.inner.ctx, CID, seq, count_confirm, &c), FP_OK);
    return c;
}

static void a_message_is_confirmed_once_by_each(void **state)
{
    (void)state;
    struct kit k;
    open_kitchen(&k);
    ask_to_confirm(&k, 2);
    kit_pass(&k, 5000);
    do_say(&k, "carl-phone", FP_K_CONFIRM, 1, 2, NULL);
    assert_true(kit_acked(&k, "carl-phone", 1, 3));
    assert_int_equal(told_event(&k).kind, FP_K_CONFIRM);
    assert_int_equal(confirms_of(&k, 2).count, 1);
    assert_int_equal(confirms_of(&k, 2).last.at.ms, told_event(&k).at.ms);
    kit_pass(&k, 5000);
    do_say(&k, "carl-pad", FP_K_CONFIRM, 1, 2, NULL); /* another device, the same user */
    assert_refused(&k, "carl-pad", FP_ECONFLICT, 3);
    do_say(&k, "cleo-phone", FP_K_CONFIRM, 1, 2, NULL);
    assert_true(kit_acked(&k, "cleo-phone", 1, 4));
    assert_int_equal(confirms_of(&k, 2).count, 2);
    kit_close(&k);
}

static void twice_in_one_batch_is_twice(void **state)
{
    (void)state;
    struct kit k;
    open_kitchen(&k);
    ask_to_confirm(&k, 2);
    say(&k, "carl-phone", FP_K_CONFIRM, 1, 2, NULL);
    say(&k, "carl-phone", FP_K_CONFIRM, 2, 2, NULL);
    kit_run(&k);
    assert_refused(&k, "carl-phone", FP_ECONFLICT, 3);
    assert_int_equal(confirms_of(&k, 2).count, 1);
    kit_close(&k);
}

static void what_does_not_ask_or_is_gone_is_not_confirmed(void **state)
{
    (void)state;
    struct kit k;
    open_kitchen(&k);
    ask_to_confirm(&k, 2);
    do_say(&k, "carl-phone", FP_K_MSG, 1, 0, "noon");
    do_say(&k, "cleo-phone", FP_K_CONFIRM, 1, 3, NULL);
    assert_refused(&k, "cleo-phone", FP_ECONFLICT, 3);
    do_say(&k, "anna-phone", FP_K_DELETE, 3, 2, NULL);
    do_say(&k, "cleo-phone", FP_K_CONFIRM, 2, 2, NULL);
    assert_refused(&k, "cleo-phone", FP_ECONFLICT, 4);
    do_say(&k, "anna-phone", FP_K_REDACT, 4, 2, NULL);
    do_say(&k, "cleo-phone", FP_K_CONFIRM, 3, 2, NULL);
    assert_refused(&k, "cleo-phone", FP_ECONFLICT, 5);
    assert_int_equal(confirms_of(&k, 2).count, 0);
    kit_close(&k);
}

/* ------------------------------------------------------------------ stale context */

static uint64_t flags_of_reply(struct kit *k, uint64_t n, uint64_t ref, uint64_t seen)
{
    struct kit_body b;
    struct fp_command c = about_msg(&b, FP_K_MSG, n, ref, "so be it");
    c.seen = seen;
    kit_send(k, "cleo-phone", &c);
    kit_run(k);
    assert_int_equal(told_event(k).n, n);
    return told_event(k).flags;
}

static void who_has_not_seen_what_he_answers_is_marked(void **state)
{
    (void)state;
    struct kit k;
    open_kitchen(&k);
    do_say(&k, "carl-phone", FP_K_MSG, 1, 0, "noon");      /* 2 */
    do_say(&k, "carl-phone", FP_K_MSG, 2, 0, "plans");     /* 3 */
    do_say(&k, "carl-phone", FP_K_EDIT, 3, 2, "midnight"); /* 4 */
    assert_int_equal(flags_of_reply(&k, 1, 2, 3), FP_FLAG_STALE);
    assert_int_equal(flags_of_reply(&k, 2, 2, 4), 0);
    assert_int_equal(flags_of_reply(&k, 3, 3, 3), 0); /* another message, unchanged */
    assert_int_equal(flags_of_reply(&k, 4, 3, 2), FP_FLAG_STALE);
    assert_int_equal(flags_of_reply(&k, 5, 2, 0), 0); /* he does not say */
    assert_int_equal(flags_of_reply(&k, 6, 0, 2), 0); /* he answers nothing */
    kit_close(&k);
}

static void who_has_not_seen_who_listens_is_marked(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    open_kitchen(&k);
    struct fp_command c = kit_member(&b, 2, FP_K_MEMBER_ADD, "kitchen", "finn", FP_ROLE_MEMBER, -1);
    kit_send(&k, "anna-phone", &c);
    kit_run(&k); /* 2 */
    assert_int_equal(flags_of_reply(&k, 1, 0, 1), FP_FLAG_STALE);
    assert_int_equal(flags_of_reply(&k, 2, 0, 2), 0);
    kit_close(&k);
}

/* ------------------------------------------------------------------ batches and faults */

static void say_it_all(struct kit *k)
{
    say(k, "carl-phone", FP_K_MSG, 1, 0, "noon");
    say(k, "carl-phone", FP_K_EDIT, 2, 2, "one");
    say(k, "carl-phone", FP_K_REACT, 3, 2, "+1");
    say(k, "carl-phone", FP_K_EDIT, 4, 2, "two");
    say(k, "ben-phone", FP_K_DELETE, 1, 2, NULL);
    say(k, "carl-phone", FP_K_EDIT, 5, 2, "three");
    kit_run(k);
}

static void check_it_all(struct kit *k)
{
    struct stored s;
    static const uint64_t versions[] = {0, 3, 0, 5, 6, 6};
    assert_int_equal(head_of(k), 7);
    for (uint64_t seq = 2; seq <= 7; seq++) {
        assert_int_equal(stored_event(k, seq, &s).version, versions[seq - 2]);
    }
    assert_int_equal(stored_event(k, 7, &s).flags, FP_FLAG_CONFLICT);
    assert_row(k, 2, TARGET_DELETED, 6, 0);
    (void)stored_chain(k, 7);
}

static void one_batch_holds_a_message_and_its_changes(void **state)
{
    (void)state;
    struct kit k;
    open_kitchen(&k);
    say_it_all(&k);
    check_it_all(&k);
    assert_true(kit_acked(&k, "carl-phone", 5, 7));
    kit_close(&k);
}

static void a_store_that_fails_once_changes_nothing_of_it(void **state)
{
    (void)state;
    bool failed = true;
    for (uint64_t at = 1; failed; at++) {
        struct kit k;
        open_kitchen(&k);
        fault_store_arm(&k.fault, at, FP_EIO, false);
        say_it_all(&k);
        failed = k.fault.failed > 0;
        fault_store_disarm(&k.fault);
        check_it_all(&k); /* the replay has taken all of it */
        say_it_all(&k);   /* and knows it again */
        check_it_all(&k);
        kit_close(&k);
        assert_true(at < 500);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_edit_makes_a_new_version_that_all_are_told_of),
        cmocka_unit_test(an_edit_that_has_not_seen_the_last_one_is_kept_but_lost),
        cmocka_unit_test(a_lost_edit_of_what_never_changed_leaves_it_plain),
        cmocka_unit_test(only_its_author_edits_a_message),
        cmocka_unit_test(an_observer_changes_nothing_not_even_his_own),
        cmocka_unit_test(what_is_named_must_be_a_message_that_he_may_see),
        cmocka_unit_test(bodies_are_checked),
        cmocka_unit_test(a_delete_wins_and_is_final),
        cmocka_unit_test(managers_and_owners_delete_what_others_wrote),
        cmocka_unit_test(a_reaction_is_an_event_and_changes_no_version),
        cmocka_unit_test(a_message_is_confirmed_once_by_each),
        cmocka_unit_test(twice_in_one_batch_is_twice),
        cmocka_unit_test(what_does_not_ask_or_is_gone_is_not_confirmed),
        cmocka_unit_test(who_has_not_seen_what_he_answers_is_marked),
        cmocka_unit_test(who_has_not_seen_who_listens_is_marked),
        cmocka_unit_test(one_batch_holds_a_message_and_its_changes),
        cmocka_unit_test(a_store_that_fails_once_changes_nothing_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
