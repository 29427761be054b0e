#include "schemas/src/person.h"
#include "schemas/src/told.h"

#include "fp/limits.h"
#include "fp/trunk.h"

#include <string.h>

#define CODE_MAX 99 /* of a peer's errors */

static uint64_t read_lane(struct fp_dec *d)
{
    uint64_t lane = fp_dec_uint(d);
    d->failed = d->failed || lane >= FP_LANES; /* T1 */
    return d->failed ? 0 : lane;
}

static uint64_t read_number(struct fp_dec *d)
{
    uint64_t number = fp_dec_uint(d);
    d->failed = d->failed || number == 0; /* records count from 1 */
    return number;
}

/* {* lane => uint} */
static void read_have(struct fp_dec *d, uint64_t have[FP_LANES])
{
    for (size_t pairs = fp_dec_map(d); pairs > 0 && !d->failed; pairs--) {
        uint64_t lane = read_lane(d);
        have[lane] = fp_dec_uint(d);
    }
}

/* ------------------------------------------------------------------ rows: read once to check them, then again by the caller */

static void read_held(struct fp_dec *d, struct fp_id *out_conv, uint64_t *out_seq)
{
    *out_conv = fp_dec_id(d);
    *out_seq = fp_dec_uint(d);
}

static void read_typing(struct fp_dec *d, struct fp_trunk_typing *out)
{
    out->conv = fp_dec_id(d);
    out->count = fp_dec_array(d);
    out->users = *d;
    for (size_t users = out->count; users > 0 && !d->failed; users--) {
        (void)fp_dec_id(d);
    }
}

bool fp_trunk_held(struct fp_trunk_hello *h, struct fp_id *out_conv, uint64_t *out_seq)
{
    if (h->held_count == 0) {
        return false;
    }
    h->held_count--;
    read_held(&h->held, out_conv, out_seq);
    return !h->held.failed;
}

bool fp_trunk_scope(struct fp_trunk_welcome *w, struct fp_id *out_scope)
{
    if (w->scope_count == 0) {
        return false;
    }
    w->scope_count--;
    *out_scope = fp_dec_id(&w->scopes);
    return !w->scopes.failed;
}

bool fp_trunk_person(struct fp_trunk_live *l, struct fp_person *out)
{
    return people_next(&l->people_count, &l->people, out);
}

bool fp_trunk_typing(struct fp_trunk_live *l, struct fp_trunk_typing *out)
{
    if (l->typing_count == 0) {
        return false;
    }
    l->typing_count--;
    read_typing(&l->typing, out);
    return !l->typing.failed;
}

bool fp_trunk_typist(struct fp_trunk_typing *t, struct fp_id *out_user)
{
    if (t->count == 0) {
        return false;
    }
    t->count--;
    *out_user = fp_dec_id(&t->users);
    return !t->users.failed;
}

/* ------------------------------------------------------------------ one function a frame: reads the value of one key */

/* {* lane => [uint, uint]} */
static void read_ranges(struct fp_dec *d, struct fp_lane_range lanes[FP_LANES])
{
    for (size_t pairs = fp_dec_map(d); pairs > 0 && !d->failed; pairs--) {
        struct fp_lane_range *range = &lanes[read_lane(d)];
        told_items(d, 2);
        range->oldest = read_number(d);
        range->next = fp_dec_uint(d);
        d->failed = d->failed || range->next < range->oldest;
    }
}

static void hello_field(struct fp_dec *d, uint64_t key, struct fp_trunk *t)
{
    struct fp_trunk_hello *hello = &t->as.hello;
    struct fp_id conv;
    uint64_t seq;
    switch (key) {
    case FP_T_HELLO_PROTOCOL:
        hello->protocol = fp_dec_uint(d);
        break;
    case FP_T_HELLO_EPOCH:
        hello->epoch = fp_dec_uint(d);
        break;
    case FP_T_HELLO_LANES:
        read_ranges(d, hello->lanes);
        break;
    case FP_T_HELLO_HELD:
        hello->held_count = fp_dec_map(d);
        hello->held = *d;
        for (size_t i = hello->held_count; i > 0 && !d->failed; i--) {
            read_held(d, &conv, &seq);
        }
        break;
    case FP_T_HELLO_HAVE:
        read_have(d, hello->have);
        break;
    default: /* here and below: a newer peer's key */
        fp_dec_skip(d);
    }
}

