#include "plugin/sqlite/sqlite_db.h"

#include <errno.h>

_Static_assert(offsetof(struct fp_id, text) == 1, "an id is stored as it lies in memory");

static enum fp_err io_err(sqlite3 *db, int rc)
{
    int sys = db ? sqlite3_system_errno(db) : 0;

    if (rc == SQLITE_IOERR_NOMEM) {
        return FP_ENOMEM;
    }
    return sys == ENOSPC || sys == EDQUOT ? FP_EFULL : FP_EIO;
}

enum fp_err sqlite_err(sqlite3 *db, int rc)
{
    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return FP_OK;
    case SQLITE_FULL:
        return FP_EFULL;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return FP_EBUSY;
    case SQLITE_NOMEM:
        return FP_ENOMEM;
    case SQLITE_IOERR:
        return io_err(db, rc);
    case SQLITE_CONSTRAINT:
        return FP_ECORRUPT;
    case SQLITE_TOOBIG:
        return FP_ECORRUPT; /* the hub bounds every row */
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_ERROR: /* our statements do not fit the schema that is there */
    case SQLITE_SCHEMA:
        return FP_ECORRUPT;
    default: /* cannot open, read-only, no permission, interrupted */
        return FP_EIO;
    }
}

struct query query_of(sqlite3_stmt *stmt)
{
    return (struct query){.stmt = stmt, .next = 1};
}

static void bound(struct query *q, int rc)
{
    q->next++;
    if (q->rc == SQLITE_OK) {
        q->rc = rc;
    }
}

void query_u64(struct query *q, uint64_t v)
{
    bound(q, sqlite3_bind_int64(q->stmt, q->next, (sqlite3_int64)v));
}

void query_id(struct query *q, const struct fp_id *id)
{
    bound(q, sqlite3_bind_blob(q->stmt, q->next, id, 1 + id->len, SQLITE_STATIC));
}

void query_bytes(struct query *q, struct fp_bytes b)
{
    bound(q, sqlite3_bind_blob64(q->stmt, q->next, b.p ? (const void *)b.p : "", b.len, SQLITE_STATIC));
}

void query_bytes_opt(struct query *q, struct fp_bytes b)
{
    if (b.p) {
        query_bytes(q, b);
    } else {
        bound(q, sqlite3_bind_null(q->stmt, q->next));
    }
}

int query_step(struct query *q)
{
    if (q->rc == SQLITE_OK) {
        q->rc = sqlite3_step(q->stmt);
    }
    int rc = q->rc;
    if (rc == SQLITE_ROW) {
        q->rc = SQLITE_OK;
    }
    return rc;
}

int query_run(struct query *q)
{
    int rc = query_step(q);

    query_end(q);
    return rc == SQLITE_DONE || rc == SQLITE_ROW ? SQLITE_OK : rc;
}

void query_end(struct query *q)
{
    (void)sqlite3_reset(q->stmt); /* says again what the step said */
}

uint64_t column_u64(sqlite3_stmt *stmt, int column)
{
    return (uint64_t)sqlite3_column_int64(stmt, column);
}

struct fp_bytes column_bytes(sqlite3_stmt *stmt, int column)
{
    const void *p = sqlite3_column_blob(stmt, column); /* before its length, as SQLite asks for */

    return fp_bytes_of(p, (size_t)sqlite3_column_bytes(stmt, column));
}

bool column_id(sqlite3_stmt *stmt, int column, struct fp_id *out)
{
    struct fp_bytes b = column_bytes(stmt, column);

    *out = (struct fp_id){0};
    if (b.len < 2 || b.len > 1 + FP_ID_MAX || b.p[0] != b.len - 1) {
        return false;
    }
    memcpy(out, b.p, b.len);
    return true;
}

int sqlite_harden(sqlite3 *db)
{
    static const struct {
        int option;
        int on;
    } options[] =
        {
            {SQLITE_DBCONFIG_DEFENSIVE, 1},        {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0}, {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0},
            {SQLITE_DBCONFIG_ENABLE_VIEW, 0},      {SQLITE_DBCONFIG_DQS_DML, 0},        {SQLITE_DBCONFIG_DQS_DDL, 0},
            {SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1}, /* a file that turns out not to be ours is left as it is */
        };
    int rc = SQLITE_OK;

    for (size_t i = 0; i < sizeof options / sizeof options[0] && rc == SQLITE_OK; i++) {
        rc = sqlite3_db_config(db, options[i].option, options[i].on, NULL);
    }
    return rc == SQLITE_OK ? sqlite3_exec(db, "PRAGMA cell_size_check=ON", NULL, NULL, NULL) : rc;
}

int sqlite_number(sqlite3 *db, const char *sql, int64_t *out)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);

    if (rc == SQLITE_OK) {
        rc = sqlite3_step(stmt);
        if (rc == SQLITE_ROW) {
            *out = sqlite3_column_int64(stmt, 0);
        }
    }
    (void)sqlite3_finalize(stmt);
    if (rc == SQLITE_DONE) {
        return SQLITE_CORRUPT; /* a row was due */
    }
    return rc == SQLITE_ROW ? SQLITE_OK : rc;
}
