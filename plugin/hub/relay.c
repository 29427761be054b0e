/* The relays of a hub: who they are, their sessions, and which frame goes where. */
#include "plugin/hub/relay.h"

#include <stdlib.h>

/* ------------------------------------------------------------------ the rows */

static struct relay *find(const struct hub *h, const struct fp_id *id)
{
    struct relay *r = h->relays ? h->relays->all : NULL;
    while (r && !fp_id_eq(&r->rights.relay, id)) {
        r = r->next;
    }
    return r;
}

bool relay_serves(const struct relay *r, const struct fp_id *scope)
{
    for (size_t i = 0; i < r->rights.scope_count; i++) {
        if (fp_id_eq(&r->rights.scopes[i], scope)) {
            return true;
        }
    }
    return false;
}

static void free_relay(struct relay *r)
{
    relay_down_drop(r);
    free(r);
}

enum fp_err relays_open(struct hub *h)
{
    if (h->config.role == HUB_ROLE_HUB) {
        relays_reconfigure(h);
    }
    return h->relays || h->config.relay_count == 0 || h->config.role != HUB_ROLE_HUB ? FP_OK : FP_ENOMEM;
}

void relays_close(struct hub *h)
{
    while (h->relays && h->relays->all) {
        struct relay *r = h->relays->all;
        h->relays->all = r->next;
        free_relay(r);
    }
    free(h->relays);
    h->relays = NULL;
}

static void drop_row(struct hub *h, struct relay *r)
{
    r->why = ": down (what it may do has changed)";
    relay_lost(h, r);
    LL_DELETE(h->relays->all, r);
    free_relay(r);
}

static const struct hub_relay *rights_of(const struct hub *h, const struct fp_id *id)
{
    for (size_t i = 0; i < h->config.relay_count; i++) {
        if (fp_id_eq(&h->config.relays[i].relay, id)) {
            return &h->config.relays[i];
        }
    }
    return NULL;
}

static bool same_rights(const struct hub_relay *a, const struct hub_relay *b)
{
    return a->scope_count == b->scope_count && a->user_count == b->user_count &&
           memcmp(a->scopes, b->scopes, a->scope_count * sizeof(a->scopes[0])) == 0 &&
           memcmp(a->users, b->users, a->user_count * sizeof(a->users[0])) == 0;
}

/* A relay whose rights have changed loses its session, and hears of them in the next welcome. Without memory a relay is not served until the next
 * time that the configuration is read. */
void relays_reconfigure(struct hub *h)
{
    if (!h->relays && h->config.relay_count > 0) {
        h->relays = calloc(1, sizeof(*h->relays));
    }
    if (!h->relays) {
        return;
    }
    h->relays->refusals_end = &h->relays->refusals;
    struct relay *r;
    struct relay *next;
    LL_FOREACH_SAFE (h->relays->all, r, next) {
        const struct hub_relay *now = rights_of(h, &r->rights.relay);
        if (!now || !same_rights(now, &r->rights)) {
            drop_row(h, r);
        }
    }
    for (size_t i = 0; i < h->config.relay_count; i++) {
        r = find(h, &h->config.relays[i].relay) ? NULL : calloc(1, sizeof(*r));
        if (r) {
            r->rights = h->config.relays[i];
            LL_PREPEND(h->relays->all, r);
        }
    }
}

static enum fp_err load(struct hub *h, struct relay *r)
{
    bool found = false;
    if (r->loaded) {
        return FP_OK;
    }
    enum fp_err err = h->store.load_peer(h->store.ctx, &r->rights.relay, &r->peer, &found);
    if (err) {
        return err;
    }
    if (!found) {
        r->peer = (struct store_peer){.relay = r->rights.relay};
    }
    r->staged = r->peer;
    r->loaded = true;
    return FP_OK;
}

/* ------------------------------------------------------------------ sessions */

void relay_log(struct hub *h, const struct relay *r, enum tell_level level, const char *text)
{
    tells_log_about(h, level, "relay ", &r->rights.relay, text);
}

void relay_lost(struct hub *h, struct relay *r)
{
    const char *why = r->why ? r->why : ": down (a new session begins)";
    r->why = NULL;
    if (!r->up) {
        return;
    }
    relay_log(h, r, TELL_WARNING, why);
    r->up = false;
    r->conn = 0;
    r->stats.lost++;
    people_remote_lost(h, &r->rights.relay);
    typing_remote_lost(h, &r->rights.relay);
}

void relays_gone(struct hub *h, uint64_t conn)
{
    for (struct relay *r = h->relays ? h->relays->all : NULL; r && conn != 0; r = r->next) {
        if (r->conn == conn) {
            r->why = ": down (its connection has ended)";
            relay_lost(h, r);
        }
    }
}

