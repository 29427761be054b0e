/*
 * cbor_small_item.h: what the two halves of the small CBOR codec share: one item's head, and a walk over one item.
 *
 * Shape       the codec behind fp/cbor.h for machines without libcbor, for size: verdicts, values and bytes are those of schemas/src/cbor_*.c,
 *             which tests/fuzz/client/fuzz_cbor_small.c compares. But for bytes behind the item, fp_cbor_check() has one sentence for all refusals.
 * Invariants  I1 what is accepted is definite, in its shortest form and no tag, simple value or undefined.
 */
#ifndef FIRMWARE_CLIENT_CORE_CBOR_SMALL_ITEM_H
#define FIRMWARE_CLIENT_CORE_CBOR_SMALL_ITEM_H

#include "fp/cbor.h"

struct fp_small_item {
    enum fp_cbor_type type;
    size_t head;    /* bytes of the head */
    size_t content; /* bytes of a string; they are there */
    uint64_t value; /* of an integer or bool; how many items or pairs a collection has; a float as it stands; how long a string is */
};

/* By its first byte alone. */
enum fp_cbor_type fp_small_type(uint8_t first);
/* False: nothing that we accept, or cut short. */
bool fp_small_item(const uint8_t *p, size_t len, struct fp_small_item *out);

/*
 * How many bytes the item at p takes; 0 if it is none that we accept, or collections nest deeper than depth_max (at most FP_CBOR_DEPTH_MAX) in it.
 * strict: and if a text is not UTF-8 or the keys of a map do not ascend.
 */
size_t fp_small_walk(const uint8_t *p, size_t len, size_t depth_max, bool strict);

#endif
