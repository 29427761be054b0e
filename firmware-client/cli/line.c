#include "firmware-client/cli/line.h"

#include "firmware-client/cli/text.h"

#define CTRL(letter) ((letter)-64)
#define ESC 27
#define TEXT_BYTES_MAX 15000 /* what a command holds, and a little less */

static size_t before(const struct line *l)
{
    size_t at = l->cursor;
    while (at > 0 && ((uint8_t)l->text.p[--at] & 0xc0) == 0x80) {
    }
    return at;
}

static size_t after(const struct line *l)
{
    uint32_t c;
    return l->cursor + text_next(str_get(&l->text) + l->cursor, l->text.len - l->cursor, &c);
}

static void cut(struct line *l, size_t from, size_t to)
{
    if (to > from) {
        memmove(l->text.p + from, l->text.p + to, l->text.len - to + 1);
        l->text.len -= to - from;
    }
    l->cursor = from;
}

static void insert(struct line *l, const char *p, size_t len)
{
    if (l->text.len + len > TEXT_BYTES_MAX) {
        return;
    }
    str_add(&l->text, p, len); /* makes the room */
    memmove(l->text.p + l->cursor + len, l->text.p + l->cursor, l->text.len - len - l->cursor);
    memcpy(l->text.p + l->cursor, p, len);
    l->cursor += len;
}

static size_t word_start(const struct line *l)
{
    size_t at = l->cursor;
    while (at > 0 && l->text.p[at - 1] == ' ') {
        at--;
    }
    while (at > 0 && l->text.p[at - 1] != ' ') {
        at--;
    }
    return at;
}

static enum line_result control(struct line *l, char byte)
{
    switch (byte) {
    case '\r':
    case '\n':
        return LINE_ENTER;
    case CTRL('C'):
        return LINE_END;
    case CTRL('D'):
        if (l->text.len == 0) {
            return LINE_END;
        }
        cut(l, l->cursor, after(l));
        return LINE_CHANGED;
    case CTRL('L'):
        return LINE_REDRAW;
    case 127:
    case CTRL('H'):
        cut(l, before(l), l->cursor);
        return LINE_CHANGED;
    case CTRL('A'):
        l->cursor = 0;
        return LINE_CHANGED;
    case CTRL('E'):
        l->cursor = l->text.len;
        return LINE_CHANGED;
    case CTRL('U'):
        cut(l, 0, l->cursor);
        return LINE_CHANGED;
    case CTRL('K'):
        cut(l, l->cursor, l->text.len);
        return LINE_CHANGED;
    case CTRL('W'):
        cut(l, word_start(l), l->cursor);
        return LINE_CHANGED;
    default:
        return LINE_MORE;
    }
}

/* held is ESC [ ... letter, or ESC O letter. */
static enum line_result sequence(struct line *l)
{
    char last = l->held[l->held_len - 1];
    char number = l->held_len > 3 ? l->held[2] : '0';
    l->held_len = 0;
    if (last == 'D') {
        l->cursor = before(l);
    } else if (last == 'C') {
        l->cursor = after(l);
    } else if (last == 'H' || (last == '~' && (number == '1' || number == '7'))) {
        l->cursor = 0;
    } else if (last == 'F' || (last == '~' && (number == '4' || number == '8'))) {
        l->cursor = l->text.len;
    } else if (last == '~' && number == '3') {
        cut(l, l->cursor, after(l));
    } else {
        return LINE_MORE;
    }
    return LINE_CHANGED;
}

static enum line_result escaped(struct line *l, char byte)
{
    l->held[l->held_len++] = byte;
    if (l->held_len == 2) {
        if (byte != '[' && byte != 'O') {
            l->held_len = 0; /* Alt with a key */
        }
        return LINE_MORE;
    }
    if (byte >= '@' && byte <= '~') {
        return sequence(l);
    }
    if (l->held_len == sizeof l->held) {
        l->held_len = 0;
    }
    return LINE_MORE;
}

static enum line_result character(struct line *l, char byte)
{
    uint32_t c;
    if (((uint8_t)byte & 0xc0) != 0x80) {
        l->held_len = 0; /* what was held was cut short */
    }
    l->held[l->held_len++] = byte;
    uint8_t first = (uint8_t)l->held[0];
    size_t want = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 1;
    if (l->held_len < want) {
        return LINE_MORE;
    }
    size_t len = text_next(l->held, l->held_len, &c);
    l->held_len = 0;
    if (c == UINT32_MAX || text_is_control(c)) {
        return LINE_MORE;
    }
    insert(l, l->held, len);
    return LINE_CHANGED;
}

enum line_result line_key(struct line *l, char byte)
{
    if (l->held_len > 0 && l->held[0] == ESC) {
        return escaped(l, byte);
    }
    if (byte == ESC) {
        l->held[0] = ESC;
        l->held_len = 1;
        return LINE_MORE;
    }
    if (byte == '\t') {
        insert(l, " ", 1);
        return LINE_CHANGED;
    }
    return (uint8_t)byte < 32 || byte == 127 ? control(l, byte) : character(l, byte);
}

void line_clear(struct line *l)
{
    str_clear(&l->text);
    l->cursor = 0;
}

void line_fini(struct line *l)
{
    str_fini(&l->text);
    *l = (struct line){0};
}