static void tell_refusal(struct hub *h, const struct relay *r, const struct relay_refusal *f)
{
    uint8_t buf[RELAY_FRAME_BYTES];
    struct fp_enc e;
    fp_enc_init(&e, buf, sizeof(buf));
    fp_enc_trunk_refuse(&e, f->lane, f->number, f->code, (struct fp_bytes){0}, 0);
    trunk_tell_now(h, FP_TOPIC_RELAY_DOWN, &r->rights.relay, fp_enc_bytes_of(&e));
}

/* After the commit of what hello has brought; welcome is out. */
static void begin(struct hub *h, struct relay *r)
{
    r->refusal_count = r->opening_log ? 0 : r->refusal_count; /* their numbers are of the other log */
    size_t kept = r->refusal_count < RELAY_REFUSALS ? r->refusal_count : RELAY_REFUSALS;
    if (!r->up) {
        relay_log(h, r, TELL_NOTICE, ": up");
    }
    r->opening = false;
    r->up = true;
    r->older = false;
    r->odd_hello.us = 0;
    r->conn = r->opening_conn;
    r->heard = h->mono;
    r->begun = h->mono;
    memcpy(r->base, r->peer.acked, sizeof(r->base));
    r->people_told = false;
    relay_down_begin(h, r, r->peer.acked, r->anew);
    for (size_t i = r->refusal_count - kept; i < r->refusal_count; i++) {
        tell_refusal(h, r, &r->refusals[i % RELAY_REFUSALS]);
    }
}

/* ------------------------------------------------------------------ frames */

static enum fp_err on_frame(struct hub *h, struct relay *r, const struct source_item *item, struct fp_trunk *f)
{
    bool stands = r->up || r->opening;
    if (f->what == FP_TRUNK_HELLO) {
        return relay_hello(h, r, item, &f->as.hello);
    }
    if (!stands) { /* it hears nothing from us, and says hello */
        r->stats.ignored++;
        return FP_OK;
    }
    r->heard = item->mono;
    switch (f->what) {
    case FP_TRUNK_BATCH:
        return relay_batch(h, r, item, &f->as.batch);
    case FP_TRUNK_ACK:
        if (r->up && f->as.ack.epoch == h->info.epoch && link_ack(&r->link, (unsigned)f->as.ack.lane, f->as.ack.have, f->as.ack.credit, item->mono)) {
            relay_down_ack(h, r, (unsigned)f->as.ack.lane);
        }
        return FP_OK;
    case FP_TRUNK_NACK:
        if (r->up) {
            link_nack(&r->link, (unsigned)f->as.nack.lane, f->as.nack.expected, item->mono);
            relay_down_ack(h, r, (unsigned)f->as.nack.lane);
        }
        return FP_OK;
    case FP_TRUNK_LIVE:
        return r->up ? relay_live(h, r, &f->as.live) : FP_OK;
    default: /* what only a hub says, or what a newer relay does */
        r->stats.ignored++;
        return FP_OK;
    }
}

enum fp_err relay_settle(struct hub *h, enum fp_err err)
{
    if (!h->replaying) {
        return err;
    }
    if (!err) {
        err = batch_commit(h);
    }
    if (!err) {
        h->failures_in_a_row = 0;
        return FP_OK;
    }
    h->failures_in_a_row += err != FP_EFULL && err != FP_EAGAIN;
    batch_undo(h);
    return FP_EAGAIN;
}

enum fp_err relays_frame(struct hub *h, const struct source_item *item)
{
    struct relay *r = find(h, &item->user);
    struct fp_trunk f;
    if (!r) {
        if (h->relays) {
            h->relays->strangers++;
        }
        return FP_OK;
    }
    if (fp_trunk_decode(item->payload, &f)) {
        r->stats.ignored++;
        return FP_OK;
    }
    enum fp_err err = load(h, r);
    err = relay_settle(h, err ? err : on_frame(h, r, item, &f));
    return err == FP_EAGAIN ? FP_OK : err; /* the relay says it again */
}

/* ------------------------------------------------------------------ around the commit */

static struct fp_bytes encode_ack(struct fp_enc *e, const struct store_peer *p, unsigned lane, uint64_t credit)
{
    fp_enc_trunk_ack(e, p->epoch, lane, p->have[lane], credit);
    return fp_enc_bytes_of(e);
}

void relay_tell_ack(struct hub *h, struct relay *r, unsigned lane, uint64_t credit)
{
    uint8_t buf[RELAY_FRAME_BYTES];
    struct fp_enc e;
    fp_enc_init(&e, buf, sizeof(buf));
    trunk_tell_now(h, FP_TOPIC_RELAY_DOWN, &r->rights.relay, encode_ack(&e, &r->peer, lane, credit));
}

