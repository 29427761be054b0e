/* The hub waits for another n of a device than the one that it got. */
#include "plugin/hub/site.h"

#define GIVE_UP_US 40000000U /* named again after so long, with nothing on its way that could fill it: the device may yet bring it itself */
#define AGAIN_EVERY_US 2000000U
#define GIVE_BACK_MAX 4096

static struct site_gap *gap_of(struct hub *h, const struct fp_id *device, uint64_t next_n)
{
    struct site_gap *g = &h->site->gaps[fp_hash(FP_HASH_START, device->text, device->len) % SITE_GAPS];
    if (!fp_id_eq(&g->device, device)) {
        *g = (struct site_gap){.device = *device};
    }
    if (g->next != next_n) {
        g->next = next_n;
        g->since = h->mono;
    }
    return g;
}

/* Each time is a copy of all that waits, so not for each of them; what is left K2 asks for. */
static enum fp_err again(struct hub *h, struct site_gap *g, const struct store_branch *b)
{
    if (g->again_due.us > h->mono.us) {
        return FP_OK;
    }
    g->again_due.us = h->mono.us + AGAIN_EVERY_US;
    return site_again_now(h, b);
}

static bool is_coming(const struct site *s, const struct store_branch *b)
{
    return b->settled ? b->seq > 0 : b->number > s->link.lanes[b->lane].acked;
}

static enum fp_err give_one_back(struct hub *h, struct store_branch *b, uint64_t next_n)
{
    static const char why[] = "the hub lacks an earlier command of this device; key 7 says which: send again from there";
    if (!b->settled) {
        enum fp_err err = site_keep(h, b);
        struct fp_nack nack = {.n = b->n, .code = FP_EGAP, .reason = fp_bytes_of(why, strlen(why)), .retry = true, .next_n = next_n};
        return err ? err : site_settle_refused(h, b, &nack);
    }
    b->code = FP_EGAP; /* the device may give this number to another command */
    b->event = (struct fp_bytes){0};
    enum fp_err err = stage_begin(h);
    return err ? err : h->store.save_branch(h->store.ctx, b);
}

static enum fp_err give_back(struct hub *h, const struct hub_device *dev, uint64_t next_n)
{
    enum fp_err err = FP_OK;
    tells_log_about(h, TELL_WARNING, "device ", &dev->d.id,
                    ": the hub lacks a command that is not here either; it is asked to send again from there");
    for (uint64_t n = next_n; !err && n < dev->d.next_n && n - next_n < GIVE_BACK_MAX; n++) {
        struct store_branch b;
        bool found = false;
        err = h->store.load_branch(h->store.ctx, &dev->d.id, n, &b, &found);
        if (!err && found && (!b.settled || b.seq == 0)) {
            h->site->counters.given_back++;
            err = give_one_back(h, &b, next_n);
        }
    }
    return err;
}

enum fp_err site_gap(struct hub *h, const struct store_branch *b, uint64_t next_n)
{
    struct hub_device *dev = NULL;
    struct store_branch next;
    bool found = false;
    enum fp_err err = cache_device(h, &b->device, &dev);
    if (!err && dev) {
        err = h->store.load_branch(h->store.ctx, &b->device, next_n, &next, &found);
    }
    if (err || !dev) {
        return err;
    }
    struct site_gap *g = gap_of(h, &b->device, next_n);
    if (next_n > b->n) {
        return again(h, g, b);
    }
    bool waits = h->mono.us - g->since.us < GIVE_UP_US || dev->turned_away == next_n;
    if (waits || (found && is_coming(h->site, &next))) { /* from where the hub waits: a chain that begins behind that ends in the next gap */
        return found ? again(h, g, &next) : FP_OK;
    }
    return give_back(h, dev, next_n);
}
