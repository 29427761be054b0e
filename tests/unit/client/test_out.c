#include "tests/unit/client/test_kit.h"

static void packet_ids_are_never_zero(void **state)
{
    (void)state;
    struct kit *k = kit_new(512, 512);
    for (uint32_t i = 0; i < 70000; i++) {
        assert_int_not_equal(fp_out_id(k->c), 0);
    }
    kit_free(k);
}

static void what_does_not_fit_leaves_nothing_behind(void **state)
{
    (void)state;
    struct kit *k = kit_new(512, 512);
    struct fp_message m;
    struct fp_enc e;
    struct fp_follow *f = fp_follow_get(k->c, &k->conv, &k->scope);
    assert_true(fp_out_begin(k->c, &m, FP_TOPIC_DEVICE_UP, &e));
    fp_enc_bytes(&e, k->flash, 600);
    assert_false(fp_out_end(k->c, &m, &e));
    assert_int_equal(k->c->tx.len, 0);
    k->c->tx.len = 500;
    assert_false(fp_out_subscribe_scope(k->c, f));
    assert_false(fp_out_plain(k->c, FP_K_BYE));
    assert_false(fp_out_status(k->c, "online"));
    assert_int_equal(k->c->tx.len, 500);
    kit_free(k);
}

static void the_filters_are_those_of_what_is_wanted(void **state)
{
    (void)state;
    struct kit *k = kit_new(512, 512);
    struct fp_follow *f = fp_follow_get(k->c, &k->conv, &k->scope);
    k->c->config.want = FP_WANT_EVENTS | FP_WANT_TYPING;
    assert_true(fp_out_subscribe_scope(k->c, f));
    memcpy(k->out, k->c->tx.buf, k->c->tx.len);
    k->out_len = k->c->tx.len;
    const struct kit_said *s = kit_heard(k);
    assert_int_equal(s->filter_count, 3);
    assert_string_equal(s->filters[0], "fp/1/scope/s1/conv/+/event");
    assert_string_equal(s->filters[1], "fp/1/scope/s1/conv/+/head");
    assert_string_equal(s->filters[2], "fp/1/scope/s1/conv/+/typing");
    kit_free(k);
}

static void the_rate_allows_a_burst_and_then_its_pace(void **state)
{
    (void)state;
    struct kit *k = kit_new(512, 512);
    uint64_t at = 0;
    uint32_t taken = 0;
    k->c->limits.commands_per_s = 10;
    while (fp_rate_take(k->c, &at)) {
        taken++;
    }
    assert_true(taken >= 44 && taken <= 50);
    assert_true(at > k->c->now && at <= k->c->now + 100001);
    k->c->now = at;
    assert_true(fp_rate_take(k->c, &at));
    assert_false(fp_rate_take(k->c, &at));
    k->c->limits.commands_per_s = 0;
    assert_true(fp_rate_take(k->c, &at));
    kit_free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packet_ids_are_never_zero),
        cmocka_unit_test(what_does_not_fit_leaves_nothing_behind),
        cmocka_unit_test(the_filters_are_those_of_what_is_wanted),
        cmocka_unit_test(the_rate_allows_a_burst_and_then_its_pace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