static enum fp_err stage_acks(struct hub *h, struct relay *r)
{
    enum fp_err err = FP_OK;
    for (unsigned lane = 0; lane < FP_LANES && !err; lane++) {
        uint8_t buf[RELAY_FRAME_BYTES];
        struct fp_enc e;
        fp_enc_init(&e, buf, sizeof(buf));
        if (r->ack_due[lane]) {
            err = trunk_tell(h, FP_TOPIC_RELAY_DOWN, &r->rights.relay, encode_ack(&e, &r->staged, lane, TRUNK_CREDIT));
        }
        if (!err && r->nack_due[lane]) {
            fp_enc_init(&e, buf, sizeof(buf));
            fp_enc_trunk_nack(&e, lane, r->staged.have[lane] + 1);
            err = trunk_tell(h, FP_TOPIC_RELAY_DOWN, &r->rights.relay, fp_enc_bytes_of(&e));
        }
    }
    return err;
}

enum fp_err relays_save(struct hub *h)
{
    enum fp_err err = FP_OK;
    if (!h->relays || !h->relays->staged) {
        return FP_OK;
    }
    for (struct relay *r = h->relays->all; r && !err; r = r->next) {
        if (r->changed) {
            err = stage_begin(h);
            err = err ? err : h->store.save_peer(h->store.ctx, &r->staged);
        }
        err = err ? err : stage_acks(h, r); /* R1 */
    }
    return err;
}

static void unstage(struct hub *h)
{
    for (struct relay *r = h->relays->all; r; r = r->next) {
        r->changed = false;
        r->opening = false;
        memset(r->ack_due, 0, sizeof(r->ack_due));
        memset(r->nack_due, 0, sizeof(r->nack_due));
    }
    h->relays->staged = false;
    h->relays->refusals = NULL;
    h->relays->refusals_end = &h->relays->refusals;
}

void relays_commit(struct hub *h)
{
    if (!h->relays || !h->relays->staged) {
        return;
    }
    for (const struct relay_staged_refusal *f = h->relays->refusals; f; f = f->next) {
        f->relay->refusals[f->relay->refusal_count++ % RELAY_REFUSALS] = f->refusal;
    }
    for (struct relay *r = h->relays->all; r; r = r->next) {
        r->peer = r->staged;
        if (r->opening) {
            begin(h, r);
        }
    }
    unstage(h);
}

void relays_undo(struct hub *h)
{
    if (!h->relays) {
        return;
    }
    for (struct relay *r = h->relays->all; r; r = r->next) {
        r->staged = r->peer;
    }
    unstage(h);
}

/* ------------------------------------------------------------------ turns */

static enum fp_err run_one(struct hub *h, struct relay *r)
{
    if (h->mono.us - r->heard.us >= TRUNK_SILENT_US) {
        r->why = ": down (nothing was heard for 25 s)";
    } else if (!link_tick(&r->link, h->mono)) {
        r->why = ": down (it does not acknowledge)";
    }
    if (r->why) {
        relay_lost(h, r);
        return FP_OK;
    }
    if (r->hold.us > 0 && r->hold.us <= h->mono.us) {
        r->hold.us = 0;
        relay_tell_ack(h, r, r->hold_lane, TRUNK_CREDIT);
    }
    enum fp_err err = relay_down_run(h, r);
    if (err == FP_ECORRUPT) { /* something that should be there is not: that is no reason to stop for all others */
        r->stats.unsendable++;
        r->why = ": down (something that it should have is not in the database)";
        relay_lost(h, r);
        return FP_OK;
    }
    return err;
}

enum fp_err relays_run(struct hub *h)
{
    enum fp_err err = FP_OK;
    if (!h->relays) {
        return FP_OK;
    }
    for (struct relay *r = h->relays->all; r && !err; r = r->next) {
        if (r->up) {
            err = run_one(h, r);
        }
    }
    err = err ? err : relays_live_run(h);
    relays_ops(h);
    return err;
}

static uint64_t until(uint64_t due_us, struct fp_mono now)
{
    return due_us > now.us ? due_us - now.us : 0;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t relays_wait_us(const struct hub *h, struct fp_mono now)
{
    uint64_t wait = UINT64_MAX;
    if (!h->relays) {
        return wait;
    }
    for (const struct relay *r = h->relays->all; r; r = r->next) {
        if (r->up) {
            wait = least(wait, until(r->heard.us + TRUNK_SILENT_US, now));
            wait = least(wait, r->hold.us > 0 ? until(r->hold.us, now) : UINT64_MAX);
            wait = least(wait, relay_down_wait_us(h, r, now));
        }
    }
    if (h->config.ops && h->relays->all) {
        wait = least(wait, until(h->relays->ops_due.us, now));
    }
    return least(wait, relays_live_wait_us(h, now));
}
