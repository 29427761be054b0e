/*
 * site.h: what site*.c share: the site's end of the trunk.
 *
 * Shape       custody (site_take.c, site_check.c) writes records into the log and branches beside them; site_send.c puts them on the link; what comes
 *             down is applied (apply*.c) and settles branches (site_settle.c). site.c keeps the session with the hub.
 * Invariants  K1 `next`, `peer` and `log_epoch` are what the store has once the batch is committed; `was` is what it has now.
 *             K2 a record goes from the log when the hub holds it and its branch is settled. A branch that the hub has said nothing of while it
 *                had nothing else to say is asked again, as a new record: the frame that refused it may be lost.
 *             K3 the records of one device are in the order of their n in each lane, and one in a lane that goes out earlier has all open ones of
 *                its device in front of it there.
 *             K4 what the hub numbers on its way down means something in one session only, so each session begins at numbers that were never used.
 */
#ifndef PLUGIN_HUB_SITE_H
#define PLUGIN_HUB_SITE_H

#include "plugin/hub/trunk.h"

#define SITE_LANE_URGENT 0
#define SITE_LANE_STATE 1
#define SITE_LANE_MESSAGES 2
#define SITE_LANE_BULK 3
#define SITE_HELLO_US 5000000U
#define SITE_HELLO_MAX_US 60000000U
#define SITE_OVERTAKE_MAX 32              /* records of a device that its safety message takes along */
#define SITE_ASK_AGAIN_US 30000000U       /* K2 */
#define SITE_GAPS 64                      /* devices of which that is known; of more, it takes longer */
#define SITE_SESSION_NUMBERS (1ULL << 20) /* more than are ever on the way at once */

struct site_counters {
    uint64_t sent, sent_bytes, resent, acked, asked_again;
    uint64_t taken, settled, refused;
    uint64_t doubted; /* of those taken: by what is known here the hub will refuse them */
    uint64_t given_back;
    uint64_t full; /* sent back because of the disk */
    uint64_t applied, apply_failures, malformed;
    uint64_t bad_clock; /* records whose time of custody no clock can tell */
    uint64_t sessions;
};

struct site_state { /* K1 */
    struct store_peer peer;
    uint64_t log_epoch;
    uint64_t next[FP_LANES];
};

struct site_later { /* receipts of events that are not here yet; a newer record takes the place of an older one */
    struct fp_id conv;
    uint64_t upto;
    struct fp_bytes record; /* own_: its rows */
    size_t count;
    UT_hash_handle hh; /* by conv */
};

struct site_block { /* K2: the oldest record of a lane that waits for its outcome */
    uint64_t number;
    uint64_t acked; /* when that was first seen: all up to here has waited as long */
    struct fp_mono since;
};

struct site_gap { /* the hub waits for this n of the device */
    struct fp_id device;
    uint64_t next;
    struct fp_mono since, again_due;
};

struct site {
    struct site_state now, was;
    struct site_counters counters;

    bool attached; /* the pipe is there */
    uint64_t conn;
    bool open;                  /* the hub has welcomed us */
    bool stopped;               /* the hub is not the one that our records are for, or is older than what it has said to have (t-reset, 2) */
    const char *why;            /* the session is about to end: for the log */
    bool tell_held;             /* in the next hello: the hub's memory of what we hold may be wrong */
    bool told_held;             /* in the last one */
    uint64_t hub_start;         /* of the hub that was told; 0: none yet */
    uint64_t hub_had[FP_LANES]; /* it has said so */
    struct fp_mono hello_due, hello_wait, hello_at;
    struct fp_mono heard, applied_at;
    uint64_t rtt_us; /* of hello */

