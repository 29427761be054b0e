/*
 * A device that reports what it has received, is connected, and still stays behind has most likely lost a message without noticing. It is told the
 * head, once a head, NUDGE_AFTER_US after it fell behind without moving on and without asking. What is watched is kept by session, a row a
 * conversation that it has sent a receipt for; the rows that wait stand in one line, since all of them wait for the same while.
 */
#include <stdlib.h>
#include <utlist.h>

#include "plugin/hub/state.h"

#define NUDGE_AFTER_US 30000000U
#define ROWS_A_SESSION 64 /* whoever follows more hears of the rest by their heads */
#define NUDGES_A_TURN 256
#define NO_ROOM_US 1000U
#define NUDGE_BYTES 96

struct nudge_conv {
    struct fp_id id;
    struct nudge_row *rows; /* of all sessions */
    UT_hash_handle hh;      /* by id */
};

struct nudge_row {
    struct nudge_conv *conv;
    struct nudge_row *conv_prev, *conv_next;
    struct nudge_row *wait_prev, *wait_next;
    struct nudge_row *session_next;
    struct fp_id device, user;
    uint64_t delivered; /* by its own word */
    uint64_t told;      /* the head of the last nudge */
    bool waiting;
    struct fp_mono due;
};

static void stop(struct hub *h, struct nudge_row *row)
{
    if (row->waiting) {
        DL_DELETE2(h->nudges, row, wait_prev, wait_next);
        row->waiting = false;
    }
}

static void wait_anew(struct hub *h, struct nudge_row *row)
{
    stop(h, row);
    row->due.us = h->mono.us + NUDGE_AFTER_US;
    row->waiting = true;
    DL_APPEND2(h->nudges, row, wait_prev, wait_next);
}

/* ------------------------------------------------------------------ rows */

static struct nudge_conv *get_conv(struct hub *h, const struct fp_id *id)
{
    struct nudge_conv *nc = NULL;
    HASH_FIND(hh, h->nudge_convs, id->text, id->len, nc);
    if (nc) {
        return nc;
    }
    nc = calloc(1, sizeof(*nc));
    if (!nc) {
        return NULL;
    }
    nc->id = *id;
    HASH_ADD_KEYPTR(hh, h->nudge_convs, nc->id.text, nc->id.len, nc);
    if (!nc->hh.tbl) {
        free(nc);
        return NULL;
    }
    return nc;
}

static void let_go(struct hub *h, struct nudge_conv *nc)
{
    if (!nc->rows) {
        HASH_DEL(h->nudge_convs, nc);
        free(nc);
    }
}

static struct nudge_row *find_row(const struct hub_session *s, const struct fp_id *conv)
{
    struct nudge_row *row = s->nudges;
    while (row && !fp_id_eq(&row->conv->id, conv)) {
        row = row->session_next;
    }
    return row;
}

/* NULL: too many, or no memory; then the device hears of this conversation by its heads only. */
static struct nudge_row *get_row(struct hub *h, struct hub_session *s, const struct fp_id *conv)
{
    struct nudge_row *row = find_row(s, conv);
    if (row || s->nudge_count >= ROWS_A_SESSION) {
        return row;
    }
    row = calloc(1, sizeof(*row));
    struct nudge_conv *nc = row ? get_conv(h, conv) : NULL;
    if (!nc) {
        free(row);
        return NULL;
    }
    row->conv = nc;
    row->device = s->device;
    row->user = s->user;
    row->session_next = s->nudges;
    s->nudges = row;
    s->nudge_count++;
    DL_APPEND2(nc->rows, row, conv_prev, conv_next);
    return row;
}

void nudge_gone(struct hub *h, struct hub_session *s)
{
    while (s->nudges) {
        struct nudge_row *row = s->nudges;
        s->nudges = row->session_next;
        stop(h, row);
        DL_DELETE2(row->conv->rows, row, conv_prev, conv_next);
        let_go(h, row->conv);
        free(row);
    }
    s->nudge_count = 0;
}

/* ------------------------------------------------------------------ what moves */

