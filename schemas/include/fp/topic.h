/*
 * topic.h: the topic grammar of the contract: build, parse, and which filters a template covers.
 *
 * Shape       one row a template: fp/1/device/{id}/up is {FP_TOPIC_DEVICE_UP, a = device}
 * Errors      anything below fp/ that no template covers is FP_EDENIED, anything else FP_TOPIC_FOREIGN
 * Memory      no heap
 * Source      CONTRACT.md, "Topics"
 */
#ifndef FP_TOPIC_H
#define FP_TOPIC_H

#include "fp/bytes.h"
#include "fp/err.h"

enum fp_topic_kind {
    FP_TOPIC_FOREIGN = 0, /* not below fp/ : the broker's own business */
    FP_TOPIC_DEVICE_UP,   /* a = device */
    FP_TOPIC_DEVICE_NOW,
    FP_TOPIC_DEVICE_BLOB, /* a = device, sha256 */
    FP_TOPIC_DEVICE_STATUS,
    FP_TOPIC_DEVICE_DOWN,
    FP_TOPIC_USER_INBOX, /* a = user */
    FP_TOPIC_USER_PRESENCE,
    FP_TOPIC_CONV_EVENT, /* a = scope, b = conversation */
    FP_TOPIC_CONV_HEAD,
    FP_TOPIC_CONV_ABOUT,
    FP_TOPIC_CONV_RECEIPTS,
    FP_TOPIC_CONV_TYPING,
    FP_TOPIC_SCOPE_PRESENCE, /* a = scope */
    FP_TOPIC_SCOPE_STATE,    /* a = scope, b = key */
    FP_TOPIC_RELAY_UP,       /* a = relay */
    FP_TOPIC_RELAY_DOWN,
    FP_TOPIC_OPS, /* a = name */
    FP_TOPIC_KINDS
};

struct fp_topic {
    enum fp_topic_kind kind;
    struct fp_id a;
    struct fp_id b;
    uint8_t sha256[32]; /* FP_TOPIC_DEVICE_BLOB: 64 lower-case hex digits on the wire */
};

/* FP_OK (FP_TOPIC_FOREIGN included), or FP_EDENIED for what begins with "fp/" (or is "fp") and is none of ours. No wildcards. */
enum fp_err fp_topic_parse(const char *topic, size_t len, struct fp_topic *out);

/*
 * Writes the topic and a terminating NUL; returns its length, or 0 if cap is too small, an id is missing or it is foreign. cap =
 * FP_TOPIC_MAX always is enough.
 */
size_t fp_topic_build(const struct fp_topic *topic, char *buf, size_t cap);

/*
 * A filter that a client may ask for. `+` stands only for {c} below one scope, for the last level below one conversation (or
 * below {c} = +) and below one user, and for {name} of ops; `#` only in fp/1/ops/#. Shared subscriptions ($share/...)
 * of anything below fp/ are refused: each member must get every event.
 */
struct fp_filter {
    uint32_t kinds; /* bit 1 << enum fp_topic_kind for each template that it takes in; 0 for a foreign filter */
    struct fp_id a; /* device, user, scope, relay or name; none for ops with a wildcard */
    struct fp_id b; /* conversation or key; none where it is + */
};

/*
 * FP_OK, or FP_EDENIED. A filter whose first level is `+` or `#` (or $share/g/+/...) is foreign: it takes in topics below fp/ as well, and the
 * check at each delivery guards those.
 */
enum fp_err fp_filter_parse(const char *filter, size_t len, struct fp_filter *out);

/* Does the filter take the topic in? For tests and fakes: MQTT 3.1.1, 4.7, with its rule for topics that begin with $. */
bool fp_filter_matches(const char *filter, const char *topic);

#endif
