/* The codec with libcbor and the small one agree on every input: verdicts, values, spans, and the bytes that they write. */
#include "tests/fuzz/fuzz.h"

#include "tests/fuzz/client/cbor_drive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct cbor_trace big;
    static struct cbor_trace small;
    struct fp_bytes in = fp_bytes_of(data, size);
    cbor_drive(in, &big);
    cbor_drive_small(in, &small);
    FUZZ_NEED(big.count == small.count);
    for (size_t i = 0; i < big.count; i++) {
        FUZZ_NEED(big.at[i] == small.at[i]);
    }
    return 0;
}
