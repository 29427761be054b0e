/*
 * hex.h: test input written as hex digits, blanks between them as one likes.
 *
 * Memory      the bytes are in exactly sized heap memory, so that a sanitizer sees every read past their end; free with hex_free()
 */
#ifndef TESTS_UNIT_SCHEMAS_HEX_H
#define TESTS_UNIT_SCHEMAS_HEX_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fp/bytes.h"

static inline struct fp_bytes hex(const char *text)
{
    uint8_t *bytes = malloc(strlen(text) / 2 + 1);
    assert_non_null(bytes);
    size_t len = 0;
    while (*text != '\0') {
        unsigned byte;
        if (*text == ' ') {
            text++;
            continue;
        }
        assert_int_equal(sscanf(text, "%2x", &byte), 1);
        bytes[len++] = (uint8_t)byte;
        text += 2;
    }
    uint8_t *exact = realloc(bytes, len > 0 ? len : 1);
    assert_non_null(exact);
    return fp_bytes_of(exact, len);
}

static inline void hex_free(struct fp_bytes b)
{
    free((void *)b.p);
}

static inline struct fp_id id_of(const char *text)
{
    struct fp_id id;
    assert_true(fp_id_parse(text, strlen(text), &id));
    return id;
}

static inline void assert_bytes(struct fp_bytes have, const char *want_hex)
{
    struct fp_bytes want = hex(want_hex);
    assert_int_equal(have.len, want.len);
    if (want.len > 0) {
        assert_memory_equal(have.p, want.p, want.len);
    }
    hex_free(want);
}

static inline void assert_id(struct fp_id have, const char *want)
{
    assert_int_equal(have.len, strlen(want));
    assert_memory_equal(have.text, want, have.len);
}

static inline void assert_text(struct fp_bytes have, const char *want)
{
    assert_int_equal(have.len, strlen(want));
    assert_memory_equal(have.p, want, have.len);
}

#endif
