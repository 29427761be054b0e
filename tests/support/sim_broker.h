/*
 * sim_broker.h: an MQTT 3.1.1 broker with the hub inside, for simulations: speaks bytes to clients over sim_net, runs hub turns, delivers what the
 * hub tells.
 *
 * Shape       sim_broker.c: connections and packets. sim_route.c: the hub, rights, retained messages, delivery.
 *             No sessions: clean_session 0 is answered with session present 0. QoS 2 ends the connection. Access rules are the plugin's own (acl.h),
 *             checked at each publish, subscription and delivery. At most 20 deliveries without a PUBACK a connection; the others wait.
 * Invariants  the same seed and the same calls do the same
 * Memory      from malloc; no memory ends the program
 */
#ifndef TESTS_SUPPORT_SIM_BROKER_H
#define TESTS_SUPPORT_SIM_BROKER_H

#include "firmware-client/core/mqtt.h"
#include "tests/support/hub_kit.h"
#include "tests/support/sim_net.h"

#define SIM_IN_BYTES 300000U
#define SIM_SUBS_MAX 64

struct sim_watch { /* what a simulation wants to see; any may be NULL */
    void *ctx;
    void (*uplink)(void *ctx, const struct fp_id *device, enum fp_topic_kind topic, struct fp_bytes payload);
    void (*committed)(void *ctx); /* after each turn, before anything of it is told */
};

struct sim_out { /* a delivery that waits */
    struct sim_out *next;
    char topic[FP_TOPIC_MAX];
    uint8_t *payload;
    size_t len;
    uint8_t qos;
    bool retain;
};

struct sim_sub {
    char filter[FP_TOPIC_MAX];
    uint8_t qos;
};

struct sim_peer { /* a connection */
    struct sim_peer *next;
    struct sim_conn *conn; /* NULL: closed, about to be freed */
    uint64_t number;
    bool connected;
    struct fp_id user, device;
    char will_topic[FP_TOPIC_MAX];
    uint8_t *will;
    size_t will_len;
    uint8_t will_qos;
    bool will_retain;
    uint64_t keepalive_us, last_us;
    uint64_t alive_us, said_us; /* what it has promised, and its last publish */
    struct fp_mqtt_reader reader;
    uint8_t *in;
    size_t in_len;
    struct sim_sub subs[SIM_SUBS_MAX];
    size_t sub_count;
    struct sim_out *out, **out_end;
    uint16_t next_id;
    unsigned inflight;
};

struct sim_right {
    enum tell_kind kind;
    struct fp_id id, user;
    bool allowed;
};

struct sim_broker {
    struct kit kit;
    struct sim_net *net;
    struct sim_random random;
    struct sim_watch watch;
    struct sim_peer *peers;
    struct sim_out *retained;
    struct sim_right *rights;
    size_t right_count, right_cap;
    uint64_t conn_next;
    uint64_t turn_us;         /* when the items that wait are run; 0: none wait */
    uint64_t turn_delay_us;   /* at most so long do they wait */
    unsigned drop_per_mille;  /* of the deliveries that are no replies: a queue that overflows */
    unsigned fault_per_mille; /* of the turns meet a store that fails at one call */
    uint64_t refused;         /* publishes and subscriptions that the access rules denied */
};

enum sim_crash {
    SIM_CRASH_BEFORE,    /* what waits is lost */
    SIM_CRASH_COMMITTED, /* it is committed, and nothing of it told */
    SIM_CRASH_TELLING,   /* some of it is told */
    SIM_CRASHES
};

void sim_broker_open(struct sim_broker *b, struct sim_net *net, uint64_t seed, struct sim_watch watch);
void sim_broker_close(struct sim_broker *b);
void sim_broker_run(struct sim_broker *b); /* all that is there and due by now */
uint64_t sim_broker_next_us(const struct sim_broker *b);
void sim_broker_crash(struct sim_broker *b, enum sim_crash how);

/* ------------------------------------------------------------------ between the two files */

struct sim_publish {
    const char *topic;
    struct fp_bytes payload;
    uint8_t qos;
    bool retain;
};

void sim_peer_drop(struct sim_broker *b, struct sim_peer *p, bool with_will);
void sim_peer_flush(struct sim_broker *b, struct sim_peer *p); /* writes what may be delivered now */
void sim_peer_send(struct sim_peer *p, const struct sim_out *m);

void sim_route_start(struct sim_broker *b); /* rights as the store knows them */
void sim_route_item(struct sim_broker *b, const struct sim_peer *p, enum source_kind kind, enum fp_topic_kind topic, struct fp_bytes payload);
void sim_route_turn(struct sim_broker *b);
void sim_route_tell(struct sim_broker *b, size_t upto); /* the first tells of the turn */
void sim_route_publish(struct sim_broker *b, const struct sim_publish *p);
void sim_route_client_publish(struct sim_broker *b, const struct sim_peer *p, const struct sim_publish *pub);
bool sim_route_subscribe(struct sim_broker *b, const struct sim_peer *p, const char *filter);
void sim_route_retained(struct sim_broker *b, struct sim_peer *p, const struct sim_sub *s);
bool sim_route_may_read(struct sim_broker *b, const struct sim_peer *p, const struct sim_out *m);
void sim_route_fini(struct sim_broker *b);
void sim_out_free_all(struct sim_out **list);

#endif
