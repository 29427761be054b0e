#include "firmware-client/core/cbor_small_item.h"

/* ------------------------------------------------------------------ the reader */

void fp_dec_init(struct fp_dec *d, struct fp_bytes in)
{
    static const uint8_t nothing[1] = {0}; /* an absent body is a null pointer, to which nothing can be added, not even 0 */
    *d = (struct fp_dec){.p = in.p ? in.p : nothing, .len = in.len};
}

enum fp_cbor_type fp_dec_peek(const struct fp_dec *d)
{
    return d->failed || d->at == d->len ? FP_CBOR_END : fp_small_type(d->p[d->at]);
}

/* Reads the next item, head and content, and yields its value if it is of that type; otherwise fails and yields 0. */
static uint64_t take(struct fp_dec *d, enum fp_cbor_type type)
{
    struct fp_small_item item;
    if (d->failed || !fp_small_item(d->p + d->at, d->len - d->at, &item) || item.type != type) {
        d->failed = true;
        return 0;
    }
    d->at += item.head + item.content;
    return item.value;
}

uint64_t fp_dec_uint(struct fp_dec *d)
{
    return take(d, FP_CBOR_UINT);
}

static size_t take_count(struct fp_dec *d, enum fp_cbor_type type)
{
    uint64_t count = take(d, type);
    if (count > (d->len - d->at) >> (type == FP_CBOR_MAP)) { /* every item takes a byte or more */
        d->failed = true;
        return 0;
    }
    return (size_t)count;
}

size_t fp_dec_map(struct fp_dec *d)
{
    return take_count(d, FP_CBOR_MAP);
}

size_t fp_dec_array(struct fp_dec *d)
{
    return take_count(d, FP_CBOR_ARRAY);
}

static struct fp_bytes take_string(struct fp_dec *d, enum fp_cbor_type type)
{
    size_t len = (size_t)take(d, type);
    return d->failed ? (struct fp_bytes){0} : fp_bytes_of(d->p + d->at - len, len);
}

struct fp_bytes fp_dec_text(struct fp_dec *d)
{
    return take_string(d, FP_CBOR_TEXT);
}

struct fp_bytes fp_dec_bytes(struct fp_dec *d)
{
    return take_string(d, FP_CBOR_BYTES);
}

bool fp_dec_bool(struct fp_dec *d)
{
    return take(d, FP_CBOR_BOOL) != 0;
}

void fp_dec_null(struct fp_dec *d)
{
    (void)take(d, FP_CBOR_NULL);
}

struct fp_id fp_dec_id(struct fp_dec *d)
{
    struct fp_bytes text = fp_dec_text(d);
    struct fp_id id;
    if (!fp_id_parse((const char *)text.p, text.len, &id)) {
        d->failed = true;
    }
    return id;
}

struct fp_bytes fp_dec_raw_within(struct fp_dec *d, size_t depth_max)
{
    size_t bounded = depth_max < FP_CBOR_DEPTH_MAX ? depth_max : FP_CBOR_DEPTH_MAX;
    size_t size = d->failed ? 0 : fp_small_walk(d->p + d->at, d->len - d->at, bounded, false);
    if (size == 0) {
        d->failed = true;
        return (struct fp_bytes){0};
    }
    d->at += size;
    return fp_bytes_of(d->p + d->at - size, size);
}

struct fp_bytes fp_dec_raw(struct fp_dec *d)
{
    return fp_dec_raw_within(d, FP_CBOR_DEPTH_MAX);
}

void fp_dec_skip(struct fp_dec *d)
{
    (void)fp_dec_raw(d);
}

uint64_t fp_dec_key(struct fp_dec *d)
{
    if (fp_dec_peek(d) == FP_CBOR_UINT) {
        return fp_dec_uint(d);
    }
    fp_dec_skip(d);
    return d->failed ? 0 : FP_KEY_FOREIGN;
}

bool fp_dec_done(const struct fp_dec *d)
{
    return !d->failed && d->at == d->len;
}

/* ------------------------------------------------------------------ numbers: apart, for they need doubles, which a small machine has in software */

