/* The digest of a scope: who is not offline, or has a text, and hides from none of its members. */
#include <stdlib.h>

#include "plugin/hub/people.h"

#define TELL_EVERY_US 1000000U
#define TELL_PER_MEMBER_US 40000U /* a second for each 25 members */
#define TELL_AT_MOST_US 10000000U
#define SCOPE_MEMBERS_ENOUGH 225 /* more do not slow it down any more */
#define COUNTED_MAX 4096
#define DIGESTS_A_TURN 64
#define WALK_A_TURN 8

/* ------------------------------------------------------------------ rows */

struct scope *scope_find(const struct hub *h, const struct fp_id *id)
{
    struct scope *s = NULL;
    HASH_FIND(hh, h->people->scopes, id->text, id->len, s);
    return s;
}

struct scope *scope_get(struct hub *h, const struct fp_id *id)
{
    struct scope *s = scope_find(h, id);
    if (s) {
        return s;
    }
    s = calloc(1, sizeof(*s));
    if (!s) {
        return NULL;
    }
    s->id = *id;
    s->recount = true;
    HASH_ADD_KEYPTR(hh, h->people->scopes, s->id.text, s->id.len, s);
    if (!s->hh.tbl) {
        free(s);
        return NULL;
    }
    return s;
}

static void free_scope(struct hub *h, struct scope *s)
{
    HASH_DEL(h->people->scopes, s);
    free(s->people.items);
    free(s->cids);
    free(s);
}

void scopes_fini(struct hub *h)
{
    while (h->people->scopes) {
        free_scope(h, h->people->scopes);
    }
}

void scope_touch(struct hub *h, struct scope *s)
{
    if (!s->dirty) {
        s->dirty = true;
        s->next_dirty = h->people->dirty_scopes;
        h->people->dirty_scopes = s;
    }
}

bool scope_conv(struct scope *s, uint64_t cid)
{
    size_t at = s->cid_count;
    while (at > 0 && s->cids[at - 1] > cid) {
        at--;
    }
    if (at > 0 && s->cids[at - 1] == cid) {
        return true;
    }
    if (s->cid_count == s->cid_cap) {
        size_t cap = s->cid_cap * 2 + 4;
        uint64_t *cids = realloc(s->cids, cap * sizeof(*cids));
        if (!cids) {
            return false;
        }
        s->cids = cids;
        s->cid_cap = cap;
    }
    memmove(&s->cids[at + 1], &s->cids[at], (s->cid_count - at) * sizeof(*s->cids));
    s->cids[at] = cid;
    s->cid_count++;
    s->recount = true;
    return true;
}

/* ------------------------------------------------------------------ how many members it has */

struct counting {
    struct fp_id *ids;
    size_t count;
};

static bool count_member(void *arg, const struct store_member *m)
{
    struct counting *c = arg;
    c->ids[c->count++] = m->user;
    return c->count < COUNTED_MAX;
}

static int compare_ids(const void *a, const void *b)
{
    return people_by_id(a, b);
}

/* All members, and not only those who are there: the pace must not tell of who hides (W2). */
static enum fp_err count_members(struct hub *h, struct scope *s)
{
    struct counting c = {.ids = malloc(COUNTED_MAX * sizeof(*c.ids))};
    enum fp_err err = c.ids ? FP_OK : FP_ENOMEM;
    for (size_t i = 0; !err && i < s->cid_count && c.count < COUNTED_MAX; i++) {
        err = h->store.each_member(h->store.ctx, s->cids[i], count_member, &c);
    }
    if (!err) {
        qsort(c.ids, c.count, sizeof(*c.ids), compare_ids);
        s->members = 0;
        for (size_t i = 0; i < c.count && s->members < SCOPE_MEMBERS_ENOUGH; i++) {
            s->members += i == 0 || !fp_id_eq(&c.ids[i - 1], &c.ids[i]);
        }
        s->recount = false;
    }
    free(c.ids);
    return err;
}

/* ------------------------------------------------------------------ the digest */

static int by_user(const void *a, const void *b)
{
    const struct fp_person *x = a;
    const struct fp_person *y = b;
    return people_by_id(&x->user, &y->user);
}

static enum fp_err list_people(struct hub *h, const struct scope *s, struct fp_person *out, size_t *out_count)
{
    enum fp_err err = FP_OK;
    *out_count = 0;
    for (size_t i = 0; i < s->people.count && !err; i++) {
        uint8_t level = FP_LEVEL_HIDDEN;
        const struct person *p = s->people.items[i];
        if (p->presence.state == FP_PERSON_OFFLINE && p->status.len == 0) {
            continue;
        }
        err = people_scope_level(h, p->policy, &s->id, &level);
        if (!err && level != FP_LEVEL_HIDDEN) {
            out[(*out_count)++] = person_at(p, level);
        }
    }
    if (*out_count > 0) {
        qsort(out, *out_count, sizeof(*out), by_user);
    }
    return err;
}

static enum fp_err encode(struct hub *h, const struct scope *s, struct fp_bytes *out)
{
    struct fp_person *people = arena_alloc(&h->arena, (s->people.count + 1) * sizeof(*people));
    size_t count = 0;
    enum fp_err err = people ? list_people(h, s, people, &count) : FP_ENOMEM;
    if (err) {
        return err;
    }
    size_t cap = count * PERSON_BYTES + 16;
    uint8_t *buf = arena_alloc(&h->arena, cap);
    struct fp_enc e;
    fp_enc_init(&e, buf, buf ? cap : 0);
    fp_enc_presence_begin(&e, count, true);
    for (size_t i = 0; i < count; i++) {
        fp_enc_person(&e, &people[i]);
    }
    fp_enc_presence_end(&e, true);
    *out = fp_enc_bytes_of(&e);
    return e.failed ? FP_ENOMEM : FP_OK;
}

