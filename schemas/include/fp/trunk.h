/*
 * trunk.h: what a relay and the hub say to each other (topics fp/1/relay/{relay}/up and .../down), and the records that their batches carry.
 *
 * Shape       a frame is one CBOR map; both ends encode and decode the same frames. A batch holds records of one lane, one after the other.
 * Invariants  T1 what decodes has passed fp_cbor_check(); numbers of lanes are below FP_LANES; a batch's crc is right.
 * Errors      FP_EMALFORMED; FP_ETOOLARGE; FP_EUNSUPPORTED, with `what` filled in: a newer peer's frame, to be passed over
 * Memory      spans point into the input
 * Source      schemas/cddl/trunk.cddl
 */
#ifndef FP_TRUNK_H
#define FP_TRUNK_H

#include "fp/cbor.h"
#include "fp/keys.h"
#include "fp/live.h"
#include "fp/time.h"

#define FP_LANES 4

struct fp_lane_range { /* of a log: the oldest record that is kept, and the number of the next one; records count from 1 */
    uint64_t oldest, next;
};

struct fp_trunk_hello {
    uint64_t protocol;
    uint64_t epoch;                       /* of the relay's log */
    struct fp_lane_range lanes[FP_LANES]; /* absent: 1, 1 */
    uint64_t have[FP_LANES];              /* of the hub's records; absent: 0 */
    size_t held_count;                    /* 0: as the hub remembers it */
    struct fp_dec held;                   /* fp_trunk_held() */
};

struct fp_trunk_welcome {
    uint64_t epoch; /* the hub's */
    uint64_t have[FP_LANES];
    uint64_t credit; /* batches */
    uint64_t bytes;  /* most bytes of a frame */
    struct fp_wall at;
    size_t scope_count;
    struct fp_dec scopes; /* fp_trunk_scope() */
    uint64_t start;       /* 0: not told */
};

struct fp_trunk_batch {
    uint64_t epoch; /* of the sender's log */
    uint64_t lane;
    uint64_t first, count;
    bool zlib;
    uint64_t crc;            /* crc32c of the records: right in what was decoded; not looked at when encoding */
    struct fp_bytes records; /* as they are on the wire: at most FP_TRUNK_RECORDS_MAX bytes */
};

struct fp_trunk_live {
    bool has_people, full;
    size_t people_count;
    struct fp_dec people; /* fp_trunk_person() */
    size_t typing_count;
    struct fp_dec typing; /* fp_trunk_typing() */
};

struct fp_trunk_known {
    uint64_t lane, number;
    struct fp_id conv;
    uint64_t seq; /* not 0 */
    struct fp_wall at;
};

struct fp_trunk {
    uint64_t what; /* FP_TRUNK_HELLO ... FP_TRUNK_KNOWN */
    union {
        struct fp_trunk_hello hello;
        struct fp_trunk_welcome welcome;
        struct fp_trunk_batch batch;
        struct {
            uint64_t epoch, lane, have, credit;
        } ack;
        struct {
            uint64_t lane, expected;
        } nack;
        struct {
            uint64_t lane, number;
            enum fp_err code;
            struct fp_bytes reason; /* text; may be empty */
            uint64_t next_n;        /* what is expected of the device (FP_EGAP, FP_EDENIED); 0: not told */
        } refuse;
        struct {
            uint64_t lane, from, to, reason;
        } gap;
        struct {
            uint64_t old_epoch, new_epoch, reason;
        } reset;
        struct fp_trunk_live live;
        struct fp_trunk_known known;
    } as;
};

enum fp_trunk_reset_reason {                              /* t-reset-reason */
                             FP_RESET_RELAY_IS_OLDER = 1, /* the relay's log ends before what the hub has of it: its database was restored */
                             FP_RESET_HUB_IS_OLDER = 2,   /* the hub lacks what the relay has dropped because the hub had it */
};
enum fp_trunk_gap_reason { /* t-gap-reason */
                           FP_GAP_EVICTED = 1,
                           FP_GAP_DAMAGED = 2,
};

enum fp_err fp_trunk_decode(struct fp_bytes in, struct fp_trunk *out);
bool fp_trunk_held(struct fp_trunk_hello *h, struct fp_id *out_conv, uint64_t *out_seq); /* false at the end, as below */
bool fp_trunk_scope(struct fp_trunk_welcome *w, struct fp_id *out_scope);
bool fp_trunk_person(struct fp_trunk_live *l, struct fp_person *out);
/* One conversation; its users follow: fp_trunk_typist(). */
struct fp_trunk_typing {
    struct fp_id conv;
    size_t count;
    struct fp_dec users;
};
bool fp_trunk_typing(struct fp_trunk_live *l, struct fp_trunk_typing *out);
bool fp_trunk_typist(struct fp_trunk_typing *t, struct fp_id *out_user);

