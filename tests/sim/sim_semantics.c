/* What changes and receipts mean, by a second opinion: see semantics.h. Runs each seed twice: a seed replays to the last byte told. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/semantics.h"

#define SEEDS 200
#define OPS 500
#define CHECK_EVERY 60

static struct sem world;

static uint64_t run(uint64_t seed, uint64_t ops, struct sem_stats *out)
{
    sem_open(&world, seed);
    while (world.stats.ops < ops) {
        sem_act(&world);
        if (world.stats.ops % CHECK_EVERY == 0) {
            sem_check(&world);
        }
    }
    sem_check(&world);
    *out = world.stats;
    uint64_t hash = world.hash;
    sem_close(&world);
    return hash;
}

static void print_totals(const struct sem_stats *t, uint64_t seeds)
{
    printf("%llu seeds: %llu operations, %llu turns, %llu events, %llu edits lost, %llu nacks (%llu to try again, %llu expired), %llu answers "
           "repeated\n",
           (unsigned long long)seeds, (unsigned long long)t->ops, (unsigned long long)t->turns, (unsigned long long)t->events,
           (unsigned long long)t->lost, (unsigned long long)t->nacks, (unsigned long long)t->retries, (unsigned long long)t->expired,
           (unsigned long long)t->repeats);
    printf("%llu bodies left out, %llu removed, %llu snapshots, %llu faults armed, %llu calls failed, %llu restarts, %llu checks\n",
           (unsigned long long)t->elided, (unsigned long long)t->removed, (unsigned long long)t->snapshots, (unsigned long long)t->faults,
           (unsigned long long)t->failed, (unsigned long long)t->restarts, (unsigned long long)t->checks);
}

int main(int argc, char **argv)
{
    uint64_t seeds = SEEDS;
    uint64_t first = 1;
    uint64_t ops = OPS;
    struct sem_stats totals = {0};

    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (value && strcmp(argv[i], "--seeds") == 0) {
            seeds = strtoull(argv[++i], NULL, 10);
        } else if (value && strcmp(argv[i], "--seed") == 0) {
            first = strtoull(argv[++i], NULL, 10);
            seeds = 1;
        } else if (value && strcmp(argv[i], "--ops") == 0) {
            ops = strtoull(argv[++i], NULL, 10);
        } else {
            fprintf(stderr, "usage: sim_semantics [--seeds N] [--seed S] [--ops K]\n");
            return 2;
        }
    }
    for (uint64_t seed = first; seed < first + seeds; seed++) {
        struct sem_stats stats;
        uint64_t once = run(seed, ops, &stats);
        if (run(seed, ops, &stats) != once) {
            printf("seed %llu: does not replay\n", (unsigned long long)seed);
            return 1;
        }
        const uint64_t *from = (const uint64_t *)&stats;
        uint64_t *to = (uint64_t *)&totals;
        for (size_t i = 0; i < sizeof(stats) / sizeof(uint64_t); i++) {
            to[i] += from[i];
        }
    }
    print_totals(&totals, seeds);
    return 0;
}
