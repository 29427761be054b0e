#include "fp/reply.h"

#include "schemas/src/told.h"

#define NACK_CODE_MAX 99 /* a newer hub's code is let through, as far as it is a peer's error */

/* ------------------------------------------------------------------ rows: read once to check them, then again by the caller */

static bool read_answer(struct fp_dec *d, struct fp_answer *out)
{
    *out = (struct fp_answer){0};
    told_items(d, 4);
    out->n = fp_dec_uint(d);
    if (fp_dec_peek(d) == FP_CBOR_NULL) {
        fp_dec_null(d);
    } else {
        out->conv = fp_dec_id(d);
    }
    if (fp_dec_peek(d) == FP_CBOR_NULL) {
        fp_dec_null(d);
    } else {
        out->seq = fp_dec_uint(d);
    }
    out->at.ms = fp_dec_uint(d);
    return !d->failed;
}

static bool read_conv_head(struct fp_dec *d, struct fp_conv_head *out)
{
    *out = (struct fp_conv_head){0};
    told_items(d, 6);
    out->conv = fp_dec_id(d);
    out->scope = fp_dec_id(d);
    out->head = fp_dec_uint(d);
    out->floor = fp_dec_uint(d);
    out->read = fp_dec_uint(d);
    out->unread = fp_dec_uint(d);
    return !d->failed;
}

static bool read_nudge(struct fp_dec *d, struct fp_id *out_conv, uint64_t *out_head)
{
    told_items(d, 2);
    *out_conv = fp_dec_id(d);
    *out_head = fp_dec_uint(d);
    return !d->failed;
}

bool fp_reply_answer(struct fp_reply *r, struct fp_answer *out)
{
    if (r->what != FP_REPLY_ACK || r->as.ack.count == 0) {
        return false;
    }
    r->as.ack.count--;
    return read_answer(&r->as.ack.rows, out);
}

bool fp_reply_head(struct fp_reply *r, struct fp_conv_head *out)
{
    if (r->what != FP_REPLY_WELCOME || r->as.welcome.head.head_count == 0) {
        return false;
    }
    r->as.welcome.head.head_count--;
    return read_conv_head(&r->as.welcome.rows, out);
}

bool fp_reply_nudge(struct fp_reply *r, struct fp_id *out_conv, uint64_t *out_head)
{
    if (r->what != FP_REPLY_NUDGE || r->as.nudge.count == 0) {
        return false;
    }
    r->as.nudge.count--;
    return read_nudge(&r->as.nudge.rows, out_conv, out_head);
}

/* ------------------------------------------------------------------ one function a reply: reads the value of one key */

static void ack_field(struct fp_dec *d, uint64_t key, struct fp_reply *r)
{
    struct fp_answer row;
    switch (key) {
    case FP_ACK_ROWS:
        r->as.ack.count = fp_dec_array(d);
        r->as.ack.rows = *d;
        for (size_t i = r->as.ack.count; i > 0 && !d->failed; i--) {
            (void)read_answer(d, &row);
        }
        break;
    case FP_ACK_RELAY:
        r->as.ack.relay = fp_dec_id(d);
        break;
    default: /* here and below: a newer hub's key */
        fp_dec_skip(d);
    }
}

static void nack_field(struct fp_dec *d, uint64_t key, struct fp_reply *r)
{
    struct fp_nack *nack = &r->as.nack;
    uint64_t code;
    switch (key) {
    case FP_NACK_N:
        nack->n = fp_dec_uint(d);
        break;
    case FP_NACK_ERROR:
        code = fp_dec_uint(d);
        if (code == 0 || code > NACK_CODE_MAX) {
            d->failed = true;
        } else {
            nack->code = (enum fp_err)code;
        }
        break;
    case FP_NACK_REASON:
        nack->reason = fp_dec_text(d);
        break;
    case FP_NACK_RETRY:
        nack->retry = fp_dec_bool(d);
        break;
    case FP_NACK_CURRENT:
        nack->current = fp_dec_raw(d);
        break;
    case FP_NACK_NEXT:
        nack->next_n = fp_dec_uint(d);
        break;
    default:
        fp_dec_skip(d);
    }
}

