#include "plugin/sqlite/sqlite_store.h"

#include <assert.h>
#include <stdio.h>

#include "plugin/sqlite/sqlite_impl.h"
#include "plugin/sqlite/sqlite_schema.h"

void store_enter(struct sqlite_store *s)
{
    assert(!s->in_callback); /* a callback may not call the store */
    if (s->lent) {
        (void)sqlite3_reset(s->lent); /* its step has succeeded */
        s->lent = NULL;
    }
}

struct query store_query(struct sqlite_store *s, enum sql which)
{
    return query_of(s->stmt[which]);
}

enum fp_err store_note(struct sqlite_store *s, int rc)
{
    enum fp_err err = sqlite_err(s->db, rc);

    if (err) {
        (void)snprintf(s->last_error, sizeof s->last_error, "%s (code %d, errno %d)", sqlite3_errmsg(s->db), rc, sqlite3_system_errno(s->db));
    }
    return err;
}

void store_rollback(struct sqlite_store *s)
{
    if (s->in_tx) {
        s->trim.cid = 0; /* what it has removed is there again */
    }
    s->in_tx = false;
    if (!sqlite3_get_autocommit(s->db)) {
        struct query q = store_query(s, SQL_ROLLBACK);
        (void)query_run(&q); /* if it fails begin() tries again: until then nothing else can start */
    }
}

enum fp_err store_refuse(struct sqlite_store *s, int rc)
{
    enum fp_err err = store_note(s, rc);

    store_rollback(s); /* T2 */
    return err;
}

enum fp_err store_refuse_with(struct sqlite_store *s, enum fp_err err, const char *text)
{
    (void)snprintf(s->last_error, sizeof s->last_error, "%s", text);
    store_rollback(s); /* T2 */
    return err;
}

enum fp_err store_loaded(struct sqlite_store *s, struct query *q, int rc, bool readable)
{
    enum fp_err err = store_note(s, rc);

    query_end(q);
    if (!err && !readable) {
        (void)snprintf(s->last_error, sizeof s->last_error, "a row holds what we never write");
        err = FP_ECORRUPT;
    }
    return err;
}

enum fp_err store_need_tx(struct sqlite_store *s)
{
    if (!s->in_tx) {
        return FP_ECORRUPT;
    }
    if (sqlite3_get_autocommit(s->db)) {
        s->in_tx = false;
        return FP_EIO;
    }
    return FP_OK;
}

enum fp_err store_need_row(struct sqlite_store *s, enum sql which, uint64_t key)
{
    struct query q = store_query(s, which);

    query_u64(&q, key);
    int rc = query_step(&q);
    query_end(&q);
    if (rc == SQLITE_DONE) {
        return store_refuse_with(s, FP_ECORRUPT, "what the row belongs to is not there");
    }
    return rc == SQLITE_ROW ? FP_OK : store_refuse(s, rc);
}

uint64_t store_key(uint64_t owner, uint64_t seq)
{
    return owner << SQLITE_KEY_BITS | (seq < SQLITE_KEY_SEQ_MAX ? seq : SQLITE_KEY_SEQ_MAX);
}

bool store_key_fits(uint64_t owner, uint64_t last)
{
    return owner <= SQLITE_KEY_OWNER_MAX && last < SQLITE_KEY_SEQ_MAX;
}

enum fp_err store_refuse_key(struct sqlite_store *s, uint64_t owner)
{
    if (owner > SQLITE_KEY_OWNER_MAX) {
        return store_refuse_with(s, FP_ECORRUPT, "nobody has this number");
    }
    return store_refuse_with(s, FP_EFULL, "all 2^36 numbers of this conversation or device are used up");
}

int store_number(struct query *q, uint64_t *out)
{
    int rc = query_step(q);

    *out = rc == SQLITE_ROW ? column_u64(q->stmt, 0) : 0;
    query_end(q);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int store_last(struct sqlite_store *s, enum sql which, uint64_t owner, uint64_t *out_last)
{
    struct query q = store_query(s, which);

    query_u64(&q, store_key(owner, 0));
    query_u64(&q, store_key(owner, SQLITE_KEY_SEQ_MAX));
    return store_number(&q, out_last);
}

/*
 * A commit that failed at its sync may have left whole frames in the WAL, and a crash right now would bring them back. Any committed
 * transaction starts where they start and so breaks their chain of checksums: T2 then holds across a crash too.
 */
enum fp_err store_fence(struct sqlite_store *s)
{
    struct query q = store_query(s, SQL_FENCE);
    int rc = query_run(&q);

    s->fence_due = rc != SQLITE_OK;
    return store_note(s, rc);
}

static void checkpoint(struct sqlite_store *s)
{
    int in_wal = 0;
    int done = 0;
    int rc = sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_PASSIVE, &in_wal, &done);

    if (rc == SQLITE_OK && s->scrub_due) {
        rc = store_scrub_frames(s);
    }
    /* A failure costs nothing but a longer WAL: what was committed is in there. It comes up again at the next step. */
    (void)store_note(s, rc);
    s->checkpoint_at = rc == SQLITE_OK && done == in_wal ? SQLITE_STORE_WAL_FRAMES : s->wal_frames + SQLITE_STORE_WAL_FRAMES;
}

enum fp_err store_begin(struct sqlite_store *s)
{
    store_enter(s);
    if (s->in_tx) {
        return FP_ECORRUPT;
    }
    store_rollback(s);
    if (s->wal_frames >= s->checkpoint_at) {
        checkpoint(s); /* not at the end of a commit: what was committed can be told first */
    }
    enum fp_err err = s->fence_due ? store_fence(s) : FP_OK;
    if (err) {
        return err;
    }
    struct query q = store_query(s, SQL_BEGIN);
    err = store_note(s, query_run(&q));
    s->in_tx = !err;
    return err;
}

enum fp_err store_commit(struct sqlite_store *s)
{
    store_enter(s);
    enum fp_err err = store_need_tx(s);
    if (err) {
        return err;
    }
    struct query q = store_query(s, SQL_COMMIT);
    int rc = query_run(&q);
    if (rc != SQLITE_OK) {
        err = store_refuse(s, rc);
        (void)store_fence(s); /* begin() tries again if it has to */
        return err;
    }
    s->in_tx = false;
    return FP_OK;
}

static enum fp_err port_begin(void *ctx)
{
    return store_begin(ctx);
}

static enum fp_err port_commit(void *ctx)
{
    return store_commit(ctx);
}

static void port_rollback(void *ctx)
{
    store_enter(ctx);
    store_rollback(ctx);
}

struct store_port sqlite_store_port(struct sqlite_store *s)
{
    struct store_port p = {.ctx = s, .begin = port_begin, .commit = port_commit, .rollback = port_rollback};

    store_archive_port(&p);
    store_conv_port(&p);
    store_member_port(&p);
    store_device_port(&p);
    store_receipts_port(&p);
    store_advance_port(&p);
    store_change_port(&p);
    store_scrub_port(&p);
    store_people_port(&p);
    store_trunk_port(&p);
    store_branch_port(&p);
    store_room_port(&p);
    return p;
}

const char *sqlite_store_last_error(const struct sqlite_store *s)
{
    return s->last_error;
}