/* hello: begin (held_count of *h counts), that many held rows (ids ascending by length, then bytes), end. */
void fp_enc_trunk_hello_begin(struct fp_enc *e, const struct fp_trunk_hello *h);
void fp_enc_trunk_held(struct fp_enc *e, const struct fp_id *conv, uint64_t seq);
void fp_enc_trunk_hello_end(struct fp_enc *e, const struct fp_trunk_hello *h);
void fp_enc_trunk_welcome(struct fp_enc *e, const struct fp_trunk_welcome *w, const struct fp_id *scopes, size_t scope_count);
void fp_enc_trunk_batch(struct fp_enc *e, const struct fp_trunk_batch *b); /* computes the crc */
void fp_enc_trunk_ack(struct fp_enc *e, uint64_t epoch, uint64_t lane, uint64_t have, uint64_t credit);
void fp_enc_trunk_nack(struct fp_enc *e, uint64_t lane, uint64_t expected);
void fp_enc_trunk_refuse(struct fp_enc *e, uint64_t lane, uint64_t number, enum fp_err code, struct fp_bytes reason, uint64_t next_n);
void fp_enc_trunk_gap(struct fp_enc *e, uint64_t lane, uint64_t from, uint64_t to, uint64_t reason);
void fp_enc_trunk_reset(struct fp_enc *e, uint64_t old_epoch, uint64_t new_epoch, uint64_t reason);
/* live: people (fp_enc_person rows, ids ascending by length, then bytes) are already encoded rows; likewise typing rows. Counts may be 0. */
void fp_enc_trunk_live(struct fp_enc *e, bool has_people, bool full, size_t people_count, struct fp_bytes people_rows, size_t typing_count,
                       struct fp_bytes typing_rows);
void fp_enc_trunk_known(struct fp_enc *e, const struct fp_trunk_known *k);
void fp_enc_trunk_typing_row(struct fp_enc *e, const struct fp_id *conv, const struct fp_id *users, size_t count);

/* ------------------------------------------------------------------ records; the rest of a batch is walked with fp_run_next() */

struct fp_record_up {
    struct fp_id user, device;
    struct fp_bytes command;
    bool has_custody;
    uint64_t custody_ms;
    uint64_t base, k;
    enum fp_err refused; /* FP_OK: the relay has taken it */
};
bool fp_enc_record_up(struct fp_enc *e, const struct fp_record_up *r);
enum fp_err fp_record_up_decode(struct fp_bytes one, struct fp_record_up *out);

struct fp_conv_state {
    struct fp_id conv, scope;
    uint64_t floor;
    struct fp_bytes floor_chain; /* 32 bytes */
    uint64_t about;
    struct fp_bytes title;
    uint64_t retention_days;
    struct fp_bytes context; /* raw; empty if absent */
    size_t member_count;
    struct fp_dec members; /* fp_conv_state_member() */
};
struct fp_person_facts {
    struct fp_id user;
    uint64_t version;
    struct fp_bytes text;   /* empty: none */
    struct fp_wall until;   /* 0: none */
    struct fp_bytes policy; /* raw policy-body; empty: the default */
};
struct fp_record_down {
    uint64_t what; /* 0: an event (decode it with fp_event_decode); or FP_TOLD_RECEIPTS_WHAT, FP_TOLD_CONV_WHAT, FP_TOLD_PERSON_WHAT */
    struct {
        struct fp_id conv;
        size_t count;
        struct fp_dec rows; /* fp_record_horizon() */
    } receipts;
    struct fp_conv_state conv;
    struct fp_person_facts person;
};
enum fp_err fp_record_down_decode(struct fp_bytes one, struct fp_record_down *out);
bool fp_record_horizon(struct fp_record_down *r, struct fp_id *out_user, uint64_t *out_delivered, uint64_t *out_read);
bool fp_conv_state_member(struct fp_conv_state *s, struct fp_id *out_user, uint64_t *out_role, uint64_t *out_joined, uint64_t *out_from);
/* receipts: begin, then `count` fp_enc_horizon() rows. */
void fp_enc_told_receipts_begin(struct fp_enc *e, const struct fp_id *conv, size_t count);
/* conv: begin, `member_count` rows (ids ascending), end. */
void fp_enc_told_conv_begin(struct fp_enc *e, const struct fp_conv_state *s);
void fp_enc_told_conv_member(struct fp_enc *e, const struct fp_id *user, uint64_t role, uint64_t joined, uint64_t from);
void fp_enc_told_conv_end(struct fp_enc *e, const struct fp_conv_state *s);
void fp_enc_told_person(struct fp_enc *e, const struct fp_person_facts *f);

uint32_t fp_crc32c(struct fp_bytes b);

#endif
