/*
 * cbor.h: a sticky reader and a sticky writer for deterministic CBOR (RFC 8949, 4.2.1).
 *
 * Shape       both remember their first failure and do nothing after it, so the caller checks once, at the end.
 *             A failed read yields 0, an empty span or the empty id.
 * Memory      no heap; spans that the reader hands out point into its input
 * Thread      one thread at a time per struct
 * Source      RFC 8949; the encoding rules in schemas/cddl/common.cddl
 */
#ifndef FP_CBOR_H
#define FP_CBOR_H

#include "fp/bytes.h"
#include "fp/err.h"

enum fp_cbor_type {
    FP_CBOR_UINT,
    FP_CBOR_NEGINT,
    FP_CBOR_BYTES,
    FP_CBOR_TEXT,
    FP_CBOR_ARRAY,
    FP_CBOR_MAP,
    FP_CBOR_BOOL,
    FP_CBOR_NULL,
    FP_CBOR_FLOAT,
    FP_CBOR_END,   /* nothing left */
    FP_CBOR_OTHER, /* a tag, an indefinite length, undefined, a simple value: nothing that we accept */
};

/*
 * Is `in` exactly one item (or, with `out_used`, does it begin with one) that keeps our rules: definite lengths, shortest integers and
 * lengths, map keys ascending and unique (bytewise order of their encodings), valid UTF-8, no tags, depth at most
 * FP_CBOR_DEPTH_MAX? Floats may have any of the three widths. On FP_EMALFORMED *out_why is a sentence for the nack.
 */
enum fp_err fp_cbor_check(struct fp_bytes in, size_t *out_used, const char **out_why);

#define FP_KEY_FOREIGN UINT64_MAX

struct fp_dec {
    const uint8_t *p;
    size_t len;
    size_t at;
    bool failed;
};

void fp_dec_init(struct fp_dec *d, struct fp_bytes in);
enum fp_cbor_type fp_dec_peek(const struct fp_dec *d);
uint64_t fp_dec_uint(struct fp_dec *d);
size_t fp_dec_map(struct fp_dec *d);   /* how many pairs follow; a count that the rest cannot hold fails */
size_t fp_dec_array(struct fp_dec *d); /* how many items follow; likewise */
struct fp_bytes fp_dec_text(struct fp_dec *d);
struct fp_bytes fp_dec_bytes(struct fp_dec *d);
bool fp_dec_bool(struct fp_dec *d);
void fp_dec_null(struct fp_dec *d);
double fp_dec_number(struct fp_dec *d); /* a float or an integer */
struct fp_id fp_dec_id(struct fp_dec *d);
struct fp_bytes fp_dec_raw(struct fp_dec *d);                          /* the next item, whole, as it stands */
struct fp_bytes fp_dec_raw_within(struct fp_dec *d, size_t depth_max); /* fails if collections nest deeper in it */
uint64_t fp_dec_key(struct fp_dec *d); /* a pair's key; FP_KEY_FOREIGN for one that is no unsigned integer, which it skips */
void fp_dec_skip(struct fp_dec *d);    /* depth-bounded, no recursion */
/* True when nothing failed and nothing is left over. */
bool fp_dec_done(const struct fp_dec *d);

struct fp_enc {
    uint8_t *buf;
    size_t cap;
    size_t len;
    bool failed; /* it did not fit */
};

void fp_enc_init(struct fp_enc *e, void *buf, size_t cap);
void fp_enc_uint(struct fp_enc *e, uint64_t v);
void fp_enc_map(struct fp_enc *e, size_t pairs);
void fp_enc_array(struct fp_enc *e, size_t items);
void fp_enc_text(struct fp_enc *e, const char *p, size_t len);
void fp_enc_bytes(struct fp_enc *e, const void *p, size_t len);
void fp_enc_bool(struct fp_enc *e, bool v);
void fp_enc_null(struct fp_enc *e);
void fp_enc_id(struct fp_enc *e, const struct fp_id *id);
void fp_enc_raw(struct fp_enc *e, struct fp_bytes item); /* items that are encoded already */
static inline struct fp_bytes fp_enc_bytes_of(const struct fp_enc *e)
{
    return (struct fp_bytes){.p = e->buf, .len = e->failed ? 0 : e->len};
}

#endif
