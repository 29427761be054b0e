#include "edge-relay/core/confline.h"

#include <stdbool.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/* Where the comment begins, or len. */
static size_t comment_at(const char *line, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (line[i] == '#' && (i == 0 || is_blank(line[i - 1]))) {
            return i;
        }
    }
    return len;
}

enum confline_kind confline_parse(const char *line, size_t len, struct confline *out)
{
    size_t at = 0;

    *out = (struct confline){.name = line, .value = line};
    if (len > 0 && line[len - 1] == '\r') {
        len--;
    }
    len = comment_at(line, len);
    while (len > 0 && is_blank(line[len - 1])) {
        len--;
    }
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)line[i] < ' ' && line[i] != '\t') {
            return CONFLINE_BAD_BYTE;
        }
    }
    while (at < len && is_blank(line[at])) {
        at++;
    }
    if (at == len) {
        return CONFLINE_EMPTY;
    }
    out->name = line + at;
    while (at < len && is_name(line[at])) {
        at++;
    }
    out->name_len = (size_t)(line + at - out->name);
    if (out->name_len == 0 || (at < len && !is_blank(line[at]))) {
        return CONFLINE_BAD_NAME;
    }
    while (at < len && is_blank(line[at])) {
        at++;
    }
    out->value = line + at;
    out->value_len = len - at;
    return CONFLINE_OPTION;
}
