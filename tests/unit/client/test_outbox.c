#include "outbox_kit.h"

static void what_was_accepted_is_there_after_a_restart(void **state)
{
    (void)state;
    struct outbox_kit k;
    kit_begin(&k, 4, 512, 4);
    uint64_t a = kit_put(&k, "hello"), b = kit_put(&k, "");
    sim_flash_cut(&k.flash);
    assert_int_equal(kit_reopen(&k), FP_OK);
    kit_has(&k, a, "hello");
    kit_has(&k, b, "");
    assert_true(a == 1 && b == 2 && k.o.first == 1 && k.o.next == 3);
    assert_true(fp_outbox_slot(&k.o, a)->marks & FP_SLOT_OLD);
    sim_flash_fini(&k.flash);
}

static void numbers_follow_the_first_and_skip_what_was_cancelled(void **state)
{
    (void)state;
    struct outbox_kit k;
    kit_begin(&k, 4, 512, 1);
    for (int i = 0; i < 5; i++) {
        kit_put(&k, "x");
    }
    assert_int_equal(fp_outbox_number(&k.o, 77, 10), FP_OK);
    assert_int_equal(fp_outbox_cancel(&k.o, 2), FP_OK);
    assert_int_equal(fp_outbox_cancel(&k.o, 2), FP_EUNKNOWN);
    for (int pass = 0; pass < 2; pass++) {
        assert_int_equal(fp_outbox_n(&k.o, 1), 10);
        assert_int_equal(fp_outbox_n(&k.o, 3), 11);
        assert_int_equal(fp_outbox_next_n(&k.o), 14);
        assert_int_equal(fp_outbox_ticket(&k.o, 11), 3);
        assert_int_equal(fp_outbox_ticket(&k.o, 14), 0);
        assert_int_equal(fp_outbox_ticket(&k.o, 9), 0);
        assert_int_equal(k.o.epoch, 77);
        assert_int_equal(kit_reopen(&k), FP_OK);
    }
    sim_flash_fini(&k.flash);
}

static void answers_out_of_order_wait_for_those_in_front(void **state)
{
    (void)state;
    struct outbox_kit k;
    kit_begin(&k, 4, 512, 8);
    for (int i = 0; i < 3; i++) {
        kit_put(&k, "abc");
    }
    assert_int_equal(fp_outbox_number(&k.o, 1, 1), FP_OK);
    assert_int_equal(fp_outbox_done(&k.o, 2), FP_OK);
    assert_int_equal(k.o.first, 1);
    assert_int_equal(fp_outbox_done(&k.o, 1), FP_OK);
    assert_int_equal(k.o.first, 3);
    assert_int_equal(fp_outbox_n(&k.o, 3), 3);
    assert_int_equal(fp_outbox_done(&k.o, 1), FP_EUNKNOWN);
    assert_int_equal(fp_outbox_flush(&k.o), FP_OK);
    assert_int_equal(kit_reopen(&k), FP_OK);
    assert_true(k.o.first == 3 && k.o.next == 4);
    sim_flash_fini(&k.flash);
}

static void tickets_are_not_given_twice_when_all_is_answered(void **state)
{
    (void)state;
    struct outbox_kit k;
    kit_begin(&k, 3, 256, 1);
    for (uint64_t i = 1; i <= 500; i++) {
        assert_int_equal(kit_put(&k, "some text"), i);
        assert_int_equal(fp_outbox_done(&k.o, i), FP_OK);
        if (i % 50 == 0) { /* lazily written: without flush() the last ones would be there again */
            assert_int_equal(fp_outbox_flush(&k.o), FP_OK);
            assert_int_equal(kit_reopen(&k), FP_OK);
        }
    }
    sim_flash_fini(&k.flash);
}

/* What is answered frees its slot at once, and is written lazily: the log must not name more tickets than there are slots all the same. */
static void more_commands_than_slots_between_two_flushes_are_read_back(void **state)
{
    (void)state;
    struct outbox_kit k;
    kit_begin(&k, 4, 16384, 4);
    for (uint64_t i = 1; i <= 5 * KIT_SLOTS; i++) {
        assert_int_equal(kit_put(&k, "some text"), i);
        if (i > 3) { /* three are always pending */
            assert_int_equal(fp_outbox_done(&k.o, i - 3), FP_OK);
        }
        struct outbox_kit again = k;
        assert_int_equal(kit_reopen(&again), FP_OK); /* no flush before: the power has gone */
        assert_int_equal(again.o.next, i + 1);
        assert_int_equal(fp_outbox_next_n(&again.o), fp_outbox_next_n(&k.o));
        kit_has(&again, i, "some text");
    }
    sim_flash_fini(&k.flash);
}

