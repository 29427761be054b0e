/* What has become of what was taken: the hub has ordered it (R5), or refused it. */
#include "plugin/hub/site.h"

#define AGAIN_PER_S 2
#define AGAIN_BURST_S 500

enum fp_err site_had(struct hub *h, const struct fp_event *ev, bool *out_had)
{
    struct store_branch b;
    return h->store.load_branch(h->store.ctx, &ev->device, ev->n, &b, out_had);
}

/* ------------------------------------------------------------------ ordered */

static enum fp_err settle(struct hub *h, struct hub_device *dev, struct store_branch *b, const struct fp_event *ev)
{
    struct fp_answer a = {.n = ev->n, .conv = ev->conv, .seq = ev->seq, .at = ev->at};
    bool waits = !b->settled || b->seq == 0; /* an event counts more than a refusal that came before it */
    b->settled = true;
    b->seq = ev->seq;
    b->code = 0;
    b->at = ev->at;
    b->event = (struct fp_bytes){0};
    enum fp_err err = stage_begin(h);
    if (!err) {
        err = h->store.save_branch(h->store.ctx, b);
    }
    h->site->counters.settled++;
    return err || !waits ? err : answer_again(h, dev, &a);
}

/* From here on the device may come with it, and is told that it is done. */
static enum fp_err remember(struct hub *h, struct hub_device *dev, const struct fp_event *ev, bool has_branch)
{
    struct fp_answer a = {.n = ev->n, .conv = ev->conv, .seq = ev->seq, .at = ev->at};
    if (ev->n < dev->d.next_n) {
        struct store_branch b = {.device = ev->device, .n = ev->n, .settled = true, .seq = ev->seq, .at = ev->at};
        enum fp_err err = has_branch ? FP_OK : stage_begin(h);
        return err || has_branch ? err : h->store.save_branch(h->store.ctx, &b);
    }
    enum fp_err err = ev->n > dev->d.next_n ? site_skip(h, dev, ev->n) : FP_OK;
    return err ? err : answer_known(h, dev, &a);
}

enum fp_err site_said(struct hub *h, struct command_ctx *x, const struct fp_event *ev)
{
    struct hub_device *dev = NULL;
    struct store_branch b;
    bool found = false;
    if (ev->n == 0 || context_is_hub(&ev->device)) {
        return FP_OK;
    }
    enum fp_err err = command_own_device(h, x->item, &dev);
    if (!err) {
        err = h->store.load_branch(h->store.ctx, &ev->device, ev->n, &b, &found);
    }
    if (err || !fp_id_eq(&dev->d.user, &ev->user)) {
        return err;
    }
    if (found) {
        err = settle(h, dev, &b, ev);
    }
    return err ? err : remember(h, dev, ev, found);
}

/* ------------------------------------------------------------------ refused */

static bool nobody(const void *arg, const struct fp_id *user)
{
    (void)arg;
    (void)user;
    return false;
}

/* Told once more, without its body: whoever shows it takes it away. */
static enum fp_err tell_gone(struct hub *h, struct fp_bytes event)
{
    struct fp_event ev;
    struct hub_conv *c = NULL;
    if (event.len == 0) {
        return FP_OK;
    }
    if (fp_event_decode(event, &ev)) {
        return FP_ECORRUPT;
    }
    enum fp_err err = cache_conv(h, &ev.conv, &c);
    if (err || !c) {
        return err;
    }
    ev.flags |= FP_FLAG_REFUSED;
    ev.body = (struct fp_bytes){0};
    uint8_t *buf = arena_alloc(&h->arena, FP_EVENT_OVERHEAD_MAX);
    struct fp_enc e;
    fp_enc_init(&e, buf, buf ? FP_EVENT_OVERHEAD_MAX : 0);
    if (!fp_event_encode(&e, &ev)) {
        return FP_ENOMEM;
    }
    struct fp_topic topic = topic_of_conv(FP_TOPIC_CONV_EVENT, &c->c);
    err = tells_publish(h, &topic, fp_enc_bytes_of(&e), false);
    if (!err && ev.kind == FP_K_CONV_NEW && c->c.head == 0) {
        err = member_put_others_out(h, c, nobody, NULL);
    }
    return err;
}

static enum fp_err settle_refused(struct hub *h, struct store_branch *b, enum fp_err code, struct fp_bytes reason)
{
    struct fp_bytes event = b->event;
    struct fp_nack nack = {.n = b->n, .code = code, .reason = reason};
    b->settled = true;
    b->seq = 0;
    b->code = (uint64_t)code;
    b->at = h->wall;
    b->event = (struct fp_bytes){0};
    enum fp_err err = stage_begin(h);
    if (!err) {
        err = h->store.save_branch(h->store.ctx, b);
    }
    if (!err) {
        err = tell_gone(h, event);
    }
    h->site->counters.refused++;
    return err ? err : answer_nack(h, &b->device, &nack);
}

