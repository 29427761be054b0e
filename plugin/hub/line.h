/*
 * line.h: a line for the operator's log, put together piece by piece.
 *
 * Memory      the caller owns it; what does not fit is cut off
 */
#ifndef PLUGIN_HUB_LINE_H
#define PLUGIN_HUB_LINE_H

#include "fp/bytes.h"

struct line { /* begin with a zeroed one */
    char text[400];
    size_t len;
};

void line_text(struct line *l, const char *text);
void line_number(struct line *l, uint64_t n);
void line_id(struct line *l, const struct fp_id *id);

#endif
