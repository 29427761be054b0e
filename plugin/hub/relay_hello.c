/* A relay says hello: who of the two has been restored, and what it holds. */
#include "plugin/hub/relay.h"

#define NUMBER_MAX (1ULL << 62)
#define ODD_HELLO_US 2000000U /* a late copy of a hello does not come twice so far apart */

static uint64_t start_of(struct hub *h)
{
    uint64_t seed[] = {h->info.epoch, h->info.boot, h->wall.ms, h->mono.us};
    if (h->relays->start == 0) {
        h->relays->start = (fp_hash(FP_HASH_START, seed, sizeof(seed)) >> 1U) | 1U;
    }
    return h->relays->start;
}

static enum fp_err tell_welcome(struct hub *h, struct relay *r)
{
    struct fp_trunk_welcome w = {.epoch = h->info.epoch, .credit = TRUNK_CREDIT, .bytes = TRUNK_RECORDS_BYTES, .at = h->wall, .start = start_of(h)};
    size_t cap = RELAY_FRAME_BYTES + r->rights.scope_count * sizeof(struct fp_id);
    uint8_t *buf = arena_alloc(&h->arena, cap);
    struct fp_enc e;
    memcpy(w.have, r->staged.have, sizeof(w.have));
    fp_enc_init(&e, buf, buf ? cap : 0);
    fp_enc_trunk_welcome(&e, &w, r->rights.scopes, r->rights.scope_count);
    return e.failed ? FP_ENOMEM : trunk_tell(h, FP_TOPIC_RELAY_DOWN, &r->rights.relay, fp_enc_bytes_of(&e));
}

static void log_reset(struct hub *h, const struct relay *r, bool relay_is_older)
{
    if (relay_is_older) {
        relay_log(h, r, TELL_WARNING, ": its database is older than what it has said before (restored from a backup?): it begins a new log");
    } else if (!r->older) { /* it asks again every minute */
        relay_log(
            h, r, TELL_ERROR,
            ": this hub is older than what the relay has of it (restored from a backup?): the relay keeps what it has and sends nothing. Restore a "
            "newer backup, or give the site a new database (what waits in its own is lost then)");
    }
}

static enum fp_err tell_reset(struct hub *h, struct relay *r, uint64_t epoch, enum fp_trunk_reset_reason why)
{
    uint8_t buf[RELAY_FRAME_BYTES];
    struct fp_enc e;
    bool relay_is_older = why == FP_RESET_RELAY_IS_OLDER;
    fp_enc_init(&e, buf, sizeof(buf));
    fp_enc_trunk_reset(&e, epoch, relay_is_older ? epoch + 1 : epoch, why);
    log_reset(h, r, relay_is_older);
    r->older = !relay_is_older;
    r->why = ": down (it was told to begin anew, or to wait)";
    relay_lost(h, r);
    return trunk_tell(h, FP_TOPIC_RELAY_DOWN, &r->rights.relay, fp_enc_bytes_of(&e));
}

/* 0, or who has been restored. */
static unsigned who_is_older(const struct store_peer *p, const struct fp_trunk_hello *hello)
{
    bool same = p->epoch == hello->epoch;
    for (unsigned lane = 0; lane < FP_LANES; lane++) {
        if (same && (hello->lanes[lane].next <= p->have[lane] || hello->have[lane] < p->acked[lane])) {
            return FP_RESET_RELAY_IS_OLDER;
        }
    }
    for (unsigned lane = 0; lane < FP_LANES; lane++) {
        bool dropped = same ? hello->lanes[lane].oldest > p->have[lane] + 1 : p->epoch == 0 && hello->lanes[lane].oldest > 1;
        if (dropped) { /* a hub had these, and it was not this one as it is now */
            return FP_RESET_HUB_IS_OLDER;
        }
    }
    return 0;
}

