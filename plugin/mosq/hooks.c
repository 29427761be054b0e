/* The hooks that a client's doings run: access, messages, the end of a connection. They fetch, ask guard.h, and hand over. */
#include "plugin/mosq/host.h"

#include "fp/command.h"
#include "fp/reply.h"
#include "plugin/mosq/clock.h"

/* Between what the loop does before it waits; most of it takes 50 us. A wait that ends sooner, and not with a message, is rare. */
#define CHECK_GAP_US 500

static bool is_below_fp(const char *topic)
{
    return topic[0] == 'f' && topic[1] == 'p' && (topic[2] == '/' || topic[2] == '\0');
}

static int foreign(const struct host *h)
{
    return h->other == OTHER_ALLOW ? MOSQ_ERR_SUCCESS : MOSQ_ERR_PLUGIN_DEFER;
}

static struct guard_who who_is(const struct mosquitto *client)
{
    return (struct guard_who){
        .client = client,
        .username = mosquitto_client_username(client),
        .client_id = mosquitto_client_id(client),
    };
}

/* Once a connection: it would be once a message otherwise. */
static void log_names(struct host *h, const struct guard_who *who, const char *why)
{
    struct conn_state *conn = conns_add(&h->conns, who->client);

    if (conn != NULL && !conn->logged) {
        conn->logged = true;
        const char *address = mosquitto_client_address(who->client);
        host_log(MOSQ_LOG_NOTICE, "client %s (%s) may use nothing below fp/: %s", who->client_id ? who->client_id : "without id",
                 address ? address : "no address", why);
    }
}

/* ------------------------------------------------------------------ handing over */

/* n of the first command, so that the device knows which one to send again. Only that one is looked at: the loop has better things to do now. */
static uint64_t first_n(const struct host *h, struct fp_bytes payload)
{
    struct fp_command command = {0};
    const char *why = NULL;
    struct fp_dec d;
    size_t used = 0;

    fp_dec_init(&d, payload);
    if (fp_dec_peek(&d) == FP_CBOR_ARRAY) {
        (void)fp_dec_array(&d); /* a failure shows below */
    }
    struct fp_bytes rest = d.failed ? fp_bytes_of(NULL, 0) : fp_bytes_of(payload.p + d.at, payload.len - d.at);
    if (rest.len == 0 || fp_cbor_check(rest, &used, &why) != FP_OK) {
        return 0;
    }
    (void)fp_command_decode(fp_bytes_of(rest.p, used), (size_t)h->config.max_command_bytes, &command,
                            &why); /* n is filled in as far as it can be read */
    return command.n;
}

static void answer_busy(struct host *h, const struct source_item *item)
{
    static const char stopping[] = "the hub is stopping; nothing was taken";
    static const char behind[] = "the hub is behind; nothing was taken";
    uint8_t buf[128];
    char topic[FP_TOPIC_MAX];
    struct fp_enc e;
    const char *reason = h->stopping || engine_fatal(&h->engine) ? stopping : behind;
    struct fp_nack nack = {
        .n = first_n(h, item->payload),
        .code = FP_EBUSY,
        .reason = fp_bytes_of(reason, strlen(reason)),
        .retry = true,
    };
    struct fp_topic down = {.kind = FP_TOPIC_DEVICE_DOWN, .a = item->device};

    h->stats.busy++;
    fp_enc_init(&e, buf, sizeof buf);
    fp_enc_nack(&e, &nack);
    struct fp_bytes payload = fp_enc_bytes_of(&e);
    if (payload.len == 0 || fp_topic_build(&down, topic, sizeof topic) == 0) {
        return; /* cannot be: both have room for the longest */
    }
    (void)mosquitto_broker_publish_copy(NULL, topic, (int)payload.len, payload.p, 1, false, NULL); /* no memory: the device's own timer is left */
}

/* False: there is no room, and nothing was taken. */
static bool push(struct host *h, const struct guard_who *who, struct source_item *item)
{
    struct conn_state *conn = conns_add(&h->conns, who->client);

    if (conn != NULL) {
        item->conn = conn->number;
        conns_hear(&h->conns, conn, clock_mono());
    }
    if (conn == NULL || engine_fatal(&h->engine) != FP_OK || inlet_push(&h->engine.inlet, item, !conn->told) != FP_OK) {
        return false;
    }
    conn->told = true;
    conn->user = item->user;
    conn->device = item->device;
    return true;
}

static bool is_frame(const struct source_item *item)
{
    return item->topic == FP_TOPIC_RELAY_UP || item->topic == FP_TOPIC_RELAY_DOWN;
}

static void hand_over(struct host *h, const struct guard_who *who, struct source_item *item)
{
    if (!push(h, who, item)) {
        if (is_frame(item)) {
            h->stats.busy++; /* lost on the way, as any frame may be */
        } else {
            answer_busy(h, item);
        }
        return;
    }
    if (item->kind == SOURCE_REFUSED) {
        h->stats.refused++;
    } else {
        h->stats.messages++;
    }
}

