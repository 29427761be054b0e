/* What goes into the archive. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "plugin/sqlite/sqlite_impl.h"
#include "plugin/sqlite/sqlite_schema.h"

#define LOOKS_A_STEP 64

struct candidate {
    uint64_t cid;
    struct fp_id id;
    uint64_t retention_days;
};

static enum fp_err next_conv(struct sqlite_store *s, struct candidate *out, bool *out_found)
{
    struct query q = store_query(s, SQL_ARCHIVE_NEXT);
    bool readable = true;

    query_u64(&q, s->archive.cid);
    int rc = query_step(&q);
    *out_found = rc == SQLITE_ROW;
    if (rc == SQLITE_ROW) {
        *out = (struct candidate){.cid = column_u64(q.stmt, 0), .retention_days = column_u64(q.stmt, 2)};
        readable = column_id(q.stmt, 1, &out->id);
    }
    s->archive.cid = *out_found && readable ? out->cid : 0;
    return store_loaded(s, &q, rc, readable);
}

struct gathering {
    struct segment_build build;
    struct segment seg;
    uint64_t head;
    struct fp_wall before;
    bool full; /* no more would fit, or follow without a gap */
    bool due;
};

/* False: this one is not for the file. */
static bool gather(struct gathering *g, const struct store_run *run, enum fp_err *out_err)
{
    struct segment *seg = &g->seg;
    size_t more = run->events.len + 128;

    if (run->last >= g->head || run->at.ms >= g->before.ms) {
        return false;
    }
    g->full = seg->runs > 0 && (run->first != seg->last + 1 || g->build.len + more > SEGMENT_RAW_BYTES);
    if (g->full) {
        return false;
    }
    *out_err = segment_add(&g->build, run);
    if (*out_err) {
        return false;
    }
    seg->first = seg->runs == 0 ? run->first : seg->first;
    seg->last = run->last;
    seg->msgs = run->msgs;
    seg->at = run->at;
    seg->runs++;
    memcpy(seg->chain, run->chain, sizeof seg->chain);
    return true;
}

static enum fp_err gather_all(struct sqlite_store *s, struct gathering *g, struct fp_wall overdue)
{
    struct store_run run;
    bool readable = true;
    enum fp_err err = FP_OK;
    bool go_on = true;
    int rc = store_last(s, SQL_HEAD, g->seg.cid, &g->head);

    if (rc != SQLITE_OK) {
        return store_note(s, rc);
    }
    struct query q = store_query(s, SQL_RUNS);
    query_u64(&q, store_key(g->seg.cid, 0));
    query_u64(&q, store_key(g->seg.cid, 0));
    query_u64(&q, store_key(g->seg.cid, UINT64_MAX));
    while (go_on && (rc = query_step(&q)) == SQLITE_ROW) {
        readable = column_run(q.stmt, g->seg.cid, &run);
        g->due = g->due || (g->seg.runs == 0 && run.at.ms < overdue.ms);
        go_on = readable && gather(g, &run, &err);
    }
    enum fp_err loaded = store_loaded(s, &q, rc, readable);
    g->due = (g->due || g->full) && g->seg.runs > 0;
    return loaded ? loaded : err;
}

static enum fp_err announce(struct sqlite_store *s, const char *name)
{
    enum fp_err err = store_begin(s);

    if (err) {
        return err;
    }
    int rc = archive_gone_add(s, name);
    return rc == SQLITE_OK ? store_commit(s) : store_refuse(s, rc);
}

static enum fp_err put_in_place(struct sqlite_store *s, const struct segment *seg)
{
    enum fp_err err = store_begin(s);

    if (err) {
        return err;
    }
    struct query q = store_query(s, SQL_SEGMENT_ADD);
    query_u64(&q, store_key(seg->cid, seg->first));
    query_u64(&q, seg->last);
    query_u64(&q, seg->msgs);
    query_u64(&q, seg->at.ms);
    query_u64(&q, seg->runs);
    query_u64(&q, seg->bytes);
    query_bytes(&q, fp_bytes_of(seg->sha256, sizeof seg->sha256));
    query_bytes(&q, fp_bytes_of(seg->chain, sizeof seg->chain));
    query_name(&q, seg->name);
    int rc = query_run(&q);
    rc = rc == SQLITE_OK ? archive_gone_drop(s, seg->name) : rc;
    if (rc == SQLITE_OK) {
        q = store_query(s, SQL_RUNS_DROP);
        query_u64(&q, store_key(seg->cid, seg->first));
        query_u64(&q, store_key(seg->cid, seg->last));
        rc = query_run(&q);
    }
    s->archive.any = true;
    return rc == SQLITE_OK ? store_commit(s) : store_refuse(s, rc);
}

static enum fp_err make(struct sqlite_store *s, const struct candidate *c, struct gathering *g)
{
    struct archive *a = &s->archive;
    struct segment *seg = &g->seg;
    uint8_t *file = NULL;
    char text[160] = "";
    enum fp_err err = segment_pack(&g->build, &c->id, seg, &file);

    (void)snprintf(seg->name, sizeof seg->name, "fp-%.*s-%" PRIu64 "-%" PRIu64 "-%08" PRIx32 ".seg", (int)c->id.len, c->id.text, seg->first,
                   seg->last, (uint32_t)a->random(a->random_arg));
    if (!err) {
        err = announce(s, seg->name);
    }
    if (!err) {
        err = segment_write(a->own_dir, seg->name, fp_bytes_of(file, (size_t)seg->bytes), (struct why){.text = text, .cap = sizeof text});
    }
    free(file);
    if (!err) {
        err = put_in_place(s, seg);
    }
    if (err) {
        archive_say(s, "%s/%s could not be made, its events stay in the database (%s)", a->own_dir, seg->name, text[0] ? text : fp_err_name(err));
    }
    return err;
}

/* *out_looked: runs were read, which is enough for one step. */
static enum fp_err consider(struct sqlite_store *s, const struct candidate *c, struct fp_wall before, struct fp_wall overdue, bool *out_looked)
{
    struct gathering g = {.seg = {.cid = c->cid}, .before = before};
    enum fp_err err = gather_all(s, &g, overdue);

    *out_looked = g.seg.runs > 0;
    if (!err && g.due) {
        err = make(s, c, &g);
        s->archive.cid -= !err && g.full; /* there is more of it */
    }
    free(g.build.own_raw);
    return err;
}

static enum fp_err archive(void *ctx, struct fp_wall before, struct fp_wall overdue, bool *out_more)
{
    struct sqlite_store *s = ctx;
    struct candidate c;
    bool looked = false;
    bool found = true;

    *out_more = false;
    store_enter(s);
    if (s->in_tx) {
        return FP_ECORRUPT;
    }
    if (!s->archive.own_dir) {
        return FP_OK;
    }
    enum fp_err err = archive_erase(s);
    if (err) {
        *out_more = err == FP_EBUSY;
        return *out_more ? FP_OK : err;
    }
    for (size_t i = 0; i < LOOKS_A_STEP && found && !looked && !err; i++) {
        err = next_conv(s, &c, &found);
        if (!err && found && c.retention_days == 0) {
            err = consider(s, &c, before, overdue, &looked);
        }
    }
    *out_more = !err && found;
    if (!found) {
        s->archive.gone_due = s->archive.gone_kept;
        s->archive.gone_kept = false;
    }
    return err;
}

void store_archive_make_port(struct store_port *p)
{
    p->archive = archive;
}
