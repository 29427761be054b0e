#include "plugin/hub/people.h"

#include <assert.h>
#include <stdlib.h>
#include <utlist.h>

#define NO_ROOM_US 1000U
#define SAVE_AFTER_US 1000000U /* last_seens are saved together */

enum fp_err people_open(struct hub *h)
{
    h->people = calloc(1, sizeof(*h->people));
    if (!h->people) {
        return FP_ENOMEM;
    }
    h->people->save_due.us = UINT64_MAX;
    h->people->lease_due.us = UINT64_MAX;
    return FP_OK;
}

/* ------------------------------------------------------------------ small things */

bool pointers_add(struct pointers *s, void *p)
{
    if (s->count == s->cap) {
        size_t cap = s->cap * 2 + 4;
        void **items = realloc(s->items, cap * sizeof(*items));
        if (!items) {
            return false;
        }
        s->items = items;
        s->cap = cap;
    }
    s->items[s->count++] = p;
    return true;
}

void pointers_remove(struct pointers *s, const void *p)
{
    for (size_t i = 0; i < s->count; i++) {
        if (s->items[i] == p) {
            s->items[i] = s->items[--s->count];
            return;
        }
    }
}

int people_by_id(const struct fp_id *a, const struct fp_id *b)
{
    if (a->len != b->len) {
        return a->len < b->len ? -1 : 1;
    }
    return memcmp(a->text, b->text, a->len);
}

/* ------------------------------------------------------------------ persons */

struct person *person_find(const struct hub *h, const struct fp_id *user)
{
    struct person *p = NULL;
    HASH_FIND(hh, h->people->persons, user->text, user->len, p);
    return p;
}

struct person *person_get(struct hub *h, const struct fp_id *user)
{
    struct person *p = person_find(h, user);
    if (p) {
        return p;
    }
    p = calloc(1, sizeof(*p));
    if (!p) {
        return NULL;
    }
    p->user = *user;
    HASH_ADD_KEYPTR(hh, h->people->persons, p->user.text, p->user.len, p);
    if (!p->hh.tbl) {
        free(p);
        return NULL;
    }
    person_touch(h, p, true);
    return p;
}

void person_touch(struct hub *h, struct person *p, bool stale)
{
    p->stale = p->stale || stale;
    h->people->version += stale;
    if (!p->touched) {
        p->touched = true;
        p->next_touched = h->people->touched;
        h->people->touched = p;
    }
}

static void free_person(struct hub *h, struct person *p)
{
    assert(h->people->persons); /* what is in it has been put there */
    HASH_DEL(h->people->persons, p);
    free(p->circles);
    free(p->viewers.items);
    free((void *)(uintptr_t)p->status.p);
    free((void *)(uintptr_t)p->policy.p);
    free(p);
}

void person_forget(struct hub *h, struct person *p)
{
    bool shown = p->presence.state != FP_PERSON_OFFLINE;
    if (shown || p->remotes || p->viewers.count > 0 || p->status.len > 0 || p->unsaved || p->touched) {
        return;
    }
    for (size_t i = 0; i < p->circle_count; i++) {
        struct scope *s = p->circles[i].dm ? NULL : scope_find(h, &p->circles[i].id);
        if (s) {
            pointers_remove(&s->people, p);
            scope_touch(h, s); /* it may have nobody left */
        }
    }
    free_person(h, p);
}

void people_close(struct hub *h)
{
    struct people *all = h->people;
    if (!all) {
        return;
    }
    while (all->sessions) {
        struct person_session *row = all->sessions;
        HASH_DEL(all->sessions, row);
        free(row);
    }
    remote_fini(h);
    scopes_fini(h);
    watch_fini(h);
    while (all->persons) {
        free_person(h, all->persons);
    }
    free(all);
    h->people = NULL;
}

/* ------------------------------------------------------------------ sessions */

static struct person_session *find_row(const struct hub *h, const struct fp_id *device)
{
    struct person_session *row = NULL;
    HASH_FIND(hh, h->people->sessions, device->text, device->len, row);
    return row;
}

/* Coming and going is what last_seen is about. */
void person_moved(struct hub *h, struct person *p, bool changed, bool was_there)
{
    if (!changed) {
        return;
    }
    if (was_there != person_there(p)) {
        p->unsaved = true;
        if (h->people->save_due.us == UINT64_MAX) {
            h->people->save_due.us = h->mono.us + SAVE_AFTER_US;
        }
    }
    person_touch(h, p, false);
}

static void not_lost(struct hub *h, struct person_session *row)
{
    if (row->s.lost) {
        DL_DELETE(h->people->lost, row);
        row->s.lost = false;
    }
}

static void end_row(struct hub *h, struct person_session *row)
{
    struct person *p = row->person;
    not_lost(h, row);
    assert(h->people->sessions); /* what is in it has been put there */
    HASH_DEL(h->people->sessions, row);
    h->people->version++;
    person_moved(h, p, presence_end(&p->presence, row->s.activity, h->wall), true);
    free(row);
}