static void welcome_field(struct fp_dec *d, uint64_t key, struct fp_trunk *t)
{
    struct fp_trunk_welcome *w = &t->as.welcome;
    switch (key) {
    case FP_T_WELCOME_EPOCH:
        w->epoch = fp_dec_uint(d);
        break;
    case FP_T_WELCOME_HAVE:
        read_have(d, w->have);
        break;
    case FP_T_WELCOME_CREDIT:
        w->credit = fp_dec_uint(d);
        break;
    case FP_T_WELCOME_BYTES:
        w->bytes = fp_dec_uint(d);
        break;
    case FP_T_WELCOME_AT:
        w->at.ms = fp_dec_uint(d);
        break;
    case FP_T_WELCOME_SCOPES:
        w->scope_count = fp_dec_array(d);
        w->scopes = *d;
        for (size_t i = w->scope_count; i > 0 && !d->failed; i--) {
            (void)fp_dec_id(d);
        }
        break;
    case FP_T_WELCOME_START:
        w->start = fp_dec_uint(d);
        break;
    default:
        fp_dec_skip(d);
    }
}

static void batch_field(struct fp_dec *d, uint64_t key, struct fp_trunk *t)
{
    struct fp_trunk_batch *b = &t->as.batch;
    uint64_t codec;
    switch (key) {
    case FP_T_BATCH_EPOCH:
        b->epoch = fp_dec_uint(d);
        break;
    case FP_T_BATCH_LANE:
        b->lane = read_lane(d);
        break;
    case FP_T_BATCH_FIRST:
        b->first = read_number(d);
        break;
    case FP_T_BATCH_COUNT:
        b->count = read_number(d);
        break;
    case FP_T_BATCH_CODEC:
        codec = fp_dec_uint(d);
        b->zlib = codec == FP_CODEC_ZLIB;
        d->failed = d->failed || codec > FP_CODEC_ZLIB;
        break;
    case FP_T_BATCH_CRC:
        b->crc = fp_dec_uint(d);
        break;
    case FP_T_BATCH_RECORDS:
        b->records = fp_dec_bytes(d);
        break;
    default:
        fp_dec_skip(d);
    }
}

static void ack_field(struct fp_dec *d, uint64_t key, struct fp_trunk *t)
{
    switch (key) {
    case FP_T_ACK_EPOCH:
        t->as.ack.epoch = fp_dec_uint(d);
        break;
    case FP_T_ACK_LANE:
        t->as.ack.lane = read_lane(d);
        break;
    case FP_T_ACK_HAVE:
        t->as.ack.have = fp_dec_uint(d);
        break;
    case FP_T_ACK_CREDIT:
        t->as.ack.credit = fp_dec_uint(d);
        break;
    default:
        fp_dec_skip(d);
    }
}

static void nack_field(struct fp_dec *d, uint64_t key, struct fp_trunk *t)
{
    switch (key) {
    case FP_T_NACK_LANE:
        t->as.nack.lane = read_lane(d);
        break;
    case FP_T_NACK_EXPECTED:
        t->as.nack.expected = read_number(d);
        break;
    default:
        fp_dec_skip(d);
    }
}

static void refuse_field(struct fp_dec *d, uint64_t key, struct fp_trunk *t)
{
    uint64_t code;
    switch (key) {
    case FP_T_REFUSE_LANE:
        t->as.refuse.lane = read_lane(d);
        break;
    case FP_T_REFUSE_NUMBER:
        t->as.refuse.number = read_number(d);
        break;
    case FP_T_REFUSE_ERROR:
        code = fp_dec_uint(d);
        d->failed = d->failed || code == 0 || code > CODE_MAX;
        t->as.refuse.code = d->failed ? FP_OK : (enum fp_err)code;
        break;
    case FP_T_REFUSE_REASON:
        t->as.refuse.reason = fp_dec_text(d);
        break;
    case FP_T_REFUSE_NEXT:
        t->as.refuse.next_n = fp_dec_uint(d);
        break;
    default:
        fp_dec_skip(d);
    }
}

