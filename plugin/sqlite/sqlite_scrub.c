/*
 * Nothing of a rewritten or dropped run may be left in any file. secure_delete overwrites a deleted cell and a freed page, but when SQLite
 * rebuilds a page it only moves cells, and what stood in the gap between the cell pointers and the cells stays there. Copies of a row that has
 * long moved on to another page lie about like that, anywhere in the file, and no statement reaches them. So: move the whole WAL into the file,
 * cut it off, and overwrite the gaps (and free blocks) of every b-tree page in the file itself.
 *
 * Invariants  W1 only bytes that mean nothing to SQLite are written, whatever the page of the file is a version of: readers may go on.
 *             W2 the WAL is empty when a piece of the file is gone over and the page cache is dropped after it: what comes later is made from
 *                clean pages.
 *             W3 a page that was changed while a round is under way may carry remains to a place where the round has been: every checkpoint
 *                meanwhile goes over the pages it has written.
 * Source      https://www.sqlite.org/fileformat2.html (1.6 B-tree pages, 4.1 WAL file format)
 */
#include <stdlib.h>

#include "plugin/sqlite/sqlite_impl.h"

#define SLICE_PAGES 4096  /* a call: 16 MB, some 10 ms where the system has them in memory */
#define READER_WAIT_MS 20 /* a look-up of the broker's thread is over by then */
#define USUAL_WAIT_MS 200

#define HEADER_BYTES 100 /* of the file, in its first page */
#define WAL_HEADER_BYTES 32
#define FRAME_HEADER_BYTES 24

struct scrub {
    sqlite3_file *file;
    uint32_t page_bytes;
    uint32_t usable;
    uint32_t pages;
    bool wrote;
    uint8_t *page;
};

static uint32_t be16(const uint8_t *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t be32(const uint8_t *p)
{
    return be16(p) << 16 | be16(p + 2);
}

static int scrub_open(struct scrub *c, sqlite3 *db)
{
    uint8_t header[HEADER_BYTES];
    sqlite3_int64 size = 0;

    *c = (struct scrub){0};
    int rc = sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &c->file);
    rc = rc == SQLITE_OK ? c->file->pMethods->xFileSize(c->file, &size) : rc;
    rc = rc == SQLITE_OK ? c->file->pMethods->xRead(c->file, header, sizeof header, 0) : rc;
    if (rc != SQLITE_OK) {
        return rc;
    }
    c->page_bytes = be16(header + 16) == 1 ? 65536 : be16(header + 16);
    if (c->page_bytes < 512 || header[20] > c->page_bytes - 480) {
        return SQLITE_CORRUPT;
    }
    c->usable = c->page_bytes - header[20];
    c->pages = (uint32_t)(size / c->page_bytes);
    c->page = malloc(c->page_bytes);
    return c->page ? SQLITE_OK : SQLITE_NOMEM;
}

static int scrub_close(struct scrub *c, sqlite3 *db, int rc)
{
    if (c->wrote) {
        int sync = c->file->pMethods->xSync(c->file, SQLITE_SYNC_NORMAL);
        rc = rc == SQLITE_OK ? sync : rc;
    }
    (void)sqlite3_db_release_memory(db); /* W2; always SQLITE_OK */
    free(c->page);
    return rc;
}

/* Bytes from..to of the page that is in memory, unless they are zero already. */
static int wipe(struct scrub *c, uint32_t number, uint32_t from, uint32_t to)
{
    while (from < to && c->page[from] == 0) {
        from++;
    }
    if (from >= to) {
        return SQLITE_OK;
    }
    memset(c->page + from, 0, to - from);
    c->wrote = true;
    return c->file->pMethods->xWrite(c->file, c->page + from, (int)(to - from), (sqlite3_int64)number * c->page_bytes + from);
}

static int wipe_free_blocks(struct scrub *c, uint32_t number, uint32_t at, uint32_t lowest)
{
    int rc = SQLITE_OK;

    while (rc == SQLITE_OK && at >= lowest && at + 4 <= c->usable) { /* they ascend; 0 ends them */
        uint32_t size = be16(c->page + at + 2);
        if (size < 4 || at + size > c->usable) {
            break;
        }
        rc = wipe(c, number, at + 4, at + size);
        lowest = at + size;
        at = be16(c->page + at);
    }
    return rc;
}

/*
 * Page `number`, from 0. An overflow page begins with the number of the next one or 0: below 2^25 pages (137 GB, which is above any quota that
 * makes sense here) that is never taken for the type of a b-tree page, and above it such a page is rather left as it is.
 */
static int scrub_page(struct scrub *c, uint32_t number)
{
    const uint32_t at = number == 0 ? HEADER_BYTES : 0;
    int rc = c->file->pMethods->xRead(c->file, c->page, (int)c->page_bytes, (sqlite3_int64)number * c->page_bytes);

    if (rc != SQLITE_OK) {
        return rc;
    }
    const uint8_t type = c->page[at];
    const bool leaf = type == 10 || type == 13;
    if ((!leaf && type != 2 && type != 5) || (number > 0 && be32(c->page) <= c->pages)) {
        return SQLITE_OK;
    }
    uint32_t from = at + (leaf ? 8 : 12) + 2 * be16(c->page + at + 3);
    uint32_t to = be16(c->page + at + 5);
    to = to == 0 ? 65536 : to;
    if (from > to || to > c->usable) {
        return SQLITE_OK; /* a free page that once was something else */
    }
    rc = wipe(c, number, from, to);
    return rc == SQLITE_OK ? wipe_free_blocks(c, number, be16(c->page + at + 1), to) : rc;
}

