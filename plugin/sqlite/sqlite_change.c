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
    struct query q = store_query(s, SQL_RUN_REWRITE);
    query_u64(&q, store_key(cid, first));
    query_bytes(&q, events);
    int rc = query_run(&q);
    if (rc != SQLITE_OK) {
        return store_refuse(s, rc);
    }
    return sqlite3_changes(s->db) == 1 ? FP_OK : store_refuse_with(s, FP_ECORRUPT, "no such run");
}

/* The last of the first `limit` runs that may go; 0: none. The run of the head stays: head, count and chain come from it. */
static int last_to_drop(struct sqlite_store *s, uint64_t cid, uint64_t upto, uint64_t limit, uint64_t *out_key, uint64_t *out_last)
{
    uint64_t head = 0;
    int rc = store_last(s, SQL_HEAD, cid, &head);

    *out_key = *out_last = 0;
    if (rc != SQLITE_OK) {
        return rc;
    }
    struct query q = store_query(s, SQL_RUNS_FIRST);
    query_u64(&q, store_key(cid, 0));
    query_u64(&q, store_key(cid, upto)); /* what begins later ends later */
    query_u64(&q, limit);
    while ((rc = query_step(&q)) == SQLITE_ROW) {
        uint64_t last = column_u64(q.stmt, 1);
        if (last > upto || last >= head) {
            break;
        }
        *out_key = column_u64(q.stmt, 0);
        *out_last = last;
    }
    query_end(&q);
    return rc == SQLITE_DONE || rc == SQLITE_ROW ? SQLITE_OK : rc;
}

static enum fp_err drop_runs(void *ctx, uint64_t cid, uint64_t upto, size_t limit, uint64_t *out_last)
{
    struct sqlite_store *s = ctx;
    uint64_t rows = limit;
    uint64_t key = 0;
    uint64_t last = 0;

    store_enter(s);
    *out_last = 0;
    enum fp_err err = store_need_tx(s);
    if (err) {
        return err;
    }
    if (!store_key_fits(cid, 0)) {
        return FP_OK; /* a number that nobody has */
    }
    int rc = last_to_drop(s, cid, upto, rows < INT64_MAX ? rows : INT64_MAX, &key, &last);
    if (rc != SQLITE_OK) {
        return store_refuse(s, rc);
    }
    if (key == 0) {
        return FP_OK;
    }
    err = store_scrub_due(s);
    if (err) {
        return err;
    }
    struct query q = store_query(s, SQL_RUNS_DROP);
    query_u64(&q, store_key(cid, 0));
    query_u64(&q, key);
    rc = query_run(&q);
    if (rc != SQLITE_OK) {
        return store_refuse(s, rc);
    }
    *out_last = last;
    return FP_OK;
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
