#include "fp/bytes.h"

#define FNV_PRIME 0x100000001b3ULL

static bool is_id_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.' || c == '~';
}

bool fp_id_parse(const char *text, size_t len, struct fp_id *out)
{
    *out = (struct fp_id){0};
    if (len == 0 || len > FP_ID_MAX) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (!is_id_char(text[i])) {
            return false;
        }
    }
    out->len = (uint8_t)len;
    memcpy(out->text, text, len);
    return true;
}

uint64_t fp_hash(uint64_t start, const void *p, size_t len)
{
    const uint8_t *byte = p;
    uint64_t hash = start;
    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ byte[i]) * FNV_PRIME;
    }
    return hash;
}