static void a_full_outbox_refuses_and_takes_again(void **state)
{
    (void)state;
    struct outbox_kit k;
    uint64_t ticket = 0, count = 0;
    enum fp_err err;
    kit_begin(&k, 3, 512, 4);
    while (!(err = kit_append(&k, "0123456789012345678901234567890123456789", &ticket))) {
        count++;
    }
    assert_int_equal(err, FP_EFULL);
    assert_true(count >= 8);
    assert_int_equal(fp_outbox_number(&k.o, 5, 1), FP_OK); /* there is room for that */
    assert_int_equal(kit_reopen(&k), FP_OK);
    assert_int_equal(k.o.next - k.o.first, count);
    for (uint64_t t = 1; t <= 5; t++) {
        assert_int_equal(fp_outbox_done(&k.o, t), FP_OK);
    }
    assert_int_equal(kit_append(&k, "again", &ticket), FP_OK);
    assert_int_equal(ticket, count + 1);
    for (uint64_t t = 6; t <= count; t++) {
        kit_has(&k, t, "0123456789012345678901234567890123456789");
    }
    sim_flash_fini(&k.flash);
}

static void an_outbox_full_of_commands_and_cursors_can_still_be_numbered_and_emptied(void **state)
{
    (void)state;
    struct outbox_kit k;
    uint64_t ticket = 0, seq = 0;
    struct fp_id conv[2] = {kit_oid("123e4567-e89b-12d3-a456-426614174000"), kit_oid("b")};
    kit_begin(&k, 3, 512, 4);
    assert_int_equal(fp_outbox_number(&k.o, 5, 1), FP_OK);
    while (kit_append(&k, "0123456789012345678901234567890123456789", &ticket) == FP_OK) {
        (void)fp_outbox_set_cursor(&k.o, &conv[ticket % 2], &conv[0], ++seq); /* refused at the end, like the commands */
    }
    for (uint64_t i = 0; i < 50; i++) {
        assert_int_equal(fp_outbox_number(&k.o, 6 + i, 7), FP_OK);
    }
    for (uint64_t t = k.o.next - 1; t >= 3; t--) {
        assert_int_equal(fp_outbox_cancel(&k.o, t), FP_OK);
    }
    assert_int_equal(kit_reopen(&k), FP_OK);
    assert_true(k.o.first == 1 && k.o.epoch == 55 && fp_outbox_n(&k.o, 2) == 8 && fp_outbox_next_n(&k.o) == 9);
    sim_flash_fini(&k.flash);
}

static void a_cancel_that_failed_is_not_found_once_something_was_written_after_it(void **state)
{
    (void)state;
    for (uint64_t call = 1; call < 8; call++) {
        struct outbox_kit k;
        kit_begin(&k, 4, 512, 4);
        uint64_t a = kit_put(&k, "sent, after all"), b = kit_put(&k, "behind it");
        assert_int_equal(fp_outbox_number(&k.o, 1, 10), FP_OK);
        k.flash.fail_in = call;
        enum fp_err err = fp_outbox_cancel(&k.o, a);
        k.flash.fail_in = 0;
        assert_int_equal(kit_reopen(&k), FP_OK);
        assert_int_equal(fp_outbox_slot(&k.o, a) != NULL, err != FP_OK);
        assert_int_equal(fp_outbox_n(&k.o, b), err ? 11 : 10);
        sim_flash_fini(&k.flash);
    }
}

static void too_long_is_refused_on_either_side_of_the_limit(void **state)
{
    (void)state;
    struct outbox_kit k;
    char text[600];
    uint64_t ticket = 0;
    kit_begin(&k, 3, 512, 1);
    memset(text, 'x', sizeof(text));
    size_t most = 0;
    for (size_t len = 1; len < sizeof(text); len++) {
        text[len] = 0;
        enum fp_err err = kit_append(&k, text, &ticket);
        text[len] = 'x';
        if (err == FP_ETOOLARGE) {
            break;
        }
        assert_int_equal(err, FP_OK);
        assert_int_equal(fp_outbox_done(&k.o, ticket), FP_OK);
        most = len;
    }
    assert_in_range(most, 512 - 64 - 128, 512 - 64);
    sim_flash_fini(&k.flash);
}

