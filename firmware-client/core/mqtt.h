/*
 * mqtt.h: the packets of MQTT 3.1.1 that a client needs, both ways, in place.
 *
 * Shape       a reader over the bytes that have come, and writers that append one packet to a buffer. A server's packets are read, a client's
 *             are written; for tests fp_mqtt_read() also reads a client's, with from_client set.
 * Invariants  M1 a packet is looked at only when it is there whole; a PUBLISH that never will be is told once and swallowed (skipped, skip).
 *             M2 what is malformed by MQTT 3.1.1 is FP_EMALFORMED, and the connection must be closed: lengths over 4 bytes, reserved flags, a
 *                topic with a wildcard or NUL or bad UTF-8, QoS 3, packet id 0, a CONNACK or SUBACK that is too short or too long.
 *                So is what has no business here: QoS 2's own packets, and a client's packet where a server's is due.
 * Memory      no heap, no copy: spans point into the input
 * Source      MQTT 3.1.1 (OASIS), sections 2 and 3
 */
#ifndef FIRMWARE_CLIENT_CORE_MQTT_H
#define FIRMWARE_CLIENT_CORE_MQTT_H

#include "fp/bytes.h"
#include "fp/err.h"

enum fp_mqtt_type {
    FP_MQTT_CONNECT = 1,
    FP_MQTT_CONNACK = 2,
    FP_MQTT_PUBLISH = 3,
    FP_MQTT_PUBACK = 4,
    FP_MQTT_SUBSCRIBE = 8,
    FP_MQTT_SUBACK = 9,
    FP_MQTT_UNSUBSCRIBE = 10,
    FP_MQTT_UNSUBACK = 11,
    FP_MQTT_PINGREQ = 12,
    FP_MQTT_PINGRESP = 13,
    FP_MQTT_DISCONNECT = 14,
};

struct fp_mqtt_packet {
    enum fp_mqtt_type type;
    uint8_t code;         /* CONNACK: return code */
    bool session_present; /* CONNACK */
    uint8_t qos;          /* PUBLISH: 0 to 2 */
    bool dup, retain;     /* PUBLISH */
    uint16_t id;          /* PUBLISH with qos > 0, PUBACK, SUBACK, UNSUBACK, SUBSCRIBE, UNSUBSCRIBE; else 0 */
    bool skipped;         /* PUBLISH that did not fit: topic, qos, id and payload.len (p NULL) are right, the payload will be thrown away */
    struct fp_bytes topic;
    struct fp_bytes payload; /* PUBLISH: payload. SUBACK: the codes. SUBSCRIBE, UNSUBSCRIBE: the list. CONNECT: all behind the length */
};

struct fp_mqtt_reader {
    uint32_t skip; /* bytes of a packet that is too long, still to come and to be thrown away */
};

/*
 * Looks at the front of `in`. FP_OK: one packet, *out_used bytes of `in` are done with when the caller is done with the packet. FP_EAGAIN: more
 * bytes are needed; *out_used (maybe 0) can be dropped already. FP_EMALFORMED: close the connection. `cap` is the size of the caller's whole buffer:
 * a PUBLISH that is longer is handed out once as skipped, as soon as its topic and id are there, and swallowed over the next calls; anything
 * else that is longer than cap, or a topic that is longer than FP_TOPIC_MAX in such a PUBLISH, is FP_EMALFORMED.
 */
enum fp_err fp_mqtt_read(struct fp_mqtt_reader *r, struct fp_bytes in, size_t cap, bool from_client, struct fp_mqtt_packet *out, size_t *out_used);

struct fp_mqtt_connect {
    const char *client_id;
    const char *user;       /* NULL: none */
    const char *password;   /* NULL: none */
    const char *will_topic; /* NULL: no will */
    const char *will_payload;
    uint8_t will_qos;
    bool will_retain;
    bool clean_session;
    uint16_t keepalive_s;
};

/* Writers: append one whole packet to buf[*len..cap); false, and nothing changed, if it does not fit. */
struct fp_mqtt_out {
    uint8_t *buf;
    size_t cap;
    size_t len;
};
bool fp_mqtt_put_connect(struct fp_mqtt_out *o, const struct fp_mqtt_connect *c);
bool fp_mqtt_put_subscribe(struct fp_mqtt_out *o, uint16_t id, const char *filter, uint8_t qos); /* one filter */
bool fp_mqtt_put_unsubscribe(struct fp_mqtt_out *o, uint16_t id, const char *filter);
bool fp_mqtt_put_puback(struct fp_mqtt_out *o, uint16_t id);
bool fp_mqtt_put_pingreq(struct fp_mqtt_out *o);
bool fp_mqtt_put_disconnect(struct fp_mqtt_out *o);

/*
 * A PUBLISH whose payload is built in place: begin() says where the payload may be written and how much fits, end() closes the packet. Nothing else
 * may be appended in between; without end() nothing was appended.
 */
struct fp_mqtt_publish {
    const char *topic;
    uint8_t qos;
    bool retain, dup;
    uint16_t id; /* of qos > 0 */
};
uint8_t *fp_mqtt_publish_begin(struct fp_mqtt_out *o, const struct fp_mqtt_publish *p, size_t *out_cap); /* NULL: not even the header fits */
void fp_mqtt_publish_end(struct fp_mqtt_out *o, const struct fp_mqtt_publish *p, size_t payload_len);    /* payload_len <= *out_cap */

#endif
