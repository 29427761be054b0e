/*
 * posix.h: clocks, chance and waiting on a POSIX system.
 *
 * Invariants  fp_posix_mono() never goes back, and where the system can tell (CLOCK_BOOTTIME) goes on while the machine sleeps
 * Thread      any
 */
#ifndef FIRMWARE_CLIENT_PORTS_POSIX_H
#define FIRMWARE_CLIENT_PORTS_POSIX_H

#include "firmware-client/include/fieldpost.h"

struct fp_mono fp_posix_mono(void);
struct fp_wall fp_posix_wall(void); /* 0 before 1970 */

/* Of the kernel, by getrandom(). Where that fails, of the clock: good enough for jitter, and never for secrets. */
struct fp_random fp_posix_random(void);
/* All of out[] from the kernel: 0; anything else: it has none. For struct fp_tls_config. ctx is not used. */
int fp_posix_entropy(void *ctx, unsigned char *out, size_t len);

/*
 * Waits until fd can be read (or written, with want_write), has failed, `until` has come, or a signal was caught. True: fd is ready or has failed.
 * fd -1: waits for the time only. Never returns before `until` without a reason; rounds up to 1 ms.
 */
bool fp_posix_wait(int fd, bool want_write, struct fp_mono until, struct fp_mono now);

#endif
