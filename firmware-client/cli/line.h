/*
 * line.h: one line that is being written: keys in, text and cursor out. Knows nothing of a terminal.
 *
 * Invariants  L1 the text is valid UTF-8 without control characters. L2 the cursor stands in front of a character, or at the end.
 */
#ifndef FIRMWARE_CLIENT_CLI_LINE_H
#define FIRMWARE_CLIENT_CLI_LINE_H

#include "firmware-client/cli/str.h"

enum line_result {
    LINE_MORE,    /* nothing that anybody else need know of */
    LINE_CHANGED, /* text or cursor */
    LINE_ENTER,   /* the text is complete: take it, then line_clear() */
    LINE_END,     /* Ctrl-D on an empty line, or Ctrl-C */
    LINE_REDRAW,  /* Ctrl-L */
};

struct line {
    struct str text;
    size_t cursor; /* bytes */
    char held[16]; /* of an escape sequence or a character that is not complete */
    size_t held_len;
};

enum line_result line_key(struct line *l, char byte);
void line_clear(struct line *l);
void line_fini(struct line *l);

#endif
