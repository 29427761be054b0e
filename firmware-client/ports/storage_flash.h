/*
 * storage_flash.h: the storage port on NOR flash, over two functions of the chip's driver; reading is by address.
 *
 * Shape       a region of whole sectors that nothing else uses. What program() wrote is read back and compared, because a worn cell says nothing.
 * Errors      FP_EIO: the driver said no, or what is read back is not what was written
 * Memory      the caller owns the struct
 */
#ifndef FIRMWARE_CLIENT_PORTS_STORAGE_FLASH_H
#define FIRMWARE_CLIENT_PORTS_STORAGE_FLASH_H

#include "firmware-client/include/fieldpost.h"

struct fp_storage_flash {
    const volatile uint8_t *base; /* where the region is mapped */
    uint32_t size;
    uint32_t sector_bytes;
    uint16_t program_bytes;
    /* Of the chip: both return true when it is done, and durable. `at` counts from the begin of the region. */
    bool (*program)(void *driver, uint32_t at, const void *p, size_t len); /* len is a multiple of program_bytes */
    bool (*erase)(void *driver, uint32_t at);                              /* one sector */
    void *driver;
};

/* The fields are filled in by the caller. FP_ECONFIG: sizes that do not fit each other. */
enum fp_err fp_storage_flash_init(struct fp_storage_flash *f, struct fp_storage *out);

#endif
