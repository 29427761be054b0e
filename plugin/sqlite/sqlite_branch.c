/* What a site has in custody, until it is settled and for a while after. */
#include "fp/trunk.h"
#include "plugin/sqlite/sqlite_impl.h"

static bool column_branch(sqlite3_stmt *stmt, struct store_branch *out)
{
    uint64_t lane = column_u64(stmt, 3);

    *out = (struct store_branch){
        .n = column_u64(stmt, 1),
        .cid = column_u64(stmt, 2),
        .lane = (uint8_t)lane,
        .number = column_u64(stmt, 4),
        .settled = column_u64(stmt, 5) == 1,
        .seq = column_u64(stmt, 6),
        .code = column_u64(stmt, 7),
        .at = {column_u64(stmt, 8)},
        .event = column_bytes(stmt, 9),
    };
    return lane < FP_LANES && column_id(stmt, 0, &out->device);
}

/* The branch that is found; its event is lent. */
static enum fp_err lend_branch(struct sqlite_store *s, struct query *q, struct store_branch *out, bool *out_found)
{
    int rc = query_step(q);

    *out_found = rc == SQLITE_ROW;
    if (*out_found && column_branch(q->stmt, out)) {
        s->lent = q->stmt; /* I2 */
        return FP_OK;
    }
    return store_loaded(s, q, rc, !*out_found);
}

static enum fp_err load_branch(void *ctx, const struct fp_id *device, uint64_t n, struct store_branch *out, bool *out_found)
{
    struct sqlite_store *s = ctx;

    store_enter(s);
    struct query q = store_query(s, SQL_BRANCH);
    query_id(&q, device);
    query_u64(&q, n);
    return lend_branch(s, &q, out, out_found);
}

static enum fp_err find_branch(void *ctx, uint8_t lane, uint64_t number, struct store_branch *out, bool *out_found)
{
    struct sqlite_store *s = ctx;

    store_enter(s);
    struct query q = store_query(s, SQL_BRANCH_FIND);
    query_u64(&q, lane);
    query_u64(&q, number);
    return lend_branch(s, &q, out, out_found);
}

static enum fp_err need_parents(struct sqlite_store *s, const struct store_branch *b)
{
    enum fp_err err = store_need_tx(s);

    if (err) {
        return err;
    }
    if (b->lane >= FP_LANES) {
        return store_refuse_with(s, FP_ECORRUPT, "no such lane");
    }
    return b->cid != 0 ? store_need_row(s, SQL_CONV_EXISTS, b->cid) : FP_OK;
}

static enum fp_err save_branch(void *ctx, const struct store_branch *b)
{
    struct sqlite_store *s = ctx;

    store_enter(s);
    enum fp_err err = need_parents(s, b);
    if (!err && b->settled) {
        err = store_scrub_later(s); /* the provisional event goes */
    }
    if (err) {
        return err;
    }
    struct query q = store_query(s, SQL_BRANCH_SAVE);
    query_id(&q, &b->device);
    query_u64(&q, b->n);
    query_u64(&q, b->cid);
    query_u64(&q, b->lane);
    query_u64(&q, b->number);
    query_u64(&q, b->settled);
    query_u64(&q, b->seq);
    query_u64(&q, b->code);
    query_u64(&q, b->at.ms);
    query_bytes(&q, b->event);
    int rc = query_run(&q);
    return rc == SQLITE_OK ? FP_OK : store_refuse(s, rc);
}

static enum fp_err each_branch(void *ctx, uint64_t cid, store_branch_fn fn, void *arg)
{
    struct sqlite_store *s = ctx;
    struct store_branch b;
    bool go_on = true;
    bool readable = true;
    int rc = SQLITE_OK;

    store_enter(s);
    struct query q = store_query(s, SQL_BRANCHES);
    query_u64(&q, cid);
    s->in_callback = true;
    while (go_on && (rc = query_step(&q)) == SQLITE_ROW) {
        readable = column_branch(q.stmt, &b);
        go_on = readable && fn(arg, &b);
    }
    s->in_callback = false;
    return store_loaded(s, &q, rc, readable);
}

static enum fp_err count_branches(void *ctx, const struct fp_id *device, uint64_t *out_open)
{
    struct sqlite_store *s = ctx;
    int rc = SQLITE_OK;

    store_enter(s);
    *out_open = 0;
    struct query q = store_query(s, SQL_BRANCH_COUNT);
    query_id(&q, device);
    query_u64(&q, STORE_BRANCHES_COUNTED);
    while ((rc = query_step(&q)) == SQLITE_ROW) {
        ++*out_open;
    }
    return store_loaded(s, &q, rc, true);
}

static enum fp_err prune_branches(void *ctx, struct fp_wall before, size_t limit, size_t *out_removed)
{
    struct sqlite_store *s = ctx;
    uint64_t rows = limit;

    *out_removed = 0;
    enum fp_err err = store_begin(s);
    if (err) {
        return err;
    }
    struct query q = store_query(s, SQL_BRANCH_PRUNE);
    query_u64(&q, before.ms < INT64_MAX ? before.ms : INT64_MAX);
    query_u64(&q, rows < INT64_MAX ? rows : INT64_MAX);
    int rc = query_run(&q);
    if (rc != SQLITE_OK) {
        return store_refuse(s, rc);
    }
    size_t removed = (size_t)sqlite3_changes(s->db);
    err = store_commit(s);
    *out_removed = err ? 0 : removed;
    return err;
}

void store_branch_port(struct store_port *p)
{
    p->save_branch = save_branch;
    p->load_branch = load_branch;
    p->find_branch = find_branch;
    p->each_branch = each_branch;
    p->count_branches = count_branches;
    p->prune_branches = prune_branches;
}
