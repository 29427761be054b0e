/*
 * terminal.h: the terminal in raw mode, on the other screen, and back.
 */
#ifndef FIRMWARE_CLIENT_CLI_TERMINAL_H
#define FIRMWARE_CLIENT_CLI_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

struct terminal {
    struct termios before;
    bool raw;
};

/* False: stdin or stdout is no terminal, nothing was changed. */
bool terminal_open(struct terminal *t);
void terminal_close(struct terminal *t);
/* 24 rows, 80 columns if nobody knows. */
void terminal_size(int *out_rows, int *out_columns);
/* What can be read of stdin now: bytes, 0 if there is nothing, -1 at its end. */
int terminal_read(char *buf, size_t cap);

#endif
