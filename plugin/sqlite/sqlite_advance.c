/*
 * When a shown horizon moved, for "who has read this, and when". One advance for each member and message read would be the largest table of
 * all, so a row holds up to ROW_PAIRS of them: the first in its columns, each that follows as two varints, how far seq went on and how many
 * ms went by (zigzag: a wall clock may be set back).
 */
#include "plugin/sqlite/sqlite_impl.h"

#define ROW_PAIRS 48    /* besides the first. More would write more bytes an advance, fewer would cost more rows */
#define VARINT_BYTES 10 /* of 64 bits */
#define PAIR_BYTES (2 * VARINT_BYTES)
#define ROW_BYTES (ROW_PAIRS * PAIR_BYTES)

/* One row, read from its first advance to its last. */
struct walk {
    struct fp_bytes left; /* of the pairs */
    size_t count;         /* pairs read */
    uint64_t seq;
    uint64_t at;
    bool bad; /* what is there was never written by us */
};

static uint64_t take_varint(struct walk *w)
{
    uint64_t v = 0;

    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (w->left.len == 0) {
            break;
        }
        uint8_t byte = w->left.p[0];
        w->left = fp_bytes_of(w->left.p + 1, w->left.len - 1);
        if (shift == 63 && byte > 1) {
            break;
        }
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            return v;
        }
    }
    w->bad = true;
    return 0;
}

static size_t put_varint(uint8_t *p, uint64_t v)
{
    size_t len = 0;

    for (; v >= 0x80; v >>= 7) {
        p[len++] = (uint8_t)(v | 0x80);
    }
    p[len++] = (uint8_t)v;
    return len;
}

static uint64_t zigzag(uint64_t difference)
{
    return difference << 1 ^ (0 - (difference >> 63));
}

static uint64_t unzigzag(uint64_t v)
{
    return v >> 1 ^ (0 - (v & 1));
}

/* From the columns first, at, pairs. */
static struct walk walk_start(sqlite3_stmt *stmt)
{
    struct walk w = {.seq = column_u64(stmt, 0), .at = column_u64(stmt, 1), .left = column_bytes(stmt, 2)};

    w.bad = w.left.len > ROW_BYTES;
    return w;
}

/* False at the end, or where what is there is bad. */
static bool walk_next(struct walk *w)
{
    if (w->bad || w->left.len == 0) {
        return false;
    }
    uint64_t step = take_varint(w);
    uint64_t ms = take_varint(w);
    w->count++;
    w->bad = w->bad || w->count > ROW_PAIRS || step == 0 || step > UINT64_MAX - w->seq;
    if (w->bad) {
        return false;
    }
    w->seq += step;
    w->at += unzigzag(ms);
    return true;
}

static void walk_to_end(struct walk *w)
{
    while (walk_next(w)) {
    }
}

static struct query row_query(struct sqlite_store *s, enum sql which, const struct store_advance *a, uint64_t seq)
{
    struct query q = store_query(s, which);

    query_u64(&q, a->cid);
    query_id(&q, &a->user);
    query_u64(&q, a->kind);
    query_u64(&q, seq);
    return q;
}

static enum fp_err insert_row(struct sqlite_store *s, const struct store_advance *a)
{
    struct query q = row_query(s, SQL_ADVANCE_INSERT, a, a->seq);

    query_u64(&q, a->at.ms);
    int rc = query_run(&q);
    return rc == SQLITE_OK ? FP_OK : store_refuse(s, rc);
}

/* pairs: room for one more; of the row that begins at first, whose end is w. */
static enum fp_err extend_row(struct sqlite_store *s, const struct store_advance *a, uint64_t first, const struct walk *w, uint8_t *pairs, size_t len)
{
    len += put_varint(pairs + len, a->seq - w->seq);
    len += put_varint(pairs + len, zigzag(a->at.ms - w->at));
    struct query q = row_query(s, SQL_ADVANCE_UPDATE, a, first);
    query_bytes(&q, fp_bytes_of(pairs, len));
    int rc = query_run(&q);
    return rc == SQLITE_OK ? FP_OK : store_refuse(s, rc);
}

static enum fp_err add_advance(void *ctx, const struct store_advance *a)
{
    struct sqlite_store *s = ctx;
    uint8_t pairs[ROW_BYTES + PAIR_BYTES];

