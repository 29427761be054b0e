#include "fp/trunk.h"

static void put_uint(struct fp_enc *e, uint64_t key, uint64_t v)
{
    fp_enc_uint(e, key);
    fp_enc_uint(e, v);
}

static void begin(struct fp_enc *e, size_t pairs, uint64_t what)
{
    fp_enc_map(e, pairs);
    put_uint(e, FP_KEY_WHAT, what);
}

static size_t have_count(const uint64_t have[FP_LANES])
{
    size_t count = 0;
    for (size_t lane = 0; lane < FP_LANES; lane++) {
        count += have[lane] > 0;
    }
    return count;
}

/* {* lane => uint}; of a lane that is left out, nothing */
static void put_have(struct fp_enc *e, uint64_t key, const uint64_t have[FP_LANES])
{
    fp_enc_uint(e, key);
    fp_enc_map(e, have_count(have));
    for (size_t lane = 0; lane < FP_LANES; lane++) {
        if (have[lane] > 0) {
            put_uint(e, lane, have[lane]);
        }
    }
}

/* {* lane => [uint, uint]}; a lane that is left out was never written to */
static void put_ranges(struct fp_enc *e, const struct fp_lane_range lanes[FP_LANES])
{
    size_t count = 0;
    for (size_t lane = 0; lane < FP_LANES; lane++) {
        count += lanes[lane].next > 1;
    }
    fp_enc_uint(e, FP_T_HELLO_LANES);
    fp_enc_map(e, count);
    for (size_t lane = 0; lane < FP_LANES; lane++) {
        if (lanes[lane].next > 1) {
            fp_enc_uint(e, lane);
            fp_enc_array(e, 2);
            fp_enc_uint(e, lanes[lane].oldest);
            fp_enc_uint(e, lanes[lane].next);
        }
    }
}

/* t-hello = {1 => 1, 2 => uint, 3 => epoch, 4 => {* lane => [uint, uint]}, 5 => {* id => seq}, ? 6 => {* lane => uint}} */
void fp_enc_trunk_hello_begin(struct fp_enc *e, const struct fp_trunk_hello *h)
{
    begin(e, have_count(h->have) > 0 ? 6 : 5, FP_TRUNK_HELLO);
    put_uint(e, FP_T_HELLO_PROTOCOL, h->protocol);
    put_uint(e, FP_T_HELLO_EPOCH, h->epoch);
    put_ranges(e, h->lanes);
    fp_enc_uint(e, FP_T_HELLO_HELD);
    fp_enc_map(e, h->held_count);
}

void fp_enc_trunk_held(struct fp_enc *e, const struct fp_id *conv, uint64_t seq)
{
    fp_enc_id(e, conv);
    fp_enc_uint(e, seq);
}

void fp_enc_trunk_hello_end(struct fp_enc *e, const struct fp_trunk_hello *h)
{
    if (have_count(h->have) > 0) {
        put_have(e, FP_T_HELLO_HAVE, h->have);
    }
}

/* t-welcome = {1 => 2, 2 => epoch, 3 => {* lane => uint}, 4 => uint, 5 => uint, 6 => at, ? 7 => [* id], ? 8 => uint} */
void fp_enc_trunk_welcome(struct fp_enc *e, const struct fp_trunk_welcome *w, const struct fp_id *scopes, size_t scope_count)
{
    begin(e, 6U + (size_t)(scope_count > 0) + (size_t)(w->start > 0), FP_TRUNK_WELCOME);
    put_uint(e, FP_T_WELCOME_EPOCH, w->epoch);
    put_have(e, FP_T_WELCOME_HAVE, w->have);
    put_uint(e, FP_T_WELCOME_CREDIT, w->credit);
    put_uint(e, FP_T_WELCOME_BYTES, w->bytes);
    put_uint(e, FP_T_WELCOME_AT, w->at.ms);
    if (scope_count > 0) {
        fp_enc_uint(e, FP_T_WELCOME_SCOPES);
        fp_enc_array(e, scope_count);
        for (size_t i = 0; i < scope_count; i++) {
            fp_enc_id(e, &scopes[i]);
        }
    }
    if (w->start > 0) {
        put_uint(e, FP_T_WELCOME_START, w->start);
    }
}

/* t-batch = {1 => 3, 2 => epoch, 3 => lane, 4 => uint, 5 => uint, 6 => 0 / 1, 7 => uint, 8 => bstr} */
void fp_enc_trunk_batch(struct fp_enc *e, const struct fp_trunk_batch *b)
{
    begin(e, 8, FP_TRUNK_BATCH);
    put_uint(e, FP_T_BATCH_EPOCH, b->epoch);
    put_uint(e, FP_T_BATCH_LANE, b->lane);
    put_uint(e, FP_T_BATCH_FIRST, b->first);
    put_uint(e, FP_T_BATCH_COUNT, b->count);
    put_uint(e, FP_T_BATCH_CODEC, b->zlib ? FP_CODEC_ZLIB : FP_CODEC_PLAIN);
    put_uint(e, FP_T_BATCH_CRC, fp_crc32c(b->records));
    fp_enc_uint(e, FP_T_BATCH_RECORDS);
    fp_enc_bytes(e, b->records.p, b->records.len);
}

