#include <assert.h>
#include <stdlib.h>

#include "plugin/hub/receipts.h"
#include "plugin/hub/trunk.h"

#define TELL_EVERY_US 500000U /* at once after quiet, then at most twice a second */
#define TELLS_A_TURN 64       /* so that they do not hold up the next batch */
#define ROW_BYTES 64          /* an id and two seqs */
#define OWN_ROWS 256          /* a message */

enum fp_err receipts_open(struct hub *h)
{
    h->receipts = calloc(1, sizeof(*h->receipts));
    return h->receipts ? FP_OK : FP_ENOMEM;
}

/* ------------------------------------------------------------------ pace */

static void drop_rows(struct paced *p)
{
    struct own_row *row;
    struct own_row *next;
    HASH_ITER (hh, p->rows, row, next) {
        HASH_DEL(p->rows, row);
        free(row);
    }
}

static void push(struct paced_list *list, struct paced *p)
{
    p->next = NULL;
    if (list->last) {
        list->last->next = p;
    } else {
        list->first = p;
    }
    list->last = p;
}

static struct paced *pop_due(struct pace *pace, struct fp_mono now)
{
    struct paced_list *list = pace->now.first ? &pace->now : &pace->later;
    struct paced *p = list->first;
    if (!p || p->due.us > now.us) {
        return NULL;
    }
    list->first = p->next;
    list->last = list->first ? list->last : NULL;
    return p;
}

/* NULL: no memory. */
static struct paced *pace_wait(struct hub *h, struct pace *pace, const struct fp_id *id)
{
    struct paced *p = NULL;
    HASH_FIND(hh, pace->table, id->text, id->len, p);
    if (p) {
        p->waiting = true;
        return p;
    }
    p = calloc(1, sizeof(*p));
    if (!p) {
        return NULL;
    }
    *p = (struct paced){.id = *id, .due = h->mono, .waiting = true};
    HASH_ADD_KEYPTR(hh, pace->table, p->id.text, p->id.len, p);
    if (!p->hh.tbl) {
        free(p);
        return NULL;
    }
    push(&pace->now, p);
    return p;
}

static void pace_forget(struct pace *pace, struct paced *p)
{
    assert(pace->table); /* what is in it has been put there */
    HASH_DEL(pace->table, p);
    drop_rows(p);
    free(p);
}

static enum fp_err pace_run(struct hub *h, struct pace *pace, enum fp_err (*tell)(struct hub *h, struct paced *p))
{
    enum fp_err err = FP_OK;
    for (size_t i = 0; !err && i < TELLS_A_TURN; i++) {
        struct paced *p = pop_due(pace, h->mono);
        if (!p) {
            break;
        }
        if (!p->waiting) {
            pace_forget(pace, p);
            continue;
        }
        err = tell(h, p);
        p->waiting = err != FP_OK; /* what could not be read waits for the next time */
        p->due.us = h->mono.us + TELL_EVERY_US;
        push(&pace->later, p);
    }
    return err;
}

static uint64_t pace_wait_us(const struct pace *pace, struct fp_mono now)
{
    if (pace->now.first) {
        return 0;
    }
    const struct paced *p = pace->later.first;
    return !p ? UINT64_MAX : p->due.us > now.us ? p->due.us - now.us : 0;
}

static void pace_fini(struct pace *pace)
{
    struct paced *p;
    struct paced *next;
    HASH_ITER (hh, pace->table, p, next) {
        pace_forget(pace, p);
    }
}

void receipts_close(struct hub *h)
{
    if (h->receipts) {
        pace_fini(&h->receipts->shown);
        pace_fini(&h->receipts->users);
    }
    free(h->receipts);
    h->receipts = NULL;
}

/* ------------------------------------------------------------------ after a commit */

/* One device knows what it has reported; only where there are more do the others have to be told. */
static bool wait_own(struct hub *h, const struct own_moved *o)
{
    struct hub_user *u = NULL;
    HASH_FIND(hh, h->users, o->user.text, o->user.len, u);
    if (!u || u->sessions < 2) {
        return true;
    }
    struct paced *p = pace_wait(h, &h->receipts->users, &o->user);
    struct own_row *row = NULL;
    if (!p) {
        return false;
    }
    HASH_FIND(hh, p->rows, o->conv.text, o->conv.len, row);
    if (row) {
        return true;
    }
    row = calloc(1, sizeof(*row));
    if (!row) {
        return false;
    }
    row->conv = o->conv;
    HASH_ADD_KEYPTR(hh, p->rows, row->conv.text, row->conv.len, row);
    if (!row->hh.tbl) {
        free(row);
        return false;
    }
    return true;
}

/* Without memory all that is retained is told anew: a second run of the batch would find nothing changed. */
enum fp_err receipts_commit(struct hub *h)
{
    for (const struct hub_conv *c = h->receipts->convs; c; c = c->next_receipts) {
        relays_receipts(h, c);
        if (!pace_wait(h, &h->receipts->shown, &c->c.id)) {
            h->republish_after = 0;
        }
    }
    for (const struct own_moved *o = h->receipts->own; o; o = o->next) {
        (void)wait_own(h, o); /* his other devices see it in their next welcome */
    }
    return FP_OK;
}

