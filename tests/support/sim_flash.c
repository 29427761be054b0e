#include "tests/support/sim_flash.h"

#include <stdlib.h>

static void must(bool ok)
{
    if (!ok) {
        abort();
    }
}

void sim_flash_init(struct sim_flash *f, uint64_t seed, uint32_t sectors, uint32_t sector_bytes, uint16_t program_bytes)
{
    *f = (struct sim_flash){.random.state = seed, .size = sectors * sector_bytes, .sector_bytes = sector_bytes, .program_bytes = program_bytes};
    f->now = malloc(f->size);
    f->safe = malloc(f->size);
    f->written = calloc(f->size, 1);
    f->safe_written = calloc(f->size, 1);
    f->erased = calloc(f->size, 1);
    must(f->now && f->safe && f->written && f->safe_written && f->erased);
    memset(f->now, 0xff, f->size);
    memset(f->safe, 0xff, f->size);
}

void sim_flash_fini(struct sim_flash *f)
{
    free(f->now);
    free(f->safe);
    free(f->written);
    free(f->safe_written);
    free(f->erased);
}

/* FP_OK: go on. FP_EIO with *out_half: do half of it first. */
static enum fp_err begin(struct sim_flash *f, bool *out_half)
{
    *out_half = false;
    if (f->off) {
        return FP_EIO;
    }
    f->calls++;
    if (f->power_in > 0 && --f->power_in == 0) {
        f->off = true;
        *out_half = true;
        return FP_EIO;
    }
    if (f->fail_in > 0 && --f->fail_in == 0) {
        *out_half = true;
        return FP_EIO;
    }
    return FP_OK;
}

static enum fp_err flash_read(void *ctx, uint32_t at, void *buf, size_t len)
{
    struct sim_flash *f = ctx;
    bool half;
    must(at <= f->size && len <= f->size - at);
    enum fp_err err = begin(f, &half);
    if (!err && len > 0) {
        memcpy(buf, f->now + at, len);
    }
    return err;
}

static void program_piece(struct sim_flash *f, uint32_t at, const uint8_t *p)
{
    uint32_t piece = at / f->program_bytes;
    must(!f->written[piece]);
    for (uint32_t i = 0; i < f->program_bytes; i++) {
        must(f->now[at + i] == 0xff);
        f->now[at + i] = p[i];
    }
    f->written[piece] = 1;
}

static enum fp_err flash_program(void *ctx, uint32_t at, const void *p, size_t len)
{
    struct sim_flash *f = ctx;
    bool half;
    must(at % f->program_bytes == 0 && len % f->program_bytes == 0 && len > 0 && at <= f->size && len <= f->size - at);
    enum fp_err err = begin(f, &half);
    if (err && !half) {
        return err;
    }
    size_t todo = half ? (size_t)sim_below(&f->random, len / f->program_bytes + 1) * f->program_bytes : len;
    for (size_t i = 0; i < todo; i += f->program_bytes) {
        program_piece(f, at + (uint32_t)i, (const uint8_t *)p + i);
    }
    return err;
}

static enum fp_err flash_erase(void *ctx, uint32_t at)
{
    struct sim_flash *f = ctx;
    bool half;
    must(at % f->sector_bytes == 0 && at < f->size);
    enum fp_err err = begin(f, &half);
    if (err && !half) {
        return err;
    }
    uint32_t pieces = f->sector_bytes / f->program_bytes;
    uint32_t first = at / f->program_bytes;
    uint32_t todo = half ? (uint32_t)sim_below(&f->random, pieces + 1) : pieces;
    memset(f->now + at, 0xff, (size_t)todo * f->program_bytes);
    memset(f->written + first, 0, todo);
    memset(f->erased + first, 1, todo);
    return err;
}

static enum fp_err flash_sync(void *ctx)
{
    struct sim_flash *f = ctx;
    bool half;
    enum fp_err err = begin(f, &half);
    if (!err) {
        memcpy(f->safe, f->now, f->size);
        memcpy(f->safe_written, f->written, f->size);
        memset(f->erased, 0, f->size);
    }
    return err;
}

struct fp_storage sim_flash_port(struct sim_flash *f)
{
    return (struct fp_storage){
        .ctx = f,
        .size = f->size,
        .sector_bytes = f->sector_bytes,
        .program_bytes = f->program_bytes,
        .read = flash_read,
        .program = flash_program,
        .erase = flash_erase,
        .sync = flash_sync,
    };
}

static void cut_piece(struct sim_flash *f, uint32_t piece, unsigned keep_per_mille)
{
    uint8_t *now = f->now + (size_t)piece * f->program_bytes;
    const uint8_t *safe = f->safe + (size_t)piece * f->program_bytes;

    if (memcmp(now, safe, f->program_bytes) == 0 && f->written[piece] == f->safe_written[piece]) {
        return;
    }
    if (sim_chance(&f->random, keep_per_mille)) {
        return;
    }
    if (sim_chance(&f->random, 100)) { /* torn inside */
        for (uint16_t i = 0; i < f->program_bytes; i++) {
            now[i] = sim_chance(&f->random, 500) ? now[i] : f->erased[piece] ? 0xff : safe[i];
        }
    } else if (f->erased[piece] && sim_chance(&f->random, 500)) {
        memset(now, 0xff, f->program_bytes);
    } else {
        memcpy(now, safe, f->program_bytes);
    }
}

void sim_flash_cut(struct sim_flash *f)
{
    static const unsigned keeps[] = {0, 1000, 500, 900, 100};
    unsigned keep = keeps[sim_below(&f->random, sizeof(keeps) / sizeof(keeps[0]))];

    for (uint32_t piece = 0; piece < f->size / f->program_bytes; piece++) {
        cut_piece(f, piece, keep);
        f->written[piece] = 0; /* a piece of 0xff cannot be told from an erased one; the port says that it is none */
        for (uint16_t i = 0; i < f->program_bytes; i++) {
            f->written[piece] = f->written[piece] || f->now[(size_t)piece * f->program_bytes + i] != 0xff;
        }
    }
    memcpy(f->safe, f->now, f->size);
    memcpy(f->safe_written, f->written, f->size);
    memset(f->erased, 0, f->size);
    f->off = false;
    f->power_in = 0;
    f->fail_in = 0;
}
