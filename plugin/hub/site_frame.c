/* What the hub says. */
#include "plugin/hub/site.h"

#define SMALL_FRAME_BYTES 64
#define DROP_SOON_US 1000000U
#define KEEPS                                                                                                                                        \
    " This site keeps what it has and sends nothing: restore a newer backup of the hub, or give the site a new database (what waits is lost then)"
#define HUB_IS_OLDER ": stopped: the hub is older than what it has acknowledged (restored from a backup?)." KEEPS
#define ANOTHER_HUB ": stopped: this is not the hub that the site has met, or it has another database." KEEPS

static enum fp_err tell_ack(struct hub *h, uint64_t lane)
{
    uint8_t buf[SMALL_FRAME_BYTES];
    struct fp_enc e;
    const struct store_peer *p = &h->site->now.peer;
    fp_enc_init(&e, buf, sizeof(buf));
    fp_enc_trunk_ack(&e, p->epoch, lane, p->have[lane], TRUNK_CREDIT);
    return site_tell_up(h, &e);
}

static enum fp_err tell_nack(struct hub *h, uint64_t lane)
{
    uint8_t buf[SMALL_FRAME_BYTES];
    struct fp_enc e;
    fp_enc_init(&e, buf, sizeof(buf));
    fp_enc_trunk_nack(&e, lane, h->site->now.peer.have[lane] + 1);
    return site_tell_up(h, &e);
}

/* ------------------------------------------------------------------ batches */

/* FP_EGAP: an event is missing in front of it. A record that is no use is counted and passed over: the link must go on. */
static enum fp_err take_record(struct hub *h, struct fp_bytes one)
{
    struct fp_record_down r;
    enum fp_err err = fp_record_down_decode(one, &r);
    if (!err && r.what == 0) {
        err = apply_event(h, one);
    } else if (!err && r.what == FP_TOLD_RECEIPTS_WHAT) {
        err = apply_receipts(h, &r);
    } else if (!err && r.what == FP_TOLD_CONV_WHAT) {
        err = apply_conv_state(h, &r.conv);
    } else if (!err && r.what == FP_TOLD_PERSON_WHAT) {
        err = apply_person(h, &r.person);
    }
    if (err == FP_ECONFLICT) { /* known already */
        return FP_OK;
    }
    if (fp_err_is_peer(err) && err != FP_EGAP && err != FP_EFULL && err != FP_EBUSY) {
        h->site->counters.malformed++;
        return FP_OK;
    }
    return err;
}

static enum fp_err take_batch(struct hub *h, const struct fp_trunk_batch *b, uint64_t skip)
{
    struct fp_bytes records;
    struct fp_bytes one;
    uint64_t count = 0;
    bool hole = false;

    enum fp_err err = trunk_unpack(h, b, &records);
    if (err == FP_EMALFORMED || err == FP_ETOOLARGE) {
        h->site->counters.malformed++;
        return FP_OK;
    }
    for (; !err && !hole && count < b->count && fp_run_next(&records, &one); count++) {
        err = count < skip ? FP_OK : take_record(h, one);
        hole = err == FP_EGAP;
        err = hole ? FP_OK : err;
        count -= hole;
    }
    if (err) {
        return err;
    }
    uint64_t *have = &h->site->now.peer.have[b->lane];
    if (count > skip) {
        *have += count - skip;
        h->site->applied_at = h->mono;
        err = site_save_peer(h);
    }
    if (hole) { /* in the order of its numbers the hub would only say the same again */
        site_begin_again(h, true);
        return err;
    }
    h->site->counters.malformed += count != b->count;
    return err ? err : tell_ack(h, b->lane);
}

enum fp_err site_down(struct hub *h, const struct fp_trunk_batch *b)
{
    const struct site_state *now = &h->site->now;
    uint64_t skip = 0;
    if (!h->site->open || b->epoch != now->peer.epoch || b->lane >= FP_LANES) {
        return FP_OK;
    }
    if (b->first + b->count - 1 <= h->site->base[b->lane]) { /* of an older session: late, or the hub has taken an older hello for the latest */
        if (h->mono.us - h->site->opened_at.us > SITE_HELLO_US) {
            site_begin_again(h, false);
        }
        return FP_OK;
    }
    switch (link_judge(now->peer.have[b->lane], b->first, b->count, &skip)) {
    case LINK_TAKE:
        return take_batch(h, b, skip);
    case LINK_KNOWN:
        return tell_ack(h, b->lane);
    case LINK_HOLE:
        return tell_nack(h, b->lane);
    }
    return FP_OK;
}

