/* The site's session with its hub: hello until it is welcomed, then whatever is due. */
#include "plugin/hub/site.h"

#include <stdlib.h>

#define HELLO_FRAME_BYTES 256
#define HELD_ROW_BYTES (FP_ID_MAX + 12)
#define TURN_US 1000U

/* ------------------------------------------------------------------ life */

/* The row beside the peer's own that holds what this log is called since it was last begun anew. No relay has this name. */
static struct fp_id log_name(void)
{
    return (struct fp_id){.len = 4, .text = "~log"};
}

static enum fp_err load(struct hub *h, struct site *s)
{
    struct store_peer log = {0};
    bool found = false;
    struct fp_id name = log_name();
    enum fp_err err = h->store.load_peer(h->store.ctx, &h->config.relay, &s->now.peer, &found);
    if (!err && !found) {
        s->now.peer = (struct store_peer){.relay = h->config.relay};
    }
    if (!err) {
        err = h->store.load_peer(h->store.ctx, &name, &log, &found);
    }
    s->now.log_epoch = found ? log.epoch : h->info.epoch;
    for (uint8_t lane = 0; !err && lane < FP_LANES; lane++) {
        err = h->store.lane_range(h->store.ctx, lane, &s->oldest[lane], &s->now.next[lane]);
    }
    for (unsigned lane = 0; lane < FP_LANES; lane++) { /* K4 */
        uint64_t start = h->info.boot << 40U;
        s->now.peer.have[lane] = s->now.peer.have[lane] > start ? s->now.peer.have[lane] : start;
    }
    s->was = s->now;
    return err;
}

enum fp_err site_open(struct hub *h)
{
    if (!site_is(h)) {
        return FP_OK;
    }
    struct site *s = calloc(1, sizeof(*s));
    if (!s) {
        return FP_ENOMEM;
    }
    h->site = s;
    s->tell_held = true;
    s->drop_due.us = UINT64_MAX;
    return load(h, s);
}

void site_close(struct hub *h)
{
    if (h->site) {
        apply_receipts_forget(h);
    }
    free(h->site);
    h->site = NULL;
}

void site_commit(struct hub *h)
{
    if (h->site) {
        h->site->was = h->site->now;
    }
}

void site_undo(struct hub *h)
{
    struct site *s = h->site;
    if (!s) {
        return;
    }
    if (s->now.peer.epoch != s->was.peer.epoch || s->now.log_epoch != s->was.log_epoch ||
        memcmp(s->now.peer.have, s->was.peer.have, sizeof(s->now.peer.have)) != 0) {
        site_begin_again(h, true);
    }
    s->now = s->was;
}

bool site_unmet(const struct hub *h)
{
    return h->site && h->site->now.peer.epoch == 0;
}

uint64_t site_epoch(const struct hub *h)
{
    return h->site ? h->site->now.peer.epoch : h->info.epoch;
}

enum fp_err site_save_peer(struct hub *h)
{
    struct store_peer log = {.relay = log_name(), .epoch = h->site->now.log_epoch};
    enum fp_err err = stage_begin(h);
    if (!err) {
        err = h->store.save_peer(h->store.ctx, &h->site->now.peer);
    }
    return err || log.epoch == h->site->was.log_epoch ? err : h->store.save_peer(h->store.ctx, &log);
}

enum fp_err site_tell_up(struct hub *h, struct fp_enc *e)
{
    return e->failed ? FP_ENOMEM : trunk_tell(h, FP_TOPIC_RELAY_UP, &h->config.relay, fp_enc_bytes_of(e));
}

/* ------------------------------------------------------------------ hello */

void site_line(struct hub *h, enum tell_level level, const char *text)
{
    tells_log_about(h, level, "trunk ", &h->config.relay, text);
}

void site_begin_again(struct hub *h, bool tell_held)
{
    struct site *s = h->site;
    if (s->open) {
        site_line(h, TELL_WARNING, s->why ? s->why : ": down (a new session begins)");
        s->open = false;
        s->hello_wait.us = 0;
        people_remote_lost(h, &h->config.relay);
        typing_remote_lost(h, &h->config.relay);
    }
    if (s->hello_wait.us == 0) {
        s->hello_due = h->mono;
    }
    s->why = NULL;
    s->tell_held = s->tell_held || tell_held;
}

struct held {
    struct fp_id conv;
    uint64_t seq;
};

struct holding {
    struct hub *h;
    struct held *rows; /* in the arena */
    size_t count, cap;
    bool no_memory;
};

static bool note_held(void *arg, const struct store_conv *c)
{
    struct holding *k = arg;
    if (k->count == k->cap) {
        size_t cap = k->cap * 2 + 64;
        struct held *rows = arena_alloc(&k->h->arena, cap * sizeof(*rows));
        k->no_memory = !rows;
        if (!rows) {
            return false;
        }
        if (k->count > 0) {
            memcpy(rows, k->rows, k->count * sizeof(*rows));
        }
        k->rows = rows;
        k->cap = cap;
    }
    k->rows[k->count++] = (struct held){.conv = c->id, .seq = c->head};
    return true;
}

static int by_conv(const void *a, const void *b)
{
    const struct fp_id *x = &((const struct held *)a)->conv;
    const struct fp_id *y = &((const struct held *)b)->conv;
    return x->len != y->len ? x->len - y->len : memcmp(x->text, y->text, x->len);
}

