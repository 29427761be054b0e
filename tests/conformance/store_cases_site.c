/* What a trunk asks of conversations and devices: pages of a scope, a log that begins in the middle, answers that were given elsewhere. */
#include "tests/conformance/store_cases.h"

struct seen_convs {
    uint64_t cid[16];
    size_t count;
    size_t stop_after;
};

static bool see_conv(void *arg, const struct store_conv *c)
{
    struct seen_convs *s = arg;

    assert_int_equal(c->head, c->cid); /* as they were made */
    s->cid[s->count++] = c->cid;
    return s->count != s->stop_after;
}

static void conversations_of_a_scope_come_in_pages(void **state)
{
    struct store_port p = port_of(state);
    const struct fp_id scope = store_script_id("s", 1);
    const struct fp_id nobodys = store_script_id("s", 3);
    uint64_t cid[8];
    struct seen_convs seen = {0};

    begin(p);
    for (uint64_t i = 0; i < 8; i++) {
        cid[i] = add_conv(p, i, i % 3 == 2 ? 2 : 1); /* 2 and 5 are another's */
        assert_int_equal(add_run(p, cid[i], 1, cid[i]), FP_OK);
    }
    commit(p);
    p = restarted(state);
    assert_int_equal(p.each_conv_in(p.ctx, &scope, 0, 4, see_conv, &seen), FP_OK);
    assert_int_equal(p.each_conv_in(p.ctx, &scope, seen.cid[3], 4, see_conv, &seen), FP_OK);
    static const size_t in_order[] = {0, 1, 3, 4, 6, 7};
    assert_int_equal(seen.count, 6);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(seen.cid[i], cid[in_order[i]]);
    }
    seen = (struct seen_convs){.stop_after = 2};
    assert_int_equal(p.each_conv_in(p.ctx, &scope, 0, SIZE_MAX, see_conv, &seen), FP_OK);
    assert_int_equal(seen.count, 2);
    seen = (struct seen_convs){0};
    assert_int_equal(p.each_conv_in(p.ctx, &scope, 0, 0, see_conv, &seen), FP_OK);
    assert_int_equal(p.each_conv_in(p.ctx, &scope, UINT64_MAX, 9, see_conv, &seen), FP_OK);
    assert_int_equal(p.each_conv_in(p.ctx, &nobodys, 0, 9, see_conv, &seen), FP_OK);
    assert_int_equal(seen.count, 0);
}

static void check_head(struct store_port p, uint64_t number, uint64_t head, uint8_t chain)
{
    uint8_t want[32];
    struct store_conv c = get_conv(p, number);

    memset(want, chain, sizeof want);
    assert_int_equal(c.head, head);
    assert_memory_equal(c.chain, want, sizeof want);
}

static void move_floor(struct store_port p, uint64_t number, uint64_t floor, uint8_t chain)
{
    struct store_conv c = get_conv(p, number);

    c.floor = floor;
    memset(c.floor_chain, chain, sizeof c.floor_chain);
    assert_int_equal(p.save_conv(p.ctx, &c, (struct fp_bytes){0}, (struct fp_bytes){0}), FP_OK);
}

static void without_runs_the_head_is_the_floor(void **state)
{
    struct store_port p = port_of(state);
    struct store_run run = {.first = 41, .last = 42, .msgs = 2, .at = {9}, .events = bytes_of("e")};

    memset(run.chain, 8, sizeof run.chain);
    begin(p);
    run.cid = add_conv(p, 1, 1);
    check_head(p, 1, 0, 0);
    move_floor(p, 1, 20, 3);
    commit(p);
    check_head(p, 1, 20, 3);
    begin(p);
    move_floor(p, 1, 40, 4);
    check_head(p, 1, 40, 4);
    p.rollback(p.ctx);
    check_head(p, 1, 20, 3);
    begin(p);
    assert_int_equal(add_run(p, run.cid, 1, 2), FP_ECORRUPT); /* T3 */
    begin(p);
    assert_int_equal(p.append(p.ctx, &run), FP_ECORRUPT); /* the floor is at 20 */
    begin(p);
    move_floor(p, 1, 40, 4);
    assert_int_equal(p.append(p.ctx, &run), FP_OK);
    check_head(p, 1, 42, 8);
    p.rollback(p.ctx);
    check_head(p, 1, 20, 3);
    begin(p);
    move_floor(p, 1, 40, 4);
    assert_int_equal(p.append(p.ctx, &run), FP_OK);
    move_floor(p, 1, 41, 5); /* now the head is that of the run */
    commit(p);
    p = restarted(state);
    check_head(p, 1, 42, 8);
    assert_int_equal(get_conv(p, 1).msgs, 2);
}

