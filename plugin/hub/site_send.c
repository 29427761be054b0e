/* The log on its way to the hub, and its end. */
#include "plugin/hub/site.h"

#define BATCHES_A_TURN 16
#define FRAME_BYTES 96
#define RECORD_MORE_BYTES 16 /* the time of custody */
#define AGE_MAX_MS (400ULL * 86400000U)
#define DROPS_A_TURN 512
#define DROP_EVERY_US 1000000U
#define LOOK_EVERY_US 5000000U
#define QUIET_US 5000000U

/* ------------------------------------------------------------------ batches */

struct filling {
    struct hub *h;
    struct fp_enc e;
    uint64_t from, last;
    size_t room; /* in bytes; the first record goes whatever it takes */
    enum fp_err err;
};

/* How long it has been here. A clock that was set must not make an event of ten years ago out of it. */
static uint64_t custody_ms(struct hub *h, const struct store_record *r)
{
    if (r->boot == h->info.boot) {
        uint64_t now = h->mono.us / 1000;
        return now > r->mono_ms ? now - r->mono_ms : 0;
    }
    uint64_t passed = h->wall.ms > r->at.ms ? h->wall.ms - r->at.ms : 0;
    if (passed > AGE_MAX_MS) {
        h->site->counters.bad_clock++;
        return 0;
    }
    return passed;
}

static bool fill_one(void *arg, const struct store_record *r)
{
    struct filling *f = arg;
    struct fp_record_up up;
    size_t cap = r->record.len + RECORD_MORE_BYTES;
    if (r->number != f->last + 1 || (f->last >= f->from && f->e.len + cap > f->room)) {
        return false;
    }
    if (f->e.len + cap > f->e.cap) {
        f->err = f->last >= f->from ? FP_OK : FP_ECORRUPT; /* no command is as long as that */
        return false;
    }
    if (fp_record_up_decode(r->record, &up)) {
        fp_enc_null(&f->e); /* the disk has lost it: the hub passes it over, and the numbers go on */
    } else {
        up.custody_ms = custody_ms(f->h, r);
        (void)fp_enc_record_up(&f->e, &up);
    }
    f->last = r->number;
    return !f->e.failed;
}

static enum fp_err send_batch(struct hub *h, unsigned lane, uint64_t from, size_t bytes, bool *out_sent)
{
    struct site *s = h->site;
    struct filling f = {.h = h, .from = from, .last = from - 1};
    struct fp_bytes frame;
    uint8_t *buf = arena_alloc(&h->arena, TRUNK_RECORDS_BYTES);
    f.room = bytes < s->frame_bytes - FRAME_BYTES ? bytes : s->frame_bytes - FRAME_BYTES;
    *out_sent = false;
    fp_enc_init(&f.e, buf, buf ? TRUNK_RECORDS_BYTES : 0);
    enum fp_err err = buf ? h->store.each_record(h->store.ctx, (uint8_t)lane, from, SIZE_MAX, fill_one, &f) : FP_ENOMEM;
    err = f.err ? f.err : err;
    if (err || f.last < from) {
        return err;
    }
    err = trunk_pack(h, s->now.log_epoch, lane, from, f.last - from + 1, fp_enc_bytes_of(&f.e), &frame);
    if (err) {
        return err;
    }
    trunk_tell_now(h, FP_TOPIC_RELAY_UP, &h->config.relay, frame);
    link_sent(&s->link, lane, f.last, frame.len, h->mono);
    uint64_t known = s->high[lane] >= from ? (s->high[lane] < f.last ? s->high[lane] : f.last) - from + 1 : 0;
    s->counters.resent += known;
    s->counters.sent += f.last - from + 1 - known;
    s->counters.sent_bytes += frame.len;
    s->high[lane] = f.last > s->high[lane] ? f.last : s->high[lane];
    *out_sent = true;
    return FP_OK;
}