static enum fp_err tell(struct hub *h, struct scope *s)
{
    static const uint8_t nobody[] = {0xa2, 0x01, 0xa0, 0x02, 0xf5};
    struct fp_bytes digest;
    enum fp_err err = s->recount ? count_members(h, s) : FP_OK;
    err = err ? err : encode(h, s, &digest);
    if (err) {
        return err;
    }
    uint64_t hash = fp_hash(FP_HASH_START, digest.p, digest.len);
    uint64_t known = s->ever_told ? s->told : fp_hash(FP_HASH_START, nobody, sizeof(nobody));
    if (hash != known || s->force) {
        struct fp_topic topic = {.kind = FP_TOPIC_SCOPE_PRESENCE, .a = s->id};
        tells_now(h, &topic, digest, 0, true);
        s->told = hash;
        s->told_at = h->mono;
        s->ever_told = true;
        s->force = false;
    }
    return FP_OK;
}

/* ------------------------------------------------------------------ pace */

static bool walked(const struct hub *h)
{
    return h->people->walk_after == UINT64_MAX;
}

static uint64_t due_us(const struct scope *s)
{
    if (!s->ever_told) {
        return 0;
    }
    uint64_t every = TELL_EVERY_US + s->members * TELL_PER_MEMBER_US;
    return s->told_at.us + (every < TELL_AT_MOST_US ? every : TELL_AT_MOST_US);
}

uint64_t scopes_due_us(const struct hub *h)
{
    if (!walked(h)) {
        return h->people->walk_due.us;
    }
    uint64_t due = UINT64_MAX;
    for (const struct scope *s = h->people->dirty_scopes; s; s = s->next_dirty) {
        due = due_us(s) < due ? due_us(s) : due;
    }
    return due;
}

enum fp_err scopes_run(struct hub *h)
{
    struct scope **at = &h->people->dirty_scopes;
    enum fp_err err = FP_OK;
    size_t left = DIGESTS_A_TURN;

    if (!walked(h)) {
        return FP_OK;
    }
    while (*at && left > 0) {
        struct scope *s = *at;
        if (due_us(s) > h->mono.us) {
            at = &s->next_dirty;
            continue;
        }
        err = tell(h, s);
        if (err) {
            return err;
        }
        left--;
        *at = s->next_dirty;
        s->dirty = false;
    }
    return FP_OK;
}

/* ------------------------------------------------------------------ after a start */

struct walked_conv {
    uint64_t cid;
    struct fp_id scope;
};

struct walk {
    struct walked_conv convs[WALK_A_TURN];
    size_t count;
};

static bool note_conv(void *arg, const struct store_conv *c)
{
    struct walk *w = arg;
    w->convs[w->count++] = (struct walked_conv){.cid = c->cid, .scope = c->scope};
    return w->count < WALK_A_TURN;
}

struct walked_user { /* in the arena */
    struct walked_user *next;
    struct fp_id user;
};

struct walked_users {
    struct hub *h;
    struct walked_user *first;
    bool no_memory;
};

static bool note_user(void *arg, const struct store_member *m)
{
    struct walked_users *w = arg;
    struct walked_user *u = arena_alloc(&w->h->arena, sizeof(*u));
    w->no_memory = !u;
    if (u) {
        *u = (struct walked_user){.next = w->first, .user = m->user};
        w->first = u;
    }
    return u != NULL;
}

/* Who has a text is shown though he is offline. */
static enum fp_err find_texts(struct hub *h, uint64_t cid)
{
    struct walked_users w = {.h = h};
    enum fp_err err = h->store.each_member(h->store.ctx, cid, note_user, &w);
    for (const struct walked_user *u = w.first; u && !err && !w.no_memory; u = u->next) {
        struct store_person row = {0};
        bool found = false;
        if (!person_find(h, &u->user)) {
            err = h->store.load_person(h->store.ctx, &u->user, &row, &found);
        }
        if (!err && found && row.status.len > 0 && !person_get(h, &u->user)) {
            err = FP_ENOMEM;
        }
    }
    return err || !w.no_memory ? err : FP_ENOMEM;
}

static enum fp_err walk_conv(struct hub *h, const struct walked_conv *c)
{
    if (people_is_dm(&c->scope)) {
        return FP_OK;
    }
    struct scope *s = scope_get(h, &c->scope);
    if (!s || !scope_conv(s, c->cid)) {
        return FP_ENOMEM;
    }
    s->force = true;
    scope_touch(h, s);
    return find_texts(h, c->cid);
}

/* Ten seconds after a start everybody who was there has had time to come back. */
enum fp_err scopes_walk(struct hub *h)
{
    struct people *all = h->people;
    struct walk w = {0};

    if (walked(h) || all->walk_due.us > h->mono.us) {
        return FP_OK;
    }
    enum fp_err err = h->store.each_conv(h->store.ctx, all->walk_after, WALK_A_TURN, note_conv, &w);
    for (size_t i = 0; !err && i < w.count; i++) {
        err = walk_conv(h, &w.convs[i]);
    }
    if (!err) {
        all->walk_after = w.count < WALK_A_TURN ? UINT64_MAX : w.convs[w.count - 1].cid;
    }
    return err;
}
