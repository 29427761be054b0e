/*
 * bytes.h: bytes that somebody else owns, and the ids that name everything.
 *
 * Shape       an id is 1 to 36 characters of [A-Za-z0-9._~-]; length 0 means "none"
 * Memory      fp_bytes is borrowed: good until the call returns. An id is a value.
 * Source      schemas/cddl/common.cddl
 */
#ifndef FP_BYTES_H
#define FP_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "fp/limits.h"

struct fp_bytes {
    const uint8_t *p;
    size_t len;
};

struct fp_id {
    uint8_t len;
    char text[FP_ID_MAX]; /* not terminated; what is behind len is zero, so that memcmp compares ids */
};

static inline struct fp_bytes fp_bytes_of(const void *p, size_t len)
{
    return (struct fp_bytes){.p = p, .len = len};
}

static inline bool fp_bytes_eq(struct fp_bytes a, struct fp_bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

/* False, and *out is the empty id, unless all of text is one well-formed id. */
bool fp_id_parse(const char *text, size_t len, struct fp_id *out);

static inline bool fp_id_is_none(const struct fp_id *id)
{
    return id->len == 0;
}

static inline bool fp_id_eq(const struct fp_id *a, const struct fp_id *b)
{
    return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}

/* A 64-bit FNV-1a: for tables and for telling a repeated command from another; not for secrets. Start with FP_HASH_START. */
#define FP_HASH_START 0xcbf29ce484222325ULL
uint64_t fp_hash(uint64_t start, const void *p, size_t len);

#endif
