/*
 * confline.h: one line of a configuration file: `name value`, where `#` at the start or after a blank begins a comment.
 */
#ifndef EDGE_RELAY_CORE_CONFLINE_H
#define EDGE_RELAY_CORE_CONFLINE_H

#include <stddef.h>

enum confline_kind {
    CONFLINE_EMPTY,
    CONFLINE_OPTION,
    CONFLINE_BAD_NAME, /* something else than a-z 0-9 _ where a name should be */
    CONFLINE_BAD_BYTE, /* a control character */
};

struct confline {
    const char *name, *value; /* borrowed, not terminated */
    size_t name_len, value_len;
};

/* `line` has no line end in it, though a carriage return at its end is fine. The value has no blanks at its ends and may be empty. */
enum confline_kind confline_parse(const char *line, size_t len, struct confline *out);

#endif
