/*
 * screen.h: what a conversation looks like in a terminal of so many rows and columns. Only makes text.
 *
 * Shape       the last items above, then a line that says how things are, then the line that is being written
 * Invariants  items and status are inert (text.h), so the only escape sequences are ours. No row is longer than the terminal is wide.
 */
#ifndef FIRMWARE_CLIENT_CLI_SCREEN_H
#define FIRMWARE_CLIENT_CLI_SCREEN_H

#include "firmware-client/cli/line.h"

struct screen_item {
    const char *text; /* may hold line feeds */
    const char *mark; /* such as " vv"; "" for none */
};

struct screen {
    int rows, columns;
    const struct screen_item *items;
    size_t item_count;
    const char *status;
    const struct line *line;
};

void screen_draw(struct str *out, const struct screen *s);

#endif
