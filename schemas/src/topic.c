#include "fp/topic.h"

#include "schemas/src/topic_levels.h"

#define A FP_LEVEL_A
#define B FP_LEVEL_B
#define PLUS(level) (1U << (level))

const struct fp_template FP_TEMPLATES[FP_TOPIC_KINDS] = {
    [FP_TOPIC_DEVICE_UP] = {{"device", A, "up"}, 3, 0},
    [FP_TOPIC_DEVICE_NOW] = {{"device", A, "now"}, 3, 0},
    [FP_TOPIC_DEVICE_BLOB] = {{"device", A, "blob", FP_LEVEL_SHA256}, 4, 0},
    [FP_TOPIC_DEVICE_STATUS] = {{"device", A, "status"}, 3, 0},
    [FP_TOPIC_DEVICE_DOWN] = {{"device", A, "down"}, 3, 0},
    [FP_TOPIC_USER_INBOX] = {{"user", A, "inbox"}, 3, PLUS(2)},
    [FP_TOPIC_USER_PRESENCE] = {{"user", A, "presence"}, 3, PLUS(2)},
    [FP_TOPIC_CONV_EVENT] = {{"scope", A, "conv", B, "event"}, 5, PLUS(3) | PLUS(4)},
    [FP_TOPIC_CONV_HEAD] = {{"scope", A, "conv", B, "head"}, 5, PLUS(3) | PLUS(4)},
    [FP_TOPIC_CONV_ABOUT] = {{"scope", A, "conv", B, "about"}, 5, PLUS(3) | PLUS(4)},
    [FP_TOPIC_CONV_RECEIPTS] = {{"scope", A, "conv", B, "receipts"}, 5, PLUS(3) | PLUS(4)},
    [FP_TOPIC_CONV_TYPING] = {{"scope", A, "conv", B, "typing"}, 5, PLUS(3) | PLUS(4)},
    [FP_TOPIC_SCOPE_PRESENCE] = {{"scope", A, "presence"}, 3, 0},
    [FP_TOPIC_SCOPE_STATE] = {{"scope", A, "state", B}, 4, 0},
    [FP_TOPIC_RELAY_UP] = {{"relay", A, "up"}, 3, 0},
    [FP_TOPIC_RELAY_DOWN] = {{"relay", A, "down"}, 3, 0},
    [FP_TOPIC_OPS] = {{"ops", A}, 2, PLUS(1)},
};

static bool is_word(struct fp_bytes level, const char *word)
{
    return fp_bytes_eq(level, fp_bytes_of(word, strlen(word)));
}

void fp_levels_split(const char *text, size_t len, struct fp_levels *out)
{
    out->count = 0;
    size_t from = 0;
    while (out->count < FP_LEVELS_MAX) {
        const char *slash = memchr(text + from, '/', len - from);
        size_t end = slash ? (size_t)(slash - text) : len;
        out->level[out->count++] = fp_bytes_of(text + from, end - from);
        if (!slash) {
            return;
        }
        from = end + 1;
    }
    out->count = FP_LEVELS_MAX + 1;
}

bool fp_level_is(const struct fp_levels *levels, size_t i, const char *word)
{
    return i < levels->count && i < FP_LEVELS_MAX && is_word(levels->level[i], word);
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool parse_sha256(struct fp_bytes hex, uint8_t out[32])
{
    if (hex.len != 64) {
        return false;
    }
    for (size_t i = 0; i < 32; i++) {
        int high = hex_digit(hex.p[2 * i]);
        int low = hex_digit(hex.p[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        out[i] = (uint8_t)(high * 16 + low);
    }
    return true;
}

bool fp_level_fits(struct fp_bytes level, const char *pattern, struct fp_topic *out)
{
    switch (pattern[0]) {
    case '\1':
        return fp_id_parse((const char *)level.p, level.len, &out->a);
    case '\2':
        return fp_id_parse((const char *)level.p, level.len, &out->b);
    case '\3':
        return parse_sha256(level, out->sha256);
    default:
        return is_word(level, pattern);
    }
}

static bool fits(const struct fp_levels *levels, const struct fp_template *t, struct fp_topic *out)
{
    if (levels->count != 2U + t->count) {
        return false;
    }
    for (size_t i = 0; i < t->count; i++) {
        if (!fp_level_fits(levels->level[2 + i], t->level[i], out)) {
            return false;
        }
    }
    return true;
}

enum fp_err fp_topic_parse(const char *topic, size_t len, struct fp_topic *out)
{
    struct fp_levels levels = {0};
    fp_levels_split(topic, len, &levels);
    *out = (struct fp_topic){.kind = FP_TOPIC_FOREIGN};
    if (!fp_level_is(&levels, 0, "fp")) {
        return FP_OK;
    }
    if (!fp_level_is(&levels, 1, "1")) {
        return FP_EDENIED;
    }
    for (size_t kind = 1; kind < FP_TOPIC_KINDS; kind++) {
        struct fp_topic found = {.kind = (enum fp_topic_kind)kind};
        if (fits(&levels, &FP_TEMPLATES[kind], &found)) {
            *out = found;
            return FP_OK;
        }
    }
    return FP_EDENIED;
}

/* ------------------------------------------------------------------ build */

struct out {
    char *buf;
    size_t cap;
    size_t len;
    bool failed;
};

static void put(struct out *o, const char *p, size_t len)
{
    if (o->failed || len >= o->cap - o->len) { /* one byte is kept for the NUL */
        o->failed = true;
        return;
    }
    memcpy(o->buf + o->len, p, len);
    o->len += len;
}

static void put_id(struct out *o, const struct fp_id *id)
{
    if (fp_id_is_none(id)) {
        o->failed = true;
        return;
    }
    put(o, id->text, id->len);
}

static void put_sha256(struct out *o, const uint8_t sha256[32])
{
    static const char digits[] = "0123456789abcdef";
    char hex[64];
    for (size_t i = 0; i < 32; i++) {
        hex[2 * i] = digits[sha256[i] >> 4];
        hex[2 * i + 1] = digits[sha256[i] & 15];
    }
    put(o, hex, sizeof hex);
}

static void put_level(struct out *o, const char *pattern, const struct fp_topic *topic)
{
    switch (pattern[0]) {
    case '\1':
        put_id(o, &topic->a);
        break;
    case '\2':
        put_id(o, &topic->b);
        break;
    case '\3':
        put_sha256(o, topic->sha256);
        break;
    default:
        put(o, pattern, strlen(pattern));
    }
}

size_t fp_topic_build(const struct fp_topic *topic, char *buf, size_t cap)
{
    if (topic->kind == FP_TOPIC_FOREIGN || topic->kind >= FP_TOPIC_KINDS || cap == 0) {
        return 0;
    }
    const struct fp_template *t = &FP_TEMPLATES[topic->kind];
    struct out o = {.buf = buf, .cap = cap};
    put(&o, "fp/1", 4);
    for (size_t i = 0; i < t->count; i++) {
        put(&o, "/", 1);
        put_level(&o, t->level[i], topic);
    }
    if (o.failed) {
        return 0;
    }
    buf[o.len] = '\0';
    return o.len;
}
