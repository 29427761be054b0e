/*
 * guard.h: answers the broker's access questions: parses, looks up the one fact that acl.h needs, and decides.
 *
 * Shape       text in, verdict out. One publish to many readers is parsed once, and a client's names once while they stay the same.
 * Errors      a client without well-formed names is denied everything below fp/, with the reason in guard_client()
 * Memory      everything is inside the struct but the rights and the configuration, which are borrowed
 * Thread      one thread (the broker's)
 */
#ifndef PLUGIN_MOSQ_GUARD_H
#define PLUGIN_MOSQ_GUARD_H

#include "plugin/mosq/acl.h"
#include "plugin/mosq/config.h"
#include "plugin/mosq/rights.h"

#define GUARD_CLIENTS 1024 /* remembered; a power of two */

struct guard_who { /* as the broker tells it; NULL where there is none */
    const void *client;
    const char *username;
    const char *client_id;
};

struct guard_client {
    const void *client; /* NULL: empty */
    struct acl_client acl;
};

struct guard {
    struct rights *rights;
    const struct config *config; /* names and role */
    struct guard_client clients[GUARD_CLIENTS];
    char topic_text[FP_TOPIC_MAX + 1]; /* the last topic, "" = none */
    size_t topic_len;
    enum fp_err topic_err;
    struct fp_topic topic;
};

void guard_init(struct guard *g, struct rights *rights, const struct config *config);
void guard_forget(struct guard *g); /* the configuration has changed */

/* The topic, or NULL if it is below fp/ and none of ours. Good until the next call. */
const struct fp_topic *guard_topic(struct guard *g, const char *topic);
/* The client's names; NULL, with a reason, if one is missing or no id. Good until the next call. */
const struct acl_client *guard_client(struct guard *g, const struct guard_who *who, const char **out_why);

struct guard_publish {
    const char *topic;
    struct fp_bytes payload;
    int qos;
    bool retain;
};

/* *out_why: with ACL_REFUSE the sentence of the nack; with ACL_DENY why the client's names are no use, or NULL if they are fine. */
enum acl_verdict guard_write(struct guard *g, const struct guard_who *who, const struct guard_publish *p, const char **out_why);
enum acl_verdict guard_subscribe(struct guard *g, const struct guard_who *who, const char *filter, const char **out_why);
enum acl_verdict guard_read(struct guard *g, const struct guard_who *who, const struct guard_publish *p, const char **out_why);

#endif
