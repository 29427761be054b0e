/* Records of the log up, the other ends of trunks, and what relays hold. */
#include "fp/trunk.h"
#include "plugin/sqlite/sqlite_impl.h"
#include "plugin/sqlite/sqlite_schema.h"

#define NUMBERS_BYTES (8 * FP_LANES)

_Static_assert(FP_LANES <= 8, "a record's key is positive");
_Static_assert(sizeof((struct store_peer){0}.have) == FP_LANES * sizeof(uint64_t), "a number for each lane");

static uint64_t record_key(uint8_t lane, uint64_t number)
{
    return (uint64_t)lane << SQLITE_LANE_BITS | (number < SQLITE_LANE_NUMBER_MAX ? number : SQLITE_LANE_NUMBER_MAX);
}

/* The oldest or newest number of the lane; 0 if it is empty. */
static int end_of_lane(struct sqlite_store *s, enum sql which, uint8_t lane, uint64_t *out_number)
{
    struct query q = store_query(s, which);

    query_u64(&q, record_key(lane, 0));
    query_u64(&q, record_key(lane, SQLITE_LANE_NUMBER_MAX));
    int rc = store_number(&q, out_number);
    *out_number &= SQLITE_LANE_NUMBER_MAX;
    return rc;
}

static int next_number(struct sqlite_store *s, uint8_t lane, uint64_t *out_next)
{
    uint64_t last = 0;
    int rc = end_of_lane(s, SQL_RECORD_NEWEST, lane, &last);

    if (rc == SQLITE_OK && last == 0) {
        struct query q = store_query(s, SQL_LANE);
        query_u64(&q, lane);
        rc = store_number(&q, &last);
    }
    *out_next = last + 1;
    return rc;
}

static int find_range(struct sqlite_store *s, uint8_t lane, uint64_t *out_oldest, uint64_t *out_next)
{
    int rc = next_number(s, lane, out_next);

    if (rc == SQLITE_OK) {
        rc = end_of_lane(s, SQL_RECORD_OLDEST, lane, out_oldest);
    }
    *out_oldest = *out_oldest ? *out_oldest : *out_next;
    return rc;
}

static enum fp_err add_record(void *ctx, struct store_record *r)
{
    struct sqlite_store *s = ctx;
    uint64_t number = 0;

    store_enter(s);
    enum fp_err err = store_need_tx(s);
    if (err) {
        return err;
    }
    if (r->lane >= FP_LANES) {
        return store_refuse_with(s, FP_ECORRUPT, "no such lane");
    }
    int rc = next_number(s, r->lane, &number);
    if (rc != SQLITE_OK) {
        return store_refuse(s, rc);
    }
    if (number >= SQLITE_LANE_NUMBER_MAX) {
        return store_refuse_with(s, FP_EFULL, "all numbers of this lane are used up");
    }
    struct query q = store_query(s, SQL_RECORD_ADD);
    query_u64(&q, record_key(r->lane, number));
    query_u64(&q, r->at.ms);
    query_u64(&q, r->boot);
    query_u64(&q, r->mono_ms);
    query_bytes(&q, r->record);
    rc = query_run(&q);
    if (rc != SQLITE_OK) {
        return store_refuse(s, rc);
    }
    r->number = number;
    return FP_OK;
}

static struct store_record column_record(sqlite3_stmt *stmt)
{
    uint64_t key = column_u64(stmt, 0);

    return (struct store_record){
        .lane = (uint8_t)(key >> SQLITE_LANE_BITS),
        .number = key & SQLITE_LANE_NUMBER_MAX,
        .at = {column_u64(stmt, 1)},
        .boot = column_u64(stmt, 2),
        .mono_ms = column_u64(stmt, 3),
        .record = column_bytes(stmt, 4),
    };
}

static enum fp_err each_record(void *ctx, uint8_t lane, uint64_t from, size_t limit, store_record_fn fn, void *arg)
{
    struct sqlite_store *s = ctx;
    uint64_t rows = limit;
    bool go_on = true;
    int rc = SQLITE_OK;

