#include "plugin/sqlite/sqlite_impl.h"
#include "plugin/sqlite/sqlite_schema.h"

bool column_chain(sqlite3_stmt *stmt, int column, uint8_t out[32])
{
    struct fp_bytes b = column_bytes(stmt, column);

    memset(out, 0, 32);
    if (b.len == 32) {
        memcpy(out, b.p, 32);
    }
    return b.len == 32 || b.len == 0; /* no run yet, one from before there were chains, or a conversation that never lost one */
}

bool column_conv(sqlite3_stmt *stmt, int column, struct store_conv *out)
{
    *out = (struct store_conv){
        .cid = column_u64(stmt, column),
        .floor = column_u64(stmt, column + 3),
        .about_seq = column_u64(stmt, column + 4),
        .retention_days = column_u64(stmt, column + 5),
        .head = column_u64(stmt, column + 6), /* NULL where there is no run */
        .msgs = column_u64(stmt, column + 7),
        .at = {column_u64(stmt, column + 8)},
    };
    bool readable = column_id(stmt, column + 1, &out->id) && column_id(stmt, column + 2, &out->scope) && column_chain(stmt, column + 9, out->chain) &&
                    column_chain(stmt, column + 10, out->floor_chain);
    if (sqlite3_column_type(stmt, column + 6) == SQLITE_NULL) { /* T3 */
        out->head = out->floor;
        memcpy(out->chain, out->floor_chain, sizeof out->chain);
    }
    return readable;
}

static enum fp_err load_conv(void *ctx, const struct fp_id *id, struct store_conv *out, bool *out_found)
{
    struct sqlite_store *s = ctx;

    store_enter(s);
    struct query q = store_query(s, SQL_CONV);
    query_id(&q, id);
    int rc = query_step(&q);
    *out_found = rc == SQLITE_ROW;
    bool readable = rc != SQLITE_ROW || column_conv(q.stmt, 0, out);
    return store_loaded(s, &q, rc, readable);
}

static enum fp_err insert_conv(struct sqlite_store *s, struct store_conv *c, struct fp_bytes title, struct fp_bytes context)
{
    struct query q = store_query(s, SQL_CONV_INSERT);

    query_id(&q, &c->id);
    query_id(&q, &c->scope);
    query_u64(&q, c->floor);
    query_u64(&q, c->about_seq);
    query_u64(&q, c->retention_days);
    query_bytes(&q, title);
    query_bytes(&q, context);
    query_bytes(&q, fp_bytes_of(c->floor_chain, sizeof c->floor_chain));
    int rc = query_run(&q);
    if (rc != SQLITE_OK) {
        return store_refuse(s, rc);
    }
    uint64_t cid = (uint64_t)sqlite3_last_insert_rowid(s->db);
    if (!store_key_fits(cid, 0)) {
        return store_refuse_with(s, FP_EFULL, "no number is left for one more conversation");
    }
    c->cid = cid;
    return FP_OK;
}

static enum fp_err save_conv(void *ctx, struct store_conv *c, struct fp_bytes title, struct fp_bytes context)
{
    struct sqlite_store *s = ctx;

    store_enter(s);
    enum fp_err err = store_need_tx(s);
    if (err) {
        return err;
    }
    if (c->cid == 0) {
        return insert_conv(s, c, title, context);
    }
    struct query q = store_query(s, SQL_CONV_UPDATE);
    query_u64(&q, c->cid);
    query_u64(&q, c->floor);
    query_u64(&q, c->about_seq);
    query_u64(&q, c->retention_days);
    query_bytes_opt(&q, title);
    query_bytes_opt(&q, context);
    query_bytes(&q, fp_bytes_of(c->floor_chain, sizeof c->floor_chain));
    int rc = query_run(&q);
    if (rc != SQLITE_OK) {
        return store_refuse(s, rc);
    }
    return sqlite3_changes(s->db) == 1 ? FP_OK : store_refuse_with(s, FP_ECORRUPT, "no such conversation");
}

static enum fp_err load_about(void *ctx, uint64_t cid, struct fp_bytes *out_title, struct fp_bytes *out_context)
{
    struct sqlite_store *s = ctx;

    store_enter(s);
    struct query q = store_query(s, SQL_ABOUT);
    query_u64(&q, cid);
    int rc = query_step(&q);
    if (rc != SQLITE_ROW) {
        enum fp_err err = store_loaded(s, &q, rc, true);
        return err ? err : FP_ECORRUPT;
    }
    *out_title = column_bytes(q.stmt, 0);
    *out_context = column_bytes(q.stmt, 1);
    s->lent = q.stmt; /* I2 */
    return FP_OK;
}

static enum fp_err hand_out(struct sqlite_store *s, struct query *q, uint64_t after_cid, size_t limit, store_conv_fn fn, void *arg)
{
    struct store_conv conv;
    bool go_on = true;
    bool readable = true;
    uint64_t rows = limit;
    int rc = SQLITE_OK;

    query_u64(q, after_cid < INT64_MAX ? after_cid : INT64_MAX);
    query_u64(q, rows < INT64_MAX ? rows : INT64_MAX);
    s->in_callback = true;
    while (go_on && (rc = query_step(q)) == SQLITE_ROW) {
        readable = column_conv(q->stmt, 0, &conv);
        go_on = readable && fn(arg, &conv);
    }
    s->in_callback = false;
    return store_loaded(s, q, rc, readable);
}

