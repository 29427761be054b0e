/*
 * rights.h: who may read what, as the broker's thread knows it: grants as they are applied, a cache, and cold look-ups in the store.
 *
 * Shape       an answer comes from the cache or from the reader, which answers as of membership change `applied`
 * Invariants  W1 an answer is cached only if every change to it will be told as a grant after now.
 *             W2 applied never decreases.
 * Errors      a look-up that fails says "no", counts, and is asked again the next time: who misses an event sees the hole and asks
 *             for it, who sees one too many cannot forget it
 * Thread      one thread (the broker's)
 */
#ifndef PLUGIN_MOSQ_RIGHTS_H
#define PLUGIN_MOSQ_RIGHTS_H

#include "plugin/hub/bus.h"
#include "plugin/mosq/background.h"
#include "plugin/mosq/rights_cache.h"

struct access_reader { /* as in sqlite_store.h */
    void *ctx;
    enum fp_err (*conv)(void *ctx, const struct fp_id *conv, const struct fp_id *user, uint64_t applied, bool *out_allowed, bool *out_settled);
    enum fp_err (*scope)(void *ctx, const struct fp_id *scope, const struct fp_id *user, uint64_t applied, bool *out_allowed, bool *out_settled);
    enum fp_err (*peers)(void *ctx, const struct fp_id *user, const struct fp_id *other, bool *out_allowed);
    enum fp_err (*device)(void *ctx, const struct fp_id *device, struct fp_id *out_owner, bool *out_found);
    enum fp_err (*open)(void *ctx, const struct fp_id *user, bool *out_open);
};

struct rights {
    struct rights_cache cache;
    struct access_reader reader;
    struct background background;
    uint64_t applied;    /* the highest membership change of the grants so far */
    uint64_t scope_time; /* how many scope grants have been applied: what "peers" depends on */
    uint64_t hits, look_ups, failures;
};

struct rights_grant {
    enum tell_kind kind;
    struct fp_id id;
    struct fp_id user;
    bool allowed;
    uint64_t change;
};

/* applied: store_info.change at the start. */
enum fp_err rights_init(struct rights *r, size_t entries, struct access_reader reader, uint64_t applied);
void rights_fini(struct rights *r);

void rights_grant(struct rights *r, const struct rights_grant *g);

bool rights_conv(struct rights *r, const struct fp_id *conv, const struct fp_id *user);
bool rights_scope(struct rights *r, const struct fp_id *scope, const struct fp_id *user);
bool rights_peers(struct rights *r, const struct fp_id *user, const struct fp_id *other);
/* May his peers see which of his devices are connected? */
bool rights_open(struct rights *r, const struct fp_id *user);
/* Is the device in the background? */
bool rights_idle(const struct rights *r, const struct fp_id *device);
void rights_gone(struct rights *r, const struct fp_id *device); /* its connection has ended */
/* False if it could not be found out. *out_owner is none while the device has none. */
bool rights_device(struct rights *r, const struct fp_id *device, struct fp_id *out_owner);

#endif
