#include <stdio.h>

#include "tests/conformance/store_cases.h"

static uint64_t add_device(struct store_port p, uint64_t number)
{
    struct store_device d = {.id = store_script_id("d", number), .user = store_script_id("u", number)};

    assert_int_equal(p.save_device(p.ctx, &d), FP_OK);
    assert_true(d.did > 0);
    assert_int_equal(d.next_n, 1);
    return d.did;
}

static bool get_device(struct store_port p, uint64_t number, struct store_device *out)
{
    struct fp_id id = store_script_id("d", number);
    bool found = false;

    assert_int_equal(p.load_device(p.ctx, &id, out, &found), FP_OK);
    return found;
}

static enum fp_err add_answers(struct store_port p, uint64_t did, uint64_t first, uint64_t last)
{
    char rows[32];

    (void)snprintf(rows, sizeof rows, "%d..%d", (int)first, (int)last);
    const struct store_answers a = {.did = did, .first = first, .last = last, .at = {last * 10}, .rows = bytes_of(rows)};
    return p.save_answers(p.ctx, &a);
}

static bool get_answers(struct store_port p, uint64_t did, uint64_t n, struct store_answers *out)
{
    bool found = false;

    assert_int_equal(p.load_answers(p.ctx, did, n, out, &found), FP_OK);
    return found;
}

static void a_device_belongs_to_its_first_user(void **state)
{
    struct store_port p = port_of(state);
    struct store_device again = {.id = store_script_id("d", 1), .user = store_script_id("u", 2)};
    struct store_device read = {0};

    assert_false(get_device(p, 1, &read));
    begin(p);
    uint64_t did = add_device(p, 1);
    commit(p);
    begin(p);
    (void)add_device(p, 2);
    assert_int_equal(p.save_device(p.ctx, &again), FP_ECORRUPT);
    p.rollback(p.ctx);
    p = restarted(state);
    assert_true(get_device(p, 1, &read));
    assert_int_equal(read.did, did);
    struct fp_id owner = store_script_id("u", 1);
    assert_true(fp_id_eq(&read.user, &owner));
    assert_int_equal(read.next_n, 1);
    assert_false(get_device(p, 2, &read)); /* T2 */
}

static void answers_are_found_by_any_n_they_hold(void **state)
{
    struct store_port p = port_of(state);
    struct store_answers a = {0};
    struct store_device d = {0};

    begin(p);
    uint64_t first = add_device(p, 1);
    uint64_t did = add_device(p, 2);
    assert_int_equal(add_answers(p, first, 1, 9), FP_OK);
    assert_int_equal(add_answers(p, did, 1, 1), FP_OK);
    assert_int_equal(add_answers(p, did, 2, 4), FP_OK);
    commit(p);
    assert_true(get_answers(p, did, 3, &a));
    assert_int_equal(a.first, 2);
    assert_int_equal(a.last, 4);
    assert_int_equal(a.at.ms, 40);
    assert_true(fp_bytes_eq(a.rows, bytes_of("2..4")));
    assert_true(get_answers(p, did, 1, &a));
    assert_true(fp_bytes_eq(a.rows, bytes_of("1..1")));
    assert_false(get_answers(p, did, 5, &a));
    assert_false(get_answers(p, did, 0, &a));
    assert_false(get_answers(p, did, UINT64_MAX, &a));
    assert_false(get_answers(p, did + 1, 1, &a));
    assert_false(get_answers(p, UINT64_MAX, 1, &a));
    assert_true(get_device(p, 2, &d));
    assert_int_equal(d.next_n, 5);
}

static void answers_are_contiguous_and_need_their_device(void **state)
{
    struct store_port p = port_of(state);
    static const struct {
        uint64_t first, last;
    } bad[] = {{1, 1}, {2, 3}, {4, 4}, {0, 3}, {3, 2}};
    struct store_device d = {0};

    begin(p);
    uint64_t did = add_device(p, 1);
    assert_int_equal(add_answers(p, did, 1, 2), FP_OK);
    commit(p);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) { /* T4 */
        begin(p);
        (void)add_device(p, 2);
        assert_int_equal(add_answers(p, did, bad[i].first, bad[i].last), FP_ECORRUPT);
        p.rollback(p.ctx);
        assert_false(get_device(p, 2, &d)); /* T2 */
    }
    begin(p);
    assert_int_equal(add_answers(p, 99, 1, 1), FP_ECORRUPT);
    begin(p);
    assert_int_equal(add_answers(p, did, 3, 3), FP_OK);
    p.rollback(p.ctx);
    assert_true(get_device(p, 1, &d));
    assert_int_equal(d.next_n, 3);
}

static size_t prune(struct store_port p, uint64_t before_ms, size_t limit)
{
    size_t removed = 77;

    assert_int_equal(p.prune_answers(p.ctx, (struct fp_wall){before_ms}, limit, &removed), FP_OK);
    return removed;
}

static void pruning_removes_old_answers_but_for_each_devices_last(void **state)
{
    struct store_port p = port_of(state);
    struct store_answers a = {0};
    struct store_device d = {0};
    uint64_t did[3];

    begin(p);
    for (uint64_t i = 0; i < 3; i++) {
        did[i] = add_device(p, i);
        for (uint64_t n = 1; n <= 5; n++) {
            assert_int_equal(add_answers(p, did[i], n, n), FP_OK); /* at 10, 20, .. 50 */
        }
    }
    size_t removed = 0;
    assert_int_equal(p.prune_answers(p.ctx, (struct fp_wall){1000}, 9, &removed), FP_ECORRUPT); /* it has a transaction of its own */
    commit(p);

    assert_int_equal(prune(p, 10, 100), 0);
    assert_int_equal(prune(p, 30, 4), 4);
    assert_int_equal(prune(p, 30, 100), 2);
    assert_int_equal(prune(p, 30, 100), 0);
    p = restarted(state);
    for (size_t i = 0; i < 3; i++) {
        assert_false(get_answers(p, did[i], 2, &a));
        assert_true(get_answers(p, did[i], 3, &a));
    }
    assert_int_equal(prune(p, UINT32_MAX, 100), 6);
    for (uint64_t i = 0; i < 3; i++) {
        assert_true(get_answers(p, did[i], 5, &a));
        assert_true(get_device(p, i, &d));
        assert_int_equal(d.next_n, 6);
    }
    assert_int_equal(prune(p, UINT32_MAX, 100), 0);
    begin(p);
    assert_int_equal(add_answers(p, did[0], 6, 6), FP_OK);
    commit(p);
}

const struct CMUnitTest store_cases_device[] = {
    cmocka_unit_test(a_device_belongs_to_its_first_user),
    cmocka_unit_test(answers_are_found_by_any_n_they_hold),
    cmocka_unit_test(answers_are_contiguous_and_need_their_device),
    cmocka_unit_test(pruning_removes_old_answers_but_for_each_devices_last),
    {.name = NULL},
};
