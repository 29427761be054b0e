#include "plugin/mosq/acl.h"

#include "fp/reply.h"

#define BIT(kind) (1U << (kind))
#define USER_KINDS (BIT(FP_TOPIC_USER_INBOX) | BIT(FP_TOPIC_USER_PRESENCE))
#define SCOPE_KINDS                                                                                                                                  \
    (BIT(FP_TOPIC_CONV_EVENT) | BIT(FP_TOPIC_CONV_HEAD) | BIT(FP_TOPIC_CONV_ABOUT) | BIT(FP_TOPIC_CONV_RECEIPTS) | BIT(FP_TOPIC_CONV_TYPING) |       \
     BIT(FP_TOPIC_SCOPE_PRESENCE) | BIT(FP_TOPIC_SCOPE_STATE))

static enum acl_verdict allow_if(bool yes)
{
    return yes ? ACL_ALLOW : ACL_DENY;
}

static bool only(uint32_t kinds, uint32_t of)
{
    return (kinds & ~of) == 0;
}

static bool is_text(struct fp_bytes b, const char *text)
{
    return fp_bytes_eq(b, fp_bytes_of(text, strlen(text)));
}

/* A status is a word that a plain MQTT tool understands, and it is kept; an empty one takes it back. */
static bool is_status(const struct acl_publish *p)
{
    if (!p->retain || p->qos > 1) {
        return false;
    }
    return p->payload.len == 0 || is_text(p->payload, "online") || is_text(p->payload, "offline");
}

/* While a device has no owner, whoever connects as it may act as it; the first command settles whose it is. */
static bool may_act(const struct acl_client *c, const struct acl_known *known)
{
    return known->owner_known && (fp_id_is_none(&known->owner) || fp_id_eq(&known->owner, &c->user));
}

/* A2: which of its topics. */
static enum fp_topic_kind trunk_writes(const struct acl_client *c)
{
    return c->trunk == ACL_TRUNK_AT_HUB ? FP_TOPIC_RELAY_UP : FP_TOPIC_RELAY_DOWN;
}

static enum fp_topic_kind trunk_reads(const struct acl_client *c)
{
    return c->trunk == ACL_TRUNK_AT_HUB ? FP_TOPIC_RELAY_DOWN : FP_TOPIC_RELAY_UP;
}

/* A frame that is kept would be told again to each new connection, and what is lost is sent again anyway: QoS 2 only costs. */
static enum acl_verdict write_trunk(const struct acl_client *c, const struct acl_publish *p, const char **out_why)
{
    if (p->topic->kind != trunk_writes(c) || !fp_id_eq(&p->topic->a, &c->user)) {
        return ACL_DENY;
    }
    if (p->retain || p->qos > 1) {
        *out_why = "published with retain or QoS 2: frames of a trunk are published without";
        return ACL_REFUSE;
    }
    if (p->payload.len > ACL_FRAME_BYTES_MAX) {
        *out_why = "a frame is longer than 262144 bytes";
        return ACL_REFUSE;
    }
    return ACL_ALLOW;
}

struct acl_need acl_write_needs(const struct acl_client *c, const struct acl_publish *p)
{
    bool own_status = p->topic->kind == FP_TOPIC_DEVICE_STATUS && fp_id_eq(&p->topic->a, &c->device);
    return (struct acl_need){.fact = own_status ? ACL_FACT_OWNER : ACL_FACT_NONE, .id = p->topic->a};
}

enum acl_verdict acl_write(const struct acl_client *c, const struct acl_publish *p, const struct acl_known *known, const char **out_why)
{
    bool own = fp_id_eq(&p->topic->a, &c->device);