/* What the relay says to hold takes the place of what the hub remembers. */
static enum fp_err save_held(struct hub *h, struct relay *r, struct fp_trunk_hello hello)
{
    struct fp_id id;
    uint64_t seq = 0;
    enum fp_err err = stage_begin(h);
    err = err ? err : h->store.forget_held(h->store.ctx, &r->rights.relay);
    while (!err && fp_trunk_held(&hello, &id, &seq)) {
        struct hub_conv *c = NULL;
        err = cache_conv(h, &id, &c);
        if (!err && c && relay_serves(r, &c->c.scope)) {
            err = h->store.save_held(h->store.ctx, &(struct store_held){.relay = r->rights.relay, .cid = c->c.cid, .seq = seq});
        }
    }
    return err;
}

/* Events that this hub does not have? */
static bool holds_more(struct hub *h, struct fp_trunk_hello hello, enum fp_err *out_err)
{
    struct fp_id id;
    uint64_t seq = 0;
    *out_err = FP_OK;
    while (!*out_err && fp_trunk_held(&hello, &id, &seq)) {
        struct hub_conv *c = NULL;
        *out_err = cache_conv(h, &id, &c);
        if (!*out_err && seq > (c ? c->c.head : 0)) {
            return true;
        }
    }
    return false;
}

/*
 * A copy of the hello that began the session, or the answer to that was lost. Numbers stay, for what is on the way has them: to begin anew while the
 * relay has already taken some of it would give these a second meaning (Y3).
 */
static bool says_nothing_new(const struct relay *r, const struct source_item *item, const struct fp_trunk_hello *hello)
{
    bool same = r->up && r->conn == item->conn && r->peer.epoch == hello->epoch && memcmp(r->base, hello->have, sizeof(r->base)) == 0;
    return same && (hello->held_count == 0 || item->mono.us - r->begun.us < ODD_HELLO_US);
}

/* Numbers that no log reaches would overflow in ours. */
static bool is_sane(const struct fp_trunk_hello *hello)
{
    bool sane = hello->protocol == FP_WIRE_VERSION && hello->epoch > 0;
    for (unsigned lane = 0; lane < FP_LANES; lane++) {
        sane = sane && hello->have[lane] < NUMBER_MAX && hello->lanes[lane].next < NUMBER_MAX && hello->lanes[lane].oldest > 0;
    }
    return sane;
}

enum fp_err relay_hello(struct hub *h, struct relay *r, const struct source_item *item, const struct fp_trunk_hello *hello)
{
    struct store_peer *p = &r->staged;
    enum fp_err err = FP_OK;
    if (!is_sane(hello)) {
        r->stats.ignored++;
        return FP_OK;
    }
    unsigned older = who_is_older(p, hello);
    if (older == 0 && holds_more(h, *hello, &err)) {
        older = FP_RESET_HUB_IS_OLDER;
    }
    bool late_copy = older == FP_RESET_RELAY_IS_OLDER && r->up && r->conn == item->conn &&
                     (r->odd_hello.us == 0 || item->mono.us - r->odd_hello.us < ODD_HELLO_US);
    if (late_copy) {
        r->odd_hello.us = r->odd_hello.us ? r->odd_hello.us : item->mono.us;
        r->stats.ignored++;
        return FP_OK;
    }
    if (err || older) {
        return err ? err : tell_reset(h, r, hello->epoch, older == FP_RESET_HUB_IS_OLDER ? FP_RESET_HUB_IS_OLDER : FP_RESET_RELAY_IS_OLDER);
    }
    if (says_nothing_new(r, item, hello)) {
        r->people_told = false;
        return tell_welcome(h, r);
    }
    bool anew = hello->held_count > 0 || p->epoch != hello->epoch; /* another log: of another database, which holds what it says */
    for (unsigned lane = 0; lane < FP_LANES; lane++) {
        p->acked[lane] = hello->have[lane];
        p->have[lane] = p->epoch == hello->epoch ? p->have[lane] : hello->lanes[lane].oldest - 1;
    }
    bool second = r->opening; /* in this batch: what the first one has begun holds */
    r->opening_log = (second && r->opening_log) || p->epoch != hello->epoch;
    p->epoch = hello->epoch;
    if (anew) {
        err = save_held(h, r, *hello);
    }
    r->changed = true;
    r->opening = true;
    r->anew = (second && r->anew) || anew;
    r->opening_conn = item->conn;
    h->relays->staged = true;
    return err ? err : tell_welcome(h, r);
}
