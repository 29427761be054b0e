#include "tests/support/sim_broker.h"

#include <stdlib.h>

#define INFLIGHT_MAX 20
#define CONNECT_WITHIN_US 30000000U

static void *must(void *p)
{
    if (!p) {
        abort();
    }
    return p;
}

void sim_broker_open(struct sim_broker *b, struct sim_net *net, uint64_t seed, struct sim_watch watch)
{
    memset(b, 0, sizeof(*b));
    kit_open(&b->kit);
    b->net = net;
    b->random.state = seed;
    b->watch = watch;
    b->conn_next = 1;
    b->kit.mono = sim_net_now(net);
    sim_route_start(b);
}

static void free_peer(struct sim_peer *p)
{
    sim_out_free_all(&p->out);
    free(p->will);
    free(p->in);
    free(p);
}

static void reap(struct sim_broker *b)
{
    for (struct sim_peer **at = &b->peers; *at;) {
        struct sim_peer *p = *at;
        if (p->conn) {
            at = &p->next;
            continue;
        }
        *at = p->next;
        free_peer(p);
    }
}

static void drop_all(struct sim_broker *b)
{
    for (struct sim_peer *p = b->peers; p; p = p->next) {
        if (p->conn) {
            sim_conn_close(p->conn);
            p->conn = NULL;
        }
    }
    reap(b);
}

void sim_broker_close(struct sim_broker *b)
{
    drop_all(b);
    sim_route_fini(b);
    kit_close(&b->kit);
}

/* The engine is a plugin: who ends the one ends the other. Retained messages are gone, rights come from the store. */
void sim_broker_crash(struct sim_broker *b, enum sim_crash how)
{
    if (how != SIM_CRASH_BEFORE && b->kit.count > 0) {
        kit_run(&b->kit);
        if (b->watch.committed) {
            b->watch.committed(b->watch.ctx);
        }
        if (how == SIM_CRASH_TELLING) {
            sim_route_tell(b, (size_t)sim_below(&b->random, b->kit.bus.count + 1));
        }
    }
    drop_all(b);
    sim_route_fini(b);
    for (struct sim_conn *c = sim_net_accept(b->net); c; c = sim_net_accept(b->net)) {
        sim_conn_close(c);
    }
    kit_restart(&b->kit);
    b->turn_us = 0;
    sim_route_start(b);
}

/* ------------------------------------------------------------------ packets out */

static void put_small(struct sim_peer *p, uint8_t first, uint16_t id)
{
    uint8_t packet[4] = {first, 2, (uint8_t)(id >> 8), (uint8_t)id};
    sim_conn_write(p->conn, packet, sizeof(packet));
}

void sim_peer_send(struct sim_peer *p, const struct sim_out *m)
{
    size_t topic_len = strlen(m->topic);
    size_t left = 2 + topic_len + (m->qos > 0 ? 2U : 0U) + m->len;
    uint8_t *packet = must(malloc(left + 5));
    size_t at = 0;

    packet[at++] = (uint8_t)(0x30U | (unsigned)m->qos << 1 | (m->retain ? 1U : 0U));
    for (size_t rest = left;;) {
        uint8_t digit = rest % 128;
        rest /= 128;
        packet[at++] = (uint8_t)(digit | (rest > 0 ? 128U : 0U));
        if (rest == 0) {
            break;
        }
    }
    packet[at++] = (uint8_t)(topic_len >> 8);
    packet[at++] = (uint8_t)topic_len;
    memcpy(packet + at, m->topic, topic_len);
    at += topic_len;
    if (m->qos > 0) {
        p->next_id = p->next_id == UINT16_MAX ? 1 : (uint16_t)(p->next_id + 1);
        packet[at++] = (uint8_t)(p->next_id >> 8);
        packet[at++] = (uint8_t)p->next_id;
        p->inflight++;
    }
    if (m->len > 0) {
        memcpy(packet + at, m->payload, m->len);
    }
    sim_conn_write(p->conn, packet, at + m->len);
    free(packet);
}

