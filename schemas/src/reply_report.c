#include "fp/reply.h"

#include "schemas/src/told.h"

static void put_uint(struct fp_enc *e, uint64_t key, uint64_t v)
{
    fp_enc_uint(e, key);
    fp_enc_uint(e, v);
}

/* report = {1 => 8, 2 => kind, 3 => any, ? 4 => id, ? 5 => seq}; it begins in reply.c */
void fp_enc_report_end(struct fp_enc *e, const struct fp_id *conv, uint64_t seq)
{
    fp_enc_uint(e, FP_REPORT_CONV);
    fp_enc_id(e, conv);
    put_uint(e, FP_REPORT_SEQ, seq);
}

/* nudge = {1 => 7, 2 => [+ [id, seq]]} */
void fp_enc_nudge(struct fp_enc *e, size_t count)
{
    fp_enc_map(e, 2);
    put_uint(e, FP_KEY_WHAT, FP_REPLY_NUDGE);
    fp_enc_uint(e, FP_NUDGE_ROWS);
    fp_enc_array(e, count);
}

void fp_enc_nudge_row(struct fp_enc *e, const struct fp_id *conv, uint64_t head)
{
    fp_enc_array(e, 2);
    fp_enc_id(e, conv);
    fp_enc_uint(e, head);
}

/* ------------------------------------------------------------------ readers-value = {* id => [at / null, at / null, at / null]} */

static void put_at(struct fp_enc *e, struct fp_wall at)
{
    if (at.ms == 0) {
        fp_enc_null(e);
    } else {
        fp_enc_uint(e, at.ms);
    }
}

void fp_enc_readers(struct fp_enc *e, size_t count)
{
    fp_enc_map(e, count);
}

void fp_enc_reader(struct fp_enc *e, const struct fp_reader *r)
{
    fp_enc_id(e, &r->user);
    fp_enc_array(e, 3);
    put_at(e, r->delivered);
    put_at(e, r->read);
    put_at(e, r->confirmed);
}

static struct fp_wall read_at(struct fp_dec *d)
{
    if (fp_dec_peek(d) == FP_CBOR_NULL) {
        fp_dec_null(d);
        return (struct fp_wall){0};
    }
    return (struct fp_wall){.ms = fp_dec_uint(d)};
}

static void read_reader(struct fp_dec *d, struct fp_reader *out)
{
    *out = (struct fp_reader){.user = fp_dec_id(d)};
    told_items(d, 3);
    out->delivered = read_at(d);
    out->read = read_at(d);
    out->confirmed = read_at(d);
}

enum fp_err fp_readers_decode(struct fp_bytes value, struct fp_readers *out)
{
    *out = (struct fp_readers){0};
    const char *why;
    if (fp_cbor_check(value, NULL, &why)) {
        return FP_EMALFORMED;
    }
    struct fp_dec d;
    fp_dec_init(&d, value);
    out->count = fp_dec_map(&d);
    out->rows = d;
    for (size_t rows = out->count; rows > 0 && !d.failed; rows--) {
        struct fp_reader row;
        read_reader(&d, &row);
    }
    return fp_dec_done(&d) ? FP_OK : FP_EMALFORMED;
}

bool fp_readers_next(struct fp_readers *r, struct fp_reader *out)
{
    if (r->count == 0) {
        return false;
    }
    r->count--;
    read_reader(&r->rows, out);
    return !r->rows.failed;
}

/* ------------------------------------------------------------------ digest-value = sha256 */

enum fp_err fp_digest_value(struct fp_bytes value, struct fp_bytes *out_chain)
{
    struct fp_dec d;
    fp_dec_init(&d, value);
    *out_chain = fp_dec_bytes(&d);
    return fp_dec_done(&d) && out_chain->len == 32 ? FP_OK : FP_EMALFORMED;
}
