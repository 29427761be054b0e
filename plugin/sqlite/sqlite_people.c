#include "plugin/sqlite/sqlite_impl.h"

static bool column_person(sqlite3_stmt *stmt, struct store_person *out)
{
    *out = (struct store_person){
        .open = column_u64(stmt, 1) == 1,
        .last_seen = {column_u64(stmt, 2)},
        .status_until = {column_u64(stmt, 3)},
        .version = column_u64(stmt, 4),
        .status = column_bytes(stmt, 5),
        .policy = column_bytes(stmt, 6),
    };
    return column_id(stmt, 0, &out->user);
}

static enum fp_err load_person(void *ctx, const struct fp_id *user, struct store_person *out, bool *out_found)
{
    struct sqlite_store *s = ctx;

    store_enter(s);
    struct query q = store_query(s, SQL_PERSON);
    query_id(&q, user);
    int rc = query_step(&q);
    *out_found = rc == SQLITE_ROW;
    if (*out_found && column_person(q.stmt, out)) {
        s->lent = q.stmt; /* I2 */
        return FP_OK;
    }
    return store_loaded(s, &q, rc, !*out_found);
}

static enum fp_err save_person(void *ctx, const struct store_person *p)
{
    struct sqlite_store *s = ctx;

    store_enter(s);
    enum fp_err err = store_need_tx(s);
    if (err) {
        return err;
    }
    struct query q = store_query(s, SQL_PERSON_SAVE);
    query_id(&q, &p->user);
    query_u64(&q, p->open);
    query_u64(&q, p->last_seen.ms);
    query_u64(&q, p->status_until.ms);
    query_u64(&q, p->version);
    query_bytes(&q, p->status);
    query_bytes(&q, p->policy);
    int rc = query_run(&q);
    return rc == SQLITE_OK ? FP_OK : store_refuse(s, rc);
}

static struct query timer_query(struct sqlite_store *s, enum sql which, enum store_timer_kind kind, const struct fp_id *owner, uint64_t seq)
{
    struct query q = store_query(s, which);

    query_u64(&q, kind);
    query_id(&q, owner);
    query_u64(&q, seq);
    return q;
}

static enum fp_err save_timer(void *ctx, const struct store_timer *t)
{
    struct sqlite_store *s = ctx;

    store_enter(s);
    enum fp_err err = store_need_tx(s);
    if (err) {
        return err;
    }
    struct query q = timer_query(s, SQL_TIMER_SAVE, t->kind, &t->owner, t->seq);
    query_u64(&q, t->version);
    query_u64(&q, t->due.ms);
    int rc = query_run(&q);
    return rc == SQLITE_OK ? FP_OK : store_refuse(s, rc);
}

static enum fp_err drop_timer(void *ctx, enum store_timer_kind kind, const struct fp_id *owner, uint64_t seq)
{
    struct sqlite_store *s = ctx;

    store_enter(s);
    enum fp_err err = store_need_tx(s);
    if (err) {
        return err;
    }
    struct query q = timer_query(s, SQL_TIMER_DROP, kind, owner, seq);
    int rc = query_run(&q);
    return rc == SQLITE_OK ? FP_OK : store_refuse(s, rc);
}

static bool column_timer(sqlite3_stmt *stmt, struct store_timer *out)
{
    uint64_t kind = column_u64(stmt, 0);

    *out = (struct store_timer){
        .kind = (enum store_timer_kind)kind,
        .seq = column_u64(stmt, 2),
        .version = column_u64(stmt, 3),
        .due = {column_u64(stmt, 4)},
    };
    return kind >= STORE_TIMER_STATUS && kind <= STORE_TIMER_RETENTION && column_id(stmt, 1, &out->owner);
}

static enum fp_err each_timer(void *ctx, store_timer_fn fn, void *arg)
{
    struct sqlite_store *s = ctx;
    struct store_timer t;
    bool go_on = true;
    bool readable = true;
    int rc = SQLITE_OK;

    store_enter(s);
    struct query q = store_query(s, SQL_TIMERS);
    s->in_callback = true;
    while (go_on && (rc = query_step(&q)) == SQLITE_ROW) {
        readable = column_timer(q.stmt, &t);
        go_on = readable && fn(arg, &t);
    }
    s->in_callback = false;
    return store_loaded(s, &q, rc, readable);
}

void store_people_port(struct store_port *p)
{
    p->load_person = load_person;
    p->save_person = save_person;
    p->save_timer = save_timer;
    p->drop_timer = drop_timer;
    p->each_timer = each_timer;
}
