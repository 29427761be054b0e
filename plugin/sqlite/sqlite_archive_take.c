/* What leaves the archive: runs that become rows again, files that are to be erased. */
#include <errno.h>
#include <inttypes.h>

#include "plugin/sqlite/sqlite_impl.h"
#include "plugin/sqlite/sqlite_schema.h"

#define ERASES_A_STEP 4
#define LOOKS_A_STEP 64

int archive_gone_add(struct sqlite_store *s, const char *name)
{
    struct query q = store_query(s, SQL_GONE_ADD);

    query_name(&q, name);
    s->archive.gone_due = true; /* should the transaction fail there is one look for nothing */
    return query_run(&q);
}

int archive_gone_drop(struct sqlite_store *s, const char *name)
{
    struct query q = store_query(s, SQL_GONE_DROP);

    query_name(&q, name);
    return query_run(&q);
}

enum fp_err archive_forget(struct sqlite_store *s, const struct segment *seg)
{
    struct query q = store_query(s, SQL_SEGMENT_DROP);

    query_u64(&q, store_key(seg->cid, seg->first));
    int rc = query_run(&q);
    rc = rc == SQLITE_OK ? archive_gone_add(s, seg->name) : rc;
    struct archive_mark *known = archive_mark_of(&s->archive, seg->name);
    if (known) {
        known->name[0] = '\0'; /* there is something else to be said of it now */
    }
    return rc == SQLITE_OK ? FP_OK : store_refuse(s, rc);
}

static int put_row(struct sqlite_store *s, uint64_t cid, const struct store_run *run)
{
    struct query q = store_query(s, SQL_APPEND);

    query_u64(&q, store_key(cid, run->first));
    query_u64(&q, run->last);
    query_u64(&q, run->msgs);
    query_u64(&q, run->at.ms);
    query_bytes(&q, run->events);
    query_bytes(&q, fp_bytes_of(run->chain, sizeof run->chain));
    return query_run(&q);
}

enum fp_err archive_bring_back(struct sqlite_store *s, const struct segment *seg)
{
    struct fp_bytes rest;
    struct store_run run;
    int rc = SQLITE_OK;
    enum fp_err err = archive_load(s, seg, &rest);

    if (err) {
        return store_refuse_with(s, err, "what is to be changed lies in the archive and cannot be read");
    }
    while (rc == SQLITE_OK && segment_next(&rest, &run)) {
        rc = put_row(s, seg->cid, &run);
    }
    archive_let_go(&s->archive);
    return rc == SQLITE_OK ? archive_forget(s, seg) : store_refuse(s, rc);
}

/* The file first, its name after it (A2). FP_EUNKNOWN: it is not there. */
static enum fp_err erase_one(struct sqlite_store *s, const char *name)
{
    char text[160] = "";
    bool there = false;

    struct segment_stamp stamp;
    int code = segment_look(archive_dir_of(s), name, &stamp);
    if (!s->archive.own_dir || code == ENOENT || code == ENOTDIR) {
        return FP_EUNKNOWN;
    }
    enum fp_err err = store_begin(s); /* no commit of before can come back from here on */
    if (!err) {
        err = segment_erase(s->archive.own_dir, name, &there, (struct why){.text = text, .cap = sizeof text});
    }
    if (!err && there) {
        int rc = archive_gone_drop(s, name);
        err = rc == SQLITE_OK ? store_commit(s) : store_refuse(s, rc);
    }
    store_rollback(s);
    if (err) {
        archive_say(s, "%s/%s is not needed any more, but could not be erased (%s)", s->archive.own_dir, name, text[0] ? text : fp_err_name(err));
    }
    return err ? err : there ? FP_OK : FP_EUNKNOWN;
}

static enum fp_err next_gone(struct sqlite_store *s, char out[SEGMENT_NAME_MAX], bool *out_found)
{
    struct query q = store_query(s, SQL_GONE_NEXT);

    query_name(&q, s->archive.gone_after);
    int rc = query_step(&q);
    *out_found = rc == SQLITE_ROW;
    bool readable = rc != SQLITE_ROW || column_name(q.stmt, 0, out);
    return store_loaded(s, &q, rc, readable);
}

/* What is not there may be where the operator has moved it: its name stays. */
static void say_missing(struct sqlite_store *s, const char *name)
{
    const struct segment_stamp nowhere = {0};

    s->archive.gone_kept = true;
    if (!archive_mark_of(&s->archive, name)) {
        archive_mark(&s->archive, name, &nowhere, false);
        archive_say(s, "%s is not needed any more, and is not in archive_dir: if it was moved away, delete it there", name);
    }
}

enum fp_err archive_erase(struct sqlite_store *s)
{
    struct archive *a = &s->archive;
    char name[SEGMENT_NAME_MAX];
    size_t erased = 0;
    bool found = a->gone_due;
    enum fp_err err = FP_OK;

    for (size_t looks = 0; found && looks < LOOKS_A_STEP && erased < ERASES_A_STEP; looks++) {
        err = next_gone(s, name, &found);
        if (err || !found) {
            break;
        }
        enum fp_err one = erase_one(s, name); /* an error has been said; the others have their turn */
        erased += one != FP_EUNKNOWN;
        if (one == FP_EUNKNOWN) {
            say_missing(s, name);
        }
        a->gone_kept = a->gone_kept || one != FP_OK;
        memcpy(a->gone_after, name, sizeof name);
    }
    if (found) {
        return err ? err : FP_EBUSY;
    }
    a->gone_due = false;
    a->gone_after[0] = '\0';
    return err;
}
