#include "firmware-client/core/outbox_log.h"

#include <assert.h>

static const uint32_t magic = 0x424f5046; /* "FPOB" */

void outbox_put32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++) {
        p[i] = (uint8_t)(v >> (8 * i));
    }
}

uint32_t outbox_get32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

void outbox_put64(uint8_t *p, uint64_t v)
{
    outbox_put32(p, (uint32_t)v);
    outbox_put32(p + 4, (uint32_t)(v >> 32));
}

uint64_t outbox_get64(const uint8_t *p)
{
    return outbox_get32(p) | (uint64_t)outbox_get32(p + 4) << 32;
}

/* CRC-32 (IEEE 802.3), four bits at a time: a table of 64 bytes instead of 1 KiB. */
uint32_t outbox_crc(uint32_t crc, const void *p, size_t len)
{
    static const uint32_t table[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
                                       0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
    const uint8_t *at = p;
    crc = ~crc;
    for (size_t i = 0; i < len; i++) {
        crc ^= at[i];
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}

uint32_t outbox_padded(const struct fp_outbox *o, uint32_t len)
{
    uint32_t unit = o->storage.program_bytes;
    return (len + unit - 1) & ~(unit - 1);
}

uint32_t outbox_room(const struct fp_outbox *o)
{
    return o->storage.sector_bytes - outbox_padded(o, OUTBOX_HEADER_BYTES) - outbox_padded(o, OUTBOX_RECORD_BYTES + OUTBOX_STATE_BYTES);
}

static uint32_t sector_of(const struct fp_outbox *o, uint32_t at)
{
    return at / o->storage.sector_bytes;
}

uint32_t outbox_number_at(const struct fp_outbox *o, uint32_t at)
{
    uint32_t sector = sector_of(o, at);
    uint32_t back = o->sector >= sector ? o->sector - sector : o->sector + o->sectors - sector;
    return o->number - back;
}

/* ------------------------------------------------------------------ sectors */

/* The lowest byte is the version. In a region of another shape the ring would be read wrongly: what does not fit is refused, not lost. */
static uint32_t layout_of(const struct fp_outbox *o)
{
    uint8_t shape[12];
    outbox_put32(shape, o->storage.size);
    outbox_put32(shape + 4, o->storage.sector_bytes);
    outbox_put32(shape + 8, o->storage.program_bytes);
    return outbox_crc(0, shape, sizeof(shape)) << 8 | FP_OUTBOX_VERSION;
}

enum fp_err outbox_sync(struct fp_outbox *o)
{
    enum fp_err err = o->storage.sync(o->storage.ctx);
    if (err) {
        o->used = o->storage.sector_bytes; /* what is there is not known: nothing may stand behind it */
        o->dirty = true;
    }
    return err;
}

enum fp_err outbox_begin_sector(struct fp_outbox *o, uint32_t sector, uint32_t number)
{
    uint8_t header[32];
    uint32_t at = sector * o->storage.sector_bytes;
    memset(header, 0xff, sizeof(header));
    outbox_put32(header, magic);
    outbox_put32(header + 4, layout_of(o));
    outbox_put32(header + 8, number);
    outbox_put32(header + 12, outbox_crc(0, header, 12));

    enum fp_err err = o->storage.erase(o->storage.ctx, at);
    if (!err) {
        err = outbox_sync(o); /* a half-erased sector must not carry a fresh header */
    }
    if (!err) {
        err = o->storage.program(o->storage.ctx, at, header, outbox_padded(o, OUTBOX_HEADER_BYTES));
    }
    if (err) {
        return err;
    }
    o->sector = sector;
    o->number = number;
    o->used = outbox_padded(o, OUTBOX_HEADER_BYTES);
    return FP_OK;
}

enum fp_err outbox_read_sector(const struct fp_outbox *o, uint32_t sector, bool *out_ours, uint32_t *out_number)
{
    uint8_t header[OUTBOX_HEADER_BYTES];
    *out_ours = false;
    enum fp_err err = o->storage.read(o->storage.ctx, sector * o->storage.sector_bytes, header, sizeof(header));
    if (err) {
        return err;
    }
    if (outbox_get32(header) != magic || outbox_get32(header + 12) != outbox_crc(0, header, 12)) {
        return FP_OK;
    }
    if (header[4] != FP_OUTBOX_VERSION) {
        return FP_EVERSION;
    }
    if (outbox_get32(header + 4) != layout_of(o)) {
        return FP_ECONFIG;
    }
    *out_ours = true;
    *out_number = outbox_get32(header + 8);
    return FP_OK;
}

enum fp_err outbox_is_erased(const struct fp_outbox *o, uint32_t at, bool *out_erased)
{
    uint8_t piece[32];
    uint32_t end = (sector_of(o, at - 1) + 1) * o->storage.sector_bytes; /* at may be the end itself */
    *out_erased = false;
    while (at < end) {
        uint32_t len = end - at < sizeof(piece) ? end - at : (uint32_t)sizeof(piece);
        enum fp_err err = o->storage.read(o->storage.ctx, at, piece, len);
        if (err) {
            return err;
        }
        for (uint32_t i = 0; i < len; i++) {
            if (piece[i] != 0xff) {
                return FP_OK;
            }
        }
        at += len;
    }
    *out_erased = true;
    return FP_OK;
}

/* ------------------------------------------------------------------ records */

static enum fp_err crc_stored(const struct fp_outbox *o, uint32_t at, uint32_t len, uint32_t *crc)
{
    uint8_t piece[32];
    while (len > 0) {
        uint32_t now = len < sizeof(piece) ? len : (uint32_t)sizeof(piece);
        enum fp_err err = o->storage.read(o->storage.ctx, at, piece, now);
        if (err) {
            return err;
        }
        *crc = outbox_crc(*crc, piece, now);
        at += now;
        len -= now;
    }
    return FP_OK;
}

static uint32_t crc_begin(const uint8_t header[OUTBOX_RECORD_BYTES], uint32_t number)
{
    uint8_t salt[4];
    outbox_put32(salt, number);
    return outbox_crc(outbox_crc(0, salt, sizeof(salt)), header, 4);
}

enum fp_err outbox_read_record(const struct fp_outbox *o, uint32_t at, uint32_t number, struct outbox_record *out, bool *out_good)
{
    uint8_t header[OUTBOX_RECORD_BYTES];
    uint32_t end = (sector_of(o, at - 1) + 1) * o->storage.sector_bytes;
    *out_good = false;
    if (end - at < sizeof(header)) {
        return FP_OK;
    }
    enum fp_err err = o->storage.read(o->storage.ctx, at, header, sizeof(header));
    if (err) {
        return err;
    }
    uint32_t len = (uint32_t)header[0] | (uint32_t)header[1] << 8;
    if (len > end - at - sizeof(header)) {
        return FP_OK; /* erased, or torn */
    }
    uint32_t crc = crc_begin(header, number);
    err = crc_stored(o, at + OUTBOX_RECORD_BYTES, len, &crc);
    if (err || crc != outbox_get32(header + 4)) {
        return err;
    }
    *out = (struct outbox_record){.type = header[2], .at = at, .len = len, .next = at + outbox_padded(o, OUTBOX_RECORD_BYTES + len)};
    *out_good = out->next <= end;
    return FP_OK;
}

struct writer { /* collects bytes into pieces that may be programmed */
    struct fp_outbox *o;
    uint32_t at;
    uint32_t fill;
    uint8_t piece[64];
};

static enum fp_err put(struct writer *w, const uint8_t *p, uint32_t len)
{
    while (len > 0) {
        uint32_t now = (uint32_t)sizeof(w->piece) - w->fill;
        now = now < len ? now : len;
        memcpy(w->piece + w->fill, p, now);
        w->fill += now;
        p += now;
        len -= now;
        if (w->fill == sizeof(w->piece)) {
            enum fp_err err = w->o->storage.program(w->o->storage.ctx, w->at, w->piece, w->fill);
            if (err) {
                return err;
            }
            w->at += w->fill;
            w->fill = 0;
        }
    }
    return FP_OK;
}

static enum fp_err put_part(struct writer *w, const struct outbox_part *part)
{
    if (part->p) {
        return put(w, part->p, part->len);
    }
    uint8_t piece[32];
    enum fp_err err = FP_OK;
    for (uint32_t done = 0; !err && done < part->len;) {
        uint32_t now = part->len - done < sizeof(piece) ? part->len - done : (uint32_t)sizeof(piece);
        err = w->o->storage.read(w->o->storage.ctx, part->at + done, piece, now);
        if (!err) {
            err = put(w, piece, now);
        }
        done += now;
    }
    return err;
}

static enum fp_err put_end(struct writer *w)
{
    uint32_t padded = outbox_padded(w->o, w->fill);
    memset(w->piece + w->fill, 0xff, padded - w->fill);
    return padded > 0 ? w->o->storage.program(w->o->storage.ctx, w->at, w->piece, padded) : FP_OK;
}

enum fp_err outbox_write(struct fp_outbox *o, uint8_t type, const struct outbox_part *parts, size_t count, uint32_t *out_at)
{
    uint32_t len = 0;
    for (size_t i = 0; i < count; i++) {
        len += parts[i].len;
    }
    uint32_t at = o->sector * o->storage.sector_bytes + o->used;
    assert(o->used + outbox_padded(o, OUTBOX_RECORD_BYTES + len) <= o->storage.sector_bytes);

    uint8_t header[OUTBOX_RECORD_BYTES] = {(uint8_t)len, (uint8_t)(len >> 8), type, 0xff};
    uint32_t crc = crc_begin(header, o->number);
    enum fp_err err = FP_OK;
    for (size_t i = 0; !err && i < count; i++) {
        if (parts[i].p) {
            crc = outbox_crc(crc, parts[i].p, parts[i].len);
        } else {
            err = crc_stored(o, parts[i].at, parts[i].len, &crc);
        }
    }
    if (err) {
        return err; /* nothing was programmed */
    }
    outbox_put32(header + 4, crc);
    struct writer w = {.o = o, .at = at};
    err = put(&w, header, sizeof(header));
    for (size_t i = 0; !err && i < count; i++) {
        err = put_part(&w, &parts[i]);
    }
    if (!err) {
        err = put_end(&w);
    }
    if (err) {
        o->used = o->storage.sector_bytes; /* a piece may only be programmed once */
        return err;
    }
    o->used += outbox_padded(o, OUTBOX_RECORD_BYTES + len);
    *out_at = at;
    return FP_OK;
}
