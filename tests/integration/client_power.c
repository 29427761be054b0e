#include "tests/integration/client_power.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct op {
    uint32_t at;
    uint32_t len; /* 0: the sector is erased */
    uint8_t *bytes;
};

struct power {
    struct fp_storage under;
    uint8_t *image;  /* what the library sees */
    bool *still_old; /* a sector whose erase got lost in the cut */
    struct op *ops;
    size_t count, cap;
    uint64_t left;
    uint64_t chance;
};

static void wrong(const char *what)
{
    fprintf(stderr, "storage: %s\n", what);
    _exit(POWER_WRONG_EXIT);
}

static uint32_t chance(struct power *p)
{
    p->chance = p->chance * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(p->chance >> 33);
}

static void hand_down(struct power *p, const struct op *o, uint32_t len)
{
    enum fp_err err = o->len == 0 ? p->under.erase(p->under.ctx, o->at) : p->under.program(p->under.ctx, o->at, o->bytes, len);
    if (err) {
        wrong(fp_err_name(err));
    }
}

/* Of each erase and program since the last sync: all, a part or nothing. */
static void cut(struct power *p)
{
    for (size_t i = 0; i < p->count; i++) {
        const struct op *o = &p->ops[i];
        uint32_t sector = o->at / p->under.sector_bytes;
        if (o->len == 0) {
            p->still_old[sector] = chance(p) % 2 == 0;
        }
        if (p->still_old[sector]) {
            continue;
        }
        uint32_t pieces = o->len / p->under.program_bytes;
        uint32_t kept = chance(p) % 2 == 0 ? pieces : chance(p) % (pieces + 1);
        if (o->len == 0 || kept > 0) {
            hand_down(p, o, kept * p->under.program_bytes);
        }
    }
    (void)p->under.sync(p->under.ctx); /* the power is gone anyway */
    _exit(POWER_CUT_EXIT);
}

static void remember(struct power *p, uint32_t at, const void *bytes, size_t len)
{
    if (p->count == p->cap) {
        p->cap = p->cap ? p->cap * 2 : 64;
        p->ops = realloc(p->ops, p->cap * sizeof(*p->ops));
    }
    struct op o = {.at = at, .len = (uint32_t)len, .bytes = len > 0 ? malloc(len) : NULL};
    if (!p->ops || (len > 0 && !o.bytes)) {
        wrong("no memory");
    }
    if (len > 0) {
        memcpy(o.bytes, bytes, len);
    }
    p->ops[p->count++] = o;
}

static enum fp_err power_read(void *ctx, uint32_t at, void *buf, size_t len)
{
    struct power *p = ctx;
    if (at > p->under.size || len > p->under.size - at) {
        wrong("a read outside");
    }
    memcpy(buf, p->image + at, len);
    return FP_OK;
}

static enum fp_err power_program(void *ctx, uint32_t at, const void *bytes, size_t len)
{
    struct power *p = ctx;
    if (at > p->under.size || len > p->under.size - at || at % p->under.program_bytes || len % p->under.program_bytes || len == 0) {
        wrong("a program() that is outside or not aligned");
    }
    for (size_t i = 0; i < len; i++) {
        if (p->image[at + i] != 0xff) {
            wrong("a program() of bytes that are not erased");
        }
    }
    bool last = p->left < len;
    size_t done = last ? p->left / p->under.program_bytes * p->under.program_bytes : len;
    if (done > 0) {
        remember(p, at, bytes, done);
        memcpy(p->image + at, bytes, done);
    }
    if (last) {
        cut(p);
    }
    p->left -= len;
    return FP_OK;
}

static enum fp_err power_erase(void *ctx, uint32_t at)
{
    struct power *p = ctx;
    if (at % p->under.sector_bytes || at >= p->under.size) {
        wrong("an erase() that is no sector");
    }
    memset(p->image + at, 0xff, p->under.sector_bytes);
    remember(p, at, NULL, 0);
    return FP_OK;
}

static enum fp_err power_sync(void *ctx)
{
    struct power *p = ctx;
    for (size_t i = 0; i < p->count; i++) {
        hand_down(p, &p->ops[i], p->ops[i].len);
        free(p->ops[i].bytes);
    }
    p->count = 0;
    return p->under.sync(p->under.ctx);
}

struct fp_storage power_wrap(struct fp_storage under, uint64_t cut_after, uint64_t seed)
{
    struct power *p = calloc(1, sizeof(*p));
    if (p) {
        p->image = malloc(under.size);
        p->still_old = calloc(under.size / under.sector_bytes, sizeof(*p->still_old));
    }
    if (!p || !p->image || !p->still_old) {
        wrong("no memory");
    }
    p->under = under;
    p->left = cut_after;
    p->chance = seed;
    if (under.read(under.ctx, 0, p->image, under.size)) {
        wrong("it cannot be read");
    }
    struct fp_storage s = under;
    s.ctx = p;
    s.read = power_read;
    s.program = power_program;
    s.erase = power_erase;
    s.sync = power_sync;
    return s;
}
