/*
 * fuzz.h: what the fuzz targets share. A broken promise ends the process, with or without assertions compiled in.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fp/bytes.h"

#define FUZZ_NEED(ok)                                                                                                                                \
    do {                                                                                                                                             \
        if (!(ok)) {                                                                                                                                 \
            fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #ok);                                                                         \
            abort();                                                                                                                                 \
        }                                                                                                                                            \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* `part` is empty, or lies within `whole`. */
static inline bool fuzz_is_within(struct fp_bytes part, struct fp_bytes whole)
{
    return part.len == 0 || (part.p >= whole.p && part.len <= whole.len && (size_t)(part.p - whole.p) <= whole.len - part.len);
}

#endif