static double as_double(uint64_t bits)
{
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

/* The value of `bits`, a float of that many bits of exponent and fraction, as a double. */
static double widen(uint64_t bits, unsigned exponent_bits, unsigned fraction_bits)
{
    uint32_t exponent_max = (1U << exponent_bits) - 1;
    uint32_t exponent = (uint32_t)(bits >> fraction_bits) & exponent_max;
    uint64_t fraction = (bits & ((1U << fraction_bits) - 1)) << (52 - fraction_bits);
    uint32_t bias = 1023 - exponent_max / 2;
    double v;
    if (exponent == exponent_max) { /* infinite or not a number */
        v = as_double(0x7ffULL << 52 | fraction);
    } else if (exponent > 0) {
        v = as_double((uint64_t)(exponent + bias) << 52 | fraction);
    } else { /* no leading 1: take away the one that a double has */
        v = as_double((uint64_t)(bias + 1) << 52 | fraction) - as_double((uint64_t)(bias + 1) << 52);
    }
    return bits >> (exponent_bits + fraction_bits) ? -v : v;
}

double fp_dec_number(struct fp_dec *d)
{
    enum fp_cbor_type type = fp_dec_peek(d);
    size_t from = d->at;
    uint64_t value = take(d, type);
    if (d->failed) {
        return 0;
    }
    if (type == FP_CBOR_UINT) {
        return (double)value;
    }
    if (type == FP_CBOR_NEGINT) {
        return -1.0 - (double)value;
    }
    if (type != FP_CBOR_FLOAT) {
        d->failed = true;
        return 0;
    }
    size_t size = d->at - from;
    return size == 3 ? widen(value, 5, 10) : size == 5 ? widen(value, 8, 23) : as_double(value);
}

/* ------------------------------------------------------------------ the writer */

void fp_enc_init(struct fp_enc *e, void *buf, size_t cap)
{
    *e = (struct fp_enc){.buf = buf, .cap = cap};
}

static void append(struct fp_enc *e, const void *p, size_t len)
{
    if (e->failed || len > e->cap - e->len) {
        e->failed = true;
        return;
    }
    if (len > 0) {
        memcpy(e->buf + e->len, p, len);
        e->len += len;
    }
}

static void put_head(struct fp_enc *e, enum fp_cbor_type type, uint64_t v)
{
    uint8_t head[9];
    uint32_t high = (uint32_t)(v >> 32);
    uint32_t low = (uint32_t)v;
    unsigned extra = 27;
    if (high == 0) {
        extra = low < 24 ? low : low <= UINT8_MAX ? 24 : low <= UINT16_MAX ? 25 : 26;
    }
    size_t more = extra < 24 ? 0 : (size_t)1 << (extra - 24);
    head[0] = (uint8_t)((unsigned)type << 5 | extra);
    for (size_t i = more; i > 0; i--) {
        head[i] = (uint8_t)low;
        low = low >> 8 | high << 24;
        high >>= 8;
    }
    append(e, head, 1 + more);
}

void fp_enc_uint(struct fp_enc *e, uint64_t v)
{
    put_head(e, FP_CBOR_UINT, v);
}

void fp_enc_map(struct fp_enc *e, size_t pairs)
{
    put_head(e, FP_CBOR_MAP, pairs);
}

void fp_enc_array(struct fp_enc *e, size_t items)
{
    put_head(e, FP_CBOR_ARRAY, items);
}

void fp_enc_text(struct fp_enc *e, const char *p, size_t len)
{
    put_head(e, FP_CBOR_TEXT, len);
    append(e, p, len);
}

void fp_enc_bytes(struct fp_enc *e, const void *p, size_t len)
{
    put_head(e, FP_CBOR_BYTES, len);
    append(e, p, len);
}

void fp_enc_bool(struct fp_enc *e, bool v)
{
    append(e, v ? "\xf5" : "\xf4", 1);
}

void fp_enc_null(struct fp_enc *e)
{
    append(e, "\xf6", 1);
}

void fp_enc_id(struct fp_enc *e, const struct fp_id *id)
{
    fp_enc_text(e, id->text, id->len);
}

void fp_enc_raw(struct fp_enc *e, struct fp_bytes item)
{
    append(e, item.p, item.len);
}
