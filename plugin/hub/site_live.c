/* Who is here and who types, for those at the hub; and that the link stands. */
#include "plugin/hub/site.h"

#define LIVE_AT_MOST_US 1000000U
#define FULL_EVERY_US (3 * TRUNK_LIVE_EVERY_US) /* the one that told may be lost */
#define LIVE_FRAME_BYTES 64

static enum fp_err tell_live(struct hub *h, bool full)
{
    struct site *s = h->site;
    struct fp_bytes people = {0};
    struct fp_bytes typing = {0};
    size_t people_count = 0;
    size_t typing_count = 0;
    uint64_t version = people_local_version(h);
    enum fp_err err = full ? people_local(h, s->scopes, s->scope_count, &people, &people_count) : FP_OK;
    if (!err) {
        err = typing_local(h, &typing, &typing_count);
    }
    bool due = full || typing_count > 0 || h->mono.us - s->live_told.us >= TRUNK_LIVE_EVERY_US;
    if (err || !due) {
        return err;
    }
    size_t cap = people.len + typing.len + LIVE_FRAME_BYTES;
    uint8_t *buf = arena_alloc(&h->arena, cap);
    struct fp_enc e;
    fp_enc_init(&e, buf, buf ? cap : 0);
    fp_enc_trunk_live(&e, full, full, people_count, people, typing_count, typing);
    if (e.failed) {
        return FP_ENOMEM;
    }
    s->live_version = version;
    s->live_told = h->mono;
    s->live_full_due.us = full ? h->mono.us + FULL_EVERY_US : s->live_full_due.us;
    trunk_tell_now(h, FP_TOPIC_RELAY_UP, &h->config.relay, fp_enc_bytes_of(&e));
    return FP_OK;
}

enum fp_err site_live(struct hub *h)
{
    struct site *s = h->site;
    if (s->live_due.us > h->mono.us) {
        return FP_OK;
    }
    s->live_due.us = h->mono.us + LIVE_AT_MOST_US;
    return tell_live(h, people_local_version(h) != s->live_version || s->live_full_due.us <= h->mono.us);
}
