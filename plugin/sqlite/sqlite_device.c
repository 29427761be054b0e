#include "plugin/sqlite/sqlite_impl.h"
#include "plugin/sqlite/sqlite_schema.h"

/* Devices that one prune looks at on top of what it removes: 1 to 2 ms when nothing is due. */
#define PRUNE_DEVICES 512

static enum fp_err load_device(void *ctx, const struct fp_id *id, struct store_device *out, bool *out_found)
{
    struct sqlite_store *s = ctx;
    uint64_t last = 0;

    store_enter(s);
    struct query q = store_query(s, SQL_DEVICE);
    query_id(&q, id);
    int rc = query_step(&q);
    *out_found = rc == SQLITE_ROW;
    if (rc != SQLITE_ROW) {
        return store_loaded(s, &q, rc, true);
    }
    *out = (struct store_device){.did = column_u64(q.stmt, 0), .id = *id};
    bool readable = column_id(q.stmt, 1, &out->user);
    enum fp_err err = store_loaded(s, &q, rc, readable);
    if (!err) {
        err = store_note(s, store_last(s, SQL_NEXT_N, out->did, &last));
    }
    out->next_n = last + 1;
    return err;
}

static enum fp_err save_device(void *ctx, struct store_device *d)
{
    struct sqlite_store *s = ctx;

    store_enter(s);
    enum fp_err err = store_need_tx(s);
    if (err) {
        return err;
    }
    if (d->did != 0) {
        return store_refuse_with(s, FP_ECORRUPT, "a device is saved once");
    }
    struct query q = store_query(s, SQL_DEVICE_INSERT);
    query_id(&q, &d->id);
    query_id(&q, &d->user);
    int rc = query_run(&q);
    if (rc != SQLITE_OK) {
        return store_refuse(s, rc);
    }
    uint64_t did = (uint64_t)sqlite3_last_insert_rowid(s->db);
    if (!store_key_fits(did, 0)) {
        return store_refuse_with(s, FP_EFULL, "no number is left for one more device");
    }
    d->did = did;
    d->next_n = 1;
    return FP_OK;
}

/* For answers up to n: those before end at *out_last. */
static enum fp_err need_last(struct sqlite_store *s, uint64_t did, uint64_t n, uint64_t *out_last)
{
    enum fp_err err = store_need_tx(s);
    if (err) {
        return err;
    }
    if (!store_key_fits(did, n)) {
        return store_refuse_key(s, did);
    }
    int rc = store_last(s, SQL_NEXT_N, did, out_last);
    if (rc != SQLITE_OK) {
        return store_refuse(s, rc);
    }
    return *out_last == 0 ? store_need_row(s, SQL_DEVICE_EXISTS, did) : FP_OK;
}

static enum fp_err insert_answers(struct sqlite_store *s, const struct store_answers *a)
{
    struct query q = store_query(s, SQL_ANSWERS_SAVE);
    query_u64(&q, store_key(a->did, a->first));
    query_u64(&q, a->last);
    query_u64(&q, a->at.ms);
    query_bytes(&q, a->rows);
    int rc = query_run(&q);
    return rc == SQLITE_OK ? FP_OK : store_refuse(s, rc);
}

static enum fp_err save_answers(void *ctx, const struct store_answers *a)
{
    struct sqlite_store *s = ctx;
    uint64_t last = 0;

    store_enter(s);
    enum fp_err err = need_last(s, a->did, a->last, &last);
    if (err) {
        return err;
    }
    if (a->first != last + 1 || a->last < a->first) { /* T4 */
        return store_refuse_with(s, FP_ECORRUPT, "answers do not follow the last ones");
    }
    return insert_answers(s, a);
}

/* A row without bytes: no answers are like that, and for all else it is a row like any other. */
static enum fp_err skip_answers(void *ctx, uint64_t did, uint64_t next_n)
{
    struct sqlite_store *s = ctx;
    uint64_t last = 0;

    store_enter(s);
    enum fp_err err = need_last(s, did, next_n > 0 ? next_n - 1 : 0, &last);
    if (err) {
        return err;
    }
    if (next_n <= last) {
        return store_refuse_with(s, FP_ECORRUPT, "answers cannot be skipped backwards");
    }
    const struct store_answers none = {.did = did, .first = last + 1, .last = next_n - 1};
    return none.last < none.first ? FP_OK : insert_answers(s, &none);
}

static enum fp_err load_answers(void *ctx, uint64_t did, uint64_t n, struct store_answers *out, bool *out_found)
{
    struct sqlite_store *s = ctx;

