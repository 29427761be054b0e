/* Between memory and the store: what is saved about a person, and where he belongs. */
#include <stdlib.h>

#include "plugin/hub/people.h"

#define SAVES_A_TURN 256
#define RETRY_US 1000000U

/* ------------------------------------------------------------------ the row */

enum fp_err person_row(struct hub *h, const struct fp_id *user, struct store_person *out)
{
    bool found = false;
    enum fp_err err = h->store.load_person(h->store.ctx, user, out, &found);
    if (err) {
        return err;
    }
    if (!found) {
        *out = (struct store_person){.user = *user, .open = true};
    }
    struct fp_bytes status = out->status;
    struct fp_bytes policy = out->policy;
    out->status = arena_copy(&h->arena, status);
    out->policy = arena_copy(&h->arena, policy);
    bool copied = (out->status.p || status.len == 0) && (out->policy.p || policy.len == 0);
    return copied ? FP_OK : FP_ENOMEM;
}

static bool keep(struct fp_bytes *own, struct fp_bytes in)
{
    uint8_t *copy = in.len > 0 ? malloc(in.len) : NULL;
    if (in.len > 0 && !copy) {
        return false;
    }
    if (in.len > 0) {
        memcpy(copy, in.p, in.len);
    }
    free((void *)(uintptr_t)own->p);
    *own = fp_bytes_of(copy, in.len);
    return true;
}

static enum fp_err load_row(struct hub *h, struct person *p)
{
    struct store_person row;
    enum fp_err err = person_row(h, &p->user, &row);
    if (err) {
        return err;
    }
    if (!keep(&p->status, row.status) || !keep(&p->policy, row.policy)) {
        return FP_ENOMEM;
    }
    p->status_until = row.status_until;
    if (p->presence.state == FP_PERSON_OFFLINE && !p->unsaved) {
        p->presence.since = row.last_seen;
    }
    return FP_OK;
}

/* ------------------------------------------------------------------ circles */

struct found { /* one of his conversations, in the arena */
    struct found *next;
    struct circle circle;
};

struct finding {
    struct hub *h;
    struct found *first;
    size_t count;
    bool no_memory;
};

static bool find_circle(void *arg, const struct store_conv *c, const struct store_member *m)
{
    struct finding *f = arg;
    (void)m;
    struct found *one = arena_alloc(&f->h->arena, sizeof(*one));
    if (!one) {
        f->no_memory = true;
        return false;
    }
    bool dm = people_is_dm(&c->scope);
    *one = (struct found){.next = f->first, .circle = {.id = dm ? c->id : c->scope, .dm = dm}};
    f->first = one;
    f->count++;
    return true;
}

static int by_circle(const void *a, const void *b)
{
    const struct circle *x = a;
    const struct circle *y = b;
    return x->dm != y->dm ? (x->dm ? 1 : -1) : people_by_id(&x->id, &y->id);
}

static size_t sort_circles(struct circle *circles, size_t count)
{
    size_t kept = 0;
    if (count > 0) {
        qsort(circles, count, sizeof(*circles), by_circle);
    }
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || by_circle(&circles[kept - 1], &circles[i]) != 0) {
            circles[kept++] = circles[i];
        }
    }
    return kept;
}

static void leave_circles(struct hub *h, struct person *p)
{
    for (size_t i = 0; i < p->circle_count; i++) {
        struct scope *s = p->circles[i].dm ? NULL : scope_find(h, &p->circles[i].id);
        if (s) {
            pointers_remove(&s->people, p);
            scope_touch(h, s);
        }
    }
    free(p->circles);
    p->circles = NULL;
    p->circle_count = 0;
}

/* One at a time, so that what is undone after a failure is what was done. */
static enum fp_err join_circles(struct hub *h, struct person *p, size_t count)
{
    for (; p->circle_count < count; p->circle_count++) {
        if (p->circles[p->circle_count].dm) {
            continue;
        }
        struct scope *s = scope_get(h, &p->circles[p->circle_count].id);
        if (!s || !pointers_add(&s->people, p)) {
            return FP_ENOMEM;
        }
        scope_touch(h, s);
    }
    return FP_OK;
}

