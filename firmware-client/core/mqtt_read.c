#include "firmware-client/core/mqtt.h"

#include "firmware-client/core/cbor_utf8.h"

#define FROM_SERVER 1
#define FROM_CLIENT 2
#define LENGTH_BYTES_MAX 4

/* What of a packet stands behind its fixed header. */
struct rest {
    const uint8_t *p;
    size_t len;
};

/* Who may send it and with which flags; those of a PUBLISH are looked at elsewhere. QoS 2 is not ours, so neither are its answers. */
static const struct {
    uint8_t from;
    uint8_t flags;
} TYPES[16] = {
    [FP_MQTT_CONNECT] = {FROM_CLIENT, 0},
    [FP_MQTT_CONNACK] = {FROM_SERVER, 0},
    [FP_MQTT_PUBLISH] = {FROM_CLIENT | FROM_SERVER, 0},
    [FP_MQTT_PUBACK] = {FROM_CLIENT | FROM_SERVER, 0},
    [FP_MQTT_SUBSCRIBE] = {FROM_CLIENT, 2},
    [FP_MQTT_SUBACK] = {FROM_SERVER, 0},
    [FP_MQTT_UNSUBSCRIBE] = {FROM_CLIENT, 2},
    [FP_MQTT_UNSUBACK] = {FROM_SERVER, 0},
    [FP_MQTT_PINGREQ] = {FROM_CLIENT, 0},
    [FP_MQTT_PINGRESP] = {FROM_SERVER, 0},
    [FP_MQTT_DISCONNECT] = {FROM_CLIENT, 0},
};

static uint16_t u16_at(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

/* How many bytes the length takes; 0: it is not whole yet; more than LENGTH_BYTES_MAX: it is too long. */
static size_t read_length(const uint8_t *p, size_t len, uint32_t *out)
{
    *out = 0;
    for (size_t i = 0; i < LENGTH_BYTES_MAX; i++) {
        if (i == len) {
            return 0;
        }
        *out |= (uint32_t)(p[i] & 0x7f) << 7 * i;
        if (p[i] < 0x80) {
            return i + 1;
        }
    }
    return LENGTH_BYTES_MAX + 1;
}

static bool first_is_fine(uint8_t first, bool from_client)
{
    unsigned type = first >> 4;
    unsigned flags = first & 0x0f;
    if ((TYPES[type].from & (from_client ? FROM_CLIENT : FROM_SERVER)) == 0) {
        return false;
    }
    if (type != FP_MQTT_PUBLISH) {
        return flags == TYPES[type].flags;
    }
    unsigned qos = flags >> 1 & 3;
    bool dup = (flags & 8) != 0;
    return qos < 3 && (qos > 0 || !dup);
}

static bool is_text(struct fp_bytes text, bool wildcards)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.p[i];
        if (c == '\0' || (!wildcards && (c == '+' || c == '#'))) {
            return false;
        }
    }
    return text.len > 0 && fp_utf8_is_valid(text);
}

/* Filters, each with a byte behind it if there are QoS bytes. */
static bool is_list(struct fp_bytes list, size_t qos_bytes)
{
    size_t at = 0;
    while (at < list.len) {
        if (list.len - at < 2) {
            return false;
        }
        size_t len = u16_at(list.p + at);
        at += 2;
        if (len + qos_bytes > list.len - at || !is_text(fp_bytes_of(list.p + at, len), true)) {
            return false;
        }
        at += len + qos_bytes;
        if (qos_bytes > 0 && list.p[at - 1] > 2) {
            return false;
        }
    }
    return list.len > 0;
}

static bool are_codes(struct fp_bytes codes)
{
    for (size_t i = 0; i < codes.len; i++) {
        if (codes.p[i] > 2 && codes.p[i] != 0x80) {
            return false;
        }
    }
    return codes.len > 0;
}

/* The topic and the packet id. False if they do not fit the length, or are none. */
static bool read_publish(struct rest rest, struct fp_mqtt_packet *out)
{
    size_t id_bytes = out->qos > 0 ? 2 : 0;
    if (rest.len < 2) {
        return false;
    }
    size_t topic = u16_at(rest.p);
    if (rest.len - 2 < topic + id_bytes) {
        return false;
    }
    out->topic = fp_bytes_of(rest.p + 2, topic);
    size_t at = 2 + topic;
    if (id_bytes > 0) {
        out->id = u16_at(rest.p + at);
        at += id_bytes;
    }
    out->payload = fp_bytes_of(rest.p + at, rest.len - at);
    return is_text(out->topic, false) && (id_bytes == 0 || out->id > 0);
}

static bool read_with_id(struct rest rest, struct fp_mqtt_packet *out)
{
    if (rest.len < 2) {
        return false;
    }
    out->id = u16_at(rest.p);
    out->payload = fp_bytes_of(rest.p + 2, rest.len - 2);
    return out->id > 0;
}

