#include "firmware-client/core/client_impl.h"

#define READS_MAX 16 /* a poll: bounded work */
#define PUBACK_BYTES 4

static void connack(struct fp_client *c, const struct fp_mqtt_packet *p)
{
    if (c->step != FP_STEP_CONNACK) {
        fp_session_drop(c, FP_EMALFORMED, "a second CONNACK");
    } else if (p->code == 0) {
        c->step = FP_STEP_STATUS;
    } else if (p->code == 3) {
        fp_session_drop(c, FP_EBUSY, "the broker is not available");
    } else {
        fp_session_drop(c, FP_EDENIED, "the broker refused the user, the password or the device");
    }
}

/* A filter may be refused because the hub has not told the broker yet that we are in the scope: again, a little later. */
static void suback(struct fp_client *c, const struct fp_mqtt_packet *p)
{
    if (p->payload.len == 0 || p->payload.p[0] < 0x80) {
        return;
    }
    struct fp_notice n = {.kind = FP_NOTICE_NACK, .err = FP_EDENIED};
    for (size_t i = 0; i < c->follow_count; i++) {
        if (c->follows[i].sub_id == p->id && (c->follows[i].flags & FP_FOLLOW_SUBSCRIBED) != 0) {
            n.conv = c->follows[i].pub.id;
            c->subs_due = fp_min_u64(c->subs_due, c->now + FP_ANSWER_US);
            c->follows[i].flags |= FP_FOLLOW_REFUSED;
        }
    }
    fp_tell(c, &n);
}

static void publish(struct fp_client *c, const struct fp_mqtt_packet *p)
{
    struct fp_topic t;
    if (p->qos == 1) {
        (void)fp_mqtt_put_puback(&c->tx, p->id); /* first: there is room for it now, and what is done about the packet may write as well */
    }
    if (!fp_topic_parse((const char *)p->topic.p, p->topic.len, &t) && t.kind != FP_TOPIC_FOREIGN) {
        if (t.kind == FP_TOPIC_DEVICE_DOWN && fp_id_eq(&t.a, &c->device)) {
            if (p->skipped) {
                fp_inbox_down_skipped(c);
            } else {
                fp_inbox_down(c, p->payload);
            }
        } else if (!p->skipped) { /* what is skipped is found missing by its head */
            fp_inbox_topic(c, &t, p->payload);
        }
    }
}

static void take(struct fp_client *c, const struct fp_mqtt_packet *p)
{
    if (p->type == FP_MQTT_CONNACK) {
        connack(c, p);
    } else if (c->step <= FP_STEP_CONNACK) {
        fp_session_drop(c, FP_EMALFORMED, "the broker's first word is no CONNACK");
    } else if (p->type == FP_MQTT_PUBLISH) {
        publish(c, p);
    } else if (p->type == FP_MQTT_SUBACK) {
        suback(c, p);
    }
}

/* Takes apart what is there. False: the link is down, or tx is full. */
static bool drain(struct fp_client *c)
{
    size_t at = 0;
    bool go_on = true;
    enum fp_err err = FP_OK;
    while (go_on) {
        struct fp_mqtt_packet p;
        size_t used = 0;
        go_on = c->tx.cap - c->tx.len >= PUBACK_BYTES;
        if (!go_on) {
            c->blocked = true;
            break;
        }
        err = fp_mqtt_read(&c->reader, fp_bytes_of(c->rx + at, c->rx_len - at), c->config.rx_bytes, false, &p, &used);
        if (!err) {
            take(c, &p);
        }
        if (c->step == FP_STEP_CLOSED) {
            return false;
        }
        at += used;
        if (err) {
            break;
        }
    }
    c->rx_len -= at;
    memmove(c->rx, c->rx + at, c->rx_len);
    if (err == FP_EMALFORMED || (go_on && c->rx_len == c->config.rx_bytes)) {
        fp_session_drop(c, FP_EMALFORMED, "what came is no MQTT 3.1.1");
        return false;
    }
    return go_on;
}

void fp_packet_read(struct fp_client *c)
{
    for (size_t i = 0; i < READS_MAX && drain(c); i++) {
        size_t got = 0;
        enum fp_err err = c->config.transport.read(c->config.transport.ctx, c->rx + c->rx_len, c->config.rx_bytes - c->rx_len, &got);
        if (err == FP_EAGAIN) {
            return;
        }
        if (err) {
            fp_session_drop(c, err, "the connection has ended");
            return;
        }
        c->rx_len += got;
        c->last_rx = c->now;
        c->ping_sent = c->time_asked = false;
    }
    if (c->step != FP_STEP_CLOSED && c->tx.cap - c->tx.len >= PUBACK_BYTES) {
        fp_due(c, c->now); /* there is more; without room for a PUBACK it waits for the transport */
    }
}
