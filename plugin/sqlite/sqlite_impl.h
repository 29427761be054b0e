/*
 * sqlite_impl.h: what the store's own files share.
 *
 * Invariants  I1 in_tx is true exactly while a transaction of ours is open; a save that fails ends it (T2).
 *             I2 `lent` is the one statement whose row somebody outside may still be reading; store_enter() takes it back.
 */
#ifndef PLUGIN_SQLITE_SQLITE_IMPL_H
#define PLUGIN_SQLITE_SQLITE_IMPL_H

#include "plugin/sqlite/sqlite_segment.h"
#include "plugin/sqlite/sqlite_sql.h"
#include "plugin/sqlite/sqlite_store.h"

/* A checkpoint runs between batches, on the engine's thread. Short WALs are overwritten sooner, and a sync that need not grow the file is cheaper
 * (0.4 against 0.55 ms here); long ones write a page that changes often fewer times. At 1,000 commands a second the 99th percentile of the acks was
 * 5.3 ms with 1,000 frames and a checkpoint at the end of each commit that reached them, 3.0 ms at the beginning of the next, 2.0 ms with 4,000. */
#define SQLITE_STORE_WAL_FRAMES 4000

#define ARCHIVE_MARKS 32
#define ARCHIVE_LINES 8
#define ARCHIVE_LINE_BYTES 384

struct archive_mark { /* of a file that could not be used, so that this is said once and a bad one is read once */
    char name[SEGMENT_NAME_MAX];
    struct segment_stamp stamp;
    bool try_again; /* it is there, but the disk did not give it */
};

struct archive {
    char *own_dir; /* NULL: there is none */
    uint64_t (*random)(void *arg);
    void *random_arg;
    uint64_t cid;  /* where the next step goes on */
    bool any;      /* are there any segments? */
    bool gone_due; /* may there be files to erase? */
    bool gone_kept;
    char gone_after[SEGMENT_NAME_MAX];
    char held[SEGMENT_NAME_MAX]; /* the segment whose runs are in memory; "": none */
    struct segment_stamp held_stamp;
    uint8_t *own_runs;
    size_t runs_len;
    struct archive_mark marks[ARCHIVE_MARKS];
    size_t next_mark;
    char lines[ARCHIVE_LINES][ARCHIVE_LINE_BYTES];
    size_t first_line, line_count;
};

struct sqlite_store {
    sqlite3 *db;
    sqlite3_stmt *stmt[SQL_STORE_COUNT];
    sqlite3_stmt *lent;
    int lock_fd;
    bool in_tx;
    bool in_callback;
    bool fence_due;            /* a commit failed: what it may have left in the WAL must be overwritten */
    int wal_frames;            /* in the WAL after the last commit */
    int checkpoint_at;         /* frames */
    uint64_t prune_did;        /* where the next prune goes on */
    struct store_advance trim; /* the last one that trim_advances() looked at; cid 0: it begins at the first */
    bool scrub_due;            /* bytes that nobody may find any more may be in the files */
    uint32_t scrub_next;       /* page, from 0 */
    uint32_t scrub_left;       /* pages of this round; 0: a new round */
    struct archive archive;
    char last_error[256];
};

void store_enter(struct sqlite_store *s);
struct query store_query(struct sqlite_store *s, enum sql which);
/* Keeps the message, says what it means. */
enum fp_err store_note(struct sqlite_store *s, int rc);
/* The same for a save: the transaction is gone with it. T2 */
enum fp_err store_refuse(struct sqlite_store *s, int rc);
enum fp_err store_refuse_with(struct sqlite_store *s, enum fp_err err, const char *text);
/* Ends a query that loaded: an error of its last step, or of a row that could not be read. */
enum fp_err store_loaded(struct sqlite_store *s, struct query *q, int rc, bool readable);
enum fp_err store_begin(struct sqlite_store *s);
enum fp_err store_commit(struct sqlite_store *s);
void store_rollback(struct sqlite_store *s);
/* A transaction that changes nothing but its own count: what stood at its place in the WAL is void. */
enum fp_err store_fence(struct sqlite_store *s);

