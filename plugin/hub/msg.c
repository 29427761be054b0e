#include <assert.h>

#include "plugin/core/access.h"
#include "plugin/core/chain.h"
#include "plugin/core/compose.h"
#include "plugin/hub/change.h"
#include "plugin/hub/trunk.h"

struct fp_event event_of(const struct hub *h, const struct command_ctx *x)
{
    if (x->canonical) {
        return *x->canonical;
    }
    struct compose_place place = {.conv = x->conv->c.id, .head = x->conv->c.head, .at = x->conv->c.at};
    struct fp_event ev = compose_event(x->cmd, &place, &x->item->user, &x->item->device, h->wall);
    ev.flags |= context_is_hub(&ev.user) ? FP_FLAG_HUB : 0;
    if (x->relayed) {
        relays_branch(h, x, &ev);
    }
    return ev;
}

static bool run_is_full(const struct hub_conv *c, size_t more_bytes)
{
    return c->run.count >= FP_EVENTS_MAX || c->run.bytes + more_bytes > FP_EVENTS_BYTES_MAX;
}

/* The hub's own bytes stay as they are. */
static enum fp_err encode(struct hub *h, const struct command_ctx *x, const struct fp_event *ev, struct fp_bytes *out)
{
    if (x->canonical) {
        *out = x->canonical_bytes;
        return FP_OK;
    }
    size_t cap = ev->body.len + FP_EVENT_OVERHEAD_MAX;
    uint8_t *buf = arena_alloc(&h->arena, cap);
    if (!buf) {
        return FP_ENOMEM;
    }
    struct fp_enc e;
    fp_enc_init(&e, buf, cap);
    if (!fp_event_encode(&e, ev)) {
        return FP_ENOMEM;
    }
    *out = fp_enc_bytes_of(&e);
    return FP_OK;
}

enum fp_err event_append(struct hub *h, struct command_ctx *x, const struct fp_event *ev)
{
    assert(ev != NULL);
    struct hub_conv *c = x->conv;
    struct fp_bytes one;
    enum fp_err err = encode(h, x, ev, &one);
    if (err) {
        return err;
    }
    struct chain chain;
    memcpy(chain.digest, c->c.chain, sizeof(chain.digest));
    if (chain_extend(&chain, ev)) { /* no handler lets a body of null through */
        x->why = "key 10 (body) must not be null";
        return FP_EMALFORMED;
    }
    if (c->run.count > 0 && run_is_full(c, one.len)) {
        err = event_flush(h, c);
        if (err) {
            return err;
        }
    }
    if (!piece_add(h, &c->run, one)) {
        return FP_ENOMEM;
    }
    if (c->run.count == 1) {
        c->run_first = ev->seq;
    }
    c->c.head = ev->seq;
    c->c.at = ev->at;
    memcpy(c->c.chain, chain.digest, sizeof(c->c.chain));
    c->c.msgs += ev->kind == FP_K_MSG;
    stage_conv(h, c);
    h->stats.events++;
    return event_said(h, x, ev);
}

/* The same bytes go to the store and, with an array's head in front, to the members: history is a copy of what was told. */
enum fp_err event_flush(struct hub *h, struct hub_conv *c)
{
    if (c->run.count == 0) {
        return FP_OK;
    }
    size_t cap = c->run.bytes + 16;
    uint8_t *buf = arena_alloc(&h->arena, cap);
    if (!buf) {
        return FP_ENOMEM;
    }
    struct fp_enc e;
    fp_enc_init(&e, buf, cap);
    if (c->run.count > 1) {
        fp_enc_array(&e, c->run.count);
    }
    size_t frame = e.len;
    piece_join(&c->run, buf + frame);
    struct fp_bytes payload = fp_bytes_of(buf, frame + c->run.bytes);

    struct store_run run = {
        .cid = c->c.cid,
        .first = c->run_first,
        .last = c->c.head,
        .msgs = c->c.msgs,
        .at = c->c.at,
        .events = fp_bytes_of(buf + frame, c->run.bytes),
    };
    memcpy(run.chain, c->c.chain, sizeof(run.chain));
    c->run = (struct piece_list){0};

    enum fp_err err = stage_begin(h);
    if (!err) {
        err = h->store.append(h->store.ctx, &run);
    }
    struct fp_topic topic = topic_of_conv(FP_TOPIC_CONV_EVENT, &c->c);
    return err ? err : tells_publish(h, &topic, payload, false);
}

/* What the author wrote himself he need not be told of as unread. */
static void count_as_read(struct hub *h, struct hub_member *m)
{
    if (m->m.role == FP_ROLE_NONE || !m->m.active) {
        return;
    }
    m->m.read_msgs++;
    if (!m->staged) {
        m->staged = true;
        m->next_staged = h->staged_members;
        h->staged_members = m;
    }
}

/* Had the author not seen what the conversation is about now, or the latest version of what he answers? Who does not say what he saw is believed. */
static enum fp_err is_stale(struct hub *h, const struct command_ctx *x, bool *out)
{
    const struct fp_command *cmd = x->cmd;
    uint64_t version = 0;

    *out = cmd->seen > 0 && cmd->seen < x->conv->c.about_seq;
    if (cmd->seen == 0 || cmd->ref == 0 || *out) {
        return FP_OK;
    }
    enum fp_err err = change_version(h, x->conv, cmd->ref, &version);
    *out = !err && version > cmd->seen;
    return err;
}

/* What the hub has accepted is a message. */
static enum fp_err msg_canonical(struct hub *h, struct command_ctx *x)
{
    enum fp_err err = context_conv(h, x);
    if (!err) {
        err = event_append(h, x, x->canonical);
    }
    if (!err) {
        count_as_read(h, x->member);
    }
    return err;
}

enum fp_err msg_apply(struct hub *h, struct command_ctx *x)
{
    struct fp_msg msg;

    if (x->canonical) {
        return msg_canonical(h, x);
    }
    enum fp_err err = context_conv(h, x);
    if (err) {
        return err;
    }
    if (!access_may(x->role, ACCESS_MSG)) {
        x->why = "an observer does not write";
        return FP_EDENIED;
    }
    err = fp_msg_decode(x->cmd->body, &msg, &x->why);
    if (err) {
        return err;
    }
    const struct store_conv *c = &x->conv->c;
    if (x->cmd->ref > c->head || (x->cmd->ref > 0 && x->cmd->ref <= context_floor(c, &x->member->m))) {
        x->why = "key 8 (ref) names no event of this conversation that you may see";
        return FP_EUNKNOWN;
    }
    bool stale = false;
    err = is_stale(h, x, &stale);
    if (err) {
        return err;
    }
    struct fp_event ev = event_of(h, x);
    ev.flags |= (msg.must_confirm ? FP_FLAG_CONFIRM : 0U) | (stale ? FP_FLAG_STALE : 0U);
    err = event_append(h, x, &ev);
    if (err) {
        return err;
    }
    count_as_read(h, x->member);
    return answer_ack(h, x, &ev.conv, ev.seq, ev.at);
}