static struct person_session *add_row(struct hub *h, const struct hub_session *s)
{
    struct person *p = person_get(h, &s->user);
    struct person_session *row = p ? calloc(1, sizeof(*row)) : NULL;
    if (!row) {
        return NULL;
    }
    *row = (struct person_session){.device = s->device, .person = p, .s = {.activity = s->activity}};
    HASH_ADD_KEYPTR(hh, h->people->sessions, row->device.text, row->device.len, row);
    if (!row->hh.tbl) {
        free(row);
        return NULL;
    }
    return row;
}

/* Who was lost and comes back within the grace goes on as he was: nobody has seen that he was away. */
void people_session(struct hub *h, struct hub_session *s)
{
    struct person_session *row = find_row(h, &s->device);
    watch_end(h, &s->user, &s->device); /* it was the older connection's */
    if (row && fp_id_eq(&row->person->user, &s->user)) {
        not_lost(h, row);
        s->activity = row->s.activity;
        return;
    }
    if (row) { /* the batch that made the device somebody else's has failed */
        end_row(h, row);
    }
    row = add_row(h, s); /* without memory he is not shown */
    if (row) {
        bool there = person_there(row->person);
        h->people->version++;
        person_moved(h, row->person, presence_begin(&row->person->presence, s->activity, h->wall), there);
    }
}

void people_session_end(struct hub *h, const struct hub_session *s, enum hub_end why)
{
    struct person_session *row = find_row(h, &s->device);
    watch_end(h, &s->user, &s->device);
    if (row && why == HUB_END_LOST) {
        not_lost(h, row);
        presence_lose(&row->s, h->mono);
        DL_APPEND(h->people->lost, row);
    } else if (row) {
        end_row(h, row);
    }
}

static void end_lost(struct hub *h)
{
    while (h->people->lost && presence_over(&h->people->lost->s, h->mono)) {
        end_row(h, h->people->lost);
    }
}

enum fp_err people_activity(struct hub *h, struct command_ctx *x)
{
    uint8_t activity = FP_ACTIVITY_AWAY;
    enum fp_err err = fp_activity_decode(x->cmd->body, &activity, &x->why);
    if (err) {
        return err;
    }
    struct hub_session *s = session_need(h, x);
    if (!s) {
        return FP_ECONFLICT;
    }
    struct person_session *row = find_row(h, &s->device);
    s->activity = activity;
    if (row) {
        h->people->version++;
        person_moved(h, row->person, presence_move(&row->person->presence, row->s.activity, activity, h->wall), true);
        row->s.activity = activity;
    }
    return FP_OK;
}

/* In a batch that may yet fail: what is noted here is looked up again, and a conversation that came to nothing has no members. */
void people_member(struct hub *h, const struct store_conv *c, const struct fp_id *user)
{
    struct person *p = person_find(h, user);
    struct scope *s = people_is_dm(&c->scope) ? NULL : scope_get(h, &c->scope);
    h->people->version++; /* somebody may hide from him */
    if (p) {
        person_touch(h, p, true);
    }
    if (s && scope_conv(s, c->cid)) { /* somebody's digest may have hidden from him, or may have to from now on */
        s->recount = true;
        scope_touch(h, s);
    }
}

/* ------------------------------------------------------------------ turns */

enum fp_err people_run(struct hub *h)
{
    struct people *all = h->people;
    if (all->walk_due.us == 0) {
        all->walk_due.us = h->mono.us + PRESENCE_GRACE_US;
    }
    end_lost(h);
    remote_run(h);
    watch_expire(h);
    enum fp_err err = people_save(h);
    if (!err) {
        err = watch_rebuild(h);
    }
    if (!err && h->bus.has_room(h->bus.ctx)) {
        err = scopes_walk(h);
    }
    if (!err) {
        err = people_settle(h);
    }
    if (err || !h->bus.has_room(h->bus.ctx)) { /* the first thing to be left out when the broker is behind */
        return err;
    }
    err = scopes_run(h);
    return err ? err : watch_run(h);
}

uint64_t people_wait_us(const struct hub *h, struct fp_mono now)
{
    const struct people *all = h->people;
    uint64_t tells = scopes_due_us(h);
    uint64_t watches = watch_due_us(h);
    uint64_t due = all->touched ? 0 : all->save_due.us < all->lease_due.us ? all->save_due.us : all->lease_due.us;

    if (all->lost && all->lost->s.until.us < due) {
        due = all->lost->s.until.us;
    }
    tells = watches < tells ? watches : tells;
    if (tells <= now.us && due > now.us && !h->bus.has_room(h->bus.ctx)) {
        return NO_ROOM_US;
    }
    due = tells < due ? tells : due;
    return due == UINT64_MAX ? UINT64_MAX : due > now.us ? due - now.us : 0;
}
