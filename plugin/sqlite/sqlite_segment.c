#include "plugin/sqlite/sqlite_segment.h"

#include <mbedtls/sha256.h>
#include <stdlib.h>
#include <zlib.h>

#define HEADER_BYTES 72
#define RUN_BYTES (4 * 8 + 4 + 32)
#define LEVEL 3 /* twice as fast as zlib's own choice, for a tenth more bytes */

static const uint8_t magic[8] = {'F', 'P', 'A', 'R', 'C', 'H', 0, 1};

static uint8_t *put(uint8_t *p, uint64_t v, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        p[i] = (uint8_t)(v >> (8 * (bytes - 1 - i)));
    }
    return p + bytes;
}

static uint64_t get(const uint8_t *p, size_t bytes)
{
    uint64_t v = 0;
    for (size_t i = 0; i < bytes; i++) {
        v = v << 8 | p[i];
    }
    return v;
}

enum fp_err segment_add(struct segment_build *b, const struct store_run *run)
{
    size_t need = b->len + RUN_BYTES + run->events.len;

    if (need > SEGMENT_RAW_MAX) {
        return FP_EFULL;
    }
    if (need > b->cap) {
        size_t cap = need > 2 * b->cap ? need : 2 * b->cap;
        uint8_t *raw = realloc(b->own_raw, cap);
        if (!raw) {
            return FP_ENOMEM;
        }
        b->own_raw = raw;
        b->cap = cap;
    }
    uint8_t *p = b->own_raw + b->len;
    p = put(p, run->first, 8);
    p = put(p, run->last, 8);
    p = put(p, run->msgs, 8);
    p = put(p, run->at.ms, 8);
    p = put(p, run->events.len, 4);
    memcpy(p, run->chain, sizeof run->chain);
    p += sizeof run->chain;
    if (run->events.len > 0) {
        memcpy(p, run->events.p, run->events.len);
    }
    b->len = need;
    return FP_OK;
}

bool segment_next(struct fp_bytes *rest, struct store_run *out)
{
    if (rest->len < RUN_BYTES) {
        return false;
    }
    const uint8_t *p = rest->p;
    *out = (struct store_run){.first = get(p, 8), .last = get(p + 8, 8), .msgs = get(p + 16, 8), .at = {get(p + 24, 8)}};
    size_t len = (size_t)get(p + 32, 4);
    if (len > rest->len - RUN_BYTES) {
        return false;
    }
    memcpy(out->chain, p + 36, sizeof out->chain);
    out->events = fp_bytes_of(p + RUN_BYTES, len);
    *rest = fp_bytes_of(p + RUN_BYTES + len, rest->len - RUN_BYTES - len);
    return true;
}

static bool sha256(const uint8_t *p, size_t len, uint8_t out[SEGMENT_HASH_BYTES])
{
    return mbedtls_sha256_ret(p, len, out, 0) == 0;
}

enum fp_err segment_pack(const struct segment_build *b, const struct fp_id *conv, struct segment *seg, uint8_t **own_out)
{
    uLongf deflated = compressBound(b->len);
    uint8_t *file = calloc(1, HEADER_BYTES + deflated + SEGMENT_HASH_BYTES);

    *own_out = NULL;
    if (!file || compress2(file + HEADER_BYTES, &deflated, b->own_raw, b->len, LEVEL) != Z_OK) {
        free(file);
        return FP_ENOMEM;
    }
    memcpy(file, magic, sizeof magic);
    uint8_t *p = put(file + sizeof magic, seg->runs, 4);
    p = put(p, b->len, 4);
    p = put(p, seg->first, 8);
    p = put(p, seg->last, 8);
    *p++ = conv->len;
    memcpy(p, conv->text, conv->len);
    size_t len = HEADER_BYTES + deflated;
    if (!sha256(file, len, seg->sha256)) {
        free(file);
        return FP_EIO;
    }
    memcpy(file + len, seg->sha256, SEGMENT_HASH_BYTES);
    seg->bytes = len + SEGMENT_HASH_BYTES;
    *own_out = file;
    return FP_OK;
}

static const char *fault_of(const struct segment *seg, struct fp_bytes file)
{
    uint8_t hash[SEGMENT_HASH_BYTES];

    if (file.len < HEADER_BYTES + SEGMENT_HASH_BYTES || memcmp(file.p, magic, sizeof magic) != 0) {
        return "is no file of the archive";
    }
    if (!sha256(file.p, file.len - SEGMENT_HASH_BYTES, hash) || memcmp(hash, file.p + file.len - SEGMENT_HASH_BYTES, sizeof hash) != 0) {
        return "is damaged";
    }
    return memcmp(hash, seg->sha256, sizeof hash) == 0 ? NULL : "is another file than the one that was written";
}

enum fp_err segment_unpack(const struct segment *seg, struct fp_bytes file, uint8_t **own_out, size_t *out_len, struct why why)
{
    const char *fault = fault_of(seg, file);

    *own_out = NULL;
    if (fault) {
        why_set(why, "it %s", fault);
        return FP_EAGAIN;
    }
    uLongf len = (uLongf)get(file.p + sizeof magic + 4, 4);
    if (len > SEGMENT_RAW_MAX) {
        why_set(why, "it says to be longer than any that is written");
        return FP_EAGAIN;
    }
    uint8_t *raw = malloc(len + 1);
    if (!raw) {
        return FP_ENOMEM;
    }
    uLongf got = len;
    if (uncompress(raw, &got, file.p + HEADER_BYTES, file.len - HEADER_BYTES - SEGMENT_HASH_BYTES) != Z_OK || got != len) {
        free(raw);
        why_set(why, "it cannot be inflated");
        return FP_EAGAIN;
    }
    *own_out = raw;
    *out_len = len;
    return FP_OK;
}
