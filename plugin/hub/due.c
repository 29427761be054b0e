#include <stdlib.h>

#include "plugin/hub/trunk.h"

#define HEAD_EVERY_US 1000000U /* a conversation's head goes out at once after quiet, then at most once a second */
#define HEADS_A_TURN 256       /* so that many due heads do not hold up the next batch */
#define REPUBLISH_A_TURN 32
#define PRUNE_EVERY_US 60000000U /* the store walks over a few hundred devices a call */
#define PRUNE_AT_ONCE 1000
#define DAY_MS 86400000ULL
#define OPS_EVERY_US 1000000U

/* ------------------------------------------------------------------ heads */

static void add_head(struct head_queue *q, struct head_due *due)
{
    due->next = NULL;
    if (q->last) {
        q->last->next = due;
    } else {
        q->first = due;
    }
    q->last = due;
}

enum fp_err due_head(struct hub *h, struct hub_conv *c)
{
    if (c->head_queued) {
        return FP_OK;
    }
    struct head_due *due = malloc(sizeof(*due));
    if (!due) {
        return FP_ENOMEM;
    }
    bool quiet = c->head_told.us == 0 || c->head_told.us + HEAD_EVERY_US <= h->mono.us;
    *due = (struct head_due){.conv = c->c.id, .due = {.us = h->mono.us + (quiet ? 0 : HEAD_EVERY_US)}};
    struct head_queue *q = quiet ? &h->heads_now : &h->heads_later;
    add_head(q, due);
    c->head_queued = true;
    return FP_OK;
}

/* Each queue is in the order of its times, for all in it have waited for the same while. */
static struct head_due *next_head(struct hub *h)
{
    struct head_queue *q = h->heads_now.first ? &h->heads_now : &h->heads_later;
    struct head_due *due = q->first;
    if (!due || due->due.us > h->mono.us) {
        return NULL;
    }
    q->first = due->next;
    q->last = q->first ? q->last : NULL;
    return due;
}

static void publish_head(struct hub *h, struct hub_conv *c)
{
    uint8_t buf[128];
    struct fp_enc e;
    fp_enc_init(&e, buf, sizeof(buf));
    struct fp_head head = {.epoch = site_epoch(h), .seq = c->c.head, .floor = c->c.floor, .at = c->c.at};
    head.chain = fp_bytes_of(c->c.chain, sizeof(c->c.chain));
    fp_enc_head(&e, &head);
    struct fp_topic topic = topic_of_conv(FP_TOPIC_CONV_HEAD, &c->c);
    tells_now(h, &topic, fp_enc_bytes_of(&e), 1, true);
}

struct touch_ctx {
    struct hub *h;
    const struct hub_conv *conv;
    struct hub_user *touched;
    bool no_memory;
};

static bool touch_member(void *arg, const struct store_member *m)
{
    struct touch_ctx *t = arg;
    struct hub_user *u = NULL;

    HASH_FIND(hh, t->h->users, m->user.text, m->user.len, u);
    if (!u) {
        return true;
    }
    if (u->head_count == u->head_cap) {
        size_t cap = u->head_cap * 2 + 8;
        struct fp_inbox_head *heads = realloc(u->heads, cap * sizeof(*heads));
        if (!heads) {
            t->no_memory = true;
            return false;
        }
        u->heads = heads;
        u->head_cap = cap;
    }
    const struct store_conv *c = &t->conv->c;
    uint64_t unread = c->msgs > m->read_msgs ? c->msgs - m->read_msgs : 0;
    u->heads[u->head_count++] = (struct fp_inbox_head){.conv = c->id, .scope = c->scope, .head = c->head, .unread = unread};
    if (!u->touched) {
        u->touched = true;
        u->next_touched = t->touched;
        t->touched = u;
    }
    return true;
}