static void report_row(struct hub *h, struct hub_session *s, const struct fp_receipt_row *r)
{
    struct hub_conv *c = NULL;
    HASH_FIND(hh, h->convs, r->conv.text, r->conv.len, c);
    struct nudge_row *row = c ? get_row(h, s, &r->conv) : NULL;
    if (!row) {
        return;
    }
    uint64_t delivered = r->has_read && r->read > r->delivered ? r->read : r->delivered;
    bool moved = delivered > row->delivered;
    row->delivered = moved ? delivered : row->delivered;
    if (row->delivered >= c->c.head) {
        stop(h, row);
    } else if (moved || !row->waiting) {
        wait_anew(h, row);
    }
}

/* x->conv is of no use: a receipt may be about several. They are in the cache, for the receipt was just applied. */
void nudge_report(struct hub *h, struct command_ctx *x)
{
    struct hub_session *s = session_of(h, x->item);
    struct fp_receipt_body body;
    struct fp_receipt_row r;

    if (!s || fp_receipt_body_decode(x->cmd->body, &body, &x->why)) {
        return;
    }
    while (fp_receipt_body_next(&body, &r)) {
        report_row(h, s, &r);
    }
}

void nudge_get(struct hub *h, const struct command_ctx *x)
{
    const struct hub_session *s = session_of(h, x->item);
    struct nudge_row *row = s ? find_row(s, &x->cmd->conv) : NULL;
    if (row && row->waiting) {
        wait_anew(h, row);
    }
}

/* Who waits already goes on waiting: he has been behind since then. */
void nudge_head(struct hub *h, const struct hub_conv *c)
{
    struct nudge_conv *nc = NULL;
    struct nudge_row *row;
    HASH_FIND(hh, h->nudge_convs, c->c.id.text, c->c.id.len, nc);
    if (!nc) {
        return;
    }
    DL_FOREACH2(nc->rows, row, conv_next)
    {
        if (!row->waiting && row->delivered < c->c.head && row->told < c->c.head) {
            wait_anew(h, row);
        }
    }
}

/* ------------------------------------------------------------------ what is due */

static enum fp_err tell_nudge(struct hub *h, const struct nudge_row *row, uint64_t head)
{
    uint8_t buf[NUDGE_BYTES];
    struct fp_enc e;
    fp_enc_init(&e, buf, sizeof(buf));
    fp_enc_nudge(&e, 1);
    fp_enc_nudge_row(&e, &row->conv->id, head);
    if (e.failed) {
        return FP_ENOMEM;
    }
    struct fp_topic topic = {.kind = FP_TOPIC_DEVICE_DOWN, .a = row->device};
    tells_now(h, &topic, fp_enc_bytes_of(&e), 1, false);
    return FP_OK;
}

/* The head is told to whoever may still know of the conversation. */
static enum fp_err run_row(struct hub *h, struct nudge_row *row)
{
    struct fp_command asked = {.kind = FP_K_GET, .conv = row->conv->id};
    struct source_item who = {.user = row->user, .device = row->device};
    struct command_ctx x = {.item = &who, .cmd = &asked};
    struct hub_session *s = NULL;

    stop(h, row);
    enum fp_err err = context_conv(h, &x);
    if (err) {
        return err == FP_EUNKNOWN ? FP_OK : err;
    }
    HASH_FIND(hh, h->sessions, row->device.text, row->device.len, s);
    uint64_t head = x.conv->c.head;
    if (!s || s->idle || row->delivered >= head || row->told >= head) {
        return FP_OK; /* in the background it is behind on purpose, and asks when it comes back */
    }
    row->told = head;
    return tell_nudge(h, row, head);
}

enum fp_err nudge_run(struct hub *h)
{
    enum fp_err err = FP_OK;
    for (size_t i = 0; !err && i < NUDGES_A_TURN && h->nudges && h->nudges->due.us <= h->mono.us && h->bus.has_room(h->bus.ctx); i++) {
        err = run_row(h, h->nudges);
    }
    return err;
}

uint64_t nudge_wait_us(const struct hub *h, struct fp_mono now)
{
    if (!h->nudges) {
        return UINT64_MAX;
    }
    if (h->nudges->due.us > now.us) {
        return h->nudges->due.us - now.us;
    }
    return h->bus.has_room(h->bus.ctx) ? 0 : NO_ROOM_US;
}
