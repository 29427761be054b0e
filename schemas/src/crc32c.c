#include "fp/trunk.h"

/* CRC-32C (Castagnoli), reflected: what a half byte does to the rest. 64 bytes of table are enough for a link that is slower than this. */
uint32_t fp_crc32c(struct fp_bytes b)
{
    static const uint32_t HALF[16] = {
        0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
        0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
    };
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < b.len; i++) {
        crc ^= b.p[i];
        crc = crc >> 4 ^ HALF[crc & 15U];
        crc = crc >> 4 ^ HALF[crc & 15U];
    }
    return ~crc;
}
