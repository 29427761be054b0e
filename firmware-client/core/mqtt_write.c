#include "firmware-client/core/mqtt.h"

#include <assert.h>

#define LENGTH_MAX 268435455U /* what four bytes of seven bits hold */
#define STRING_MAX 65535U

static size_t length_bytes(size_t length)
{
    size_t bytes = 1;
    for (; length >= 0x80; length >>= 7) {
        bytes++;
    }
    return bytes;
}

/* Room is known to be there for all that is put. */
static void put_byte(struct fp_mqtt_out *o, unsigned byte)
{
    o->buf[o->len++] = (uint8_t)byte;
}

static void put_u16(struct fp_mqtt_out *o, unsigned v)
{
    put_byte(o, v >> 8);
    put_byte(o, v & 0xff);
}

static void put_head(struct fp_mqtt_out *o, unsigned first, size_t length)
{
    put_byte(o, first);
    for (; length >= 0x80; length >>= 7) {
        put_byte(o, (unsigned)(length & 0x7f) | 0x80);
    }
    put_byte(o, (unsigned)length);
}

static void put_string(struct fp_mqtt_out *o, const char *text)
{
    size_t len = strlen(text);
    put_u16(o, (unsigned)len);
    memcpy(o->buf + o->len, text, len);
    o->len += len;
}

/* A packet of that length is begun, if all of it fits. */
static bool begin(struct fp_mqtt_out *o, unsigned first, size_t length)
{
    size_t room = o->cap - o->len;
    if (length > LENGTH_MAX || room < 1 + length_bytes(length) || room - 1 - length_bytes(length) < length) {
        return false;
    }
    put_head(o, first, length);
    return true;
}

bool fp_mqtt_put_connect(struct fp_mqtt_out *o, const struct fp_mqtt_connect *c)
{
    const char *will_payload = c->will_payload ? c->will_payload : "";
    /* In the order of the standard; a password without a user is not in it. */
    const char *const strings[5] = {
        c->client_id, c->will_topic, c->will_topic ? will_payload : NULL, c->user, c->user ? c->password : NULL,
    };
    static const uint8_t flag_of[5] = {0, 0x04, 0, 0x80, 0x40};
    unsigned flags = c->clean_session ? 0x02 : 0;
    size_t length = 10;
    for (size_t i = 0; i < 5; i++) {
        if (strings[i]) {
            size_t len = strlen(strings[i]);
            if (len > STRING_MAX) {
                return false;
            }
            length += 2 + len;
            flags |= flag_of[i];
        }
    }
    if (c->will_topic) {
        flags |= (unsigned)(c->will_qos & 3) << 3 | (c->will_retain ? 0x20U : 0);
    }
    if (!begin(o, FP_MQTT_CONNECT << 4, length)) {
        return false;
    }
    put_string(o, "MQTT");
    put_byte(o, 4); /* 3.1.1 */
    put_byte(o, flags);
    put_u16(o, c->keepalive_s);
    for (size_t i = 0; i < 5; i++) {
        if (strings[i]) {
            put_string(o, strings[i]);
        }
    }
    return true;
}

bool fp_mqtt_put_subscribe(struct fp_mqtt_out *o, uint16_t id, const char *filter, uint8_t qos)
{
    size_t len = strlen(filter);
    assert(id > 0 && qos < 3);
    if (len > STRING_MAX || !begin(o, FP_MQTT_SUBSCRIBE << 4 | 2, 2 + 2 + len + 1)) {
        return false;
    }
    put_u16(o, id);
    put_string(o, filter);
    put_byte(o, qos);
    return true;
}

bool fp_mqtt_put_unsubscribe(struct fp_mqtt_out *o, uint16_t id, const char *filter)
{
    size_t len = strlen(filter);
    assert(id > 0);
    if (len > STRING_MAX || !begin(o, FP_MQTT_UNSUBSCRIBE << 4 | 2, 2 + 2 + len)) {
        return false;
    }
    put_u16(o, id);
    put_string(o, filter);
    return true;
}

bool fp_mqtt_put_puback(struct fp_mqtt_out *o, uint16_t id)
{
    assert(id > 0);
    if (!begin(o, FP_MQTT_PUBACK << 4, 2)) {
        return false;
    }
    put_u16(o, id);
    return true;
}

bool fp_mqtt_put_pingreq(struct fp_mqtt_out *o)
{
    return begin(o, FP_MQTT_PINGREQ << 4, 0);
}

bool fp_mqtt_put_disconnect(struct fp_mqtt_out *o)
{
    return begin(o, FP_MQTT_DISCONNECT << 4, 0);
}

/* Where the payload stands while it is built: behind a header whose length takes as many bytes as it could, given the room. */
static size_t payload_at(const struct fp_mqtt_out *o, const struct fp_mqtt_publish *p)
{
    size_t room = o->cap - o->len;
    size_t longest = room < 2 ? 0 : room - 2;
    return 1 + length_bytes(longest < LENGTH_MAX ? longest : LENGTH_MAX) + 2 + strlen(p->topic) + (p->qos > 0 ? 2 : 0);
}

uint8_t *fp_mqtt_publish_begin(struct fp_mqtt_out *o, const struct fp_mqtt_publish *p, size_t *out_cap)
{
    size_t at = payload_at(o, p);
    size_t room = o->cap - o->len;
    assert(p->qos < 3 && (p->qos > 0) == (p->id > 0));
    if (at > room || strlen(p->topic) > STRING_MAX) {
        return NULL;
    }
    size_t longest = LENGTH_MAX - (at - 2); /* at least the two bytes in front of the topic are no part of the length */
    *out_cap = room - at < longest ? room - at : longest;
    return o->buf + o->len + at;
}

void fp_mqtt_publish_end(struct fp_mqtt_out *o, const struct fp_mqtt_publish *p, size_t payload_len)
{
    size_t topic_len = strlen(p->topic);
    size_t length = 2 + topic_len + (p->qos > 0 ? 2 : 0) + payload_len;
    const uint8_t *built = o->buf + o->len + payload_at(o, p);
    uint8_t *final = o->buf + o->len + 1 + length_bytes(length) + (length - payload_len);
    assert(length <= LENGTH_MAX && final <= built);
    memmove(final, built, payload_len);

    put_head(o, FP_MQTT_PUBLISH << 4 | (p->dup ? 8U : 0) | (unsigned)p->qos << 1 | (p->retain ? 1U : 0), length);
    put_string(o, p->topic);
    if (p->qos > 0) {
        put_u16(o, p->id);
    }
    assert(o->buf + o->len == final);
    o->len += payload_len;
    assert(o->len <= o->cap);
}