    store_enter(s);
    enum fp_err err = store_need_tx(s);
    if (!err) {
        err = store_need_row(s, SQL_CONV_EXISTS, a->cid);
    }
    if (err) {
        return err;
    }
    struct query q = row_query(s, SQL_ADVANCE_BEFORE, a, INT64_MAX);
    int rc = query_step(&q);
    if (rc != SQLITE_ROW) {
        query_end(&q);
        return rc == SQLITE_DONE ? insert_row(s, a) : store_refuse(s, rc);
    }
    struct walk w = walk_start(q.stmt);
    uint64_t first = w.seq;
    size_t len = w.bad ? 0 : w.left.len;
    if (len > 0) {
        memcpy(pairs, w.left.p, len);
    }
    walk_to_end(&w);
    query_end(&q); /* w holds no more than numbers from here on */
    if (w.bad) {
        return store_refuse_with(s, FP_ECORRUPT, "a row of advances holds what we never write");
    }
    if (a->seq <= w.seq) {
        return store_refuse_with(s, FP_ECORRUPT, "a horizon does not ascend");
    }
    return w.count < ROW_PAIRS ? extend_row(s, a, first, &w, pairs, len) : insert_row(s, a);
}

/* The first advance in one row that reaches seq. */
static enum fp_err find_in(struct sqlite_store *s, enum sql which, const struct store_advance *a, struct fp_wall *out_at, bool *out_found)
{
    struct query q = row_query(s, which, a, a->seq);
    int rc = query_step(&q);
    struct walk w = {0};

    *out_found = false;
    if (rc == SQLITE_ROW) {
        w = walk_start(q.stmt);
        while (w.seq < a->seq && walk_next(&w)) {
        }
        *out_found = !w.bad && w.seq >= a->seq;
        out_at->ms = *out_found ? w.at : 0;
    }
    return store_loaded(s, &q, rc, !w.bad);
}

static enum fp_err find_advance(void *ctx, uint64_t cid, const struct fp_id *user, enum store_advance_kind kind, uint64_t seq, struct fp_wall *out_at,
                                bool *out_found)
{
    struct sqlite_store *s = ctx;
    const struct store_advance a = {.cid = cid, .user = *user, .kind = kind, .seq = seq < INT64_MAX ? seq : INT64_MAX};

    store_enter(s);
    enum fp_err err = find_in(s, SQL_ADVANCE_BEFORE, &a, out_at, out_found);
    if (!err && !*out_found) {
        err = find_in(s, SQL_ADVANCE_AFTER, &a, out_at, out_found); /* it lies between two rows */
    }
    return err;
}

/* Looks at the row after s->trim and moves there. *out_gone: all it tells is of events up to upto. */
static enum fp_err trim_next(struct sqlite_store *s, uint64_t upto, bool *out_row, bool *out_gone)
{
    struct query q = store_query(s, SQL_ADVANCE_NEXT);
    struct walk w = {0};
    bool readable = true;

    query_u64(&q, s->trim.cid);
    query_id(&q, &s->trim.user);
    query_u64(&q, s->trim.kind);
    query_u64(&q, s->trim.seq);
    int rc = query_step(&q);
    *out_row = rc == SQLITE_ROW;
    if (*out_row) {
        w = walk_start(q.stmt);
        s->trim.seq = w.seq;
        s->trim.kind = (enum store_advance_kind)column_u64(q.stmt, 4);
        readable = column_id(q.stmt, 3, &s->trim.user);
        walk_to_end(&w);
        *out_gone = w.seq <= upto;
    }
    query_end(&q);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
        return store_refuse(s, rc);
    }
    return readable && !w.bad ? FP_OK : store_refuse_with(s, FP_ECORRUPT, "a row of advances holds what we never write");
}

static enum fp_err trim_advances(void *ctx, uint64_t cid, uint64_t upto, size_t limit, bool *out_more)
{
    struct sqlite_store *s = ctx;
    bool row = true;

    store_enter(s);
    *out_more = false;
    enum fp_err err = store_need_tx(s);
    if (err) {
        return err;
    }
    if (s->trim.cid != cid) {
        s->trim = (struct store_advance){.cid = cid}; /* no id sorts before the empty one */
    }
    for (size_t seen = 0; seen < limit; seen++) {
        bool gone = false;
        err = trim_next(s, upto, &row, &gone);
        if (err || !row) {
            break;
        }
        if (gone) {
            struct query q = row_query(s, SQL_ADVANCE_DROP, &s->trim, s->trim.seq);
            int rc = query_run(&q);
            err = rc == SQLITE_OK ? FP_OK : store_refuse(s, rc);
        } else {
            s->trim.seq = INT64_MAX; /* the member's later rows tell of later events */
        }
        if (err) {
            break;
        }
    }
    *out_more = !err && row;
    if (!*out_more) {
        s->trim.cid = 0;
    }
    return err;
}

void store_advance_port(struct store_port *p)
{
    p->add_advance = add_advance;
    p->find_advance = find_advance;
    p->trim_advances = trim_advances;
}
