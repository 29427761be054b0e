/*
 * sim_flash.h: the storage port in memory, for simulations: keeps its rules, and loses what was not synced when the power goes.
 *
 * Shape       what the client sees, and what was there at the last sync. A cut keeps a random part of the difference: whole, none, in pieces of
 *             program_bytes, or torn inside of them.
 * Errors      a program() that breaks the port's rules ends the program
 */
#ifndef TESTS_SUPPORT_SIM_FLASH_H
#define TESTS_SUPPORT_SIM_FLASH_H

#include "firmware-client/include/fieldpost.h"
#include "tests/support/sim_random.h"

struct sim_flash {
    struct sim_random random;
    uint32_t size, sector_bytes;
    uint16_t program_bytes;
    uint8_t *now, *safe;
    uint8_t *written, *safe_written; /* a flag a piece: programmed since its erase */
    uint8_t *erased;                 /* a flag a piece: erased since the last sync */
    uint64_t power_in;               /* at this call from now (1: the next) the power goes; 0: it stays */
    uint64_t fail_in;                /* likewise one call fails */
    bool off;
    uint64_t calls;
};

void sim_flash_init(struct sim_flash *f, uint64_t seed, uint32_t sectors, uint32_t sector_bytes, uint16_t program_bytes);
void sim_flash_fini(struct sim_flash *f);
struct fp_storage sim_flash_port(struct sim_flash *f);
void sim_flash_cut(struct sim_flash *f); /* the power goes, and comes back */

#endif
