/* Leases on the presence of those who are on somebody's screen. */
#include <stdlib.h>

#include "plugin/hub/people.h"

#define TELL_EVERY_US 1000000U
#define SECOND_US 1000000U
#define TELLS_A_TURN 64

/* ------------------------------------------------------------------ rows */

struct viewer *viewer_find(const struct hub *h, const struct fp_id *user)
{
    struct viewer *v = NULL;
    HASH_FIND(hh, h->people->viewers, user->text, user->len, v);
    return v;
}

static struct viewer *get_viewer(struct hub *h, const struct fp_id *user)
{
    struct viewer *v = viewer_find(h, user);
    if (v) {
        return v;
    }
    v = calloc(1, sizeof(*v));
    if (!v) {
        return NULL;
    }
    v->user = *user;
    HASH_ADD_KEYPTR(hh, h->people->viewers, v->user.text, v->user.len, v);
    if (!v->hh.tbl) {
        free(v);
        return NULL;
    }
    return v;
}

void viewer_touch(struct hub *h, struct viewer *v)
{
    if (!v->dirty) {
        v->dirty = true;
        v->next_dirty = h->people->dirty_viewers;
        h->people->dirty_viewers = v;
    }
}

static void changed(struct hub *h, struct viewer *v)
{
    v->rebuild = true;
    viewer_touch(h, v);
}

static struct lease *take_lease(struct viewer *v, const struct fp_id *device)
{
    for (struct lease **at = &v->leases; *at; at = &(*at)->next) {
        struct lease *lease = *at;
        if (fp_id_eq(&lease->device, device)) {
            *at = lease->next;
            return lease;
        }
    }
    return NULL;
}

static void free_lease(struct lease *lease)
{
    free(lease->users);
    free(lease);
}

void watch_end(struct hub *h, const struct fp_id *user, const struct fp_id *device)
{
    struct viewer *v = viewer_find(h, user);
    struct lease *lease = v ? take_lease(v, device) : NULL;
    if (lease) {
        free_lease(lease);
        changed(h, v);
    }
}

void watch_expire(struct hub *h)
{
    if (h->people->lease_due.us > h->mono.us) {
        return;
    }
    uint64_t due = UINT64_MAX;
    for (struct viewer *v = h->people->viewers; v; v = v->hh.next) {
        for (struct lease **at = &v->leases; *at;) {
            struct lease *lease = *at;
            if (lease->until.us <= h->mono.us) {
                *at = lease->next;
                free_lease(lease);
                changed(h, v);
            } else {
                due = lease->until.us < due ? lease->until.us : due;
                at = &lease->next;
            }
        }
    }
    h->people->lease_due.us = due;
}

void watch_fini(struct hub *h)
{
    while (h->people->viewers) {
        struct viewer *v = h->people->viewers;
        while (v->leases) {
            struct lease *lease = v->leases;
            v->leases = lease->next;
            free_lease(lease);
        }
        HASH_DEL(h->people->viewers, v);
        free(v->seen);
        free(v);
    }
}

/* ------------------------------------------------------------------ the command */

static struct lease *lease_of(const struct hub *h, const struct fp_id *device, struct fp_watch *watch)
{
    struct lease *lease = calloc(1, sizeof(*lease));
    struct fp_id *users = lease ? calloc(watch->count, sizeof(*users)) : NULL;
    if (!users) {
        free(lease);
        return NULL;
    }
    *lease = (struct lease){.device = *device, .users = users, .until = {.us = h->mono.us + watch->ttl_s * SECOND_US}};
    while (fp_watch_next(watch, &users[lease->count])) {
        lease->count++;
    }
    return lease;
}

/* Soft state, answered in people_run(): what the batch makes of the people counts already. */
enum fp_err people_watch(struct hub *h, struct command_ctx *x)
{
    struct fp_watch watch;
    enum fp_err err = fp_watch_decode(x->cmd->body, &watch, &x->why);
    if (err) {
        return err;
    }
    if (!session_need(h, x)) {
        return FP_ECONFLICT;
    }
    watch_end(h, &x->item->user, &x->item->device);
    if (watch.count == 0 || watch.ttl_s == 0) {
        return FP_OK;
    }
    struct viewer *v = get_viewer(h, &x->item->user);
    struct lease *lease = v ? lease_of(h, &x->item->device, &watch) : NULL;
    if (!lease) {
        return FP_ENOMEM;
    }
    lease->next = v->leases;
    v->leases = lease;
    v->full = true;
    h->people->lease_due.us = lease->until.us < h->people->lease_due.us ? lease->until.us : h->people->lease_due.us;
    changed(h, v);
    return FP_OK;
}

/* ------------------------------------------------------------------ whom he watches, over all of his devices */

static int compare_ids(const void *a, const void *b)
{
    return people_by_id(a, b);
}

static int compare_seen(const void *a, const void *b)
{
    const struct seen *x = a;
    const struct seen *y = b;
    return people_by_id(&x->person->user, &y->person->user);
}

static struct fp_id *union_of(struct hub *h, const struct viewer *v, size_t *out_count)
{
    size_t count = 0;
    for (const struct lease *lease = v->leases; lease; lease = lease->next) {
        count += lease->count;
    }
    struct fp_id *ids = arena_alloc(&h->arena, (count + 1) * sizeof(*ids));
    if (!ids) {
        return NULL;
    }
    count = 0;
    for (const struct lease *lease = v->leases; lease; lease = lease->next) {
        memcpy(&ids[count], lease->users, lease->count * sizeof(*ids));
        count += lease->count;
    }
    if (count > 0) {
        qsort(ids, count, sizeof(*ids), compare_ids);
    }
    *out_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || !fp_id_eq(&ids[i - 1], &ids[i])) {
            memmove(&ids[(*out_count)++], &ids[i], sizeof(*ids));
        }
    }
    return ids;
}

