/* What the hub would say, by what is held here. It decides what is shown here; the answer is the hub's. */
#include "plugin/core/access.h"
#include "plugin/hub/change.h"
#include "plugin/hub/site.h"

static enum fp_err may(struct command_ctx *x, enum access_act act)
{
    x->why = access_may(x->role, act) ? NULL : "your role here does not allow it";
    return x->why ? FP_EDENIED : FP_OK;
}

static enum fp_err check_msg(struct hub *h, struct command_ctx *x)
{
    struct fp_msg msg;
    enum fp_err err = context_conv(h, x);
    if (!err) {
        err = may(x, ACCESS_MSG);
    }
    if (!err) {
        err = fp_msg_decode(x->cmd->body, &msg, &x->why);
    }
    if (err) {
        return err;
    }
    uint64_t ref = x->cmd->ref;
    if (ref > x->conv->c.head || (ref > 0 && ref <= context_floor(&x->conv->c, &x->member->m))) {
        x->why = "key 8 (ref) names no event of this conversation that you may see";
        return FP_EUNKNOWN;
    }
    return FP_OK;
}

static bool serves_scope(const struct site *s, const struct fp_id *scope)
{
    for (size_t i = 0; i < s->scope_count; i++) {
        if (fp_id_eq(&s->scopes[i], scope)) {
            return true;
        }
    }
    return s->scope_count == 0; /* not told yet */
}

static bool anyone(void *arg, const struct store_member *m)
{
    (void)m;
    *(bool *)arg = true;
    return false;
}

/* Where ours was refused nothing is left of it. */
static enum fp_err is_taken(struct hub *h, const struct fp_id *id, bool *out)
{
    struct hub_conv *c = NULL;
    *out = false;
    enum fp_err err = fp_id_is_none(id) ? FP_OK : cache_conv(h, id, &c);
    if (err || !c) {
        return err;
    }
    *out = c->c.head > 0;
    return *out ? FP_OK : h->store.each_member(h->store.ctx, c->c.cid, anyone, out);
}

static enum fp_err check_conv_new(struct hub *h, struct command_ctx *x)
{
    struct fp_conv_body body;
    bool taken = false;
    enum fp_err err = conv_may_begin(h, x, &body);
    if (!err && !serves_scope(h->site, &body.scope)) {
        x->why = "this site does not serve that scope";
        err = FP_EDENIED;
    }
    if (!err) {
        err = is_taken(h, &x->cmd->conv, &taken);
    }
    if (!err && taken) {
        x->why = "a conversation with this id exists";
        err = FP_ECONFLICT;
    }
    return err;
}

static enum fp_err check_conv_set(struct hub *h, struct command_ctx *x)
{
    struct fp_conv_body body;
    enum fp_err err = context_conv(h, x);
    if (!err) {
        err = fp_conv_body_decode(x->cmd->body, h->config.title_bytes, &body, &x->why);
    }
    if (!err) {
        err = may(x, body.has_retention ? ACCESS_RETENTION : ACCESS_TITLE);
    }
    if (!err && x->cmd->has_base && x->cmd->base < x->conv->c.about_seq) { /* versions only grow */
        err = conv_about(h, x->conv, &x->current);
        x->why = "key 9 (base) is not the current version; key 6 holds the current value";
        err = err ? err : FP_ESTALE;
    }
    return err;
}

static enum fp_err check_member(struct hub *h, struct command_ctx *x)
{
    struct fp_member_body body;
    enum fp_err err = context_conv(h, x);
    if (!err) {
        err = fp_member_body_decode(x->cmd->body, &body, &x->why);
    }
    if (err) {
        return err;
    }
    if (x->cmd->kind == FP_K_MEMBER_REMOVE) {
        return fp_id_eq(&body.user, &x->item->user) ? FP_OK : may(x, ACCESS_REMOVE);
    }
    if (body.role == FP_ROLE_NONE) {
        x->why = "key 2 (role) of the body is missing";
        return FP_EMALFORMED;
    }
    return may(x, x->cmd->kind == FP_K_MEMBER_ADD ? ACCESS_ADD : ACCESS_ROLE);
}

static enum fp_err decode_change(struct command_ctx *x)
{
    struct fp_msg msg;
    struct fp_react react;
    struct fp_bytes reason;
    switch (x->cmd->kind) {
    case FP_K_EDIT:
        return fp_msg_decode(x->cmd->body, &msg, &x->why);
    case FP_K_REACT:
        return fp_react_decode(x->cmd->body, &react, &x->why);
    case FP_K_REDACT:
        return fp_redact_decode(x->cmd->body, &reason, &x->why);
    default:
        return FP_OK;
    }
}

/* Who wrote it does not change, nor does what was asked for with it. */
static enum fp_err check_change(struct hub *h, struct command_ctx *x)
{
    struct changing ch;
    enum fp_err err = context_conv(h, x);
    if (!err) {
        err = may(x, x->cmd->kind == FP_K_REDACT ? ACCESS_MODERATE : ACCESS_MSG);
    }
    if (!err) {
        err = change_find(h, x, &ch);
    }
    if (!err) {
        err = decode_change(x);
    }
    if (err) {
        return err;
    }
    bool own = fp_id_eq(&ch.msg.user, &x->item->user);
    if (x->cmd->kind == FP_K_EDIT && !own) {
        x->why = "only its author edits a message";
        return FP_EDENIED;
    }
    if (x->cmd->kind == FP_K_DELETE && !own && !access_may(x->role, ACCESS_MODERATE)) {
        x->why = "only its author, a manager or an owner deletes a message";
        return FP_EDENIED;
    }
    if (x->cmd->kind == FP_K_CONFIRM && (ch.msg.flags & FP_FLAG_CONFIRM) == 0) {
        x->why = "this message does not ask to be confirmed";
        return FP_ECONFLICT;
    }
    return FP_OK;
}

enum fp_err site_check(struct hub *h, struct command_ctx *x)
{
    static const struct {
        uint64_t kind;
        enum fp_err (*check)(struct hub *h, struct command_ctx *x);
    } checks[] = {
        {FP_K_MSG, check_msg},      {FP_K_CONV_NEW, check_conv_new},    {FP_K_CONV_SET, check_conv_set},  {FP_K_MEMBER_ADD, check_member},
        {FP_K_EDIT, check_change},  {FP_K_MEMBER_REMOVE, check_member}, {FP_K_MEMBER_ROLE, check_member}, {FP_K_DELETE, check_change},
        {FP_K_REACT, check_change}, {FP_K_CONFIRM, check_change},       {FP_K_REDACT, check_change},
    };
    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
        if (checks[i].kind == x->cmd->kind) {
            return checks[i].check(h, x);
        }
    }
    x->why = "this release does not know this kind of command yet";
    return FP_EUNSUPPORTED;
}
