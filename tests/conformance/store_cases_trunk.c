/* What the trunk keeps: records of the log up, peers, what relays hold. */
#include "tests/conformance/store_cases.h"

static enum fp_err add_text(struct store_port p, uint8_t lane, const char *text, uint64_t *out_number)
{
    struct store_record r = {.lane = lane, .number = 99, .at = {1000}, .boot = 3, .mono_ms = 77, .record = bytes_of(text)};
    enum fp_err err = p.add_record(p.ctx, &r);

    *out_number = r.number;
    return err;
}

/* Numbers first..last of the lane, each with a text of its own. */
static void add_records(struct store_port p, uint8_t lane, uint64_t first, uint64_t last)
{
    for (uint64_t n = first; n <= last; n++) {
        struct fp_id text = store_script_id("r", n);
        struct store_record r = {.lane = lane, .at = {n * 10}, .boot = n, .mono_ms = UINT64_MAX - n, .record = fp_bytes_of(text.text, text.len)};
        assert_int_equal(p.add_record(p.ctx, &r), FP_OK);
        assert_int_equal(r.number, n);
    }
}

struct want_records {
    uint8_t lane;
    uint64_t next;
    size_t stop_after;
    size_t seen;
};

static bool check_record(void *arg, const struct store_record *r)
{
    struct want_records *w = arg;
    struct fp_id text = store_script_id("r", r->number);

    assert_int_equal(r->lane, w->lane);
    assert_int_equal(r->number, w->next++);
    assert_int_equal(r->at.ms, r->number * 10);
    assert_int_equal(r->boot, r->number);
    assert_true(r->mono_ms == UINT64_MAX - r->number);
    assert_true(fp_bytes_eq(r->record, fp_bytes_of(text.text, text.len)));
    return ++w->seen != w->stop_after;
}

/* Exactly the records first..last come, when asked for `limit` of them. */
static void check_records(struct store_port p, uint8_t lane, uint64_t from, size_t limit, uint64_t first, uint64_t last)
{
    struct want_records w = {.lane = lane, .next = first};

    assert_int_equal(p.each_record(p.ctx, lane, from, limit, check_record, &w), FP_OK);
    assert_int_equal(w.next, last + 1);
}

static void check_lane(struct store_port p, uint8_t lane, uint64_t oldest, uint64_t next)
{
    uint64_t got_oldest = 99;
    uint64_t got_next = 99;

    assert_int_equal(p.lane_range(p.ctx, lane, &got_oldest, &got_next), FP_OK);
    assert_int_equal(got_oldest, oldest);
    assert_int_equal(got_next, next);
}

static void drop(struct store_port p, uint8_t lane, uint64_t upto, size_t limit, bool more)
{
    bool got = !more;

    assert_int_equal(p.drop_records(p.ctx, lane, upto, limit, &got), FP_OK);
    assert_int_equal(got, more);
}

static void records_are_numbered_in_each_lane(void **state)
{
    struct store_port p = port_of(state);

    for (uint8_t lane = 0; lane < 4; lane++) {
        check_lane(p, lane, 1, 1);
        check_records(p, lane, 0, 100, 1, 0);
    }
    begin(p);
    add_records(p, 0, 1, 3);
    add_records(p, 3, 1, 5);
    add_records(p, 0, 4, 4);
    check_lane(p, 0, 1, 5); /* the transaction's own */
    commit(p);
    p = restarted(state);
    check_lane(p, 0, 1, 5);
    check_lane(p, 1, 1, 1);
    check_lane(p, 3, 1, 6);
    check_records(p, 0, 0, 100, 1, 4);
    check_records(p, 0, 3, 100, 3, 4);
    check_records(p, 0, 2, 2, 2, 3);
    check_records(p, 0, 1, 0, 1, 0);
    check_records(p, 0, 5, 9, 1, 0);
    check_records(p, 0, UINT64_MAX, 9, 1, 0);
    check_records(p, 1, 0, 9, 1, 0);
    check_records(p, 3, 0, SIZE_MAX, 1, 5);
    struct want_records w = {.lane = 3, .next = 1, .stop_after = 2};
    assert_int_equal(p.each_record(p.ctx, 3, 0, 100, check_record, &w), FP_OK);
    assert_int_equal(w.seen, 2);
}