static enum fp_err each_conv(void *ctx, uint64_t after_cid, size_t limit, store_conv_fn fn, void *arg)
{
    struct sqlite_store *s = ctx;

    store_enter(s);
    struct query q = store_query(s, SQL_CONVS);
    return hand_out(s, &q, after_cid, limit, fn, arg);
}

static enum fp_err each_conv_in(void *ctx, const struct fp_id *scope, uint64_t after_cid, size_t limit, store_conv_fn fn, void *arg)
{
    struct sqlite_store *s = ctx;

    store_enter(s);
    struct query q = store_query(s, SQL_CONVS_IN);
    query_id(&q, scope);
    return hand_out(s, &q, after_cid, limit, fn, arg);
}

enum fp_err store_need_floor(struct sqlite_store *s, uint64_t cid, uint64_t *out_floor)
{
    struct query q = store_query(s, SQL_CONV_FLOOR);

    query_u64(&q, cid);
    int rc = query_step(&q);
    if (rc == SQLITE_ROW) {
        *out_floor = column_u64(q.stmt, 0);
    }
    query_end(&q);
    if (rc == SQLITE_DONE) {
        return store_refuse_with(s, FP_ECORRUPT, "no such conversation");
    }
    return rc == SQLITE_ROW ? FP_OK : store_refuse(s, rc);
}

enum fp_err store_need_head(struct sqlite_store *s, uint64_t cid, uint64_t *out_head)
{
    int rc = store_last(s, SQL_HEAD, cid, out_head);

    if (rc != SQLITE_OK) {
        return store_refuse(s, rc);
    }
    return *out_head == 0 ? store_need_floor(s, cid, out_head) : FP_OK; /* T3 */
}

static enum fp_err append(void *ctx, const struct store_run *run)
{
    struct sqlite_store *s = ctx;
    uint64_t head = 0;

    store_enter(s);
    enum fp_err err = store_need_tx(s);
    if (err) {
        return err;
    }
    if (!store_key_fits(run->cid, run->last)) {
        return store_refuse_key(s, run->cid);
    }
    err = store_need_head(s, run->cid, &head);
    if (err) {
        return err;
    }
    if (run->first != head + 1 || run->last < run->first) { /* T3 */
        return store_refuse_with(s, FP_ECORRUPT, "a run does not follow the head");
    }
    struct query q = store_query(s, SQL_APPEND);
    query_u64(&q, store_key(run->cid, run->first));
    query_u64(&q, run->last);
    query_u64(&q, run->msgs);
    query_u64(&q, run->at.ms);
    query_bytes(&q, run->events);
    query_bytes(&q, fp_bytes_of(run->chain, sizeof run->chain));
    int rc = query_run(&q);
    return rc == SQLITE_OK ? FP_OK : store_refuse(s, rc);
}

bool column_run(sqlite3_stmt *stmt, uint64_t cid, struct store_run *out)
{
    *out = (struct store_run){
        .cid = cid,
        .first = column_u64(stmt, 0) & SQLITE_KEY_SEQ_MAX,
        .last = column_u64(stmt, 1),
        .msgs = column_u64(stmt, 2),
        .at = {column_u64(stmt, 3)},
        .events = column_bytes(stmt, 4),
    };
    return out->first >= 1 && out->first <= out->last && column_chain(stmt, 5, out->chain);
}

/* Those that are rows. */
static enum fp_err each_row(struct sqlite_store *s, uint64_t cid, uint64_t from, uint64_t to, store_run_fn fn, void *arg, bool *out_go_on)
{
    bool go_on = true;
    bool readable = true;
    int rc = SQLITE_OK;

    struct query q = store_query(s, SQL_RUNS);
    query_u64(&q, store_key(cid, 0));
    query_u64(&q, store_key(cid, from));
    query_u64(&q, store_key(cid, to));
    s->in_callback = true;
    while (go_on && (rc = query_step(&q)) == SQLITE_ROW) {
        struct store_run run;
        readable = column_run(q.stmt, cid, &run);
        if (readable && run.last >= from) { /* the first one found may end before: from is above the head, or in a segment */
            go_on = fn(arg, &run);
        }
        go_on = go_on && readable;
    }
    s->in_callback = false;
    *out_go_on = go_on;
    return store_loaded(s, &q, rc, readable);
}

/* Rows and segments take turns: what had to be changed has come back out of the archive. */
static enum fp_err each_run(void *ctx, uint64_t cid, uint64_t from, uint64_t to, store_run_fn fn, void *arg)
{
    struct sqlite_store *s = ctx;
    struct segment seg;
    enum fp_err err = FP_OK;
    bool found = true;
    bool go_on = true;

    store_enter(s);
    if (!store_key_fits(cid, 0)) {
        return FP_OK; /* a number that nobody has */
    }
    while (!err && go_on && found && from <= to) {
        err = archive_find(s, cid, from, to, &seg, &found);
        uint64_t end = found ? seg.first - 1 : to;
        if (!err && from <= end) {
            err = each_row(s, cid, from, end, fn, arg, &go_on);
        }
        if (!err && go_on && found) {
            err = archive_each(s, &seg, from, to, fn, arg, &go_on);
            from = seg.last + 1;
        }
    }
    return err;
}

void store_conv_port(struct store_port *p)
{
    p->load_conv = load_conv;
    p->save_conv = save_conv;
    p->load_about = load_about;
    p->each_conv = each_conv;
    p->each_conv_in = each_conv_in;
    p->append = append;
    p->each_run = each_run;
}
