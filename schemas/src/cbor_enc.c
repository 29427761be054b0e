#include "fp/cbor.h"

#include <cbor.h>

void fp_enc_init(struct fp_enc *e, void *buf, size_t cap)
{
    *e = (struct fp_enc){.buf = buf, .cap = cap};
}

/* libcbor's encoders write nothing and say 0 where there is no room. */
static void wrote(struct fp_enc *e, size_t size)
{
    e->len += size;
    e->failed = size == 0;
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

void fp_enc_uint(struct fp_enc *e, uint64_t v)
{
    if (!e->failed) {
        wrote(e, cbor_encode_uint(v, e->buf + e->len, e->cap - e->len));
    }
}

void fp_enc_map(struct fp_enc *e, size_t pairs)
{
    if (!e->failed) {
        wrote(e, cbor_encode_map_start(pairs, e->buf + e->len, e->cap - e->len));
    }
}

void fp_enc_array(struct fp_enc *e, size_t items)
{
    if (!e->failed) {
        wrote(e, cbor_encode_array_start(items, e->buf + e->len, e->cap - e->len));
    }
}

void fp_enc_text(struct fp_enc *e, const char *p, size_t len)
{
    if (!e->failed) {
        wrote(e, cbor_encode_string_start(len, e->buf + e->len, e->cap - e->len));
        append(e, p, len);
    }
}

void fp_enc_bytes(struct fp_enc *e, const void *p, size_t len)
{
    if (!e->failed) {
        wrote(e, cbor_encode_bytestring_start(len, e->buf + e->len, e->cap - e->len));
        append(e, p, len);
    }
}

void fp_enc_bool(struct fp_enc *e, bool v)
{
    if (!e->failed) {
        wrote(e, cbor_encode_bool(v, e->buf + e->len, e->cap - e->len));
    }
}

void fp_enc_null(struct fp_enc *e)
{
    if (!e->failed) {
        wrote(e, cbor_encode_null(e->buf + e->len, e->cap - e->len));
    }
}

void fp_enc_id(struct fp_enc *e, const struct fp_id *id)
{
    fp_enc_text(e, id->text, id->len);
}

void fp_enc_raw(struct fp_enc *e, struct fp_bytes item)
{
    append(e, item.p, item.len);
}
