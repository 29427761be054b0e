#include "tests/conformance/store_cases.h"

#define SEQ_MAX ((1ULL << 36) - 1)
#define DAY_MS 86400000ULL

static struct store_receipt get_receipt(struct store_port p, uint64_t cid, const struct fp_id *user)
{
    struct store_receipt r;

    memset(&r, 0xee, sizeof r); /* whatever was there does not stay */
    assert_int_equal(p.load_receipt(p.ctx, cid, user, &r), FP_OK);
    assert_int_equal(r.cid, cid);
    assert_true(fp_id_eq(&r.user, user));
    return r;
}

static void check_receipt(struct store_port p, const struct store_receipt *want)
{
    struct store_receipt r = get_receipt(p, want->cid, &want->user);

    assert_int_equal(r.delivered, want->delivered);
    assert_int_equal(r.read, want->read);
    assert_int_equal(r.shown_delivered, want->shown_delivered);
    assert_int_equal(r.shown_read, want->shown_read);
}

static void a_receipt_without_a_row_is_zero(void **state)
{
    struct store_port p = port_of(state);

    begin(p);
    uint64_t cid = add_conv(p, 1, 1);
    commit(p);
    const uint64_t cids[] = {cid, cid + 1, UINT64_MAX};
    for (size_t i = 0; i < sizeof cids / sizeof cids[0]; i++) {
        check_receipt(p, &(struct store_receipt){.cid = cids[i], .user = store_script_id("u", 1)});
    }
}

static void a_receipt_is_inserted_and_replaced(void **state)
{
    struct store_port p = port_of(state);
    struct store_receipt r = {.user = store_script_id("u", 1), .delivered = 9, .read = 7, .shown_delivered = 8, .shown_read = 6};

    begin(p);
    r.cid = add_conv(p, 1, 1);
    struct store_receipt other_conv = {.cid = add_conv(p, 2, 1), .user = r.user, .delivered = 1};
    struct store_receipt other_user = {.cid = r.cid, .user = store_script_id("u", 2), .delivered = 2, .read = 2};
    assert_int_equal(p.save_receipt(p.ctx, &r), FP_OK);
    assert_int_equal(p.save_receipt(p.ctx, &other_conv), FP_OK);
    assert_int_equal(p.save_receipt(p.ctx, &other_user), FP_OK);
    check_receipt(p, &r); /* the transaction's own */
    commit(p);
    p = restarted(state);
    check_receipt(p, &r);

    r = (struct store_receipt){.cid = r.cid, .user = r.user, .delivered = SEQ_MAX, .read = SEQ_MAX, .shown_delivered = SEQ_MAX, .shown_read = 0};
    begin(p);
    assert_int_equal(p.save_receipt(p.ctx, &r), FP_OK);
    commit(p);
    p = restarted(state);
    check_receipt(p, &r);
    check_receipt(p, &other_conv);
    check_receipt(p, &other_user);
}

struct seen_receipts {
    uint64_t delivered[16];
    struct fp_id user[16];
    size_t count;
    size_t stop_after;
};

static bool see_receipt(void *arg, const struct store_receipt *r)
{
    struct seen_receipts *s = arg;

    s->user[s->count] = r->user;
    s->delivered[s->count++] = r->delivered;
    return s->count != s->stop_after;
}

static void add_member(struct store_port p, uint64_t cid, uint64_t number, bool active)
{
    const struct store_member m = {.cid = cid, .scope = store_script_id("s", 1), .user = store_script_id("u", number), .active = active};

    assert_int_equal(p.save_member(p.ctx, &m), FP_OK);
}

static void add_receipt(struct store_port p, uint64_t cid, uint64_t number)
{
    const struct store_receipt r = {.cid = cid, .user = store_script_id("u", number), .delivered = number};

    assert_int_equal(p.save_receipt(p.ctx, &r), FP_OK);
}

