#include "plugin/hub/line.h"

#include <string.h>

#define DIGITS 20

static void add(struct line *l, const char *text, size_t len)
{
    size_t room = sizeof(l->text) - l->len;
    len = len < room ? len : room;
    memcpy(l->text + l->len, text, len);
    l->len += len;
}

void line_text(struct line *l, const char *text)
{
    add(l, text, strlen(text));
}

void line_number(struct line *l, uint64_t n)
{
    char digits[DIGITS];
    size_t at = DIGITS;
    do {
        digits[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    add(l, digits + at, DIGITS - at);
}

void line_id(struct line *l, const struct fp_id *id)
{
    add(l, id->text, id->len);
}