static bool watch_one(struct hub *h, struct viewer *v, const struct fp_id *user, const struct seen *old, size_t old_count)
{
    struct person *p = person_get(h, user);
    if (!p || !pointers_add(&p->viewers, v)) {
        return false;
    }
    struct seen one = {.person = p};
    const struct seen *known = old_count > 0 ? bsearch(&one, old, old_count, sizeof(one), compare_seen) : NULL;
    one.told = known ? known->told : 0;
    v->seen[v->count++] = one;
    return true;
}

/* Without memory he watches fewer, and it is tried again. */
static enum fp_err rebuild(struct hub *h, struct viewer *v)
{
    size_t count = 0;
    struct seen *old = v->seen;
    size_t old_count = v->count;
    const struct fp_id *ids = union_of(h, v, &count);
    struct seen *seen = ids ? calloc(count + 1, sizeof(*seen)) : NULL;
    if (!seen) {
        return FP_ENOMEM;
    }
    v->seen = seen;
    v->count = 0;
    bool all = true;
    for (size_t i = 0; i < count && all; i++) {
        all = watch_one(h, v, &ids[i], old, old_count);
    }
    for (size_t i = 0; i < old_count; i++) {
        pointers_remove(&old[i].person->viewers, v);
        person_forget(h, old[i].person);
    }
    free(old);
    v->rebuild = !all;
    return all ? FP_OK : FP_ENOMEM;
}

enum fp_err watch_rebuild(struct hub *h)
{
    enum fp_err err = FP_OK;
    for (struct viewer *v = h->people->dirty_viewers; v && !err; v = v->next_dirty) {
        err = v->rebuild ? rebuild(h, v) : FP_OK;
    }
    return err;
}

/* ------------------------------------------------------------------ what he is told */

static uint8_t level_for(const struct hub *h, const struct viewer *v, const struct person *p)
{
    const struct person *own = person_find(h, &v->user);
    if (p == own) {
        return FP_LEVEL_EXACT;
    }
    return policy_level(p->policy, &v->user, own && person_shares(own, p));
}

static enum fp_err look(struct hub *h, const struct viewer *v, struct seen *s, struct piece_list *out)
{
    uint8_t buf[PERSON_BYTES];
    struct fp_person shown = person_at(s->person, level_for(h, v, s->person));
    struct fp_enc e;
    fp_enc_init(&e, buf, sizeof(buf));
    fp_enc_person(&e, &shown);
    struct fp_bytes one = fp_enc_bytes_of(&e);
    s->now = fp_hash(FP_HASH_START, one.p, one.len);
    if (!v->full && s->now == s->told) {
        return FP_OK;
    }
    struct fp_bytes kept = arena_copy(&h->arena, one);
    return kept.p && piece_add(h, out, kept) ? FP_OK : FP_ENOMEM;
}

static enum fp_err tell(struct hub *h, struct viewer *v)
{
    struct piece_list people = {0};
    enum fp_err err = FP_OK;
    for (size_t i = 0; i < v->count && !err; i++) {
        err = look(h, v, &v->seen[i], &people);
    }
    if (err || people.count == 0) {
        v->full = v->full && err != FP_OK; /* the watch has ended before its answer */
        return err;
    }
    size_t cap = people.bytes + 16;
    uint8_t *buf = arena_alloc(&h->arena, cap);
    struct fp_enc e;
    fp_enc_init(&e, buf, buf ? cap : 0);
    fp_enc_presence_begin(&e, people.count, v->full);
    for (const struct piece *p = people.first; p; p = p->next) {
        fp_enc_raw(&e, p->bytes);
    }
    fp_enc_presence_end(&e, v->full);
    if (e.failed) {
        return FP_ENOMEM;
    }
    struct fp_topic topic = {.kind = FP_TOPIC_USER_PRESENCE, .a = v->user};
    tells_now(h, &topic, fp_enc_bytes_of(&e), 0, false);
    for (size_t i = 0; i < v->count; i++) {
        v->seen[i].told = v->seen[i].now;
    }
    v->full = false;
    v->ever_told = true;
    v->told_at = h->mono;
    return FP_OK;
}

/* ------------------------------------------------------------------ pace */

static uint64_t due_us(const struct viewer *v)
{
    return v->ever_told ? v->told_at.us + TELL_EVERY_US : 0;
}

uint64_t watch_due_us(const struct hub *h)
{
    uint64_t due = UINT64_MAX;
    for (const struct viewer *v = h->people->dirty_viewers; v; v = v->next_dirty) {
        due = due_us(v) < due ? due_us(v) : due;
    }
    return due;
}

/* Who watches nobody any more is let go, but not before his pace is over: he may begin anew. */
enum fp_err watch_run(struct hub *h)
{
    struct viewer **at = &h->people->dirty_viewers;
    size_t left = TELLS_A_TURN;
    while (*at && left > 0) {
        struct viewer *v = *at;
        if (due_us(v) > h->mono.us) {
            at = &v->next_dirty;
            continue;
        }
        enum fp_err err = tell(h, v);
        if (err) {
            return err;
        }
        left--;
        *at = v->next_dirty;
        v->dirty = false;
        if (!v->leases) {
            HASH_DEL(h->people->viewers, v);
            free(v->seen);
            free(v);
        }
    }
    return FP_OK;
}
