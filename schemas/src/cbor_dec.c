#include "schemas/src/cbor_item.h"

void fp_dec_init(struct fp_dec *d, struct fp_bytes in)
{
    static const uint8_t nothing[1] = {0}; /* an absent body is a null pointer, to which nothing can be added, not even 0 */
    *d = (struct fp_dec){.p = in.p ? in.p : nothing, .len = in.len};
}

enum fp_cbor_type fp_dec_peek(const struct fp_dec *d)
{
    static const enum fp_cbor_type major[8] = {FP_CBOR_UINT,  FP_CBOR_NEGINT, FP_CBOR_BYTES, FP_CBOR_TEXT,
                                               FP_CBOR_ARRAY, FP_CBOR_MAP,    FP_CBOR_OTHER, FP_CBOR_OTHER};
    if (d->failed || d->at == d->len) {
        return FP_CBOR_END;
    }
    uint8_t first = d->p[d->at];
    switch (first) {
    case 0xf4:
    case 0xf5:
        return FP_CBOR_BOOL;
    case 0xf6:
        return FP_CBOR_NULL;
    case 0xf9:
    case 0xfa:
    case 0xfb:
        return FP_CBOR_FLOAT;
    default: /* the low five bits: 28 to 30 are reserved, 31 is an indefinite length */
        return (first & 0x1f) > 27 ? FP_CBOR_OTHER : major[first >> 5];
    }
}

/* Reads the next item if it is of that type; otherwise fails and yields a zero item. */
static struct fp_cbor_item take(struct fp_dec *d, enum fp_cbor_type type)
{
    struct fp_cbor_item item;
    if (d->failed || fp_cbor_item_read(d->p + d->at, d->len - d->at, &item) || item.type != type) {
        d->failed = true;
        return (struct fp_cbor_item){0};
    }
    d->at += item.size;
    return item;
}

uint64_t fp_dec_uint(struct fp_dec *d)
{
    return take(d, FP_CBOR_UINT).value;
}

static size_t take_count(struct fp_dec *d, enum fp_cbor_type type, size_t per)
{
    uint64_t count = take(d, type).value;
    if (count > (d->len - d->at) / per) { /* every item takes a byte or more */
        d->failed = true;
        return 0;
    }
    return (size_t)count;
}

size_t fp_dec_map(struct fp_dec *d)
{
    return take_count(d, FP_CBOR_MAP, 2);
}

size_t fp_dec_array(struct fp_dec *d)
{
    return take_count(d, FP_CBOR_ARRAY, 1);
}

struct fp_bytes fp_dec_text(struct fp_dec *d)
{
    struct fp_cbor_item item = take(d, FP_CBOR_TEXT);
    return fp_bytes_of(item.data, (size_t)item.value);
}

struct fp_bytes fp_dec_bytes(struct fp_dec *d)
{
    struct fp_cbor_item item = take(d, FP_CBOR_BYTES);
    return fp_bytes_of(item.data, (size_t)item.value);
}

bool fp_dec_bool(struct fp_dec *d)
{
    return take(d, FP_CBOR_BOOL).value != 0;
}

void fp_dec_null(struct fp_dec *d)
{
    (void)take(d, FP_CBOR_NULL);
}

double fp_dec_number(struct fp_dec *d)
{
    enum fp_cbor_type type = fp_dec_peek(d);
    return take(d, type == FP_CBOR_UINT || type == FP_CBOR_NEGINT ? type : FP_CBOR_FLOAT).number;
}

struct fp_id fp_dec_id(struct fp_dec *d)
{
    struct fp_bytes text = fp_dec_text(d);
    struct fp_id id = {0};
    if (!d->failed && !fp_id_parse((const char *)text.p, text.len, &id)) {
        d->failed = true;
    }
    return id;
}

/* Walks one item. left[] counts what is still to come in each collection that we are in, so no recursion. */
static bool skip(struct fp_dec *d, size_t depth_max)
{
    uint64_t left[FP_CBOR_DEPTH_MAX + 1] = {1};
    size_t depth = 0;

    for (;;) {
        struct fp_cbor_item item;
        if (fp_cbor_item_read(d->p + d->at, d->len - d->at, &item)) {
            return false;
        }
        d->at += item.size;
        left[depth]--;
        if (item.type == FP_CBOR_ARRAY || item.type == FP_CBOR_MAP) {
            uint64_t per = item.type == FP_CBOR_MAP ? 2 : 1;
            if (depth == depth_max || item.value > (d->len - d->at) / per) {
                return false;
            }
            left[++depth] = item.value * per;
        }
        while (left[depth] == 0) {
            if (depth == 0) {
                return true;
            }
            depth--;
        }
    }
}

struct fp_bytes fp_dec_raw_within(struct fp_dec *d, size_t depth_max)
{
    size_t from = d->at;
    size_t bounded = depth_max < FP_CBOR_DEPTH_MAX ? depth_max : FP_CBOR_DEPTH_MAX;
    if (d->failed || !skip(d, bounded)) {
        d->failed = true;
        return (struct fp_bytes){0};
    }
    return fp_bytes_of(d->p + from, d->at - from);
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
