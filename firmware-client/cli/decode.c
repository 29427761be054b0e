#include "firmware-client/cli/decode.h"

#include <inttypes.h>

#include "firmware-client/cli/clock.h"
#include "firmware-client/cli/json.h"
#include "firmware-client/cli/names.h"
#include "fp/cbor.h"
#include "fp/keys.h"

static void show_item(struct str *out, struct fp_dec *d, const struct field *field, size_t indent);

static void new_line(struct str *out, size_t indent)
{
    str_char(out, '\n');
    for (size_t i = 0; i < indent; i++) {
        str_text(out, "  ");
    }
}

static const char *leaf_word(enum shape_leaf leaf, uint64_t v)
{
    switch (leaf) {
    case LEAF_KIND:
        return name_kind(v);
    case LEAF_ROLE:
        return name_role(v);
    case LEAF_PRIORITY:
        return name_priority(v);
    case LEAF_PERSON:
        return name_person(v);
    case LEAF_VIEWER:
        return name_viewer(v);
    case LEAF_LEVEL:
        return name_level(v);
    case LEAF_ERROR:
        return v >= 1 && v <= FP_C_IDENTITY ? fp_err_name((enum fp_err)v) : NULL;
    case LEAF_REPLY:
        return shape_of_reply(v)->name;
    case LEAF_INBOX:
        return shape_of_inbox(v)->name;
    case LEAF_AT:
    case LEAF_NONE:
        return NULL;
    }
    return NULL;
}

static void show_uint(struct str *out, uint64_t v, enum shape_leaf leaf)
{
    const char *word = leaf_word(leaf, v);
    str_format(out, "%" PRIu64, v);
    if (word) {
        str_format(out, " (%s)", word);
    } else if (leaf == LEAF_AT) {
        str_text(out, " (");
        clock_utc(out, (struct fp_wall){.ms = v});
        str_char(out, ')');
    }
}

static void show_text(struct str *out, struct fp_bytes text)
{
    struct json j = {.out = out};
    json_string(&j, text);
}

static void show_hex(struct str *out, struct fp_bytes bytes)
{
    str_text(out, "h'");
    for (size_t i = 0; i < bytes.len; i++) {
        str_format(out, "%02x", bytes.p[i]);
    }
    str_char(out, '\'');
}

static void show_array(struct str *out, struct fp_dec *d, const struct shape *shape, size_t indent)
{
    size_t count = fp_dec_array(d);
    const struct field each = {.shape = shape ? shape->each : NULL};
    str_char(out, '[');
    for (size_t i = 0; i < count; i++) {
        const struct field *named = shape_field(shape, i);
        new_line(out, indent + 1);
        if (named) {
            str_format(out, "%s: ", named->name);
        }
        show_item(out, d, named ? named : &each, indent + 1);
    }
    if (count > 0) {
        new_line(out, indent);
    }
    str_char(out, ']');
}

/* Which object a map is, once its first number is known. */
static const struct shape *exact(const struct shape *shape, const struct fp_dec *d)
{
    if (!shape || (shape != shape_named("reply") && shape != shape_named("inbox"))) {
        return shape;
    }
    struct fp_dec ahead = *d;
    uint64_t key = fp_dec_peek(&ahead) == FP_CBOR_UINT ? fp_dec_uint(&ahead) : 0;
    if (key != FP_KEY_WHAT || fp_dec_peek(&ahead) != FP_CBOR_UINT) {
        return shape;
    }
    uint64_t what = fp_dec_uint(&ahead);
    return shape == shape_named("reply") ? shape_of_reply(what) : shape_of_inbox(what);
}

