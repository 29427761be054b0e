#include "tests/unit/client/test_kit.h"

static void what_is_held_is_found_and_dropped(void **state)
{
    (void)state;
    struct kit *k = kit_new(512, 512);
    struct fp_bytes one;
    fp_reorder_put(k->c, &k->conv, 5, fp_bytes_of("five!", 5));
    fp_reorder_put(k->c, &k->scope, 5, fp_bytes_of("other", 5));
    fp_reorder_put(k->c, &k->conv, 4, fp_bytes_of("four", 4));
    fp_reorder_put(k->c, &k->conv, 4, fp_bytes_of("4444", 4));
    assert_true(fp_reorder_peek(k->c, &k->conv, 4, &one) && fp_bytes_eq(one, fp_bytes_of("four", 4)));
    fp_reorder_drop(k->c, &k->conv, 4);
    assert_false(fp_reorder_peek(k->c, &k->conv, 4, &one));
    assert_true(fp_reorder_peek(k->c, &k->conv, 5, &one) && fp_bytes_eq(one, fp_bytes_of("five!", 5)));
    fp_reorder_drop(k->c, &k->conv, FP_NEVER);
    assert_true(fp_reorder_peek(k->c, &k->scope, 5, &one) && fp_bytes_eq(one, fp_bytes_of("other", 5)));
    fp_reorder_drop(k->c, &k->scope, FP_NEVER);
    assert_int_equal(k->c->reorder_len, 0);
    kit_free(k);
}

static void the_lowest_stay_when_there_is_no_room(void **state)
{
    (void)state;
    struct kit *k = kit_new(512, 512);
    static const uint8_t bytes[400];
    struct fp_bytes one;
    for (uint64_t seq = 20; seq > 1; seq--) {
        fp_reorder_put(k->c, &k->conv, seq, fp_bytes_of(bytes, sizeof(bytes)));
        assert_true(k->c->reorder_len <= k->config.reorder_bytes);
    }
    for (uint64_t seq = 2; seq < 6; seq++) {
        assert_true(fp_reorder_peek(k->c, &k->conv, seq, &one));
    }
    assert_false(fp_reorder_peek(k->c, &k->conv, 20, &one));
    fp_reorder_put(k->c, &k->conv, 30, fp_bytes_of(bytes, sizeof(bytes)));
    assert_false(fp_reorder_peek(k->c, &k->conv, 30, &one));
    fp_reorder_put(k->c, &k->conv, 1, fp_bytes_of(k->flash, 3000));
    assert_false(fp_reorder_peek(k->c, &k->conv, 1, &one));
    kit_free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_held_is_found_and_dropped),
        cmocka_unit_test(the_lowest_stay_when_there_is_no_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
