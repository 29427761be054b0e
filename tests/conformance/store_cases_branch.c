/* What a site has in custody. */
#include "tests/conformance/store_cases.h"

static struct store_branch branch_of(uint64_t device, uint64_t n, uint64_t cid)
{
    return (struct store_branch){
        .device = store_script_id("d", device), .n = n, .cid = cid, .lane = 2, .number = n, .at = {n}, .event = bytes_of("event")};
}

static void save_branch(struct store_port p, struct store_branch b)
{
    assert_int_equal(p.save_branch(p.ctx, &b), FP_OK);
}

static void check_branch(const struct store_branch *got, const struct store_branch *want)
{
    assert_true(fp_id_eq(&got->device, &want->device));
    assert_true(got->n == want->n);
    assert_int_equal(got->cid, want->cid);
    assert_int_equal(got->lane, want->lane);
    assert_true(got->number == want->number);
    assert_int_equal(got->settled, want->settled);
    assert_int_equal(got->seq, want->seq);
    assert_int_equal(got->code, want->code);
    assert_int_equal(got->at.ms, want->at.ms);
    assert_true(fp_bytes_eq(got->event, want->event));
}

static void check_loaded(struct store_port p, const struct store_branch *want)
{
    struct store_branch got = {0};
    bool found = false;

    assert_int_equal(p.load_branch(p.ctx, &want->device, want->n, &got, &found), FP_OK);
    assert_true(found);
    check_branch(&got, want);
    found = false;
    assert_int_equal(p.find_branch(p.ctx, want->lane, want->number, &got, &found), FP_OK);
    assert_true(found);
    check_branch(&got, want);
}

static bool has_branch(struct store_port p, uint64_t device, uint64_t n)
{
    const struct fp_id id = store_script_id("d", device);
    struct store_branch got = {0};
    bool found = true;

    assert_int_equal(p.load_branch(p.ctx, &id, n, &got, &found), FP_OK);
    return found;
}

static void a_branch_is_inserted_and_replaced(void **state)
{
    struct store_port p = port_of(state);
    struct store_branch got = {0};
    bool found = true;

    begin(p);
    struct store_branch b = branch_of(1, 7, add_conv(p, 1, 1));
    struct store_branch high = branch_of(1, UINT64_MAX, b.cid);
    save_branch(p, b);
    save_branch(p, high);
    check_loaded(p, &b); /* the transaction's own */
    commit(p);
    p = restarted(state);
    check_loaded(p, &b);
    check_loaded(p, &high);
    assert_false(has_branch(p, 1, 6));
    assert_false(has_branch(p, 2, 7));
    assert_int_equal(p.find_branch(p.ctx, 1, 7, &got, &found), FP_OK);
    assert_false(found);
    struct store_branch moved = b;
    moved.lane = 0;
    moved.number = 1;
    begin(p);
    save_branch(p, moved);
    check_loaded(p, &moved);
    p.rollback(p.ctx);
    check_loaded(p, &b);
    struct store_branch settled = moved;
    settled.settled = true;
    settled.seq = 12;
    settled.code = 3;
    settled.at.ms = 5000;
    settled.event = bytes_of("");
    begin(p);
    save_branch(p, settled);
    commit(p);
    p = restarted(state);
    check_loaded(p, &settled);
    assert_int_equal(p.find_branch(p.ctx, 2, 7, &got, &found), FP_OK);
    assert_false(found);
    check_loaded(p, &high);
}

static void a_branch_needs_its_conversation_and_a_transaction(void **state)
{
    struct store_port p = port_of(state);
    struct store_branch b = branch_of(1, 1, 1);
    struct store_branch none = branch_of(2, 1, 0);

    assert_int_equal(p.save_branch(p.ctx, &none), FP_ECORRUPT);
    begin(p);
    save_branch(p, none); /* of no conversation */
    assert_int_equal(p.save_branch(p.ctx, &b), FP_ECORRUPT);
    assert_int_equal(p.commit(p.ctx), FP_ECORRUPT);
    assert_false(has_branch(p, 2, 1)); /* T2 */
    begin(p);
    b.cid = add_conv(p, 1, 1);
    b.lane = 4;
    assert_int_equal(p.save_branch(p.ctx, &b), FP_ECORRUPT);
    assert_false(has_conv(p, 1));
}

struct seen_branches {
    struct fp_id device[16];
    uint64_t n[16];
    size_t count;
    size_t stop_after;
};

static bool see_branch(void *arg, const struct store_branch *b)
{
    struct seen_branches *s = arg;

    assert_false(b->settled);
    assert_true(fp_bytes_eq(b->event, bytes_of("event")));
    s->device[s->count] = b->device;
    s->n[s->count++] = b->n;
    return s->count != s->stop_after;
}

static void settle(struct store_port p, struct store_branch b, uint64_t at)
{
    b.settled = true;
    b.event = bytes_of("");
    b.at.ms = at;
    save_branch(p, b);
}

