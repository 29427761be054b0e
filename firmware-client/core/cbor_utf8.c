#include "firmware-client/core/cbor_utf8.h"

/* How many bytes follow a first byte that is not ASCII; 0: it begins no character. */
static size_t more_after(uint32_t first)
{
    if (first < 0xc2 || first > 0xf4) {
        return 0;
    }
    return first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
}

bool fp_utf8_is_valid(struct fp_bytes text)
{
    size_t at = 0;
    while (at < text.len) {
        uint32_t first = text.p[at++];
        if (first < 0x80) {
            continue;
        }
        size_t more = more_after(first);
        if (more == 0 || more > text.len - at) {
            return false;
        }
        /* What is overlong, a surrogate or too high shows in the second byte already. */
        uint32_t low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
        uint32_t high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
        for (; more > 0; more--) {
            uint32_t next = text.p[at++];
            if (next < low || next > high) {
                return false;
            }
            low = 0x80;
            high = 0xbf;
        }
    }
    return true;
}
