#include "plugin/hub/change.h"

#include "plugin/core/access.h"

/* ------------------------------------------------------------------ the message that it is about */

struct wanted {
    struct hub *h;
    uint64_t seq;
    struct fp_bytes one; /* a copy, in the arena */
};

static bool take_wanted(void *arg, const struct store_run *run)
{
    struct wanted *w = arg;
    size_t count = 0;
    w->one = arena_copy(&w->h->arena, fp_run_cut(run->events, w->seq, w->seq, &count));
    return false;
}

/* The event is in the store, or decided in this batch and not yet there. */
static enum fp_err find_event(struct hub *h, const struct hub_conv *c, uint64_t seq, struct fp_event *out)
{
    struct wanted w = {.h = h, .seq = seq};

    if (c->run.count > 0 && seq >= c->run_first) {
        const struct piece *p = c->run.first;
        for (uint64_t i = c->run_first; i < seq; i++) {
            p = p->next;
        }
        w.one = p->bytes;
    } else {
        enum fp_err err = h->store.each_run(h->store.ctx, c->c.cid, seq, seq, take_wanted, &w);
        if (err) {
            return err;
        }
    }
    return fp_event_decode(w.one, out) ? FP_ECORRUPT : FP_OK;
}

static enum fp_err load_target(struct hub *h, const struct hub_conv *c, uint64_t seq, struct target *out, bool *out_known)
{
    struct store_target row;
    enum fp_err err = h->store.load_target(h->store.ctx, c->c.cid, seq, &row, out_known);
    if (err) {
        return err;
    }
    *out = target_of(seq);
    if (*out_known) {
        *out = (struct target){.version = row.version, .body_at = row.body_at, .state = (enum target_state)row.state};
    }
    return FP_OK;
}

enum fp_err change_version(struct hub *h, const struct hub_conv *c, uint64_t seq, uint64_t *out)
{
    struct target t;
    bool known = false;
    enum fp_err err = load_target(h, c, seq, &t, &known);
    if (!err) {
        *out = t.version;
    }
    return err;
}

enum fp_err change_find(struct hub *h, struct command_ctx *x, struct changing *out)
{
    const struct store_conv *c = &x->conv->c;
    uint64_t ref = x->cmd->ref;

    if (ref == 0) {
        x->why = "key 8 (ref), the message that this is about, is missing";
        return FP_EMALFORMED;
    }
    x->why = "key 8 (ref) names no message of this conversation that you may see";
    if (ref > c->head || ref <= (x->canonical ? c->floor : context_floor(c, &x->member->m))) {
        return FP_EUNKNOWN;
    }
    enum fp_err err = find_event(h, x->conv, ref, &out->msg);
    if (!err && out->msg.kind != FP_K_MSG) {
        err = FP_EUNKNOWN;
    }
    if (!err) {
        err = load_target(h, x->conv, ref, &out->target, &out->known);
    }
    if (!err) {
        x->why = NULL;
    }
    return err;
}

enum fp_err change_save(struct hub *h, struct command_ctx *x, const struct changing *ch)
{
    struct store_target row = {
        .cid = x->conv->c.cid,
        .seq = ch->msg.seq,
        .version = ch->target.version,
        .body_at = ch->target.body_at,
        .state = (uint8_t)ch->target.state,
    };
    enum fp_err err = stage_begin(h);
    return err ? err : h->store.save_target(h->store.ctx, &row);
}

/* ------------------------------------------------------------------ the commands */

/* All that these commands have in common: a conversation, the right to write there, a message. */
static enum fp_err begin(struct hub *h, struct command_ctx *x, struct changing *out)
{
    enum fp_err err = context_conv(h, x);
    if (err) {
        return err;
    }
    if (!access_may(x->role, ACCESS_MSG)) {
        x->why = "an observer does not write";
        return FP_EDENIED;
    }
    return change_find(h, x, out);
}

static bool is_author(const struct command_ctx *x, const struct changing *ch)
{
    return fp_id_eq(&ch->msg.user, &x->item->user);
}

static enum fp_err say(struct hub *h, struct command_ctx *x, const struct fp_event *ev)
{
    enum fp_err err = event_append(h, x, ev);
    return err ? err : answer_ack(h, x, &ev->conv, ev->seq, ev->at);
}

/* The event says whether it has won. */
static enum fp_err edit_canonical(struct hub *h, struct command_ctx *x, struct changing *ch)
{
    const struct fp_event *ev = x->canonical;
    if ((ev->flags & FP_FLAG_CONFLICT) == 0) {
        (void)target_apply(&ch->target, TARGET_EDIT, ev->seq, false, 0);
    }
    enum fp_err err = change_save(h, x, ch);
    return err ? err : say(h, x, ev);
}

