/*
 * load.h: groups of clients that send and receive, through a hub or straight through the broker.
 *
 * Shape       a group is a conversation (hub) or a topic (bare). In a pair the first member sends and the second receives; in a room
 *             everyone does both. Closed loop: each sender keeps `window` messages on the way. Open loop (window 0): messages leave
 *             on a schedule, and latencies count from the schedule, so that a late sender cannot hide a wait.
 * Invariants  L1 a message is done when the hub's ack (bare: the PUBACK) is there; acks come in order, once each.
 *             L2 every receiver gets every message of its group once: in a hub seq without a hole and the same set of seq that was
 *                acknowledged, bare the numbers of each sender without a hole. Anything else ends the run.
 * Thread      one
 */
#ifndef TESTS_BENCH_LOAD_H
#define TESTS_BENCH_LOAD_H

#include "tests/bench/client.h"
#include "tests/bench/counters.h"
#include "tests/bench/measure.h"
#include "tests/bench/wire.h"

#define MEMBERS_MAX 16
#define ARRAY_MAX FP_BATCH_COMMANDS_MAX
#define DUE_RING 4096 /* messages of one sender that may be on the way in an open loop */

struct load_config {
    int port;
    int broker_pid; /* whose CPU time to measure; 0 = nobody's */
    bool hub;
    bool probe;     /* no hub, but tick_probe */
    bool unwatched; /* no operator listens */
    bool room;
    unsigned groups;
    unsigned first;   /* number of the first group: its names follow from it */
    unsigned members; /* of a group */
    unsigned window;
    unsigned array;     /* commands in one publish, at most */
    double rate_per_s;  /* open loop, all senders together */
    uint64_t limit;     /* messages a sender; 0 = as many as the time allows */
    const char *reader; /* one more user to let into each conversation; NULL = none */
    double warm_s, measure_s;
};

struct peer;
struct load;

struct group {
    struct fp_id conv, scope;
    struct peer *peers;
    unsigned count;
    bool created;
    uint64_t created_seq; /* events up to here are its making, not the load */
    struct tally acked;   /* seq of the messages acknowledged */
};

struct peer {
    struct load *load;
    struct group *group;
    struct client *client;
    unsigned number; /* among all */
    bool sends, receives;
    char topic[FP_TOPIC_MAX]; /* where it publishes */
    /* sending */
    bool welcomed;
    uint64_t first_n; /* of message 0 */
    uint64_t sent, done;
    uint64_t *due_ns; /* DUE_RING; open loop only */
    int *mids;        /* DUE_RING; bare only */
    struct msg_template msg;
    char text[TEXT_BYTES]; /* bare only */
    /* receiving */
    uint64_t last_seq;
    struct tally got;
    uint64_t next_index[MEMBERS_MAX]; /* by the sender's place in the group */
};

struct load {
    struct load_config config;
    struct loop loop;
    struct group *groups;
    struct peer *peers;
    unsigned peer_count;
    unsigned sender_count;
    unsigned receivers_a_message;
    bool sending;
    uint64_t from_ns, to_ns; /* open loop: which due times count */
    uint64_t sent, done, delivered, publishes;
    struct samples ack_us, event_us;
    struct counters counters;
};

extern const struct client_ops peer_ops;

/* join.c: connects, says hello, makes the conversations, subscribes. */
void load_join(struct load *l);
/* peer.c: fills the sender's window (closed loop), or sends one message that was due then. */
void peer_refill(struct peer *p);
void peer_send_due(struct peer *p, uint64_t due_ns);
/* Ends the run unless L2 holds now that nothing is on the way. */
void peer_check(const struct peer *p);
/* load.c: the whole run; prints one line of JSON. */
void load_run(const struct load_config *config);

#endif