static void show_map(struct str *out, struct fp_dec *d, const struct shape *shape, size_t indent)
{
    size_t pairs = fp_dec_map(d);
    uint64_t kind = 0;
    shape = exact(shape, d);
    if (shape && shape->name && pairs > 0) {
        str_format(out, "%s ", shape->name);
    }
    str_char(out, '{');
    for (size_t i = 0; i < pairs; i++) {
        struct field as = {.shape = shape ? shape->each : NULL};
        const struct field *named = NULL;
        new_line(out, indent + 1);
        if (fp_dec_peek(d) == FP_CBOR_UINT) {
            uint64_t key = fp_dec_uint(d);
            named = shape_field(shape, key);
            if (named) {
                as = *named;
                str_text(out, named->name);
            } else {
                show_uint(out, key, LEAF_NONE);
            }
            if (shape && shape->body_by_kind && key == FP_KEY_KIND && fp_dec_peek(d) == FP_CBOR_UINT) {
                struct fp_dec ahead = *d;
                kind = fp_dec_uint(&ahead);
            }
            if (shape && shape->body_by_kind && key == FP_KEY_BODY) {
                as.shape = shape_of_body(kind);
            }
        } else {
            show_item(out, d, NULL, indent + 1);
        }
        str_text(out, ": ");
        show_item(out, d, &as, indent + 1);
    }
    if (pairs > 0) {
        new_line(out, indent);
    }
    str_char(out, '}');
}

static void show_negative(struct str *out, struct fp_bytes raw)
{
    uint64_t v = raw.p[0] & 31;
    if (raw.len > 1) {
        v = 0;
    }
    for (size_t i = 1; i < raw.len; i++) {
        v = v << 8 | raw.p[i];
    }
    if (v == UINT64_MAX) {
        str_text(out, "-18446744073709551616");
    } else {
        str_format(out, "-%" PRIu64, v + 1);
    }
}

/* The item has been checked, so nothing here fails. */
static void show_item(struct str *out, struct fp_dec *d, const struct field *field, size_t indent)
{
    const struct shape *shape = field ? field->shape : NULL;
    switch (fp_dec_peek(d)) {
    case FP_CBOR_UINT:
        show_uint(out, fp_dec_uint(d), field ? field->leaf : LEAF_NONE);
        break;
    case FP_CBOR_NEGINT:
        show_negative(out, fp_dec_raw(d));
        break;
    case FP_CBOR_BYTES:
        show_hex(out, fp_dec_bytes(d));
        break;
    case FP_CBOR_TEXT:
        show_text(out, fp_dec_text(d));
        break;
    case FP_CBOR_ARRAY:
        show_array(out, d, shape, indent);
        break;
    case FP_CBOR_MAP:
        show_map(out, d, shape, indent);
        break;
    case FP_CBOR_BOOL:
        str_text(out, fp_dec_bool(d) ? "true" : "false");
        break;
    case FP_CBOR_NULL:
        fp_dec_null(d);
        str_text(out, "null");
        break;
    case FP_CBOR_FLOAT:
        str_format(out, "%.17g", fp_dec_number(d));
        break;
    case FP_CBOR_END:
    case FP_CBOR_OTHER:
        break;
    }
}

bool decode_text(struct str *out, struct fp_bytes in, const struct shape *as, struct decode_bad *out_bad)
{
    for (size_t at = 0; at < in.len;) {
        size_t used;
        if (!decode_check(fp_bytes_of(in.p + at, in.len - at), &used, out_bad)) {
            out_bad->at += at;
            return false;
        }
        struct fp_bytes one = fp_bytes_of(in.p + at, used);
        const struct shape *shape = as ? as : shape_guess(one);
        const struct shape several = {.each = shape};
        struct fp_dec d;
        fp_dec_init(&d, one);
        show_item(out, &d, &(struct field){.shape = fp_dec_peek(&d) == FP_CBOR_ARRAY ? &several : shape}, 0);
        str_char(out, '\n');
        at += used;
    }
    return true;
}

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool decode_hex(struct str *out, const char *text, size_t len, size_t *out_at)
{
    int high = -1;
    for (size_t i = 0; i < len; i++) {
        int value = digit(text[i]);
        if (value < 0 && high < 0 && strchr(" \t\r\n", text[i]) && text[i]) {
            continue;
        }
        if (value < 0) {
            *out_at = i;
            return false;
        }
        if (high >= 0) {
            str_char(out, (char)(high << 4 | value));
        }
        high = high >= 0 ? -1 : value;
    }
    *out_at = len;
    return high < 0;
}
