/*
 * client_impl.h: the client's inside, shared by its parts.
 *
 * Shape       session.c brings the link up and takes packets apart, uplink.c sends what is queued, inbox.c takes what comes, follow.c asks for what
 *             is missing, receipts.c tells how far we are, hubclock.c knows the hub's time, out.c writes.
 * Invariants  I1 follows[] ascends in the order of fp_id_before(), each conversation once.
 *             I2 nothing but hello leaves before the welcome; nothing is handed out before it either (the epoch is not known).
 *             I3 between fp_out_begin() and fp_out_end() nothing is told to the application.
 */
#ifndef FIRMWARE_CLIENT_CORE_CLIENT_IMPL_H
#define FIRMWARE_CLIENT_CORE_CLIENT_IMPL_H

#include "firmware-client/core/mqtt.h"
#include "firmware-client/core/outbox.h"

#define FP_NEVER UINT64_MAX
#define FP_SECOND_US 1000000ULL
#define FP_HOLE_US 500000ULL             /* CONTRACT: a hole open for so long is asked for */
#define FP_ANSWER_US (10 * FP_SECOND_US) /* without an answer for so long we ask, or send, again */
#define FP_GETS_MAX 4
#define FP_PUBLISH_BYTES 68 /* the header of a PUBLISH on .../up at its longest, and an array's */

enum fp_follow_flag {
    FP_FOLLOW_SUBSCRIBED = 1, /* its scope's filters were sent on this connection */
    FP_FOLLOW_NAMED = 2,      /* by the welcome that is being read */
    FP_FOLLOW_ASKED = 4,      /* a get, or a cursor in hello, is unanswered until due_us */
    FP_FOLLOW_BEHIND = 8,     /* FP_NOTICE_CAUGHT_UP is owed */
    FP_FOLLOW_FETCH = 16,     /* what is asked for is the application's fetch */
    FP_FOLLOW_TOLD = 32,      /* its cursor was in hello */
    FP_FOLLOW_NEW = 64,       /* met for the first time; from_head waits for its head */
    FP_FOLLOW_PRIVATE = 128,  /* its read horizon is for our own devices only */
    FP_FOLLOW_REFUSED = 256,  /* the broker refused its scope's filters */
};

struct fp_follow {
    struct fp_conv pub;
    uint64_t page_at; /* the next page of what is asked for begins behind this */
    uint64_t due_us;  /* FP_NEVER: nothing to ask for */
    uint64_t counted; /* up to here unread was counted by the hub */
    uint64_t saved;   /* cursor on the storage */
    uint64_t told_stored, told_read;
    uint16_t sub_id; /* packet id of its SUBSCRIBEs */
    uint16_t flags;
};

struct fp_tracked {
    uint64_t ticket; /* 0: free */
    uint64_t seq;
    struct fp_id conv;
    uint8_t state;
};

struct fp_life { /* of a queued command, in this run */
    uint32_t born_ms;
    uint32_t ttl_s; /* UINT32_MAX: none */
};

struct fp_fetching {
    struct fp_id conv; /* none: nothing is asked for */
    uint64_t after, upto;
};

enum fp_step { /* of a connection, in this order */
               FP_STEP_CLOSED,
               FP_STEP_OPENING,
               FP_STEP_CONNACK,
               FP_STEP_STATUS,
               FP_STEP_SUB_DOWN,
               FP_STEP_SUB_USER,
               FP_STEP_SUB_SCOPES,
               FP_STEP_HELLO,
               FP_STEP_WELCOME,
               FP_STEP_ONLINE,
               FP_STEP_LEAVING,
};

struct fp_client {
    struct fp_client_config config;
    struct fp_id user, device;
    struct fp_outbox box;
    struct fp_life *lives; /* parallel to box.slots */
    struct fp_follow *follows;
    struct fp_tracked *tracked;
    uint8_t *reorder;
    uint8_t *rx;
    size_t follow_count, tracked_at, reorder_len, rx_len;
    struct fp_mqtt_reader reader;
    struct fp_mqtt_out tx;
    uint64_t now;    /* us */
    uint64_t due;    /* when poll() wants to be called again */
    uint64_t run_us; /* when the run began */

    enum fp_link link;
    enum fp_step step;
    bool wanted, leave, ping_sent, time_asked, blocked, scopes_due, receipts_off, has_ttl, has_time;
    uint32_t attempt;
    uint64_t retry_at, attempt_at, step_due, online_at, last_rx, said_at;
    uint16_t packet_id;
    struct fp_limits limits;

    uint64_t up_next;    /* ticket that is sent next */
    uint64_t up_due;     /* what is under way is sent again */
    uint64_t up_hold;    /* nothing is sent before */
    uint64_t up_back;    /* the last ticket that we went back to because a later one was answered */
    uint64_t up_relayed; /* below it all is settled, or a site has it in custody and said so on this connection */
    uint64_t up_probe;
    uint64_t rate_at; /* when the hub's bucket is full again (GCRA) */
    uint64_t ttl_due;
    uint32_t up_attempt;

    uint64_t follow_due, subs_due, save_due, receipts_due, receipts_at, storage_told;
    uint32_t gets;
    struct fp_fetching fetch;
    struct fp_id typing_conv;
    uint64_t typing_until;
    uint64_t time_due, time_us, time_sent, time_error_ms;
    struct fp_wall time_at;
};

