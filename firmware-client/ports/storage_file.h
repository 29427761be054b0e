/*
 * storage_file.h: the storage port in a POSIX file, made durable by fdatasync.
 *
 * Shape       the file has its full size from the beginning, so that a full disk is met at open() and not in the middle of a message
 * Errors      FP_EBUSY: another process has it open. FP_EFULL: the disk has no room for it. FP_ECONFIG: sizes that do not fit each other, or a file
 *             of another size. FP_EIO: anything else; errno says what.
 * Memory      the caller owns the struct
 */
#ifndef FIRMWARE_CLIENT_PORTS_STORAGE_FILE_H
#define FIRMWARE_CLIENT_PORTS_STORAGE_FILE_H

#include "firmware-client/include/fieldpost.h"

struct fp_storage_file {
    int fd;
    uint32_t size;
    uint32_t sector_bytes;
};

/* Makes the file (mode 0600) if it is not there. */
enum fp_err fp_storage_file_open(struct fp_storage_file *f, const char *path, uint32_t size, uint32_t sector_bytes, struct fp_storage *out);
void fp_storage_file_close(struct fp_storage_file *f);

#endif
