/*
 * storm.h: N client cores against the hub core, over a network that breaks, on storage that loses what was not synced.
 *
 * Shape       storm_world.c: the clock, devices, conversations. storm_app.c: the application on each device, and what it is told. storm_act.c:
 *             what happens by chance. storm_check.c: what must be true. storm_mirror.c: all events that the store has committed, and whose they are.
 * Invariants  a seed replays bit for bit: storm_hash() is over all bytes moved and all notices
 */
#ifndef TESTS_SIM_STORM_H
#define TESTS_SIM_STORM_H

#include "tests/support/sim_broker.h"
#include "tests/support/sim_flash.h"

#define STORM_DEVICES 5
#define STORM_USERS 3
#define STORM_CONVS 3
#define STORM_EVENTS 4096 /* of one conversation */
#define STORM_CMDS 8192
#define STORM_BODY 2200
#define STORM_SPELLS 64
#define STORM_BY_HUB SIZE_MAX /* storm_event.cmd: no command of a device, but the hub deletes what lasts no longer */
#define STORM_TOKEN_KEY 90    /* in each body: which command it is; nobody else knows this key */

enum storm_fate {
    CMD_ACCEPTED,
    CMD_MAYBE, /* the power went, or the storage failed, while it was accepted: the next start shows */
    CMD_VOID,  /* refused at once: nobody may ever see it */
};

struct storm_cmd {
    size_t device;
    enum storm_fate fate;
    uint64_t kind;
    size_t conv;
    uint64_t ticket;
    uint64_t seen; /* what the application had seen of the conversation */
    bool has_ttl, cancelled, failed, sent;
    uint64_t lasts_us;        /* of has_ttl: until then, by the clock of the simulation */
    bool doubtful;            /* its cancel failed: the next start shows */
    enum fp_err err;          /* of failed */
    enum fp_send_state state; /* in this run */
    bool answered;            /* in this run: sent or failed */
    bool listed;              /* in the walk over the outbox that is under way */
    uint64_t store_seq;       /* where it is in the store; 0: it is not */
    uint8_t body[STORM_BODY];
    size_t body_len;
};

struct storm_event { /* of the mirror */
    uint8_t *bytes;
    size_t len;
    size_t cmd;
    uint64_t n;
    uint64_t deleted_at; /* by which event; 0: it stands */
};

struct storm_spell {           /* of membership */
    uint64_t change, from, to; /* to UINT64_MAX: it lasts */
};

struct storm_conv {
    struct fp_id id, scope;
    uint64_t head;
    struct storm_event events[STORM_EVENTS + 1];
    struct storm_spell spells[STORM_USERS][STORM_SPELLS];
    size_t spell_count[STORM_USERS];
};

struct storm_shelf {                /* what the application has of one conversation */
    bool known;                     /* the client follows it */
    uint64_t cursor;                /* handed to us in this run, contiguous */
    uint64_t base;                  /* where our holdings begin: all above it up to the cursor is ours */
    bool disk_known;                /* something of it is on our disk: */
    uint64_t disk;                  /* up to here, at the highest */
    uint64_t disk_last;             /* what we said last */
    uint64_t disk_base;             /* base, as on our disk */
    uint8_t have[STORM_EVENTS + 1]; /* 1: in memory, 2: on disk */
};

struct storm;

struct storm_device {
    struct storm *st;
    size_t index, user;
    char name[16];
    struct fp_client *c; /* NULL: it is off */
    struct fp_client_config config;
    struct sim_flash flash;
    struct fp_mono due; /* poll */
    uint64_t polls_at;  /* polls at this moment of the clock */
    uint64_t stuck_us;  /* it was polled then, and moved nothing: */
    uint64_t stuck_at;  /* sim_net_moved() */
    bool clean;         /* it was closed in good order */
    bool failing;       /* FP_NOTICE_STORAGE */
    uint64_t last_ticket;
    uint64_t back_us; /* when it is switched on again */
    uint64_t away_until_us;
    struct storm_shelf shelves[STORM_CONVS];
};

struct storm_stats {
    uint64_t sent, failed, events, crashes, hub_crashes, cuts, cancels, fetched, snapshots, skipped, retries, clean_closes, deleted;
};

struct storm {
    uint64_t seed;
    uint64_t step;
    bool verbose, calm;
    struct sim_random random;
    struct sim_net *net;
    struct sim_broker broker;
    struct storm_device devices[STORM_DEVICES];
    size_t device_count, user_count, conv_count;
    struct storm_conv convs[STORM_CONVS];
    struct storm_cmd *cmds;
    size_t cmd_count;
    uint64_t hash;
    struct storm_stats stats;
};

/* Prints the seed and how to replay it, and ends the program. */
void storm_fail(const struct storm *st, const char *format, ...) __attribute__((format(printf, 2, 3), noreturn));
void storm_log(const struct storm *st, const char *format, ...) __attribute__((format(printf, 2, 3)));
extern const struct storm *storm_current; /* for the handler of asserts */

/* ------------------------------------------------------------------ world */
struct storm *storm_new(uint64_t seed, bool verbose);
void storm_free(struct storm *st);
uint64_t storm_hash(const struct storm *st);
void storm_pass(struct storm *st, uint64_t us); /* runs all until then */
void storm_hub_crash(struct storm *st);
bool storm_conv_find(const struct storm *st, const struct fp_id *id, size_t *out);
const char *storm_user_name(size_t user);

/* ------------------------------------------------------------------ the application on a device */
void storm_device_open(struct storm_device *d);
void storm_device_crash(struct storm_device *d); /* the power goes */
void storm_device_close(struct storm_device *d); /* in good order */
void storm_notify(void *ctx, const struct fp_notice *n);
void storm_store_all(struct storm_device *d, size_t conv);              /* on our disk, then told */
size_t storm_cmd_of_body(const struct storm *st, struct fp_bytes body); /* SIZE_MAX: none of ours */
/* Builds a body and queues it. */
void storm_say(struct storm_device *d, size_t conv, size_t text_len, uint64_t ttl_s);
void storm_conv_new(struct storm_device *d, size_t conv);
void storm_member(struct storm_device *d, size_t conv, uint64_t kind, size_t user);

/* ------------------------------------------------------------------ chance */
void storm_act(struct storm *st);

/* ------------------------------------------------------------------ what must be true */
void storm_mirror(void *ctx);                                                                                /* after each turn of the hub */
void storm_uplink(void *ctx, const struct fp_id *device, enum fp_topic_kind topic, struct fp_bytes payload); /* L5 */
bool storm_is_event(const struct storm *st, size_t conv, uint64_t seq, struct fp_bytes bytes);               /* as it was or is */
bool storm_may_see(const struct storm *st, size_t conv, size_t user, uint64_t seq);
bool storm_is_floor(const struct storm *st, size_t conv, size_t user, uint64_t floor);
const struct storm_spell *storm_member_now(const struct storm *st, size_t conv, size_t user); /* NULL: none */
void storm_check_pending(struct storm_device *d, bool after_open);
void storm_check_step(struct storm *st);
bool storm_is_quiet(struct storm *st);
void storm_say_why(struct storm *st) __attribute__((noreturn));
void storm_check_end(struct storm *st);

#endif