void sim_peer_flush(struct sim_broker *b, struct sim_peer *p)
{
    while (p->conn && p->out && (p->out->qos == 0 || p->inflight < INFLIGHT_MAX)) {
        struct sim_out *m = p->out;
        if (sim_route_may_read(b, p, m)) {
            sim_peer_send(p, m);
        }
        p->out = m->next;
        p->out_end = p->out ? p->out_end : &p->out;
        free(m->payload);
        free(m);
    }
}

/* ------------------------------------------------------------------ packets in */

void sim_peer_drop(struct sim_broker *b, struct sim_peer *p, bool with_will)
{
    if (!p->conn) {
        return;
    }
    sim_conn_close(p->conn);
    p->conn = NULL;
    if (!p->connected) {
        return;
    }
    if (with_will && p->will_topic[0]) {
        struct sim_publish will = {
            .topic = p->will_topic, .payload = fp_bytes_of(p->will, p->will_len), .qos = p->will_qos, .retain = p->will_retain};
        sim_route_client_publish(b, p, &will);
    }
    sim_route_item(b, p, SOURCE_DISCONNECT, FP_TOPIC_DEVICE_UP, (struct fp_bytes){0});
}

struct cursor { /* over the body of a CONNECT or SUBSCRIBE */
    struct fp_bytes rest;
    bool failed;
};

static uint64_t take_uint(struct cursor *c, size_t bytes)
{
    uint64_t v = 0;
    c->failed = c->failed || c->rest.len < bytes;
    for (size_t i = 0; !c->failed && i < bytes; i++) {
        v = v << 8 | c->rest.p[i];
    }
    if (!c->failed) {
        c->rest = fp_bytes_of(c->rest.p + bytes, c->rest.len - bytes);
    }
    return v;
}

static struct fp_bytes take_string(struct cursor *c)
{
    size_t len = (size_t)take_uint(c, 2);
    c->failed = c->failed || c->rest.len < len;
    if (c->failed) {
        return (struct fp_bytes){0};
    }
    struct fp_bytes s = fp_bytes_of(c->rest.p, len);
    c->rest = fp_bytes_of(c->rest.p + len, c->rest.len - len);
    return s;
}

static bool copy_text(struct fp_bytes s, char out[FP_TOPIC_MAX])
{
    if (s.len >= FP_TOPIC_MAX) {
        return false;
    }
    memcpy(out, s.p, s.len);
    out[s.len] = '\0';
    return true;
}

static bool read_connect(struct sim_peer *p, struct fp_bytes body)
{
    static const char protocol[] = "MQTT";
    struct cursor c = {.rest = body};
    bool ok = fp_bytes_eq(take_string(&c), fp_bytes_of(protocol, 4)) && take_uint(&c, 1) == 4;
    unsigned flags = (unsigned)take_uint(&c, 1);
    p->keepalive_us = take_uint(&c, 2) * 1000000U;
    struct fp_bytes id = take_string(&c);
    ok = ok && (flags & 1U) == 0 && fp_id_parse((const char *)id.p, id.len, &p->device);
    if ((flags & 4U) != 0) {
        struct fp_bytes topic = take_string(&c);
        struct fp_bytes will = take_string(&c);
        p->will = must(malloc(will.len + 1));
        memcpy(p->will, will.p, will.len);
        p->will_len = will.len;
        p->will_qos = flags >> 3 & 3U;
        p->will_retain = (flags & 32U) != 0;
        ok = ok && copy_text(topic, p->will_topic);
    }
    struct fp_bytes user = (flags & 128U) != 0 ? take_string(&c) : (struct fp_bytes){0};
    if ((flags & 64U) != 0) {
        (void)take_string(&c);
    }
    return ok && !c.failed && c.rest.len == 0 && fp_id_parse((const char *)user.p, user.len, &p->user);
}

