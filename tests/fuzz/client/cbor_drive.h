/*
 * cbor_drive.h: makes one CBOR codec do what the input says and writes down what came of it. Compiled once for each codec.
 *
 * Shape       a trace is a list of numbers; two codecs that agree leave the same one
 */
#ifndef TESTS_FUZZ_CLIENT_CBOR_DRIVE_H
#define TESTS_FUZZ_CLIENT_CBOR_DRIVE_H

#include "fp/bytes.h"

#define TRACE_MAX 4096

struct cbor_trace {
    size_t count;
    uint64_t at[TRACE_MAX]; /* what is behind is left out, by both alike */
};

void cbor_drive(struct fp_bytes in, struct cbor_trace *out);
void cbor_drive_small(struct fp_bytes in, struct cbor_trace *out);

#endif