static void a_record_needs_a_transaction_and_a_lane(void **state)
{
    struct store_port p = port_of(state);
    uint64_t number = 0;
    bool more = true;

    assert_int_equal(add_text(p, 0, "x", &number), FP_ECORRUPT);
    assert_int_equal(p.drop_records(p.ctx, 0, 9, 9, &more), FP_ECORRUPT);
    begin(p);
    assert_int_equal(add_text(p, 1, "x", &number), FP_OK);
    assert_int_equal(add_text(p, 4, "x", &number), FP_ECORRUPT);
    assert_int_equal(p.commit(p.ctx), FP_ECORRUPT);
    check_lane(p, 1, 1, 1); /* T2 */
    check_lane(p, 4, 1, 1);
    check_records(p, 4, 0, 9, 1, 0);
    begin(p);
    assert_int_equal(add_text(p, 1, "", &number), FP_OK); /* as it is, whatever its length */
    assert_int_equal(number, 1);
    p.rollback(p.ctx);
    check_lane(p, 1, 1, 1);
    begin(p);
    add_records(p, 1, 1, 2);
    p = restarted(state);
    check_lane(p, 1, 1, 1);
}

static void records_are_dropped_from_the_beginning_in_steps(void **state)
{
    struct store_port p = port_of(state);

    begin(p);
    add_records(p, 1, 1, 10);
    add_records(p, 2, 1, 3);
    commit(p);
    begin(p);
    drop(p, 1, 0, 9, false);
    drop(p, 1, 7, 0, true);
    drop(p, 1, 7, 3, true);
    check_lane(p, 1, 4, 11);
    p.rollback(p.ctx);
    check_lane(p, 1, 1, 11);
    check_records(p, 1, 0, 100, 1, 10);
    begin(p);
    drop(p, 1, 7, 3, true);
    drop(p, 1, 7, 4, false);
    drop(p, 1, 7, 4, false);
    drop(p, 1, 3, 4, false);
    drop(p, 0, UINT64_MAX, SIZE_MAX, false);
    drop(p, 4, UINT64_MAX, SIZE_MAX, false);
    commit(p);
    p = restarted(state);
    check_lane(p, 1, 8, 11);
    check_records(p, 1, 0, 100, 8, 10);
    check_records(p, 2, 0, 100, 1, 3);
}

static void a_number_is_never_used_again(void **state)
{
    struct store_port p = port_of(state);

    begin(p);
    add_records(p, 0, 1, 5);
    add_records(p, 1, 1, 1);
    drop(p, 1, 1, 1, false); /* in the transaction in which it came */
    commit(p);
    begin(p);
    drop(p, 0, UINT64_MAX, SIZE_MAX, false);
    check_lane(p, 0, 6, 6);
    commit(p);
    p = restarted(state);
    check_lane(p, 0, 6, 6);
    check_lane(p, 1, 2, 2);
    begin(p);
    add_records(p, 0, 6, 7);
    p.rollback(p.ctx);
    check_lane(p, 0, 6, 6);
    begin(p);
    add_records(p, 0, 6, 7); /* those of before were never on disk */
    drop(p, 0, 6, 1, false);
    commit(p);
    begin(p);
    drop(p, 0, 7, 9, false);
    p = restarted(state);
    check_lane(p, 0, 7, 8);
    begin(p);
    drop(p, 0, 7, 9, false);
    add_records(p, 0, 8, 8);
    commit(p);
    check_lane(p, 0, 8, 9);
    check_records(p, 0, 0, 9, 8, 8);
}

static void check_peer(struct store_port p, const struct store_peer *want)
{
    struct store_peer got = {0};
    bool found = false;

    assert_int_equal(p.load_peer(p.ctx, &want->relay, &got, &found), FP_OK);
    assert_true(found);
    assert_true(fp_id_eq(&got.relay, &want->relay));
    assert_true(got.epoch == want->epoch);
    assert_memory_equal(got.have, want->have, sizeof got.have);
    assert_memory_equal(got.acked, want->acked, sizeof got.acked);
}

static void a_peer_is_inserted_and_replaced(void **state)
{
    struct store_port p = port_of(state);
    struct store_peer peer = {.relay = store_script_id("relay", 1), .epoch = UINT64_MAX, .have = {1, 2, UINT64_MAX, 4}, .acked = {0, 256, 7, 1}};
    struct store_peer other = {.relay = store_script_id("relay", 2), .epoch = 1};
    struct store_peer got = {0};
    bool found = true;

    assert_int_equal(p.save_peer(p.ctx, &peer), FP_ECORRUPT);
    assert_int_equal(p.load_peer(p.ctx, &peer.relay, &got, &found), FP_OK);
    assert_false(found);
    begin(p);
    assert_int_equal(p.save_peer(p.ctx, &peer), FP_OK);
    assert_int_equal(p.save_peer(p.ctx, &other), FP_OK);
    check_peer(p, &peer);
    commit(p);
    p = restarted(state);
    check_peer(p, &peer);
    const struct store_peer next = {.relay = peer.relay, .epoch = 5, .have = {9, 9, 9, 9}};
    begin(p);
    assert_int_equal(p.save_peer(p.ctx, &next), FP_OK);
    check_peer(p, &next);
    p.rollback(p.ctx);
    check_peer(p, &peer);
    begin(p);
    assert_int_equal(p.save_peer(p.ctx, &next), FP_OK);
    commit(p);
    p = restarted(state);
    check_peer(p, &next);
    check_peer(p, &other);
}

