#include "fp/reply.h"

static void put_uint(struct fp_enc *e, uint64_t key, uint64_t v)
{
    fp_enc_uint(e, key);
    fp_enc_uint(e, v);
}

static void put_id(struct fp_enc *e, uint64_t key, const struct fp_id *id)
{
    fp_enc_uint(e, key);
    fp_enc_id(e, id);
}

static void begin(struct fp_enc *e, size_t pairs, uint64_t what)
{
    fp_enc_map(e, pairs);
    put_uint(e, FP_KEY_WHAT, what);
}

/* ack = {1 => 1, 2 => [+ [n, id / null, seq / null, at]], ? 3 => id} */
void fp_enc_ack_begin(struct fp_enc *e, size_t count)
{
    begin(e, 2, FP_REPLY_ACK);
    fp_enc_uint(e, FP_ACK_ROWS);
    fp_enc_array(e, count);
}

void fp_enc_ack_relayed_begin(struct fp_enc *e, size_t count)
{
    begin(e, 3, FP_REPLY_ACK);
    fp_enc_uint(e, FP_ACK_ROWS);
    fp_enc_array(e, count);
}

void fp_enc_ack_relayed_end(struct fp_enc *e, const struct fp_id *relay)
{
    fp_enc_uint(e, FP_ACK_RELAY);
    fp_enc_id(e, relay);
}

void fp_enc_answer(struct fp_enc *e, const struct fp_answer *a)
{
    fp_enc_array(e, 4);
    fp_enc_uint(e, a->n);
    if (fp_id_is_none(&a->conv)) {
        fp_enc_null(e);
    } else {
        fp_enc_id(e, &a->conv);
    }
    if (a->seq == 0) {
        fp_enc_null(e);
    } else {
        fp_enc_uint(e, a->seq);
    }
    fp_enc_uint(e, a->at.ms);
}

/* nack = {1 => 2, ? 2 => n, 3 => nack-code, ? 4 => tstr, ? 5 => bool, ? 6 => any, ? 7 => n} */
void fp_enc_nack(struct fp_enc *e, const struct fp_nack *n)
{
    size_t pairs = 2U + (n->n > 0) + (n->reason.len > 0) + n->retry + (n->current.len > 0) + (n->next_n > 0);
    begin(e, pairs, FP_REPLY_NACK);
    if (n->n > 0) {
        put_uint(e, FP_NACK_N, n->n);
    }
    put_uint(e, FP_NACK_ERROR, (uint64_t)n->code);
    if (n->reason.len > 0) {
        fp_enc_uint(e, FP_NACK_REASON);
        fp_enc_text(e, (const char *)n->reason.p, n->reason.len);
    }
    if (n->retry) {
        fp_enc_uint(e, FP_NACK_RETRY);
        fp_enc_bool(e, true);
    }
    if (n->current.len > 0) {
        fp_enc_uint(e, FP_NACK_CURRENT);
        fp_enc_raw(e, n->current);
    }
    if (n->next_n > 0) {
        put_uint(e, FP_NACK_NEXT, n->next_n);
    }
}

/* welcome = {1 => 3, 2 => epoch, 3 => uint, 4 => at, 5 => n, 6 => [* conv-head], 7 => limits, ? 8 => id} */
void fp_enc_welcome_begin(struct fp_enc *e, const struct fp_welcome *w)
{
    begin(e, fp_id_is_none(&w->relay) ? 7 : 8, FP_REPLY_WELCOME);
    put_uint(e, FP_WELCOME_EPOCH, w->epoch);
    put_uint(e, FP_WELCOME_SESSION, w->session);
    put_uint(e, FP_WELCOME_AT, w->at.ms);
    put_uint(e, FP_WELCOME_NEXT, w->next_n);
    fp_enc_uint(e, FP_WELCOME_HEADS);
    fp_enc_array(e, w->head_count);
}

void fp_enc_conv_head(struct fp_enc *e, const struct fp_conv_head *h)
{
    fp_enc_array(e, 6);
    fp_enc_id(e, &h->conv);
    fp_enc_id(e, &h->scope);
    fp_enc_uint(e, h->head);
    fp_enc_uint(e, h->floor);
    fp_enc_uint(e, h->read);
    fp_enc_uint(e, h->unread);
}

void fp_enc_welcome_end(struct fp_enc *e, const struct fp_welcome *w)
{
    fp_enc_uint(e, FP_WELCOME_LIMITS);
    fp_enc_map(e, w->limits.alive_s > 0 ? 5 : 4);
    put_uint(e, FP_LIMIT_COMMAND_BYTES, w->limits.command_bytes);
    put_uint(e, FP_LIMIT_BATCH, w->limits.batch_commands);
    put_uint(e, FP_LIMIT_RATE, w->limits.commands_per_s);
    put_uint(e, FP_LIMIT_PAGE_BYTES, w->limits.page_bytes);
    if (w->limits.alive_s > 0) {
        put_uint(e, FP_LIMIT_ALIVE, w->limits.alive_s);
    }
    if (!fp_id_is_none(&w->relay)) {
        put_id(e, FP_WELCOME_RELAY, &w->relay);
    }
}

/* page = {1 => 4, 2 => id, 3 => seq, 4 => seq, 5 => bool, 6 => 0 / 1, 7 => [* event] / bstr} */
void fp_enc_page_begin(struct fp_enc *e, const struct fp_id *conv, uint64_t from, uint64_t to, bool more, bool zlib)
{
    begin(e, 7, FP_REPLY_PAGE);
    put_id(e, FP_PAGE_CONV, conv);
    put_uint(e, FP_PAGE_FROM, from);
    put_uint(e, FP_PAGE_TO, to);
    fp_enc_uint(e, FP_PAGE_MORE);
    fp_enc_bool(e, more);
    put_uint(e, FP_PAGE_CODEC, zlib ? FP_CODEC_ZLIB : FP_CODEC_PLAIN);
    fp_enc_uint(e, FP_PAGE_CONTENT);
}

/* snapshot = {1 => 5, 2 => id, 3 => seq, 4 => any} */
void fp_enc_snapshot(struct fp_enc *e, const struct fp_id *conv, uint64_t floor, struct fp_bytes state)
{
    begin(e, 4, FP_REPLY_SNAPSHOT);
    put_id(e, FP_SNAPSHOT_CONV, conv);
    put_uint(e, FP_SNAPSHOT_FLOOR, floor);
    fp_enc_uint(e, FP_SNAPSHOT_STATE);
    fp_enc_raw(e, state);
}

/* time-reply = {1 => 6, 2 => uint, 3 => at, 4 => at} */
void fp_enc_time(struct fp_enc *e, uint64_t echo, struct fp_wall received, struct fp_wall sent)
{
    begin(e, 4, FP_REPLY_TIME);
    put_uint(e, FP_TIME_ECHO, echo);
    put_uint(e, FP_TIME_RECEIVED, received.ms);
    put_uint(e, FP_TIME_SENT, sent.ms);
}

/* report = {1 => 8, 2 => kind, 3 => any, ? 4 => id, ? 5 => seq}; it ends in reply_report.c */
void fp_enc_report_begin(struct fp_enc *e, uint64_t kind)
{
    begin(e, 5, FP_REPLY_REPORT);
    put_uint(e, FP_REPORT_KIND, kind);
    fp_enc_uint(e, FP_REPORT_VALUE);
}
