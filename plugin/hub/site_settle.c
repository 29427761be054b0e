/* What has become of what was taken: the hub has ordered it (R5), or refused it. */
#include "plugin/hub/site.h"

#define AGAIN_PER_S 2
#define AGAIN_BURST_S 500
#define CHAIN_MAX 64

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
    b->code = b->code == FP_EGAP ? b->code : 0; /* its number was given a second time */
    b->at = ev->at;
    b->event = (struct fp_bytes){0};
    enum fp_err err = stage_begin(h);
    if (!err) {
        err = h->store.save_branch(h->store.ctx, b);
    }
    h->site->counters.settled++;
    return err || !waits ? err : answer_again(h, dev, &a);
}

/* It went to the hub by another way, and its event does not come down here. */
enum fp_err site_known(struct hub *h, const struct fp_trunk_known *k)
{
    struct hub_device *dev = NULL;
    struct store_branch b;
    bool found = false;
    enum fp_err err = h->store.find_branch(h->store.ctx, (uint8_t)k->lane, k->number, &b, &found);
    if (err || !found || b.seq > 0) {
        return err;
    }
    err = cache_device(h, &b.device, &dev);
    struct fp_event ev = {.n = b.n, .conv = k->conv, .seq = k->seq, .at = k->at};
    return err || !dev ? err : settle(h, dev, &b, &ev);
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

enum fp_err site_settle_refused(struct hub *h, struct store_branch *b, const struct fp_nack *nack)
{
    struct fp_bytes event = b->event;
    b->settled = true;
    b->seq = 0;
    b->code = (uint64_t)(nack->retry ? FP_EGAP : nack->code); /* the device may give this number to another command */
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
    return err ? err : answer_nack(h, &b->device, nack);
}

/* ------------------------------------------------------------------ again */

static enum fp_err log_refused(struct hub *h, const struct hub_device *dev, const struct store_branch *b, uint8_t lane)
{
    struct source_item item = {.user = dev->d.user, .device = b->device};
    struct fp_command cmd = {.kind = FP_K_MSG, .n = b->n, .priority = FP_PRIORITY_NORMAL};
    struct command_ctx x = {.item = &item, .cmd = &cmd};
    return site_log_refused(h, &x, (enum fp_err)b->code, lane);
}

/* What the hub may lack: it has not ordered it, as far as is known here. */
static enum fp_err load_lacking(struct hub *h, const struct fp_id *device, uint64_t n, struct store_branch *out, bool *out_lacks)
{
    bool found = false;
    enum fp_err err = h->store.load_branch(h->store.ctx, device, n, out, &found);
    *out_lacks = !err && found && (!out->settled || (out->seq == 0 && out->code != FP_EGAP)); /* that one is the device's again */
    return err;
}

static enum fp_err log_one_again(struct hub *h, const struct hub_device *dev, uint64_t n, uint8_t lane)
{
    struct store_branch b;
    bool lacks = false;
    bool gone = false;
    enum fp_err err = load_lacking(h, &dev->d.id, n, &b, &lacks);
    if (err || !lacks) {
        return err;
    }
    err = site_keep(h, &b);
    h->site->counters.asked_again++;
    if (err || b.settled) {
        return err ? err : log_refused(h, dev, &b, lane);
    }
    return site_log_again(h, &b, lane, &gone);
}

/*
 * All of the device's that the hub may lack, from the oldest before this one on, once more in their order. Whatever is still said of the numbers that
 * they had finds nothing then.
 */
enum fp_err site_again(struct hub *h, const struct store_branch *b)
{
    struct hub_device *dev = NULL;
    struct store_branch before;
    uint64_t first = b->n;
    bool lacks = true;
    enum fp_err err = cache_device(h, &b->device, &dev);
    if (err || !dev) {
        return err;
    }
    while (!err && lacks && first > 1 && b->n - first < CHAIN_MAX / 2) {
        err = load_lacking(h, &dev->d.id, first - 1, &before, &lacks);
        first -= !err && lacks;
    }
    for (uint64_t n = first; !err && n - first < CHAIN_MAX && n < dev->d.next_n; n++) {
        err = log_one_again(h, dev, n, b->lane);
    }
    return err;
}

enum fp_err site_again_now(struct hub *h, const struct store_branch *b)
{
    uint64_t wait_ms = 0;
    bool may = h->replaying || throttle_take(&h->site->again, AGAIN_PER_S, AGAIN_BURST_S, h->mono, &wait_ms);
    return may ? site_again(h, b) : FP_OK; /* K2 asks for it later */
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
    if (code == FP_EGAP && t->as.refuse.next_n > 0 && !b.settled) {
        return site_gap(h, &b, t->as.refuse.next_n);
    }
    if (later) { /* the hub could not take it yet, or had not got what comes before it */
        return site_again_now(h, &b);
    }
    bool stays = t->as.refuse.next_n > 0; /* with the device: the hub does not take it from us, but may from somebody else */
    if (stays && b.settled) {
        return FP_OK;
    }
    struct fp_bytes why = t->as.refuse.reason;
    why = why.len > 0 ? why : fp_bytes_of(fp_err_name(code), strlen(fp_err_name(code))); /* told once more, after a hello */
    err = site_keep(h, &b);
    return err ? err : site_settle_refused(h, &b, &(struct fp_nack){.n = b.n, .code = code, .reason = why, .retry = stays});
}