static enum fp_err tell_heads(struct hub *h, struct hub_user *u)
{
    size_t cap = u->head_count * 112 + 16;
    uint8_t *buf = arena_alloc(&h->arena, cap);
    struct fp_enc e;
    fp_enc_init(&e, buf, buf ? cap : 0);
    fp_enc_inbox_heads(&e, u->head_count);
    for (size_t i = 0; i < u->head_count; i++) {
        fp_enc_inbox_head(&e, &u->heads[i]);
    }
    u->head_count = 0;
    u->touched = false;
    if (e.failed) {
        return FP_ENOMEM;
    }
    struct fp_topic topic = {.kind = FP_TOPIC_USER_INBOX, .a = u->user};
    tells_now(h, &topic, fp_enc_bytes_of(&e), 1, false);
    return FP_OK;
}

static enum fp_err one_head(struct hub *h, const struct fp_id *id, struct touch_ctx *t)
{
    struct hub_conv *c = NULL;
    enum fp_err err = cache_conv(h, id, &c);
    if (err || !c) {
        return err;
    }
    publish_head(h, c);
    c->head_told = h->mono;
    c->head_queued = false;
    t->conv = c;
    return h->users ? h->store.each_member(h->store.ctx, c->c.cid, touch_member, t) : FP_OK;
}

/* All that is due goes into one message a user. */
static enum fp_err run_heads(struct hub *h)
{
    struct touch_ctx t = {.h = h};
    enum fp_err err = FP_OK;

    for (size_t i = 0; !err && i < HEADS_A_TURN; i++) {
        struct head_due *due = next_head(h);
        if (!due) {
            break;
        }
        err = one_head(h, &due->conv, &t);
        if (err) { /* nothing else would tell it, were the conversation quiet from now on */
            due->due.us = h->mono.us + HEAD_EVERY_US;
            add_head(&h->heads_later, due);
        } else {
            free(due);
        }
    }
    for (struct hub_user *u = t.touched; u; u = u->next_touched) {
        enum fp_err told = tell_heads(h, u);
        err = err ? err : told;
    }
    return err ? err : t.no_memory ? FP_ENOMEM : FP_OK;
}

/* ------------------------------------------------------------------ after a start the broker has no retained messages, or old ones */

struct cids {
    struct fp_id ids[REPUBLISH_A_TURN];
    uint64_t last;
    size_t count;
};

static bool note_conv(void *arg, const struct store_conv *c)
{
    struct cids *k = arg;
    k->ids[k->count++] = c->id;
    k->last = c->cid;
    return k->count < REPUBLISH_A_TURN;
}

static enum fp_err republish(struct hub *h)
{
    struct cids k = {0};
    enum fp_err err = h->store.each_conv(h->store.ctx, h->republish_after, REPUBLISH_A_TURN, note_conv, &k);
    for (size_t i = 0; !err && i < k.count; i++) {
        struct hub_conv *c = NULL;
        struct fp_bytes about;
        err = cache_conv(h, &k.ids[i], &c);
        if (!err && c) {
            err = conv_about(h, c, &about);
        }
        if (!err && c) {
            struct fp_topic topic = topic_of_conv(FP_TOPIC_CONV_ABOUT, &c->c);
            tells_now(h, &topic, about, 1, true);
            publish_head(h, c);
            err = receipts_republish(h, c);
        }
    }
    if (!err) {
        h->republish_after = k.count < REPUBLISH_A_TURN ? UINT64_MAX : k.last;
    }
    return err;
}

/* ------------------------------------------------------------------ housekeeping */

static enum fp_err prune(struct hub *h)
{
    uint64_t keep_ms = site_disk_keep_days(h) * DAY_MS;
    size_t removed = 0;

    if (keep_ms == 0 || h->wall.ms < keep_ms) {
        h->prune_due.us = UINT64_MAX;
        return FP_OK;
    }
    enum fp_err err = h->store.prune_answers(h->store.ctx, (struct fp_wall){.ms = h->wall.ms - keep_ms}, PRUNE_AT_ONCE, &removed);
    h->prune_due.us = h->mono.us + (removed == PRUNE_AT_ONCE ? 0 : PRUNE_EVERY_US);
    return err == FP_EFULL ? FP_OK : err; /* a full disk is no reason to stop: it is tried again */
}