static void receipts_are_listed_of_active_members_in_their_order(void **state)
{
    struct store_port p = port_of(state);
    static const uint64_t in_order[] = {3, 9, 10, 25, 100}; /* shorter ids first */
    static const uint64_t saved[] = {100, 9, 25, 7, 3, 10, 8};
    struct seen_receipts seen = {0};
    struct seen_receipts some = {.stop_after = 2};

    begin(p);
    uint64_t cid = add_conv(p, 1, 1);
    uint64_t other = add_conv(p, 2, 1);
    for (size_t i = 0; i < sizeof saved / sizeof saved[0]; i++) {
        add_receipt(p, cid, saved[i]);
        if (saved[i] != 8) { /* 8 was never a member, 7 has left */
            add_member(p, cid, saved[i], saved[i] != 7);
        }
    }
    add_member(p, cid, 5, true); /* no row */
    add_member(p, other, 11, true);
    add_receipt(p, other, 11);
    commit(p);
    p = restarted(state);
    assert_int_equal(p.each_receipt(p.ctx, cid, see_receipt, &seen), FP_OK);
    assert_int_equal(seen.count, sizeof in_order / sizeof in_order[0]);
    for (size_t i = 0; i < seen.count; i++) {
        struct fp_id user = store_script_id("u", in_order[i]);
        assert_true(fp_id_eq(&seen.user[i], &user));
        assert_int_equal(seen.delivered[i], in_order[i]);
    }
    assert_int_equal(p.each_receipt(p.ctx, cid, see_receipt, &some), FP_OK);
    assert_int_equal(some.count, 2);
    some.count = 0;
    assert_int_equal(p.each_receipt(p.ctx, 99, see_receipt, &some), FP_OK);
    assert_int_equal(p.each_receipt(p.ctx, UINT64_MAX, see_receipt, &some), FP_OK);
    assert_int_equal(some.count, 0);
}

static struct store_advance advance_of(uint64_t cid, uint64_t seq, uint64_t at)
{
    return (struct store_advance){.cid = cid, .user = store_script_id("u", 1), .kind = STORE_ADVANCE_READ, .seq = seq, .at = {at}};
}

static void add(struct store_port p, struct store_advance a)
{
    assert_int_equal(p.add_advance(p.ctx, &a), FP_OK);
}

/* When the series of `a` first reached a.seq; 0: never. */
static uint64_t reached(struct store_port p, struct store_advance a)
{
    struct fp_wall at = {0};
    bool found = true;

    assert_int_equal(p.find_advance(p.ctx, a.cid, &a.user, a.kind, a.seq, &at, &found), FP_OK);
    assert_true(!found || at.ms > 0);
    return found ? at.ms : 0;
}

static uint64_t reached_seq(struct store_port p, uint64_t cid, uint64_t seq)
{
    return reached(p, advance_of(cid, seq, 0));
}

static void a_horizon_has_first_reached_a_seq_with_the_advance_that_passed_it(void **state)
{
    struct store_port p = port_of(state);

    begin(p);
    uint64_t cid = add_conv(p, 1, 1);
    assert_int_equal(reached_seq(p, cid, 1), 0);
    add(p, advance_of(cid, 3, 1000));
    add(p, advance_of(cid, 7, 2000));
    add(p, advance_of(cid, 8, 2000 + 300 * DAY_MS));
    assert_int_equal(reached_seq(p, cid, 4), 2000); /* the transaction's own */
    commit(p);
    p = restarted(state);
    static const uint64_t want[] = {1000, 1000, 1000, 1000, 2000, 2000, 2000, 2000, 2000 + 300 * DAY_MS, 0};
    for (uint64_t seq = 0; seq < sizeof want / sizeof want[0]; seq++) {
        assert_int_equal(reached_seq(p, cid, seq), want[seq]);
    }
    assert_int_equal(reached_seq(p, cid, UINT64_MAX), 0);
    assert_int_equal(reached_seq(p, 99, 1), 0);
    assert_int_equal(reached_seq(p, UINT64_MAX, 1), 0);
}

