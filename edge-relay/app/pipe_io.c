#include "edge-relay/app/pipe_impl.h"

#define READS_A_POLL 32 /* so that one side cannot keep the loop to itself */

/* ------------------------------------------------------------------ bytes in */

static void take_publish(struct pipe *p, enum pipe_side side, const struct fp_mqtt_packet *m)
{
    struct end *e = &p->ends[side];
    struct end *to = &p->ends[other(side)];
    bool ours = m->topic.len == strlen(e->in_topic) && memcmp(m->topic.p, e->in_topic, m->topic.len) == 0;
    if (!ours || m->skipped || m->payload.len == 0 || m->payload.len > PIPE_FRAME_BYTES_MAX || to->state != PIPE_UP ||
        !frames_put(&to->queue, m->payload)) {
        e->stats.dropped++;
        return;
    }
    e->stats.frames_in++;
    e->stats.bytes_in += m->payload.len;
}

static void take(struct pipe *p, enum pipe_side side, const struct fp_mqtt_packet *m)
{
    switch (m->type) {
    case FP_MQTT_CONNACK:
        pipe_connected(p, side, m->code);
        return;
    case FP_MQTT_SUBACK:
        pipe_subscribed(p, side, m->payload.len == 1 ? m->payload.p[0] : 0x80);
        return;
    case FP_MQTT_PUBLISH:
        take_publish(p, side, m);
        return;
    case FP_MQTT_PINGRESP:
    case FP_MQTT_CONNECT:
    case FP_MQTT_PUBACK:
    case FP_MQTT_SUBSCRIBE:
    case FP_MQTT_UNSUBSCRIBE:
    case FP_MQTT_UNSUBACK:
    case FP_MQTT_PINGREQ:
    case FP_MQTT_DISCONNECT:
        return;
    }
}

static void parse(struct pipe *p, enum pipe_side side)
{
    struct end *e = &p->ends[side];
    size_t at = 0;
    while (e->open && at < e->in_len) {
        struct fp_mqtt_packet m;
        size_t used = 0;
        enum fp_err err = fp_mqtt_read(&e->reader, fp_bytes_of(e->in + at, e->in_len - at), BUFFER_BYTES, false, &m, &used);
        if (err == FP_EAGAIN) {
            at += used;
            break;
        }
        if (err) {
            pipe_fail(p, side, err, "the broker speaks something else than MQTT 3.1.1");
            return;
        }
        take(p, side, &m);
        at += used;
    }
    if (e->open) {
        e->in_len -= at;
        memmove(e->in, e->in + at, e->in_len);
    }
}

bool pipe_wants_read(const struct pipe *p, enum pipe_side side)
{
    const struct end *e = &p->ends[side];
    return e->open && p->ends[other(side)].queue.bytes < PIPE_QUEUE_BYTES; /* W2 */
}

bool pipe_read(struct pipe *p, enum pipe_side side)
{
    struct end *e = &p->ends[side];
    for (int i = 0; i < READS_A_POLL && pipe_wants_read(p, side); i++) {
        size_t len = 0;
        enum fp_err err = e->config.transport.read(e->config.transport.ctx, e->in + e->in_len, BUFFER_BYTES - e->in_len, &len);
        if (err == FP_EAGAIN) {
            return false;
        }
        if (err) {
            pipe_fail(p, side, err, e->state == PIPE_CONNECTING ? "the broker ended the connection before it answered" : NULL);
            return false;
        }
        e->heard = p->now;
        e->asked = false;
        e->in_len += len;
        parse(p, side);
    }
    return pipe_wants_read(p, side);
}

/* ------------------------------------------------------------------ bytes out */

static void fill(struct pipe *p, enum pipe_side side)
{
    struct end *e = &p->ends[side];
    if (e->out.len > 0 || e->state != PIPE_UP) {
        return;
    }
    struct frame *f = frames_take(&e->queue);
    if (!f) {
        return;
    }
    struct fp_mqtt_publish m = {.topic = e->out_topic};
    size_t cap = 0;
    uint8_t *at = fp_mqtt_publish_begin(&e->out, &m, &cap);
    if (at && cap >= f->len) {
        memcpy(at, f->bytes, f->len);
        fp_mqtt_publish_end(&e->out, &m, f->len);
        e->stats.frames_out++;
        e->stats.bytes_out += f->len;
    } else {
        e->stats.dropped++;
    }
    free(f);
    (void)p;
}

void pipe_write(struct pipe *p, enum pipe_side side)
{
    struct end *e = &p->ends[side];
    e->blocked = false;
    for (fill(p, side); e->open && e->out.len > 0; fill(p, side)) {
        size_t done = 0;
        enum fp_err err = e->config.transport.write(e->config.transport.ctx, e->out.buf + e->out_done, e->out.len - e->out_done, &done);
        if (err == FP_EAGAIN) {
            e->blocked = true;
            return;
        }
        if (err) {
            pipe_fail(p, side, err, NULL);
            return;
        }
        e->said = p->now;
        e->out_done += done;
        if (e->out_done == e->out.len) {
            e->out.len = 0;
            e->out_done = 0;
        }
    }
}

bool pipe_wants_write(const struct pipe *p, enum pipe_side side)
{
    const struct end *e = &p->ends[side];
    return (e->state == PIPE_CONNECTING && !e->open) || (e->open && e->blocked);
}
