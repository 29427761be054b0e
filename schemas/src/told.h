/*
 * told.h: what replies and inbox messages have in common: a map whose lowest key says which of several shapes it has.
 */
#ifndef SCHEMAS_SRC_TOLD_H
#define SCHEMAS_SRC_TOLD_H

#include "fp/cbor.h"
#include "fp/keys.h"

/* Reads up to the discriminator; *out_pairs say how many pairs are left behind it. FP_EUNSUPPORTED: a newer hub's shape, from `shapes` on. */
static inline enum fp_err told_open(struct fp_bytes in, uint64_t shapes, struct fp_dec *out_d, uint64_t *out_what, size_t *out_pairs)
{
    const char *why;
    if (fp_cbor_check(in, NULL, &why)) {
        return FP_EMALFORMED;
    }
    fp_dec_init(out_d, in);
    size_t pairs = fp_dec_map(out_d);
    if (pairs == 0 || fp_dec_key(out_d) != FP_KEY_WHAT) { /* the lowest key comes first */
        return FP_EMALFORMED;
    }
    *out_what = fp_dec_uint(out_d);
    *out_pairs = pairs - 1;
    if (out_d->failed || *out_what == 0) {
        return FP_EMALFORMED;
    }
    return *out_what < shapes ? FP_OK : FP_EUNSUPPORTED;
}

/* An array of just so many items, which follow. */
static inline void told_items(struct fp_dec *d, size_t count)
{
    if (fp_dec_array(d) != count) {
        d->failed = true;
    }
}

#endif
