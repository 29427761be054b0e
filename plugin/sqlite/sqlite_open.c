#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "plugin/sqlite/sqlite_file.h"
#include "plugin/sqlite/sqlite_impl.h"
#include "plugin/sqlite/sqlite_schema.h"

#define CACHE_KIB "32768"         /* the inner pages and the warm ends of 10^4 conversations */
#define WAL_KEEP_BYTES "33554432" /* a WAL that once grew is cut back to this; more than a checkpoint waits for, or each one would cut it */
#define BUSY_MS 200               /* an operator's own sqlite3 may hold the write lock for a moment */
#define PAGE_BYTES "4096"
#define PAGE_BYTES_MAX 65536

static int count_frames(void *arg, sqlite3 *db, const char *name, int frames)
{
    struct sqlite_store *s = arg;

    (void)db;
    (void)name;
    s->wal_frames = frames;
    return SQLITE_OK;
}

static enum fp_err say(struct sqlite_store *s, enum fp_err err, const char *what, const char *path, struct why why)
{
    if (err) {
        why_set(why, "%s %s: %s (errno %d)", what, path, sqlite3_errmsg(s->db), sqlite3_system_errno(s->db));
    }
    return err;
}

static enum fp_err set_wal(sqlite3 *db, const char *path, struct why why)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(db, "PRAGMA journal_mode=WAL", -1, &stmt, NULL);

    rc = rc == SQLITE_OK ? sqlite3_step(stmt) : rc;
    const char *mode = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(stmt, 0) : "";
    bool wal = mode && strcmp(mode, "wal") == 0;
    (void)sqlite3_finalize(stmt);
    if (rc != SQLITE_ROW) {
        why_set(why, "cannot switch %s to a write-ahead log: %s", path, sqlite3_errmsg(db));
        return sqlite_err(db, rc);
    }
    if (!wal) {
        why_set(why, "the file system of %s cannot hold a write-ahead log (shared memory is needed)", path);
        return FP_EIO;
    }
    return FP_OK;
}

static int set_quota(sqlite3 *db, uint64_t max_bytes)
{
    int64_t page_bytes = 0;
    char sql[64];
    int rc = sqlite_number(db, "PRAGMA page_size", &page_bytes);

    if (rc != SQLITE_OK || page_bytes <= 0 || max_bytes == 0) {
        return rc;
    }
    uint64_t pages = max_bytes / (uint64_t)page_bytes;
    pages = pages < 1 ? 1 : pages;
    pages = pages > INT32_MAX ? INT32_MAX : pages;
    (void)snprintf(sql, sizeof sql, "PRAGMA max_page_count=%llu", (unsigned long long)pages);
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

static int set_pragmas(struct sqlite_store *s, uint64_t max_bytes)
{
    /* No memory map: a disk that fails would then be a SIGBUS in the broker instead of an error. */
    static const char pragmas[] = "PRAGMA synchronous=FULL; PRAGMA cache_size=-" CACHE_KIB "; PRAGMA temp_store=MEMORY; PRAGMA mmap_size=0;"
                                  "PRAGMA secure_delete=ON;" /* what is deleted is overwritten; sqlite_scrub.c does the rest */
                                  "PRAGMA wal_autocheckpoint=0; PRAGMA journal_size_limit=" WAL_KEEP_BYTES;
    int rc = sqlite3_exec(s->db, pragmas, NULL, NULL, NULL);

    (void)sqlite3_wal_hook(s->db, count_frames, s); /* returns the hook before */
    return rc == SQLITE_OK ? set_quota(s->db, max_bytes) : rc;
}

/* The ends of the tables: where the next rows go, and where a cut-off file shows. Costs the same at any size. */
static int read_tails(sqlite3 *db)
{
    static const char *const tails[] = {
        "SELECT epoch, boot, fence FROM meta WHERE one = 1",
        "SELECT cid, id, scope, title, context FROM conversation ORDER BY cid DESC LIMIT 1",
        "SELECT key, last, events FROM event ORDER BY key DESC LIMIT 1",
        "SELECT cid, user, change FROM member ORDER BY cid DESC, user DESC LIMIT 1",
        "SELECT did, id, user FROM device ORDER BY did DESC LIMIT 1",
        "SELECT key, last, rows FROM answers ORDER BY key DESC LIMIT 1",
        "SELECT cid, user, shown_read FROM receipt ORDER BY cid DESC, user DESC LIMIT 1",
        "SELECT cid, user, pairs FROM advance ORDER BY cid DESC, user DESC, kind DESC, first DESC LIMIT 1",
        "SELECT key, version, state FROM target ORDER BY key DESC LIMIT 1",
        "SELECT cid, seq, user, at FROM confirm ORDER BY cid DESC, seq DESC, user DESC LIMIT 1",
        "SELECT user, status, policy FROM person ORDER BY user DESC LIMIT 1",
        "SELECT kind, owner, due FROM timer ORDER BY kind DESC, owner DESC, seq DESC LIMIT 1",
        "SELECT key, record FROM record ORDER BY key DESC LIMIT 1",
        "SELECT lane, dropped FROM lane ORDER BY lane DESC LIMIT 1",
        "SELECT id, device, event FROM branch ORDER BY id DESC LIMIT 1",
        "SELECT relay, have, acked FROM peer ORDER BY relay DESC LIMIT 1",
        "SELECT relay, cid, seq FROM held ORDER BY relay DESC, cid DESC LIMIT 1",
        "SELECT key, last, name FROM segment ORDER BY key DESC LIMIT 1",
        "SELECT name FROM segment_gone ORDER BY name DESC LIMIT 1",
    };
    int rc = SQLITE_DONE;

    for (size_t i = 0; i < sizeof tails / sizeof tails[0] && (rc == SQLITE_DONE || rc == SQLITE_ROW); i++) {
        sqlite3_stmt *stmt = NULL;
        rc = sqlite3_prepare_v2(db, tails[i], -1, &stmt, NULL);
        rc = rc == SQLITE_OK ? sqlite3_step(stmt) : rc;
        if (rc == SQLITE_DONE && i == 0) {
            rc = SQLITE_CORRUPT; /* cut off while it was made: without the row of meta it is nothing yet */
        }
        for (int column = 0; rc == SQLITE_ROW && column < sqlite3_column_count(stmt); column++) {
            (void)sqlite3_column_blob(stmt, column); /* brings its pages in; if they are bad the reset says so */
        }
        int end = sqlite3_finalize(stmt);
        rc = end == SQLITE_OK ? rc : end;
    }
    return rc == SQLITE_DONE || rc == SQLITE_ROW ? SQLITE_OK : rc;
}

static enum fp_err connect_to(struct sqlite_store *s, const struct sqlite_store_config *config, struct why why)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    int rc = sqlite3_open_v2(config->path, &s->db, flags, config->vfs);

    if (!s->db) {
        why_set(why, "no memory for the database");
        return FP_ENOMEM;
    }
    rc = rc == SQLITE_OK ? sqlite3_busy_timeout(s->db, BUSY_MS) : rc;
    rc = rc == SQLITE_OK ? sqlite_harden(s->db) : rc;
    return say(s, sqlite_err(s->db, rc), "cannot open the database", config->path, why);
}

