#include "plugin/sqlite/sqlite_impl.h"
#include "plugin/sqlite/sqlite_schema.h"

static bool column_target(sqlite3_stmt *stmt, struct store_target *out)
{
    uint64_t key = column_u64(stmt, 0);
    uint64_t state = column_u64(stmt, 3);

    *out = (struct store_target){
        .cid = key >> SQLITE_KEY_BITS,
        .seq = key & SQLITE_KEY_SEQ_MAX,
        .version = column_u64(stmt, 1),
        .body_at = column_u64(stmt, 2),
        .state = (uint8_t)state,
    };
    return state <= UINT8_MAX;
}

static enum fp_err load_target(void *ctx, uint64_t cid, uint64_t seq, struct store_target *out, bool *out_found)
{
    struct sqlite_store *s = ctx;

    store_enter(s);
    *out_found = false;
    if (!store_key_fits(cid, seq)) {
        return FP_OK; /* a number that nobody has */
    }
    struct query q = store_query(s, SQL_TARGET);
    query_u64(&q, store_key(cid, seq));
    int rc = query_step(&q);
    *out_found = rc == SQLITE_ROW;
    bool readable = rc != SQLITE_ROW || column_target(q.stmt, out);
    return store_loaded(s, &q, rc, readable);
}

/* For a row that hangs on an event of a conversation. */
static enum fp_err need_parent(struct sqlite_store *s, uint64_t cid, uint64_t seq)
{
    enum fp_err err = store_need_tx(s);

    if (err) {
        return err;
    }
    return store_key_fits(cid, seq) ? store_need_row(s, SQL_CONV_EXISTS, cid) : store_refuse_key(s, cid);
}

static enum fp_err save_target(void *ctx, const struct store_target *t)
{
    struct sqlite_store *s = ctx;

    store_enter(s);
    enum fp_err err = need_parent(s, t->cid, t->seq);
    if (err) {
        return err;
    }
    struct query q = store_query(s, SQL_TARGET_SAVE);
    query_u64(&q, store_key(t->cid, t->seq));
    query_u64(&q, t->version);
    query_u64(&q, t->body_at);
    query_u64(&q, t->state);
    int rc = query_run(&q);
    return rc == SQLITE_OK ? FP_OK : store_refuse(s, rc);
}

static enum fp_err each_target(void *ctx, uint64_t cid, uint64_t from, uint64_t to, store_target_fn fn, void *arg)
{
    struct sqlite_store *s = ctx;
    struct store_target t;
    bool go_on = true;
    bool readable = true;
    int rc = SQLITE_OK;

    store_enter(s);
    if (from > to || !store_key_fits(cid, 0)) {
        return FP_OK; /* an empty range, or a number that nobody has */
    }
    struct query q = store_query(s, SQL_TARGETS);
    query_u64(&q, store_key(cid, from));
    query_u64(&q, store_key(cid, to));
    s->in_callback = true;
    while (go_on && (rc = query_step(&q)) == SQLITE_ROW) {
        readable = column_target(q.stmt, &t);
        go_on = readable && fn(arg, &t);
    }
    s->in_callback = false;
    return store_loaded(s, &q, rc, readable);
}

static enum fp_err save_confirm(void *ctx, const struct store_confirm *c)
{
    struct sqlite_store *s = ctx;

    store_enter(s);
    enum fp_err err = need_parent(s, c->cid, c->seq);
    if (err) {
        return err;
    }
    struct query q = store_query(s, SQL_CONFIRM_SAVE);
    query_u64(&q, c->cid);
    query_u64(&q, c->seq);
    query_id(&q, &c->user);
    query_u64(&q, c->at.ms);
    int rc = query_run(&q);
    return rc == SQLITE_OK ? FP_OK : store_refuse(s, rc);
}

static enum fp_err each_confirm(void *ctx, uint64_t cid, uint64_t seq, store_confirm_fn fn, void *arg)
{
    struct sqlite_store *s = ctx;
    bool go_on = true;
    bool readable = true;
    int rc = SQLITE_OK;