    if (c->trunk != ACL_TRUNK_NONE && p->topic->kind != FP_TOPIC_FOREIGN) {
        return write_trunk(c, p, out_why);
    }
    switch (p->topic->kind) {
    case FP_TOPIC_FOREIGN:
        return ACL_FOREIGN;
    case FP_TOPIC_DEVICE_UP:
    case FP_TOPIC_DEVICE_NOW:
    case FP_TOPIC_DEVICE_BLOB:
        if (own && p->retain) {
            *out_why = "published with retain: commands are not kept by the broker, publish without";
            return ACL_REFUSE;
        }
        return allow_if(own);
    case FP_TOPIC_DEVICE_STATUS:
        return allow_if(own && is_status(p) && may_act(c, known)); /* others read it, so it is not the engine that checks the owner */
    case FP_TOPIC_DEVICE_DOWN:
    case FP_TOPIC_USER_INBOX:
    case FP_TOPIC_USER_PRESENCE:
    case FP_TOPIC_CONV_EVENT:
    case FP_TOPIC_CONV_HEAD:
    case FP_TOPIC_CONV_ABOUT:
    case FP_TOPIC_CONV_RECEIPTS:
    case FP_TOPIC_CONV_TYPING:
    case FP_TOPIC_SCOPE_PRESENCE:
    case FP_TOPIC_SCOPE_STATE:
    case FP_TOPIC_RELAY_UP:
    case FP_TOPIC_RELAY_DOWN:
    case FP_TOPIC_OPS:
    case FP_TOPIC_KINDS:
        break;
    }
    return ACL_DENY; /* A1 */
}

struct acl_need acl_subscribe_needs(const struct acl_client *c, const struct fp_filter *f)
{
    if (f->kinds != 0 && only(f->kinds, SCOPE_KINDS) && !c->service && c->trunk == ACL_TRUNK_NONE) {
        return (struct acl_need){.fact = ACL_FACT_SCOPE, .id = f->a};
    }
    return (struct acl_need){.fact = ACL_FACT_NONE};
}

enum acl_verdict acl_subscribe(const struct acl_client *c, const struct fp_filter *f, const struct acl_known *known)
{
    if (f->kinds == 0) {
        return ACL_FOREIGN;
    }
    if (c->trunk != ACL_TRUNK_NONE) {
        return allow_if(only(f->kinds, BIT(trunk_reads(c))) && fp_id_eq(&f->a, &c->user)); /* A2 */
    }
    if (only(f->kinds, BIT(FP_TOPIC_DEVICE_DOWN))) {
        return allow_if(fp_id_eq(&f->a, &c->device));
    }
    if (only(f->kinds, BIT(FP_TOPIC_DEVICE_STATUS))) {
        return ACL_ALLOW; /* each delivery asks whether the two know each other */
    }
    if (only(f->kinds, USER_KINDS)) {
        return allow_if(fp_id_eq(&f->a, &c->user));
    }
    if (only(f->kinds, SCOPE_KINDS)) {
        return allow_if(c->service || known->yes);
    }
    if (only(f->kinds, BIT(FP_TOPIC_OPS))) {
        return allow_if(c->operator);
    }
    return ACL_DENY; /* A1 */
}

bool acl_in_background(const struct fp_topic *t)
{
    switch (t->kind) {
    case FP_TOPIC_FOREIGN:
    case FP_TOPIC_DEVICE_DOWN:
    case FP_TOPIC_USER_INBOX:
    case FP_TOPIC_CONV_HEAD:
    case FP_TOPIC_RELAY_UP: /* a relay's client id may be a device's that rests */
    case FP_TOPIC_RELAY_DOWN:
    case FP_TOPIC_OPS:
        return true;
    case FP_TOPIC_DEVICE_UP:
    case FP_TOPIC_DEVICE_NOW:
    case FP_TOPIC_DEVICE_BLOB:
    case FP_TOPIC_DEVICE_STATUS:
    case FP_TOPIC_USER_PRESENCE:
    case FP_TOPIC_CONV_EVENT:
    case FP_TOPIC_CONV_ABOUT:
    case FP_TOPIC_CONV_RECEIPTS:
    case FP_TOPIC_CONV_TYPING:
    case FP_TOPIC_SCOPE_PRESENCE:
    case FP_TOPIC_SCOPE_STATE:
    case FP_TOPIC_KINDS:
        break;
    }
    return false;
}

