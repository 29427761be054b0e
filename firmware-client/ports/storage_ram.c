#include "firmware-client/ports/storage_ram.h"

static enum fp_err ram_read(void *ctx, uint32_t at, void *buf, size_t len)
{
    const struct fp_storage_ram *r = ctx;
    if (at > r->size || len > r->size - at) {
        return FP_EIO;
    }
    memcpy(buf, r->memory + at, len);
    return FP_OK;
}

static enum fp_err ram_program(void *ctx, uint32_t at, const void *p, size_t len)
{
    struct fp_storage_ram *r = ctx;
    if (at > r->size || len > r->size - at) {
        return FP_EIO;
    }
    memcpy(r->memory + at, p, len);
    return FP_OK;
}

static enum fp_err ram_erase(void *ctx, uint32_t at)
{
    struct fp_storage_ram *r = ctx;
    if (at >= r->size || at % r->sector_bytes != 0) {
        return FP_EIO;
    }
    memset(r->memory + at, 0xff, r->sector_bytes);
    return FP_OK;
}

static enum fp_err ram_sync(void *ctx)
{
    (void)ctx;
    return FP_OK;
}

enum fp_err fp_storage_ram_init(struct fp_storage_ram *r, void *memory, uint32_t size, uint32_t sector_bytes, struct fp_storage *out)
{
    if (sector_bytes == 0 || size % sector_bytes != 0 || size / sector_bytes < 3) {
        return FP_ECONFIG;
    }
    *r = (struct fp_storage_ram){.memory = memory, .size = size, .sector_bytes = sector_bytes};
    *out = (struct fp_storage){.ctx = r,
                               .size = size,
                               .sector_bytes = sector_bytes,
                               .program_bytes = 1,
                               .read = ram_read,
                               .program = ram_program,
                               .erase = ram_erase,
                               .sync = ram_sync};
    return FP_OK;
}
