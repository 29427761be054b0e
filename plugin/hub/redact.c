#include "plugin/core/access.h"
#include "plugin/hub/change.h"

#define SCRUB_AGAIN_US 1000000U

struct rewritten { /* a run, with the bodies gone */
    struct rewritten *next;
    uint64_t first;
    struct fp_bytes events;
};

struct sweep {
    struct hub *h;
    uint64_t ref;
    struct rewritten *runs;
    enum fp_err err;
};

struct glance { /* what tells whether an event is touched, without a look at the rest */
    uint64_t kind, ref, seq;
};

static struct glance look(struct fp_bytes one)
{
    struct glance g = {0};
    struct fp_dec d;
    fp_dec_init(&d, one);
    for (size_t pairs = fp_dec_map(&d); pairs > 0 && !d.failed && g.seq == 0; pairs--) {
        switch (fp_dec_key(&d)) {
        case FP_KEY_KIND:
            g.kind = fp_dec_uint(&d);
            break;
        case FP_KEY_REF:
            g.ref = fp_dec_uint(&d);
            break;
        case FP_KEY_SEQ:
            g.seq = fp_dec_uint(&d);
            break;
        default:
            fp_dec_skip(&d);
        }
    }
    return g;
}

static bool holds_its_body(const struct sweep *s, struct fp_bytes one)
{
    struct glance g = look(one);
    return g.seq == s->ref || (g.kind == FP_K_EDIT && g.ref == s->ref);
}

static size_t count_touched(const struct sweep *s, struct fp_bytes run)
{
    size_t count = 0;
    struct fp_bytes one;
    while (fp_run_next(&run, &one)) {
        count += holds_its_body(s, one);
    }
    return count;
}

static enum fp_err rewrite(struct sweep *s, const struct store_run *run, size_t touched)
{
    size_t cap = run->events.len + touched * ELIDED_MORE_BYTES;
    struct rewritten *r = arena_alloc(&s->h->arena, sizeof(*r));
    uint8_t *buf = arena_alloc(&s->h->arena, cap);
    if (!r || !buf) {
        return FP_ENOMEM;
    }
    struct fp_enc e;
    fp_enc_init(&e, buf, cap);
    struct fp_bytes rest = run->events;
    struct fp_bytes one;
    while (fp_run_next(&rest, &one)) {
        struct fp_event ev;
        if (!holds_its_body(s, one)) {
            fp_enc_raw(&e, one);
        } else if (fp_event_decode(one, &ev) || !elide_event(&e, ev, FP_FLAG_REDACTED)) {
            return FP_ECORRUPT;
        }
    }
    *r = (struct rewritten){.next = s->runs, .first = run->first, .events = fp_enc_bytes_of(&e)};
    s->runs = r;
    return e.failed || rest.len > 0 ? FP_ECORRUPT : FP_OK;
}

static bool sweep_run(void *arg, const struct store_run *run)
{
    struct sweep *s = arg;
    size_t touched = count_touched(s, run->events);
    s->err = touched > 0 ? rewrite(s, run, touched) : FP_OK;
    return s->err == FP_OK;
}

/* The body of the message, and those of all its edits, leave the stored runs; it happens in the batch's transaction. */
static enum fp_err take_out_bodies(struct hub *h, struct hub_conv *c, const struct changing *ch)
{
    struct sweep s = {.h = h, .ref = ch->msg.seq};

    enum fp_err err = event_flush(h, c); /* it may have been said in this very batch */
    if (err) {
        return err;
    }
    uint64_t upto = ch->known ? c->c.head : s.ref;
    err = h->store.each_run(h->store.ctx, c->c.cid, s.ref, upto, sweep_run, &s);
    err = err ? err : s.err;
    if (!err) {
        err = stage_begin(h);
    }
    for (const struct rewritten *r = s.runs; !err && r; r = r->next) {
        err = h->store.rewrite_run(h->store.ctx, c->c.cid, r->first, r->events);
    }
    return err;
}

static enum fp_err may_redact(struct hub *h, struct command_ctx *x, struct changing *out)
{
    struct fp_bytes reason;

    enum fp_err err = context_conv(h, x);
    if (err) {
        return err;
    }
    if (!access_may(x->role, ACCESS_MODERATE)) {
        x->why = "only a manager or an owner redacts";
        return FP_EDENIED;
    }
    err = change_find(h, x, out);
    return err || x->canonical ? err : fp_redact_decode(x->cmd->body, &reason, &x->why);
}

enum fp_err redact_apply(struct hub *h, struct command_ctx *x)
{
    struct changing ch;

    enum fp_err err = may_redact(h, x, &ch);
    if (err) {
        return err;
    }
    struct fp_event ev = event_of(h, x);
    if (!target_apply(&ch.target, TARGET_REDACT, ev.seq, false, 0) && !x->canonical) {
        x->why = "this message is already redacted";
        return FP_ECONFLICT;
    }
    ev.version = ch.target.version;
    err = take_out_bodies(h, x->conv, &ch);
    if (!err) {
        err = change_save(h, x, &ch);
    }
    if (!err) {
        err = event_append(h, x, &ev);
    }
    if (err) {
        return err;
    }
    h->scrubbed = false; /* should the batch fail, one scrub is for nothing */
    return answer_ack(h, x, &ev.conv, ev.seq, ev.at);
}

enum fp_err redact_due(struct hub *h)
{
    if (h->scrubbed || h->scrub_again.us > h->mono.us) {
        return FP_OK;
    }
    enum fp_err err = h->store.scrub(h->store.ctx);
    if (err) { /* a reader holds it up, or there is no room: nothing is lost by waiting */
        h->scrub_again.us = h->mono.us + SCRUB_AGAIN_US;
        return err == FP_EBUSY || err == FP_EFULL ? FP_OK : err;
    }
    h->scrubbed = true;
    return FP_OK;
}

uint64_t redact_wait_us(const struct hub *h, struct fp_mono now)
{
    if (h->scrubbed) {
        return UINT64_MAX;
    }
    return h->scrub_again.us > now.us ? h->scrub_again.us - now.us : 0;
}
