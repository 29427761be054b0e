#include <stdlib.h>
#include <zlib.h>

#include "plugin/hub/trunk.h"

#define FRAME_BYTES 96      /* a batch without its records */
#define WORTH_DEFLATING 128 /* below, the stream's own overhead eats the gain */

static struct fp_bytes deflated(struct hub *h, struct fp_bytes plain)
{
    z_stream *z = h->deflater;
    size_t cap = plain.len; /* no use where it is not shorter */
    uint8_t *out = arena_alloc(&h->arena, cap);
    if (!out || deflateReset(z) != Z_OK) {
        return (struct fp_bytes){0};
    }
    z->next_in = (Bytef *)(uintptr_t)plain.p;
    z->avail_in = (uInt)plain.len;
    z->next_out = out;
    z->avail_out = (uInt)cap;
    return deflate(z, Z_FINISH) == Z_STREAM_END ? fp_bytes_of(out, cap - z->avail_out) : (struct fp_bytes){0};
}

enum fp_err trunk_pack(struct hub *h, uint64_t epoch, unsigned lane, uint64_t first, uint64_t count, struct fp_bytes records,
                       struct fp_bytes *out_frame)
{
    struct fp_trunk_batch b = {.epoch = epoch, .lane = lane, .first = first, .count = count, .records = records};
    struct fp_bytes stream = records.len >= WORTH_DEFLATING ? deflated(h, records) : (struct fp_bytes){0};
    if (stream.len > 0 && stream.len < records.len) {
        b.zlib = true;
        b.records = stream;
    }
    size_t cap = b.records.len + FRAME_BYTES;
    uint8_t *buf = arena_alloc(&h->arena, cap);
    struct fp_enc e;
    fp_enc_init(&e, buf, buf ? cap : 0);
    fp_enc_trunk_batch(&e, &b);
    *out_frame = fp_enc_bytes_of(&e);
    return e.failed ? FP_ENOMEM : FP_OK;
}

/* One byte more than may come out: a stream that fills it is too large, and no more of it is ever inflated. */
static enum fp_err inflated(struct fp_bytes stream, uint8_t *out, size_t cap, size_t *out_len)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)stream.p, .avail_in = (uInt)stream.len, .next_out = out, .avail_out = (uInt)cap};
    if (inflateInit(&z) != Z_OK) {
        return FP_ENOMEM;
    }
    int said = inflate(&z, Z_FINISH);
    bool trailing = z.avail_in > 0;
    *out_len = cap - z.avail_out;
    inflateEnd(&z);
    if (*out_len == cap) {
        return FP_ETOOLARGE;
    }
    return said == Z_STREAM_END && !trailing ? FP_OK : FP_EMALFORMED;
}

enum fp_err trunk_unpack(struct hub *h, const struct fp_trunk_batch *b, struct fp_bytes *out_records)
{
    if (b->records.len > TRUNK_RECORDS_BYTES) { /* no stream that is worth it is longer than what comes out of it */
        return FP_ETOOLARGE;
    }
    if (!b->zlib) {
        *out_records = b->records;
        return FP_OK;
    }
    size_t len = 0;
    uint8_t *buf = arena_alloc(&h->arena, TRUNK_RECORDS_BYTES + 1);
    if (!buf) {
        return FP_ENOMEM;
    }
    enum fp_err err = inflated(b->records, buf, TRUNK_RECORDS_BYTES + 1, &len);
    *out_records = err ? (struct fp_bytes){0} : fp_bytes_of(buf, len);
    return err;
}

void trunk_tell_now(struct hub *h, enum fp_topic_kind kind, const struct fp_id *relay, struct fp_bytes frame)
{
    struct fp_topic topic = {.kind = kind, .a = *relay};
    tells_now(h, &topic, frame, 0, false);
}

enum fp_err trunk_tell(struct hub *h, enum fp_topic_kind kind, const struct fp_id *relay, struct fp_bytes frame)
{
    struct fp_topic topic = {.kind = kind, .a = *relay};
    struct fp_bytes kept = arena_copy(&h->arena, frame);
    return kept.p ? tells_volatile(h, &topic, kept) : FP_ENOMEM;
}
