#include <stdlib.h>

#include "plugin/core/access.h"
#include "plugin/hub/trunk.h"

#define MEMBER_ROW_BYTES 64 /* one entry of an about: an id, a role, a seq */
#define ABOUT_FRAME_BYTES 128
#define INBOX_BYTES 128
#define SITE_MEMBERS_MAX 4096

struct about_rows {
    struct fp_enc e;
    size_t count;
};

static bool add_about_row(void *arg, const struct store_member *m)
{
    struct about_rows *rows = arg;
    fp_enc_about_member(&rows->e, &m->user, m->role, m->joined);
    rows->count++;
    return !rows->e.failed;
}

/* A site's own limit does not count: the hub may have let more in. */
static size_t members_max(const struct hub *h)
{
    return site_is(h) && h->config.members < SITE_MEMBERS_MAX ? SITE_MEMBERS_MAX : h->config.members;
}

enum fp_err conv_about(struct hub *h, struct hub_conv *c, struct fp_bytes *out)
{
    size_t rows_cap = MEMBER_ROW_BYTES * (members_max(h) + 1);
    struct about_rows rows = {0};
    struct fp_bytes title;
    struct fp_bytes context;

    uint8_t *rows_buf = arena_alloc(&h->arena, rows_cap);
    fp_enc_init(&rows.e, rows_buf, rows_buf ? rows_cap : 0);
    enum fp_err err = h->store.each_member(h->store.ctx, c->c.cid, add_about_row, &rows);
    if (!err) {
        err = rows.e.failed ? FP_ENOMEM : h->store.load_about(h->store.ctx, c->c.cid, &title, &context);
    }
    if (err) {
        return err;
    }
    size_t cap = rows.e.len + title.len + context.len + ABOUT_FRAME_BYTES;
    uint8_t *buf = arena_alloc(&h->arena, cap);
    struct fp_about about = {.version = c->c.about_seq, .title = title, .scope = c->c.scope, .member_count = rows.count, .context = context};
    struct fp_enc e;
    fp_enc_init(&e, buf, buf ? cap : 0);
    fp_enc_about_begin(&e, &about);
    fp_enc_raw(&e, fp_enc_bytes_of(&rows.e));
    fp_enc_about_end(&e, &about);
    *out = fp_enc_bytes_of(&e);
    return e.failed ? FP_ENOMEM : FP_OK;
}

enum fp_err conv_publish_about(struct hub *h, struct hub_conv *c)
{
    struct fp_bytes about;
    enum fp_err err = conv_about(h, c, &about);
    struct fp_topic topic = topic_of_conv(FP_TOPIC_CONV_ABOUT, &c->c);
    return err ? err : tells_publish(h, &topic, about, true);
}

/* ------------------------------------------------------------------ conv-new */

/* An id for a conversation that came without one: as good as random to others, the same in a replay. */
static enum fp_err make_id(struct hub *h, const struct command_ctx *x, struct fp_id *out)
{
    static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";
    uint64_t hash = fp_hash(FP_HASH_START, &h->info.epoch, sizeof(h->info.epoch));
    hash = fp_hash(hash, x->item->device.text, x->item->device.len);
    hash = fp_hash(hash, &x->cmd->n, sizeof(x->cmd->n));

    for (;;) {
        char text[14] = {'c'};
        for (size_t i = 1; i < sizeof(text); i++) {
            text[i] = digits[(hash >> (5 * (i - 1))) & 31U];
        }
        if (!fp_id_parse(text, sizeof(text), out)) {
            return FP_ECORRUPT;
        }
        struct hub_conv *taken = NULL;
        enum fp_err err = cache_conv(h, out, &taken);
        if (err || !taken) {
            return err;
        }
        hash = fp_hash(hash, text, sizeof(text));
    }
}

static enum fp_err may_begin(struct hub *h, struct command_ctx *x, const struct fp_conv_body *body)
{
    static const char dm[] = "dm"; /* the scope that is everybody's */
    uint8_t role = FP_ROLE_NONE;
    bool exists = false;

