#include "tests/vectors/trunk_again.h"

#define ROWS_CAP 4096 /* what a vector, or what a fuzzer makes of one, has in one row set */
#define IDS_CAP 256

static void hello_again(struct fp_trunk_hello *h, struct fp_enc *e)
{
    struct fp_id conv;
    uint64_t seq;
    fp_enc_trunk_hello_begin(e, h);
    while (fp_trunk_held(h, &conv, &seq)) {
        fp_enc_trunk_held(e, &conv, seq);
    }
    fp_enc_trunk_hello_end(e, h);
}

static void welcome_again(struct fp_trunk_welcome *w, struct fp_enc *e)
{
    struct fp_id scopes[IDS_CAP];
    size_t count = 0;
    e->failed = e->failed || w->scope_count > IDS_CAP;
    while (!e->failed && fp_trunk_scope(w, &scopes[count])) {
        count++;
    }
    fp_enc_trunk_welcome(e, w, scopes, count);
}

static void typing_rows(struct fp_trunk_live *l, struct fp_enc *e)
{
    struct fp_trunk_typing row;
    struct fp_id users[IDS_CAP];
    while (!e->failed && fp_trunk_typing(l, &row)) {
        size_t count = 0;
        e->failed = row.count > IDS_CAP;
        while (!e->failed && fp_trunk_typist(&row, &users[count])) {
            count++;
        }
        fp_enc_trunk_typing_row(e, &row.conv, users, count);
    }
}

static void live_again(struct fp_trunk_live *l, struct fp_enc *e)
{
    uint8_t people_buf[ROWS_CAP];
    uint8_t typing_buf[ROWS_CAP];
    struct fp_enc people;
    struct fp_enc typing;
    struct fp_person person;
    size_t people_count = l->people_count;
    size_t typing_count = l->typing_count;
    fp_enc_init(&people, people_buf, sizeof people_buf);
    fp_enc_init(&typing, typing_buf, sizeof typing_buf);
    while (fp_trunk_person(l, &person)) {
        fp_enc_person(&people, &person);
    }
    typing_rows(l, &typing);
    e->failed = e->failed || people.failed || typing.failed;
    fp_enc_trunk_live(e, l->has_people, l->full, people_count, fp_enc_bytes_of(&people), typing_count, fp_enc_bytes_of(&typing));
}

bool trunk_again(struct fp_bytes in, struct fp_enc *e)
{
    struct fp_trunk t;
    if (fp_trunk_decode(in, &t)) {
        return false;
    }
    switch (t.what) {
    case FP_TRUNK_HELLO:
        hello_again(&t.as.hello, e);
        break;
    case FP_TRUNK_WELCOME:
        welcome_again(&t.as.welcome, e);
        break;
    case FP_TRUNK_BATCH:
        t.as.batch.crc = 0; /* the encoder's to know */
        fp_enc_trunk_batch(e, &t.as.batch);
        break;
    case FP_TRUNK_ACK:
        fp_enc_trunk_ack(e, t.as.ack.epoch, t.as.ack.lane, t.as.ack.have, t.as.ack.credit);
        break;
    case FP_TRUNK_NACK:
        fp_enc_trunk_nack(e, t.as.nack.lane, t.as.nack.expected);
        break;
    case FP_TRUNK_REFUSE:
        fp_enc_trunk_refuse(e, t.as.refuse.lane, t.as.refuse.number, t.as.refuse.code, t.as.refuse.reason, t.as.refuse.next_n);
        break;
    case FP_TRUNK_GAP:
        fp_enc_trunk_gap(e, t.as.gap.lane, t.as.gap.from, t.as.gap.to, t.as.gap.reason);
        break;
    case FP_TRUNK_RESET:
        fp_enc_trunk_reset(e, t.as.reset.old_epoch, t.as.reset.new_epoch, t.as.reset.reason);
        break;
    case FP_TRUNK_LIVE:
        live_again(&t.as.live, e);
        break;
    case FP_TRUNK_KNOWN:
        fp_enc_trunk_known(e, &t.as.known);
        break;
    default:
        return false;
    }
    return !e->failed;
}

bool record_up_again(struct fp_bytes in, struct fp_enc *e)
{
    struct fp_record_up r;
    return fp_record_up_decode(in, &r) == FP_OK && fp_enc_record_up(e, &r);
}

static void receipts_again(struct fp_record_down *r, struct fp_enc *e)
{
    struct fp_horizon row;
    fp_enc_told_receipts_begin(e, &r->receipts.conv, r->receipts.count);
    while (fp_record_horizon(r, &row.id, &row.delivered, &row.read)) {
        fp_enc_horizon(e, &row);
    }
}

static void conv_again(struct fp_conv_state *s, struct fp_enc *e)
{
    struct fp_id user;
    uint64_t role;
    uint64_t joined;
    uint64_t from;
    fp_enc_told_conv_begin(e, s);
    while (fp_conv_state_member(s, &user, &role, &joined, &from)) {
        fp_enc_told_conv_member(e, &user, role, joined, from);
    }
    fp_enc_told_conv_end(e, s);
}

bool record_down_again(struct fp_bytes in, struct fp_enc *e)
{
    struct fp_record_down r;
    if (fp_record_down_decode(in, &r)) {
        return false;
    }
    if (r.what == FP_TOLD_RECEIPTS_WHAT) {
        receipts_again(&r, e);
    } else if (r.what == FP_TOLD_CONV_WHAT) {
        conv_again(&r.conv, e);
    } else if (r.what == FP_TOLD_PERSON_WHAT) {
        fp_enc_told_person(e, &r.person);
    } else {
        fp_enc_raw(e, in);
    }
    return !e->failed;
}