/* ------------------------------------------------------------------ the session */

/* Nothing is mixed into another log. */
static void stop(struct hub *h, const char *why)
{
    if (!h->site->stopped) {
        site_line(h, TELL_ERROR, why);
    }
    h->site->stopped = true;
    h->site->why = ": down (it is stopped)";
    site_begin_again(h, true);
    h->site->hello_wait.us = SITE_HELLO_MAX_US;
    h->site->hello_due.us = h->mono.us + SITE_HELLO_MAX_US;
}

/* Our log is not what the hub remembers of it: it was restored. Under a new name all that is kept counts as new. */
static enum fp_err begin_log(struct hub *h)
{
    struct site *s = h->site;
    uint64_t seed[] = {s->now.log_epoch, h->info.epoch, h->info.boot, h->wall.ms, h->mono.us};
    site_line(h, TELL_WARNING,
              ": this site's database is older than what the hub has of it (restored from a backup?): it begins a new log, and asks for all that it "
              "lacks");
    s->why = ": down (this site begins a new log)";
    s->now.log_epoch = (fp_hash(FP_HASH_START, seed, sizeof(seed)) >> 1U) | 1U;
    memset(s->hub_had, 0, sizeof(s->hub_had));
    site_begin_again(h, true);
    s->hello_due = h->mono;
    return site_save_peer(h);
}

static bool hub_lacks(const struct site *s, const struct fp_trunk_welcome *w)
{
    for (unsigned lane = 0; lane < FP_LANES; lane++) {
        if (w->have[lane] + 1 < s->oldest[lane] || w->have[lane] < s->hub_had[lane]) {
            return true;
        }
    }
    return false;
}

static bool hub_has_more(const struct site *s, const struct fp_trunk_welcome *w)
{
    for (unsigned lane = 0; lane < FP_LANES; lane++) {
        if (w->have[lane] >= s->now.next[lane]) {
            return true;
        }
    }
    return false;
}

static void open_link(struct hub *h, struct fp_trunk_welcome *w)
{
    struct site *s = h->site;
    bool again = s->counters.sessions > 0;
    s->scope_count = 0;
    while (s->scope_count < HUB_RELAY_SCOPES_MAX && fp_trunk_scope(w, &s->scopes[s->scope_count])) {
        s->scope_count++;
    }
    site_line(h, TELL_NOTICE, ": up");
    s->open = true;
    s->stopped = false;
    s->tell_held = false;
    s->hello_wait.us = 0;
    s->rtt_us = h->mono.us - s->hello_at.us;
    s->frame_bytes = w->bytes > 0 && w->bytes < TRUNK_RECORDS_BYTES ? (size_t)w->bytes : TRUNK_RECORDS_BYTES;
    s->counters.sessions++;
    s->hub_start = w->start;
    memcpy(s->hub_had, w->have, sizeof(s->hub_had));
    link_open(&s->link, w->have, w->credit, again, h->mono);
    s->applied_at = h->mono;
    s->opened_at = h->mono;
    s->drop_due = h->mono;
    s->live_due = h->mono;
    s->live_full_due = h->mono;
}

static enum fp_err on_welcome(struct hub *h, struct fp_trunk_welcome *w)
{
    struct site *s = h->site;
    struct store_peer *p = &s->now.peer;
    if (s->open || w->epoch == 0) { /* a late one: its cursors are old */
        return FP_OK;
    }
    if (p->epoch != 0 && p->epoch != w->epoch) {
        stop(h, ANOTHER_HUB);
        return FP_OK;
    }
    if (!s->told_held && (hub_lacks(s, w) || w->start != s->hub_start)) { /* it may have been restored: it is to see what we hold */
        site_begin_again(h, true);
        s->hello_due = h->mono;
        return FP_OK;
    }
    if (hub_lacks(s, w)) {
        stop(h, HUB_IS_OLDER);
        return FP_OK;
    }
    if (hub_has_more(s, w)) {
        return begin_log(h);
    }
    bool news = p->epoch != w->epoch;
    p->epoch = w->epoch;
    open_link(h, w);
    return news ? site_save_peer(h) : FP_OK;
}