    store_enter(s);
    struct query q = store_query(s, SQL_CONFIRMS);
    query_u64(&q, cid);
    query_u64(&q, seq);
    s->in_callback = true;
    while (go_on && (rc = query_step(&q)) == SQLITE_ROW) {
        struct store_confirm c = {.cid = cid, .seq = seq, .at = {column_u64(q.stmt, 1)}};
        readable = column_id(q.stmt, 0, &c.user);
        go_on = readable && fn(arg, &c);
    }
    s->in_callback = false;
    return store_loaded(s, &q, rc, readable);
}

static enum fp_err rewrite_row(struct sqlite_store *s, uint64_t cid, uint64_t first, struct fp_bytes events, bool *out_found)
{
    struct query q = store_query(s, SQL_RUN_REWRITE);

    query_u64(&q, store_key(cid, first));
    query_bytes(&q, events);
    int rc = query_run(&q);
    *out_found = rc == SQLITE_OK && sqlite3_changes(s->db) == 1;
    return rc == SQLITE_OK ? FP_OK : store_refuse(s, rc);
}

/* A file of the archive is never changed: its runs become rows again. */
static enum fp_err rewrite_archived(struct sqlite_store *s, uint64_t cid, uint64_t first, struct fp_bytes events, bool *out_found)
{
    struct segment seg;
    bool archived = false;
    enum fp_err err = archive_find(s, cid, first, first, &seg, &archived);

    if (err) {
        store_rollback(s); /* T2 */
        return err;
    }
    if (!archived) {
        return FP_OK;
    }
    err = archive_bring_back(s, &seg);
    return err ? err : rewrite_row(s, cid, first, events, out_found);
}

static enum fp_err rewrite_run(void *ctx, uint64_t cid, uint64_t first, struct fp_bytes events)
{
    struct sqlite_store *s = ctx;

    store_enter(s);
    enum fp_err err = store_need_tx(s);
    if (err) {
        return err;
    }
    if (!store_key_fits(cid, first)) {
        return store_refuse_with(s, FP_ECORRUPT, "no such run"); /* that the numbers are used up is an append's trouble */
    }
    err = store_scrub_due(s);
    if (err) {
        return err;
    }
    bool found = false;
    err = rewrite_row(s, cid, first, events, &found);
    if (!err && !found) {
        err = rewrite_archived(s, cid, first, events, &found);
    }
    if (err) {
        return err;
    }
    return found ? FP_OK : store_refuse_with(s, FP_ECORRUPT, "no such run");
}

/* The last of the first `limit` runs that may go; 0: none. The run of the head stays: head, count and chain come from it. */
static int last_to_drop(struct sqlite_store *s, uint64_t cid, uint64_t upto, uint64_t *limit, uint64_t *out_key, uint64_t *out_last)
{
    uint64_t head = 0;
    int rc = store_last(s, SQL_HEAD, cid, &head);

    *out_key = 0;
    if (rc != SQLITE_OK) {
        return rc;
    }
    struct query q = store_query(s, SQL_RUNS_FIRST);
    query_u64(&q, store_key(cid, 0));
    query_u64(&q, store_key(cid, upto)); /* what begins later ends later */
    query_u64(&q, *limit < INT64_MAX ? *limit : INT64_MAX);
    while ((rc = query_step(&q)) == SQLITE_ROW) {
        uint64_t last = column_u64(q.stmt, 1);
        if (last > upto || last >= head) {
            break;
        }
        *out_key = column_u64(q.stmt, 0);
        *out_last = last;
        (*limit)--;
    }
    query_end(&q);
    return rc == SQLITE_DONE || rc == SQLITE_ROW ? SQLITE_OK : rc;
}

