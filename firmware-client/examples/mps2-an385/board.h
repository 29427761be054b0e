/*
 * board.h: QEMU's mps2-an385 (a Cortex-M3) as far as the example needs it: a clock, a UART, and the host's files and console by semihosting.
 *
 * Thread      one; the two interrupts only move bytes and count
 * Source      ARM DAI 0385 (the board), ARM DDI 0479 (CMSDK UART), Arm semihosting 2.0
 */
#ifndef FIRMWARE_CLIENT_EXAMPLES_MPS2_AN385_BOARD_H
#define FIRMWARE_CLIENT_EXAMPLES_MPS2_AN385_BOARD_H

#include "firmware-client/include/fieldpost.h"

enum { BOARD_EXIT_OK = 0, BOARD_EXIT_FAILED = 1, BOARD_EXIT_LATE = 2, BOARD_EXIT_FAULT = 3, BOARD_EXIT_CUT = 4 };

void board_init(void);
struct fp_mono board_now(void);
/* Sleeps until an interrupt: a byte has come, or the next millisecond. */
void board_wait(void);
uint32_t board_stack_used(void); /* at most, in bytes, since the start */

/* UART0, which QEMU connects to a TCP port: the stream is there as long as the board is. */
struct fp_transport board_uart(void);
bool board_has_input(void);

/* Chance for jitter, from the device's name and the clock. Not for keys: a device that does TLS needs a hardware source. */
struct fp_random board_random(const char *device);

/* ------------------------------------------------------------------ the host */
int board_host_call(uintptr_t operation, const void *argument); /* semihost.S */
_Noreturn void board_exit(int code);
void board_say(const char *text);
void board_say_u64(uint64_t v);
bool board_command_line(char *buf, size_t cap);
int board_file_open(const char *path, bool create); /* below 0: it is not there */
bool board_file_read(int file, uint32_t at, void *buf, size_t len);
bool board_file_write(int file, uint32_t at, const void *p, size_t len);

/* ------------------------------------------------------------------ interrupts, for the vector table */
void board_on_tick(void);
void board_on_uart(void);

#endif