    struct link link;
    size_t frame_bytes;
    uint64_t high[FP_LANES];   /* sent so far, to tell what is sent again */
    uint64_t oldest[FP_LANES]; /* K2: looked at up to here */
    struct site_block blocks[FP_LANES];
    struct fp_mono drop_due; /* UINT64_MAX: nothing waits */
    struct throttle again;   /* what the hub could not take yet is sent again at once, but not over and over */
    uint64_t base[FP_LANES]; /* K4: have, as in the hello */
    struct fp_mono opened_at;

    struct fp_id scopes[HUB_RELAY_SCOPES_MAX];
    size_t scope_count;
    struct site_later *later;

    struct fp_mono live_due, live_full_due, live_told;
    uint64_t live_version;
    struct fp_mono ops_due, prune_due;
    struct fp_mono disk_due;
    unsigned disk; /* percent that are used */
    unsigned disk_level;
    struct site_gap gaps[SITE_GAPS];
};

/* ---- site.c */
enum fp_err site_save_peer(struct hub *h);                              /* now.peer and now.log_epoch, staged */
void site_begin_again(struct hub *h, bool tell_held);                   /* a new session: hello */
void site_line(struct hub *h, enum tell_level level, const char *text); /* for the log, behind the trunk's name */
enum fp_err site_tell_up(struct hub *h, struct fp_enc *e);              /* staged */

/* ---- site_check.c: would the hub refuse it, by what is known here? A peer error then, and x->why. */
enum fp_err site_check(struct hub *h, struct command_ctx *x);

/* ---- site_take.c */
/* Into the log, for the device's n, behind what it has there (K3). branch->lane says where to; number is filled in. */
enum fp_err site_log(struct hub *h, uint8_t lane, const struct fp_record_up *r, uint64_t *out_number);
/* A copy at the end of a lane; the branch goes with it. *out_gone: the record is no longer there. */
enum fp_err site_log_again(struct hub *h, struct store_branch *b, uint8_t lane, bool *out_gone);
enum fp_err site_lane_of(struct hub *h, struct command_ctx *x, uint8_t *out_lane);
enum fp_err site_keep(struct hub *h, struct store_branch *b); /* its event moves to the arena */
enum fp_err site_log_refused(struct hub *h, const struct command_ctx *x, enum fp_err code, uint8_t lane);

/* ---- site_disk.c: 70 % used: less is remembered; 85 %: no bulk; 95 %: no message but safety. What came from the hub is always taken. */
void site_disk(struct hub *h); /* looks, once a second */
/* Why the command has to wait for room; NULL: it has not. */
const char *site_disk_refuses(struct hub *h, const struct command_ctx *x);

/* ---- site_settle.c */
enum fp_err site_refuse(struct hub *h, const struct fp_trunk *t); /* t-refuse */
enum fp_err site_known(struct hub *h, const struct fp_trunk_known *k);
enum fp_err site_again(struct hub *h, const struct store_branch *b);

/* For good; or, where the nack says so, to be sent again. */
enum fp_err site_settle_refused(struct hub *h, struct store_branch *b, const struct fp_nack *nack);
enum fp_err site_again_now(struct hub *h, const struct store_branch *b);

/* ---- site_gap.c: the hub lacks what came before it: asked for again, or given back to the device where nothing here can fill the gap */
enum fp_err site_gap(struct hub *h, const struct store_branch *b, uint64_t next_n);

/* ---- site_frame.c */
enum fp_err site_down(struct hub *h, const struct fp_trunk_batch *b);
void site_live_in(struct hub *h, struct fp_trunk_live *l);

/* ---- site_send.c */
enum fp_err site_send(struct hub *h);
bool site_has_work(const struct hub *h);
enum fp_err site_drop(struct hub *h); /* K2 */

/* ---- site_live.c, site_ops.c */
enum fp_err site_live(struct hub *h);
enum fp_err site_ops(struct hub *h);

/* ---- apply_state.c */
enum fp_err apply_receipts_due(struct hub *h, struct hub_conv *c); /* c has a new head: those that waited for it */
void apply_receipts_forget(struct hub *h);

#endif
