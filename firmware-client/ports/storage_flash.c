#include "firmware-client/ports/storage_flash.h"

static bool is_inside(const struct fp_storage_flash *f, uint32_t at, size_t len)
{
    return at <= f->size && len <= f->size - at;
}

static enum fp_err flash_read(void *ctx, uint32_t at, void *buf, size_t len)
{
    const struct fp_storage_flash *f = ctx;
    uint8_t *to = buf;
    if (!is_inside(f, at, len)) {
        return FP_EIO;
    }
    for (size_t i = 0; i < len; i++) {
        to[i] = f->base[at + i];
    }
    return FP_OK;
}

static enum fp_err flash_program(void *ctx, uint32_t at, const void *p, size_t len)
{
    struct fp_storage_flash *f = ctx;
    const uint8_t *from = p;
    if (!is_inside(f, at, len) || at % f->program_bytes != 0 || len % f->program_bytes != 0 || !f->program(f->driver, at, p, len)) {
        return FP_EIO;
    }
    for (size_t i = 0; i < len; i++) {
        if (f->base[at + i] != from[i]) {
            return FP_EIO;
        }
    }
    return FP_OK;
}

static enum fp_err flash_erase(void *ctx, uint32_t at)
{
    struct fp_storage_flash *f = ctx;
    if (!is_inside(f, at, f->sector_bytes) || at % f->sector_bytes != 0 || !f->erase(f->driver, at)) {
        return FP_EIO;
    }
    for (uint32_t i = 0; i < f->sector_bytes; i++) {
        if (f->base[at + i] != 0xff) {
            return FP_EIO;
        }
    }
    return FP_OK;
}

static enum fp_err flash_sync(void *ctx)
{
    (void)ctx;
    return FP_OK; /* program and erase return when it is done */
}

enum fp_err fp_storage_flash_init(struct fp_storage_flash *f, struct fp_storage *out)
{
    uint16_t unit = f->program_bytes;
    if (unit == 0 || unit > 32 || (unit & (unit - 1)) != 0 || f->sector_bytes == 0 || f->sector_bytes % unit != 0 || f->size % f->sector_bytes != 0 ||
        f->size / f->sector_bytes < 3) {
        return FP_ECONFIG;
    }
    *out = (struct fp_storage){.ctx = f,
                               .size = f->size,
                               .sector_bytes = f->sector_bytes,
                               .program_bytes = unit,
                               .read = flash_read,
                               .program = flash_program,
                               .erase = flash_erase,
                               .sync = flash_sync};
    return FP_OK;
}
