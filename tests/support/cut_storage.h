/*
 * cut_storage.h: the storage port in memory, where the power may go after any number of bytes, in the middle of a program(), an erase() or a sync().
 *
 * Shape       what the caller sees, what was there at the last sync, and a journal of what was done since. A reboot keeps of the journal, as chance
 *             says: nothing, all, its first bytes, some of its calls (whole or torn), or any of its bytes.
 *             No pointers inside: a copy of the struct is a snapshot, and goes on by itself.
 * Units       a byte that is programmed or erased costs 1; so does a sync
 * Errors      FP_EIO: the power has gone, or the one failure that was asked for. A call that breaks the port's rules ends the program.
 */
#ifndef TESTS_SUPPORT_CUT_STORAGE_H
#define TESTS_SUPPORT_CUT_STORAGE_H

#include "firmware-client/include/fieldpost.h"
#include "tests/support/sim_random.h"

#define CUT_BYTES_MAX 4096
#define CUT_OPS_MAX 256
#define CUT_JOURNAL_BYTES 16384
#define CUT_NEVER UINT64_MAX

struct cut_op {
    uint32_t at, len, data; /* data: where its bytes are in the journal */
};

struct cut_storage {
    uint32_t size, sector_bytes;
    uint16_t program_bytes;
    bool off;
    uint64_t spent;
    uint64_t cut_in;  /* so much more, then the power goes */
    uint64_t fail_in; /* so much more, then one call fails half done */
    uint32_t ops, journal_len;
    struct cut_op op[CUT_OPS_MAX];
    uint8_t now[CUT_BYTES_MAX], safe[CUT_BYTES_MAX], written[CUT_BYTES_MAX]; /* written: a flag for each piece of program_bytes */
    uint8_t journal[CUT_JOURNAL_BYTES];
};

/* All bytes erased. */
void cut_storage_init(struct cut_storage *c, uint32_t sectors, uint32_t sector_bytes, uint16_t program_bytes);
struct fp_storage cut_storage_port(struct cut_storage *c);
/* The power goes, if it has not yet, and comes back; what is left is then safe. */
void cut_storage_reboot(struct cut_storage *c, struct sim_random *random);

#endif
