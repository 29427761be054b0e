/*
 * flash.h: a file of the host that behaves like NOR flash, as storage of the client.
 *
 * Shape       FLASH_SECTORS sectors; a program() reaches the file in pieces of FLASH_PIECE bytes, so that a kill hits the middle of it
 * Errors      FP_EIO: the file, or a byte that was not erased
 * Memory      one flash a board
 */
#ifndef FIRMWARE_CLIENT_EXAMPLES_MPS2_AN385_FLASH_H
#define FIRMWARE_CLIENT_EXAMPLES_MPS2_AN385_FLASH_H

#include "firmware-client/include/fieldpost.h"

enum { FLASH_SECTOR_BYTES = 4096, FLASH_SECTORS = 8, FLASH_PROGRAM_BYTES = 4, FLASH_PIECE = 16 };

/*
 * A file that is not there, or is shorter, is filled up with erased bytes. cut_after: how many bytes are programmed or erased from now on until the
 * power goes, in the middle of a piece if it comes so; 0: it does not.
 */
enum fp_err flash_open(const char *path, uint32_t cut_after, struct fp_storage *out);

#endif
