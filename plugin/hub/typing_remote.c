/* Who types at the other end of a trunk: shown here as those here are. And who types here, for the other end. */
#include <stdlib.h>

#include "plugin/core/access.h"
#include "plugin/hub/people.h"
#include "plugin/hub/trunk.h"
#include "plugin/hub/typing.h"

#define REPEAT_US 3000000U /* who goes on is named again: the far end forgets him after TYPING_LASTS_US */

/* A trunk as a device of its typists. No client can have such an id, so that none ends what it did not begin. */
static struct fp_id device_of(const struct fp_id *via)
{
    struct fp_id id = *via;
    for (size_t i = 0; i < id.len; i++) {
        id.text[i] = (char)(id.text[i] | 0x80);
    }
    return id;
}

static bool is_remote(const struct fp_id *device)
{
    return device->len > 0 && ((unsigned char)device->text[0] & 0x80) != 0;
}

/* ------------------------------------------------------------------ what is said */

/* As for a device: a member who writes there, and does not hide. A store that cannot be read shows nobody. */
static bool may_type(struct hub *h, const struct hub_conv *c, const struct fp_id *user)
{
    struct hub_member *m = NULL;
    bool hides = true;
    if (cache_member(h, c->c.cid, user, &m) != FP_OK || !access_may(m->m.role, ACCESS_MSG)) {
        return false;
    }
    return people_hides(h, user, &c->c.scope, &hides) == FP_OK && !hides;
}

static bool named(const struct fp_id *users, size_t count, const struct fp_id *user)
{
    for (size_t i = 0; i < count; i++) {
        if (fp_id_eq(&users[i], user)) {
            return true;
        }
    }
    return false;
}

/* Who is named no more has stopped. */
static void end_others(struct typing_conv *tc, const struct fp_id *device, const struct fp_id *users, size_t count)
{
    for (size_t i = tc->t.count; i > 0; i--) {
        struct typing_key key = tc->t.rows[i - 1].key;
        if (fp_id_eq(&key.device, device) && !named(users, count, &key.user)) {
            typing_end(&tc->t, &key);
        }
    }
}

void typing_remote(struct hub *h, const struct fp_id *via, const struct fp_id *conv, const struct fp_id *users, size_t count)
{
    struct typing_key key = {.device = device_of(via)};
    struct hub_conv *c = NULL;
    struct typing_conv *tc = typing_conv_find(h, conv);

    count = count < TYPING_ROWS_MAX ? count : TYPING_ROWS_MAX;
    if (tc) {
        end_others(tc, &key.device, users, count);
        typing_note_due(h, tc);
    }
    if (count == 0 || cache_conv(h, conv, &c) != FP_OK || !c || !remote_serves(h, via, &c->c.scope)) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        key.user = users[i];
        tc = may_type(h, c, &key.user) ? typing_conv_get(h, conv) : NULL;
        if (tc) {
            (void)typing_begin(&tc->t, &key, h->mono); /* who finds no row is one of more than can be shown */
            typing_note_due(h, tc);
        }
    }
}

void typing_remote_lost(struct hub *h, const struct fp_id *via)
{
    struct fp_id device = device_of(via);
    for (struct typing_conv *tc = h->typing->table; tc; tc = tc->hh.next) {
        typing_end_device(&tc->t, &device);
        typing_note_due(h, tc);
    }
}

/* ------------------------------------------------------------------ what we say */

struct typists { /* of one conversation, in the arena */
    struct typing_conv *tc;
    struct fp_id *users;
    size_t count;
    uint64_t hash; /* 0: nobody */
};

static bool list_typists(struct hub *h, struct typing_conv *tc, struct typists *out)
{
    *out = (struct typists){.tc = tc, .users = arena_alloc(&h->arena, (tc->t.count + 1) * sizeof(*out->users))};
    if (!out->users) {
        return false;
    }
    for (size_t i = 0; i < tc->t.count; i++) {
        const struct typing_key *key = &tc->t.rows[i].key;
        if (!is_remote(&key->device) && !named(out->users, out->count, &key->user)) {
            out->users[out->count++] = key->user;
        }
    }
    out->hash = out->count == 0 ? 0 : FP_HASH_START;
    for (size_t i = 0; i < out->count; i++) {
        out->hash = fp_hash(out->hash, &out->users[i], sizeof(out->users[i]));
    }
    return true;
}

static bool is_due(const struct typists *t, struct fp_mono now)
{
    return t->hash != t->tc->passed || (t->hash != 0 && t->tc->passed_at.us + REPEAT_US <= now.us);
}

static int by_conv(const void *a, const void *b)
{
    const struct typists *x = a;
    const struct typists *y = b;
    return people_by_id(&x->tc->id, &y->tc->id);
}

static enum fp_err encode(struct hub *h, const struct typists *rows, size_t count, struct fp_bytes *out)
{
    size_t cap = 1;
    for (size_t i = 0; i < count; i++) {
        cap += (rows[i].count + 2) * (FP_ID_MAX + 2);
    }
    uint8_t *buf = arena_alloc(&h->arena, cap);
    struct fp_enc e;
    fp_enc_init(&e, buf, buf ? cap : 0);
    for (size_t i = 0; i < count; i++) {
        fp_enc_trunk_typing_row(&e, &rows[i].tc->id, rows[i].users, rows[i].count);
    }
    *out = fp_enc_bytes_of(&e);
    return !buf || e.failed ? FP_ENOMEM : FP_OK;
}

/* What was not encoded was not passed on: it is tried again. */
enum fp_err typing_local(struct hub *h, struct fp_bytes *out_rows, size_t *out_count)
{
    struct typists *rows = arena_alloc(&h->arena, (HASH_COUNT(h->typing->table) + 1) * sizeof(*rows));
    size_t count = 0;

    for (struct typing_conv *tc = h->typing->table; rows && tc; tc = tc->hh.next) {
        if (!list_typists(h, tc, &rows[count])) {
            return FP_ENOMEM;
        }
        count += is_due(&rows[count], h->mono);
    }
    if (rows && count > 0) {
        qsort(rows, count, sizeof(*rows), by_conv);
    }
    enum fp_err err = rows ? encode(h, rows, count, out_rows) : FP_ENOMEM;
    for (size_t i = 0; !err && i < count; i++) {
        rows[i].tc->passed = rows[i].hash;
        rows[i].tc->passed_at = h->mono;
        typing_note_due(h, rows[i].tc);
    }
    *out_count = err ? 0 : count;
    return err;
}
