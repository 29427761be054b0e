/*
 * live.h: the retained plane and a user's inbox.
 *
 * Memory      spans point into the input
 * Source      schemas/cddl/live.cddl
 */
#ifndef FP_LIVE_H
#define FP_LIVE_H

#include "fp/cbor.h"
#include "fp/keys.h"
#include "fp/time.h"

struct fp_head {
    uint64_t epoch;
    uint64_t seq;
    uint64_t floor;
    struct fp_wall at;
    struct fp_bytes chain; /* 32 bytes; empty if absent */
};
void fp_enc_head(struct fp_enc *e, const struct fp_head *h);
enum fp_err fp_head_decode(struct fp_bytes in, struct fp_head *out);

struct fp_about {
    uint64_t version;
    struct fp_bytes title;
    struct fp_id scope;
    size_t member_count;     /* then that many members, ids ascending by length, then bytes */
    struct fp_bytes context; /* raw; empty if absent */
    struct fp_dec members;   /* of a decoded one */
};
void fp_enc_about_begin(struct fp_enc *e, const struct fp_about *a);
void fp_enc_about_member(struct fp_enc *e, const struct fp_id *user, uint64_t role, uint64_t joined);
void fp_enc_about_end(struct fp_enc *e, const struct fp_about *a);
enum fp_err fp_about_decode(struct fp_bytes in, struct fp_about *out);
bool fp_about_member(struct fp_about *a, struct fp_id *out_user, uint64_t *out_role, uint64_t *out_joined);

struct fp_inbox_head {
    struct fp_id conv;
    struct fp_id scope;
    uint64_t head;
    uint64_t unread;
};
void fp_enc_inbox_heads(struct fp_enc *e, size_t count); /* then that many rows */
void fp_enc_inbox_head(struct fp_enc *e, const struct fp_inbox_head *h);
void fp_enc_inbox_joined(struct fp_enc *e, const struct fp_id *conv, const struct fp_id *scope, uint64_t role);
void fp_enc_inbox_removed(struct fp_enc *e, const struct fp_id *conv, const struct fp_id *scope);

/* `count` rows of fp_enc_horizon() follow each; ids ascending by length, then bytes. */
struct fp_horizon;
void fp_enc_inbox_horizons(struct fp_enc *e, size_t count);
void fp_enc_receipts(struct fp_enc *e, size_t count);
void fp_enc_horizon(struct fp_enc *e, const struct fp_horizon *row);
/* details: raw CBOR; empty if there are none. */
void fp_enc_inbox_alert(struct fp_enc *e, const struct fp_id *conv, uint64_t seq, uint64_t priority, struct fp_bytes details);
/* Up to FP_TYPING_NAMES_MAX names; count: how many type in all. */
void fp_enc_typing(struct fp_enc *e, const struct fp_id *names, size_t name_count, size_t count);
/* `count` people follow, ids ascending by length, then bytes; then the end. */
struct fp_person;
void fp_enc_presence_begin(struct fp_enc *e, size_t count, bool full);
void fp_enc_person(struct fp_enc *e, const struct fp_person *p);
void fp_enc_presence_end(struct fp_enc *e, bool full);

struct fp_inbox {
    uint64_t what; /* FP_INBOX_HEADS, FP_INBOX_JOINED, FP_INBOX_REMOVED, ... */
    size_t count;  /* of heads, or of own horizons */
    struct fp_dec rows;
    struct fp_id conv, scope; /* joined, removed; alert: conv */
    uint64_t role;
    uint64_t seq;            /* alert */
    uint64_t priority;       /* alert */
    struct fp_bytes details; /* alert: raw; empty if absent */
};
/* FP_EMALFORMED; or FP_EUNSUPPORTED, with `what` filled in: a newer hub's message. */
enum fp_err fp_inbox_decode(struct fp_bytes in, struct fp_inbox *out);
bool fp_inbox_next(struct fp_inbox *i, struct fp_inbox_head *out); /* FP_INBOX_HEADS; false at the end */
struct fp_horizon {
    struct fp_id id; /* a conversation, or in receipts a member */
    uint64_t delivered;
    uint64_t read;
};
bool fp_inbox_horizon(struct fp_inbox *i, struct fp_horizon *out); /* FP_INBOX_HORIZONS; false at the end */

/* ------------------------------------------------------------------ people; each FP_OK or FP_EMALFORMED, and false at the end */

struct fp_receipts {
    size_t count; /* members */
    struct fp_dec rows;
};
enum fp_err fp_receipts_decode(struct fp_bytes in, struct fp_receipts *out);
bool fp_receipts_next(struct fp_receipts *r, struct fp_horizon *out);

struct fp_typing {
    uint64_t count;    /* who type in all */
    size_t name_count; /* of whom the first few are named */
    struct fp_dec names;
};
enum fp_err fp_typing_decode(struct fp_bytes in, struct fp_typing *out);
bool fp_typing_next(struct fp_typing *t, struct fp_id *out_user);

struct fp_presence {
    bool full;    /* who is not in it has no presence; otherwise he is as he was */
    size_t count; /* people */
    struct fp_dec people;
};
struct fp_person {
    struct fp_id user;
    uint64_t state; /* FP_PERSON_... */
    bool has_since, has_until;
    struct fp_wall since;
    struct fp_wall until; /* of the text */
    struct fp_bytes text; /* his own; empty if absent */
    struct fp_id relay;   /* that he is reached through; none if absent */
};
enum fp_err fp_presence_decode(struct fp_bytes in, struct fp_presence *out);
bool fp_presence_next(struct fp_presence *p, struct fp_person *out);

#endif
