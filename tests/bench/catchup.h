/*
 * catchup.h: what a device does that comes back: one that has everything to fetch, and one that waits for the broker to start.
 *
 * Thread      one
 */
#ifndef TESTS_BENCH_CATCHUP_H
#define TESTS_BENCH_CATCHUP_H

#include <stdbool.h>

/* hello with cursors 0 for conv-00000 to conv-<convs - 1>, then pages until every head is reached; prints one line of JSON. */
void catchup_run(int port, const char *user, unsigned convs, bool zlib);

/* Knocks every half millisecond until a broker lets it in, then (hub) says hello; prints when CONNACK and welcome came, in ns. */
void restart_run(int port, const char *user, bool hub);

#endif
