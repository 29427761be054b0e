#include "plugin/core/chain.h"
#include "plugin/hub/state.h"

#define REPORT_BYTES 128

struct at_run { /* the run that holds a seq */
    struct hub *h;
    uint64_t first, last;
    uint8_t chain[CHAIN_BYTES];
    struct fp_bytes events; /* a copy, unless it is not asked for */
    bool with_events;
};

static bool take_run(void *arg, const struct store_run *run)
{
    struct at_run *a = arg;
    a->first = run->first;
    a->last = run->last;
    memcpy(a->chain, run->chain, CHAIN_BYTES);
    if (a->with_events) {
        a->events = arena_copy(&a->h->arena, run->events);
    }
    return false;
}

/* What a part of the archive was up to is known also while it is away. */
static enum fp_err find_in_away(struct hub *h, uint64_t cid, uint64_t seq, struct at_run *out)
{
    struct store_away away;
    bool found = false;
    enum fp_err err = h->store.find_away(h->store.ctx, cid, seq, &away, &found);

    if (err || !found || away.last != seq) {
        return err ? err : FP_EAGAIN;
    }
    out->first = away.first;
    out->last = away.last;
    memcpy(out->chain, away.chain, CHAIN_BYTES);
    return FP_OK;
}

static enum fp_err find_run(struct hub *h, uint64_t cid, uint64_t seq, bool with_events, struct at_run *out)
{
    *out = (struct at_run){.h = h, .with_events = with_events};
    enum fp_err err = h->store.each_run(h->store.ctx, cid, seq, seq, take_run, out);
    if (err == FP_EAGAIN) {
        return find_in_away(h, cid, seq, out);
    }
    if (!err && out->last == 0) {
        err = FP_ECORRUPT; /* none is missing above the floor */
    }
    return err ? err : with_events && !out->events.p ? FP_ENOMEM : FP_OK;
}

/* Where the run begins: at the end of the one before, which retention may have taken, or at zero. */
static enum fp_err chain_before(struct hub *h, const struct store_conv *c, const struct at_run *here, struct chain *out)
{
    struct at_run before;

    *out = (struct chain){0};
    if (here->first <= c->floor + 1) {
        memcpy(out->digest, c->floor_chain, CHAIN_BYTES);
        return FP_OK;
    }
    enum fp_err err = find_run(h, c->cid, here->first - 1, false, &before);
    if (!err) {
        memcpy(out->digest, before.chain, CHAIN_BYTES);
    }
    return err;
}

/* seq is above the floor. */
static enum fp_err chain_at(struct hub *h, const struct store_conv *c, uint64_t seq, struct chain *out)
{
    struct at_run here;

    enum fp_err err = find_run(h, c->cid, seq, true, &here);
    if (err) {
        return err;
    }
    if (here.last == seq) {
        memcpy(out->digest, here.chain, CHAIN_BYTES);
        return FP_OK;
    }
    err = chain_before(h, c, &here, out);
    if (err) {
        return err;
    }
    size_t count = 0; /* at a site the floor may be inside of a run: these are not the hub's */
    struct fp_bytes left = fp_run_cut(here.events, c->floor + 1, here.last, &count);
    return chain_extend_run(out, left, seq) ? FP_ECORRUPT : FP_OK;
}

static enum fp_err find_chain(struct hub *h, const struct command_ctx *x, uint64_t seq, struct chain *out)
{
    *out = (struct chain){0};
    if (seq == 0) {
        return FP_OK;
    }
    if (seq == x->conv->c.floor) {
        memcpy(out->digest, x->conv->c.floor_chain, CHAIN_BYTES);
        return FP_OK;
    }
    if (seq == x->conv->c.head) {
        memcpy(out->digest, x->conv->c.chain, CHAIN_BYTES);
        return FP_OK;
    }
    enum fp_err err = event_flush(h, x->conv); /* it may have been said in this very batch */
    return err ? err : chain_at(h, &x->conv->c, seq, out);
}

/* The floor itself may be asked for: who sees what comes after it goes on from there. */
static bool may_know(const struct command_ctx *x, uint64_t seq)
{
    return seq == 0 || (seq <= x->conv->c.head && seq >= context_floor(&x->conv->c, &x->member->m));
}

enum fp_err digest_ask(struct hub *h, struct command_ctx *x)
{
    struct chain chain;
    uint64_t seq = 0;

    enum fp_err err = context_conv(h, x);
    if (!err) {
        err = fp_digest_decode(x->cmd->body, &seq, &x->why);
    }
    if (err) {
        return err;
    }
    if (!may_know(x, seq)) {
        x->why = "this conversation has no such event that you may see";
        return FP_EUNKNOWN;
    }
    err = find_chain(h, x, seq, &chain);
    if (err) {
        return err;
    }
    uint8_t buf[REPORT_BYTES];
    struct fp_enc e;
    fp_enc_init(&e, buf, sizeof(buf));
    fp_enc_report_begin(&e, FP_K_DIGEST);
    fp_enc_bytes(&e, chain.digest, sizeof(chain.digest));
    fp_enc_report_end(&e, &x->conv->c.id, seq);
    struct fp_bytes reply = arena_copy(&h->arena, fp_enc_bytes_of(&e));
    if (!reply.p) {
        return FP_ENOMEM;
    }
    err = answer_tell_acks(h, x->dev);
    return err ? err : tells_down(h, &x->item->device, reply);
}