    if (fp_id_is_none(&body->scope)) {
        x->why = "key 1 (scope) of the body is missing";
        return FP_EMALFORMED;
    }
    if (body->member_count + 1 > h->config.members) {
        x->why = "too many members";
        return FP_ETOOLARGE;
    }
    enum fp_err err = h->store.load_scope(h->store.ctx, &body->scope, &x->item->user, &role, &exists);
    if (err) {
        return err;
    }
    if (context_is_service(h, &x->item->user)) {
        role = FP_ROLE_SERVICE;
    }
    bool anyone = body->scope.len == strlen(dm) && memcmp(body->scope.text, dm, strlen(dm)) == 0;
    return access_begin(role, exists, h->config.open_scopes, anyone, &x->why);
}

enum fp_err conv_may_begin(struct hub *h, struct command_ctx *x, struct fp_conv_body *out)
{
    enum fp_err err = fp_conv_body_decode(x->cmd->body, h->config.title_bytes, out, &x->why);
    return err ? err : may_begin(h, x, out);
}

static enum fp_err tell_joined(struct hub *h, const struct store_conv *c, const struct fp_id *user, uint8_t role)
{
    uint8_t *buf = arena_alloc(&h->arena, INBOX_BYTES);
    struct fp_enc e;
    fp_enc_init(&e, buf, buf ? INBOX_BYTES : 0);
    fp_enc_inbox_joined(&e, &c->id, &c->scope, role);
    return e.failed ? FP_ENOMEM : tells_inbox(h, user, fp_enc_bytes_of(&e));
}

/* Grants first, so that whoever is let in receives the event that lets him in. */
enum fp_err conv_let_in(struct hub *h, struct hub_conv *c, struct hub_member *m)
{
    m->m.change = h->change_next++;
    people_member(h, &c->c, &m->m.user);
    enum fp_err err = h->store.save_member(h->store.ctx, &m->m);
    if (!err) {
        err = tells_grant(h, TELL_GRANT_CONV, &c->c.id, &m->m.user, true, m->m.change);
    }
    if (!err) {
        err = tells_grant(h, TELL_GRANT_SCOPE, &c->c.scope, &m->m.user, true, m->m.change);
    }
    return err ? err : tell_joined(h, &c->c, &m->m.user, m->m.role);
}

static enum fp_err let_first_in(struct hub *h, struct hub_conv *c, const struct fp_id *user, uint8_t role)
{
    struct hub_member *m = NULL;
    enum fp_err err = cache_member(h, c->c.cid, user, &m);
    if (err) {
        return err;
    }
    if (m->m.active && m->m.role == role) { /* a site let him in before its hub did */
        return FP_OK;
    }
    m->m = (struct store_member){.cid = c->c.cid, .scope = c->c.scope, .user = *user, .role = role, .active = true, .joined = 1, .from = 1};
    return conv_let_in(h, c, m);
}

enum fp_err conv_save_new(struct hub *h, struct command_ctx *x, struct fp_conv_body *body, const struct store_conv *row)
{
    struct store_conv c = *row;
    struct fp_id user;
    uint64_t role = 0;

    enum fp_err err = stage_begin(h);
    if (!err) {
        err = h->store.save_conv(h->store.ctx, &c, body->title, body->context);
    }
    if (!err) {
        err = row->cid == 0 ? cache_new_conv(h, &c, &x->conv) : FP_OK;
    }
    if (!err) {
        x->conv->c.about_seq = row->about_seq;
        x->conv->c.retention_days = row->retention_days;
        err = let_first_in(h, x->conv, &x->item->user, FP_ROLE_OWNER);
    }
    while (!err && fp_conv_body_member(body, &user, &role)) {
        err = fp_id_eq(&user, &x->item->user) ? FP_OK : let_first_in(h, x->conv, &user, (uint8_t)role);
    }
    return err;
}