    store_enter(s);
    *out_found = false;
    if (!store_key_fits(did, 0)) {
        return FP_OK; /* nobody has this number */
    }
    struct query q = store_query(s, SQL_ANSWERS);
    query_u64(&q, store_key(did, 0));
    query_u64(&q, store_key(did, n));
    int rc = query_step(&q);
    if (rc != SQLITE_ROW || column_u64(q.stmt, 1) < n || column_bytes(q.stmt, 3).len == 0) {
        return store_loaded(s, &q, rc, true);
    }
    *out = (struct store_answers){
        .did = did,
        .first = column_u64(q.stmt, 0) & SQLITE_KEY_SEQ_MAX,
        .last = column_u64(q.stmt, 1),
        .at = {column_u64(q.stmt, 2)},
        .rows = column_bytes(q.stmt, 3),
    };
    *out_found = true;
    s->lent = q.stmt; /* I2 */
    return FP_OK;
}

/*
 * The oldest rows of one device that may go: all up to *out_last_key. T4 wants what stays to be contiguous, so the first row that has
 * to stay ends the walk; the device's last row always does.
 */
static int find_old(struct sqlite_store *s, uint64_t did, struct fp_wall before, size_t limit, uint64_t *out_last_key)
{
    struct query q = store_query(s, SQL_PRUNE_ROWS);
    uint64_t old_key = 0; /* found old; may go once another row follows */
    int rc = SQLITE_OK;

    query_u64(&q, store_key(did, 0));
    query_u64(&q, store_key(did, SQLITE_KEY_SEQ_MAX));
    query_u64(&q, (limit < INT32_MAX ? limit : INT32_MAX) + 1);
    *out_last_key = 0;
    while ((rc = query_step(&q)) == SQLITE_ROW) {
        if (old_key) {
            *out_last_key = old_key;
        }
        if (column_u64(q.stmt, 1) >= before.ms) {
            break;
        }
        old_key = column_u64(q.stmt, 0);
    }
    query_end(&q);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int prune_device(struct sqlite_store *s, uint64_t did, struct fp_wall before, size_t limit, size_t *out_removed)
{
    uint64_t last_key = 0;
    int rc = find_old(s, did, before, limit, &last_key);

    *out_removed = 0;
    if (rc != SQLITE_OK || last_key == 0) {
        return rc;
    }
    struct query q = store_query(s, SQL_PRUNE_DELETE);
    query_u64(&q, store_key(did, 0));
    query_u64(&q, last_key);
    rc = query_run(&q);
    *out_removed = rc == SQLITE_OK ? (size_t)sqlite3_changes(s->db) : 0;
    return rc;
}

/* The next device after did that has answers; 0 if there is none. */
static int next_device(struct sqlite_store *s, uint64_t did, uint64_t *out_did)
{
    struct query q = store_query(s, SQL_PRUNE_NEXT);

    query_u64(&q, store_key(did, SQLITE_KEY_SEQ_MAX));
    int rc = query_step(&q);
    *out_did = rc == SQLITE_ROW ? column_u64(q.stmt, 0) >> SQLITE_KEY_BITS : 0;
    query_end(&q);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/*
 * A bounded walk round the devices instead of an index by time: that index would cost every command an insert, and would be full of
 * devices that are long gone, whose last row has to stay.
 */
static int prune_walk(struct sqlite_store *s, struct fp_wall before, size_t limit, size_t *out_removed)
{
    bool wrapped = false;
    int rc = SQLITE_OK;

    for (size_t seen = 0; rc == SQLITE_OK && seen < PRUNE_DEVICES && *out_removed < limit; seen++) {
        uint64_t did = 0;
        size_t removed = 0;
        rc = next_device(s, s->prune_did, &did);
        if (rc == SQLITE_OK && did != 0) {
            rc = prune_device(s, did, before, limit - *out_removed, &removed);
        }
        *out_removed += removed;
        if (did == 0 && wrapped) {
            break;
        }
        wrapped = wrapped || did == 0;
        if (*out_removed < limit) { /* else this device may have more */
            s->prune_did = did;
        }
    }
    return rc;
}

static enum fp_err prune_answers(void *ctx, struct fp_wall before, size_t limit, size_t *out_removed)
{
    struct sqlite_store *s = ctx;

    *out_removed = 0;
    enum fp_err err = store_begin(s);
    if (err) {
        return err;
    }
    int rc = prune_walk(s, before, limit, out_removed);
    err = rc == SQLITE_OK ? store_commit(s) : store_refuse(s, rc);
    if (err) {
        *out_removed = 0;
    }
    return err;
}

void store_device_port(struct store_port *p)
{
    p->load_device = load_device;
    p->save_device = save_device;
    p->save_answers = save_answers;
    p->skip_answers = skip_answers;
    p->load_answers = load_answers;
    p->prune_answers = prune_answers;
}
