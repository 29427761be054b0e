/*
 * counters.h: what a broker says about itself once a second: the hub on fp/1/ops/hub and fp/1/ops/host, tick_probe on bench/tick.
 *
 * Shape       each report is {name => counter}; a name with max is of the second before the report. What is not of interest is skipped.
 * Invariants  C1 a maximum counts only if none of its second was before the measurement, so the first report of each topic after
 *                counters_begin() does not.
 *             C2 counters_settle() comes back with a report of each topic that was made after the call, and with two since the beginning.
 *                A topic that has been silent all the time is not waited for: its counters are unknown, and printed as null.
 * Units       us
 * Thread      one
 */
#ifndef TESTS_BENCH_COUNTERS_H
#define TESTS_BENCH_COUNTERS_H

#include "tests/bench/client.h"

enum counters_topic { COUNTERS_HUB, COUNTERS_HOST, COUNTERS_PROBE, COUNTERS_TOPICS };
enum counters_peak { PEAK_TURN, PEAK_GAP, PEAK_DELIVERY, PEAKS };

struct counters {
    bool measuring;
    uint64_t reports[COUNTERS_TOPICS];  /* in all */
    uint64_t measured[COUNTERS_TOPICS]; /* while measuring */
    uint64_t commands, commits;         /* since the broker's start; 0 = unknown */
    uint64_t peaks[PEAKS];
    bool known[PEAKS];
};

extern const struct client_ops counters_ops; /* of a client whose ctx is a struct counters */

void counters_subscribe(struct client *c, enum counters_topic topic);
void counters_begin(struct counters *c);
void counters_settle(struct counters *c, struct loop *loop);
/* Prints "name": value, ... without braces. */
void counters_print(const struct counters *c);

#endif