static bool read_rest(struct rest rest, struct fp_mqtt_packet *out)
{
    switch (out->type) {
    case FP_MQTT_CONNECT: /* name, level, flags, keep-alive and an empty client id */
        out->payload = fp_bytes_of(rest.p, rest.len);
        return rest.len >= 12;
    case FP_MQTT_CONNACK:
        if (rest.len != 2 || rest.p[0] > 1) {
            return false;
        }
        out->session_present = rest.p[0] == 1;
        out->code = rest.p[1];
        return true;
    case FP_MQTT_PUBLISH:
        return read_publish(rest, out);
    case FP_MQTT_PUBACK:
    case FP_MQTT_UNSUBACK:
        return read_with_id(rest, out) && out->payload.len == 0;
    case FP_MQTT_SUBACK:
        return read_with_id(rest, out) && are_codes(out->payload);
    case FP_MQTT_SUBSCRIBE:
        return read_with_id(rest, out) && is_list(out->payload, 1);
    case FP_MQTT_UNSUBSCRIBE:
        return read_with_id(rest, out) && is_list(out->payload, 0);
    case FP_MQTT_PINGREQ:
    case FP_MQTT_PINGRESP:
    case FP_MQTT_DISCONNECT:
        return rest.len == 0;
    }
    return false;
}

/* A PUBLISH of `length` bytes that will never fit: its topic and id as soon as they are there. `room` is what they may fill of the buffer. */
static enum fp_err read_too_long(struct rest have, uint32_t length, size_t room, struct fp_mqtt_packet *out, size_t *out_used)
{
    size_t id_bytes = out->qos > 0 ? 2 : 0;
    if (out->type != FP_MQTT_PUBLISH || length < 2) {
        return FP_EMALFORMED;
    }
    if (have.len < 2) {
        return room < 2 ? FP_EMALFORMED : FP_EAGAIN;
    }
    size_t topic = u16_at(have.p);
    size_t need = 2 + topic + id_bytes;
    if (topic > FP_TOPIC_MAX || need > length || need > room) {
        return FP_EMALFORMED;
    }
    if (have.len < need) {
        return FP_EAGAIN;
    }
    if (!read_publish((struct rest){have.p, need}, out)) {
        return FP_EMALFORMED;
    }
    out->skipped = true;
    out->payload = (struct fp_bytes){.len = length - need};
    *out_used = need;
    return FP_OK;
}

/* One packet at p, no bytes to swallow before it. */
static enum fp_err read_packet(struct fp_mqtt_reader *r, struct fp_bytes in, size_t cap, struct fp_mqtt_packet *out, size_t *out_used)
{
    uint32_t length;
    size_t length_bytes = read_length(in.p + 1, in.len - 1, &length);
    if (length_bytes == 0) {
        return FP_EAGAIN;
    }
    if (length_bytes > LENGTH_BYTES_MAX) {
        return FP_EMALFORMED;
    }
    size_t head = 1 + length_bytes;
    out->type = (enum fp_mqtt_type)(in.p[0] >> 4);
    if (out->type == FP_MQTT_PUBLISH) {
        out->qos = in.p[0] >> 1 & 3;
        out->dup = (in.p[0] & 8) != 0;
        out->retain = (in.p[0] & 1) != 0;
    }
    struct rest rest = {in.p + head, in.len - head};
    if (head > cap || length > cap - head) {
        enum fp_err err = read_too_long(rest, length, head > cap ? 0 : cap - head, out, out_used);
        if (!err) {
            r->skip = (uint32_t)out->payload.len;
            *out_used += head;
        }
        return err;
    }
    if (rest.len < length) {
        return FP_EAGAIN; /* M1 */
    }
    rest.len = length;
    *out_used = head + length;
    return read_rest(rest, out) ? FP_OK : FP_EMALFORMED;
}

enum fp_err fp_mqtt_read(struct fp_mqtt_reader *r, struct fp_bytes in, size_t cap, bool from_client, struct fp_mqtt_packet *out, size_t *out_used)
{
    *out = (struct fp_mqtt_packet){0};
    size_t drop = in.len < r->skip ? in.len : r->skip;
    r->skip -= (uint32_t)drop;
    *out_used = drop;
    if (drop == in.len) {
        return FP_EAGAIN;
    }
    in = fp_bytes_of(in.p + drop, in.len - drop);
    size_t used = 0;
    struct fp_mqtt_packet packet = {0};
    enum fp_err err = FP_EMALFORMED;
    if (first_is_fine(in.p[0], from_client)) {
        err = read_packet(r, in, cap, &packet, &used);
    }
    if (!err) {
        *out = packet;
        *out_used += used;
    }
    return err;
}