static void read_limits(struct fp_dec *d, struct fp_limits *out)
{
    for (size_t pairs = fp_dec_map(d); pairs > 0 && !d->failed; pairs--) {
        switch (fp_dec_key(d)) {
        case FP_LIMIT_COMMAND_BYTES:
            out->command_bytes = fp_dec_uint(d);
            break;
        case FP_LIMIT_BATCH:
            out->batch_commands = fp_dec_uint(d);
            break;
        case FP_LIMIT_RATE:
            out->commands_per_s = fp_dec_uint(d);
            break;
        case FP_LIMIT_PAGE_BYTES:
            out->page_bytes = fp_dec_uint(d);
            break;
        case FP_LIMIT_ALIVE:
            out->alive_s = fp_dec_uint(d);
            break;
        default:
            fp_dec_skip(d);
        }
    }
}

static void welcome_heads(struct fp_dec *d, struct fp_reply *r)
{
    struct fp_conv_head row;
    size_t count = fp_dec_array(d);
    r->as.welcome.head.head_count = count;
    r->as.welcome.rows = *d;
    for (; count > 0 && !d->failed; count--) {
        (void)read_conv_head(d, &row);
    }
}

static void welcome_field(struct fp_dec *d, uint64_t key, struct fp_reply *r)
{
    struct fp_welcome *w = &r->as.welcome.head;
    switch (key) {
    case FP_WELCOME_EPOCH:
        w->epoch = fp_dec_uint(d);
        break;
    case FP_WELCOME_SESSION:
        w->session = fp_dec_uint(d);
        break;
    case FP_WELCOME_AT:
        w->at.ms = fp_dec_uint(d);
        break;
    case FP_WELCOME_NEXT:
        w->next_n = fp_dec_uint(d);
        break;
    case FP_WELCOME_HEADS:
        welcome_heads(d, r);
        break;
    case FP_WELCOME_LIMITS:
        read_limits(d, &w->limits);
        break;
    case FP_WELCOME_RELAY:
        w->relay = fp_dec_id(d);
        break;
    default:
        fp_dec_skip(d);
    }
}

static void page_content(struct fp_dec *d, struct fp_page *page)
{
    if (page->zlib) {
        page->content = fp_dec_bytes(d);
        return;
    }
    if (fp_dec_peek(d) != FP_CBOR_ARRAY) {
        d->failed = true;
    }
    page->content = fp_dec_raw(d);
}

/* The codec comes before the content, because keys ascend. */
static void page_field(struct fp_dec *d, uint64_t key, struct fp_reply *r)
{
    struct fp_page *page = &r->as.page;
    uint64_t codec;
    switch (key) {
    case FP_PAGE_CONV:
        page->conv = fp_dec_id(d);
        break;
    case FP_PAGE_FROM:
        page->from = fp_dec_uint(d);
        break;
    case FP_PAGE_TO:
        page->to = fp_dec_uint(d);
        break;
    case FP_PAGE_MORE:
        page->more = fp_dec_bool(d);
        break;
    case FP_PAGE_CODEC:
        codec = fp_dec_uint(d);
        page->zlib = codec == FP_CODEC_ZLIB;
        d->failed = d->failed || codec > FP_CODEC_ZLIB;
        break;
    case FP_PAGE_CONTENT:
        page_content(d, page);
        break;
    default:
        fp_dec_skip(d);
    }
}

static void snapshot_field(struct fp_dec *d, uint64_t key, struct fp_reply *r)
{
    switch (key) {
    case FP_SNAPSHOT_CONV:
        r->as.snapshot.conv = fp_dec_id(d);
        break;
    case FP_SNAPSHOT_FLOOR:
        r->as.snapshot.floor = fp_dec_uint(d);
        break;
    case FP_SNAPSHOT_STATE:
        r->as.snapshot.state = fp_dec_raw(d);
        break;
    default:
        fp_dec_skip(d);
    }
}

