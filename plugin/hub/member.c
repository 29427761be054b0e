#include "plugin/core/access.h"
#include "plugin/hub/receipts.h"

#define INBOX_BYTES 128

struct tally { /* of a conversation's members beside one of them */
    const struct fp_id *beside;
    size_t others;
    size_t other_owners;
};

static bool count_one(void *arg, const struct store_member *m)
{
    struct tally *t = arg;
    if (!fp_id_eq(&m->user, t->beside)) {
        t->others++;
        t->other_owners += m->role == FP_ROLE_OWNER;
    }
    return true;
}

enum change {
    CHANGE_ADD,
    CHANGE_REMOVE,
    CHANGE_ROLE,
};

struct change_ctx {
    struct fp_member_body body;
    struct hub_member *target;
    struct tally tally;
};

static enum fp_err load_change(struct hub *h, struct command_ctx *x, enum change change, struct change_ctx *k)
{
    enum fp_err err = context_conv(h, x);
    if (!err) {
        err = fp_member_body_decode(x->cmd->body, &k->body, &x->why);
    }
    if (!err && change != CHANGE_REMOVE && k->body.role == FP_ROLE_NONE) {
        x->why = "key 2 (role) of the body is missing";
        err = FP_EMALFORMED;
    }
    if (!err) {
        err = cache_member(h, x->conv->c.cid, &k->body.user, &k->target);
    }
    if (!err) {
        k->tally = (struct tally){.beside = &k->body.user};
        err = h->store.each_member(h->store.ctx, x->conv->c.cid, count_one, &k->tally);
    }
    return err;
}

/* Decodes the body, loads the target and the numbers that the rules need, and asks the rules. */
static enum fp_err judge(struct hub *h, struct command_ctx *x, enum change change, struct change_ctx *k)
{
    enum fp_err err = load_change(h, x, change, k);
    if (err) {
        return err;
    }
    if (x->canonical) { /* the hub has judged */
        return stage_begin(h);
    }
    bool is_member = k->target->m.role != FP_ROLE_NONE && k->target->m.active;
    struct access_change c = {
        .actor = x->role,
        .self = fp_id_eq(&k->body.user, &x->item->user),
        .target = is_member ? k->target->m.role : FP_ROLE_NONE,
        .wanted = change == CHANGE_REMOVE ? FP_ROLE_NONE : (uint8_t)k->body.role,
        .other_owners = k->tally.other_owners,
        .others = k->tally.others,
    };
    err = access_change(&c, &x->why);
    if (!err && change != CHANGE_ADD && !is_member) {
        x->why = "key 1 of the body names no member of this conversation";
        err = FP_EUNKNOWN;
    }
    if (!err && change == CHANGE_ADD && is_member) {
        x->why = "key 1 of the body names a member already";
        err = FP_ECONFLICT;
    }
    return err ? err : stage_begin(h);
}

/* The event of a change of members; it changes the about as well. */
static enum fp_err append_change(struct hub *h, struct command_ctx *x, struct fp_event *out)
{
    struct store_conv *c = &x->conv->c;
    *out = event_of(h, x);
    out->version = out->seq;
    c->about_seq = out->seq;
    x->conv->about_changed = true;
    enum fp_err err = h->store.save_conv(h->store.ctx, c, (struct fp_bytes){0}, (struct fp_bytes){0});
    return err ? err : event_append(h, x, out);
}

/* ------------------------------------------------------------------ member-add */

/* From which seq on does the new member see the history? */
static enum fp_err history_from(const struct command_ctx *x, const struct fp_member_body *body, uint64_t *out)
{
    uint64_t joined = x->conv->c.head + 1;
    uint64_t lowest = context_floor(&x->conv->c, &x->member->m) + 1;
    bool given = body->has_from;

    if (given && body->from > joined) {
        return FP_EMALFORMED;
    }
    *out = !given ? joined : body->from > lowest ? body->from : lowest;
    return FP_OK;
}

enum fp_err member_add(struct hub *h, struct command_ctx *x)
{
    struct change_ctx k;
    uint64_t from = 0;

    enum fp_err err = judge(h, x, CHANGE_ADD, &k);
    if (!err && !x->canonical && k.tally.others + 1 > h->config.members) {
        x->why = "too many members";
        err = FP_ETOOLARGE;
    }
    if (!err) {
        err = history_from(x, &k.body, &from);
        x->why = err ? "key 3 (history from) of the body is above the head" : NULL;
    }
    if (!err) {
        err = event_flush(h, x->conv); /* what was said before must not reach him */
    }
    if (err) {
        return err;
    }
    bool wrote = k.target->m.role != FP_ROLE_NONE || context_is_service(h, &k.body.user);
    k.target->m = (struct store_member){
        .cid = x->conv->c.cid,
        .scope = x->conv->c.scope,
        .user = k.body.user,
        .role = (uint8_t)k.body.role,
        .active = true,
        .joined = x->conv->c.head + 1,
        .from = from,
    };
    struct fp_event ev;
    err = receipts_member(h, x->conv, k.target);
    if (!err) {
        err = receipts_count_anew(h, x->conv, k.target, wrote);
    }
    if (!err) {
        err = conv_let_in(h, x->conv, k.target);
    }
    if (!err) {
        err = append_change(h, x, &ev);
    }
    return err ? err : answer_ack(h, x, &ev.conv, ev.seq, ev.at);
}