static void on_connect(struct sim_broker *b, struct sim_peer *p, struct fp_bytes body)
{
    if (p->connected || !read_connect(p, body)) {
        sim_peer_drop(b, p, true);
        return;
    }
    for (struct sim_peer *old = b->peers; old; old = old->next) {
        if (old != p && old->connected && fp_id_eq(&old->device, &p->device)) {
            sim_peer_drop(b, old, true); /* takeover */
        }
    }
    p->connected = true;
    static const uint8_t connack[] = {0x20, 2, 0, 0};
    sim_conn_write(p->conn, connack, sizeof(connack));
}

static void add_sub(struct sim_peer *p, const struct sim_sub *s)
{
    for (size_t i = 0; i < p->sub_count; i++) {
        if (strcmp(p->subs[i].filter, s->filter) == 0) {
            p->subs[i] = *s;
            return;
        }
    }
    if (p->sub_count == SIM_SUBS_MAX) {
        abort();
    }
    p->subs[p->sub_count++] = *s;
}

static void on_subscribe(struct sim_broker *b, struct sim_peer *p, const struct fp_mqtt_packet *packet)
{
    struct cursor c = {.rest = packet->payload};
    while (p->conn && c.rest.len > 0) {
        struct sim_sub s = {0};
        struct fp_bytes filter = take_string(&c);
        s.qos = take_uint(&c, 1) & 3U;
        if (c.failed || !copy_text(filter, s.filter)) {
            sim_peer_drop(b, p, true);
            return;
        }
        bool allowed = sim_route_subscribe(b, p, s.filter);
        uint8_t suback[] = {0x90, 3, (uint8_t)(packet->id >> 8), (uint8_t)packet->id, allowed ? s.qos : 0x80};
        sim_conn_write(p->conn, suback, sizeof(suback));
        if (allowed) {
            add_sub(p, &s);
            sim_route_retained(b, p, &s);
        }
    }
}

static void on_unsubscribe(struct sim_peer *p, const struct fp_mqtt_packet *packet)
{
    struct cursor c = {.rest = packet->payload};
    while (c.rest.len > 0 && !c.failed) {
        struct fp_bytes filter = take_string(&c);
        for (size_t i = 0; i < p->sub_count; i++) {
            if (fp_bytes_eq(filter, fp_bytes_of(p->subs[i].filter, strlen(p->subs[i].filter)))) {
                p->subs[i] = p->subs[--p->sub_count];
                break;
            }
        }
    }
    put_small(p, 0xb0, packet->id);
}

static void on_publish(struct sim_broker *b, struct sim_peer *p, const struct fp_mqtt_packet *packet)
{
    char topic[FP_TOPIC_MAX];
    if (packet->qos > 1 || packet->skipped || !copy_text(packet->topic, topic)) {
        sim_peer_drop(b, p, true);
        return;
    }
    p->said_us = sim_net_now(b->net).us;
    struct sim_publish pub = {.topic = topic, .payload = packet->payload, .qos = packet->qos, .retain = packet->retain};
    sim_route_client_publish(b, p, &pub);
    if (packet->qos == 1 && p->conn) {
        put_small(p, 0x40, packet->id);
    }
}

static void on_packet(struct sim_broker *b, struct sim_peer *p, const struct fp_mqtt_packet *packet)
{
    if (!p->connected && packet->type != FP_MQTT_CONNECT) {
        sim_peer_drop(b, p, false);
        return;
    }
    switch (packet->type) {
    case FP_MQTT_CONNECT:
        on_connect(b, p, packet->payload);
        return;
    case FP_MQTT_PUBLISH:
        on_publish(b, p, packet);
        return;
    case FP_MQTT_PUBACK:
        p->inflight -= p->inflight > 0;
        return;
    case FP_MQTT_SUBSCRIBE:
        on_subscribe(b, p, packet);
        return;
    case FP_MQTT_UNSUBSCRIBE:
        on_unsubscribe(p, packet);
        return;
    case FP_MQTT_PINGREQ: {
        static const uint8_t pingresp[] = {0xd0, 0};
        sim_conn_write(p->conn, pingresp, sizeof(pingresp));
        return;
    }
    case FP_MQTT_DISCONNECT:
        sim_peer_drop(b, p, false);
        return;
    case FP_MQTT_CONNACK:
    case FP_MQTT_SUBACK:
    case FP_MQTT_UNSUBACK:
    case FP_MQTT_PINGRESP:
        break;
    }
    sim_peer_drop(b, p, true); /* a client does not send these */
}

