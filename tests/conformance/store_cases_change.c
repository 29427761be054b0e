#include "tests/conformance/store_cases.h"

static bool get_target(struct store_port p, uint64_t cid, uint64_t seq, struct store_target *out)
{
    bool found = true;

    assert_int_equal(p.load_target(p.ctx, cid, seq, out, &found), FP_OK);
    return found;
}

static void check_target(const struct store_target *t, const struct store_target *want)
{
    assert_int_equal(t->cid, want->cid);
    assert_int_equal(t->seq, want->seq);
    assert_int_equal(t->version, want->version);
    assert_int_equal(t->body_at, want->body_at);
    assert_int_equal(t->state, want->state);
}

static void save_target(struct store_port p, struct store_target t)
{
    assert_int_equal(p.save_target(p.ctx, &t), FP_OK);
}

static void a_target_is_inserted_and_replaced(void **state)
{
    struct store_port p = port_of(state);
    struct store_target t = {0};

    begin(p);
    uint64_t cid = add_conv(p, 1, 1);
    uint64_t other = add_conv(p, 2, 1);
    const struct store_target first = {.cid = cid, .seq = 3, .version = 5, .body_at = 5, .state = 1};
    const struct store_target beside = {.cid = other, .seq = 3, .version = 4, .body_at = 4, .state = 1};
    const struct store_target later = {.cid = cid, .seq = 3, .version = (1ULL << 36) - 1, .body_at = 0, .state = 255};
    assert_false(get_target(p, cid, 3, &t));
    save_target(p, first);
    save_target(p, beside);
    assert_true(get_target(p, cid, 3, &t)); /* the transaction's own */
    check_target(&t, &first);
    commit(p);
    begin(p);
    save_target(p, later);
    commit(p);
    p = restarted(state);
    assert_true(get_target(p, cid, 3, &t));
    check_target(&t, &later);
    assert_true(get_target(p, other, 3, &t));
    check_target(&t, &beside);
    assert_false(get_target(p, cid, 2, &t));
    assert_false(get_target(p, cid, 4, &t));
    assert_false(get_target(p, cid, UINT64_MAX, &t));
    assert_false(get_target(p, 99, 3, &t));
    assert_false(get_target(p, UINT64_MAX, 3, &t));
}

struct seen_targets {
    struct store_target t[16];
    size_t count;
    size_t stop_after;
};

static bool see_target(void *arg, const struct store_target *t)
{
    struct seen_targets *s = arg;

    s->t[s->count++] = *t;
    return s->count != s->stop_after;
}

static void check_targets(struct store_port p, uint64_t cid, const uint64_t range[2], const uint64_t *seqs, size_t count)
{
    struct seen_targets seen = {0};

    assert_int_equal(p.each_target(p.ctx, cid, range[0], range[1], see_target, &seen), FP_OK);
    assert_int_equal(seen.count, count);
    for (size_t i = 0; i < count; i++) {
        check_target(&seen.t[i], &(struct store_target){.cid = cid, .seq = seqs[i], .version = seqs[i] + 100, .body_at = seqs[i], .state = 1});
    }
}

static void a_range_brings_the_targets_in_it(void **state)
{
    struct store_port p = port_of(state);
    static const uint64_t seqs[] = {9, 2, 300, 10, 1};
    uint64_t cid[3];

    begin(p);
    for (uint64_t c = 0; c < 3; c++) {
        cid[c] = add_conv(p, c, 1);
        for (size_t i = 0; i < sizeof seqs / sizeof seqs[0]; i++) {
            save_target(p, (struct store_target){.cid = cid[c], .seq = seqs[i], .version = seqs[i] + 100, .body_at = seqs[i], .state = 1});
        }
    }
    commit(p);
    check_targets(p, cid[1], (uint64_t[]){1, 300}, (uint64_t[]){1, 2, 9, 10, 300}, 5);
    check_targets(p, cid[1], (uint64_t[]){0, UINT64_MAX}, (uint64_t[]){1, 2, 9, 10, 300}, 5);
    check_targets(p, cid[1], (uint64_t[]){2, 9}, (uint64_t[]){2, 9}, 2);
    check_targets(p, cid[1], (uint64_t[]){3, 299}, (uint64_t[]){9, 10}, 2);
    check_targets(p, cid[1], (uint64_t[]){9, 9}, (uint64_t[]){9}, 1);
    check_targets(p, cid[1], (uint64_t[]){3, 8}, NULL, 0);
    check_targets(p, cid[1], (uint64_t[]){301, UINT64_MAX}, NULL, 0);
    check_targets(p, cid[1], (uint64_t[]){9, 2}, NULL, 0);
    check_targets(p, 99, (uint64_t[]){0, 9}, NULL, 0);
    check_targets(p, UINT64_MAX, (uint64_t[]){0, 9}, NULL, 0);

    struct seen_targets some = {.stop_after = 2};
    assert_int_equal(p.each_target(p.ctx, cid[1], 1, 300, see_target, &some), FP_OK);
    assert_int_equal(some.count, 2);
}