static void check_open(struct store_port p, uint64_t device, uint64_t open)
{
    const struct fp_id id = store_script_id("d", device);
    uint64_t got = 99;

    assert_int_equal(p.count_branches(p.ctx, &id, &got), FP_OK);
    assert_int_equal(got, open);
}

static void open_branches_come_in_the_order_in_which_they_were_taken(void **state)
{
    struct store_port p = port_of(state);
    static const uint64_t devices[] = {9, 1, 25, 1, 9};
    static const uint64_t ns[] = {5, 8, 1, 7, 4};
    static const size_t in_order[] = {0, 2, 3, 4};
    struct seen_branches seen = {0};
    struct seen_branches some = {.stop_after = 2};

    begin(p);
    uint64_t cid = add_conv(p, 1, 1);
    uint64_t other = add_conv(p, 2, 1);
    for (size_t i = 0; i < 5; i++) {
        save_branch(p, branch_of(devices[i], ns[i], cid));
        save_branch(p, branch_of(100 + i, 1, other));
    }
    commit(p);
    begin(p);
    settle(p, branch_of(1, 8, cid), 50);
    struct store_branch again = branch_of(9, 5, cid); /* saved again, another lane: not taken again */
    again.lane = 0;
    save_branch(p, again);
    commit(p);
    p = restarted(state);
    assert_int_equal(p.each_branch(p.ctx, cid, see_branch, &seen), FP_OK);
    assert_int_equal(seen.count, 4);
    for (size_t i = 0; i < 4; i++) {
        const struct fp_id id = store_script_id("d", devices[in_order[i]]);
        assert_true(fp_id_eq(&seen.device[i], &id));
        assert_int_equal(seen.n[i], ns[in_order[i]]);
    }
    assert_int_equal(p.each_branch(p.ctx, cid, see_branch, &some), FP_OK);
    assert_int_equal(some.count, 2);
    some.count = 0;
    assert_int_equal(p.each_branch(p.ctx, other + 1, see_branch, &some), FP_OK);
    assert_int_equal(some.count, 0);
    check_open(p, 9, 2);
    check_open(p, 1, 1);
    check_open(p, 2, 0);
}

static void counting_ends_somewhere(void **state)
{
    struct store_port p = port_of(state);

    begin(p);
    uint64_t cid = add_conv(p, 1, 1);
    for (uint64_t n = 1; n <= STORE_BRANCHES_COUNTED + 1; n++) {
        save_branch(p, branch_of(1, n, cid));
    }
    check_open(p, 1, STORE_BRANCHES_COUNTED);
    settle(p, branch_of(1, 1, cid), 1);
    check_open(p, 1, STORE_BRANCHES_COUNTED);
    settle(p, branch_of(1, 2, cid), 1);
    check_open(p, 1, STORE_BRANCHES_COUNTED - 1);
    commit(p);
}

static size_t prune(struct store_port p, uint64_t before, size_t limit)
{
    size_t removed = 99;

    assert_int_equal(p.prune_branches(p.ctx, (struct fp_wall){before}, limit, &removed), FP_OK);
    return removed;
}

static void pruning_removes_old_settled_branches_only(void **state)
{
    struct store_port p = port_of(state);
    size_t removed = 99;

    begin(p);
    uint64_t cid = add_conv(p, 1, 1);
    for (uint64_t n = 1; n <= 6; n++) {
        save_branch(p, branch_of(1, n, cid));
    }
    for (uint64_t n = 1; n <= 4; n++) {
        settle(p, branch_of(1, n, cid), 10 * n);
    }
    assert_int_equal(p.prune_branches(p.ctx, (struct fp_wall){99}, 9, &removed), FP_ECORRUPT); /* it has a transaction of its own */
    assert_int_equal(removed, 0);
    commit(p);
    assert_int_equal(prune(p, 10, 9), 0);
    assert_int_equal(prune(p, 31, 0), 0);
    assert_int_equal(prune(p, 31, 2), 2);
    assert_int_equal(prune(p, 31, 2), 1);
    p = restarted(state);
    for (uint64_t n = 1; n <= 6; n++) {
        assert_int_equal(has_branch(p, 1, n), n > 3);
    }
    assert_int_equal(prune(p, UINT64_MAX, SIZE_MAX), 1);
    check_open(p, 1, 2);
    begin(p);
    commit(p);
}

const struct CMUnitTest store_cases_branch[] = {
    cmocka_unit_test(a_branch_is_inserted_and_replaced),
    cmocka_unit_test(a_branch_needs_its_conversation_and_a_transaction),
    cmocka_unit_test(open_branches_come_in_the_order_in_which_they_were_taken),
    cmocka_unit_test(counting_ends_somewhere),
    cmocka_unit_test(pruning_removes_old_settled_branches_only),
    {.name = NULL},
};
