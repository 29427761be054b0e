#include "firmware-client/core/client_impl.h"

#define BURST_US (9 * FP_SECOND_US / 2) /* a little less than the hub's five seconds' worth: its clock is not ours */

uint16_t fp_out_id(struct fp_client *c)
{
    c->packet_id = c->packet_id == UINT16_MAX ? 1 : (uint16_t)(c->packet_id + 1);
    return c->packet_id;
}

static bool own_topic(const struct fp_client *c, enum fp_topic_kind kind, char *out)
{
    struct fp_topic t = {.kind = kind, .a = c->device};
    return fp_topic_build(&t, out, FP_TOPIC_MAX) > 0;
}

bool fp_out_begin(struct fp_client *c, struct fp_message *m, enum fp_topic_kind kind, struct fp_enc *out)
{
    size_t cap = 0;
    memset(&m->publish, 0, sizeof(m->publish));
    m->publish.topic = m->topic;
    if (!own_topic(c, kind, m->topic)) {
        return false;
    }
    if (kind != FP_TOPIC_DEVICE_NOW) {
        m->publish.qos = 1;
        m->publish.id = fp_out_id(c);
    }
    m->publish.retain = kind == FP_TOPIC_DEVICE_STATUS;
    uint8_t *p = fp_mqtt_publish_begin(&c->tx, &m->publish, &cap);
    if (!p) {
        c->blocked = true;
        return false;
    }
    fp_enc_init(out, p, cap);
    return true;
}

bool fp_out_end(struct fp_client *c, const struct fp_message *m, const struct fp_enc *e)
{
    if (e->failed) {
        c->blocked = true;
        return false;
    }
    fp_mqtt_publish_end(&c->tx, &m->publish, e->len);
    c->said_at = c->now;
    return true;
}

void fp_out_head(struct fp_enc *e, uint64_t kind, const struct fp_id *conv, bool body)
{
    fp_enc_map(e, 1U + (conv != NULL) + body);
    fp_enc_uint(e, FP_KEY_KIND);
    fp_enc_uint(e, kind);
    if (conv) {
        fp_enc_uint(e, FP_KEY_CONV);
        fp_enc_id(e, conv);
    }
    if (body) {
        fp_enc_uint(e, FP_KEY_BODY);
    }
}

bool fp_out_plain(struct fp_client *c, uint64_t kind)
{
    struct fp_message m;
    struct fp_enc e;
    if (!fp_out_begin(c, &m, FP_TOPIC_DEVICE_UP, &e)) {
        return false;
    }
    fp_out_head(&e, kind, NULL, false);
    return fp_out_end(c, &m, &e);
}

bool fp_out_status(struct fp_client *c, const char *word)
{
    struct fp_message m;
    struct fp_enc e;
    if (!fp_out_begin(c, &m, FP_TOPIC_DEVICE_STATUS, &e)) {
        return false;
    }
    fp_enc_raw(&e, fp_bytes_of(word, strlen(word)));
    return fp_out_end(c, &m, &e);
}

/* ------------------------------------------------------------------ filters */

/* The filters of a scope by what is wanted; NULL last. The last level of the first is + if it takes in all. */
static size_t filter_of(const struct fp_client *c, const struct fp_id *scope, uint32_t bit, char out[FP_TOPIC_MAX])
{
    static const struct {
        uint32_t want;
        const char *tail;
    } rows[] = {
        {FP_WANT_EVENTS, "/conv/+/event"},      {FP_WANT_EVENTS, "/conv/+/head"},   {FP_WANT_ABOUT, "/conv/+/about"},
        {FP_WANT_RECEIPTS, "/conv/+/receipts"}, {FP_WANT_TYPING, "/conv/+/typing"}, {FP_WANT_PRESENCE, "/presence"},
    };
    const uint32_t all = FP_WANT_EVENTS | FP_WANT_ABOUT | FP_WANT_RECEIPTS | FP_WANT_TYPING;
    const char *tail = NULL;
    if (bit < sizeof(rows) / sizeof(rows[0]) && (c->config.want & rows[bit].want) != 0) {
        tail = rows[bit].tail;
        if ((c->config.want & all) == all && (rows[bit].want & all) != 0) {
            tail = bit == 0 ? "/conv/+/+" : NULL;
        }
    }
    if (!tail) {
        return 0;
    }
    size_t len = sizeof("fp/1/scope/") - 1;
    memcpy(out, "fp/1/scope/", len);
    memcpy(out + len, scope->text, scope->len);
    len += scope->len;
    memcpy(out + len, tail, strlen(tail) + 1);
    return len + strlen(tail);
}

bool fp_out_subscribe_scope(struct fp_client *c, struct fp_follow *f)
{
    char filter[FP_TOPIC_MAX];
    bool fits = true;
    size_t before = c->tx.len;
    f->sub_id = fp_out_id(c);
    for (uint32_t i = 0; i < 6 && fits; i++) {
        if (filter_of(c, &f->pub.scope, i, filter) > 0) {
            fits = fp_mqtt_put_subscribe(&c->tx, f->sub_id, filter, 1);
        }
    }
    if (!fits) {
        c->tx.len = before;
        c->blocked = true;
    }
    return fits;
}

/* Without room the filters stay: the hub delivers nothing of a scope that we have left anyway. */
void fp_out_unsubscribe_scope(struct fp_client *c, const struct fp_id *scope)
{
    char filter[FP_TOPIC_MAX];
    for (uint32_t i = 0; i < 6; i++) {
        if (filter_of(c, scope, i, filter) > 0) {
            (void)fp_mqtt_put_unsubscribe(&c->tx, fp_out_id(c), filter);
        }
    }
}

/* ------------------------------------------------------------------ rate */

bool fp_rate_take(struct fp_client *c, uint64_t *out_at)
{
    uint32_t rate = (uint32_t)fp_min_u64(c->limits.commands_per_s, FP_SECOND_US);
    if (rate == 0) {
        return true;
    }
    uint64_t full_at = fp_max_u64(c->rate_at, c->now) + 1000000U / rate + 1;
    if (full_at > c->now + BURST_US) {
        *out_at = full_at - BURST_US;
        return false;
    }
    c->rate_at = full_at;
    return true;
}
