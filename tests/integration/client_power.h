/*
 * client_power.h: a storage port whose power goes.
 *
 * Shape       lies on top of another port. What is programmed and erased stays in memory until sync(); only then is it handed down.
 *             When the given number of bytes has been programmed, some of what was not synced is handed down, in part, and the process ends.
 * Invariants  W1 a program() that touches bytes which are not erased, or is not aligned, ends the process with exit code 8 and a sentence.
 */
#ifndef TESTS_INTEGRATION_CLIENT_POWER_H
#define TESTS_INTEGRATION_CLIENT_POWER_H

#include "firmware-client/include/fieldpost.h"

#define POWER_CUT_EXIT 9
#define POWER_WRONG_EXIT 8

/* The port; its memory lives as long as the process. */
struct fp_storage power_wrap(struct fp_storage under, uint64_t cut_after, uint64_t seed);

#endif
