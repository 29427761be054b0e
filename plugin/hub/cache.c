#include <stdlib.h>

#include "plugin/hub/state.h"

static struct hub_conv *find_conv(struct hub *h, const struct fp_id *id)
{
    struct hub_conv *found = NULL;
    HASH_FIND(hh, h->convs, id->text, id->len, found);
    return found;
}

enum fp_err cache_new_conv(struct hub *h, const struct store_conv *c, struct hub_conv **out)
{
    struct hub_conv *e = calloc(1, sizeof(*e));
    if (!e) {
        return FP_ENOMEM;
    }
    e->c = *c;
    HASH_ADD_KEYPTR(hh, h->convs, e->c.id.text, e->c.id.len, e);
    if (!e->hh.tbl) {
        free(e);
        return FP_ENOMEM;
    }
    *out = e;
    return FP_OK;
}

enum fp_err cache_conv(struct hub *h, const struct fp_id *id, struct hub_conv **out)
{
    *out = find_conv(h, id);
    if (*out) {
        return FP_OK;
    }
    struct store_conv c;
    bool found = false;
    enum fp_err err = h->store.load_conv(h->store.ctx, id, &c, &found);
    if (err || !found) {
        return err;
    }
    return cache_new_conv(h, &c, out);
}

enum fp_err cache_member(struct hub *h, uint64_t cid, const struct fp_id *user, struct hub_member **out)
{
    struct member_key key;
    memset(&key, 0, sizeof(key)); /* the padding is hashed as well */
    key.cid = cid;
    key.user = *user;

    *out = NULL;
    HASH_FIND(hh, h->members, &key, sizeof(key), *out);
    if (*out) {
        return FP_OK;
    }
    struct hub_member *e = calloc(1, sizeof(*e));
    if (!e) {
        return FP_ENOMEM;
    }
    memcpy(&e->key, &key, sizeof(key));
    bool found = false;
    enum fp_err err = h->store.load_member(h->store.ctx, cid, user, &e->m, &found);
    if (!err && !found) {
        e->m = (struct store_member){.cid = cid, .user = *user, .role = FP_ROLE_NONE};
    }
    if (!err) {
        HASH_ADD(hh, h->members, key, sizeof(e->key), e);
        err = e->hh.tbl ? FP_OK : FP_ENOMEM;
    }
    if (err) {
        free(e);
        return err;
    }
    *out = e;
    return FP_OK;
}

enum fp_err cache_new_device(struct hub *h, const struct store_device *d, struct hub_device **out)
{
    struct hub_device *e = calloc(1, sizeof(*e));
    if (!e) {
        return FP_ENOMEM;
    }
    e->d = *d;
    HASH_ADD_KEYPTR(hh, h->devices, e->d.id.text, e->d.id.len, e);
    if (!e->hh.tbl) {
        free(e);
        return FP_ENOMEM;
    }
    *out = e;
    return FP_OK;
}

enum fp_err cache_device(struct hub *h, const struct fp_id *id, struct hub_device **out)
{
    *out = NULL;
    HASH_FIND(hh, h->devices, id->text, id->len, *out);
    if (*out) {
        return FP_OK;
    }
    struct store_device d;
    bool found = false;
    enum fp_err err = h->store.load_device(h->store.ctx, id, &d, &found);
    if (err || !found) {
        return err;
    }
    return cache_new_device(h, &d, out);
}

/* uthash keeps insertion order, so the oldest go first. Dropping is always safe: the store has the same. */
#define TRIM(table, type, keep)                                                                                                                      \
    do {                                                                                                                                             \
        type *e, *next;                                                                                                                              \
        size_t over = HASH_COUNT(table);                                                                                                             \
        over = over > (keep) ? over - (keep) : 0;                                                                                                    \
        for (e = (table); e && over > 0; e = next, over--) {                                                                                         \
            next = e->hh.next;                                                                                                                       \
            HASH_DEL(table, e);                                                                                                                      \
            free(e);                                                                                                                                 \
        }                                                                                                                                            \
    } while (0)

static void keep_at_most(struct hub *h, size_t keep)
{
    TRIM(h->convs, struct hub_conv, keep);
    TRIM(h->members, struct hub_member, keep);
    TRIM(h->devices, struct hub_device, keep);
}

void cache_trim(struct hub *h)
{
    keep_at_most(h, h->config.cache_convs);
}

void cache_drop(struct hub *h)
{
    keep_at_most(h, 0);
}
