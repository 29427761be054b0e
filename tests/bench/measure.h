/*
 * measure.h: clocks, CPU time, samples and percentiles, and the end of a run that went wrong.
 *
 * Units       ns on CLOCK_MONOTONIC; latencies in us
 * Thread      one
 */
#ifndef TESTS_BENCH_MEASURE_H
#define TESTS_BENCH_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NS_PER_S UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)

/* A wrong result is worth nothing, so whatever is not as it must be ends the run: the reason on stderr, exit 1. */
_Noreturn void bench_die(const char *format, ...) __attribute__((format(printf, 1, 2)));
void *bench_alloc(size_t count, size_t size); /* zeroed; never NULL */

uint64_t clock_ns(void);
double cpu_self_s(void);
double cpu_of_s(int pid); /* user and system time of a whole process; 0 if pid is 0 */

struct samples {
    uint32_t *us;
    size_t count;
    size_t cap;
};
void samples_add(struct samples *s, uint64_t from_ns, uint64_t to_ns);
/* Prints "name": {"count", "p50", "p99", "p999", "max"} or null; sorts the samples. */
void samples_print(struct samples *s, const char *name);
void samples_free(struct samples *s);

/* A fingerprint of a set of numbers that does not depend on their order: two sets are the same if count and sum are. */
struct tally {
    uint64_t count;
    uint64_t sum;
};
void tally_add(struct tally *t, uint64_t value);

#endif