static void each_user_kind_and_conversation_has_advances_of_its_own(void **state)
{
    struct store_port p = port_of(state);
    struct store_advance mine = {.user = store_script_id("u", 1), .kind = STORE_ADVANCE_DELIVERED, .seq = 50, .at = {1}};

    begin(p);
    mine.cid = add_conv(p, 1, 1);
    struct store_advance other_kind = {.cid = mine.cid, .user = mine.user, .kind = STORE_ADVANCE_READ, .seq = 20, .at = {2}};
    struct store_advance other_user = {.cid = mine.cid, .user = store_script_id("u", 2), .kind = mine.kind, .seq = 30, .at = {3}};
    struct store_advance other_conv = {.cid = add_conv(p, 2, 1), .user = mine.user, .kind = mine.kind, .seq = 40, .at = {4}};
    add(p, mine);
    add(p, other_kind); /* lower than what stands beside them */
    add(p, other_user);
    add(p, other_conv);
    commit(p);
    const struct store_advance all[] = {mine, other_kind, other_user, other_conv};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        struct store_advance above = all[i];
        above.seq++;
        assert_int_equal(reached(p, all[i]), all[i].at.ms);
        assert_int_equal(reached(p, above), 0);
    }
}

static void an_advance_that_does_not_ascend_is_refused_with_all_before_it(void **state)
{
    struct store_port p = port_of(state);
    static const uint64_t bad[] = {5, 4, 1, 0};

    begin(p);
    uint64_t cid = add_conv(p, 1, 1);
    add(p, advance_of(cid, 2, 1000));
    add(p, advance_of(cid, 5, 2000));
    commit(p);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const struct store_advance a = advance_of(cid, bad[i], 3000);
        begin(p);
        (void)add_conv(p, 2, 1);
        assert_int_equal(p.add_advance(p.ctx, &a), FP_ECORRUPT);
        assert_int_equal(p.commit(p.ctx), FP_ECORRUPT);
        assert_false(has_conv(p, 2)); /* T2 */
    }
    assert_int_equal(reached_seq(p, cid, 3), 2000);
    begin(p);
    add(p, advance_of(cid, 6, 3000));
    commit(p);
    assert_int_equal(reached_seq(p, cid, 6), 3000);
}

#define MANY 500

struct many {
    uint64_t seq[MANY];
    uint64_t at[MANY];
};

/* Small steps and huge ones. */
static struct many many_of(void)
{
    struct many m;
    uint64_t r = 5;
    uint64_t seq = 0;
    uint64_t at = 1000;

    for (size_t i = 0; i < MANY; i++) {
        uint64_t kind = store_script_random(&r) % 8;
        seq += 1 + store_script_random(&r) % (kind == 0 ? 1U << 24 : 5);
        at += kind == 1 ? 400 * DAY_MS : 1 + store_script_random(&r) % 5000;
        m.seq[i] = seq;
        m.at[i] = at;
    }
    return m;
}

/* At each advance, in front of it and behind it; those up to `from` may be gone. */
static void check_many(struct store_port p, uint64_t cid, const struct many *m, size_t count, uint64_t from)
{
    for (size_t i = 0; i < count; i++) {
        if (m->seq[i] > from) {
            uint64_t lowest = i > 0 ? m->seq[i - 1] + 1 : 1;
            assert_int_equal(reached_seq(p, cid, m->seq[i]), m->at[i]);
            assert_int_equal(reached_seq(p, cid, lowest > from ? lowest : from + 1), m->at[i]);
        }
    }
    assert_int_equal(reached_seq(p, cid, m->seq[count - 1] + 1), 0);
}

static void add_many(struct store_port p, uint64_t cid, const struct many *m, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        add(p, advance_of(cid, m->seq[i], m->at[i]));
    }
}