static void gap_field(struct fp_dec *d, uint64_t key, struct fp_trunk *t)
{
    switch (key) {
    case FP_T_GAP_LANE:
        t->as.gap.lane = read_lane(d);
        break;
    case FP_T_GAP_FROM:
        t->as.gap.from = read_number(d);
        break;
    case FP_T_GAP_TO:
        t->as.gap.to = fp_dec_uint(d);
        d->failed = d->failed || t->as.gap.to < t->as.gap.from; /* keys ascend: `from` has been read */
        break;
    case FP_T_GAP_REASON:
        t->as.gap.reason = fp_dec_uint(d);
        break;
    default:
        fp_dec_skip(d);
    }
}

static void reset_field(struct fp_dec *d, uint64_t key, struct fp_trunk *t)
{
    switch (key) {
    case FP_T_RESET_OLD:
        t->as.reset.old_epoch = fp_dec_uint(d);
        break;
    case FP_T_RESET_NEW:
        t->as.reset.new_epoch = fp_dec_uint(d);
        break;
    case FP_T_RESET_REASON:
        t->as.reset.reason = fp_dec_uint(d);
        break;
    default:
        fp_dec_skip(d);
    }
}

static void live_field(struct fp_dec *d, uint64_t key, struct fp_trunk *t)
{
    struct fp_trunk_live *live = &t->as.live;
    struct fp_trunk_typing row;
    switch (key) {
    case FP_T_LIVE_PEOPLE:
        live->has_people = true;
        live->people_count = people_read(d, &live->people);
        break;
    case FP_T_LIVE_FULL:
        live->full = fp_dec_bool(d);
        break;
    case FP_T_LIVE_TYPING:
        live->typing_count = fp_dec_map(d);
        live->typing = *d;
        for (size_t i = live->typing_count; i > 0 && !d->failed; i--) {
            read_typing(d, &row);
        }
        break;
    default:
        fp_dec_skip(d);
    }
}

static void known_field(struct fp_dec *d, uint64_t key, struct fp_trunk *t)
{
    struct fp_trunk_known *k = &t->as.known;
    switch (key) {
    case FP_T_KNOWN_LANE:
        k->lane = read_lane(d);
        break;
    case FP_T_KNOWN_NUMBER:
        k->number = read_number(d);
        break;
    case FP_T_KNOWN_CONV:
        k->conv = fp_dec_id(d);
        break;
    case FP_T_KNOWN_SEQ:
        k->seq = read_number(d); /* seqs count from 1 as well */
        break;
    case FP_T_KNOWN_AT:
        k->at.ms = fp_dec_uint(d);
        break;
    default:
        fp_dec_skip(d);
    }
}

/* ------------------------------------------------------------------ what no key alone can tell */

static enum fp_err check_batch(const struct fp_trunk_batch *b)
{
    if (b->records.len > FP_TRUNK_RECORDS_MAX || b->count > FP_TRUNK_RECORDS_MAX) { /* a record has one byte at least */
        return FP_ETOOLARGE;
    }
    bool fits = b->zlib || b->count <= b->records.len;
    bool counts = b->first <= UINT64_MAX - b->count;
    return fits && counts && b->crc == fp_crc32c(b->records) ? FP_OK : FP_EMALFORMED; /* T1 */
}

static enum fp_err check_frame(const struct fp_trunk *t)
{
    switch (t->what) {
    case FP_TRUNK_BATCH:
        return check_batch(&t->as.batch);
    case FP_TRUNK_REFUSE:
        return t->as.refuse.reason.len <= FP_REASON_BYTES_MAX ? FP_OK : FP_ETOOLARGE;
    case FP_TRUNK_LIVE:
        return t->as.live.has_people || !t->as.live.full ? FP_OK : FP_EMALFORMED;
    default:
        return FP_OK;
    }
}