/* From a connection to a store that can be used: checks, migrates, prepares. */
static enum fp_err bring_up(struct sqlite_store *s, const struct sqlite_store_config *config, struct why why)
{
    enum fp_err err = set_wal(s->db, config->path, why);
    if (err) {
        return err;
    }
    int rc = set_pragmas(s, config->max_bytes);
    if (rc != SQLITE_OK) {
        return say(s, sqlite_err(s->db, rc), "cannot set up the database", config->path, why);
    }
    err = sqlite_schema_migrate(s->db, sqlite_schema_current());
    if (err) {
        return say(s, err, "cannot migrate the database", config->path, why);
    }
    rc = sqlite_prepare(s->db, sqlite_sql_store, s->stmt, SQL_STORE_COUNT);
    return say(s, sqlite_err(s->db, rc), "cannot use the tables of the database", config->path, why);
}

static enum fp_err open_existing(struct sqlite_store *s, const struct sqlite_store_config *config, struct why why)
{
    enum fp_err err = connect_to(s, config, why);
    if (err) {
        return err;
    }
    err = sqlite_schema_check(s->db, sqlite_schema_current());
    if (err == FP_EVERSION) {
        why_set(why, "the database %s was written by a newer release; it is left as it is", config->path);
        return err;
    }
    if (err) {
        why_set(why, "the file %s is no database of Fieldpost's: %s", config->path, sqlite3_errmsg(s->db));
        return err;
    }
    err = bring_up(s, config, why);
    if (err) {
        return err;
    }
    return say(s, sqlite_err(s->db, read_tails(s->db)), "cannot read the database", config->path, why);
}

static void disconnect(struct sqlite_store *s)
{
    sqlite_finalize(s->stmt, SQL_STORE_COUNT);
    (void)sqlite3_close(s->db); /* all statements are gone: it cannot refuse */
    s->db = NULL;
}

static enum fp_err write_meta(struct sqlite_store *s, const struct sqlite_store_config *config)
{
    sqlite3_stmt *stmt = NULL;
    uint64_t epoch = 0;

    while (epoch == 0) { /* 0 means none on the wire */
        epoch = config->random(config->random_arg);
    }
    int rc = sqlite3_prepare_v2(s->db, "INSERT INTO meta (one, epoch, boot, fence) VALUES (1, ?1, 0, 0)", -1, &stmt, NULL);
    struct query q = query_of(stmt);
    if (rc == SQLITE_OK) {
        query_u64(&q, epoch);
        rc = query_run(&q);
    }
    enum fp_err err = store_note(s, rc);
    (void)sqlite3_finalize(stmt); /* says again what its step said */
    return err;
}

