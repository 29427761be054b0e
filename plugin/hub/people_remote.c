/* Who is at the other end of a trunk: what each of them says, and what we say to them. */
#include <assert.h>
#include <stdlib.h>
#include <utlist.h>

#include "plugin/hub/people.h"
#include "plugin/hub/trunk.h"

/* ------------------------------------------------------------------ what a relay may speak about */

const struct hub_relay *remote_relay(const struct hub *h, const struct fp_id *via)
{
    for (size_t i = 0; i < h->config.relay_count && !site_is(h); i++) {
        if (fp_id_eq(&h->config.relays[i].relay, via)) {
            return &h->config.relays[i];
        }
    }
    return NULL;
}

static bool lists(const struct fp_id *ids, size_t count, const struct fp_id *id)
{
    for (size_t i = 0; i < count; i++) {
        if (fp_id_eq(&ids[i], id)) {
            return true;
        }
    }
    return false;
}

bool remote_serves(const struct hub *h, const struct fp_id *via, const struct fp_id *scope)
{
    const struct hub_relay *relay = remote_relay(h, via);
    return site_is(h) || (relay && lists(relay->scopes, relay->scope_count, scope));
}

/* R4: about members of its scopes only. */
static enum fp_err speaks_for(struct hub *h, const struct fp_id *via, const struct fp_id *user, bool *out_yes)
{
    const struct hub_relay *relay = remote_relay(h, via);
    enum fp_err err = FP_OK;

    *out_yes = site_is(h);
    if (!relay || context_is_service(h, user) || (relay->user_count > 0 && !lists(relay->users, relay->user_count, user))) {
        return FP_OK;
    }
    for (size_t i = 0; i < relay->scope_count && !err && !*out_yes; i++) {
        uint8_t role = FP_ROLE_NONE;
        bool exists = false;
        err = h->store.load_scope(h->store.ctx, &relay->scopes[i], user, &role, &exists);
        *out_yes = role != FP_ROLE_NONE;
    }
    return err;
}

/* ------------------------------------------------------------------ rows */

static struct via *via_find(const struct hub *h, const struct fp_id *id)
{
    struct via *v = h->people->vias;
    while (v && !fp_id_eq(&v->id, id)) {
        v = v->next;
    }
    return v;
}

static struct via *via_get(struct hub *h, const struct fp_id *id)
{
    struct via *v = via_find(h, id);
    if (v) {
        return v;
    }
    v = calloc(1, sizeof(*v));
    if (v) {
        v->id = *id;
        LL_PREPEND(h->people->vias, v);
    }
    return v;
}

static struct person_remote *row_find(const struct person *p, const struct via *v)
{
    struct person_remote *r = p->remotes;
    while (r && r->via != v) {
        r = r->next_of_his;
    }
    return r;
}

static struct person_remote *row_add(struct person *p, struct via *v)
{
    struct person_remote *r = calloc(1, sizeof(*r));
    struct person_remote **at = &p->remotes;
    if (!r) {
        return NULL;
    }
    *r = (struct person_remote){.person = p, .via = v};
    while (*at && people_by_id(&(*at)->via->id, &v->id) < 0) {
        at = &(*at)->next_of_his;
    }
    r->next_of_his = *at;
    *at = r;
    DL_APPEND(v->rows, r);
    return r;
}

static void row_drop(struct via *v, struct person_remote *r)
{
    LL_DELETE2(r->person->remotes, r, next_of_his);
    DL_DELETE(v->rows, r);
    free(r);
}

/* The best of what all trunks say of him. */
static void settle(struct hub *h, struct person *p)
{
    uint8_t best = FP_PERSON_OFFLINE;
    struct fp_wall since = {0};
    bool there = person_there(p);
    bool out_of_reach = p->presence.state == FP_PERSON_UNREACHABLE;

    for (const struct person_remote *r = p->remotes; r; r = r->next_of_his) {
        if (r->state > best) {
            best = r->state;
            since = r->since;
        }
    }
    bool changed = presence_far(&p->presence, best, since, h->wall);
    if (out_of_reach && !changed) { /* behind another trunk now, it may be */
        person_touch(h, p, false);
    }
    person_moved(h, p, changed, there);
}

struct fp_id person_via(const struct person *p)
{
    for (const struct person_remote *r = p->remotes; r; r = r->next_of_his) {
        if (r->state == FP_PERSON_UNREACHABLE) {
            return r->via->id;
        }
    }
    return (struct fp_id){0};
}

static void via_drop(struct hub *h, struct via *v, bool shown)
{
    while (v->rows) {
        struct person *p = v->rows->person;
        row_drop(v, v->rows);
        if (shown) {
            settle(h, p);
        }
    }
    LL_DELETE(h->people->vias, v);
    free(v);
}

/* Nobody can say any more that they are there, nor when the link will be back. */
void remote_run(struct hub *h)
{
    struct via *v;
    struct via *next;
    LL_FOREACH_SAFE (h->people->vias, v, next) {
        if (!site_is(h) && !remote_relay(h, &v->id)) {
            via_drop(h, v, true);
        }
    }
}

void remote_fini(struct hub *h)
{
    while (h->people->vias) {
        via_drop(h, h->people->vias, false);
    }
}

/* ------------------------------------------------------------------ what is said */

static enum fp_err set_row(struct hub *h, const struct fp_id *via, const struct fp_person *said)
{
    struct via *v = via_get(h, via);
    struct person *p = v ? person_get(h, &said->user) : NULL;
    struct person_remote *r = p ? row_find(p, v) : NULL;
    if (!r) {
        r = p ? row_add(p, v) : NULL;
    }
    if (!r) {
        return FP_ENOMEM;
    }
    r->state = (uint8_t)said->state;
    r->since.ms = said->has_since ? said->since.ms : 0;
    r->listed = true;
    settle(h, p);
    return FP_OK;
}