/* `needed` has bit 1 << key for each key that must be there. */
static const struct shape {
    void (*field)(struct fp_dec *d, uint64_t key, struct fp_trunk *t);
    uint32_t needed;
} SHAPES[] = {
    [FP_TRUNK_HELLO] = {hello_field, 1U << FP_T_HELLO_PROTOCOL | 1U << FP_T_HELLO_EPOCH | 1U << FP_T_HELLO_LANES | 1U << FP_T_HELLO_HELD},
    [FP_TRUNK_WELCOME] = {welcome_field, 1U << FP_T_WELCOME_EPOCH | 1U << FP_T_WELCOME_HAVE | 1U << FP_T_WELCOME_CREDIT | 1U << FP_T_WELCOME_BYTES |
                                             1U << FP_T_WELCOME_AT},
    [FP_TRUNK_BATCH] = {batch_field, 1U << FP_T_BATCH_EPOCH | 1U << FP_T_BATCH_LANE | 1U << FP_T_BATCH_FIRST | 1U << FP_T_BATCH_COUNT |
                                         1U << FP_T_BATCH_CODEC | 1U << FP_T_BATCH_CRC | 1U << FP_T_BATCH_RECORDS},
    [FP_TRUNK_ACK] = {ack_field, 1U << FP_T_ACK_EPOCH | 1U << FP_T_ACK_LANE | 1U << FP_T_ACK_HAVE | 1U << FP_T_ACK_CREDIT},
    [FP_TRUNK_NACK] = {nack_field, 1U << FP_T_NACK_LANE | 1U << FP_T_NACK_EXPECTED},
    [FP_TRUNK_REFUSE] = {refuse_field, 1U << FP_T_REFUSE_LANE | 1U << FP_T_REFUSE_NUMBER | 1U << FP_T_REFUSE_ERROR},
    [FP_TRUNK_GAP] = {gap_field, 1U << FP_T_GAP_LANE | 1U << FP_T_GAP_FROM | 1U << FP_T_GAP_TO | 1U << FP_T_GAP_REASON},
    [FP_TRUNK_RESET] = {reset_field, 1U << FP_T_RESET_OLD | 1U << FP_T_RESET_NEW | 1U << FP_T_RESET_REASON},
    [FP_TRUNK_LIVE] = {live_field, 0},
    [FP_TRUNK_KNOWN] = {known_field,
                        1U << FP_T_KNOWN_LANE | 1U << FP_T_KNOWN_NUMBER | 1U << FP_T_KNOWN_CONV | 1U << FP_T_KNOWN_SEQ | 1U << FP_T_KNOWN_AT},
};

static void defaults(struct fp_trunk *t)
{
    for (size_t lane = 0; t->what == FP_TRUNK_HELLO && lane < FP_LANES; lane++) {
        t->as.hello.lanes[lane] = (struct fp_lane_range){.oldest = 1, .next = 1};
    }
}

enum fp_err fp_trunk_decode(struct fp_bytes in, struct fp_trunk *out)
{
    memset(out, 0, sizeof *out);
    struct fp_dec d;
    size_t pairs = 0;
    enum fp_err err = told_open(in, sizeof SHAPES / sizeof SHAPES[0], &d, &out->what, &pairs);
    if (err) {
        return err;
    }
    defaults(out);
    const struct shape *shape = &SHAPES[out->what];
    uint32_t seen = 0;
    for (; pairs > 0 && !d.failed; pairs--) {
        uint64_t key = fp_dec_key(&d);
        shape->field(&d, key, out);
        seen |= key < 32 ? 1U << key : 0;
    }
    return fp_dec_done(&d) && (seen & shape->needed) == shape->needed ? check_frame(out) : FP_EMALFORMED;
}
