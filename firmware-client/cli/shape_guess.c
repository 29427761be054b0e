#include "firmware-client/cli/shape.h"

#include "fp/cbor.h"
#include "fp/keys.h"

/* What stands under the keys up to 23 of a map, as far as telling messages apart needs it. */
#define SEEN_KEYS 24
struct seen {
    bool there[SEEN_KEYS];
    enum fp_cbor_type type[SEEN_KEYS];
    uint64_t number[SEEN_KEYS];
    bool rows_of_text; /* under key 2 is an array whose first row begins with a text */
    bool text_keys;
};

static bool row_begins_with_text(struct fp_bytes raw)
{
    struct fp_dec d;
    fp_dec_init(&d, raw);
    if (fp_dec_array(&d) == 0 || fp_dec_peek(&d) != FP_CBOR_ARRAY || fp_dec_array(&d) == 0) {
        return false;
    }
    return fp_dec_peek(&d) == FP_CBOR_TEXT;
}

static void look(struct fp_bytes in, struct seen *s)
{
    struct fp_dec d;
    fp_dec_init(&d, in);
    for (size_t pairs = fp_dec_map(&d); pairs > 0 && !d.failed; pairs--) {
        s->text_keys = s->text_keys || fp_dec_peek(&d) == FP_CBOR_TEXT;
        uint64_t key = fp_dec_key(&d);
        enum fp_cbor_type type = fp_dec_peek(&d);
        struct fp_bytes raw = fp_dec_raw(&d);
        if (key >= SEEN_KEYS) {
            continue;
        }
        struct fp_dec value;
        fp_dec_init(&value, raw);
        s->there[key] = true;
        s->type[key] = type;
        s->number[key] = type == FP_CBOR_UINT ? fp_dec_uint(&value) : 0;
        s->rows_of_text = s->rows_of_text || (key == 2 && type == FP_CBOR_ARRAY && row_begins_with_text(raw));
    }
}

static bool is(const struct seen *s, size_t key, enum fp_cbor_type type)
{
    return s->there[key] && s->type[key] == type;
}

#define A_TIME_MS 1000000000000ULL /* times are above this since 2001; seqs and counts are below */

static const struct shape *guess_live(const struct seen *s)
{
    if (s->text_keys) {
        return shape_named("receipts");
    }
    if (is(s, 1, FP_CBOR_ARRAY)) {
        return shape_named("typing");
    }
    if (is(s, 1, FP_CBOR_MAP)) {
        return shape_named("presence");
    }
    if (is(s, 2, FP_CBOR_TEXT) && is(s, 3, FP_CBOR_TEXT) && is(s, 4, FP_CBOR_MAP)) {
        return shape_named("about");
    }
    bool four = is(s, 1, FP_CBOR_UINT) && is(s, 2, FP_CBOR_UINT) && is(s, 3, FP_CBOR_UINT) && is(s, 4, FP_CBOR_UINT) &&
                (!s->there[5] || is(s, 5, FP_CBOR_BYTES));
    bool time = s->number[1] == FP_REPLY_TIME && s->number[3] > A_TIME_MS;
    return four && !time && s->number[4] > A_TIME_MS ? shape_named("head") : NULL;
}

/* `what` is small, and so are the kinds of a session: the value of key 2 tells them apart. */
static const struct shape *guess_small(const struct seen *s)
{
    if (s->there[FP_KEY_BODY] || !s->there[2]) {
        return s->there[3] ? shape_named("reply") : shape_named("command"); /* a nack may come without n */
    }
    switch (s->number[1]) {
    case FP_REPLY_ACK:
        return shape_named(s->rows_of_text ? "inbox" : "reply");
    case FP_REPLY_NACK:
    case FP_REPLY_WELCOME:
        return shape_named(is(s, 2, FP_CBOR_TEXT) ? "inbox" : "reply");
    case FP_REPLY_PAGE:
        return shape_named(is(s, 2, FP_CBOR_MAP) ? "inbox" : "reply");
    case FP_REPLY_SNAPSHOT:
        return shape_named(is(s, 4, FP_CBOR_UINT) && s->number[4] <= FP_PRIORITY_BULK ? "inbox" : "reply");
    default:
        return shape_named("reply");
    }
}

const struct shape *shape_guess(struct fp_bytes in)
{
    struct fp_dec d;
    struct seen s = {0};
    fp_dec_init(&d, in);
    if (fp_dec_peek(&d) == FP_CBOR_ARRAY && fp_dec_array(&d) > 0) {
        in = fp_dec_raw(&d); /* of several, the first tells */
        fp_dec_init(&d, in);
    }
    if (fp_dec_peek(&d) != FP_CBOR_MAP) {
        return NULL;
    }
    look(in, &s);
    const struct shape *live = guess_live(&s);
    if (live || !is(&s, 1, FP_CBOR_UINT)) {
        return live;
    }
    if (s.there[FP_KEY_AT] && s.there[FP_KEY_USER]) {
        return shape_named("event");
    }
    return s.number[1] > FP_REPLY_REPORT || s.there[FP_KEY_BODY] ? shape_named("command") : guess_small(&s);
}
