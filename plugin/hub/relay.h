/*
 * relay.h: what the relay*.c files share: the relays of a hub, what each holds, and what is on the way to it.
 *
 * Shape       relay: a row for each relay of the configuration, met or not
 *             relay_conv: a row for each conversation of its scopes, once looked at; relay_person: for each of their members
 *             relay_seg: a log that is made as it is sent: records first..first+count-1 of a lane stand for events of one conversation, or for one
 *             thing besides. What is sent again is made again from this, so a number means the same each time.
 *             The peer's row has two copies: as committed, and as the batch will leave it.
 * Invariants  Y1 held <= sent, in each conversation; held is what the relay has said to have.
 *             Y2 while events of a conversation are on the way in the urgent lane, further ones go there too: lanes overtake each other.
 *             Y3 numbers mean what they meant before until the relay says hello; then all that it does not have is numbered anew.
 */
#ifndef PLUGIN_HUB_RELAY_H
#define PLUGIN_HUB_RELAY_H

#include <utlist.h>

#include "plugin/hub/trunk.h"

#define RELAY_FRAME_BYTES 256 /* any frame to a relay but welcome, batch and live */

enum relay_queue { /* where a conversation waits that has something for the relay */
                   RELAY_NOWHERE,
                   RELAY_URGENT,
                   RELAY_OTHERS,
                   RELAY_QUEUES
};

struct relay_conv {
    uint64_t cid;
    struct fp_id id;
    bool loaded;          /* held, floor_held and sum_held have been read */
    bool members_due;     /* its members may be new to the relay */
    uint64_t head, floor; /* as committed */
    uint64_t held, sent;  /* Y1 */
    uint64_t floor_held, floor_sent;
    uint64_t sum_held, sum_sent; /* of horizons: struct store_held */
    bool clamped;                /* horizons above held were left out */
    uint64_t safety;             /* seq of its latest safety message; 0: none */
    size_t out[2];               /* segments on the way: in the urgent lane, in the other one */
    enum relay_queue queue;
    struct relay_conv *prev, *next; /* in it */
    bool told_waits;                /* its horizons wait for their turn */
    struct fp_mono told_due;
    struct relay_conv *told_prev, *told_next;
    bool unsaved; /* held, floor_held or sum_held */
    struct relay_conv *save_prev, *save_next;
    UT_hash_handle hh; /* by cid */
};

struct relay_person {
    struct fp_id user;
    uint64_t held, sent; /* version + 1 */
    bool waits;
    struct relay_person *prev, *next;
    UT_hash_handle hh; /* by user */
};

enum relay_seg_kind {
    RELAY_SEG_EVENTS,
    RELAY_SEG_CONV,
    RELAY_SEG_RECEIPTS,
    RELAY_SEG_PERSON,
};

struct relay_seg {
    struct relay_seg *next;
    enum relay_seg_kind kind;
    uint64_t first, count; /* record numbers */
    struct relay_conv *conv;
    struct relay_person *person;
    uint64_t value; /* the first event's seq; the floor, sum or version + 1 that is told */
};

struct relay_lane {
    struct relay_seg *first, *last;
    uint64_t made; /* number of the last record there is */
};

struct relay_refusal {
    uint8_t lane;
    enum fp_err code;
    uint64_t number;
};
#define RELAY_REFUSALS 256

struct relay_stats {
    uint64_t batches, taken, known, refused, ignored, holes; /* from the relay */
    uint64_t sent_batches, sent_records, sent_bytes, lost;   /* to the relay; lost: times that the link was */
    uint64_t unsendable;                                     /* a conversation with too many members for one record */
};

struct relay {
    struct hub_relay rights;
    struct relay *next;
    struct relay_stats stats;

    /* the peer */
    bool loaded;
    struct store_peer peer;   /* as committed */
    struct store_peer staged; /* as the batch will leave it */
    bool changed;             /* these differ */
    bool ack_due[FP_LANES], nack_due[FP_LANES];
    bool opening;     /* the batch has a hello that was answered with welcome */
    bool anew;        /* and that told what the relay holds */
    bool opening_log; /* and that is of another log */
    uint64_t opening_conn;
    struct fp_mono odd_hello; /* a hello of an older log came while the session stood: it may be a late copy */

    /* the session */
    bool up;
    const char *why; /* the session is about to end: for the log */
    bool older;      /* this hub is: FP_RESET_HUB_IS_OLDER */
    uint64_t conn;
    struct fp_mono heard;
    struct fp_mono begun;
    uint64_t base[FP_LANES]; /* what the relay had of ours then */
    struct fp_mono hold;     /* no batches until then: the store failed; 0: none */
    uint8_t hold_lane;
    struct relay_refusal refusals[RELAY_REFUSALS]; /* the latest: told again after each hello, for a frame may get lost */
    size_t refusal_count;                          /* in all */