/* The client and topic that guard_write() has just let pass or refused. */
static void hand_over_publish(struct host *h, const struct guard_who *who, const struct guard_publish *p, const char *refused_why)
{
    const char *why = NULL;
    const struct fp_topic *topic = guard_topic(&h->guard, p->topic);
    const struct acl_client *client = guard_client(&h->guard, who, &why);

    if (topic == NULL || client == NULL) {
        return; /* cannot be: the guard has said who and what it is */
    }
    struct source_item item = {.kind = SOURCE_MESSAGE, .topic = topic->kind, .user = client->user, .device = client->device, .payload = p->payload};
    if (refused_why != NULL) {
        item.kind = SOURCE_REFUSED;
        item.refused = FP_EMALFORMED;
        item.reason = refused_why;
    } else if (!is_frame(&item) && p->payload.len > h->config.max_batch_bytes) {
        item.kind = SOURCE_REFUSED;
        item.refused = FP_ETOOLARGE;
        item.reason = "the payload is longer than the hub takes in one publish";
    }
    if (item.kind == SOURCE_REFUSED) {
        item.payload = fp_bytes_of(NULL, 0);
    }
    hand_over(h, who, &item);
}

/* ------------------------------------------------------------------ trunks */

static bool is_trunk(struct host *h, const struct guard_who *who)
{
    const char *why = NULL;
    const struct acl_client *client = guard_client(&h->guard, who, &why);

    return client != NULL && client->trunk != ACL_TRUNK_NONE;
}

/* A frame that the broker must not take. Once a connection, as above; nobody is told by a message, the other end goes without an ack. */
static void log_frame(struct host *h, const struct guard_who *who, const char *why)
{
    struct conn_state *conn = conns_add(&h->conns, who->client);

    if (conn != NULL && !conn->logged) {
        conn->logged = true;
        host_log(MOSQ_LOG_WARNING, "relay %s: a frame was refused: %s", who->username, why);
    }
}

/* Its first sign of life: the filter that it asks for, or a frame, where a bridge of our own broker asks for nothing. */
static void note_relay(struct conn_state *conn, const struct acl_client *client)
{
    conn->user = client->user;
    conn->device = client->device;
    if (!conn->relay) {
        conn->relay = true;
        host_log(MOSQ_LOG_NOTICE, "relay %.*s connected", (int)client->user.len, client->user.text);
    }
}

/* An empty frame from the hub. A site that does not see its pipe, because that is a bridge of its own broker, learns of it by this. */
static void wake_site(const struct acl_client *client)
{
    struct fp_topic down = {.kind = FP_TOPIC_RELAY_DOWN, .a = client->user};
    char topic[FP_TOPIC_MAX];

    if (fp_topic_build(&down, topic, sizeof topic) > 0) {
        (void)mosquitto_broker_publish_copy(NULL, topic, 0, "", 0, false, NULL); /* lost as any frame may be; the site goes without */
    }
}

/*
 * A relay begins to listen. The engine of a site says hello then, so it gets an empty frame, and with it the end of the connection later.
 * Without room for that the filter is refused: who carries the frames asks again.
 */
static bool begin_relay(struct host *h, const struct guard_who *who)
{
    const char *why = NULL;
    const struct acl_client *client = guard_client(&h->guard, who, &why);
    struct conn_state *conn = client ? conns_add(&h->conns, who->client) : NULL;

    if (conn == NULL) {
        return false;
    }
    if (client->trunk == ACL_TRUNK_AT_SITE) {
        struct source_item item = {.kind = SOURCE_MESSAGE, .topic = FP_TOPIC_RELAY_DOWN, .user = client->user, .device = client->device};
        if (!push(h, who, &item)) {
            return false;
        }
    } else {
        wake_site(client);
    }
    note_relay(conn, client);
    return true;
}

static void hear_relay(struct host *h, const struct guard_who *who)
{
    const char *why = NULL;
    const struct acl_client *client = guard_client(&h->guard, who, &why);
    struct conn_state *conn = client && client->trunk != ACL_TRUNK_NONE ? conns_find(&h->conns, who->client) : NULL;

    if (conn != NULL) {
        note_relay(conn, client);
    }
}

/* ------------------------------------------------------------------ access */

static int verdict_code(struct host *h, const struct guard_who *who, enum acl_verdict verdict, const char *why)
{
    switch (verdict) {
    case ACL_ALLOW:
        return MOSQ_ERR_SUCCESS;
    case ACL_FOREIGN:
        return foreign(h);
    case ACL_DENY:
        if (why != NULL) {
            log_names(h, who, why);
        }
        return MOSQ_ERR_ACL_DENIED;
    case ACL_REFUSE:
        return MOSQ_ERR_ACL_DENIED;
    }
    return MOSQ_ERR_ACL_DENIED;
}

static int check_read(struct host *h, const struct guard_who *who, const struct guard_publish *p)
{
    const char *why = NULL;
    enum acl_verdict verdict = guard_read(&h->guard, who, p, &why);

    if (h->turn.delivering) {
        h->turn.delivered = clock_mono();
    }
    if (h->turn.checking.us > 0) {
        h->turn.checking = h->turn.delivering ? h->turn.delivered : clock_mono(); /* a will of one whom the check has ended */
    }
    return verdict_code(h, who, verdict, why);
}

