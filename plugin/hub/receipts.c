#include "plugin/hub/receipts.h"

#include "plugin/core/receipts.h"
#include "plugin/hub/trunk.h"

static struct receipt receipt_of(const struct store_receipt *r)
{
    return (struct receipt){.delivered = r->delivered, .read = r->read, .shown_delivered = r->shown_delivered, .shown_read = r->shown_read};
}

static void receipt_put(struct hub_member *m, const struct receipt *r)
{
    m->r = (struct store_receipt){
        .cid = m->key.cid,
        .user = m->key.user,
        .delivered = r->delivered,
        .read = r->read,
        .shown_delivered = r->shown_delivered,
        .shown_read = r->shown_read,
    };
}

enum fp_err receipts_load(struct hub *h, struct hub_member *m)
{
    if (m->r_loaded) {
        return FP_OK;
    }
    enum fp_err err = h->store.load_receipt(h->store.ctx, m->key.cid, &m->key.user, &m->r);
    m->r_saved = m->r;
    m->r_loaded = err == FP_OK;
    return err;
}

/* ------------------------------------------------------------------ what the batch changes */

static void stage_receipt(struct hub *h, struct hub_member *m)
{
    if (!m->r_staged) {
        m->r_staged = true;
        m->next_r_staged = h->receipts->staged;
        h->receipts->staged = m;
    }
}

static void stage_member(struct hub *h, struct hub_member *m)
{
    if (!m->staged) {
        m->staged = true;
        m->next_staged = h->staged_members;
        h->staged_members = m;
    }
}

void receipts_touch(struct hub *h, struct hub_conv *c)
{
    if (!c->receipts_changed) {
        c->receipts_changed = true;
        c->next_receipts = h->receipts->convs;
        h->receipts->convs = c;
    }
}

/* Members come and go; the vector is of those who are there. */
enum fp_err receipts_member(struct hub *h, struct hub_conv *c, struct hub_member *m)
{
    enum fp_err err = receipts_load(h, m);
    if (!err && m->r.shown_delivered > 0) {
        receipts_touch(h, c);
    }
    return err;
}

static enum fp_err note_own(struct hub *h, const struct fp_id *user, const struct fp_id *conv)
{
    struct own_moved *o = arena_alloc(&h->arena, sizeof(*o));
    if (!o) {
        return FP_ENOMEM;
    }
    *o = (struct own_moved){.next = h->receipts->own, .user = *user, .conv = *conv};
    h->receipts->own = o;
    return FP_OK;
}

static enum fp_err save_advance(struct hub *h, const struct hub_member *m, enum store_advance_kind kind, uint64_t from, uint64_t to)
{
    struct store_advance a = {.cid = m->key.cid, .user = m->key.user, .kind = kind, .seq = to, .at = h->wall};
    return to > from ? h->store.add_advance(h->store.ctx, &a) : FP_OK;
}

enum fp_err receipts_save(struct hub *h)
{
    struct receipts *rs = h->receipts;
    enum fp_err err = rs->staged ? stage_begin(h) : FP_OK;

    while (!err && rs->staged) {
        struct hub_member *m = rs->staged;
        err = h->store.save_receipt(h->store.ctx, &m->r);
        if (!err) {
            err = save_advance(h, m, STORE_ADVANCE_DELIVERED, m->r_saved.shown_delivered, m->r.shown_delivered);
        }
        if (!err) {
            err = save_advance(h, m, STORE_ADVANCE_READ, m->r_saved.shown_read, m->r.shown_read);
        }
        if (!err) {
            m->r_saved = m->r;
            m->r_staged = false;
            rs->staged = m->next_r_staged;
        }
    }
    return err;
}

void receipts_unstage(struct hub *h)
{
    struct receipts *rs = h->receipts;
    for (struct hub_member *m = rs->staged; m; m = m->next_r_staged) {
        m->r_staged = false;
    }
    for (struct hub_conv *c = rs->convs; c; c = c->next_receipts) {
        c->receipts_changed = false;
    }
    rs->staged = NULL;
    rs->convs = NULL;
    rs->own = NULL;
}

/* ------------------------------------------------------------------ k-receipt */

struct row_ctx {
    struct hub_conv *c;
    struct hub_member *m;
    struct receipt_report report;
};

static enum fp_err find_row(struct hub *h, struct command_ctx *x, const struct fp_receipt_row *row, struct row_ctx *out)
{
    *out = (struct row_ctx){.report = {.delivered = row->delivered, .read = row->read, .private_read = row->private_read}};
    enum fp_err err = cache_conv(h, &row->conv, &out->c);
    if (!err && out->c) {
        err = cache_member(h, out->c->c.cid, &x->item->user, &out->m);
    }
    if (err) {
        return err;
    }
    if (!out->m || out->m->m.role == FP_ROLE_NONE || !out->m->m.active) {
        x->why = "the body names a conversation that does not exist, or that you are no member of; nothing of it counts";
        return FP_EUNKNOWN;
    }
    return receipts_load(h, out->m);
}