/* The pages of which the WAL holds frames, in the file. */
static int scrub_frames(struct scrub *c, sqlite3 *db, int frames)
{
    sqlite3_file *wal = NULL;
    uint8_t number[4];
    int rc = sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &wal);

    for (int i = 0; rc == SQLITE_OK && i < frames; i++) {
        sqlite3_int64 at = WAL_HEADER_BYTES + (sqlite3_int64)i * (FRAME_HEADER_BYTES + (sqlite3_int64)c->page_bytes);
        rc = wal->pMethods->xRead(wal, number, sizeof number, at);
        if (rc == SQLITE_OK && be32(number) >= 1 && be32(number) <= c->pages) {
            rc = scrub_page(c, be32(number) - 1);
        }
    }
    return rc;
}

int store_scrub_frames(struct sqlite_store *s)
{
    struct scrub c;
    int rc = scrub_open(&c, s->db);

    rc = rc == SQLITE_OK ? scrub_frames(&c, s->db, s->wal_frames) : rc;
    return scrub_close(&c, s->db, rc);
}

/*
 * All of the WAL into the file (W3), then none of it is left. A disk that loses power may forget the cut, and may give back only the first part of
 * what was cut off: old versions of some pages. So a transaction starts the WAL anew before, which makes all that void.
 */
static enum fp_err empty_wal(struct sqlite_store *s)
{
    int in_wal = 0;
    int done = 0;
    int rc = sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_PASSIVE, &in_wal, &done);

    if (rc == SQLITE_OK && done < in_wal) {
        return FP_EBUSY;
    }
    rc = rc == SQLITE_OK ? store_scrub_frames(s) : rc;
    enum fp_err err = rc == SQLITE_OK ? store_fence(s) : store_note(s, rc);
    if (err || (in_wal > 0 && s->wal_frames > in_wal)) {
        return err ? err : FP_EBUSY; /* it was not started anew: a reader is still at its end */
    }
    rc = sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    if (rc == SQLITE_OK) {
        s->wal_frames = 0;
        s->checkpoint_at = SQLITE_STORE_WAL_FRAMES;
    }
    return store_note(s, rc);
}

static enum fp_err scrub_slice(struct sqlite_store *s, uint32_t max_pages)
{
    struct scrub c;
    int rc = scrub_open(&c, s->db);

    if (s->scrub_left == 0 || s->scrub_left > c.pages) {
        s->scrub_left = c.pages; /* a new round, from wherever the last one has come */
    }
    for (; rc == SQLITE_OK && s->scrub_left > 0 && max_pages > 0; max_pages--) {
        s->scrub_next = s->scrub_next < c.pages ? s->scrub_next : 0;
        rc = scrub_page(&c, s->scrub_next);
        if (rc == SQLITE_OK) {
            s->scrub_next++;
            s->scrub_left--;
        }
    }
    rc = scrub_close(&c, s->db, rc);
    return rc == SQLITE_OK && s->scrub_left > 0 ? FP_EBUSY : store_note(s, rc);
}

enum fp_err store_scrub_due(struct sqlite_store *s)
{
    struct query q = store_query(s, SQL_SCRUB_DUE);
    int rc = query_run(&q);

    s->scrub_due = true; /* should the transaction fail this costs one round */
    s->scrub_left = 0;   /* what has been gone over may get new remains */
    return rc == SQLITE_OK ? FP_OK : store_refuse(s, rc);
}

/* A round that is under way goes on: where it has been nothing is left of what goes now, and what this transaction changes is gone over by W3. */
enum fp_err store_scrub_later(struct sqlite_store *s)
{
    struct query q = store_query(s, SQL_SCRUB_LATER);
    int rc = query_run(&q);

    s->scrub_due = true;
    return rc == SQLITE_OK ? FP_OK : store_refuse(s, rc);
}

enum fp_err store_scrub(struct sqlite_store *s, uint32_t max_pages)
{
    store_enter(s);
    if (s->in_tx) {
        return FP_ECORRUPT;
    }
    enum fp_err err = archive_erase(s);
    if (err || !s->scrub_due) {
        return err;
    }
    (void)sqlite3_busy_timeout(s->db, READER_WAIT_MS);
    err = empty_wal(s);
    err = err ? err : scrub_slice(s, max_pages);
    (void)sqlite3_busy_timeout(s->db, USUAL_WAIT_MS);
    if (err) {
        return err;
    }
    struct query q = store_query(s, SQL_SCRUB_DONE);
    err = store_note(s, query_run(&q));
    s->scrub_due = err != FP_OK;
    return err;
}

static enum fp_err port_scrub(void *ctx)
{
    return store_scrub(ctx, SLICE_PAGES);
}

void store_scrub_port(struct store_port *p)
{
    p->scrub = port_scrub;
}
