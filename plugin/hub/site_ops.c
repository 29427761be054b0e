/* What an operator's eye needs, once a second; and housekeeping. */
#include "plugin/hub/site.h"

#define OPS_EVERY_US 1000000U
#define OPS_BYTES 1024
#define DAY_MS 86400000ULL
#define PRUNE_AT_ONCE 1000
#define PRUNE_EVERY_US 3600000000ULL

static bool first_at(void *arg, const struct store_record *r)
{
    struct fp_wall *at = arg;
    *at = r->at;
    return false;
}

/* Of the oldest that the hub does not have. */
static enum fp_err oldest_age_ms(struct hub *h, uint64_t *out)
{
    enum fp_err err = FP_OK;
    *out = 0;
    for (uint8_t lane = 0; !err && lane < FP_LANES; lane++) {
        struct fp_wall at = h->wall;
        err = h->store.each_record(h->store.ctx, lane, h->site->link.lanes[lane].acked + 1, 1, first_at, &at);
        uint64_t age = h->wall.ms > at.ms ? h->wall.ms - at.ms : 0;
        *out = age > *out ? age : *out;
    }
    return err;
}

static uint64_t lag(const struct site *s, unsigned lane)
{
    return s->was.next[lane] - 1 - s->link.lanes[lane].acked;
}

/* {name => number}: names in the order of their encoding. */
static enum fp_err publish(struct hub *h)
{
    const struct site *s = h->site;
    const struct site_counters *c = &s->counters;
    uint64_t age = 0;
    enum fp_err err = oldest_age_ms(h, &age);
    const struct {
        const char *name;
        uint64_t value;
    } rows[] = {
        {"up", s->open},
        {"rtt", s->link.rtt_us > 0 ? s->link.rtt_us : s->rtt_us},
        {"disk", s->disk},
        {"full", c->full},
        {"sent", c->sent},
        {"acked", c->acked},
        {"epoch", s->now.peer.epoch},
        {"taken", c->taken},
        {"resent", c->resent},
        {"window", s->link.window},
        {"applied", c->applied},
        {"refused", c->refused},
        {"settled", c->settled},
        {"lag_bulk", lag(s, SITE_LANE_BULK)},
        {"sessions", c->sessions},
        {"bad_clock", c->bad_clock},
        {"lag_state", lag(s, SITE_LANE_STATE)},
        {"malformed", c->malformed},
        {"given_back", c->given_back},
        {"lag_urgent", lag(s, SITE_LANE_URGENT)},
        {"sent_bytes", c->sent_bytes},
        {"asked_again", c->asked_again},
        {"lag_messages", lag(s, SITE_LANE_MESSAGES)},
        {"oldest_age_ms", age},
        {"apply_failures", c->apply_failures},
        {"trunk_hub_is_older", s->stopped},
    };
    uint8_t buf[OPS_BYTES];
    struct fp_enc e;
    fp_enc_init(&e, buf, sizeof(buf));
    fp_enc_map(&e, sizeof(rows) / sizeof(rows[0]));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        fp_enc_text(&e, rows[i].name, strlen(rows[i].name));
        fp_enc_uint(&e, rows[i].value);
    }
    struct fp_topic topic = {.kind = FP_TOPIC_OPS, .a = {.len = 5, .text = "trunk"}};
    tells_now(h, &topic, fp_enc_bytes_of(&e), 0, true);
    return err;
}

/* As long as answers are kept, so are the outcomes of what was in custody. */
static enum fp_err prune(struct hub *h)
{
    uint64_t keep_ms = site_disk_keep_days(h) * DAY_MS;
    size_t removed = 0;
    h->site->prune_due.us = h->mono.us + PRUNE_EVERY_US;
    if (keep_ms == 0 || h->wall.ms < keep_ms) {
        return FP_OK;
    }
    enum fp_err err = h->store.prune_branches(h->store.ctx, (struct fp_wall){.ms = h->wall.ms - keep_ms}, PRUNE_AT_ONCE, &removed);
    if (removed == PRUNE_AT_ONCE) {
        h->site->prune_due = h->mono;
    }
    return err == FP_EFULL ? FP_OK : err;
}

enum fp_err site_ops(struct hub *h)
{
    struct site *s = h->site;
    site_disk(h);
    enum fp_err err = s->prune_due.us <= h->mono.us ? prune(h) : FP_OK;
    if (!err && h->config.ops && s->ops_due.us <= h->mono.us) {
        s->ops_due.us = h->mono.us + OPS_EVERY_US;
        err = publish(h);
    }
    return err;
}