/* All that there is; one row that says nothing where that is nothing, for no rows at all would mean "as you remember it". */
static enum fp_err list_held(struct hub *h, struct holding *out)
{
    static const struct fp_id none = {.len = 4, .text = "none"};
    *out = (struct holding){.h = h};
    enum fp_err err = h->store.each_conv(h->store.ctx, 0, SIZE_MAX, note_held, out);
    if (!err && !out->no_memory && out->count == 0) {
        (void)note_held(out, &(struct store_conv){.id = none});
    }
    if (!err && !out->no_memory) {
        qsort(out->rows, out->count, sizeof(*out->rows), by_conv);
    }
    return err ? err : out->no_memory ? FP_ENOMEM : FP_OK;
}

static enum fp_err tell_hello(struct hub *h)
{
    struct site *s = h->site;
    struct holding k = {0};
    for (unsigned lane = 0; lane < FP_LANES; lane++) { /* K4 */
        s->was.peer.have[lane] += SITE_SESSION_NUMBERS;
        s->now.peer.have[lane] = s->was.peer.have[lane];
        s->base[lane] = s->now.peer.have[lane];
    }
    enum fp_err err = s->tell_held ? list_held(h, &k) : FP_OK;
    struct fp_trunk_hello hello = {.protocol = FP_WIRE_VERSION, .epoch = s->now.log_epoch, .held_count = k.count};
    for (uint8_t lane = 0; !err && lane < FP_LANES; lane++) {
        err = h->store.lane_range(h->store.ctx, lane, &hello.lanes[lane].oldest, &hello.lanes[lane].next);
        hello.have[lane] = s->now.peer.have[lane];
    }
    if (err) {
        return err;
    }
    size_t cap = HELLO_FRAME_BYTES + k.count * HELD_ROW_BYTES;
    uint8_t *buf = arena_alloc(&h->arena, cap);
    struct fp_enc e;
    fp_enc_init(&e, buf, buf ? cap : 0);
    fp_enc_trunk_hello_begin(&e, &hello);
    for (size_t i = 0; i < k.count; i++) {
        fp_enc_trunk_held(&e, &k.rows[i].conv, k.rows[i].seq);
    }
    fp_enc_trunk_hello_end(&e, &hello);
    if (e.failed) {
        return FP_ENOMEM;
    }
    s->told_held = k.count > 0;
    s->hello_at = h->mono;
    trunk_tell_now(h, FP_TOPIC_RELAY_UP, &h->config.relay, fp_enc_bytes_of(&e));
    return FP_OK;
}

static enum fp_err run_hello(struct hub *h)
{
    struct site *s = h->site;
    if (!s->attached || s->open || s->hello_due.us > h->mono.us) {
        return FP_OK;
    }
    s->hello_wait.us = s->hello_wait.us == 0 ? SITE_HELLO_US : 2 * s->hello_wait.us;
    if (s->hello_wait.us > SITE_HELLO_MAX_US) {
        s->hello_wait.us = SITE_HELLO_MAX_US;
    }
    s->hello_due.us = h->mono.us + s->hello_wait.us;
    return tell_hello(h);
}

/* ------------------------------------------------------------------ turns */

void site_gone(struct hub *h, uint64_t conn)
{
    struct site *s = h->site;
    if (s && s->attached && s->conn == conn) {
        s->why = ": down (the relay's connection has ended)";
        site_begin_again(h, false);
        s->attached = false;
        s->hello_wait.us = 0;
    }
}

static void watch_link(struct hub *h)
{
    struct site *s = h->site;
    if (!s->open) {
        return;
    }
    if (h->mono.us - s->heard.us > TRUNK_SILENT_US) {
        s->why = ": down (nothing was heard for 25 s)";
    } else if (!link_tick(&s->link, h->mono)) {
        s->why = ": down (the hub does not acknowledge)";
    }
    if (s->why) {
        site_begin_again(h, false);
    }
}

enum fp_err site_run(struct hub *h)
{
    if (!h->site) {
        return FP_OK;
    }
    watch_link(h);
    enum fp_err err = run_hello(h);
    if (!err && h->site->open) {
        err = site_send(h);
    }
    if (!err && h->site->open) {
        err = site_live(h);
    }
    if (!err) {
        err = site_drop(h);
    }
    return err ? err : site_ops(h);
}

static uint64_t sooner(uint64_t wait, struct fp_mono due, struct fp_mono now)
{
    uint64_t mine = due.us > now.us ? due.us - now.us : 0;
    return mine < wait ? mine : wait;
}

uint64_t site_wait_us(const struct hub *h, struct fp_mono now)
{
    const struct site *s = h->site;
    uint64_t wait = UINT64_MAX;
    struct fp_mono due;
    if (!s) {
        return wait;
    }
    if (s->attached && !s->open) {
        wait = sooner(wait, s->hello_due, now);
    }
    if (s->open) {
        wait = sooner(wait, (struct fp_mono){.us = s->heard.us + TRUNK_SILENT_US + 1}, now);
        wait = sooner(wait, s->live_due, now);
        wait = link_due(&s->link, &due) ? sooner(wait, due, now) : wait;
        if (site_has_work(h)) {
            uint64_t turn = h->bus.has_room(h->bus.ctx) ? 0 : TURN_US;
            wait = turn < wait ? turn : wait;
        }
    }
    if (s->drop_due.us != UINT64_MAX) {
        wait = sooner(wait, s->drop_due, now);
    }
    wait = site_disk_keep_days(h) > 0 ? sooner(wait, s->prune_due, now) : wait;
    return h->config.ops ? sooner(wait, s->ops_due, now) : wait;
}