/* t-ack = {1 => 4, 2 => epoch, 3 => lane, 4 => uint, 5 => uint} */
void fp_enc_trunk_ack(struct fp_enc *e, uint64_t epoch, uint64_t lane, uint64_t have, uint64_t credit)
{
    begin(e, 5, FP_TRUNK_ACK);
    put_uint(e, FP_T_ACK_EPOCH, epoch);
    put_uint(e, FP_T_ACK_LANE, lane);
    put_uint(e, FP_T_ACK_HAVE, have);
    put_uint(e, FP_T_ACK_CREDIT, credit);
}

/* t-nack = {1 => 5, 2 => lane, 3 => uint} */
void fp_enc_trunk_nack(struct fp_enc *e, uint64_t lane, uint64_t expected)
{
    begin(e, 3, FP_TRUNK_NACK);
    put_uint(e, FP_T_NACK_LANE, lane);
    put_uint(e, FP_T_NACK_EXPECTED, expected);
}

/* t-refuse = {1 => 6, 2 => lane, 3 => uint, 4 => nack-code, ? 5 => tstr, ? 6 => uint} */
void fp_enc_trunk_refuse(struct fp_enc *e, uint64_t lane, uint64_t number, enum fp_err code, struct fp_bytes reason, uint64_t next_n)
{
    begin(e, 4U + (size_t)(reason.len > 0) + (size_t)(next_n > 0), FP_TRUNK_REFUSE);
    put_uint(e, FP_T_REFUSE_LANE, lane);
    put_uint(e, FP_T_REFUSE_NUMBER, number);
    put_uint(e, FP_T_REFUSE_ERROR, (uint64_t)code);
    if (reason.len > 0) {
        fp_enc_uint(e, FP_T_REFUSE_REASON);
        fp_enc_text(e, (const char *)reason.p, reason.len);
    }
    if (next_n > 0) {
        put_uint(e, FP_T_REFUSE_NEXT, next_n);
    }
}

/* t-gap = {1 => 7, 2 => lane, 3 => uint, 4 => uint, 5 => uint} */
void fp_enc_trunk_gap(struct fp_enc *e, uint64_t lane, uint64_t from, uint64_t to, uint64_t reason)
{
    begin(e, 5, FP_TRUNK_GAP);
    put_uint(e, FP_T_GAP_LANE, lane);
    put_uint(e, FP_T_GAP_FROM, from);
    put_uint(e, FP_T_GAP_TO, to);
    put_uint(e, FP_T_GAP_REASON, reason);
}

/* t-reset = {1 => 8, 2 => epoch, 3 => epoch, 4 => uint} */
void fp_enc_trunk_reset(struct fp_enc *e, uint64_t old_epoch, uint64_t new_epoch, uint64_t reason)
{
    begin(e, 4, FP_TRUNK_RESET);
    put_uint(e, FP_T_RESET_OLD, old_epoch);
    put_uint(e, FP_T_RESET_NEW, new_epoch);
    put_uint(e, FP_T_RESET_REASON, reason);
}

/* t-live = {1 => 9, ? 2 => {* id => person}, ? 3 => bool, ? 4 => {* id => [* id]}} */
void fp_enc_trunk_live(struct fp_enc *e, bool has_people, bool full, size_t people_count, struct fp_bytes people_rows, size_t typing_count,
                       struct fp_bytes typing_rows)
{
    begin(e, 1U + has_people + full + (typing_count > 0), FP_TRUNK_LIVE);
    if (has_people) {
        fp_enc_uint(e, FP_T_LIVE_PEOPLE);
        fp_enc_map(e, people_count);
        fp_enc_raw(e, people_rows);
    }
    if (full) {
        fp_enc_uint(e, FP_T_LIVE_FULL);
        fp_enc_bool(e, true);
    }
    if (typing_count > 0) {
        fp_enc_uint(e, FP_T_LIVE_TYPING);
        fp_enc_map(e, typing_count);
        fp_enc_raw(e, typing_rows);
    }
}

/* t-known = {1 => 10, 2 => lane, 3 => uint, 4 => id, 5 => seq, 6 => at} */
void fp_enc_trunk_known(struct fp_enc *e, const struct fp_trunk_known *k)
{
    begin(e, 6, FP_TRUNK_KNOWN);
    put_uint(e, FP_T_KNOWN_LANE, k->lane);
    put_uint(e, FP_T_KNOWN_NUMBER, k->number);
    fp_enc_uint(e, FP_T_KNOWN_CONV);
    fp_enc_id(e, &k->conv);
    put_uint(e, FP_T_KNOWN_SEQ, k->seq);
    put_uint(e, FP_T_KNOWN_AT, k->at.ms);
}

void fp_enc_trunk_typing_row(struct fp_enc *e, const struct fp_id *conv, const struct fp_id *users, size_t count)
{
    fp_enc_id(e, conv);
    fp_enc_array(e, count);
    for (size_t i = 0; i < count; i++) {
        fp_enc_id(e, &users[i]);
    }
}
