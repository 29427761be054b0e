/*
 * decode.h: CBOR as readable text, with the contract's names where they are known.
 *
 * Errors      false, and *out_bad says at which byte of `in` and why; what was written before that item is whole
 * Memory      grows `out`; recursion is bounded by FP_CBOR_DEPTH_MAX
 */
#ifndef FIRMWARE_CLIENT_CLI_DECODE_H
#define FIRMWARE_CLIENT_CLI_DECODE_H

#include "firmware-client/cli/shape.h"
#include "firmware-client/cli/str.h"

struct decode_bad {
    size_t at;
    const char *why;
};

/* Checks one item at the start of `in` by the rules of the contract (see fp_cbor_check()), but says where it breaks them. */
bool decode_check(struct fp_bytes in, size_t *out_used, struct decode_bad *out_bad);
/* All items of `in`, one after the other. as NULL: guessed for each. */
bool decode_text(struct str *out, struct fp_bytes in, const struct shape *as, struct decode_bad *out_bad);
/* Hex digits, blanks between them allowed, into bytes; false: *out_at is the first character that is none, or the end if a digit is missing. */
bool decode_hex(struct str *out, const char *text, size_t len, size_t *out_at);

#endif