static enum fp_err create_new(struct sqlite_store *s, const struct sqlite_store_config *config, struct why why)
{
    enum fp_err err = sqlite_file_create(config->path, why);
    if (err) {
        return err;
    }
    err = connect_to(s, config, why);
    if (!err && sqlite3_exec(s->db, "PRAGMA page_size=" PAGE_BYTES, NULL, NULL, NULL) != SQLITE_OK) {
        err = say(s, FP_EIO, "cannot set up the database", config->path, why);
    }
    if (!err) {
        err = bring_up(s, config, why);
    }
    if (!err) {
        err = say(s, write_meta(s, config), "cannot begin the database", config->path, why);
    }
    if (err) {
        disconnect(s);
        sqlite_file_remove(config->path);
    }
    return err;
}

static enum fp_err open_or_replace(struct sqlite_store *s, const struct sqlite_store_config *config, struct store_info *info, struct why why)
{
    enum sqlite_file_state state = SQLITE_FILE_ABSENT;

    enum fp_err err = sqlite_file_state(config->path, &state, why);
    if (!err && state == SQLITE_FILE_THERE) {
        err = open_existing(s, config, why);
        if (err != FP_ECORRUPT) {
            return err;
        }
        disconnect(s);
    }
    if (err && err != FP_ECORRUPT) {
        return err;
    }
    info->quarantined = state != SQLITE_FILE_ABSENT;
    if (state == SQLITE_FILE_LOST) {
        why_set(why, "the database %s is gone, only its write-ahead log was left", config->path);
    }
    if (info->quarantined) {
        err = sqlite_file_move_aside(config->path, config->now_s, why);
        if (err) {
            return err;
        }
    }
    return create_new(s, config, why);
}

static enum fp_err count_boot(struct sqlite_store *s, const char *path, struct store_info *info, uint64_t *out_scrub, struct why why)
{
    struct query q = store_query(s, SQL_BOOT);
    int rc = query_step(&q);

    if (rc == SQLITE_ROW) {
        info->epoch = column_u64(q.stmt, 0);
        info->boot = column_u64(q.stmt, 1);
        *out_scrub = column_u64(q.stmt, 2);
        rc = query_step(&q); /* the commit comes with the last step */
    }
    enum fp_err err = say(s, store_note(s, rc), "cannot write to the database", path, why);
    query_end(&q);
    if (err) {
        return err;
    }
    q = store_query(s, SQL_CHANGE);
    rc = query_step(&q);
    info->change = rc == SQLITE_ROW ? column_u64(q.stmt, 0) : 0;
    return say(s, store_loaded(s, &q, rc, true), "cannot read the database", path, why);
}

static enum fp_err open_locked(struct sqlite_store *s, const struct sqlite_store_config *config, struct store_info *info, struct why why)
{
    uint64_t scrub = 0;
    enum fp_err err = open_or_replace(s, config, info, why);

    if (err) {
        return err;
    }
    err = count_boot(s, config->path, info, &scrub, why);
    if (err) {
        return err;
    }
    err = say(s, archive_open(s, config), "cannot read the database", config->path, why);
    if (err) {
        return err;
    }
    (void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL); /* it is ours now */
    s->scrub_due = scrub != 0;
    if (scrub == 1) {
        (void)store_scrub(s, UINT32_MAX); /* what a crash left undone. If it cannot be done now it stays due */
    }
    return FP_OK;
}

enum fp_err sqlite_store_open(struct sqlite_store **out, const struct sqlite_store_config *config, struct store_info *out_info, char *out_why,
                              size_t why_cap)
{
    struct why why = {.text = out_why, .cap = why_cap};
    struct store_info info = {0};

    *out = NULL;
    why_set(why, "%s", "");
    struct sqlite_store *s = calloc(1, sizeof *s);
    if (!s) {
        why_set(why, "no memory for the database");
        return FP_ENOMEM;
    }
    s->checkpoint_at = SQLITE_STORE_WAL_FRAMES;
    enum fp_err err = sqlite_file_lock(config->path, &s->lock_fd, why);
    if (!err) {
        err = open_locked(s, config, &info, why);
    }
    if (err) {
        archive_close(s);
        disconnect(s);
        if (s->lock_fd >= 0) {
            (void)close(s->lock_fd); /* nothing was written through it */
        }
        free(s);
        return err;
    }
    *out_info = info;
    *out = s;
    return FP_OK;
}

void sqlite_store_close(struct sqlite_store *s)
{
    if (!s) {
        return;
    }
    store_enter(s);
    store_rollback(s);
    archive_close(s);
    /* While an access reader is open our close is not the last one, and would leave the WAL as it is. What fails here fails nobody. */
    (void)sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    disconnect(s);
    (void)close(s->lock_fd); /* nothing was written through it */
    free(s);
}