static void time_field(struct fp_dec *d, uint64_t key, struct fp_reply *r)
{
    switch (key) {
    case FP_TIME_ECHO:
        r->as.time.echo = fp_dec_uint(d);
        break;
    case FP_TIME_RECEIVED:
        r->as.time.received.ms = fp_dec_uint(d);
        break;
    case FP_TIME_SENT:
        r->as.time.sent.ms = fp_dec_uint(d);
        break;
    default:
        fp_dec_skip(d);
    }
}

static void nudge_field(struct fp_dec *d, uint64_t key, struct fp_reply *r)
{
    struct fp_id conv;
    uint64_t head;
    if (key != FP_NUDGE_ROWS) {
        fp_dec_skip(d);
        return;
    }
    r->as.nudge.count = fp_dec_array(d);
    r->as.nudge.rows = *d;
    for (size_t i = r->as.nudge.count; i > 0 && !d->failed; i--) {
        (void)read_nudge(d, &conv, &head);
    }
}

static void report_field(struct fp_dec *d, uint64_t key, struct fp_reply *r)
{
    switch (key) {
    case FP_REPORT_KIND:
        r->as.report.kind = fp_dec_uint(d);
        break;
    case FP_REPORT_VALUE:
        r->as.report.value = fp_dec_raw(d);
        break;
    case FP_REPORT_CONV:
        r->as.report.conv = fp_dec_id(d);
        break;
    case FP_REPORT_SEQ:
        r->as.report.seq = fp_dec_uint(d);
        break;
    default:
        fp_dec_skip(d);
    }
}

/* `needed` has bit 1 << key for each key that must be there. */
static const struct shape {
    void (*field)(struct fp_dec *d, uint64_t key, struct fp_reply *r);
    uint32_t needed;
} SHAPES[] = {
    [FP_REPLY_ACK] = {ack_field, 1U << FP_ACK_ROWS},
    [FP_REPLY_NACK] = {nack_field, 1U << FP_NACK_ERROR},
    [FP_REPLY_WELCOME] = {welcome_field, 1U << FP_WELCOME_EPOCH | 1U << FP_WELCOME_SESSION | 1U << FP_WELCOME_AT | 1U << FP_WELCOME_NEXT |
                                             1U << FP_WELCOME_HEADS | 1U << FP_WELCOME_LIMITS},
    [FP_REPLY_PAGE] = {page_field,
                       1U << FP_PAGE_CONV | 1U << FP_PAGE_FROM | 1U << FP_PAGE_TO | 1U << FP_PAGE_MORE | 1U << FP_PAGE_CODEC | 1U << FP_PAGE_CONTENT},
    [FP_REPLY_SNAPSHOT] = {snapshot_field, 1U << FP_SNAPSHOT_CONV | 1U << FP_SNAPSHOT_FLOOR | 1U << FP_SNAPSHOT_STATE},
    [FP_REPLY_TIME] = {time_field, 1U << FP_TIME_ECHO | 1U << FP_TIME_RECEIVED | 1U << FP_TIME_SENT},
    [FP_REPLY_NUDGE] = {nudge_field, 1U << FP_NUDGE_ROWS},
    [FP_REPLY_REPORT] = {report_field, 1U << FP_REPORT_KIND | 1U << FP_REPORT_VALUE},
};

enum fp_err fp_reply_decode(struct fp_bytes in, struct fp_reply *out)
{
    *out = (struct fp_reply){0};
    struct fp_dec d;
    size_t pairs = 0;
    enum fp_err err = told_open(in, sizeof SHAPES / sizeof SHAPES[0], &d, &out->what, &pairs);
    if (err) {
        return err;
    }
    const struct shape *shape = &SHAPES[out->what];
    uint32_t seen = 0;
    for (; pairs > 0 && !d.failed; pairs--) {
        uint64_t key = fp_dec_key(&d);
        shape->field(&d, key, out);
        seen |= key < 32 ? 1U << key : 0;
    }
    return fp_dec_done(&d) && (seen & shape->needed) == shape->needed ? FP_OK : FP_EMALFORMED;
}
