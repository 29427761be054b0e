#include "tests/unit/client/test_kit.h"

static struct fp_id id_of(const char *text)
{
    struct fp_id id;
    assert_true(fp_id_parse(text, strlen(text), &id));
    return id;
}

static void conversations_stand_in_the_order_of_their_ids(void **state)
{
    (void)state;
    struct kit *k = kit_new(70000, 4096);
    const char *names[] = {"zz", "a", "yyy"};
    for (int i = 0; i < 3; i++) {
        struct fp_id id = id_of(names[i]);
        assert_non_null(fp_follow_get(k->c, &id, &k->scope));
        assert_ptr_equal(fp_follow_get(k->c, &id, &k->scope), fp_follow_find(k->c, &id));
    }
    struct fp_id want[] = {id_of("a"), id_of("zz"), id_of("yyy")};
    for (size_t i = 0; i < 3; i++) {
        assert_true(fp_id_eq(&fp_client_conv_at(k->c, i)->id, &want[i]));
    }
    assert_null(fp_client_conv_at(k->c, 3));
    struct fp_id more = id_of("more");
    assert_null(fp_follow_get(k->c, &more, &k->scope));
    assert_int_equal(kit_count(k, FP_NOTICE_NO_ROOM), 1);
    kit_free(k);
}

static void a_get_without_an_answer_is_repeated_after_ten_seconds(void **state)
{
    (void)state;
    struct kit *k = kit_new(70000, 4096);
    struct fp_command get;
    kit_online(k, 1, 3);
    assert_int_equal(kit_commands(kit_heard(k), FP_K_GET, &get), 1);
    kit_after(k, 9 * FP_SECOND_US);
    assert_int_equal(kit_commands(kit_heard(k), FP_K_GET, &get), 0);
    kit_after(k, 2 * FP_SECOND_US);
    assert_int_equal(kit_commands(kit_heard(k), FP_K_GET, &get), 1);
    kit_free(k);
}

static void a_get_without_an_answer_does_not_hold_up_the_others(void **state)
{
    (void)state;
    struct kit *k = kit_new(1024, 1024); /* one get at a time */
    struct fp_id first = id_of("a");
    struct fp_command get;
    size_t count = 0;
    kit_online(k, 1, 3);
    assert_int_equal(kit_commands(kit_heard(k), FP_K_GET, &get), 1);
    struct fp_follow *f = fp_follow_get(k->c, &first, &k->scope);
    assert_non_null(f);
    fp_follow_head(k->c, f, 2);
    fp_follow_check(k->c, f);
    for (int i = 0; i < 12; i++) {
        kit_after(k, FP_SECOND_US);
        count += kit_commands(kit_heard(k), FP_K_GET, &get);
    }
    assert_int_equal(count, 1);
    assert_true(fp_id_eq(&get.conv, &first));
    kit_free(k);
}

static void a_fetch_brings_what_is_behind_the_cursor_and_ends(void **state)
{
    (void)state;
    struct kit *k = kit_new(70000, 4096);
    struct fp_command get;
    kit_online(k, 1, 5);
    kit_page(k, 1, 5, false);
    kit_poll(k);
    kit_heard(k);
    assert_int_equal(fp_client_fetch(k->c, &k->conv, 1, 4), FP_OK);
    assert_int_equal(fp_client_fetch(k->c, &k->conv, 1, 4), FP_EAGAIN);
    kit_poll(k);
    assert_int_equal(kit_commands(kit_heard(k), FP_K_GET, &get), 1);
    kit_page(k, 2, 3, false);
    kit_poll(k);
    assert_int_equal(kit_commands(kit_heard(k), FP_K_GET, &get), 1);
    kit_page(k, 4, 4, false);
    kit_poll(k);
    assert_int_equal(kit_count(k, FP_NOTICE_EVENT), 8);
    assert_true(kit_last(k, FP_NOTICE_EVENT)->fetched);
    assert_int_equal(kit_last(k, FP_NOTICE_FETCHED)->seq, 4);
    assert_int_equal(fp_client_conv(k->c, &k->conv)->cursor, 5);
    kit_free(k);
}

static void who_begins_at_the_head_asks_for_nothing(void **state)
{
    (void)state;
    struct kit *k = kit_new(70000, 4096);
    struct fp_command get;
    fp_client_close(k->c);
    k->config.from_head = true;
    kit_boot(k);
    kit_online(k, 1, 5);
    kit_after(k, FP_SECOND_US);
    assert_int_equal(kit_commands(kit_heard(k), FP_K_GET, &get), 0);
    kit_live(k, 6, 6, "bob-1");
    kit_poll(k);
    assert_int_equal(kit_last(k, FP_NOTICE_EVENT)->seq, 6);
    kit_free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conversations_stand_in_the_order_of_their_ids),
        cmocka_unit_test(a_get_without_an_answer_is_repeated_after_ten_seconds),
        cmocka_unit_test(a_get_without_an_answer_does_not_hold_up_the_others),
        cmocka_unit_test(a_fetch_brings_what_is_behind_the_cursor_and_ends),
        cmocka_unit_test(who_begins_at_the_head_asks_for_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
