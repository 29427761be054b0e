/*
 * storage_ram.h: the storage port in the caller's memory: for tests, and for devices whose queue may go with the power.
 *
 * Memory      the caller's; outlives the port. Its content counts: a region that survives a reset (battery-backed, no-init) keeps the outbox.
 */
#ifndef FIRMWARE_CLIENT_PORTS_STORAGE_RAM_H
#define FIRMWARE_CLIENT_PORTS_STORAGE_RAM_H

#include "firmware-client/include/fieldpost.h"

struct fp_storage_ram {
    uint8_t *memory;
    uint32_t size;
    uint32_t sector_bytes;
};

/* FP_ECONFIG: size is no multiple of sector_bytes, or less than three. */
enum fp_err fp_storage_ram_init(struct fp_storage_ram *r, void *memory, uint32_t size, uint32_t sector_bytes, struct fp_storage *out);

#endif