static uint64_t next_n(struct store_port p, uint64_t device)
{
    const struct fp_id id = store_script_id("d", device);
    struct store_device d = {0};
    bool found = false;

    assert_int_equal(p.load_device(p.ctx, &id, &d, &found), FP_OK);
    assert_true(found);
    return d.next_n;
}

static bool has_answers(struct store_port p, uint64_t did, uint64_t n)
{
    struct store_answers a = {0};
    bool found = true;

    assert_int_equal(p.load_answers(p.ctx, did, n, &a, &found), FP_OK);
    return found;
}

static void answers_can_be_skipped_but_not_backwards(void **state)
{
    struct store_port p = port_of(state);
    struct store_device d = {.id = store_script_id("d", 1), .user = store_script_id("u", 1)};
    struct store_answers a = {.first = 8, .last = 9, .at = {50}, .rows = bytes_of("rows")};
    size_t removed = 0;

    assert_int_equal(p.skip_answers(p.ctx, 1, 5), FP_ECORRUPT); /* outside of a transaction */
    begin(p);
    assert_int_equal(p.save_device(p.ctx, &d), FP_OK);
    a.did = d.did;
    assert_int_equal(p.skip_answers(p.ctx, d.did, 1), FP_OK); /* there already */
    assert_int_equal(p.skip_answers(p.ctx, d.did, 5), FP_OK);
    assert_int_equal(p.skip_answers(p.ctx, d.did, 8), FP_OK);
    assert_int_equal(p.save_answers(p.ctx, &a), FP_OK);
    commit(p);
    p = restarted(state);
    assert_int_equal(next_n(p, 1), 10);
    for (uint64_t n = 0; n <= 10; n++) {
        assert_int_equal(has_answers(p, d.did, n), n == 8 || n == 9);
    }
    begin(p);
    assert_int_equal(p.skip_answers(p.ctx, d.did, 20), FP_OK);
    assert_int_equal(next_n(p, 1), 20);
    p.rollback(p.ctx);
    assert_int_equal(next_n(p, 1), 10);
    for (uint64_t bad = 0; bad < 10; bad += 9) {
        begin(p);
        assert_int_equal(p.skip_answers(p.ctx, d.did, bad), FP_ECORRUPT);
        assert_int_equal(p.commit(p.ctx), FP_ECORRUPT);
    }
    begin(p);
    assert_int_equal(p.skip_answers(p.ctx, d.did + 1, 5), FP_ECORRUPT); /* no such device */
    begin(p);
    assert_int_equal(p.skip_answers(p.ctx, d.did, 100), FP_OK);
    commit(p);
    assert_int_equal(p.prune_answers(p.ctx, (struct fp_wall){1000}, 100, &removed), FP_OK);
    assert_true(removed > 0);
    p = restarted(state);
    assert_int_equal(next_n(p, 1), 100); /* what was skipped is not forgotten */
    assert_false(has_answers(p, d.did, 9));
}

const struct CMUnitTest store_cases_site[] = {
    cmocka_unit_test(conversations_of_a_scope_come_in_pages),
    cmocka_unit_test(without_runs_the_head_is_the_floor),
    cmocka_unit_test(answers_can_be_skipped_but_not_backwards),
    {.name = NULL},
};