static enum fp_err drop_rows(struct sqlite_store *s, uint64_t cid, uint64_t upto, uint64_t *limit, uint64_t *out_last)
{
    uint64_t key = 0;
    int rc = last_to_drop(s, cid, upto, limit, &key, out_last);

    if (rc == SQLITE_OK && key != 0) {
        struct query q = store_query(s, SQL_RUNS_DROP);
        query_u64(&q, store_key(cid, 0));
        query_u64(&q, key);
        rc = query_run(&q);
    }
    return rc == SQLITE_OK ? FP_OK : store_refuse(s, rc);
}

/* Is the conversation's oldest run in the segment? */
static enum fp_err is_oldest(struct sqlite_store *s, const struct segment *seg, bool *out)
{
    struct query q = store_query(s, SQL_RUNS_FIRST);
    uint64_t key = 0;

    query_u64(&q, store_key(seg->cid, 0));
    query_u64(&q, store_key(seg->cid, seg->first));
    query_u64(&q, 1);
    int rc = store_number(&q, &key);
    *out = key == 0;
    return rc == SQLITE_OK ? FP_OK : store_refuse(s, rc);
}

/* A segment goes as a whole, or becomes rows again so that a part of it can. Of one that is away only its whole can go. */
static enum fp_err drop_segment(struct sqlite_store *s, const struct segment *seg, uint64_t upto, uint64_t *limit, uint64_t *out_last)
{
    struct fp_bytes runs;
    bool whole = seg->last <= upto && seg->runs <= *limit;
    enum fp_err err = whole ? FP_OK : archive_load(s, seg, &runs);
    bool away = err == FP_EAGAIN;

    if (away && seg->last > upto) {
        *limit = 0;
        return FP_OK;
    }
    if (err && !away) {
        store_rollback(s); /* T2 */
        return err;
    }
    if (!whole && !away) {
        return archive_bring_back(s, seg);
    }
    err = archive_forget(s, seg);
    *out_last = err ? *out_last : seg->last;
    *limit -= away ? 1 : seg->runs;
    return err;
}

/* What comes first: rows, or a segment. */
static enum fp_err drop_oldest(struct sqlite_store *s, uint64_t cid, uint64_t upto, uint64_t *limit, uint64_t *out_last, bool *out_segment)
{
    struct segment seg;
    bool oldest = false;
    enum fp_err err = archive_find(s, cid, 1, upto, &seg, out_segment);

    if (!err && *out_segment) {
        err = is_oldest(s, &seg, &oldest);
    }
    if (err) {
        return err;
    }
    return oldest ? drop_segment(s, &seg, upto, limit, out_last) : drop_rows(s, cid, *out_segment ? seg.first - 1 : upto, limit, out_last);
}

static enum fp_err drop_runs(void *ctx, uint64_t cid, uint64_t upto, size_t limit, uint64_t *out_last)
{
    struct sqlite_store *s = ctx;
    uint64_t left = limit;
    uint64_t before = 0;
    bool segments = true;
    uint64_t last = 0;

    store_enter(s);
    *out_last = 0;
    enum fp_err err = store_need_tx(s);
    if (err || !store_key_fits(cid, 0)) {
        return err; /* or a number that nobody has */
    }
    for (bool rows_again = true; !err && left > 0 && segments && rows_again; before = last) {
        bool brought_back = false;
        uint64_t had = left;
        err = drop_oldest(s, cid, upto, &left, &last, &segments);
        brought_back = left == had && last == before;
        rows_again = !brought_back || rows_again;
    }
    *out_last = last;
    err = err || last == 0 ? err : store_scrub_due(s);
    if (err) {
        store_rollback(s); /* T2 */
    }
    return err;
}

void store_change_port(struct store_port *p)
{
    p->load_target = load_target;
    p->save_target = save_target;
    p->each_target = each_target;
    p->save_confirm = save_confirm;
    p->each_confirm = each_confirm;
    p->rewrite_run = rewrite_run;
    p->drop_runs = drop_runs;
}
