/*
 * entry.h: what a queued command looks like on the storage, and how it becomes a command on the wire.
 *
 * Shape       stored: {kind, a, b, c, len of a (1 byte), len of b (1 byte), len of c (1 byte)}, then the encoded pairs with keys 3 to 4 (a of them),
 *             6 to 9 (b) and 15 (c), then the body as it stands, if there is one. n and age are no part of it: they belong to the attempt.
 *             wire: a map of kind, n, a, age, b, body, c.
 * Invariants  E1 two attempts of one entry with the same n differ in nothing but the age.
 * Memory      no copy but within the buffer
 */
#ifndef FIRMWARE_CLIENT_CORE_ENTRY_H
#define FIRMWARE_CLIENT_CORE_ENTRY_H

#include "fp/command.h"

#define FP_ENTRY_HEAD_MAX 128 /* all but the body */
#define FP_ENTRY_SLACK 48     /* how much longer than the stored entry its wire form may be; also where it must stand before fp_entry_build() */

/* Writes all but the body; cmd->body only says whether there will be one. Returns the length. */
size_t fp_entry_head(const struct fp_command *cmd, uint64_t seen, uint8_t buf[FP_ENTRY_HEAD_MAX]);

struct fp_attempt {
    uint64_t n;
    uint64_t age_ms;
    bool has_age;
};
/*
 * Makes buf's command of the stored entry that stands at buf + FP_ENTRY_SLACK. Returns its length; 0 if the entry is none of ours.
 */
size_t fp_entry_build(uint8_t *buf, size_t stored_len, const struct fp_attempt *at);

#endif