enum fp_err change_edit(struct hub *h, struct command_ctx *x)
{
    struct changing ch;
    struct fp_msg body;

    enum fp_err err = begin(h, x, &ch);
    if (!err && x->canonical) {
        return edit_canonical(h, x, &ch);
    }
    if (!err && !is_author(x, &ch)) {
        x->why = "only its author edits a message";
        err = FP_EDENIED;
    }
    if (!err && ch.target.state == TARGET_REDACTED) {
        x->why = "this message was redacted; an edit would bring back what had to go";
        err = FP_ECONFLICT;
    }
    if (!err) {
        err = fp_msg_decode(x->cmd->body, &body, &x->why);
    }
    if (err) {
        return err;
    }
    struct fp_event ev = event_of(h, x);
    if (!target_apply(&ch.target, TARGET_EDIT, ev.seq, x->cmd->has_base, x->cmd->base)) {
        ev.flags |= FP_FLAG_CONFLICT; /* kept, so that everybody sees the same loser */
    }
    ev.version = ch.target.version;
    err = change_save(h, x, &ch); /* after a lost edit too: where there is no row there are no edits to redact */
    return err ? err : say(h, x, &ev);
}

enum fp_err change_delete(struct hub *h, struct command_ctx *x)
{
    struct changing ch;

    enum fp_err err = begin(h, x, &ch);
    if (!err && !x->canonical && !is_author(x, &ch) && !access_may(x->role, ACCESS_MODERATE)) {
        x->why = "only its author, a manager or an owner deletes a message";
        err = FP_EDENIED;
    }
    if (err) {
        return err;
    }
    struct fp_event ev = event_of(h, x);
    ev.body = (struct fp_bytes){0}; /* a delete says nothing else */
    if (!target_apply(&ch.target, TARGET_DELETE, ev.seq, false, 0) && !x->canonical) {
        x->why = "this message is already deleted";
        return FP_ECONFLICT;
    }
    ev.version = ch.target.version;
    err = change_save(h, x, &ch);
    return err ? err : say(h, x, &ev);
}

enum fp_err change_react(struct hub *h, struct command_ctx *x)
{
    struct changing ch;
    struct fp_react body;

    enum fp_err err = begin(h, x, &ch);
    if (!err && !x->canonical) {
        err = fp_react_decode(x->cmd->body, &body, &x->why);
    }
    if (err) {
        return err;
    }
    struct fp_event ev = event_of(h, x);
    return say(h, x, &ev);
}

/* ------------------------------------------------------------------ confirming */

struct confirmed {
    const struct fp_id *user;
    bool found;
};

static bool is_his(void *arg, const struct store_confirm *c)
{
    struct confirmed *k = arg;
    k->found = fp_id_eq(&c->user, k->user);
    return !k->found;
}

static enum fp_err may_confirm(struct hub *h, struct command_ctx *x, const struct changing *ch)
{
    struct confirmed k = {.user = &x->item->user};

    if ((ch->msg.flags & FP_FLAG_CONFIRM) == 0) {
        x->why = "this message does not ask to be confirmed";
        return FP_ECONFLICT;
    }
    if (ch->target.state == TARGET_DELETED || ch->target.state == TARGET_REDACTED) {
        x->why = "this message is deleted";
        return FP_ECONFLICT;
    }
    enum fp_err err = h->store.each_confirm(h->store.ctx, x->conv->c.cid, ch->msg.seq, is_his, &k);
    if (!err && k.found) {
        x->why = "you have confirmed this message already";
        err = FP_ECONFLICT;
    }
    return err;
}

enum fp_err change_confirm(struct hub *h, struct command_ctx *x)
{
    struct changing ch;

    enum fp_err err = begin(h, x, &ch);
    if (!err && !x->canonical) {
        err = may_confirm(h, x, &ch);
    }
    if (err) {
        return err;
    }
    struct fp_event ev = event_of(h, x);
    ev.body = (struct fp_bytes){0}; /* a confirmation says nothing else */
    struct store_confirm row = {.cid = x->conv->c.cid, .seq = ch.msg.seq, .user = x->item->user, .at = ev.at};
    err = stage_begin(h);
    if (!err) {
        err = h->store.save_confirm(h->store.ctx, &row);
    }
    return err ? err : say(h, x, &ev);
}