static void handle_input(struct sim_broker *b, struct sim_peer *p)
{
    size_t at = 0;
    while (p->conn && at < p->in_len) {
        struct fp_mqtt_packet packet;
        size_t used = 0;
        enum fp_err err = fp_mqtt_read(&p->reader, fp_bytes_of(p->in + at, p->in_len - at), SIM_IN_BYTES, true, &packet, &used);
        if (err == FP_OK) {
            on_packet(b, p, &packet);
        } else if (err != FP_EAGAIN) {
            sim_peer_drop(b, p, true);
        }
        at += used;
        if (err) {
            break;
        }
    }
    p->in_len -= at < p->in_len ? at : p->in_len;
    memmove(p->in, p->in + at, p->in_len);
}

static uint64_t silent_at(const struct sim_peer *p)
{
    uint64_t limit = p->connected ? p->keepalive_us * 3 / 2 : CONNECT_WITHIN_US;
    uint64_t at = limit > 0 ? p->last_us + limit : UINT64_MAX;
    uint64_t promised = p->alive_us > 0 ? p->said_us + p->alive_us * 3 / 2 : UINT64_MAX;
    return at < promised ? at : promised;
}

static void read_peer(struct sim_broker *b, struct sim_peer *p)
{
    uint64_t now = sim_net_now(b->net).us;
    while (p->conn) {
        size_t len = 0;
        enum fp_err err = sim_conn_read(p->conn, p->in + p->in_len, SIM_IN_BYTES - p->in_len, &len);
        if (err == FP_EAGAIN) {
            break;
        }
        if (err) {
            sim_peer_drop(b, p, true);
            return;
        }
        p->last_us = now;
        p->in_len += len;
        handle_input(b, p);
    }
    if (p->conn && now >= silent_at(p)) {
        sim_peer_drop(b, p, true);
    }
}

static void accept_all(struct sim_broker *b)
{
    for (struct sim_conn *c = sim_net_accept(b->net); c; c = sim_net_accept(b->net)) {
        struct sim_peer *p = must(calloc(1, sizeof(*p)));
        *p = (struct sim_peer){.next = b->peers, .conn = c, .number = b->conn_next++, .last_us = sim_net_now(b->net).us};
        p->in = must(malloc(SIM_IN_BYTES));
        p->out_end = &p->out;
        b->peers = p;
    }
}

void sim_broker_run(struct sim_broker *b)
{
    accept_all(b);
    for (struct sim_peer *p = b->peers; p; p = p->next) {
        read_peer(b, p);
    }
    sim_route_turn(b);
    for (struct sim_peer *p = b->peers; p; p = p->next) {
        sim_peer_flush(b, p);
    }
    reap(b);
}

uint64_t sim_broker_next_us(const struct sim_broker *b)
{
    struct fp_mono now = sim_net_now(b->net);
    uint64_t next = b->turn_us > 0 ? b->turn_us : UINT64_MAX;
    uint64_t wait = hub_wait_us(b->kit.hub, now);
    next = wait != UINT64_MAX && now.us + wait < next ? now.us + wait : next;
    for (const struct sim_peer *p = b->peers; p; p = p->next) {
        next = silent_at(p) < next ? silent_at(p) : next;
    }
    return next;
}