static void save_confirm(struct store_port p, uint64_t cid, uint64_t seq, uint64_t user, uint64_t at)
{
    const struct store_confirm c = {.cid = cid, .seq = seq, .user = store_script_id("u", user), .at = {at}};

    assert_int_equal(p.save_confirm(p.ctx, &c), FP_OK);
}

struct seen_confirms {
    struct store_confirm c[16];
    size_t count;
    size_t stop_after;
};

static bool see_confirm(void *arg, const struct store_confirm *c)
{
    struct seen_confirms *s = arg;

    s->c[s->count++] = *c;
    return s->count != s->stop_after;
}

static size_t count_confirms(struct store_port p, uint64_t cid, uint64_t seq)
{
    struct seen_confirms seen = {0};

    assert_int_equal(p.each_confirm(p.ctx, cid, seq, see_confirm, &seen), FP_OK);
    return seen.count;
}

static void check_confirms(struct store_port p, uint64_t cid, uint64_t seq, const uint64_t *users_and_times, size_t count)
{
    struct seen_confirms seen = {0};

    assert_int_equal(p.each_confirm(p.ctx, cid, seq, see_confirm, &seen), FP_OK);
    assert_int_equal(seen.count, count);
    for (size_t i = 0; i < count; i++) {
        struct fp_id user = store_script_id("u", users_and_times[2 * i]);
        assert_int_equal(seen.c[i].cid, cid);
        assert_int_equal(seen.c[i].seq, seq);
        assert_true(fp_id_eq(&seen.c[i].user, &user));
        assert_int_equal(seen.c[i].at.ms, users_and_times[2 * i + 1]);
    }
}

static void confirms_come_by_the_length_of_the_user_then_bytes(void **state)
{
    struct store_port p = port_of(state);
    static const uint64_t users[] = {100, 9, 25, 3, 10};

    begin(p);
    uint64_t other = add_conv(p, 1, 1);
    uint64_t cid = add_conv(p, 2, 1);
    for (size_t i = 0; i < sizeof users / sizeof users[0]; i++) {
        save_confirm(p, cid, 7, users[i], users[i] + 1000);
    }
    save_confirm(p, cid, 6, 4, 1);
    save_confirm(p, cid, 8, 5, 1);
    save_confirm(p, other, 7, 6, 1);
    commit(p);
    p = restarted(state);
    check_confirms(p, cid, 7, (uint64_t[]){3, 1003, 9, 1009, 10, 1010, 25, 1025, 100, 1100}, 5);
    check_confirms(p, other, 7, (uint64_t[]){6, 1}, 1);
    assert_int_equal(count_confirms(p, cid, 5), 0);
    assert_int_equal(count_confirms(p, cid, UINT64_MAX), 0);
    assert_int_equal(count_confirms(p, 99, 7), 0);
    assert_int_equal(count_confirms(p, UINT64_MAX, 7), 0);

    struct seen_confirms some = {.stop_after = 3};
    assert_int_equal(p.each_confirm(p.ctx, cid, 7, see_confirm, &some), FP_OK);
    assert_int_equal(some.count, 3);
}

