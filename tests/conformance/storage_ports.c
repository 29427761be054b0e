/* The suite of the storage port against RAM, NOR flash (a driver that keeps the chip's rules) and a file. */
#include "tests/conformance/storage_conformance.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "firmware-client/ports/storage_file.h"
#include "firmware-client/ports/storage_flash.h"
#include "firmware-client/ports/storage_ram.h"

#define SECTOR 512u
#define SECTORS 4u

static uint8_t memory[SECTOR * SECTORS];

/* ------------------------------------------------------------------ RAM */

static struct fp_storage_ram ram;

static struct fp_storage ram_make(void *ctx)
{
    (void)ctx;
    struct fp_storage out;
    assert_int_equal(fp_storage_ram_init(&ram, memory, sizeof(memory), SECTOR, &out), FP_OK);
    return out;
}

static void nothing(void *ctx)
{
    (void)ctx;
}

/* ------------------------------------------------------------------ flash: the rules of a chip with units of 8 bytes */

static struct fp_storage_flash flash;
static uint8_t written[sizeof(memory) / 8];
static bool worn;

static bool chip_program(void *driver, uint32_t at, const void *p, size_t len)
{
    (void)driver;
    for (size_t i = 0; i < len; i += 8) {
        if (written[(at + i) / 8]) {
            return false;
        }
        written[(at + i) / 8] = 1;
        memcpy(memory + at + i, (const uint8_t *)p + i, 8);
    }
    memory[at] ^= worn ? 1 : 0;
    return true;
}

static bool chip_erase(void *driver, uint32_t at)
{
    (void)driver;
    memset(memory + at, 0xff, SECTOR);
    memset(written + at / 8, 0, SECTOR / 8);
    return true;
}

static struct fp_storage flash_make(void *ctx)
{
    (void)ctx;
    struct fp_storage out;
    flash = (struct fp_storage_flash){.base = memory,
                                      .size = sizeof(memory),
                                      .sector_bytes = SECTOR,
                                      .program_bytes = 8,
                                      .program = chip_program,
                                      .erase = chip_erase};
    assert_int_equal(fp_storage_flash_init(&flash, &out), FP_OK);
    return out;
}

static void a_worn_cell_is_noticed(void **state)
{
    (void)state;
    const uint8_t unit[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    struct fp_storage s = flash_make(NULL);
    assert_int_equal(s.erase(s.ctx, 0), FP_OK);
    assert_int_equal(s.program(s.ctx, 0, unit, 8), FP_OK);
    assert_int_equal(s.program(s.ctx, 0, unit, 8), FP_EIO); /* twice */
    assert_int_equal(s.program(s.ctx, 12, unit, 8), FP_EIO); /* not aligned */
    worn = true;
    assert_int_equal(s.program(s.ctx, 16, unit, 8), FP_EIO);
    worn = false;
}

/* ------------------------------------------------------------------ file */

static struct fp_storage_file file = {.fd = -1};
static char path[64];

static struct fp_storage file_reopen(void *ctx)
{
    (void)ctx;
    struct fp_storage out;
    fp_storage_file_close(&file);
    assert_int_equal(fp_storage_file_open(&file, path, sizeof(memory), SECTOR, &out), FP_OK);
    return out;
}

static struct fp_storage file_make(void *ctx)
{
    (void)unlink(path);
    return file_reopen(ctx);
}

static void file_drop(void *ctx)
{
    (void)ctx;
    fp_storage_file_close(&file);
    (void)unlink(path);
}

static void a_file_has_one_owner(void **state)
{
    (void)state;
    struct fp_storage_file second;
    struct fp_storage out;
    (void)file_make(NULL);
    assert_int_equal(fp_storage_file_open(&second, path, sizeof(memory), SECTOR, &out), FP_EBUSY);
    fp_storage_file_close(&file);
    assert_int_equal(fp_storage_file_open(&second, path, sizeof(memory), SECTOR, &out), FP_OK);
    fp_storage_file_close(&second);
    file_drop(NULL);
}

static void a_file_of_another_size_is_refused_and_a_short_one_is_filled(void **state)
{
    (void)state;
    struct fp_storage_file f;
    struct fp_storage out;
    uint8_t byte = 0;
    (void)file_make(NULL);
    fp_storage_file_close(&file);
    assert_int_equal(fp_storage_file_open(&f, path, 3 * SECTOR, SECTOR, &out), FP_ECONFIG);
    assert_int_equal(fp_storage_file_open(&f, path, 8 * SECTOR, SECTOR, &out), FP_OK);
    assert_int_equal(out.read(out.ctx, 8 * SECTOR - 1, &byte, 1), FP_OK);
    assert_int_equal(byte, 0xff);
    assert_int_equal(out.program(out.ctx, 8 * SECTOR - 1, "x", 1), FP_OK);
    fp_storage_file_close(&f);
    assert_int_equal(fp_storage_file_open(&f, path, 16 * SECTOR, SECTOR, &out), FP_ECONFIG); /* it is in use */
    assert_int_equal(fp_storage_file_open(&f, path, 8 * SECTOR, SECTOR, &out), FP_OK);
    fp_storage_file_close(&f);
    file_drop(NULL);
    assert_int_equal(fp_storage_file_open(&f, "/nowhere/at/all", 3 * SECTOR, SECTOR, &out), FP_EIO);
    assert_int_equal(fp_storage_file_open(&f, path, 2 * SECTOR, SECTOR, &out), FP_ECONFIG);
}

int main(void)
{
    const struct storage_maker makers[] = {
        {.make = ram_make, .reopen = ram_make, .drop = nothing},
        {.make = flash_make, .reopen = flash_make, .drop = nothing},
        {.make = file_make, .reopen = file_reopen, .drop = file_drop},
    };
    const char *names[] = {"ram", "flash", "file"};
    const struct CMUnitTest more[] = {
        cmocka_unit_test(a_worn_cell_is_noticed),
        cmocka_unit_test(a_file_has_one_owner),
        cmocka_unit_test(a_file_of_another_size_is_refused_and_a_short_one_is_filled),
    };
    snprintf(path, sizeof(path), "storage-%ld.tmp", (long)getpid());
    int failed = 0;
    for (int i = 0; i < 3; i++) {
        failed += storage_conformance(names[i], &makers[i]);
    }
    return failed + cmocka_run_group_tests(more, NULL, NULL);
}
