/*
 * Old runs in files of their own (sqlite_segment.h). The table says which file holds which runs; a file that it does not name is never read.
 *
 * Invariants  A2 a name is in segment_gone before its file is begun, and leaves it in the transaction in which the table names the file: what a
 *                crash leaves unfinished is found and erased.
 *             A3 the runs are rows until that very transaction, and are rows again in the one that takes the file's name away.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "plugin/sqlite/sqlite_impl.h"
#include "plugin/sqlite/sqlite_schema.h"

void archive_say(struct sqlite_store *s, const char *format, ...)
{
    struct archive *a = &s->archive;
    va_list args;

    if (a->line_count == ARCHIVE_LINES) {
        return; /* the first ones say enough */
    }
    char *line = a->lines[(a->first_line + a->line_count) % ARCHIVE_LINES];
    va_start(args, format);
    (void)vsnprintf(line, ARCHIVE_LINE_BYTES, format, args); /* cut off rather than left out */
    va_end(args);
    a->line_count++;
}

static const char *line(void *ctx)
{
    struct sqlite_store *s = ctx;
    struct archive *a = &s->archive;

    store_enter(s);
    if (a->line_count == 0) {
        return NULL;
    }
    const char *text = a->lines[a->first_line];
    a->first_line = (a->first_line + 1) % ARCHIVE_LINES;
    a->line_count--;
    return text;
}

bool column_name(sqlite3_stmt *stmt, int column, char out[SEGMENT_NAME_MAX])
{
    struct fp_bytes b = column_bytes(stmt, column);

    memset(out, 0, SEGMENT_NAME_MAX);
    if (b.len == 0 || b.len >= SEGMENT_NAME_MAX || memchr(b.p, '/', b.len) || memchr(b.p, 0, b.len)) {
        return false;
    }
    memcpy(out, b.p, b.len);
    return true;
}

void query_name(struct query *q, const char *name)
{
    query_bytes(q, fp_bytes_of(name, strlen(name)));
}

static bool column_segment(sqlite3_stmt *stmt, struct segment *out)
{
    uint64_t key = column_u64(stmt, 0);
    struct fp_bytes hash = column_bytes(stmt, 6);

    *out = (struct segment){
        .cid = key >> SQLITE_KEY_BITS,
        .first = key & SQLITE_KEY_SEQ_MAX,
        .last = column_u64(stmt, 1),
        .msgs = column_u64(stmt, 2),
        .at = {column_u64(stmt, 3)},
        .runs = column_u64(stmt, 4),
        .bytes = column_u64(stmt, 5),
    };
    if (hash.len != sizeof out->sha256 || out->first == 0 || out->last < out->first || out->bytes > 2 * (uint64_t)SEGMENT_RAW_MAX) {
        return false;
    }
    memcpy(out->sha256, hash.p, hash.len);
    return column_chain(stmt, 7, out->chain) && column_name(stmt, 8, out->name);
}

enum fp_err archive_find(struct sqlite_store *s, uint64_t cid, uint64_t from, uint64_t to, struct segment *out, bool *out_found)
{
    bool readable = true;
    int rc = SQLITE_OK;

    *out_found = false;
    if (!s->archive.any) {
        return FP_OK;
    }
    struct query q = store_query(s, SQL_SEGMENTS);
    query_u64(&q, store_key(cid, 0));
    query_u64(&q, store_key(cid, from));
    query_u64(&q, store_key(cid, to));
    while (readable && !*out_found && (rc = query_step(&q)) == SQLITE_ROW) {
        readable = column_segment(q.stmt, out);
        *out_found = readable && out->last >= from; /* the first one may end before */
    }
    return store_loaded(s, &q, rc, readable);
}

/* ------------------------------------------------------------------ reading */

struct archive_mark *archive_mark_of(struct archive *a, const char *name)
{
    for (size_t i = 0; i < ARCHIVE_MARKS; i++) {
        if (strcmp(a->marks[i].name, name) == 0) {
            return &a->marks[i];
        }
    }
    return NULL;
}

void archive_mark(struct archive *a, const char *name, const struct segment_stamp *stamp, bool try_again)
{
    struct archive_mark *m = archive_mark_of(a, name);

    if (!m) {
        m = &a->marks[a->next_mark];
        a->next_mark = (a->next_mark + 1) % ARCHIVE_MARKS;
    }
    *m = (struct archive_mark){.stamp = *stamp, .try_again = try_again};
    memcpy(m->name, name, strlen(name));
}

void archive_let_go(struct archive *a)
{
    free(a->own_runs);
    a->own_runs = NULL;
    a->held[0] = '\0';
}

const char *archive_dir_of(const struct sqlite_store *s)
{
    return s->archive.own_dir ? s->archive.own_dir : "";
}

