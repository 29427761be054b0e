#include "tests/fuzz/client/cbor_drive.h"

#include "fp/cbor.h"

static void note(struct cbor_trace *t, uint64_t v)
{
    if (t->count < TRACE_MAX) {
        t->at[t->count++] = v;
    }
}

static void note_double(struct cbor_trace *t, double v)
{
    uint64_t bits = 0x7ff8ULL << 48; /* there are many NaNs, and which one comes out is nobody's business */
    if (v == v) {
        memcpy(&bits, &v, sizeof bits);
    }
    note(t, bits);
}

static void note_bytes(struct cbor_trace *t, struct fp_bytes b, struct fp_bytes in)
{
    note(t, b.len);
    note(t, b.len > 0 ? (uint64_t)(b.p - in.p) : 0);
}

/* Reads one item as `what` says and, where there is an encoder, writes it again. */
static void one_read(struct fp_dec *d, struct fp_enc *e, uint8_t what, struct fp_bytes in, struct cbor_trace *t)
{
    struct fp_bytes span = {0};
    struct fp_id id;
    uint64_t v = 0;
    switch (what % 12) {
    case 0:
        v = fp_dec_uint(d);
        fp_enc_uint(e, v);
        break;
    case 1:
        v = fp_dec_map(d);
        fp_enc_map(e, (size_t)v);
        break;
    case 2:
        v = fp_dec_array(d);
        fp_enc_array(e, (size_t)v);
        break;
    case 3:
        span = fp_dec_text(d);
        fp_enc_text(e, (const char *)span.p, span.len);
        break;
    case 4:
        span = fp_dec_bytes(d);
        fp_enc_bytes(e, span.p, span.len);
        break;
    case 5:
        v = fp_dec_bool(d);
        fp_enc_bool(e, v != 0);
        break;
    case 6:
        note_double(t, fp_dec_number(d));
        break;
    case 7:
        id = fp_dec_id(d);
        v = id.len;
        fp_enc_id(e, &id);
        break;
    case 8:
        span = fp_dec_raw_within(d, what / 12);
        fp_enc_raw(e, span);
        break;
    case 9:
        v = fp_dec_key(d);
        break;
    case 10:
        fp_dec_null(d);
        fp_enc_null(e);
        break;
    default:
        fp_dec_skip(d);
    }
    note(t, v);
    note_bytes(t, span, in);
}

static void note_reader(struct cbor_trace *t, const struct fp_dec *d)
{
    note(t, d->failed);
    note(t, d->failed ? 0 : d->at);
    note(t, fp_dec_peek(d));
    note(t, fp_dec_done(d));
}

static void note_written(struct cbor_trace *t, const struct fp_enc *e)
{
    note(t, e->failed);
    note(t, e->len);
    note(t, fp_hash(FP_HASH_START, e->buf, e->len));
}

/* Each item is read by what it is. */
static void read_as_told(struct fp_bytes in, size_t cap, struct cbor_trace *t)
{
    static const uint8_t how[FP_CBOR_OTHER + 1] = {[FP_CBOR_UINT] = 0, [FP_CBOR_NEGINT] = 6, [FP_CBOR_BYTES] = 4, [FP_CBOR_TEXT] = 3,
                                                  [FP_CBOR_ARRAY] = 2, [FP_CBOR_MAP] = 1, [FP_CBOR_BOOL] = 5, [FP_CBOR_NULL] = 10,
                                                  [FP_CBOR_FLOAT] = 6, [FP_CBOR_END] = 11, [FP_CBOR_OTHER] = 11};
    static uint8_t buf[65536];
    struct fp_dec d;
    struct fp_enc e;
    fp_dec_init(&d, in);
    fp_enc_init(&e, buf, cap < sizeof buf ? cap : sizeof buf);
    while (!d.failed && d.at < d.len) {
        one_read(&d, &e, how[fp_dec_peek(&d)], in, t);
        note_reader(t, &d);
    }
    note_written(t, &e);
}

/* Reads as each byte of the input says, whether it fits or not. */
static void read_at_random(struct fp_bytes in, struct cbor_trace *t)
{
    static uint8_t buf[65536];
    struct fp_dec d;
    struct fp_enc e;
    fp_dec_init(&d, in);
    fp_enc_init(&e, buf, sizeof buf);
    for (size_t i = 0; i < in.len && i < 256 && !d.failed; i++) {
        one_read(&d, &e, in.p[i], in, t);
        note_reader(t, &d);
    }
    note_written(t, &e);
}

void cbor_drive(struct fp_bytes in, struct cbor_trace *out)
{
    const char *why = NULL;
    size_t used = 0;
    out->count = 0;
    note(out, fp_cbor_check(in, &used, &why));
    note(out, used);
    note(out, why != NULL);
    note(out, fp_cbor_check(in, NULL, &why));
    for (size_t at = 1; at < in.len && at < 16; at++) { /* other beginnings, and cut short */
        note(out, fp_cbor_check(fp_bytes_of(in.p + at, in.len - at), &used, &why));
        note(out, fp_cbor_check(fp_bytes_of(in.p, in.len - at), &used, &why));
    }
    read_as_told(in, in.len, out);
    read_as_told(in, in.len / 2, out);
    read_at_random(in, out);
}
