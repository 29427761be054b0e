/* Who is typing, in every conversation where somebody is. Soft state: a restart forgets it, and so do the clients, after six seconds. */
#include "plugin/hub/typing.h"

#include <assert.h>
#include <stdlib.h>

#include "plugin/core/access.h"

#define CONVS_MAX 1024 /* in which somebody types: 6 MB at most; in others nobody is shown */
#define NO_ROOM_US 1000U
#define DIGEST_BYTES 160

enum fp_err typing_open(struct hub *h)
{
    h->typing = calloc(1, sizeof(*h->typing));
    if (!h->typing) {
        return FP_ENOMEM;
    }
    h->typing->due.us = UINT64_MAX;
    return FP_OK;
}

static void drop_conv(struct hub *h, struct typing_conv *tc)
{
    assert(h->typing->table); /* what is in it has been put there */
    HASH_DEL(h->typing->table, tc);
    free(tc);
}

void typing_close(struct hub *h)
{
    while (h->typing && h->typing->table) {
        drop_conv(h, h->typing->table);
    }
    free(h->typing);
    h->typing = NULL;
}

struct typing_conv *typing_conv_find(const struct hub *h, const struct fp_id *id)
{
    struct typing_conv *tc = NULL;
    HASH_FIND(hh, h->typing->table, id->text, id->len, tc);
    return tc;
}

struct typing_conv *typing_conv_get(struct hub *h, const struct fp_id *id)
{
    struct typing_conv *tc = typing_conv_find(h, id);
    if (tc || HASH_COUNT(h->typing->table) >= CONVS_MAX) {
        return tc;
    }
    tc = calloc(1, sizeof(*tc));
    if (!tc) {
        return NULL;
    }
    tc->id = *id;
    HASH_ADD_KEYPTR(hh, h->typing->table, tc->id.text, tc->id.len, tc);
    if (!tc->hh.tbl) {
        free(tc);
        return NULL;
    }
    return tc;
}

/* What has changed may be due earlier than all else. One that is over is let go a second later, so that it is not told anew at once. */
void typing_note_due(struct hub *h, const struct typing_conv *tc)
{
    struct fp_mono due;
    if (!typing_next(&tc->t, &due)) {
        due.us = tc->t.told_at.us + TYPING_EVERY_US;
        if (typing_passed(tc, h->mono) && tc->passed_at.us + TYPING_LASTS_US > due.us) {
            due.us = tc->passed_at.us + TYPING_LASTS_US;
        }
    }
    h->typing->due.us = due.us < h->typing->due.us ? due.us : h->typing->due.us;
}

static void begin(struct hub *h, const struct fp_id *conv, const struct typing_key *key)
{
    struct typing_conv *tc = typing_conv_get(h, conv);
    if (tc) {
        (void)typing_begin(&tc->t, key, h->mono); /* who finds no row is one of more than can be shown */
        typing_note_due(h, tc);
    }
}

enum fp_err typing_report(struct hub *h, struct command_ctx *x)
{
    bool on = false;
    bool hides = false;

    enum fp_err err = context_conv(h, x);
    if (!err) {
        err = fp_flag_decode(x->cmd->body, &on, &x->why);
    }
    if (err) {
        return err;
    }
    if (!access_may(x->role, ACCESS_MSG)) {
        x->why = "an observer does not write";
        return FP_EDENIED;
    }
    err = people_hides(h, &x->item->user, &x->conv->c.scope, &hides);
    if (err) {
        return err;
    }
    struct typing_key key = {.user = x->item->user, .device = x->item->device};
    struct typing_conv *tc = typing_conv_find(h, &x->conv->c.id);
    if (on && !hides) {
        begin(h, &x->conv->c.id, &key);
    } else if (tc) { /* the policy may have changed while he was shown */
        typing_end(&tc->t, &key);
        typing_note_due(h, tc);
    }
    return FP_OK;
}

void typing_stop(struct hub *h, const struct fp_id *conv, const struct fp_id *user)
{
    struct typing_conv *tc = typing_conv_find(h, conv);
    if (tc) {
        typing_end_user(&tc->t, user);
        typing_note_due(h, tc);
    }
}

void typing_gone(struct hub *h, const struct fp_id *device)
{
    for (struct typing_conv *tc = h->typing->table; tc; tc = tc->hh.next) {
        typing_end_device(&tc->t, device);
        typing_note_due(h, tc);
    }
}

void typing_hide(struct hub *h, const struct fp_id *user)
{
    for (struct typing_conv *tc = h->typing->table; tc; tc = tc->hh.next) {
        typing_end_user(&tc->t, user);
        typing_note_due(h, tc);
    }
}

static void publish(struct hub *h, const struct hub_conv *c, const struct typing_digest *d)
{
    uint8_t buf[DIGEST_BYTES];
    struct fp_enc e;
    fp_enc_init(&e, buf, sizeof(buf));
    fp_enc_typing(&e, d->names, d->name_count, d->count);
    struct fp_topic topic = topic_of_conv(FP_TOPIC_CONV_TYPING, &c->c);
    tells_now(h, &topic, fp_enc_bytes_of(&e), 0, false);
}

/* The conversation is looked up again: the batch in which it was new may have failed. */
static enum fp_err run_conv(struct hub *h, struct typing_conv *tc)
{
    struct typing_digest digest;
    struct hub_conv *c = NULL;

    (void)typing_expire(&tc->t, h->mono);
    if (!typing_tell(&tc->t, h->mono, &digest)) {
        return FP_OK;
    }
    enum fp_err err = cache_conv(h, &tc->id, &c);
    if (!err && c) {
        publish(h, c, &digest);
    }
    return err;
}

/* The first thing to be left out when the broker is behind: it is told when there is room, if it is still so. */
enum fp_err typing_run(struct hub *h)
{
    struct typing_conv *tc;
    struct typing_conv *next;
    enum fp_err err = FP_OK;

    if (h->typing->due.us > h->mono.us || !h->bus.has_room(h->bus.ctx)) {
        return FP_OK;
    }
    h->typing->due.us = UINT64_MAX;
    HASH_ITER (hh, h->typing->table, tc, next) {
        enum fp_err one = run_conv(h, tc);
        err = err ? err : one;
        if (typing_over(&tc->t, h->mono) && !typing_passed(tc, h->mono)) {
            drop_conv(h, tc);
        } else {
            typing_note_due(h, tc);
        }
    }
    return err;
}

uint64_t typing_wait_us(const struct hub *h, struct fp_mono now)
{
    uint64_t due = h->typing->due.us;
    if (due == UINT64_MAX) {
        return UINT64_MAX;
    }
    if (due > now.us) {
        return due - now.us;
    }
    return h->bus.has_room(h->bus.ctx) ? 0 : NO_ROOM_US;
}