enum fp_err conv_new(struct hub *h, struct command_ctx *x)
{
    struct fp_conv_body body;
    struct fp_id id = x->cmd->conv;
    struct hub_conv *taken = NULL;

    if (x->canonical) {
        return apply_conv_new(h, x);
    }
    enum fp_err err = conv_may_begin(h, x, &body);
    if (!err) {
        err = fp_id_is_none(&id) ? make_id(h, x, &id) : cache_conv(h, &id, &taken);
    }
    if (!err && taken) {
        x->why = "a conversation with this id exists";
        err = FP_ECONFLICT;
    }
    struct store_conv row = {.id = id, .scope = body.scope, .about_seq = 1, .retention_days = body.retention_days};
    if (!err) {
        err = conv_save_new(h, x, &body, &row);
    }
    if (err) {
        return err;
    }
    struct fp_event ev = event_of(h, x);
    ev.version = 1;
    err = event_append(h, x, &ev);
    if (!err && body.retention_days > 0) {
        err = retention_set(h, x->conv);
    }
    if (err) {
        return err;
    }
    x->conv->about_changed = true;
    return answer_ack(h, x, &ev.conv, ev.seq, ev.at);
}

/* ------------------------------------------------------------------ conv-set */

static enum fp_err may_set(struct hub *h, struct command_ctx *x, const struct fp_conv_body *body)
{
    const struct store_conv *c = &x->conv->c;

    if (!access_may(x->role, ACCESS_TITLE) || (body->has_retention && !access_may(x->role, ACCESS_RETENTION))) {
        x->why = body->has_retention ? "only an owner changes the retention" : "only a manager or owner changes a conversation";
        return FP_EDENIED;
    }
    if (body->has_members) {
        x->why = "key 3 (members) of the body: members change by member-add, member-remove and member-role";
        return FP_EMALFORMED;
    }
    if (!fp_id_is_none(&body->scope) && !fp_id_eq(&body->scope, &c->scope)) {
        x->why = "key 1 (scope) of the body: a conversation stays in its scope";
        return FP_EMALFORMED;
    }
    if (!body->has_title && !body->has_context && !body->has_retention) {
        x->why = "the body changes nothing";
        return FP_EMALFORMED;
    }
    if (x->cmd->has_base && x->cmd->base != c->about_seq) {
        enum fp_err err = conv_about(h, x->conv, &x->current);
        x->why = "key 9 (base) is not the current version; key 6 holds the current value";
        return err ? err : FP_ESTALE;
    }
    return FP_OK;
}

enum fp_err conv_set(struct hub *h, struct command_ctx *x)
{
    static const uint8_t nothing;
    struct fp_conv_body body;

    enum fp_err err = context_conv(h, x);
    if (!err) {
        err = fp_conv_body_decode(x->cmd->body, x->canonical ? SIZE_MAX : h->config.title_bytes, &body, &x->why);
    }
    if (!err && !x->canonical) {
        err = may_set(h, x, &body);
    }
    if (!err) {
        err = stage_begin(h);
    }
    if (err) {
        return err;
    }
    struct store_conv *c = &x->conv->c;
    struct fp_bytes title = body.has_title && body.title.len == 0 ? fp_bytes_of(&nothing, 0) : body.title;
    struct fp_event ev = event_of(h, x);
    ev.version = ev.seq;
    c->about_seq = ev.seq;
    c->retention_days = body.has_retention ? body.retention_days : c->retention_days;
    err = h->store.save_conv(h->store.ctx, c, body.has_title ? title : (struct fp_bytes){0}, body.context);
    if (!err) {
        err = event_append(h, x, &ev);
    }
    if (!err && body.has_retention) {
        err = retention_set(h, x->conv);
    }
    if (err) {
        return err;
    }
    x->conv->about_changed = true;
    return answer_ack(h, x, &ev.conv, ev.seq, ev.at);
}
