#include <stdlib.h>

#include "plugin/sqlite/sqlite_sql.h"
#include "plugin/sqlite/sqlite_store.h"

#define PEER_SCOPES_MAX 64 /* bounds the look-up on the broker's thread */

struct sqlite_access {
    sqlite3 *db;
    sqlite3_stmt *stmt[SQL_ACCESS_COUNT];
};

enum fp_err sqlite_access_open(struct sqlite_access **out, const char *path, const char *vfs)
{
    *out = NULL;
    struct sqlite_access *a = calloc(1, sizeof *a);
    if (!a) {
        return FP_ENOMEM;
    }
    /* No busy handler: the broker's thread never waits. In WAL a reader meets no lock anyway. */
    int rc = sqlite3_open_v2(path, &a->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, vfs);
    rc = rc == SQLITE_OK ? sqlite_harden(a->db) : rc;
    rc = rc == SQLITE_OK ? sqlite3_exec(a->db, "PRAGMA query_only=ON; PRAGMA cache_size=-4096; PRAGMA mmap_size=0", NULL, NULL, NULL) : rc;
    rc = rc == SQLITE_OK ? sqlite_prepare(a->db, sqlite_sql_access, a->stmt, SQL_ACCESS_COUNT) : rc;
    enum fp_err err = sqlite_err(a->db, rc);
    if (err) {
        sqlite_access_close(a);
        return err;
    }
    *out = a;
    return FP_OK;
}

void sqlite_access_close(struct sqlite_access *a)
{
    if (!a) {
        return;
    }
    sqlite_finalize(a->stmt, SQL_ACCESS_COUNT);
    (void)sqlite3_close(a->db); /* all statements are gone: it cannot refuse */
    free(a);
}

static enum fp_err end(struct sqlite_access *a, struct query *q, int rc)
{
    enum fp_err err = sqlite_err(a->db, rc);

    query_end(q);
    return err;
}

enum fp_err sqlite_access_conv(struct sqlite_access *a, const struct fp_id *conv, const struct fp_id *user, uint64_t applied, bool *out_allowed,
                               bool *out_settled)
{
    struct query q = query_of(a->stmt[SQL_ACCESS_CONV]);

    query_id(&q, conv);
    query_id(&q, user);
    int rc = query_step(&q);
    bool found = rc == SQLITE_ROW;
    *out_settled = !found || column_u64(q.stmt, 1) <= applied;
    *out_allowed = found && *out_settled && column_u64(q.stmt, 0) == 1;
    return end(a, &q, rc);
}

enum fp_err sqlite_access_scope(struct sqlite_access *a, const struct fp_id *scope, const struct fp_id *user, uint64_t applied, bool *out_allowed,
                                bool *out_settled)
{
    struct query q = query_of(a->stmt[SQL_ACCESS_SCOPE]);

    query_id(&q, user);
    query_id(&q, scope);
    int rc = query_step(&q); /* his oldest row there: if that is too new, all are */
    bool found = rc == SQLITE_ROW;
    *out_allowed = found && column_u64(q.stmt, 0) <= applied;
    *out_settled = !found || *out_allowed;
    return end(a, &q, rc);
}

static enum fp_err next_scope(struct sqlite_access *a, const struct fp_id *user, struct fp_id *scope, bool *out_found)
{
    struct query q = query_of(a->stmt[SQL_ACCESS_NEXT_SCOPE]);

    query_id(&q, user);
    query_id(&q, scope);
    int rc = query_step(&q);
    *out_found = rc == SQLITE_ROW;
    bool readable = rc != SQLITE_ROW || column_id(q.stmt, 0, scope);
    enum fp_err err = end(a, &q, rc);
    return !err && !readable ? FP_ECORRUPT : err;
}

enum fp_err sqlite_access_peers(struct sqlite_access *a, const struct fp_id *user, const struct fp_id *other, bool *out_allowed)
{
    struct fp_id scope = {0}; /* sorts before every id */
    bool found = true;
    enum fp_err err = FP_OK;

    *out_allowed = false;
    for (size_t i = 0; i < PEER_SCOPES_MAX && !err && !*out_allowed; i++) {
        bool settled = false;
        err = next_scope(a, user, &scope, &found);
        if (err || !found) {
            break;
        }
        if (scope.len == 2 && memcmp(scope.text, "dm", 2) == 0) {
            continue; /* everybody's scope: to have written to anybody there makes nobody a peer */
        }
        err = sqlite_access_scope(a, &scope, other, UINT64_MAX, out_allowed, &settled);
    }
    return err;
}

enum fp_err sqlite_access_device(struct sqlite_access *a, const struct fp_id *device, struct fp_id *out_owner, bool *out_found)
{
    struct query q = query_of(a->stmt[SQL_ACCESS_DEVICE]);

    query_id(&q, device);
    int rc = query_step(&q);
    *out_found = rc == SQLITE_ROW;
    bool readable = rc != SQLITE_ROW || column_id(q.stmt, 0, out_owner);
    enum fp_err err = end(a, &q, rc);
    return !err && !readable ? FP_ECORRUPT : err;
}

enum fp_err sqlite_access_open_status(struct sqlite_access *a, const struct fp_id *user, bool *out_open)
{
    struct query q = query_of(a->stmt[SQL_ACCESS_STATUS]);

    query_id(&q, user);
    int rc = query_step(&q);
    *out_open = rc == SQLITE_DONE || (rc == SQLITE_ROW && column_u64(q.stmt, 0) == 1); /* an error shows nothing */
    return end(a, &q, rc);
}
