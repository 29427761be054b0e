/*
 * acl.h: who may publish, subscribe to and read what: the decisions, as functions of what is known.
 *
 * Shape       a client, a topic or filter, and the one fact that the decision may need; acl_..._needs() says which
 * Invariants  A1 nobody reads up, now or blob topics, and nobody but the hub writes what others read, but for one's own status.
 *             A2 only a relay's user writes and reads the two topics of that relay, each in its direction; below fp/ it may do nothing else, not
 *                even act as a device, whatever else its name is listed as.
 * Memory      no state
 * Source      CONTRACT.md, "Topics"
 */
#ifndef PLUGIN_MOSQ_ACL_H
#define PLUGIN_MOSQ_ACL_H

#include "fp/topic.h"

#define ACL_FRAME_BYTES_MAX 262144 /* of a trunk */

enum acl_trunk { /* is the user a relay's, and at which end are we? */
                 ACL_TRUNK_NONE,
                 ACL_TRUNK_AT_HUB,  /* writes up, reads down */
                 ACL_TRUNK_AT_SITE, /* the other way round */
};

struct acl_client {
    struct fp_id user;
    struct fp_id device;
    bool service;  /* the user is one of the option `services` */
    bool operator; /* likewise `operators` */
    enum acl_trunk trunk;
};

struct acl_publish {
    const struct fp_topic *topic;
    struct fp_bytes payload;
    int qos;
    bool retain;
};

enum acl_verdict {
    ACL_ALLOW,
    ACL_DENY,
    ACL_FOREIGN, /* not ours: the option other_topics says */
    ACL_REFUSE,  /* the broker must not take it, but the device gets a nack, or a relay a line in the log */
};

enum acl_fact {
    ACL_FACT_NONE,
    ACL_FACT_CONV,  /* is the user a member of the conversation `id`? */
    ACL_FACT_SCOPE, /* of the scope `id`? */
    ACL_FACT_OWNER, /* whose is the device `id`? */
    ACL_FACT_PEERS, /* does the user know the owner of the device `id`, who lets himself be seen, or is it him? */
};

struct acl_need {
    enum acl_fact fact;
    struct fp_id id;
};

struct acl_known {      /* the fact that was needed */
    bool yes;           /* CONV, SCOPE, PEERS */
    bool owner_known;   /* OWNER: it could be found out */
    struct fp_id owner; /* OWNER; none if the device has none */
};

struct acl_need acl_write_needs(const struct acl_client *c, const struct acl_publish *p);
/* *out_why is set with ACL_REFUSE: the sentence of the nack, or of the log where it is a relay's. */
enum acl_verdict acl_write(const struct acl_client *c, const struct acl_publish *p, const struct acl_known *known, const char **out_why);

struct acl_need acl_subscribe_needs(const struct acl_client *c, const struct fp_filter *f);
enum acl_verdict acl_subscribe(const struct acl_client *c, const struct fp_filter *f, const struct acl_known *known);

/* Is this sent to a device in the background too? */
bool acl_in_background(const struct fp_topic *t);

struct acl_need acl_read_needs(const struct acl_client *c, const struct fp_topic *t);
enum acl_verdict acl_read(const struct acl_client *c, const struct fp_topic *t, struct fp_bytes payload, const struct acl_known *known);

#endif