    /* down */
    struct link link;
    bool linked; /* before, so its times are known */
    struct relay_lane lanes[FP_LANES];
    struct relay_conv *convs;
    struct relay_person *persons;
    struct relay_conv *queues[RELAY_QUEUES];
    struct relay_conv *told;
    struct relay_person *told_persons;
    struct relay_conv *unsaved;
    struct fp_mono save_due;
    size_t scan_scope; /* scope_count: done */
    uint64_t scan_after;
    bool more; /* the turn was over before the work was */

    /* live */
    uint64_t people_version;
    bool people_told;
    struct fp_mono live_at;
};

struct relay_staged_refusal { /* in the arena */
    struct relay_staged_refusal *next;
    struct relay *relay;
    struct relay_refusal refusal;
};

struct relays {
    struct relay *all;
    uint64_t start;     /* another one each time; 0: not needed yet */
    uint64_t strangers; /* frames of users that are no relays */
    bool staged;        /* something of the batch is staged here */
    struct relay_staged_refusal *refusals, **refusals_end;
    struct { /* the record that is being applied */
        struct relay *relay;
        uint8_t lane;
        uint64_t number;
    } at;
    struct fp_mono typing_due, ops_due;
    uint8_t records[TRUNK_RECORDS_BYTES]; /* a batch that is being packed, or replayed */
};

/* ---- relay.c */
bool relay_serves(const struct relay *r, const struct fp_id *scope);
void relay_log(struct hub *h, const struct relay *r, enum tell_level level, const char *text); /* behind its name */
void relay_lost(struct hub *h, struct relay *r);
enum fp_err relay_settle(struct hub *h, enum fp_err err); /* while a batch is replayed: commits, or undoes and says FP_EAGAIN */
void relay_tell_ack(struct hub *h, struct relay *r, unsigned lane, uint64_t credit); /* of committed state, now */

/* ---- relay_up.c */
enum fp_err relay_batch(struct hub *h, struct relay *r, const struct source_item *item, const struct fp_trunk_batch *b);
/* May this relay speak for the user at all? (R4) */
enum fp_err relay_speaks_for(struct hub *h, const struct relay *r, const struct fp_id *user, bool *out);

/* ---- relay_hello.c */
enum fp_err relay_hello(struct hub *h, struct relay *r, const struct source_item *item, const struct fp_trunk_hello *hello);

/* ---- relay_queue.c. X_get: NULL without memory */
struct relay_conv *relay_conv_get(struct relay *r, uint64_t cid, const struct fp_id *id);
struct relay_person *relay_person_get(struct relay *r, const struct fp_id *user);
void relay_want(struct relay *r, struct relay_conv *c); /* events or a floor wait for the relay, or do not */
void relay_want_receipts(const struct hub *h, struct relay *r, struct relay_conv *c);
void relay_want_person(struct relay *r, struct relay_person *p);
void relay_move(struct relay *r, struct relay_conv *c, enum relay_queue queue);
void relay_free_segs(struct relay_lane *l);
void relay_down_drop(struct relay *r); /* forgets all rows */

/* ---- relay_down.c */
void relay_down_begin(struct hub *h, struct relay *r, const uint64_t have[FP_LANES], bool anew);
void relay_down_ack(struct hub *h, struct relay *r, unsigned lane);
enum fp_err relay_down_run(struct hub *h, struct relay *r);
uint64_t relay_down_wait_us(const struct hub *h, const struct relay *r, struct fp_mono now);
enum fp_err relay_load_conv(struct hub *h, struct relay *r, struct relay_conv *c);

/* ---- relay_pack.c: the log's records. Makes one more segment of the lane; *out_made false: there is nothing */
enum fp_err relay_make(struct hub *h, struct relay *r, unsigned lane, bool *out_made);
/* Records from `from` on into relays->records, of about `bytes` (at least one record); makes more where there is more. */
enum fp_err relay_pack(struct hub *h, struct relay *r, unsigned lane, uint64_t from, size_t bytes, size_t *out_len, uint64_t *out_count);
void relay_scan_members(struct hub *h, struct relay *r, struct relay_conv *c, enum fp_err *out_err);

/* ---- relay_down_told.c: one record each, in the arena; an empty span: nothing to tell */
enum fp_err relay_told_receipts(struct hub *h, struct relay_conv *c, struct fp_bytes *out, uint64_t *out_sum);
enum fp_err relay_told_conv(struct hub *h, const struct relay_conv *c, const struct store_away *away,
                            struct fp_bytes *out); /* away: the floor is behind it */
enum fp_err relay_told_person(struct hub *h, const struct relay *r, const struct fp_id *user, struct fp_bytes *out, uint64_t *out_version);

/* ---- relay_live.c */
enum fp_err relay_live(struct hub *h, struct relay *r, struct fp_trunk_live *l);
enum fp_err relays_live_run(struct hub *h);
uint64_t relays_live_wait_us(const struct hub *h, struct fp_mono now);

/* ---- relay_ops.c */
void relays_ops(struct hub *h);

#endif
