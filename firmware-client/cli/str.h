/*
 * str.h: text that grows.
 *
 * Invariants  p is NULL or ends with a NUL that len does not count
 * Errors      without memory the program ends with a sentence and exit code 1: nothing of what the outbox holds is lost by that
 * Memory      str_fini() frees; a zeroed struct is an empty one
 */
#ifndef FIRMWARE_CLIENT_CLI_STR_H
#define FIRMWARE_CLIENT_CLI_STR_H

#include "fp/bytes.h"

struct str {
    char *p;
    size_t len;
    size_t cap;
};

void str_add(struct str *s, const void *p, size_t len);
void str_text(struct str *s, const char *text);
void str_char(struct str *s, char c);
void str_format(struct str *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
void str_clear(struct str *s);
void str_fini(struct str *s);
/* Never NULL. */
const char *str_get(const struct str *s);
struct fp_bytes str_bytes(const struct str *s);
/* A copy that the caller frees. */
char *str_keep(const char *text);
void *keep_memory(void *p); /* p, unless it is NULL: then the program ends */

#endif
