#include "tests/bench/measure.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

_Noreturn void bench_die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("bench_hub: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(1);
}

void *bench_alloc(size_t count, size_t size)
{
    void *p = calloc(count > 0 ? count : 1, size);
    if (p == NULL) {
        bench_die("out of memory");
    }
    return p;
}

static double seconds_of(clockid_t clock)
{
    struct timespec t;
    (void)clock_gettime(clock, &t); /* cannot fail for the clocks named here */
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

uint64_t clock_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

double cpu_self_s(void)
{
    return seconds_of(CLOCK_PROCESS_CPUTIME_ID);
}

double cpu_of_s(int pid)
{
    clockid_t clock;
    if (pid <= 0) {
        return 0;
    }
    /* The same clock as utime and stime of /proc/<pid>/stat, in ns instead of ticks of 10 ms. */
    if (clock_getcpuclockid(pid, &clock) != 0) {
        bench_die("the broker (process %d) is gone", pid);
    }
    return seconds_of(clock);
}

void samples_add(struct samples *s, uint64_t from_ns, uint64_t to_ns)
{
    if (s->count == s->cap) {
        size_t cap = s->cap > 0 ? s->cap * 2 : 4096;
        uint32_t *us = realloc(s->us, cap * sizeof *us);
        if (us == NULL) {
            bench_die("out of memory");
        }
        s->us = us;
        s->cap = cap;
    }
    uint64_t us = to_ns > from_ns ? (to_ns - from_ns) / 1000 : 0;
    s->us[s->count++] = us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
}

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* The smallest sample that `per_mille` of all do not exceed. */
static uint32_t percentile(const struct samples *s, size_t per_mille)
{
    size_t rank = (s->count * per_mille + 999) / 1000;
    return s->us[rank > 0 ? rank - 1 : 0];
}

void samples_print(struct samples *s, const char *name)
{
    if (s->count == 0) {
        printf("\"%s\": null", name);
        return;
    }
    qsort(s->us, s->count, sizeof s->us[0], by_value);
    printf("\"%s\": {\"count\": %zu, \"p50\": %" PRIu32 ", \"p99\": %" PRIu32 ", \"p999\": %" PRIu32 ", \"max\": %" PRIu32 "}", name, s->count,
           percentile(s, 500), percentile(s, 990), percentile(s, 999), s->us[s->count - 1]);
}

void samples_free(struct samples *s)
{
    free(s->us);
    *s = (struct samples){0};
}

void tally_add(struct tally *t, uint64_t value)
{
    uint64_t x = value + UINT64_C(0x9e3779b97f4a7c15); /* splitmix64: spreads the value over all bits */
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    t->sum += x ^ (x >> 31);
    t->count++;
}