static enum fp_err on_reset(struct hub *h, uint64_t reason, uint64_t old_epoch)
{
    if (reason == FP_RESET_HUB_IS_OLDER) {
        stop(h, HUB_IS_OLDER);
    } else if (reason == FP_RESET_RELAY_IS_OLDER && old_epoch == h->site->now.log_epoch) {
        return begin_log(h);
    }
    return FP_OK;
}

void site_live_in(struct hub *h, struct fp_trunk_live *l)
{
    const struct fp_id *via = &h->config.relay;
    struct fp_person p;
    struct fp_trunk_typing t;
    if (l->has_people && l->full) {
        people_remote_all(h, via);
    }
    while (fp_trunk_person(l, &p)) {
        (void)people_remote(h, via, &p); /* without memory: until the next full list */
    }
    if (l->has_people && l->full) {
        people_remote_done(h, via);
    }
    while (fp_trunk_typing(l, &t)) {
        struct fp_id *users = arena_alloc(&h->arena, (t.count + 1) * sizeof(*users));
        size_t count = 0;
        while (users && fp_trunk_typist(&t, &users[count])) {
            count++;
        }
        if (users) {
            typing_remote(h, via, &t.conv, users, count);
        }
    }
}

static enum fp_err take_frame(struct hub *h, struct fp_trunk *t)
{
    struct site *s = h->site;
    switch (t->what) {
    case FP_TRUNK_WELCOME:
        return on_welcome(h, &t->as.welcome);
    case FP_TRUNK_BATCH:
        return site_down(h, &t->as.batch);
    case FP_TRUNK_ACK:
        if (s->open && t->as.ack.epoch == s->now.log_epoch && t->as.ack.lane < FP_LANES) {
            uint64_t before = s->link.lanes[t->as.ack.lane].acked;
            (void)link_ack(&s->link, (unsigned)t->as.ack.lane, t->as.ack.have, t->as.ack.credit, h->mono);
            s->counters.acked += s->link.lanes[t->as.ack.lane].acked - before;
            s->hub_had[t->as.ack.lane] = s->link.lanes[t->as.ack.lane].acked;
            s->drop_due.us = s->drop_due.us > h->mono.us + DROP_SOON_US ? h->mono.us + DROP_SOON_US : s->drop_due.us;
        }
        return FP_OK;
    case FP_TRUNK_NACK:
        if (s->open && t->as.nack.lane < FP_LANES) {
            link_nack(&s->link, (unsigned)t->as.nack.lane, t->as.nack.expected, h->mono);
        }
        return FP_OK;
    case FP_TRUNK_REFUSE:
        return site_refuse(h, t);
    case FP_TRUNK_KNOWN:
        return site_known(h, &t->as.known);
    case FP_TRUNK_RESET:
        return on_reset(h, t->as.reset.reason, t->as.reset.old_epoch);
    case FP_TRUNK_LIVE:
        if (s->open) {
            site_live_in(h, &t->as.live);
        }
        return FP_OK;
    case FP_TRUNK_GAP:
        site_begin_again(h, true);
        return FP_OK;
    default: /* hello is ours */
        return FP_OK;
    }
}

/* An empty payload: the pipe has come, and listens. */
static enum fp_err take_item(struct hub *h, const struct source_item *item)
{
    struct site *s = h->site;
    if (!s->attached || s->conn != item->conn) {
        s->why = ": down (the relay has connected anew)";
        site_begin_again(h, false);
        s->attached = true;
        s->conn = item->conn;
        s->hello_wait.us = 0;
        s->hello_due = h->mono;
    }
    if (item->payload.len == 0) {
        return FP_OK;
    }
    struct fp_trunk t;
    s->heard = h->mono;
    if (fp_trunk_decode(item->payload, &t)) {
        s->counters.malformed++;
        return FP_OK;
    }
    return take_frame(h, &t);
}

/* While a failed batch is replayed a frame is a batch of its own (H2). What is not taken comes again. */
enum fp_err site_frame(struct hub *h, const struct source_item *item)
{
    if (!h->site || !fp_id_eq(&item->user, &h->config.relay)) {
        return FP_OK;
    }
    enum fp_err err = take_item(h, item);
    if (!h->replaying) {
        return err;
    }
    err = err ? err : batch_commit(h);
    if (err) {
        h->failures_in_a_row += err != FP_EFULL;
        batch_undo(h);
    } else {
        h->failures_in_a_row = 0;
    }
    return FP_OK;
}