static enum fp_err load_circles(struct hub *h, struct person *p)
{
    struct finding f = {.h = h};
    enum fp_err err = h->store.each_conv_of(h->store.ctx, &p->user, find_circle, &f);
    if (err || f.no_memory) {
        return err ? err : FP_ENOMEM;
    }
    leave_circles(h, p);
    p->circles = calloc(f.count + 1, sizeof(*p->circles));
    if (!p->circles) {
        return FP_ENOMEM;
    }
    size_t count = 0;
    for (const struct found *one = f.first; one; one = one->next) {
        p->circles[count++] = one->circle;
    }
    return join_circles(h, p, sort_circles(p->circles, count));
}

bool person_shares(const struct person *a, const struct person *b)
{
    size_t i = 0;
    size_t j = 0;
    while (i < a->circle_count && j < b->circle_count) {
        int order = by_circle(&a->circles[i], &b->circles[j]);
        if (order == 0) {
            return true;
        }
        i += order < 0;
        j += order > 0;
    }
    return false;
}

/* ------------------------------------------------------------------ what has changed */

static void mark_readers(struct hub *h, const struct person *p)
{
    for (size_t i = 0; i < p->circle_count; i++) {
        struct scope *s = p->circles[i].dm ? NULL : scope_find(h, &p->circles[i].id);
        if (s) {
            scope_touch(h, s);
        }
    }
    for (size_t i = 0; i < p->viewers.count; i++) {
        viewer_touch(h, p->viewers.items[i]);
    }
    struct viewer *own = viewer_find(h, &p->user);
    if (own) { /* whom he shares a scope with */
        viewer_touch(h, own);
    }
}

enum fp_err people_settle(struct hub *h)
{
    while (h->people->touched) {
        struct person *p = h->people->touched;
        if (p->stale) {
            enum fp_err err = load_row(h, p);
            err = err ? err : load_circles(h, p);
            if (err) {
                return err;
            }
            p->stale = false;
        }
        mark_readers(h, p);
        h->people->touched = p->next_touched;
        p->touched = false;
        person_forget(h, p);
    }
    return FP_OK;
}

/* ------------------------------------------------------------------ last_seen */

static enum fp_err save_one(struct hub *h, struct person *p)
{
    struct store_person row;
    enum fp_err err = person_row(h, &p->user, &row);
    if (err) {
        return err;
    }
    row.last_seen = p->presence.since;
    return h->store.save_person(h->store.ctx, &row);
}

static enum fp_err save_some(struct hub *h, struct pointers *saved)
{
    struct person *p;
    struct person *next;
    enum fp_err err = stage_begin(h);
    HASH_ITER (hh, h->people->persons, p, next) {
        if (err || saved->count == SAVES_A_TURN) {
            break;
        }
        if (p->unsaved) {
            err = pointers_add(saved, p) ? save_one(h, p) : FP_ENOMEM;
        }
    }
    return err ? err : batch_commit(h);
}

/* Also when somebody comes: after a power cut that is at least when he was last known to be there. */
enum fp_err people_save(struct hub *h)
{
    struct pointers saved = {0};
    if (h->people->save_due.us > h->mono.us) {
        return FP_OK;
    }
    enum fp_err err = save_some(h, &saved);
    if (err) {
        batch_undo(h);
        h->people->save_due.us = h->mono.us + RETRY_US;
    } else {
        h->people->save_due.us = saved.count == SAVES_A_TURN ? h->mono.us : UINT64_MAX;
        for (size_t i = 0; i < saved.count; i++) {
            struct person *p = saved.items[i];
            p->unsaved = false;
            person_forget(h, p);
        }
    }
    free(saved.items);
    return err == FP_EFULL ? FP_OK : err; /* a full disk is no reason to stop: it is tried again */
}

struct fp_person person_at(const struct person *p, uint8_t level)
{
    struct fp_person seen = {.user = p->user};
    if (level == FP_LEVEL_HIDDEN) {
        return seen; /* P10: as somebody who has never been there */
    }
    seen.state = p->presence.state;
    seen.since = policy_round(level, p->presence.since);
    seen.has_since = p->presence.since.ms > 0;
    seen.text = p->status;
    seen.has_until = p->status.len > 0 && p->status_until.ms > 0;
    seen.until = p->status_until;
    if (seen.state == FP_PERSON_UNREACHABLE) {
        seen.relay = person_via(p);
    }
    return seen;
}