    store_enter(s);
    if (lane >= FP_LANES) {
        return FP_OK; /* it has none */
    }
    struct query q = store_query(s, SQL_RECORDS);
    query_u64(&q, record_key(lane, from));
    query_u64(&q, record_key(lane, SQLITE_LANE_NUMBER_MAX));
    query_u64(&q, rows < INT64_MAX ? rows : INT64_MAX);
    s->in_callback = true;
    while (go_on && (rc = query_step(&q)) == SQLITE_ROW) {
        const struct store_record r = column_record(q.stmt);
        go_on = fn(arg, &r);
    }
    s->in_callback = false;
    return store_loaded(s, &q, rc, true);
}

static enum fp_err lane_range(void *ctx, uint8_t lane, uint64_t *out_oldest, uint64_t *out_next)
{
    struct sqlite_store *s = ctx;

    store_enter(s);
    *out_oldest = *out_next = 1;
    return lane < FP_LANES ? store_note(s, find_range(s, lane, out_oldest, out_next)) : FP_OK;
}

/* Numbers oldest..last go; they are contiguous, so that no row has to be looked at. */
static enum fp_err drop_range(struct sqlite_store *s, uint8_t lane, uint64_t oldest, uint64_t last)
{
    enum fp_err err = store_scrub_later(s);

    if (err) {
        return err;
    }
    struct query q = store_query(s, SQL_RECORDS_DROP);
    query_u64(&q, record_key(lane, oldest));
    query_u64(&q, record_key(lane, last));
    int rc = query_run(&q);
    if (rc == SQLITE_OK) {
        q = store_query(s, SQL_LANE_SAVE);
        query_u64(&q, lane);
        query_u64(&q, last);
        rc = query_run(&q);
    }
    return rc == SQLITE_OK ? FP_OK : store_refuse(s, rc);
}

static enum fp_err drop_records(void *ctx, uint8_t lane, uint64_t upto, size_t limit, bool *out_more)
{
    struct sqlite_store *s = ctx;
    uint64_t oldest = 0;
    uint64_t next = 0;

    store_enter(s);
    *out_more = false;
    enum fp_err err = store_need_tx(s);
    if (err || lane >= FP_LANES) {
        return err;
    }
    int rc = find_range(s, lane, &oldest, &next);
    if (rc != SQLITE_OK) {
        return store_refuse(s, rc);
    }
    uint64_t end = upto < next - 1 ? upto + 1 : next;
    if (end <= oldest) {
        return FP_OK;
    }
    *out_more = end - oldest > limit;
    if (*out_more) {
        end = oldest + limit;
    }
    return end > oldest ? drop_range(s, lane, oldest, end - 1) : FP_OK;
}

static void pack_numbers(const uint64_t numbers[FP_LANES], uint8_t out[NUMBERS_BYTES])
{
    for (size_t i = 0; i < NUMBERS_BYTES; i++) {
        out[i] = (uint8_t)(numbers[i / 8] >> (56 - 8 * (i % 8)));
    }
}

static bool column_numbers(sqlite3_stmt *stmt, int column, uint64_t out[FP_LANES])
{
    struct fp_bytes b = column_bytes(stmt, column);

    memset(out, 0, FP_LANES * sizeof *out);
    for (size_t i = 0; i < NUMBERS_BYTES && b.len == NUMBERS_BYTES; i++) {
        out[i / 8] = out[i / 8] << 8 | b.p[i];
    }
    return b.len == NUMBERS_BYTES;
}

static enum fp_err load_peer(void *ctx, const struct fp_id *relay, struct store_peer *out, bool *out_found)
{
    struct sqlite_store *s = ctx;
    bool readable = true;

