#include "plugin/mosq/rights.h"

enum fp_err rights_init(struct rights *r, size_t entries, struct access_reader reader, uint64_t applied)
{
    *r = (struct rights){.reader = reader, .applied = applied, .scope_time = 1};
    return rights_cache_init(&r->cache, entries);
}

void rights_fini(struct rights *r)
{
    rights_cache_fini(&r->cache);
    background_fini(&r->background);
}

void rights_grant(struct rights *r, const struct rights_grant *g)
{
    switch (g->kind) {
    case TELL_GRANT_CONV:
        rights_cache_put(&r->cache, &(struct rights_key){RIGHTS_CONV, g->id, g->user})->allowed = g->allowed;
        break;
    case TELL_GRANT_SCOPE:
        rights_cache_put(&r->cache, &(struct rights_key){RIGHTS_SCOPE, g->id, g->user})->allowed = g->allowed;
        r->scope_time++;
        break;
    case TELL_GRANT_DEVICE:
        rights_cache_put(&r->cache, &(struct rights_key){.what = RIGHTS_DEVICE, .id = g->id})->owner = g->user;
        return; /* no membership change */
    case TELL_OPEN:
        rights_cache_put(&r->cache, &(struct rights_key){.what = RIGHTS_OPEN, .id = g->user})->allowed = g->allowed;
        return;
    case TELL_IDLE:
        background_put(&r->background, &g->id, g->allowed);
        return;
    case TELL_PUBLISH:
    case TELL_ALIVE: /* no right */
    case TELL_LOG:
        return;
    }
    if (g->change > r->applied) {
        r->applied = g->change; /* W2 */
    }
}

static bool note(struct rights *r, enum fp_err err)
{
    r->look_ups++;
    r->failures += err != FP_OK;
    return err == FP_OK;
}

bool rights_conv(struct rights *r, const struct fp_id *conv, const struct fp_id *user)
{
    struct rights_key key = {RIGHTS_CONV, *conv, *user};
    const struct rights_entry *known = rights_cache_find(&r->cache, &key);
    bool allowed = false, settled = false;

    if (known != NULL) {
        r->hits++;
        return known->allowed;
    }
    if (!note(r, r->reader.conv(r->reader.ctx, conv, user, r->applied, &allowed, &settled))) {
        return false;
    }
    if (settled) {
        rights_cache_put(&r->cache, &key)->allowed = allowed; /* W1 */
    }
    return allowed;
}

bool rights_scope(struct rights *r, const struct fp_id *scope, const struct fp_id *user)
{
    struct rights_key key = {RIGHTS_SCOPE, *scope, *user};
    const struct rights_entry *known = rights_cache_find(&r->cache, &key);
    bool allowed = false, settled = false;

    if (known != NULL) {
        r->hits++;
        return known->allowed;
    }
    if (!note(r, r->reader.scope(r->reader.ctx, scope, user, r->applied, &allowed, &settled))) {
        return false;
    }
    if (settled) {
        rights_cache_put(&r->cache, &key)->allowed = allowed; /* W1 */
    }
    return allowed;
}

bool rights_peers(struct rights *r, const struct fp_id *user, const struct fp_id *other)
{
    struct rights_key key = {RIGHTS_PEERS, *other, *user};
    const struct rights_entry *known = rights_cache_find(&r->cache, &key);
    bool allowed = false;

    if (known != NULL && known->scope_time == r->scope_time) {
        r->hits++;
        return known->allowed;
    }
    if (!note(r, r->reader.peers(r->reader.ctx, user, other, &allowed))) {
        return false;
    }
    struct rights_entry *fresh = rights_cache_put(&r->cache, &key);
    fresh->allowed = allowed;
    fresh->scope_time = r->scope_time; /* W1: the next scope grant, of whomever, ends it */
    return allowed;
}

bool rights_open(struct rights *r, const struct fp_id *user)
{
    struct rights_key key = {.what = RIGHTS_OPEN, .id = *user};
    const struct rights_entry *known = rights_cache_find(&r->cache, &key);
    bool open = false;

    if (known != NULL) {
        r->hits++;
        return known->allowed;
    }
    if (!note(r, r->reader.open(r->reader.ctx, user, &open))) {
        return false;
    }
    rights_cache_put(&r->cache, &key)->allowed = open; /* W1: a policy that changes is told, also to who has seen it in the store already */
    return open;
}

bool rights_idle(const struct rights *r, const struct fp_id *device)
{
    return background_has(&r->background, device);
}

void rights_gone(struct rights *r, const struct fp_id *device)
{
    background_put(&r->background, device, false);
}

bool rights_device(struct rights *r, const struct fp_id *device, struct fp_id *out_owner)
{
    struct rights_key key = {.what = RIGHTS_DEVICE, .id = *device};
    const struct rights_entry *known = rights_cache_find(&r->cache, &key);
    bool found = false;

    *out_owner = (struct fp_id){0};
    if (known != NULL) {
        r->hits++;
        *out_owner = known->owner;
        return true;
    }
    if (!note(r, r->reader.device(r->reader.ctx, device, out_owner, &found))) {
        *out_owner = (struct fp_id){0};
        return false;
    }
    if (found) {
        rights_cache_put(&r->cache, &key)->owner = *out_owner; /* W1: an owner stays; "none" does not */
    } else {
        *out_owner = (struct fp_id){0};
    }
    return true;
}
