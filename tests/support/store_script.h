/*
 * store_script.h: random transactions on a store port, and a hash over what the port shows, to compare two stores.
 *
 * Shape       the same seed on two stores with the same content does the same
 */
#ifndef TESTS_SUPPORT_STORE_SCRIPT_H
#define TESTS_SUPPORT_STORE_SCRIPT_H

#include "plugin/hub/store.h"

/* How many of each the scripts use: c0, c1 ...; user7, user8 ...; d0, d1 ...; r0, r1 ... */
#define STORE_SCRIPT_CONVS 9
#define STORE_SCRIPT_USERS 7
#define STORE_SCRIPT_DEVICES 6
#define STORE_SCRIPT_BRANCHES 12 /* a device: n from 1 */
#define STORE_SCRIPT_RELAYS 3
#define STORE_SCRIPT_LANES 4

/* splitmix64 */
uint64_t store_script_random(uint64_t *state);
struct fp_id store_script_id(const char *prefix, uint64_t number);

/* begin() and 1 to 8 saves, without the commit. The first error ends it. */
enum fp_err store_script_tx(struct store_port p, uint64_t seed);

/* Over all that the scripts can have made, through the port. On an error *out is not touched. */
enum fp_err store_script_hash(struct store_port p, uint64_t *out);

#endif