/* Whom the relay may not speak for is passed over: he may have been put out a moment ago. */
enum fp_err people_remote(struct hub *h, const struct fp_id *via, const struct fp_person *said)
{
    struct via *v = via_find(h, via);
    struct person *p = person_find(h, &said->user);
    struct person_remote *r = v && p ? row_find(p, v) : NULL;
    bool may = false;

    assert(said->state <= FP_PERSON_BUSY); /* the decoder has seen to it */
    enum fp_err err = said->state == FP_PERSON_OFFLINE ? FP_OK : speaks_for(h, via, &said->user, &may);
    if (err) {
        return err;
    }
    if (may) {
        return set_row(h, via, said);
    }
    if (r) {
        row_drop(v, r);
        settle(h, p);
    }
    return FP_OK;
}

void people_remote_all(struct hub *h, const struct fp_id *via)
{
    struct via *v = via_find(h, via);
    for (struct person_remote *r = v ? v->rows : NULL; r; r = r->next) {
        r->listed = false;
    }
}

void people_remote_done(struct hub *h, const struct fp_id *via)
{
    struct via *v = via_find(h, via);
    struct person_remote *next;
    for (struct person_remote *r = v ? v->rows : NULL; r; r = next) {
        struct person *p = r->person;
        next = r->next;
        if (!r->listed) {
            row_drop(v, r);
            settle(h, p);
        }
    }
}

/* Nobody knows since when: as of now. */
void people_remote_lost(struct hub *h, const struct fp_id *via)
{
    struct via *v = via_find(h, via);
    for (struct person_remote *r = v ? v->rows : NULL; r; r = r->next) {
        r->state = FP_PERSON_UNREACHABLE;
        r->since.ms = 0;
        settle(h, r->person);
    }
}

/* ------------------------------------------------------------------ what we say */

/* The least that anybody in these scopes, or where none are given in any of his own, may know of him. */
static enum fp_err level_of(struct hub *h, const struct person *p, const struct fp_id *scopes, size_t count, uint8_t *out_level)
{
    static const struct fp_id dm = {.len = 2, .text = "dm"};
    uint8_t least = FP_LEVEL_EXACT;
    bool any = false;
    enum fp_err err = FP_OK;

    for (size_t i = 0; i < p->circle_count && !err && least > FP_LEVEL_HIDDEN; i++) {
        const struct fp_id *scope = p->circles[i].dm ? &dm : &p->circles[i].id;
        uint8_t level = FP_LEVEL_EXACT;
        if (count > 0 && !lists(scopes, count, scope)) {
            continue;
        }
        any = true;
        err = people_scope_level(h, p->policy, scope, &level);
        least = level < least ? level : least;
    }
    *out_level = any ? least : FP_LEVEL_HIDDEN;
    return err;
}

static int by_user(const void *a, const void *b)
{
    const struct fp_person *x = a;
    const struct fp_person *y = b;
    return people_by_id(&x->user, &y->user);
}

/* His text is a fact that the trunk carries by itself. */
static struct fp_person row_of(const struct person *p, uint8_t here, uint8_t level)
{
    bool known = p->presence.state == here && p->presence.since.ms > 0; /* otherwise it is the time of what somebody else said */
    struct fp_person row = {.user = p->user, .state = here, .has_since = known};
    if (known) {
        row.since = policy_round(level, p->presence.since);
    }
    return row;
}

static enum fp_err list_here(struct hub *h, const struct fp_id *scopes, size_t scope_count, struct fp_person *rows, size_t *out_count)
{
    enum fp_err err = FP_OK;
    *out_count = 0;
    for (struct person *p = h->people->persons; p && !err; p = p->hh.next) {
        uint8_t here = presence_here(&p->presence);
        uint8_t level = FP_LEVEL_HIDDEN;
        if (here != FP_PERSON_OFFLINE) {
            err = level_of(h, p, scopes, scope_count, &level);
        }
        if (!err && level != FP_LEVEL_HIDDEN) {
            rows[(*out_count)++] = row_of(p, here, level);
        }
    }
    if (*out_count > 0) {
        qsort(rows, *out_count, sizeof(*rows), by_user);
    }
    return err;
}

/* Between batches, as people_run(): a policy that is about to change is read first. */
enum fp_err people_local(struct hub *h, const struct fp_id *scopes, size_t scope_count, struct fp_bytes *out_rows, size_t *out_count)
{
    enum fp_err err = people_settle(h);
    if (err) {
        return err;
    }
    struct fp_person *rows = arena_alloc(&h->arena, (HASH_COUNT(h->people->persons) + 1) * sizeof(*rows));
    err = rows ? list_here(h, scopes, scope_count, rows, out_count) : FP_ENOMEM;
    if (err) {
        return err;
    }
    size_t cap = *out_count * PERSON_BYTES + 1;
    uint8_t *buf = arena_alloc(&h->arena, cap);
    struct fp_enc e;
    fp_enc_init(&e, buf, buf ? cap : 0);
    for (size_t i = 0; i < *out_count; i++) {
        fp_enc_person(&e, &rows[i]);
    }
    *out_rows = fp_enc_bytes_of(&e);
    return !buf || e.failed ? FP_ENOMEM : FP_OK;
}

uint64_t people_local_version(const struct hub *h)
{
    return h->people->version;
}