static enum fp_err read_file(struct sqlite_store *s, const struct segment *seg, struct why why)
{
    struct archive *a = &s->archive;
    uint8_t *file = NULL;
    enum fp_err err = FP_EAGAIN;

    archive_let_go(a);
    if (a->own_dir) {
        err = segment_read(a->own_dir, seg, &file, why);
    } else {
        why_set(why, "there is no archive_dir");
    }
    if (!err) {
        err = segment_unpack(seg, fp_bytes_of(file, (size_t)seg->bytes), &a->own_runs, &a->runs_len, why);
    }
    free(file);
    return err;
}

enum fp_err archive_load(struct sqlite_store *s, const struct segment *seg, struct fp_bytes *out_runs)
{
    struct archive *a = &s->archive;
    struct segment_stamp stamp;
    char text[160] = "";

    (void)segment_look(archive_dir_of(s), seg->name, &stamp); /* what it says comes again when it is read */
    const struct archive_mark *known = archive_mark_of(a, seg->name);
    bool same = known && segment_same(&known->stamp, &stamp);
    if (same && !known->try_again) {
        return FP_EAGAIN; /* as it was, and that has been said */
    }
    if (strcmp(a->held, seg->name) != 0 || !segment_same(&a->held_stamp, &stamp)) {
        enum fp_err err = read_file(s, seg, (struct why){.text = text, .cap = sizeof text});
        if ((err == FP_EAGAIN || err == FP_EIO) && !same) {
            archive_mark(a, seg->name, &stamp, err == FP_EIO);
            archive_say(s, "events %" PRIu64 " to %" PRIu64 " lie in the archive and cannot be read: %s/%s: %s", seg->first, seg->last,
                        archive_dir_of(s), seg->name, text);
        }
        if (err) {
            return err == FP_EIO ? FP_EAGAIN : err;
        }
        memcpy(a->held, seg->name, sizeof a->held);
        a->held_stamp = stamp;
    }
    if (known) {
        archive_mark_of(a, seg->name)->name[0] = '\0';
        archive_say(s, "%s/%s is there again", archive_dir_of(s), seg->name);
    }
    *out_runs = fp_bytes_of(a->own_runs, a->runs_len);
    return FP_OK;
}

enum fp_err archive_each(struct sqlite_store *s, const struct segment *seg, uint64_t from, uint64_t to, store_run_fn fn, void *arg, bool *out_go_on)
{
    struct store_run run;
    struct fp_bytes rest;
    enum fp_err err = archive_load(s, seg, &rest);

    if (err) {
        return err;
    }
    s->in_callback = true;
    while (*out_go_on && segment_next(&rest, &run) && run.first <= to) {
        run.cid = seg->cid;
        *out_go_on = run.last < from || fn(arg, &run);
    }
    s->in_callback = false;
    return FP_OK;
}

static enum fp_err find_away(void *ctx, uint64_t cid, uint64_t from, struct store_away *out, bool *out_found)
{
    struct sqlite_store *s = ctx;
    struct segment seg;
    bool found = true;
    enum fp_err err = FP_OK;

    store_enter(s);
    *out_found = false;
    while (!err && found && !*out_found && store_key_fits(cid, from)) {
        err = archive_find(s, cid, from, UINT64_MAX, &seg, &found);
        if (!err && found) {
            struct segment_stamp stamp;
            const struct archive_mark *known = archive_mark_of(&s->archive, seg.name);
            (void)segment_look(archive_dir_of(s), seg.name, &stamp); /* not there: all zero */
            *out_found = !stamp.there || (uint64_t)stamp.bytes != seg.bytes || (known && (known->try_again || segment_same(&known->stamp, &stamp)));
            from = seg.last + 1;
        }
    }
    if (!err && *out_found) {
        *out = (struct store_away){.first = seg.first, .last = seg.last, .msgs = seg.msgs, .at = seg.at};
        memcpy(out->chain, seg.chain, sizeof out->chain);
    }
    return err;
}

/* ------------------------------------------------------------------ */

enum fp_err archive_open(struct sqlite_store *s, const struct sqlite_store_config *config)
{
    struct archive *a = &s->archive;
    uint64_t key = 0;

    a->own_dir = config->archive_dir ? strdup(config->archive_dir) : NULL;
    if (config->archive_dir && !a->own_dir) {
        return FP_ENOMEM;
    }
    a->random = config->random;
    a->random_arg = config->random_arg;
    a->gone_due = true;
    struct query q = store_query(s, SQL_SEGMENT_ANY);
    int rc = store_number(&q, &key);
    a->any = key != 0;
    return store_note(s, rc);
}

void archive_close(struct sqlite_store *s)
{
    archive_let_go(&s->archive);
    free(s->archive.own_dir);
}

void store_archive_port(struct store_port *p)
{
    store_archive_make_port(p);
    p->find_away = find_away;
    p->line = line;
}