    store_enter(s);
    struct query q = store_query(s, SQL_PEER);
    query_id(&q, relay);
    int rc = query_step(&q);
    *out_found = rc == SQLITE_ROW;
    if (*out_found) {
        *out = (struct store_peer){.relay = *relay, .epoch = column_u64(q.stmt, 0)};
        readable = column_numbers(q.stmt, 1, out->have) && column_numbers(q.stmt, 2, out->acked);
    }
    return store_loaded(s, &q, rc, readable);
}

static enum fp_err save_peer(void *ctx, const struct store_peer *p)
{
    struct sqlite_store *s = ctx;
    uint8_t have[NUMBERS_BYTES];
    uint8_t acked[NUMBERS_BYTES];

    store_enter(s);
    enum fp_err err = store_need_tx(s);
    if (err) {
        return err;
    }
    pack_numbers(p->have, have);
    pack_numbers(p->acked, acked);
    struct query q = store_query(s, SQL_PEER_SAVE);
    query_id(&q, &p->relay);
    query_u64(&q, p->epoch);
    query_bytes(&q, fp_bytes_of(have, sizeof have));
    query_bytes(&q, fp_bytes_of(acked, sizeof acked));
    int rc = query_run(&q);
    return rc == SQLITE_OK ? FP_OK : store_refuse(s, rc);
}

static enum fp_err load_held(void *ctx, const struct fp_id *relay, uint64_t cid, struct store_held *out)
{
    struct sqlite_store *s = ctx;

    store_enter(s);
    *out = (struct store_held){.relay = *relay, .cid = cid};
    struct query q = store_query(s, SQL_HELD);
    query_id(&q, relay);
    query_u64(&q, cid);
    int rc = query_step(&q);
    if (rc == SQLITE_ROW) {
        out->seq = column_u64(q.stmt, 0);
        out->receipts = column_u64(q.stmt, 1);
        out->about = column_u64(q.stmt, 2);
    }
    return store_loaded(s, &q, rc, true);
}

static enum fp_err save_held(void *ctx, const struct store_held *r)
{
    struct sqlite_store *s = ctx;

    store_enter(s);
    enum fp_err err = store_need_tx(s);
    err = err ? err : store_need_row(s, SQL_CONV_EXISTS, r->cid);
    if (err) {
        return err;
    }
    struct query q = store_query(s, SQL_HELD_SAVE);
    query_id(&q, &r->relay);
    query_u64(&q, r->cid);
    query_u64(&q, r->seq);
    query_u64(&q, r->receipts);
    query_u64(&q, r->about);
    int rc = query_run(&q);
    return rc == SQLITE_OK ? FP_OK : store_refuse(s, rc);
}

static enum fp_err forget_held(void *ctx, const struct fp_id *relay)
{
    struct sqlite_store *s = ctx;

    store_enter(s);
    enum fp_err err = store_need_tx(s);
    if (err) {
        return err;
    }
    struct query q = store_query(s, SQL_HELD_FORGET);
    query_id(&q, relay);
    int rc = query_run(&q);
    return rc == SQLITE_OK ? FP_OK : store_refuse(s, rc);
}

static enum fp_err new_epoch(void *ctx, uint64_t epoch)
{
    struct sqlite_store *s = ctx;

    store_enter(s);
    enum fp_err err = store_need_tx(s);
    if (err) {
        return err;
    }
    if (epoch == 0) {
        return store_refuse_with(s, FP_ECORRUPT, "an epoch is not 0");
    }
    struct query q = store_query(s, SQL_EPOCH);
    query_u64(&q, epoch);
    int rc = query_run(&q);
    return rc == SQLITE_OK ? FP_OK : store_refuse(s, rc);
}

void store_trunk_port(struct store_port *p)
{
    p->add_record = add_record;
    p->each_record = each_record;
    p->lane_range = lane_range;
    p->drop_records = drop_records;
    p->load_peer = load_peer;
    p->save_peer = save_peer;
    p->load_held = load_held;
    p->save_held = save_held;
    p->forget_held = forget_held;
    p->new_epoch = new_epoch;
}