/* ------------------------------------------------------------------ member-remove */

static enum fp_err tell_removed(struct hub *h, const struct store_conv *c, const struct fp_id *user)
{
    uint8_t *buf = arena_alloc(&h->arena, INBOX_BYTES);
    struct fp_enc e;
    fp_enc_init(&e, buf, buf ? INBOX_BYTES : 0);
    fp_enc_inbox_removed(&e, &c->id, &c->scope);
    return e.failed ? FP_ENOMEM : tells_inbox(h, user, fp_enc_bytes_of(&e));
}

/* The event that puts him out is the last one that he may see, so it leaves before the grants are taken back. */
enum fp_err member_put_out(struct hub *h, struct hub_conv *c, struct hub_member *m)
{
    uint8_t scope_role = FP_ROLE_NONE;
    bool exists = false;

    m->m.active = false;
    m->m.change = h->change_next++;
    typing_stop(h, &c->c.id, &m->m.user);
    people_member(h, &c->c, &m->m.user);
    enum fp_err err = event_flush(h, c);
    if (!err) {
        err = receipts_member(h, c, m);
    }
    if (!err) {
        err = h->store.save_member(h->store.ctx, &m->m);
    }
    if (!err) {
        err = tells_grant(h, TELL_GRANT_CONV, &c->c.id, &m->m.user, false, m->m.change);
    }
    if (!err) {
        err = h->store.load_scope(h->store.ctx, &c->c.scope, &m->m.user, &scope_role, &exists);
    }
    if (!err && scope_role == FP_ROLE_NONE) {
        err = tells_grant(h, TELL_GRANT_SCOPE, &c->c.scope, &m->m.user, false, m->m.change);
    }
    return err ? err : tell_removed(h, &c->c, &m->m.user);
}

struct leaving {
    struct hub *h;
    member_stays_fn stays;
    const void *arg;
    struct fp_id *users; /* in the arena */
    size_t count, cap;
    bool no_memory;
};

static bool note_leaving(void *arg, const struct store_member *m)
{
    struct leaving *l = arg;
    if (l->stays(l->arg, &m->user)) {
        return true;
    }
    if (l->count == l->cap) {
        size_t cap = l->cap * 2 + 16;
        struct fp_id *users = arena_alloc(&l->h->arena, cap * sizeof(*users));
        l->no_memory = !users;
        if (!users) {
            return false;
        }
        if (l->count > 0) {
            memcpy(users, l->users, l->count * sizeof(*users));
        }
        l->users = users;
        l->cap = cap;
    }
    l->users[l->count++] = m->user;
    return true;
}

enum fp_err member_put_others_out(struct hub *h, struct hub_conv *c, member_stays_fn stays, const void *arg)
{
    struct leaving l = {.h = h, .stays = stays, .arg = arg};
    enum fp_err err = stage_begin(h);
    if (!err) {
        err = h->store.each_member(h->store.ctx, c->c.cid, note_leaving, &l);
    }
    err = l.no_memory ? FP_ENOMEM : err;
    for (size_t i = 0; !err && i < l.count; i++) {
        struct hub_member *m = NULL;
        err = cache_member(h, c->c.cid, &l.users[i], &m);
        err = err ? err : member_put_out(h, c, m);
    }
    return err;
}

enum fp_err member_remove(struct hub *h, struct command_ctx *x)
{
    struct change_ctx k;
    struct fp_event ev;

    enum fp_err err = judge(h, x, CHANGE_REMOVE, &k);
    if (!err) {
        err = append_change(h, x, &ev);
    }
    if (!err && k.target->m.active) { /* at a site he may be out already */
        err = member_put_out(h, x->conv, k.target);
    }
    return err ? err : answer_ack(h, x, &ev.conv, ev.seq, ev.at);
}

/* ------------------------------------------------------------------ member-role */

enum fp_err member_role(struct hub *h, struct command_ctx *x)
{
    struct change_ctx k;
    struct fp_event ev;

    enum fp_err err = judge(h, x, CHANGE_ROLE, &k);
    if (err) {
        return err;
    }
    k.target->m.role = (uint8_t)k.body.role;
    err = h->store.save_member(h->store.ctx, &k.target->m);
    if (!err) {
        err = append_change(h, x, &ev);
    }
    return err ? err : answer_ack(h, x, &ev.conv, ev.seq, ev.at);
}