static void cursors_come_back_and_never_go_back(void **state)
{
    (void)state;
    struct outbox_kit k;
    struct fp_id a = kit_oid("a"), b = kit_oid("bb"), s = kit_oid("scope");
    kit_begin(&k, 3, 512, 2);
    assert_int_equal(fp_outbox_number(&k.o, 1, 1), FP_OK);
    assert_int_equal(fp_outbox_set_cursor(&k.o, &a, &s, 5), FP_OK);
    assert_int_equal(fp_outbox_set_cursor(&k.o, &b, &s, 1), FP_OK);
    assert_int_equal(fp_outbox_set_cursor(&k.o, &a, &s, 3), FP_OK);
    for (uint64_t i = 0; i < 200; i++) { /* around the ring more than once */
        assert_int_equal(fp_outbox_set_cursor(&k.o, &b, &s, i), FP_OK);
    }
    assert_int_equal(fp_outbox_flush(&k.o), FP_OK);
    assert_int_equal(kit_reopen(&k), FP_OK);
    int found = 0;
    for (int i = 0; i < KIT_CURSORS; i++) {
        found += fp_id_eq(&k.cursors[i].conv, &a) && k.cursors[i].seq == 5 && fp_id_eq(&k.cursors[i].scope, &s);
        found += fp_id_eq(&k.cursors[i].conv, &b) && k.cursors[i].seq == 199;
    }
    assert_int_equal(found, 2);
    assert_int_equal(fp_outbox_drop_cursor(&k.o, &a), FP_OK);
    assert_int_equal(kit_reopen(&k), FP_OK);
    for (int i = 0; i < KIT_CURSORS; i++) {
        assert_false(fp_id_eq(&k.cursors[i].conv, &a));
    }
    assert_int_equal(fp_outbox_number(&k.o, 2, 1), FP_OK); /* another epoch */
    assert_int_equal(kit_reopen(&k), FP_OK);
    for (int i = 0; i < KIT_CURSORS; i++) {
        assert_true(fp_id_is_none(&k.cursors[i].conv));
    }
    sim_flash_fini(&k.flash);
}

static void a_failed_call_leaves_all_as_it_was(void **state)
{
    (void)state;
    for (uint64_t call = 1; call < 12; call++) {
        struct outbox_kit k;
        uint64_t ticket = 0;
        kit_begin(&k, 3, 256, 1);
        kit_put(&k, "first");
        k.flash.fail_in = call;
        enum fp_err err = kit_append(&k, "second", &ticket);
        k.flash.fail_in = 0;
        uint64_t pending = k.o.next - k.o.first;
        assert_int_equal(pending, err ? 1 : 2);
        uint64_t third = kit_put(&k, "third");
        assert_int_equal(third, err ? 2 : 3);
        assert_int_equal(kit_reopen(&k), FP_OK);
        kit_has(&k, 1, "first");
        kit_has(&k, third, "third");
        sim_flash_fini(&k.flash);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_accepted_is_there_after_a_restart),
        cmocka_unit_test(numbers_follow_the_first_and_skip_what_was_cancelled),
        cmocka_unit_test(answers_out_of_order_wait_for_those_in_front),
        cmocka_unit_test(tickets_are_not_given_twice_when_all_is_answered),
        cmocka_unit_test(more_commands_than_slots_between_two_flushes_are_read_back),
        cmocka_unit_test(a_full_outbox_refuses_and_takes_again),
        cmocka_unit_test(an_outbox_full_of_commands_and_cursors_can_still_be_numbered_and_emptied),
        cmocka_unit_test(a_cancel_that_failed_is_not_found_once_something_was_written_after_it),
        cmocka_unit_test(too_long_is_refused_on_either_side_of_the_limit),
        cmocka_unit_test(cursors_come_back_and_never_go_back),
        cmocka_unit_test(a_failed_call_leaves_all_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
