#include "plugin/sqlite/sqlite_impl.h"

static bool column_receipt(sqlite3_stmt *stmt, struct store_receipt *out)
{
    *out = (struct store_receipt){
        .cid = column_u64(stmt, 0),
        .delivered = column_u64(stmt, 2),
        .read = column_u64(stmt, 3),
        .shown_delivered = column_u64(stmt, 4),
        .shown_read = column_u64(stmt, 5),
    };
    return column_id(stmt, 1, &out->user);
}

static enum fp_err load_receipt(void *ctx, uint64_t cid, const struct fp_id *user, struct store_receipt *out)
{
    struct sqlite_store *s = ctx;

    store_enter(s);
    *out = (struct store_receipt){.cid = cid, .user = *user};
    struct query q = store_query(s, SQL_RECEIPT);
    query_u64(&q, cid);
    query_id(&q, user);
    int rc = query_step(&q);
    bool readable = rc != SQLITE_ROW || column_receipt(q.stmt, out);
    return store_loaded(s, &q, rc, readable);
}

static enum fp_err save_receipt(void *ctx, const struct store_receipt *r)
{
    struct sqlite_store *s = ctx;

    store_enter(s);
    enum fp_err err = store_need_tx(s);
    if (!err) {
        err = store_need_row(s, SQL_CONV_EXISTS, r->cid);
    }
    if (err) {
        return err;
    }
    struct query q = store_query(s, SQL_RECEIPT_SAVE);
    query_u64(&q, r->cid);
    query_id(&q, &r->user);
    query_u64(&q, r->delivered);
    query_u64(&q, r->read);
    query_u64(&q, r->shown_delivered);
    query_u64(&q, r->shown_read);
    int rc = query_run(&q);
    return rc == SQLITE_OK ? FP_OK : store_refuse(s, rc);
}

static enum fp_err each_receipt(void *ctx, uint64_t cid, store_receipt_fn fn, void *arg)
{
    struct sqlite_store *s = ctx;
    struct store_receipt r;
    bool go_on = true;
    bool readable = true;
    int rc = SQLITE_OK;

    store_enter(s);
    struct query q = store_query(s, SQL_RECEIPTS);
    query_u64(&q, cid);
    s->in_callback = true;
    while (go_on && (rc = query_step(&q)) == SQLITE_ROW) {
        readable = column_receipt(q.stmt, &r);
        go_on = readable && fn(arg, &r);
    }
    s->in_callback = false;
    return store_loaded(s, &q, rc, readable);
}

void store_receipts_port(struct store_port *p)
{
    p->load_receipt = load_receipt;
    p->save_receipt = save_receipt;
    p->each_receipt = each_receipt;
}