static void the_time_of_the_first_confirm_stays(void **state)
{
    struct store_port p = port_of(state);

    begin(p);
    uint64_t cid = add_conv(p, 1, 1);
    save_confirm(p, cid, 7, 1, 500);
    save_confirm(p, cid, 7, 1, 600); /* in the same transaction */
    commit(p);
    begin(p);
    save_confirm(p, cid, 7, 1, 400);
    save_confirm(p, cid, 7, 2, 700);
    commit(p);
    p = restarted(state);
    check_confirms(p, cid, 7, (uint64_t[]){1, 500, 2, 700}, 2);
}

static void a_rollback_takes_targets_and_confirms_back(void **state)
{
    struct store_port p = port_of(state);
    struct store_target t = {0};

    begin(p);
    uint64_t cid = add_conv(p, 1, 1);
    const struct store_target before = {.cid = cid, .seq = 3, .version = 5, .body_at = 5, .state = 1};
    save_target(p, before);
    save_confirm(p, cid, 7, 1, 500);
    commit(p);
    begin(p);
    save_target(p, (struct store_target){.cid = cid, .seq = 3, .version = 6, .state = 2});
    save_target(p, (struct store_target){.cid = cid, .seq = 3, .version = 7, .state = 3});
    save_target(p, (struct store_target){.cid = cid, .seq = 4, .version = 8, .body_at = 8, .state = 1});
    save_confirm(p, cid, 7, 1, 400);
    save_confirm(p, cid, 7, 2, 600);
    p.rollback(p.ctx);
    assert_true(get_target(p, cid, 3, &t));
    check_target(&t, &before);
    assert_false(get_target(p, cid, 4, &t));
    check_confirms(p, cid, 7, (uint64_t[]){1, 500}, 1);
    begin(p);
    save_confirm(p, cid, 7, 2, 900); /* what was taken back was not the first */
    commit(p);
    check_confirms(p, cid, 7, (uint64_t[]){1, 500, 2, 900}, 2);
}

static void targets_and_confirms_need_a_transaction_and_their_conversation(void **state)
{
    struct store_port p = port_of(state);
    static const uint64_t nobody[] = {0, 99, UINT64_MAX};
    struct store_target read = {0};

    begin(p);
    uint64_t cid = add_conv(p, 1, 1);
    commit(p);
    const struct store_target t = {.cid = cid, .seq = 1, .version = 2, .body_at = 2, .state = 1};
    const struct store_confirm c = {.cid = cid, .seq = 1, .user = store_script_id("u", 1), .at = {5}};
    assert_int_equal(p.save_target(p.ctx, &t), FP_ECORRUPT);
    assert_int_equal(p.save_confirm(p.ctx, &c), FP_ECORRUPT);
    for (size_t i = 0; i < sizeof nobody / sizeof nobody[0]; i++) {
        const struct store_target lost = {.cid = nobody[i], .seq = 1, .version = 2};
        const struct store_confirm gone = {.cid = nobody[i], .seq = 1, .user = c.user, .at = {5}};
        begin(p);
        (void)add_conv(p, 2, 1);
        assert_int_equal(p.save_target(p.ctx, &lost), FP_ECORRUPT);
        begin(p); /* the one before is gone: T2 */
        (void)add_conv(p, 2, 1);
        assert_int_equal(p.save_confirm(p.ctx, &gone), FP_ECORRUPT);
    }
    assert_false(has_conv(p, 2));
    assert_false(get_target(p, cid, 1, &read));
    assert_int_equal(count_confirms(p, cid, 1), 0);
}

const struct CMUnitTest store_cases_change[] = {
    cmocka_unit_test(a_target_is_inserted_and_replaced),
    cmocka_unit_test(a_range_brings_the_targets_in_it),
    cmocka_unit_test(confirms_come_by_the_length_of_the_user_then_bytes),
    cmocka_unit_test(the_time_of_the_first_confirm_stays),
    cmocka_unit_test(a_rollback_takes_targets_and_confirms_back),
    cmocka_unit_test(targets_and_confirms_need_a_transaction_and_their_conversation),
    {.name = NULL},
};