/* {name => counter}: what an operator's eye needs; names in the order of their encoding. */
static void publish_ops(struct hub *h)
{
    const struct hub_stats *s = &h->stats;
    const struct {
        const char *name;
        uint64_t value;
    } rows[] = {
        {"acks", s->acks},
        {"full", s->full},
        {"jobs", h->job_count},
        {"shed", s->shed},
        {"epoch", h->info.epoch},
        {"nacks", s->nacks},
        {"pages", s->pages},
        {"tells", s->tells},
        {"users", HASH_COUNT(h->users)},
        {"events", s->events},
        {"batches", s->batches},
        {"commits", s->commits},
        {"repeats", s->repeats},
        {"replays", s->replays},
        {"commands", s->commands},
        {"sessions", s->sessions},
        {"page_bytes", s->page_bytes},
        {"clock_jumps", s->clock_jumps},
        {"quarantined", h->info.quarantined},
        {"commit_failures", s->commit_failures},
    };
    uint8_t buf[768];
    struct fp_enc e;
    fp_enc_init(&e, buf, sizeof(buf));
    fp_enc_map(&e, sizeof(rows) / sizeof(rows[0]));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        fp_enc_text(&e, rows[i].name, strlen(rows[i].name));
        fp_enc_uint(&e, rows[i].value);
    }
    struct fp_topic topic = {.kind = FP_TOPIC_OPS, .a = {.len = 3, .text = "hub"}};
    tells_now(h, &topic, fp_enc_bytes_of(&e), 0, true);
    h->ops_due.us = h->mono.us + OPS_EVERY_US;
}

static const struct {
    enum fp_err (*run)(struct hub *h);
    uint64_t (*wait_us)(const struct hub *h, struct fp_mono now);
} parts[] = {
    {archive_run, archive_wait_us},   {redact_due, redact_wait_us}, {timers_run, timers_wait_us},
    {receipts_run, receipts_wait_us}, {people_run, people_wait_us}, {typing_run, typing_wait_us},
    {nudge_run, nudge_wait_us},       {relays_run, relays_wait_us}, {site_run, site_wait_us},
};
#define PARTS (sizeof(parts) / sizeof(parts[0]))

enum fp_err due_run(struct hub *h)
{
    enum fp_err err = FP_OK;
    for (size_t i = 0; !err && i < PARTS; i++) {
        err = parts[i].run(h);
        if (err == FP_EAGAIN) { /* what it needs lies in the archive and is away: the others do not wait for that */
            batch_undo(h);
            err = FP_OK;
        }
    }
    if (!err) {
        err = run_heads(h);
    }
    if (!err && h->republish_after != UINT64_MAX && h->bus.has_room(h->bus.ctx)) {
        err = republish(h);
    }
    if (!err && h->prune_due.us <= h->mono.us) {
        err = prune(h);
    }
    if (h->config.ops && h->ops_due.us <= h->mono.us) {
        publish_ops(h);
        ops_publish(h);
    }
    arena_reset(&h->arena);
    return err;
}

static uint64_t until(uint64_t due_us, struct fp_mono now)
{
    return due_us > now.us ? due_us - now.us : 0;
}

uint64_t due_wait_us(const struct hub *h, struct fp_mono now)
{
    uint64_t wait = h->prune_due.us == UINT64_MAX ? UINT64_MAX : until(h->prune_due.us, now);
    if (h->heads_now.first) {
        wait = 0;
    } else if (h->heads_later.first && until(h->heads_later.first->due.us, now) < wait) {
        wait = until(h->heads_later.first->due.us, now);
    }
    if (h->config.ops && until(h->ops_due.us, now) < wait) {
        wait = until(h->ops_due.us, now);
    }
    for (size_t i = 0; i < PARTS; i++) {
        uint64_t part = parts[i].wait_us(h, now);
        wait = part < wait ? part : wait;
    }
    return wait;
}

static void free_queue(struct head_queue *q)
{
    while (q->first) {
        struct head_due *next = q->first->next;
        free(q->first);
        q->first = next;
    }
}

void due_fini(struct hub *h)
{
    free_queue(&h->heads_now);
    free_queue(&h->heads_later);
}
