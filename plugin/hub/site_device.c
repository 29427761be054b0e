/* What a site tells one device: how far it is, what has become of what it said, and what is provisional. */
#include "plugin/hub/site.h"

#define PAGE_FRAME_BYTES 128

enum fp_err site_skip(struct hub *h, struct hub_device *dev, uint64_t next_n)
{
    enum fp_err err = answer_save(h, dev); /* what is staged is in front of the gap */
    dev->rows = (struct piece_list){0};
    if (!err) {
        err = stage_begin(h);
    }
    if (!err) {
        err = h->store.skip_answers(h->store.ctx, dev->d.did, next_n);
    }
    if (!err) {
        dev->d.next_n = next_n;
    }
    return err;
}

enum fp_err site_next_n(struct hub *h, struct command_ctx *x, uint64_t hello_next)
{
    bool further = hello_next > x->dev->d.next_n && hello_next - x->dev->d.next_n < SITE_SKIP_MAX;
    return further ? site_skip(h, x->dev, hello_next) : FP_OK;
}

/* ------------------------------------------------------------------ repeats */

static enum fp_err answer_settled(struct hub *h, struct command_ctx *x, const struct store_branch *b)
{
    if (b->settled && b->seq == 0) {
        const char *why = fp_err_name((enum fp_err)b->code);
        struct fp_nack nack = {.n = b->n, .code = (enum fp_err)b->code, .reason = fp_bytes_of(why, strlen(why))};
        return answer_nack(h, &x->item->device, &nack);
    }
    struct fp_answer a = {.n = b->n, .conv = x->cmd->conv, .seq = b->settled ? b->seq : 0, .at = b->at};
    return answer_again(h, x->dev, &a);
}

/* Nothing is known of it here, though of later ones: those went another way. Whether this one did the hub knows. */
static enum fp_err take_late(struct hub *h, struct command_ctx *x)
{
    struct fp_command cmd;
    return site_take(h, x, fp_command_decode(x->raw, h->config.command_bytes, &cmd, &x->why));
}

enum fp_err site_second(struct hub *h, struct command_ctx *x, bool *out_answered)
{
    struct store_branch b;
    bool found = false;
    enum fp_err err = h->store.load_branch(h->store.ctx, &x->item->device, x->cmd->n, &b, &found);
    *out_answered = !err && found && b.code == FP_EGAP;
    if (!*out_answered) {
        return err;
    }
    if (!b.settled || b.seq > 0) {
        return answer_settled(h, x, &b);
    }
    x->late = true;
    x->second = true;
    return take_late(h, x);
}

enum fp_err site_repeat(struct hub *h, struct command_ctx *x, bool *out_answered)
{
    struct store_branch b;
    bool found = false;
    enum fp_err err = h->store.load_branch(h->store.ctx, &x->item->device, x->cmd->n, &b, &found);
    if (err) {
        return err;
    }
    *out_answered = found || x->late;
    if (found) {
        return answer_settled(h, x, &b);
    }
    return x->late ? take_late(h, x) : FP_OK;
}

/* ------------------------------------------------------------------ after welcome */

struct place { /* one of his conversations, in the arena */
    struct place *next;
    uint64_t cid;
    struct fp_id conv;
    uint64_t head;
};

struct placing {
    struct hub *h;
    struct place *first, **end;
    bool no_memory;
};

static bool note_place(void *arg, const struct store_conv *c, const struct store_member *m)
{
    struct placing *k = arg;
    struct hub_conv *cached = NULL;
    struct place *p = arena_alloc(&k->h->arena, sizeof(*p));
    (void)m;
    if (!p) {
        k->no_memory = true;
        return false;
    }
    HASH_FIND(hh, k->h->convs, c->id.text, c->id.len, cached);
    *p = (struct place){.cid = c->cid, .conv = c->id, .head = cached ? cached->c.head : c->head};
    *k->end = p;
    k->end = &p->next;
    return true;
}

struct paging {
    struct hub *h;
    struct command_ctx *x;
    const struct place *at;
    struct piece_list events;
    size_t left_bytes; /* a queue of days is not laid before everyone who comes; the rest he sees once it is settled */
    enum fp_err err;
};

static enum fp_err tell_page(struct paging *k)
{
    size_t cap = k->events.bytes + PAGE_FRAME_BYTES;
    uint8_t *buf = arena_alloc(&k->h->arena, cap);
    struct fp_enc e;
    fp_enc_init(&e, buf, buf ? cap : 0);
    fp_enc_page_begin(&e, &k->at->conv, k->at->head + 1, k->at->head, false, false);
    fp_enc_array(&e, k->events.count);
    for (const struct piece *p = k->events.first; p; p = p->next) {
        fp_enc_raw(&e, p->bytes);
    }
    k->events = (struct piece_list){0};
    return e.failed ? FP_ENOMEM : tells_down(k->h, &k->x->item->device, fp_enc_bytes_of(&e));
}

static bool add_branch(void *arg, const struct store_branch *b)
{
    struct paging *k = arg;
    if (b->event.len > k->left_bytes) {
        k->left_bytes = 0;
        return false;
    }
    k->left_bytes -= b->event.len;
    struct fp_bytes event = arena_copy(&k->h->arena, b->event);
    if (!event.p) {
        k->err = b->event.len > 0 ? FP_ENOMEM : FP_OK;
        return k->err == FP_OK;
    }
    bool full = k->events.count == FP_EVENTS_MAX || (k->events.count > 0 && k->events.bytes + event.len > FP_EVENTS_BYTES_MAX);
    k->err = full ? tell_page(k) : FP_OK;
    if (!k->err && !piece_add(k->h, &k->events, event)) {
        k->err = FP_ENOMEM;
    }
    return k->err == FP_OK;
}

enum fp_err site_welcome_pages(struct hub *h, struct command_ctx *x)
{
    struct placing places = {.h = h};
    places.end = &places.first;
    enum fp_err err = h->store.each_conv_of(h->store.ctx, &x->item->user, note_place, &places);
    err = places.no_memory ? FP_ENOMEM : err;
    size_t left_bytes = FP_PAGE_CREDIT_BYTES;
    for (const struct place *p = places.first; !err && p && left_bytes > 0; p = p->next) {
        struct paging k = {.h = h, .x = x, .at = p, .left_bytes = left_bytes};
        err = h->store.each_branch(h->store.ctx, p->cid, add_branch, &k);
        left_bytes = k.left_bytes;
        err = k.err ? k.err : err;
        if (!err && k.events.count > 0) {
            err = tell_page(&k);
        }
    }
    return err;
}
