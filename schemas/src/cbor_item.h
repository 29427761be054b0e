/*
 * cbor_item.h: one CBOR item's head (with a string's content), as libcbor's streaming decoder reads it.
 *
 * Invariants  I1 what is accepted is definite, in its shortest form and no tag, simple value or undefined.
 * Memory      data points into the input
 */
#ifndef SCHEMAS_SRC_CBOR_ITEM_H
#define SCHEMAS_SRC_CBOR_ITEM_H

#include "fp/cbor.h"

struct fp_cbor_item {
    enum fp_cbor_type type;
    uint64_t value; /* of an integer or bool; how many items or pairs a collection has; how long a string is */
    double number;  /* of a float or an integer */
    const uint8_t *data;
    size_t size; /* in the input */
};

/* NULL, or why it is none of ours. */
const char *fp_cbor_item_read(const uint8_t *p, size_t len, struct fp_cbor_item *out);

#endif
