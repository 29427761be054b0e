/*
 * gate.h: where one thread sleeps until another one says that there is something to do.
 *
 * Shape       the sleeper announces itself, looks once more, and sleeps; opening costs a system call only if somebody sleeps
 * Invariants  G1 what was made visible (sequentially consistent) before gate_open() is seen by ready(), or ends the sleep.
 * Thread      gate_wait() by one thread, gate_open() by any
 */
#ifndef PLUGIN_MOSQ_GATE_H
#define PLUGIN_MOSQ_GATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "fp/err.h"

struct gate {
    int fd; /* an eventfd */
    atomic_bool sleeping;
    _Atomic uint64_t wakes; /* system calls made by gate_open() */
};

enum fp_err gate_init(struct gate *g); /* FP_EIO: no file descriptor left */
void gate_fini(struct gate *g);

/* Returns when ready(arg) holds, or gate_open() was called, or the time is over, or a signal came; UINT64_MAX waits for ever. */
void gate_wait(struct gate *g, bool (*ready)(void *arg), void *arg, uint64_t timeout_us);
void gate_open(struct gate *g);

#endif
