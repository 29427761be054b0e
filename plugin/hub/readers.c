#include "plugin/hub/receipts.h"

#define FRAME_BYTES 96
#define ROW_BYTES 72 /* an id and three times */

struct row { /* in the arena, in the order of the members */
    struct row *next;
    struct fp_reader r;
};

struct readers {
    struct hub *h;
    uint64_t cid, seq;
    struct fp_id author;
    bool is_msg;
    struct row *first, **end;
    struct row *at; /* how far the confirmations have come */
    size_t count;
    bool no_memory;
};

static void look_at(struct readers *k, struct fp_bytes one)
{
    struct fp_event ev;
    if (fp_event_seq(one) == k->seq && fp_event_decode(one, &ev) == FP_OK && ev.kind == FP_K_MSG) {
        k->is_msg = true;
        k->author = ev.user;
    }
}

static bool look_into(void *arg, const struct store_run *run)
{
    struct readers *k = arg;
    size_t count = 0;
    struct fp_bytes one = fp_run_cut(run->events, k->seq, k->seq, &count);
    if (count == 1) {
        look_at(k, one);
    }
    return true;
}

static enum fp_err find_msg(struct hub *h, struct command_ctx *x, struct readers *k)
{
    const struct hub_conv *c = x->conv;
    if (k->seq == 0) {
        x->why = "key 8 (ref) is missing: which message?";
        return FP_EMALFORMED;
    }
    if (k->seq > context_floor(&c->c, &x->member->m) && k->seq <= c->c.head) {
        for (const struct piece *p = c->run.first; p; p = p->next) {
            look_at(k, p->bytes);
        }
        enum fp_err err = k->is_msg ? FP_OK : h->store.each_run(h->store.ctx, k->cid, k->seq, k->seq, look_into, k);
        if (err) {
            return err;
        }
    }
    x->why = "key 8 (ref) names no message of this conversation that you may see";
    return k->is_msg ? FP_OK : FP_EUNKNOWN;
}

static bool add_member(void *arg, const struct store_member *m)
{
    struct readers *k = arg;
    if (m->from > k->seq || fp_id_eq(&m->user, &k->author)) {
        return true;
    }
    struct row *row = arena_alloc(&k->h->arena, sizeof(*row));
    if (!row) {
        k->no_memory = true;
        return false;
    }
    *row = (struct row){.r = {.user = m->user}};
    *k->end = row;
    k->end = &row->next;
    k->count++;
    return true;
}

static bool before(const struct fp_id *a, const struct fp_id *b)
{
    return a->len != b->len ? a->len < b->len : memcmp(a->text, b->text, a->len) < 0;
}

/* Both are in the order of the ids, so one walk is enough. */
static bool add_confirm(void *arg, const struct store_confirm *c)
{
    struct readers *k = arg;
    while (k->at && before(&k->at->r.user, &c->user)) {
        k->at = k->at->next;
    }
    if (k->at && fp_id_eq(&k->at->r.user, &c->user)) {
        k->at->r.confirmed = c->at;
    }
    return k->at != NULL;
}

static enum fp_err find_time(struct readers *k, const struct fp_id *user, enum store_advance_kind kind, struct fp_wall *out)
{
    struct store_port *s = &k->h->store;
    bool found = false;
    enum fp_err err = s->find_advance(s->ctx, k->cid, user, kind, k->seq, out, &found);
    if (!found) {
        out->ms = 0;
    }
    return err;
}

static enum fp_err load_rows(struct hub *h, struct readers *k)
{
    enum fp_err err = h->store.each_member(h->store.ctx, k->cid, add_member, k);
    if (err || k->no_memory) {
        return err ? err : FP_ENOMEM;
    }
    for (struct row *row = k->first; row && !err; row = row->next) {
        err = find_time(k, &row->r.user, STORE_ADVANCE_DELIVERED, &row->r.delivered);
        if (!err) {
            err = find_time(k, &row->r.user, STORE_ADVANCE_READ, &row->r.read);
        }
    }
    k->at = k->first;
    return err ? err : h->store.each_confirm(h->store.ctx, k->cid, k->seq, add_confirm, k);
}

static enum fp_err tell_report(struct hub *h, struct command_ctx *x, const struct readers *k)
{
    size_t cap = k->count * ROW_BYTES + FRAME_BYTES;
    uint8_t *buf = arena_alloc(&h->arena, cap);
    struct fp_enc e;
    fp_enc_init(&e, buf, buf ? cap : 0);
    fp_enc_report_begin(&e, FP_K_READERS);
    fp_enc_readers(&e, k->count);
    for (const struct row *row = k->first; row; row = row->next) {
        fp_enc_reader(&e, &row->r);
    }
    fp_enc_report_end(&e, &x->conv->c.id, k->seq);
    if (e.failed) {
        return FP_ENOMEM;
    }
    enum fp_err err = answer_tell_acks(h, x->dev);
    return err ? err : tells_down(h, &x->item->device, fp_enc_bytes_of(&e));
}

/* What this batch has merged already is saved first, so that who asks behind a receipt sees it. */
enum fp_err readers_ask(struct hub *h, struct command_ctx *x)
{
    struct readers k = {.h = h, .seq = x->cmd->ref};
    k.end = &k.first;

    enum fp_err err = context_conv(h, x);
    if (err) {
        return err;
    }
    k.cid = x->conv->c.cid;
    err = find_msg(h, x, &k);
    if (!err) {
        err = receipts_save(h);
    }
    if (!err) {
        err = load_rows(h, &k);
    }
    return err ? err : tell_report(h, x, &k);
}