static void check_held(struct store_port p, uint64_t relay, uint64_t cid, uint64_t seq)
{
    const struct fp_id id = store_script_id("relay", relay);
    struct store_held got = {.seq = 99};

    assert_int_equal(p.load_held(p.ctx, &id, cid, &got), FP_OK);
    assert_true(fp_id_eq(&got.relay, &id));
    assert_true(got.cid == cid);
    assert_int_equal(got.seq, seq);
    assert_int_equal(got.receipts, seq * 3);
    assert_int_equal(got.about, seq / 2);
}

static enum fp_err hold(struct store_port p, uint64_t relay, uint64_t cid, uint64_t seq)
{
    const struct store_held r = {.relay = store_script_id("relay", relay), .cid = cid, .seq = seq, .receipts = seq * 3, .about = seq / 2};

    return p.save_held(p.ctx, &r);
}

static void what_a_relay_holds_is_kept_and_forgotten(void **state)
{
    struct store_port p = port_of(state);
    const struct fp_id one = store_script_id("relay", 1);

    check_held(p, 1, 1, 0);
    assert_int_equal(p.forget_held(p.ctx, &one), FP_ECORRUPT);
    begin(p);
    uint64_t cid = add_conv(p, 1, 1);
    uint64_t other = add_conv(p, 2, 1);
    assert_int_equal(hold(p, 1, cid, 4), FP_OK);
    assert_int_equal(hold(p, 1, other, 6), FP_OK);
    assert_int_equal(hold(p, 10, cid, 8), FP_OK);
    assert_int_equal(hold(p, 1, cid, 10), FP_OK);
    commit(p);
    p = restarted(state);
    check_held(p, 1, cid, 10);
    check_held(p, 1, other, 6);
    check_held(p, 10, cid, 8);
    check_held(p, 10, other, 0);
    check_held(p, 1, UINT64_MAX, 0);
    begin(p);
    assert_int_equal(p.forget_held(p.ctx, &one), FP_OK);
    check_held(p, 1, cid, 0);
    p.rollback(p.ctx);
    check_held(p, 1, cid, 10);
    begin(p);
    assert_int_equal(p.forget_held(p.ctx, &one), FP_OK);
    assert_int_equal(hold(p, 1, other, 2), FP_OK);
    commit(p);
    p = restarted(state);
    check_held(p, 1, cid, 0);
    check_held(p, 1, other, 2);
    check_held(p, 10, cid, 8);
    begin(p);
    assert_int_equal(hold(p, 1, other + 1, 2), FP_ECORRUPT); /* no such conversation */
    assert_int_equal(hold(p, 1, other, 4), FP_ECORRUPT);     /* nor a transaction any more */
}

static void a_new_epoch_needs_a_transaction_and_leaves_the_numbers(void **state)
{
    struct store_port p = port_of(state);

    assert_int_equal(p.new_epoch(p.ctx, 5), FP_ECORRUPT);
    begin(p);
    add_records(p, 0, 1, 3);
    commit(p);
    begin(p);
    assert_int_equal(p.new_epoch(p.ctx, 0), FP_ECORRUPT);
    begin(p);
    assert_int_equal(p.new_epoch(p.ctx, 5), FP_OK);
    commit(p);
    p = restarted(state);
    check_lane(p, 0, 1, 4);
}

const struct CMUnitTest store_cases_trunk[] = {
    cmocka_unit_test(records_are_numbered_in_each_lane),
    cmocka_unit_test(a_record_needs_a_transaction_and_a_lane),
    cmocka_unit_test(records_are_dropped_from_the_beginning_in_steps),
    cmocka_unit_test(a_number_is_never_used_again),
    cmocka_unit_test(a_peer_is_inserted_and_replaced),
    cmocka_unit_test(what_a_relay_holds_is_kept_and_forgotten),
    cmocka_unit_test(a_new_epoch_needs_a_transaction_and_leaves_the_numbers),
    {.name = NULL},
};
