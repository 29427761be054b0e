/*
 * form.h: reads a map field by field and keeps the first complaint, as a sentence for the nack.
 *
 * Shape       open; then for each key a read followed by form_need(), which names the field if the read failed; close
 * Invariants  F1 after the first complaint the reader has failed, so loops over it end.
 */
#ifndef SCHEMAS_SRC_FORM_H
#define SCHEMAS_SRC_FORM_H

#include "fp/cbor.h"

struct form {
    struct fp_dec dec;
    enum fp_err err;
    const char *why;
};

static inline void form_open(struct form *f, struct fp_bytes in)
{
    f->err = FP_OK;
    f->why = NULL;
    fp_dec_init(&f->dec, in);
}

static inline void form_refuse(struct form *f, enum fp_err err, const char *why)
{
    if (!f->err) {
        f->err = err;
        f->why = why;
    }
    f->dec.failed = true; /* F1 */
}

/* What has been read so far is as it must be, and so is `ok`; otherwise `why`. */
static inline void form_need(struct form *f, bool ok, const char *why)
{
    if (f->dec.failed || !ok) {
        form_refuse(f, FP_EMALFORMED, why);
    }
}

static inline void form_limit(struct form *f, bool within, const char *why)
{
    if (!f->dec.failed && !within) {
        form_refuse(f, FP_ETOOLARGE, why);
    }
}

static inline enum fp_err form_close(struct form *f, const char **out_why)
{
    if (!f->err && !fp_dec_done(&f->dec)) {
        form_refuse(f, FP_EMALFORMED, "CBOR: cut short, or more bytes after the item");
    }
    if (f->err) {
        *out_why = f->why;
    }
    return f->err;
}

#endif