static enum fp_err check_row(struct hub *h, struct command_ctx *x, const struct fp_receipt_row *row)
{
    struct row_ctx k;
    struct receipt_moved moved;
    enum fp_err err = find_row(h, x, row, &k);
    if (err) {
        return err;
    }
    struct receipt r = receipt_of(&k.m->r);
    err = receipt_merge(&r, &k.report, k.c->c.head, &moved);
    if (err) {
        x->why = "the body names an event above the conversation's head; nothing of it counts";
    }
    return err;
}

static enum fp_err apply_row(struct hub *h, struct command_ctx *x, const struct fp_receipt_row *row)
{
    struct row_ctx k;
    struct receipt_moved moved = {0};
    enum fp_err err = find_row(h, x, row, &k);
    if (!err) {
        err = people_hides(h, &x->item->user, &k.c->c.scope, &k.report.hidden);
    }
    if (err) {
        return err;
    }
    struct receipt r = receipt_of(&k.m->r);
    uint64_t read_before = r.read;
    err = receipt_merge(&r, &k.report, k.c->c.head, &moved);
    if (err || (!moved.own && !moved.shown)) {
        return err;
    }
    if (r.read > read_before) {
        err = receipts_count_move(h, k.c, k.m, read_before, r.read);
        if (err) {
            return err;
        }
        stage_member(h, k.m);
    }
    receipt_put(k.m, &r);
    stage_receipt(h, k.m);
    if (moved.shown) {
        receipts_touch(h, k.c);
    }
    if (!err && moved.own) {
        err = note_own(h, &x->item->user, &row->conv);
    }
    return err;
}

/* Either all of its rows count, or none. */
static enum fp_err report_whole(struct hub *h, struct command_ctx *x, struct fp_receipt_body body)
{
    struct fp_receipt_body again = body;
    struct fp_receipt_row row;
    enum fp_err err = FP_OK;
    while (!err && fp_receipt_body_next(&body, &row)) {
        err = check_row(h, x, &row);
    }
    while (!err && fp_receipt_body_next(&again, &row)) {
        err = apply_row(h, x, &row);
    }
    return err;
}

/* The site has taken all of it. What has become wrong since, as where he was put out, takes nothing from the rest. */
static enum fp_err report_relayed(struct hub *h, struct command_ctx *x, struct fp_receipt_body body)
{
    struct fp_receipt_row row;
    enum fp_err err = FP_OK;
    enum fp_err wrong = FP_OK;
    bool any = false;
    while (!err && fp_receipt_body_next(&body, &row)) {
        err = relays_may_touch(h, &row.conv);
        err = err ? err : check_row(h, x, &row);
        err = err ? err : apply_row(h, x, &row);
        err = err == FP_EAGAIN ? FP_EUNKNOWN : err; /* it cannot be counted while the archive is away; the others do not wait */
        any = any || !err;
        wrong = fp_err_is_peer(err) ? err : wrong;
        err = fp_err_is_peer(err) && err != FP_EFULL && err != FP_EBUSY ? FP_OK : err;
    }
    return err || any ? err : wrong;
}

enum fp_err receipts_report(struct hub *h, struct command_ctx *x)
{
    struct fp_receipt_body body;
    enum fp_err err = fp_receipt_body_decode(x->cmd->body, &body, &x->why);
    if (!err) {
        err = x->relayed ? report_relayed(h, x, body) : report_whole(h, x, body);
    }
    if (!err) {
        nudge_report(h, x);
    }
    return err;
}

/* ------------------------------------------------------------------ told by the hub */

enum fp_err receipts_told(struct hub *h, struct hub_conv *c, struct hub_member *m, uint64_t delivered, uint64_t read)
{
    struct receipt_report report = {.delivered = delivered, .read = read};
    struct receipt_moved moved = {0};
    enum fp_err err = receipts_load(h, m);
    if (err) {
        return err;
    }
    struct receipt r = receipt_of(&m->r);
    uint64_t read_before = r.read;
    err = receipt_merge(&r, &report, c->c.head, &moved);
    if (err || (!moved.own && !moved.shown)) {
        return err;
    }
    if (r.read > read_before && m->m.role != FP_ROLE_NONE && m->m.active) {
        err = receipts_count_move(h, c, m, read_before, r.read);
        stage_member(h, m);
    }
    receipt_put(m, &r);
    stage_receipt(h, m);
    if (moved.shown) {
        receipts_touch(h, c);
    }
    return !err && moved.own ? note_own(h, &m->key.user, &c->c.id) : err;
}

/* ------------------------------------------------------------------ who writes shows himself */

enum fp_err receipts_said(struct hub *h, struct command_ctx *x, const struct fp_event *ev)
{
    struct hub_member *m = x->member;
    if (!m || m->m.role == FP_ROLE_NONE || !m->m.active || !fp_id_eq(&ev->user, &m->key.user)) {
        return FP_OK;
    }
    enum fp_err err = receipts_load(h, m);
    if (err) {
        return err;
    }
    struct receipt r = receipt_of(&m->r);
    if (receipt_show(&r)) {
        receipt_put(m, &r);
        stage_receipt(h, m);
        receipts_touch(h, x->conv);
    }
    return FP_OK;
}