/* FP_ECORRUPT without one; FP_EIO if SQLite has ended it behind our back, as it may after an I/O error. */
enum fp_err store_need_tx(struct sqlite_store *s);
/* Is there a row for this key? For what has to exist before something hangs on it. */
enum fp_err store_need_row(struct sqlite_store *s, enum sql which, uint64_t key);
/* Of a conversation; refuse where it is not there. The head is that of the last run, or the floor. */
enum fp_err store_need_floor(struct sqlite_store *s, uint64_t cid, uint64_t *out_floor);
enum fp_err store_need_head(struct sqlite_store *s, uint64_t cid, uint64_t *out_head);
/* Ends a query for one number; 0 where there is no row. */
int store_number(struct query *q, uint64_t *out);
/* The last seq or n of an owner's runs or answers; 0 if there are none. */
int store_last(struct sqlite_store *s, enum sql which, uint64_t owner, uint64_t *out_last);
uint64_t store_key(uint64_t owner, uint64_t seq);
/* Does one more row of the owner still have a key? */
bool store_key_fits(uint64_t owner, uint64_t last);
enum fp_err store_refuse_key(struct sqlite_store *s, uint64_t owner);

/* Eats CONV_COLUMNS, MEMBER_COLUMNS from a column on. False if what is there cannot be ours. */
bool column_conv(sqlite3_stmt *stmt, int column, struct store_conv *out);
bool column_member(sqlite3_stmt *stmt, int column, struct store_member *out);
#define CONV_COLUMN_COUNT 11
/* Zeros where there is none. */
bool column_chain(sqlite3_stmt *stmt, int column, uint8_t out[32]);

/* In a transaction that takes bytes away for good: the next scrub has work to do, also after a crash. */
enum fp_err store_scrub_due(struct sqlite_store *s);
/* The same for bytes of the trunk, which come and go all the time: after a crash they wait for the next scrub(), and a round goes on. */
enum fp_err store_scrub_later(struct sqlite_store *s);
/* Goes over at most max_pages. FP_EBUSY: not all has been seen yet, or a reader is in the way. */
enum fp_err store_scrub(struct sqlite_store *s, uint32_t max_pages);
/* After a checkpoint, while a scrub is due: the pages that it has just written, so that none can slip past the round. */
int store_scrub_frames(struct sqlite_store *s);

/* In the order of SQL_RUNS. */
bool column_run(sqlite3_stmt *stmt, uint64_t cid, struct store_run *out);
/* For the operator. */
void archive_say(struct sqlite_store *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The first segment that holds any of from..to. */
enum fp_err archive_find(struct sqlite_store *s, uint64_t cid, uint64_t from, uint64_t to, struct segment *out, bool *out_found);
/* Its runs, in memory until the next one is loaded. FP_EAGAIN: it is away. */
enum fp_err archive_load(struct sqlite_store *s, const struct segment *seg, struct fp_bytes *out_runs);
/* Hands out those runs that hold any of from..to. */
enum fp_err archive_each(struct sqlite_store *s, const struct segment *seg, uint64_t from, uint64_t to, store_run_fn fn, void *arg, bool *out_go_on);
/* In a transaction: the runs are rows again, and the file is to be erased. Refuses like a save. */
enum fp_err archive_bring_back(struct sqlite_store *s, const struct segment *seg);
/* In a transaction: the segment is no more, and the file is to be erased. */
enum fp_err archive_forget(struct sqlite_store *s, const struct segment *seg);
/* Erases what is to be erased, a few files at a time. FP_EBUSY: there are more. */
enum fp_err archive_erase(struct sqlite_store *s);
const char *archive_dir_of(const struct sqlite_store *s); /* "": there is none */
/* Frees the runs that are held in memory. */
void archive_let_go(struct archive *a);
struct archive_mark *archive_mark_of(struct archive *a, const char *name); /* NULL: none */
void archive_mark(struct archive *a, const char *name, const struct segment_stamp *stamp, bool try_again);
int archive_gone_add(struct sqlite_store *s, const char *name);
int archive_gone_drop(struct sqlite_store *s, const char *name);
/* A name of ours goes into no other directory. */
bool column_name(sqlite3_stmt *stmt, int column, char out[SEGMENT_NAME_MAX]);
void query_name(struct query *q, const char *name);
enum fp_err archive_open(struct sqlite_store *s, const struct sqlite_store_config *config);
void archive_close(struct sqlite_store *s);

void store_archive_make_port(struct store_port *p);
void store_archive_port(struct store_port *p);
void store_conv_port(struct store_port *p);
void store_member_port(struct store_port *p);
void store_device_port(struct store_port *p);
void store_receipts_port(struct store_port *p);
void store_advance_port(struct store_port *p);
void store_change_port(struct store_port *p);
void store_scrub_port(struct store_port *p);
void store_people_port(struct store_port *p);
void store_trunk_port(struct store_port *p);
void store_branch_port(struct store_port *p);
void store_room_port(struct store_port *p);

#endif
