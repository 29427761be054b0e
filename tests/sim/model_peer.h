/*
 * model_peer.h: one client core, its storage and a scripted peer (broker and hub in one) in one block of memory that can be copied, to explore
 * orders.
 *
 * Shape       model_peer.c: the ports. model_hub.c: the peer; it answers CONNECT, SUBSCRIBE, hello, get and pings at once, and what becomes of a
 *             command is the model's choice. model_act.c: what can happen. model_states.c: in all orders, and what must be true.
 * Memory      all in struct model, which must stay where it is; saving and restoring it is a memcpy
 */
#ifndef TESTS_SIM_MODEL_PEER_H
#define TESTS_SIM_MODEL_PEER_H

#include "firmware-client/core/mqtt.h"
#include "firmware-client/include/fieldpost.h"

#define MODEL_CMDS 2
#define MODEL_NS 24 /* command numbers that the peer has ever seen */
#define MODEL_FLASH 1536
#define MODEL_SECTOR 512
#define MODEL_MEMORY 16384
#define MODEL_PIPE 8192
#define MODEL_TOKEN_KEY 90

enum model_outcome {
    MODEL_OPEN,
    MODEL_COMMITTED,
    MODEL_REFUSED,
};

struct model_n { /* what the hub knows of a command number */
    enum model_outcome outcome;
    size_t cmd;
    uint64_t seq;
    bool here; /* came on this connection, and no answer was told since */
};

struct model_cmd {
    bool accepted, cancelled, failed, sent, answered;
    enum fp_err err;
    uint64_t ticket, seq;
    enum fp_send_state state; /* in this run */
};

struct model {
    uint64_t memory[MODEL_MEMORY / 8];
    struct fp_client *c;
    struct fp_mono now, due;
    /* storage */
    uint8_t flash[MODEL_FLASH], safe[MODEL_FLASH];
    /* transport */
    bool refuse, open, broken;
    uint8_t to_client[MODEL_PIPE], to_peer[MODEL_PIPE];
    size_t to_client_len, to_peer_len;
    struct fp_mqtt_reader reader;
    uint16_t packet_id;
    /* the hub */
    uint64_t next_n, head;
    struct model_n ns[MODEL_NS];
    uint64_t event_n[MODEL_NS]; /* by seq */
    uint64_t session;
    uint64_t delivered, read;
    /* the application */
    struct model_cmd cmds[MODEL_CMDS];
    size_t cmd_count;
    uint64_t cursor;
};

extern struct model model;

void model_fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
void model_notify(void *ctx, const struct fp_notice *n); /* the explorer's */

/* ------------------------------------------------------------------ the ports and the client */
void model_start(void);  /* erased storage, online, one conversation with one event of somebody else */
void model_open(void);   /* the client on what the storage holds */
void model_settle(void); /* until nobody has anything to do now */
bool model_online(void); /* lets time pass until it is, for at most a while */

/* ------------------------------------------------------------------ the hub */
bool model_run_peer(void);      /* reads what the client has written; was there anything? */
uint64_t model_waiting_n(void); /* the lowest that came on this connection and can be answered now; 0 */
uint64_t model_commit(uint64_t n);
void model_tell_ack(uint64_t n, bool relay);
void model_tell_nack(uint64_t n, enum fp_err code, bool retry, uint64_t next);
void model_tell_event(uint64_t seq, bool page);
void model_tell_receipts(uint64_t delivered, uint64_t read);

/* ------------------------------------------------------------------ what can happen */
enum model_action {
    MODEL_SEND,
    MODEL_ACK,
    MODEL_ACK_AGAIN,
    MODEL_ACK_RELAY,
    MODEL_NACK,
    MODEL_NACK_RETRY,
    MODEL_COMMIT, /* and the answer is lost */
    MODEL_PAGE,
    MODEL_ECHO,
    MODEL_DELIVERED,
    MODEL_READ,
    MODEL_CUT,
    MODEL_RECONNECT,
    MODEL_CRASH_LOSING,
    MODEL_CRASH_KEEPING,
    MODEL_CANCEL,
    MODEL_ACTIONS
};
struct model_act {
    const char *name;
    bool (*act)(void); /* false: it cannot happen now */
};
extern const struct model_act model_acts[MODEL_ACTIONS];

void model_check_outbox(bool reopened); /* the explorer's */

#endif
