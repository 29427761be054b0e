/*
 * fault_store.h: a store port around another one that makes calls fail.
 *
 * Shape       every call but rollback counts; the fail_at-th (from 1) fails with `error` before it reaches the inner store, and with
 *             `for_good` all that follow fail as well, as on a dead disk
 * Invariants  T1 and T2 hold: a failed save or commit takes its transaction with it; a load or begin that fails changes nothing.
 * Memory      in the caller's; it and the inner store outlive the port
 */
#ifndef TESTS_SUPPORT_FAULT_STORE_H
#define TESTS_SUPPORT_FAULT_STORE_H

#include "plugin/hub/store.h"

struct fault_store {
    struct store_port inner;
    uint64_t calls;   /* so far */
    uint64_t fail_at; /* 0 = never */
    enum fp_err error;
    bool for_good;
    uint64_t failed; /* calls that were made to fail */
};

void fault_store_init(struct fault_store *f, struct store_port inner);
/* Counts from here: the k-th call from now on fails. */
void fault_store_arm(struct fault_store *f, uint64_t k, enum fp_err error, bool for_good);
void fault_store_disarm(struct fault_store *f);
struct store_port fault_store_port(struct fault_store *f);

#endif