enum fp_err site_send(struct hub *h)
{
    struct site *s = h->site;
    enum fp_err err = FP_OK;
    bool sent = true;
    for (unsigned lane = 0; lane < FP_LANES; lane++) {
        link_next(&s->link, lane, s->was.next[lane]); /* K1: what is on disk */
    }
    for (unsigned i = 0; !err && sent && i < BATCHES_A_TURN && h->bus.has_room(h->bus.ctx); i++) {
        unsigned lane = 0;
        uint64_t from = 0;
        size_t bytes = 0;
        if (!link_pick(&s->link, &lane, &from, &bytes)) {
            break;
        }
        err = send_batch(h, lane, from, bytes, &sent);
    }
    if (!err && !sent) { /* what the link wants is not in the log */
        site_begin_again(h, true);
    }
    return err;
}

bool site_has_work(const struct hub *h)
{
    unsigned lane = 0;
    uint64_t from = 0;
    size_t bytes = 0;
    return link_pick(&h->site->link, &lane, &from, &bytes);
}

/* ------------------------------------------------------------------ the end of the log */

/* The hub has the record, and has said nothing of it while it had nothing else to say either. */
static bool ask_now(struct hub *h, unsigned lane, uint64_t number)
{
    struct site *s = h->site;
    struct site_block *block = &s->blocks[lane];
    if (block->number == 0 || number > block->acked) {
        if (block->number != number) {
            *block = (struct site_block){.number = number, .acked = s->link.lanes[lane].acked, .since = h->mono};
        }
        return false;
    }
    bool waited = h->mono.us - block->since.us >= SITE_ASK_AGAIN_US;
    return s->open && waited && h->mono.us - s->applied_at.us >= QUIET_US;
}

/* *out_upto: all up to here may go. */
static enum fp_err walk_lane(struct hub *h, uint8_t lane, uint64_t *out_upto)
{
    struct site *s = h->site;
    uint64_t acked = s->link.lanes[lane].acked;
    enum fp_err err = FP_OK;
    bool open = false;
    *out_upto = s->oldest[lane] - 1;
    for (unsigned i = 0; !err && !open && i < DROPS_A_TURN && *out_upto < acked; i++) {
        struct store_branch b;
        bool found = false;
        err = h->store.find_branch(h->store.ctx, lane, *out_upto + 1, &b, &found);
        open = !err && found && !b.settled;
        if (open && ask_now(h, lane, b.number)) {
            err = site_again(h, &b);
            open = false;
        }
        *out_upto += !err && !open;
    }
    return err;
}

static enum fp_err drop_lane(struct hub *h, uint8_t lane, bool *out_more)
{
    uint64_t upto = 0;
    bool more = false;
    enum fp_err err = walk_lane(h, lane, &upto);
    if (err || upto < h->site->oldest[lane]) {
        return err;
    }
    err = stage_begin(h);
    if (!err) {
        err = h->store.drop_records(h->store.ctx, lane, upto, DROPS_A_TURN, &more);
    }
    if (!err) {
        h->site->oldest[lane] = upto + 1;
        *out_more = true;
    }
    return err;
}

enum fp_err site_drop(struct hub *h)
{
    struct site *s = h->site;
    bool more = false;
    bool rest = false;
    if (s->drop_due.us > h->mono.us) {
        return FP_OK;
    }
    enum fp_err err = FP_OK;
    for (uint8_t lane = 0; !err && lane < FP_LANES; lane++) {
        err = drop_lane(h, lane, &more);
        rest = rest || s->oldest[lane] <= s->link.lanes[lane].acked;
    }
    if (!err) {
        err = batch_commit(h);
    }
    if (err) { /* what was dropped in vain is looked at again after a start; the log is a little longer until then */
        batch_undo(h);
    }
    s->drop_due.us = more ? h->mono.us + DROP_EVERY_US : rest ? h->mono.us + LOOK_EVERY_US : UINT64_MAX;
    return err == FP_EFULL ? FP_OK : err;
}
