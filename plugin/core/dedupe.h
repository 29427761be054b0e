/*
 * dedupe.h: exactly once, by (device, n), and the memory of what was answered.
 *
 * Shape       one number a device: the next n; and a row an answered command, so that the answer can be given again
 * Invariants  D1 n is taken only when it is the next one.
 *             D2 a repeat is told from another content under the same n by the command's hash.
 * Memory      no state
 * Source      schemas/CONTRACT.md, P3
 */
#ifndef PLUGIN_CORE_DEDUPE_H
#define PLUGIN_CORE_DEDUPE_H

#include "fp/cbor.h"
#include "fp/reply.h"

enum dedupe_verdict {
    DEDUPE_NEXT,   /* take it */
    DEDUPE_REPEAT, /* answered before: look the row up */
    DEDUPE_GAP,    /* an earlier one is missing */
};

enum dedupe_verdict dedupe_judge(uint64_t next_n, uint64_t n);

/* row = [hash, conv / null, seq, at]   an ack
       / [hash, bstr]                   the encoded nack */
struct dedupe_row {
    uint64_t hash;
    bool accepted;
    struct fp_answer answer; /* accepted; its n is the caller's to fill in */
    struct fp_bytes nack;    /* refused; borrowed */
};

void dedupe_encode_row(struct fp_enc *e, const struct dedupe_row *row);
enum fp_err dedupe_decode_row(struct fp_bytes one, struct dedupe_row *out);
/* The row at `index` of several in a row; FP_ECORRUPT if there is none. */
enum fp_err dedupe_find_row(struct fp_bytes rows, uint64_t index, struct dedupe_row *out);

#endif