static void many_advances_are_each_found_exactly(void **state)
{
    struct store_port p = port_of(state);
    const struct many m = many_of();

    begin(p);
    uint64_t cid = add_conv(p, 1, 1);
    commit(p);
    for (size_t i = 0; i < MANY; i += 50) {
        begin(p);
        add_many(p, cid, &m, i, i + 37);
        commit(p);
        begin(p);
        add_many(p, cid, &m, i + 37, i + 49);
        check_many(p, cid, &m, i + 49, 0);
        p.rollback(p.ctx);
        check_many(p, cid, &m, i + 37, 0);
        begin(p);
        add_many(p, cid, &m, i + 37, i + 50);
        commit(p);
    }
    check_many(p, cid, &m, MANY, 0);
    p = restarted(state);
    check_many(p, cid, &m, MANY, 0);
}

/* Until nothing more is to be done, each step in a transaction of its own. */
static void trim_all(struct store_port p, uint64_t cid, uint64_t upto, size_t limit)
{
    bool more = true;

    for (size_t steps = 0; more; steps++) {
        assert_true(steps < 2000);
        begin(p);
        assert_int_equal(p.trim_advances(p.ctx, cid, upto, limit, &more), FP_OK);
        commit(p);
    }
}

static void trimming_leaves_exact_what_tells_of_later_events(void **state)
{
    struct store_port p = port_of(state);
    const struct many m = many_of();
    struct store_advance last_of_two = {.user = store_script_id("u", 2), .kind = STORE_ADVANCE_DELIVERED, .seq = 4, .at = {77}};

    begin(p);
    uint64_t cid = add_conv(p, 1, 1);
    uint64_t other = add_conv(p, 2, 1);
    add_many(p, cid, &m, 0, MANY);
    add_many(p, other, &m, 0, MANY);
    last_of_two.cid = cid;
    add(p, last_of_two);
    commit(p);
    trim_all(p, cid, 0, 3);
    check_many(p, cid, &m, MANY, 0);
    trim_all(p, cid, m.seq[200] - 1, 3); /* the one that reached the next event is the first to stay */
    check_many(p, cid, &m, MANY, m.seq[200] - 1);
    trim_all(p, cid, m.seq[200], 3);
    check_many(p, cid, &m, MANY, m.seq[200]);
    assert_int_equal(reached(p, last_of_two), 0);
    p = restarted(state);
    check_many(p, cid, &m, MANY, m.seq[200]);
    check_many(p, other, &m, MANY, 0);

    trim_all(p, cid, m.seq[MANY - 1], SIZE_MAX); /* all of it */
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(reached_seq(p, cid, m.seq[i]), 0);
    }
    check_many(p, other, &m, MANY, 0);
    begin(p);
    add(p, advance_of(cid, m.seq[MANY - 1] + 2, 5000)); /* and on it goes */
    commit(p);
    assert_int_equal(reached_seq(p, cid, m.seq[MANY - 1] + 1), 5000);
    trim_all(p, 99, 5, 5); /* nothing to do */
}

static void a_trim_can_be_taken_back_in_the_middle(void **state)
{
    struct store_port p = port_of(state);
    const struct many m = many_of();
    bool more = false;

    begin(p);
    uint64_t cid = add_conv(p, 1, 1);
    add_many(p, cid, &m, 0, MANY);
    commit(p);
    begin(p);
    assert_int_equal(p.trim_advances(p.ctx, cid, m.seq[400], 2, &more), FP_OK);
    assert_true(more); /* hundreds of advances are more than two rows */
    p.rollback(p.ctx);
    check_many(p, cid, &m, MANY, 0);
    trim_all(p, cid, m.seq[MANY - 1], 2);
    assert_int_equal(reached_seq(p, cid, 1), 0); /* the first ones too, which the trim before had passed */
}

