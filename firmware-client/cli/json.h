/*
 * json.h: writes JSON (RFC 8259) in one line.
 *
 * Shape       json_open('{'), then json_name() before each value, json_close('}'); commas come by themselves
 * Invariants  whatever the input, the output is valid UTF-8 without control characters: bytes that are no UTF-8 become U+FFFD, and what could
 *             harm a terminal is written as \uXXXX.
 */
#ifndef FIRMWARE_CLIENT_CLI_JSON_H
#define FIRMWARE_CLIENT_CLI_JSON_H

#include "firmware-client/cli/str.h"

struct json {
    struct str *out;
    bool comma;
};

void json_open(struct json *j, char bracket);
void json_close(struct json *j, char bracket);
void json_name(struct json *j, const char *name);
void json_string(struct json *j, struct fp_bytes text);
void json_uint(struct json *j, uint64_t v);
void json_bool(struct json *j, bool v);
void json_null(struct json *j);

/* A name and its value. */
void json_put_text(struct json *j, const char *name, const char *text); /* NULL: null */
void json_put_bytes(struct json *j, const char *name, struct fp_bytes text);
void json_put_id(struct json *j, const char *name, const struct fp_id *id); /* none: null */
void json_put_uint(struct json *j, const char *name, uint64_t v);
void json_put_bool(struct json *j, const char *name, bool v);

#endif