/* ------------------------------------------------------------------ .../receipts */

struct vector {
    struct fp_enc *e; /* NULL: only count */
    size_t count;
};

static bool add_row(void *arg, const struct store_receipt *r)
{
    struct vector *v = arg;
    if (r->shown_delivered == 0) {
        return true;
    }
    if (v->e) {
        fp_enc_horizon(v->e, &(struct fp_horizon){.id = r->user, .delivered = r->shown_delivered, .read = r->shown_read});
    }
    v->count++;
    return true;
}

enum fp_err receipts_republish(struct hub *h, struct hub_conv *c)
{
    struct vector counted = {0};
    enum fp_err err = h->store.each_receipt(h->store.ctx, c->c.cid, add_row, &counted);
    if (err) {
        return err;
    }
    size_t cap = counted.count * ROW_BYTES + 16;
    uint8_t *buf = arena_alloc(&h->arena, cap);
    struct fp_enc e;
    fp_enc_init(&e, buf, buf ? cap : 0);
    fp_enc_receipts(&e, counted.count);
    struct vector rows = {.e = &e};
    err = h->store.each_receipt(h->store.ctx, c->c.cid, add_row, &rows);
    if (err || e.failed) {
        return err ? err : FP_ENOMEM;
    }
    struct fp_topic topic = topic_of_conv(FP_TOPIC_CONV_RECEIPTS, &c->c);
    tells_now(h, &topic, fp_enc_bytes_of(&e), 0, true);
    return FP_OK;
}

static enum fp_err tell_shown(struct hub *h, struct paced *p)
{
    struct hub_conv *c = NULL;
    enum fp_err err = cache_conv(h, &p->id, &c);
    return err || !c ? err : receipts_republish(h, c);
}

/* ------------------------------------------------------------------ own horizons */

/* The order of keys in a map: by length, then bytes. */
static int by_id(const struct own_row *a, const struct own_row *b)
{
    if (a->conv.len != b->conv.len) {
        return a->conv.len < b->conv.len ? -1 : 1;
    }
    return memcmp(a->conv.text, b->conv.text, a->conv.len);
}

static enum fp_err own_horizon(struct hub *h, const struct fp_id *user, const struct fp_id *conv, struct fp_horizon *out, bool *out_member)
{
    struct hub_conv *c = NULL;
    struct hub_member *m = NULL;

    *out_member = false;
    enum fp_err err = cache_conv(h, conv, &c);
    if (!err && c) {
        err = cache_member(h, c->c.cid, user, &m);
    }
    if (err || !m || m->m.role == FP_ROLE_NONE || !m->m.active) {
        return err;
    }
    err = receipts_load(h, m);
    *out_member = !err;
    *out = (struct fp_horizon){.id = *conv, .delivered = m->r.delivered, .read = m->r.read};
    return err;
}

static enum fp_err send_own(struct hub *h, const struct fp_id *user, const struct fp_horizon *rows, size_t count)
{
    size_t cap = count * ROW_BYTES + 16;
    uint8_t *buf = arena_alloc(&h->arena, cap);
    struct fp_enc e;
    fp_enc_init(&e, buf, buf ? cap : 0);
    fp_enc_inbox_horizons(&e, count);
    for (size_t i = 0; i < count; i++) {
        fp_enc_horizon(&e, &rows[i]);
    }
    if (e.failed) {
        return FP_ENOMEM;
    }
    struct fp_topic topic = {.kind = FP_TOPIC_USER_INBOX, .a = *user};
    tells_now(h, &topic, fp_enc_bytes_of(&e), 1, false);
    return FP_OK;
}

static enum fp_err tell_own(struct hub *h, struct paced *p)
{
    struct fp_horizon *rows = arena_alloc(&h->arena, OWN_ROWS * sizeof(*rows));
    size_t count = 0;
    enum fp_err err = rows ? FP_OK : FP_ENOMEM;

    HASH_SORT(p->rows, by_id);
    for (const struct own_row *row = p->rows; !err && row; row = row->hh.next) {
        bool member = false;
        err = own_horizon(h, &p->id, &row->conv, &rows[count], &member);
        count += !err && member;
        if (!err && count == OWN_ROWS) {
            err = send_own(h, &p->id, rows, count);
            count = 0;
        }
    }
    if (!err && count > 0) {
        err = send_own(h, &p->id, rows, count);
    }
    if (!err) {
        drop_rows(p);
    }
    return err;
}

/* ------------------------------------------------------------------ turns */

enum fp_err receipts_run(struct hub *h)
{
    enum fp_err err = pace_run(h, &h->receipts->shown, tell_shown);
    return err ? err : pace_run(h, &h->receipts->users, tell_own);
}

uint64_t receipts_wait_us(const struct hub *h, struct fp_mono now)
{
    uint64_t shown = pace_wait_us(&h->receipts->shown, now);
    uint64_t users = pace_wait_us(&h->receipts->users, now);
    return shown < users ? shown : users;
}