static void a_rollback_takes_receipts_and_advances_back(void **state)
{
    struct store_port p = port_of(state);

    begin(p);
    struct store_receipt r = {.cid = add_conv(p, 1, 1), .user = store_script_id("u", 1), .delivered = 4, .read = 3};
    assert_int_equal(p.save_receipt(p.ctx, &r), FP_OK);
    add(p, advance_of(r.cid, 3, 1000));
    commit(p);
    begin(p);
    struct store_receipt changed = {.cid = r.cid, .user = r.user, .delivered = 9, .read = 9, .shown_read = 9};
    struct store_receipt fresh = {.cid = r.cid, .user = store_script_id("u", 2), .delivered = 9};
    assert_int_equal(p.save_receipt(p.ctx, &changed), FP_OK);
    assert_int_equal(p.save_receipt(p.ctx, &changed), FP_OK);
    assert_int_equal(p.save_receipt(p.ctx, &fresh), FP_OK);
    add(p, advance_of(r.cid, 9, 2000));
    p.rollback(p.ctx);
    check_receipt(p, &r);
    check_receipt(p, &(struct store_receipt){.cid = r.cid, .user = fresh.user});
    assert_int_equal(reached_seq(p, r.cid, 3), 1000);
    assert_int_equal(reached_seq(p, r.cid, 4), 0);
    begin(p);
    add(p, advance_of(r.cid, 4, 3000)); /* what was taken back is in nobody's way */
    commit(p);
    assert_int_equal(reached_seq(p, r.cid, 4), 3000);
}

static void receipts_and_advances_need_a_transaction_and_their_conversation(void **state)
{
    struct store_port p = port_of(state);
    static const uint64_t nobody[] = {0, 99, UINT64_MAX};
    bool more = true;

    begin(p);
    uint64_t cid = add_conv(p, 1, 1);
    commit(p);
    const struct store_receipt r = {.cid = cid, .user = store_script_id("u", 1), .delivered = 1};
    const struct store_advance a = advance_of(cid, 1, 1000);
    assert_int_equal(p.save_receipt(p.ctx, &r), FP_ECORRUPT);
    assert_int_equal(p.add_advance(p.ctx, &a), FP_ECORRUPT);
    assert_int_equal(p.trim_advances(p.ctx, cid, 1, 1, &more), FP_ECORRUPT);
    for (size_t i = 0; i < sizeof nobody / sizeof nobody[0]; i++) {
        const struct store_receipt lost = {.cid = nobody[i], .user = r.user, .delivered = 1};
        const struct store_advance gone = advance_of(nobody[i], 1, 1000);
        begin(p);
        (void)add_conv(p, 2, 1);
        assert_int_equal(p.save_receipt(p.ctx, &lost), FP_ECORRUPT);
        begin(p); /* the one before is gone: T2 */
        assert_int_equal(p.add_advance(p.ctx, &gone), FP_ECORRUPT);
    }
    assert_false(has_conv(p, 2));
    check_receipt(p, &(struct store_receipt){.cid = cid, .user = r.user});
    assert_int_equal(reached(p, a), 0);
}

const struct CMUnitTest store_cases_receipts[] = {
    cmocka_unit_test(a_receipt_without_a_row_is_zero),
    cmocka_unit_test(a_receipt_is_inserted_and_replaced),
    cmocka_unit_test(receipts_are_listed_of_active_members_in_their_order),
    cmocka_unit_test(a_horizon_has_first_reached_a_seq_with_the_advance_that_passed_it),
    cmocka_unit_test(each_user_kind_and_conversation_has_advances_of_its_own),
    cmocka_unit_test(an_advance_that_does_not_ascend_is_refused_with_all_before_it),
    cmocka_unit_test(many_advances_are_each_found_exactly),
    cmocka_unit_test(trimming_leaves_exact_what_tells_of_later_events),
    cmocka_unit_test(a_trim_can_be_taken_back_in_the_middle),
    cmocka_unit_test(a_rollback_takes_receipts_and_advances_back),
    cmocka_unit_test(receipts_and_advances_need_a_transaction_and_their_conversation),
    {.name = NULL},
};