struct acl_need acl_read_needs(const struct acl_client *c, const struct fp_topic *t)
{
    if (c->trunk != ACL_TRUNK_NONE) {
        return (struct acl_need){.fact = ACL_FACT_NONE};
    }
    switch (t->kind) {
    case FP_TOPIC_CONV_EVENT:
    case FP_TOPIC_CONV_HEAD:
    case FP_TOPIC_CONV_ABOUT:
    case FP_TOPIC_CONV_RECEIPTS:
    case FP_TOPIC_CONV_TYPING:
        return (struct acl_need){.fact = c->service ? ACL_FACT_NONE : ACL_FACT_CONV, .id = t->b};
    case FP_TOPIC_SCOPE_PRESENCE:
    case FP_TOPIC_SCOPE_STATE:
        return (struct acl_need){.fact = c->service ? ACL_FACT_NONE : ACL_FACT_SCOPE, .id = t->a};
    case FP_TOPIC_DEVICE_DOWN:
        return (struct acl_need){.fact = fp_id_eq(&t->a, &c->device) ? ACL_FACT_OWNER : ACL_FACT_NONE, .id = t->a};
    case FP_TOPIC_DEVICE_STATUS:
        return (struct acl_need){.fact = c->service || fp_id_eq(&t->a, &c->device) ? ACL_FACT_NONE : ACL_FACT_PEERS, .id = t->a};
    case FP_TOPIC_FOREIGN:
    case FP_TOPIC_DEVICE_UP:
    case FP_TOPIC_DEVICE_NOW:
    case FP_TOPIC_DEVICE_BLOB:
    case FP_TOPIC_USER_INBOX:
    case FP_TOPIC_USER_PRESENCE:
    case FP_TOPIC_RELAY_UP:
    case FP_TOPIC_RELAY_DOWN:
    case FP_TOPIC_OPS:
    case FP_TOPIC_KINDS:
        break;
    }
    return (struct acl_need){.fact = ACL_FACT_NONE};
}

static bool is_identity_nack(struct fp_bytes payload)
{
    struct fp_reply reply;
    return fp_reply_decode(payload, &reply) == FP_OK && reply.what == FP_REPLY_NACK && reply.as.nack.code == FP_EIDENTITY;
}

/* What the hub says to a device is for its owner. Another user with that client id learns that it is taken, and nothing else. */
static enum acl_verdict read_down(const struct acl_client *c, const struct fp_topic *t, struct fp_bytes payload, const struct acl_known *known)
{
    if (!fp_id_eq(&t->a, &c->device)) {
        return ACL_DENY;
    }
    return allow_if(may_act(c, known) || is_identity_nack(payload));
}

enum acl_verdict acl_read(const struct acl_client *c, const struct fp_topic *t, struct fp_bytes payload, const struct acl_known *known)
{
    if (c->trunk != ACL_TRUNK_NONE && t->kind != FP_TOPIC_FOREIGN) {
        return allow_if(t->kind == trunk_reads(c) && fp_id_eq(&t->a, &c->user)); /* A2 */
    }
    switch (t->kind) {
    case FP_TOPIC_FOREIGN:
        return ACL_FOREIGN;
    case FP_TOPIC_DEVICE_DOWN:
        return read_down(c, t, payload, known);
    case FP_TOPIC_DEVICE_STATUS:
        return allow_if(c->service || fp_id_eq(&t->a, &c->device) || known->yes);
    case FP_TOPIC_USER_INBOX:
    case FP_TOPIC_USER_PRESENCE:
        return allow_if(fp_id_eq(&t->a, &c->user));
    case FP_TOPIC_CONV_EVENT:
    case FP_TOPIC_CONV_HEAD:
    case FP_TOPIC_CONV_ABOUT:
    case FP_TOPIC_CONV_RECEIPTS:
    case FP_TOPIC_CONV_TYPING:
    case FP_TOPIC_SCOPE_PRESENCE:
    case FP_TOPIC_SCOPE_STATE:
        return allow_if(c->service || known->yes);
    case FP_TOPIC_OPS:
        return allow_if(c->operator);
    case FP_TOPIC_DEVICE_UP:
    case FP_TOPIC_DEVICE_NOW:
    case FP_TOPIC_DEVICE_BLOB:
    case FP_TOPIC_RELAY_UP:
    case FP_TOPIC_RELAY_DOWN:
    case FP_TOPIC_KINDS:
        break;
    }
    return ACL_DENY; /* A1 */
}
