#include "firmware-client/cli/text.h"

size_t text_next(const char *p, size_t len, uint32_t *out)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    *out = UINT32_MAX;
    if (len == 0) {
        return 0;
    }
    uint8_t first = (uint8_t)p[0];
    if (first < 0x80) {
        *out = first;
        return 1;
    }
    size_t want = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || want > len) {
        return 1;
    }
    uint32_t c = first & (0x7fU >> want);
    for (size_t i = 1; i < want; i++) {
        if (((uint8_t)p[i] & 0xc0) != 0x80) {
            return 1;
        }
        c = c << 6 | ((uint8_t)p[i] & 0x3f);
    }
    if (c < least[want] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff)) {
        return 1;
    }
    *out = c;
    return want;
}

void text_utf8(struct str *out, uint32_t c)
{
    if (c < 0x80) {
        str_char(out, (char)c);
    } else if (c < 0x800) {
        str_char(out, (char)(0xc0 | c >> 6));
        str_char(out, (char)(0x80 | (c & 0x3f)));
    } else if (c < 0x10000) {
        str_char(out, (char)(0xe0 | c >> 12));
        str_char(out, (char)(0x80 | (c >> 6 & 0x3f)));
        str_char(out, (char)(0x80 | (c & 0x3f)));
    } else {
        str_char(out, (char)(0xf0 | c >> 18));
        str_char(out, (char)(0x80 | (c >> 12 & 0x3f)));
        str_char(out, (char)(0x80 | (c >> 6 & 0x3f)));
        str_char(out, (char)(0x80 | (c & 0x3f)));
    }
}

struct span {
    uint32_t first, last;
};

static bool is_in(uint32_t c, const struct span *spans, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (c >= spans[i].first && c <= spans[i].last) {
            return true;
        }
    }
    return false;
}

/* The large blocks; a terminal may differ for single characters, which costs a column and nothing else. */
static const struct span zero[] = {{0x300, 0x36f},   {0x483, 0x489},   {0x591, 0x5bd},   {0x610, 0x61a},   {0x64b, 0x65f},   {0x200b, 0x200f},
                                   {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xe0100, 0xe01ef}};
static const struct span wide[] = {{0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0xa4cf},   {0xac00, 0xd7a3},
                                   {0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff00, 0xff60},   {0xffe0, 0xffe6},
                                   {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd}};
/* Controls, line and paragraph separators, and what turns or hides text: marks of direction, overrides, isolates, tags, the byte order mark. */
static const struct span unsafe[] = {{0, 0x1f},        {0x7f, 0x9f},     {0xad, 0xad},     {0x61c, 0x61c},   {0x200b, 0x200c},  {0x200e, 0x200f},
                                     {0x2028, 0x202e}, {0x2060, 0x206f}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe007f}};

int text_width(uint32_t c)
{
    if (is_in(c, zero, sizeof zero / sizeof zero[0])) {
        return 0;
    }
    return is_in(c, wide, sizeof wide / sizeof wide[0]) ? 2 : 1;
}

int text_columns(const char *p, size_t len)
{
    int columns = 0;
    for (size_t at = 0; at < len;) {
        uint32_t c;
        at += text_next(p + at, len - at, &c);
        columns += c == UINT32_MAX ? 1 : text_width(c);
    }
    return columns;
}

bool text_is_control(uint32_t c)
{
    return is_in(c, unsafe, sizeof unsafe / sizeof unsafe[0]);
}

static void add_unsafe(struct str *out, uint32_t c, enum text_form form)
{
    if (c == '\n') {
        str_text(out, form == TEXT_LINES ? "\n    " : "\\n");
    } else if (c == '\t') {
        str_char(out, ' ');
    } else if (c < 0x100) {
        str_format(out, "\\x%02x", (unsigned)c);
    } else {
        str_format(out, "\\u{%x}", (unsigned)c);
    }
}

void text_inert(struct str *out, struct fp_bytes in, enum text_form form)
{
    const char *p = (const char *)in.p;
    for (size_t at = 0; at < in.len;) {
        uint32_t c;
        size_t len = text_next(p + at, in.len - at, &c);
        if (c == UINT32_MAX) {
            str_text(out, "\xef\xbf\xbd"); /* U+FFFD */
        } else if (text_is_control(c)) {
            add_unsafe(out, c, form);
        } else {
            str_add(out, p + at, len);
        }
        at += len;
    }
}
