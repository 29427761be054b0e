#include "plugin/core/dedupe.h"

enum dedupe_verdict dedupe_judge(uint64_t next_n, uint64_t n)
{
    if (n == next_n) {
        return DEDUPE_NEXT;
    }
    return n < next_n ? DEDUPE_REPEAT : DEDUPE_GAP;
}

void dedupe_encode_row(struct fp_enc *e, const struct dedupe_row *row)
{
    if (!row->accepted) {
        fp_enc_array(e, 2);
        fp_enc_uint(e, row->hash);
        fp_enc_bytes(e, row->nack.p, row->nack.len);
        return;
    }
    fp_enc_array(e, 4);
    fp_enc_uint(e, row->hash);
    if (fp_id_is_none(&row->answer.conv)) {
        fp_enc_null(e);
    } else {
        fp_enc_id(e, &row->answer.conv);
    }
    fp_enc_uint(e, row->answer.seq);
    fp_enc_uint(e, row->answer.at.ms);
}

enum fp_err dedupe_decode_row(struct fp_bytes one, struct dedupe_row *out)
{
    struct fp_dec d;
    fp_dec_init(&d, one);
    *out = (struct dedupe_row){0};

    size_t items = fp_dec_array(&d);
    out->hash = fp_dec_uint(&d);
    if (items == 2) {
        out->nack = fp_dec_bytes(&d);
    } else if (items == 4) {
        out->accepted = true;
        if (fp_dec_peek(&d) == FP_CBOR_NULL) {
            fp_dec_null(&d);
        } else {
            out->answer.conv = fp_dec_id(&d);
        }
        out->answer.seq = fp_dec_uint(&d);
        out->answer.at.ms = fp_dec_uint(&d);
    } else {
        return FP_ECORRUPT;
    }
    return fp_dec_done(&d) ? FP_OK : FP_ECORRUPT;
}

enum fp_err dedupe_find_row(struct fp_bytes rows, uint64_t index, struct dedupe_row *out)
{
    struct fp_dec d;
    fp_dec_init(&d, rows);
    while (index > 0 && !d.failed) {
        fp_dec_skip(&d);
        index--;
    }
    struct fp_bytes one = fp_dec_raw(&d);
    return d.failed ? FP_ECORRUPT : dedupe_decode_row(one, out);
}
