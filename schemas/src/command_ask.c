#include "fp/command.h"
#include "schemas/src/form.h"

/* ------------------------------------------------------------------ receipt = {+ id => [seq, ? seq, ? bool]} */

/* Two optional items in a row: the type says which of them it is. */
static void read_receipt(struct form *f, struct fp_receipt_row *out)
{
    *out = (struct fp_receipt_row){.conv = fp_dec_id(&f->dec)};
    form_need(f, true, "receipt: a conversation is not an id");
    size_t items = fp_dec_array(&f->dec);
    form_need(f, items >= 1 && items <= 3, "receipt: not an array of one to three items");
    out->delivered = fp_dec_uint(&f->dec);
    form_need(f, true, "receipt: delivered is not a number");
    items--;
    if (items > 0 && fp_dec_peek(&f->dec) != FP_CBOR_BOOL) {
        out->read = fp_dec_uint(&f->dec);
        out->has_read = true;
        form_need(f, true, "receipt: read is not a number");
        items--;
    }
    if (items > 0) {
        out->private_read = fp_dec_bool(&f->dec);
        form_need(f, true, "receipt: private is neither true nor false");
        items--;
    }
    form_need(f, items == 0, "receipt: an item behind private");
}

enum fp_err fp_receipt_body_decode(struct fp_bytes body, struct fp_receipt_body *out, const char **out_why)
{
    *out = (struct fp_receipt_body){0};
    struct form f;
    form_open(&f, body);
    size_t count = fp_dec_map(&f.dec);
    form_need(&f, true, "receipt: its body is missing or no map");
    form_need(&f, count > 0, "receipt: names no conversation");
    out->count = count;
    out->rows = f.dec;
    for (; count > 0 && !f.dec.failed; count--) {
        struct fp_receipt_row row;
        read_receipt(&f, &row);
    }
    return form_close(&f, out_why);
}

bool fp_receipt_body_next(struct fp_receipt_body *b, struct fp_receipt_row *out)
{
    if (b->count == 0) {
        return false;
    }
    b->count--;
    struct form f = {.dec = b->rows};
    read_receipt(&f, out);
    b->rows = f.dec;
    return !f.dec.failed;
}

/* ------------------------------------------------------------------ react = {1 => tstr, ? 2 => bool} */

enum fp_err fp_react_decode(struct fp_bytes body, struct fp_react *out, const char **out_why)
{
    *out = (struct fp_react){0};
    struct form f;
    form_open(&f, body);
    size_t pairs = fp_dec_map(&f.dec);
    form_need(&f, true, "reaction: its body is missing or no map");
    for (; pairs > 0 && !f.dec.failed; pairs--) {
        switch (fp_dec_key(&f.dec)) {
        case FP_REACT_WITH:
            out->with = fp_dec_text(&f.dec);
            form_need(&f, true, "reaction: not a text");
            form_limit(&f, out->with.len <= FP_REACT_BYTES_MAX, "reaction: more than 64 bytes");
            break;
        case FP_REACT_BACK:
            out->back = fp_dec_bool(&f.dec);
            form_need(&f, true, "take back: neither true nor false");
            break;
        default: /* here and below: a newer device's key */
            fp_dec_skip(&f.dec);
        }
    }
    form_need(&f, out->with.len > 0, "reaction: missing or empty");
    return form_close(&f, out_why);
}

/* ------------------------------------------------------------------ redact = {? 1 => tstr}, or no body at all */

enum fp_err fp_redact_decode(struct fp_bytes body, struct fp_bytes *out_reason, const char **out_why)
{
    *out_reason = (struct fp_bytes){0};
    if (body.len == 0) {
        return FP_OK;
    }
    struct form f;
    form_open(&f, body);
    size_t pairs = fp_dec_map(&f.dec);
    form_need(&f, true, "redaction: its body is no map");
    for (; pairs > 0 && !f.dec.failed; pairs--) {
        if (fp_dec_key(&f.dec) != FP_REDACT_REASON) {
            fp_dec_skip(&f.dec);
            continue;
        }
        *out_reason = fp_dec_text(&f.dec);
        form_need(&f, true, "reason: not a text");
    }
    return form_close(&f, out_why);
}

/* ------------------------------------------------------------------ digest = {1 => seq} */

enum fp_err fp_digest_decode(struct fp_bytes body, uint64_t *out_seq, const char **out_why)
{
    *out_seq = 0;
    bool has_seq = false;
    struct form f;
    form_open(&f, body);
    size_t pairs = fp_dec_map(&f.dec);
    form_need(&f, true, "digest: its body is missing or no map");
    for (; pairs > 0 && !f.dec.failed; pairs--) {
        if (fp_dec_key(&f.dec) != FP_DIGEST_SEQ) {
            fp_dec_skip(&f.dec);
            continue;
        }
        *out_seq = fp_dec_uint(&f.dec);
        has_seq = true;
        form_need(&f, true, "seq: not a number");
    }
    form_need(&f, has_seq, "seq: missing");
    return form_close(&f, out_why);
}
