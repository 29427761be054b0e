#include "fp/command.h"
#include "plugin/sqlite/sqlite_impl.h"

bool column_member(sqlite3_stmt *stmt, int column, struct store_member *out)
{
    uint64_t role = column_u64(stmt, column + 3);

    *out = (struct store_member){
        .cid = column_u64(stmt, column),
        .role = (uint8_t)role,
        .active = column_u64(stmt, column + 4) == 1,
        .joined = column_u64(stmt, column + 5),
        .from = column_u64(stmt, column + 6),
        .read_msgs = column_u64(stmt, column + 7),
        .change = column_u64(stmt, column + 8),
    };
    return role <= UINT8_MAX && column_id(stmt, column + 1, &out->user) && column_id(stmt, column + 2, &out->scope);
}

static enum fp_err load_member(void *ctx, uint64_t cid, const struct fp_id *user, struct store_member *out, bool *out_found)
{
    struct sqlite_store *s = ctx;

    store_enter(s);
    struct query q = store_query(s, SQL_MEMBER);
    query_u64(&q, cid);
    query_id(&q, user);
    int rc = query_step(&q);
    *out_found = rc == SQLITE_ROW;
    bool readable = rc != SQLITE_ROW || column_member(q.stmt, 0, out);
    return store_loaded(s, &q, rc, readable);
}

static enum fp_err save_member(void *ctx, const struct store_member *m)
{
    struct sqlite_store *s = ctx;

    store_enter(s);
    enum fp_err err = store_need_tx(s);
    if (!err) {
        err = store_need_row(s, SQL_CONV_EXISTS, m->cid);
    }
    if (err) {
        return err;
    }
    struct query q = store_query(s, SQL_MEMBER_SAVE);
    query_u64(&q, m->cid);
    query_id(&q, &m->user);
    query_id(&q, &m->scope);
    query_u64(&q, m->role);
    query_u64(&q, m->active);
    query_u64(&q, m->joined);
    query_u64(&q, m->from);
    query_u64(&q, m->read_msgs);
    query_u64(&q, m->change);
    int rc = query_run(&q);
    return rc == SQLITE_OK ? FP_OK : store_refuse(s, rc);
}

static enum fp_err save_read_msgs(void *ctx, uint64_t cid, const struct fp_id *user, uint64_t read_msgs)
{
    struct sqlite_store *s = ctx;

    store_enter(s);
    enum fp_err err = store_need_tx(s);
    if (err) {
        return err;
    }
    struct query q = store_query(s, SQL_MEMBER_READ);
    query_u64(&q, cid);
    query_id(&q, user);
    query_u64(&q, read_msgs);
    int rc = query_run(&q);
    if (rc != SQLITE_OK) {
        return store_refuse(s, rc);
    }
    return sqlite3_changes(s->db) == 1 ? FP_OK : store_refuse_with(s, FP_ECORRUPT, "no such member");
}

static enum fp_err each_member(void *ctx, uint64_t cid, store_member_fn fn, void *arg)
{
    struct sqlite_store *s = ctx;
    struct store_member m;
    bool go_on = true;
    bool readable = true;
    int rc = SQLITE_OK;

    store_enter(s);
    struct query q = store_query(s, SQL_MEMBERS);
    query_u64(&q, cid);
    s->in_callback = true;
    while (go_on && (rc = query_step(&q)) == SQLITE_ROW) {
        readable = column_member(q.stmt, 0, &m);
        go_on = readable && fn(arg, &m);
    }
    s->in_callback = false;
    return store_loaded(s, &q, rc, readable);
}

static enum fp_err each_conv_of(void *ctx, const struct fp_id *user, store_conv_member_fn fn, void *arg)
{
    struct sqlite_store *s = ctx;
    struct store_conv conv;
    struct store_member m;
    bool go_on = true;
    bool readable = true;
    int rc = SQLITE_OK;

    store_enter(s);
    struct query q = store_query(s, SQL_CONVS_OF);
    query_id(&q, user);
    s->in_callback = true;
    while (go_on && (rc = query_step(&q)) == SQLITE_ROW) {
        readable = column_conv(q.stmt, 0, &conv) && column_member(q.stmt, CONV_COLUMN_COUNT, &m);
        go_on = readable && fn(arg, &conv, &m);
    }
    s->in_callback = false;
    return store_loaded(s, &q, rc, readable);
}

static enum fp_err scope_exists(struct sqlite_store *s, const struct fp_id *scope, bool *out_exists)
{
    struct query q = store_query(s, SQL_SCOPE_EXISTS);

    query_id(&q, scope);
    int rc = query_step(&q);
    *out_exists = rc == SQLITE_ROW;
    return store_loaded(s, &q, rc, true);
}

static enum fp_err load_scope(void *ctx, const struct fp_id *scope, const struct fp_id *user, uint8_t *out_role, bool *out_exists)
{
    struct sqlite_store *s = ctx;

    store_enter(s);
    enum fp_err err = scope_exists(s, scope, out_exists);
    if (err) {
        return err;
    }
    struct query q = store_query(s, SQL_SCOPE_ROLE);
    query_id(&q, user);
    query_id(&q, scope);
    int rc = query_step(&q);
    bool member = rc == SQLITE_ROW && sqlite3_column_type(q.stmt, 0) != SQLITE_NULL;
    *out_role = member ? (uint8_t)column_u64(q.stmt, 0) : FP_ROLE_NONE;
    return store_loaded(s, &q, rc, true);
}

void store_member_port(struct store_port *p)
{
    p->load_member = load_member;
    p->save_member = save_member;
    p->save_read_msgs = save_read_msgs;
    p->each_member = each_member;
    p->each_conv_of = each_conv_of;
    p->load_scope = load_scope;
}