static int check_write(struct host *h, const struct guard_who *who, const struct guard_publish *p)
{
    const char *why = NULL;
    enum acl_verdict verdict = guard_write(&h->guard, who, p, &why);

    if (verdict == ACL_REFUSE && is_trunk(h, who)) {
        log_frame(h, who, why);
    } else if (verdict == ACL_REFUSE) {
        hand_over_publish(h, who, p, why);
    }
    return verdict_code(h, who, verdict, why);
}

static int check_subscribe(struct host *h, const struct guard_who *who, const char *filter)
{
    const char *why = NULL;
    enum acl_verdict verdict = guard_subscribe(&h->guard, who, filter, &why);

    if (verdict == ACL_ALLOW && is_trunk(h, who) && !begin_relay(h, who)) {
        return MOSQ_ERR_ACL_DENIED;
    }
    return verdict_code(h, who, verdict, why);
}

int hook_acl_check(int event, void *data, void *userdata)
{
    struct mosquitto_evt_acl_check *ed = data;
    struct host *h = userdata;
    (void)event;

    if (ed->access != MOSQ_ACL_READ) {
        h->turn.delivering = false;
    }
    bool below_fp = is_below_fp(ed->topic);
    if (!below_fp && ed->access != MOSQ_ACL_SUBSCRIBE) {
        return foreign(h); /* a filter may have fp/ behind $share/ */
    }
    struct guard_who who = who_is(ed->client);
    struct guard_publish p = {.topic = ed->topic, .payload = fp_bytes_of(ed->payload, ed->payloadlen), .qos = ed->qos, .retain = ed->retain};
    switch (ed->access) {
    case MOSQ_ACL_READ:
        return check_read(h, &who, &p);
    case MOSQ_ACL_WRITE:
        return check_write(h, &who, &p);
    case MOSQ_ACL_SUBSCRIBE:
        return check_subscribe(h, &who, ed->topic);
    case MOSQ_ACL_UNSUBSCRIBE:
        return MOSQ_ERR_SUCCESS;
    default:
        return MOSQ_ERR_ACL_DENIED; /* a kind of access that we do not know */
    }
}

/* ------------------------------------------------------------------ messages */

int hook_message(int event, void *data, void *userdata)
{
    struct mosquitto_evt_message *ed = data;
    struct host *h = userdata;
    const char *why = NULL;
    (void)event;

    h->turn.delivering = false;
    h->turn.checking.us = 0;
    waker_busy(&h->engine.waker);
    if (!is_below_fp(ed->topic)) {
        return MOSQ_ERR_SUCCESS;
    }
    struct guard_who who = who_is(ed->client);
    struct guard_publish p = {.topic = ed->topic, .payload = fp_bytes_of(ed->payload, ed->payloadlen), .qos = ed->qos, .retain = ed->retain};
    if (guard_write(&h->guard, &who, &p, &why) != ACL_ALLOW) {
        return MOSQ_ERR_ACL_DENIED; /* a bridge: the broker asks nobody whether it may */
    }
    const struct fp_topic *topic = guard_topic(&h->guard, ed->topic);
    if (topic != NULL && topic->kind != FP_TOPIC_DEVICE_STATUS) {
        hand_over_publish(h, &who, &p, NULL);
        hear_relay(h, &who);
    }
    return MOSQ_ERR_SUCCESS; /* nobody may read up, now and blob, so the broker delivers them to nobody */
}

/* The loop looks for silent clients after TICK and what that one published, and then waits for its sockets: one check ends many. */
static bool in_check(struct host *h, struct fp_mono now)
{
    bool yes = h->turn.checking.us > 0 && now.us - h->turn.checking.us < CHECK_GAP_US;

    h->turn.checking = yes ? now : (struct fp_mono){0};
    return yes;
}

int hook_disconnect(int event, void *data, void *userdata)
{
    struct mosquitto_evt_disconnect *ed = data;
    struct host *h = userdata;
    const struct conn_state *conn = conns_find(&h->conns, ed->client);
    struct fp_mono now = clock_mono();
    bool checked = in_check(h, now);
    (void)event;

    h->turn.delivering = false;
    if (conn == NULL) {
        return MOSQ_ERR_SUCCESS;
    }
    if (conn->relay) {
        host_log(MOSQ_LOG_WARNING, "relay %.*s lost", (int)conn->user.len, conn->user.text);
    }
    rights_gone(&h->rights, &conn->device); /* the engine takes it back as well, a moment later */
    if (conn->told) {
        struct source_item item = {
            .kind = SOURCE_DISCONNECT,
            .user = conn->user,
            .device = conn->device,
            .conn = conn->number,
            .end = conns_end_of(conn, mosquitto_client_keepalive(ed->client), now, checked),
        };
        inlet_push_disconnect(&h->engine.inlet, &item);
    }
    conns_remove(&h->conns, ed->client);
    return MOSQ_ERR_SUCCESS;
}
