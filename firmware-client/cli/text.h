/*
 * text.h: what other people wrote, made harmless for a terminal, and how wide it is there.
 *
 * Invariants  T1 what text_inert() writes is valid UTF-8 and holds no control character but, with TEXT_LINES, line feeds.
 *             T2 nor anything that turns the direction of writing or hides: a message cannot look like another line or another author.
 */
#ifndef FIRMWARE_CLIENT_CLI_TEXT_H
#define FIRMWARE_CLIENT_CLI_TEXT_H

#include "firmware-client/cli/str.h"

/* The character at p: its length in bytes (0: len is 0), *out UINT32_MAX and 1 for a byte that is none. */
size_t text_next(const char *p, size_t len, uint32_t *out);
void text_utf8(struct str *out, uint32_t character);
/* Columns in a terminal: 0, 1 or 2. */
int text_width(uint32_t character);
int text_columns(const char *p, size_t len);
bool text_is_control(uint32_t character);

enum text_form {
    TEXT_ONE_LINE, /* line feeds become the two characters \n */
    TEXT_LINES,    /* line feeds stay, and four blanks follow them */
};
void text_inert(struct str *out, struct fp_bytes in, enum text_form form);

#endif
