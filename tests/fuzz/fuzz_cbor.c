/*
 * What fp_cbor_check() accepts, the reader walks without failing, fp_dec_skip() ends at the same byte, and writing it again gives
 * the same bytes. What it refuses, the reader may meet all the same without harm.
 */
#include "fuzz.h"

#include "fp/cbor.h"

#define CAP 65536

/* Writes d's next item to e, with our encoders wherever we have one. Depth is bounded by the check. */
static void copy_item(struct fp_dec *d, struct fp_enc *e)
{
    struct fp_bytes bytes;
    size_t count;
    switch (fp_dec_peek(d)) {
    case FP_CBOR_UINT:
        fp_enc_uint(e, fp_dec_uint(d));
        break;
    case FP_CBOR_NEGINT: /* neither of these has an encoder */
    case FP_CBOR_FLOAT:
        bytes = fp_dec_raw(d);
        fp_enc_raw(e, bytes);
        break;
    case FP_CBOR_BYTES:
        bytes = fp_dec_bytes(d);
        fp_enc_bytes(e, bytes.p, bytes.len);
        break;
    case FP_CBOR_TEXT:
        bytes = fp_dec_text(d);
        fp_enc_text(e, (const char *)bytes.p, bytes.len);
        break;
    case FP_CBOR_ARRAY:
        count = fp_dec_array(d);
        fp_enc_array(e, count);
        for (; count > 0; count--) {
            copy_item(d, e);
        }
        break;
    case FP_CBOR_MAP:
        count = fp_dec_map(d);
        fp_enc_map(e, count);
        for (; count > 0; count--) {
            copy_item(d, e);
            copy_item(d, e);
        }
        break;
    case FP_CBOR_BOOL:
        fp_enc_bool(e, fp_dec_bool(d));
        break;
    case FP_CBOR_NULL:
        fp_dec_null(d);
        fp_enc_null(e);
        break;
    case FP_CBOR_END:
    case FP_CBOR_OTHER:
        FUZZ_NEED(!"accepted, but nothing that we accept");
    }
    FUZZ_NEED(!d->failed);
}

static void check_accepted(struct fp_bytes item)
{
    static uint8_t buf[CAP];
    struct fp_dec d;
    struct fp_enc e;
    const char *why = NULL;

    fp_dec_init(&d, item);
    fp_dec_skip(&d);
    FUZZ_NEED(fp_dec_done(&d));
    FUZZ_NEED(fp_cbor_check(item, NULL, &why) == FP_OK);

    fp_dec_init(&d, item);
    fp_enc_init(&e, buf, sizeof buf);
    copy_item(&d, &e);
    FUZZ_NEED(fp_dec_done(&d));
    FUZZ_NEED(fp_bytes_eq(fp_enc_bytes_of(&e), item));
    for (size_t len = 0; len < item.len; len += 1 + item.len / 16) {
        FUZZ_NEED(fp_cbor_check(fp_bytes_of(item.p, len), NULL, &why) == FP_EMALFORMED);
    }
}

/* Reads whatever is there as each byte of the input says, whether it fits or not. */
static void read_at_random(struct fp_bytes in)
{
    struct fp_dec d;
    fp_dec_init(&d, in);
    for (size_t i = 0; i < in.len && !d.failed; i++) {
        struct fp_bytes span = {0};
        size_t at = d.at;
        switch (in.p[i] % 11) {
        case 0:
            (void)fp_dec_uint(&d);
            break;
        case 1:
            FUZZ_NEED(fp_dec_map(&d) <= in.len / 2);
            break;
        case 2:
            FUZZ_NEED(fp_dec_array(&d) <= in.len);
            break;
        case 3:
            span = fp_dec_text(&d);
            break;
        case 4:
            span = fp_dec_bytes(&d);
            break;
        case 5:
            (void)fp_dec_bool(&d);
            break;
        case 6:
            (void)fp_dec_number(&d);
            break;
        case 7:
            FUZZ_NEED(fp_dec_id(&d).len <= FP_ID_MAX);
            break;
        case 8:
            span = fp_dec_raw_within(&d, in.p[i] / 11);
            break;
        case 9:
            (void)fp_dec_key(&d);
            break;
        default:
            fp_dec_skip(&d);
        }
        FUZZ_NEED(fuzz_is_within(span, in));
        FUZZ_NEED(d.at <= in.len && d.at >= at && (d.failed || d.at > at));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fp_bytes in = fp_bytes_of(data, size);
    const char *why = NULL;
    size_t used = 0;
    enum fp_err err = fp_cbor_check(in, &used, &why);
    FUZZ_NEED(err == FP_OK || (err == FP_EMALFORMED && why != NULL));
    if (!err && used <= CAP) {
        FUZZ_NEED(used > 0 && used <= size);
        check_accepted(fp_bytes_of(data, used));
    }
    read_at_random(in);
    return 0;
}