/* ------------------------------------------------------------------ again */

/* Why n was refused, here or by the hub, which may not have used it up then; FP_OK: it was not. */
static enum fp_err why_refused(struct hub *h, const struct hub_device *dev, uint64_t n, enum fp_err *out_code)
{
    struct store_branch b;
    struct store_answers a;
    struct dedupe_row row;
    struct fp_reply r;
    bool found = false;
    *out_code = FP_OK;
    enum fp_err err = h->store.load_branch(h->store.ctx, &dev->d.id, n, &b, &found);
    if (err || found) {
        *out_code = !err && b.settled && b.seq == 0 ? (enum fp_err)b.code : FP_OK;
        return err;
    }
    err = h->store.load_answers(h->store.ctx, dev->d.did, n, &a, &found);
    if (err || !found || dedupe_find_row(a.rows, n - a.first, &row) || row.accepted) {
        return err;
    }
    *out_code = fp_reply_decode(row.nack, &r) == FP_OK && r.what == FP_REPLY_NACK ? r.as.nack.code : FP_OK;
    return FP_OK;
}

/* What was refused right before n may be what the hub misses. */
static enum fp_err refused_before(struct hub *h, struct hub_device *dev, uint64_t n, struct fp_nack *out_nacks, size_t cap, size_t *out_count)
{
    enum fp_err err = FP_OK;
    enum fp_err code = FP_OK;
    *out_count = 0;
    for (; !err && n > 1 && *out_count < cap; n--) {
        err = why_refused(h, dev, n - 1, &code);
        if (err || code == FP_OK) {
            break;
        }
        out_nacks[(*out_count)++] = (struct fp_nack){.n = n - 1, .code = code};
    }
    return err;
}

static enum fp_err log_one_refused(struct hub *h, const struct store_branch *b, uint64_t n, enum fp_err code)
{
    struct hub_device *dev = NULL;
    enum fp_err err = cache_device(h, &b->device, &dev);
    if (err || !dev) {
        return err;
    }
    struct source_item item = {.user = dev->d.user, .device = b->device};
    struct fp_command cmd = {.kind = FP_K_MSG, .n = n, .priority = FP_PRIORITY_NORMAL};
    struct command_ctx x = {.item = &item, .cmd = &cmd};
    h->site->counters.asked_again++;
    return site_log_refused(h, &x, code, b->lane);
}

static enum fp_err log_refused_again(struct hub *h, const struct store_branch *b)
{
    struct fp_nack nacks[SITE_OVERTAKE_MAX];
    struct hub_device *dev = NULL;
    size_t count = 0;
    enum fp_err err = cache_device(h, &b->device, &dev);
    if (err || !dev) {
        return err;
    }
    err = answer_save(h, dev);
    dev->rows = (struct piece_list){0};
    if (!err) {
        err = refused_before(h, dev, b->n, nacks, SITE_OVERTAKE_MAX, &count);
    }
    for (size_t i = count; !err && i > 0; i--) {
        err = log_one_refused(h, b, nacks[i - 1].n, nacks[i - 1].code);
    }
    return err;
}

/* The hub could not take it yet, or had not got what comes before it. */
static enum fp_err again(struct hub *h, struct store_branch *b, enum fp_err code)
{
    bool gone = false;
    uint64_t wait_ms = 0;
    if (!h->replaying && !throttle_take(&h->site->again, AGAIN_PER_S, AGAIN_BURST_S, h->mono, &wait_ms)) {
        return FP_OK; /* K2 asks for it later */
    }
    enum fp_err err = code == FP_EGAP ? log_refused_again(h, b) : FP_OK;
    if (!err && b->settled) {
        err = log_one_refused(h, b, b->n, (enum fp_err)b->code);
    } else if (!err) {
        h->site->counters.asked_again++;
        err = site_log_again(h, b, b->lane, &gone);
    }
    return err;
}

enum fp_err site_refuse(struct hub *h, const struct fp_trunk *t)
{
    struct store_branch b;
    bool found = false;
    enum fp_err code = t->as.refuse.code;
    if (t->as.refuse.lane >= FP_LANES) {
        return FP_OK;
    }
    enum fp_err err = h->store.find_branch(h->store.ctx, (uint8_t)t->as.refuse.lane, t->as.refuse.number, &b, &found);
    bool later = code == FP_EGAP || code == FP_EBUSY || code == FP_EFULL || code == FP_ERATE;
    if (err || !found || (b.settled && (b.seq > 0 || !later))) {
        return err; /* a copy of it was faster */
    }
    err = site_keep(h, &b);
    if (err) {
        return err;
    }
    return later ? again(h, &b, code) : settle_refused(h, &b, code, t->as.refuse.reason);
}
