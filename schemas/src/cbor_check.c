#include "schemas/src/cbor_item.h"

#define ASCII_MASK 0x8080808080808080ULL

/* The length of the well-formed character at p (RFC 3629: no surrogates, nothing overlong, nothing above U+10FFFF), 0 if there is none. */
static size_t utf8_char(const uint8_t *p, size_t len)
{
    if (p[0] < 0x80) {
        return 1;
    }
    size_t size = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    if (p[0] < 0xc2 || p[0] > 0xf4 || len < size) {
        return 0;
    }
    for (size_t i = 1; i < size; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    bool overlong = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xf0 && p[1] < 0x90);
    bool surrogate = p[0] == 0xed && p[1] > 0x9f;
    bool too_high = p[0] == 0xf4 && p[1] > 0x8f;
    return overlong || surrogate || too_high ? 0 : size;
}

static bool is_utf8(const uint8_t *p, size_t len)
{
    size_t at = 0;
    while (at < len) {
        uint64_t eight = ASCII_MASK;
        if (len - at >= sizeof eight) {
            memcpy(&eight, p + at, sizeof eight);
        }
        if ((eight & ASCII_MASK) == 0) {
            at += sizeof eight;
            continue;
        }
        size_t size = utf8_char(p + at, len - at);
        if (size == 0) {
            return false;
        }
        at += size;
    }
    return true;
}

struct frame {     /* a collection that we are in */
    uint64_t left; /* items; in a map, keys and values, so that an even number means a key is next */
    bool map;
    size_t item_at; /* where the item that we are in begins */
    struct fp_bytes key_before;
};

struct walk {
    struct fp_bytes in;
    size_t at;
    size_t depth;
    struct frame frames[FP_CBOR_DEPTH_MAX];
};

static bool key_ascends(struct fp_bytes before, struct fp_bytes key)
{
    size_t shorter = before.len < key.len ? before.len : key.len;
    int order = shorter == 0 ? 0 : memcmp(before.p, key.p, shorter);
    return order < 0 || (order == 0 && before.len < key.len);
}

static const char *enter(struct walk *w, const struct fp_cbor_item *item)
{
    if (w->depth == FP_CBOR_DEPTH_MAX) {
        return "CBOR: nested deeper than 8";
    }
    bool map = item->type == FP_CBOR_MAP;
    uint64_t rest = w->in.len - w->at;
    if (item->value > (map ? rest / 2 : rest)) {
        return "CBOR: cut short";
    }
    w->frames[w->depth++] = (struct frame){.left = map ? 2 * item->value : item->value, .map = map};
    return NULL;
}

/* An item has ended at w->at: counts it in its collection, and every collection that ends with it. */
static const char *leave(struct walk *w)
{
    while (w->depth > 0) {
        struct frame *f = &w->frames[w->depth - 1];
        if (f->left > 0) {
            if (f->map && f->left % 2 == 0) {
                struct fp_bytes key = fp_bytes_of(w->in.p + f->item_at, w->at - f->item_at);
                if (!key_ascends(f->key_before, key)) {
                    return "CBOR: the keys of a map do not ascend";
                }
                f->key_before = key;
            }
            f->left--;
        }
        if (f->left > 0) {
            return NULL;
        }
        w->depth--;
    }
    return NULL;
}

static const char *step(struct walk *w)
{
    struct fp_cbor_item item;
    const char *why = fp_cbor_item_read(w->in.p + w->at, w->in.len - w->at, &item);
    if (why) {
        return why;
    }
    if (item.type == FP_CBOR_TEXT && !is_utf8(item.data, (size_t)item.value)) {
        return "CBOR: a text is not UTF-8";
    }
    if (w->depth > 0) {
        w->frames[w->depth - 1].item_at = w->at;
    }
    w->at += item.size;
    if (item.type != FP_CBOR_ARRAY && item.type != FP_CBOR_MAP) {
        return leave(w);
    }
    why = enter(w, &item);
    if (why || item.value > 0) {
        return why;
    }
    w->depth--; /* an empty collection has ended already */
    return leave(w);
}

enum fp_err fp_cbor_check(struct fp_bytes in, size_t *out_used, const char **out_why)
{
    if (in.len == 0) {
        *out_why = "CBOR: cut short";
        return FP_EMALFORMED;
    }
    struct walk w;
    w.in = in;
    w.at = 0;
    w.depth = 0; /* frames are filled in as they are entered */

    do {
        const char *why = step(&w);
        if (why) {
            *out_why = why;
            return FP_EMALFORMED;
        }
    } while (w.depth > 0);

    if (!out_used && w.at != in.len) {
        *out_why = "CBOR: more bytes after the item";
        return FP_EMALFORMED;
    }
    if (out_used) {
        *out_used = w.at;
    }
    return FP_OK;
}
