/*
 * reply.h: what the hub says to one device (topic .../down).
 *
 * Shape       the hub's half encodes field by field; the client's half decodes into struct fp_reply
 * Memory      spans point into the input
 * Source      schemas/cddl/reply.cddl
 */
#ifndef FP_REPLY_H
#define FP_REPLY_H

#include "fp/cbor.h"
#include "fp/keys.h"
#include "fp/time.h"

struct fp_answer { /* one row of an ack */
    uint64_t n;
    struct fp_id conv; /* none = null */
    uint64_t seq;      /* 0 = null */
    struct fp_wall at;
};

struct fp_nack {
    uint64_t n; /* 0 = unknown */
    enum fp_err code;
    struct fp_bytes reason; /* text; empty = none */
    bool retry;
    struct fp_bytes current; /* raw CBOR; empty = none */
    uint64_t next_n;         /* 0 = none */
};

struct fp_conv_head {
    struct fp_id conv;
    struct fp_id scope;
    uint64_t head;
    uint64_t floor;
    uint64_t read;
    uint64_t unread;
};

struct fp_limits {
    uint64_t command_bytes;
    uint64_t batch_commands;
    uint64_t commands_per_s;
    uint64_t page_bytes;
    uint64_t alive_s; /* 0 if absent */
};

struct fp_welcome {
    uint64_t epoch;
    uint64_t session;
    struct fp_wall at;
    uint64_t next_n;
    size_t head_count; /* then that many fp_enc_conv_head() */
    struct fp_limits limits;
    struct fp_id relay; /* none if absent */
};

/* The n-th answer of an ack: begin, then `count` rows. */
void fp_enc_ack_begin(struct fp_enc *e, size_t count);
/* Of custody: begin, `count` rows, end. Only this relay has them so far. */
void fp_enc_ack_relayed_begin(struct fp_enc *e, size_t count);
void fp_enc_ack_relayed_end(struct fp_enc *e, const struct fp_id *relay);
void fp_enc_answer(struct fp_enc *e, const struct fp_answer *a);
void fp_enc_nack(struct fp_enc *e, const struct fp_nack *n);
/* Two calls, because the heads may be many: begin, rows, end (which writes the limits and the relay). */
void fp_enc_welcome_begin(struct fp_enc *e, const struct fp_welcome *w);
void fp_enc_conv_head(struct fp_enc *e, const struct fp_conv_head *h);
void fp_enc_welcome_end(struct fp_enc *e, const struct fp_welcome *w);
/* A page up to key 7; what follows is the array (fp_enc_array and a run) or, if zlib, one fp_enc_bytes. */
void fp_enc_page_begin(struct fp_enc *e, const struct fp_id *conv, uint64_t from, uint64_t to, bool more, bool zlib);
void fp_enc_snapshot(struct fp_enc *e, const struct fp_id *conv, uint64_t floor, struct fp_bytes state);
void fp_enc_time(struct fp_enc *e, uint64_t echo, struct fp_wall received, struct fp_wall sent);
/* A report on digest or readers of event seq of a conversation: begin, one item (the value), end. */
void fp_enc_report_begin(struct fp_enc *e, uint64_t kind);
void fp_enc_report_end(struct fp_enc *e, const struct fp_id *conv, uint64_t seq);
void fp_enc_nudge(struct fp_enc *e, size_t count); /* then that many rows */
void fp_enc_nudge_row(struct fp_enc *e, const struct fp_id *conv, uint64_t head);

struct fp_reader { /* one row of a report on readers; a time of 0: null */
    struct fp_id user;
    struct fp_wall delivered, read, confirmed;
};
/* As the value: a map of `count` rows, ids ascending by length, then bytes. */
void fp_enc_readers(struct fp_enc *e, size_t count);
void fp_enc_reader(struct fp_enc *e, const struct fp_reader *r);
struct fp_readers {
    size_t count;
    struct fp_dec rows;
};
enum fp_err fp_readers_decode(struct fp_bytes value, struct fp_readers *out);
bool fp_readers_next(struct fp_readers *r, struct fp_reader *out);              /* false at the end */
enum fp_err fp_digest_value(struct fp_bytes value, struct fp_bytes *out_chain); /* 32 bytes */

struct fp_page {
    struct fp_id conv;
    uint64_t from, to;
    bool more;
    bool zlib;
    struct fp_bytes content; /* raw array item; or, if zlib, the bytes of the stream */
};

struct fp_reply {
    uint64_t what; /* FP_REPLY_ACK ... FP_REPLY_REPORT */
    union {
        struct {
            size_t count;
            struct fp_dec rows;
            struct fp_id relay;
        } ack; /* fp_reply_answer() */
        struct fp_nack nack;
        struct {
            struct fp_welcome head;
            struct fp_dec rows;
        } welcome; /* fp_reply_head() */
        struct fp_page page;
        struct {
            struct fp_id conv;
            uint64_t floor;
            struct fp_bytes state;
        } snapshot;
        struct {
            uint64_t echo;
            struct fp_wall received, sent;
        } time;
        struct {
            size_t count;
            struct fp_dec rows;
        } nudge;
        struct {
            uint64_t kind;
            struct fp_bytes value;
            struct fp_id conv; /* none if absent */
            uint64_t seq;      /* 0 if absent */
        } report;
    } as;
};

/* FP_EMALFORMED; or FP_EUNSUPPORTED, with `what` filled in: a newer hub's reply. */
enum fp_err fp_reply_decode(struct fp_bytes in, struct fp_reply *out);
bool fp_reply_answer(struct fp_reply *r, struct fp_answer *out); /* false at the end, as below */
bool fp_reply_head(struct fp_reply *r, struct fp_conv_head *out);
bool fp_reply_nudge(struct fp_reply *r, struct fp_id *out_conv, uint64_t *out_head);

#endif
