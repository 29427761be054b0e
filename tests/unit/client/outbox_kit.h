/*
 * outbox_kit.h: an outbox on simulated flash, for its tests.
 */
#ifndef TESTS_UNIT_CLIENT_OUTBOX_KIT_H
#define TESTS_UNIT_CLIENT_OUTBOX_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "firmware-client/core/outbox.h"
#include "tests/support/sim_flash.h"

#define KIT_SLOTS 64
#define KIT_CURSORS 4

struct outbox_kit {
    struct sim_flash flash;
    struct fp_slot slots[KIT_SLOTS];
    struct fp_cursor cursors[KIT_CURSORS];
    struct fp_outbox o;
};

static inline enum fp_err kit_reopen(struct outbox_kit *k)
{
    return fp_outbox_open(&k->o, sim_flash_port(&k->flash), k->slots, KIT_SLOTS, k->cursors, KIT_CURSORS);
}

static inline void kit_begin(struct outbox_kit *k, uint32_t sectors, uint32_t sector_bytes, uint16_t program_bytes)
{
    sim_flash_init(&k->flash, 1, sectors, sector_bytes, program_bytes);
    assert_int_equal(kit_reopen(k), FP_OK);
}

static inline enum fp_err kit_append(struct outbox_kit *k, const char *text, uint64_t *out_ticket)
{
    size_t len = strlen(text), half = len / 2;
    struct fp_composed when = {.at = {.ms = 1700000000000ULL + len}, .error_ms = 7};
    return fp_outbox_append(&k->o, when, fp_bytes_of(text, half), fp_bytes_of(text + half, len - half), out_ticket);
}

static inline uint64_t kit_put(struct outbox_kit *k, const char *text)
{
    uint64_t ticket = 0;
    assert_int_equal(kit_append(k, text, &ticket), FP_OK);
    return ticket;
}

static inline void kit_has(const struct outbox_kit *k, uint64_t ticket, const char *text)
{
    char buf[4096];
    size_t len = 0;
    struct fp_composed when;
    assert_int_equal(fp_outbox_read(&k->o, ticket, buf, sizeof(buf), &len, &when), FP_OK);
    assert_int_equal(len, strlen(text));
    assert_memory_equal(buf, text, len);
    assert_true(when.at.ms == 1700000000000ULL + len && when.error_ms == 7);
}

static inline struct fp_id kit_oid(const char *text)
{
    struct fp_id id;
    assert_true(fp_id_parse(text, strlen(text), &id));
    return id;
}

#endif
