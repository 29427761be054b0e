#include "firmware-client/core/cbor_small_item.h"

#include "firmware-client/core/cbor_utf8.h"

enum fp_cbor_type fp_small_type(uint8_t first)
{
    unsigned extra = first & 0x1f;
    if (first < 0xc0) { /* below the tags the types are in the order of the wire; 28 to 30 are reserved, 31 is an indefinite length */
        return extra < 28 ? (enum fp_cbor_type)(first >> 5) : FP_CBOR_OTHER;
    }
    switch (first) {
    case 0xf4:
    case 0xf5:
        return FP_CBOR_BOOL;
    case 0xf6:
        return FP_CBOR_NULL;
    case 0xf9:
    case 0xfa:
    case 0xfb:
        return FP_CBOR_FLOAT;
    default:
        return FP_CBOR_OTHER;
    }
}

bool fp_small_item(const uint8_t *p, size_t len, struct fp_small_item *out)
{
    if (len == 0) {
        return false;
    }
    out->type = fp_small_type(p[0]);
    out->value = p[0] & 0x1f;
    out->head = 1;
    out->content = 0;
    if (out->type == FP_CBOR_OTHER) {
        return false;
    }
    if (out->type == FP_CBOR_BOOL || out->type == FP_CBOR_NULL) {
        out->value = p[0] == 0xf5;
        return true;
    }
    if (out->value >= 24) {
        size_t more = (size_t)1 << (out->value - 24);
        if (more > len - 1) {
            return false;
        }
        uint32_t high = 0; /* two halves: shifts of 64 bits are long on a small machine */
        uint32_t low = 0;
        for (size_t i = 1; i <= more; i++) {
            high = high << 8 | low >> 24;
            low = low << 8 | p[i];
        }
        bool shortest = high > 0 || (more < 8 && low >= (more == 1 ? 24U : more == 2 ? 0x100U : 0x10000U));
        if (!shortest && out->type != FP_CBOR_FLOAT) {
            return false;
        }
        out->value = (uint64_t)high << 32 | low;
        out->head += more;
    }
    if (out->type == FP_CBOR_BYTES || out->type == FP_CBOR_TEXT) {
        out->content = (size_t)out->value;
        return out->value <= len - out->head;
    }
    return true;
}

struct frame {   /* a collection that we are in */
    size_t left; /* items; in a map, keys and values, so that an even number means a key is next */
    size_t item_at;
    const uint8_t *key; /* the one before */
    size_t key_len;
    bool has_keys; /* a map whose keys must ascend */
};

/* An item has ended at `end`: counts it in its collection, and every collection that ends with it. False: its key does not ascend. */
static bool leave(struct frame *frames, size_t *depth, const uint8_t *p, size_t end)
{
    while (*depth > 0) {
        struct frame *f = &frames[*depth - 1];
        if (f->has_keys && f->left % 2 == 0) {
            const uint8_t *key = p + f->item_at;
            size_t len = end - f->item_at;
            size_t shorter = len < f->key_len ? len : f->key_len; /* no item is the beginning of another one */
            if (f->key_len > 0 && memcmp(f->key, key, shorter) >= 0) {
                return false;
            }
            f->key = key;
            f->key_len = len;
        }
        if (--f->left > 0) {
            return true;
        }
        --*depth;
    }
    return true;
}

size_t fp_small_walk(const uint8_t *p, size_t len, size_t depth_max, bool strict)
{
    struct frame frames[FP_CBOR_DEPTH_MAX];
    size_t depth = 0;
    size_t at = 0;
    do {
        struct fp_small_item item;
        if (!fp_small_item(p + at, len - at, &item)) {
            return 0;
        }
        if (depth > 0) {
            frames[depth - 1].item_at = at;
        }
        at += item.head;
        if (strict && item.type == FP_CBOR_TEXT && !fp_utf8_is_valid(fp_bytes_of(p + at, item.content))) {
            return 0;
        }
        at += item.content;
        if (item.type == FP_CBOR_ARRAY || item.type == FP_CBOR_MAP) {
            size_t map = item.type == FP_CBOR_MAP;
            if (depth == depth_max || item.value > (len - at) >> map) {
                return 0;
            }
            if (item.value > 0) {
                frames[depth++] = (struct frame){.left = (size_t)item.value << map, .has_keys = map && strict};
                continue;
            }
        }
        if (!leave(frames, &depth, p, at)) {
            return 0;
        }
    } while (depth > 0);
    return at;
}

enum fp_err fp_cbor_check(struct fp_bytes in, size_t *out_used, const char **out_why)
{
    size_t used = in.len == 0 ? 0 : fp_small_walk(in.p, in.len, FP_CBOR_DEPTH_MAX, true); /* nothing may be a null pointer */
    if (used == 0) {
        *out_why = "CBOR: none of ours"; /* who refuses in the field is the hub, and it says why */
        return FP_EMALFORMED;
    }
    if (out_used) {
        *out_used = used;
    } else if (used != in.len) {
        *out_why = "CBOR: more bytes after the item";
        return FP_EMALFORMED;
    }
    return FP_OK;
}
