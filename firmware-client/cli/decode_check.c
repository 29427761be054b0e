#include "firmware-client/cli/decode.h"

#include "firmware-client/cli/text.h"
#include "fp/limits.h"

struct walk {
    struct fp_bytes in;
    size_t at;
    struct decode_bad *bad;
};

static bool fail(struct walk *w, size_t at, const char *why)
{
    *w->bad = (struct decode_bad){.at = at, .why = why};
    return false;
}

/* The head of an item: major type and its number. Simple values and floats pass with major 7. */
static bool walk_head(struct walk *w, unsigned *out_major, unsigned *out_info, uint64_t *out_value)
{
    size_t start = w->at;
    if (w->at >= w->in.len) {
        return fail(w, start, "the input ends where an item should begin");
    }
    uint8_t first = w->in.p[w->at++];
    *out_major = first >> 5;
    *out_info = first & 31;
    *out_value = *out_info;
    if (*out_info < 24) {
        return true;
    }
    if (*out_info > 27) {
        return fail(w, start, *out_info == 31 ? "an indefinite length" : "a reserved initial byte");
    }
    size_t bytes = (size_t)1 << (*out_info - 24);
    if (w->in.len - w->at < bytes) {
        return fail(w, start, "the input ends within an item");
    }
    uint64_t v = 0;
    for (size_t i = 0; i < bytes; i++) {
        v = v << 8 | w->in.p[w->at++];
    }
    *out_value = v;
    static const uint64_t least[] = {24, 0x100, 0x10000, 0x100000000};
    if (*out_major != 7 && v < least[*out_info - 24]) {
        return fail(w, start, "a number or length is not in its shortest form");
    }
    return true;
}

static bool walk_string(struct walk *w, size_t start, bool text, uint64_t len)
{
    if (len > w->in.len - w->at) {
        return fail(w, start, "the input ends within a string");
    }
    const char *p = (const char *)w->in.p + w->at;
    for (size_t i = 0; text && i < len;) {
        uint32_t c;
        size_t step = text_next(p + i, (size_t)len - i, &c);
        if (c == UINT32_MAX) {
            return fail(w, w->at + i, "a text that is not UTF-8");
        }
        i += step;
    }
    w->at += (size_t)len;
    return true;
}

static bool walk_item(struct walk *w, size_t depth);

static bool key_follows(const struct walk *w, struct fp_bytes before, size_t start)
{
    struct fp_bytes key = fp_bytes_of(w->in.p + start, w->at - start);
    size_t shared = before.len < key.len ? before.len : key.len;
    int order = shared > 0 ? memcmp(before.p, key.p, shared) : -1;
    return order < 0 || (order == 0 && before.len < key.len);
}

static bool walk_map(struct walk *w, uint64_t pairs, size_t depth)
{
    struct fp_bytes before = {0};
    for (uint64_t i = 0; i < pairs; i++) {
        size_t start = w->at;
        if (!walk_item(w, depth)) {
            return false;
        }
        if (!key_follows(w, before, start)) {
            return fail(w, start, "a map key is out of order or there twice");
        }
        before = fp_bytes_of(w->in.p + start, w->at - start);
        if (!walk_item(w, depth)) {
            return false;
        }
    }
    return true;
}

static bool walk_array(struct walk *w, uint64_t items, size_t depth)
{
    for (uint64_t i = 0; i < items; i++) {
        if (!walk_item(w, depth)) {
            return false;
        }
    }
    return true;
}

/* depth: how many more collections may be opened. */
static bool walk_item(struct walk *w, size_t depth)
{
    size_t start = w->at;
    unsigned major;
    unsigned info;
    uint64_t value;
    if (!walk_head(w, &major, &info, &value)) {
        return false;
    }
    switch (major) {
    case 0:
    case 1:
        return true;
    case 2:
    case 3:
        return walk_string(w, start, major == 3, value);
    case 4:
    case 5:
        if (depth == 0) {
            return fail(w, start, "nested too deep");
        }
        if (value > (w->in.len - w->at) / (major - 3)) {
            return fail(w, start, "more elements than the input can hold");
        }
        return major == 4 ? walk_array(w, value, depth - 1) : walk_map(w, value, depth - 1);
    case 6:
        return fail(w, start, "a tag");
    default:
        return (info >= 20 && info <= 22) || (info >= 25 && info <= 27) ? true : fail(w, start, "a simple value that is not true, false or null");
    }
}

bool decode_check(struct fp_bytes in, size_t *out_used, struct decode_bad *out_bad)
{
    struct walk w = {.in = in, .bad = out_bad};
    bool fine = walk_item(&w, FP_CBOR_DEPTH_MAX);
    *out_used = fine ? w.at : 0;
    return fine;
}