static inline uint64_t fp_max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}
static inline uint64_t fp_min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}
static inline void fp_due(struct fp_client *c, uint64_t us)
{
    c->due = fp_min_u64(c->due, us);
}
static inline bool fp_is_online(const struct fp_client *c)
{
    return c->step == FP_STEP_ONLINE;
}
/* Pages of the usual size do not fit: ask for small ones, one at a time. */
static inline bool fp_is_small(const struct fp_client *c)
{
    return c->config.rx_bytes < FP_PAGE_BYTES_MAX + 512;
}
static inline void fp_tell(struct fp_client *c, const struct fp_notice *n)
{
    c->config.notify(c->config.notify_ctx, n);
}

/* ------------------------------------------------------------------ out.c */

struct fp_message {
    struct fp_mqtt_publish publish;
    char topic[FP_TOPIC_MAX];
};
uint16_t fp_out_id(struct fp_client *c);
/* A PUBLISH of this device's topic; false if it does not fit now. */
bool fp_out_begin(struct fp_client *c, struct fp_message *m, enum fp_topic_kind kind, struct fp_enc *out);
bool fp_out_end(struct fp_client *c, const struct fp_message *m, const struct fp_enc *e); /* false, and nothing was sent, if e failed */
/* {1: kind, ? 3: conv, ? 10: and what follows} */
void fp_out_head(struct fp_enc *e, uint64_t kind, const struct fp_id *conv, bool body);
bool fp_out_plain(struct fp_client *c, uint64_t kind); /* a command of nothing but its kind */
bool fp_out_status(struct fp_client *c, const char *word);
bool fp_out_subscribe_scope(struct fp_client *c, struct fp_follow *f);
void fp_out_unsubscribe_scope(struct fp_client *c, const struct fp_id *scope);
/* Takes a token of the hub's command rate; false: not before *out_at. */
bool fp_rate_take(struct fp_client *c, uint64_t *out_at);

/* ------------------------------------------------------------------ session.c, packet.c */

void fp_session_work(struct fp_client *c);
void fp_session_flush(struct fp_client *c);
void fp_session_drop(struct fp_client *c, enum fp_err err, const char *why);
void fp_session_leave(struct fp_client *c);
void fp_session_online(struct fp_client *c);
void fp_packet_read(struct fp_client *c);
void fp_storage_failed(struct fp_client *c, enum fp_err err);

/* ------------------------------------------------------------------ uplink.c, answers.c */

void fp_uplink_start(struct fp_client *c);
void fp_uplink_answered(struct fp_client *c, uint64_t last); /* ticket */
void fp_uplink_work(struct fp_client *c);
void fp_uplink_expire(struct fp_client *c);
struct fp_outcome {
    enum fp_send_signal signal;
    enum fp_err err;
    struct fp_bytes text;
    const struct fp_id *conv; /* may be NULL */
    uint64_t seq;
};
/* Something has happened to a pending command. */
void fp_uplink_settle(struct fp_client *c, uint64_t ticket, const struct fp_outcome *o);
void fp_answers_ack(struct fp_client *c, struct fp_reply *r);
void fp_answers_nack(struct fp_client *c, const struct fp_nack *n);

/* ------------------------------------------------------------------ follow.c, inbox.c, reorder.c */

struct fp_follow *fp_follow_find(const struct fp_client *c, const struct fp_id *conv);
struct fp_follow *fp_follow_get(struct fp_client *c, const struct fp_id *conv, const struct fp_id *scope); /* NULL: no room, told */
void fp_follow_forget(struct fp_client *c, struct fp_follow *f);
void fp_follow_forget_all(struct fp_client *c);
void fp_follow_restore(struct fp_client *c);
void fp_follow_head(struct fp_client *c, struct fp_follow *f, uint64_t head);
void fp_follow_check(struct fp_client *c, struct fp_follow *f);
void fp_follow_wait(struct fp_client *c, struct fp_follow *f, uint64_t due_us);
void fp_follow_answered(struct fp_client *c, struct fp_follow *f);
void fp_follow_work(struct fp_client *c);
void fp_follow_lost(struct fp_client *c); /* the link is down: nothing is under way */
void fp_follow_tell(struct fp_client *c, const struct fp_follow *f);
void fp_inbox_down(struct fp_client *c, struct fp_bytes payload);
void fp_inbox_down_skipped(struct fp_client *c);
void fp_inbox_topic(struct fp_client *c, const struct fp_topic *t, struct fp_bytes payload);
void fp_inbox_drain(struct fp_client *c, struct fp_follow *f);
void fp_inbox_event(struct fp_client *c, struct fp_bytes one, bool in_page);
void fp_welcome(struct fp_client *c, struct fp_reply *r);
void fp_page(struct fp_client *c, const struct fp_page *p);

void fp_reorder_put(struct fp_client *c, const struct fp_id *conv, uint64_t seq, struct fp_bytes one);
bool fp_reorder_peek(const struct fp_client *c, const struct fp_id *conv, uint64_t seq, struct fp_bytes *out_one);
void fp_reorder_drop(struct fp_client *c, const struct fp_id *conv, uint64_t upto); /* those of conv with seq <= upto */

/* ------------------------------------------------------------------ receipts.c, hubclock.c */

void fp_receipts_work(struct fp_client *c);
void fp_receipts_track(struct fp_client *c, uint64_t ticket, const struct fp_id *conv, uint64_t seq);
void fp_receipts_take(struct fp_client *c, const struct fp_id *conv, struct fp_bytes payload);
void fp_receipts_save(struct fp_client *c); /* cursors to the storage */
void fp_save_later(struct fp_client *c);
uint64_t fp_ms_of(uint64_t us);
void fp_hubclock_work(struct fp_client *c);
void fp_hubclock_set(struct fp_client *c, struct fp_wall at, uint64_t error_ms);
void fp_hubclock_reply(struct fp_client *c, uint64_t echo, uint64_t received_ms, uint64_t sent_ms);

#endif
