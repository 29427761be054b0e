/*
 * N client cores against the hub core: random sends, reads, cancels, changes of membership, crashes of clients and of the hub, links that break;
 * then it becomes calm, and everything must have arrived, once, in order, everywhere.
 *
 * usage: sim_storm [--seeds N] [--seed S] [--steps K] [--verbose]
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/sim/storm.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SEEDS 50 /* each takes ten times as long */
#else
#define SEEDS 1000
#endif
#define STEPS 150
#define REPLAY_EVERY 20
#define CALM_US 1000000U
#define CALM_TIMES 900

struct totals {
    struct storm_stats sum;
    uint64_t bytes;
};

/* An assert of the client's or the hub's, or a check of the fakes. */
static void on_abort(int signal_number)
{
    (void)signal_number;
    if (storm_current) {
        printf("seed %llu, step %llu: aborted\nreplay: sim_storm --seed %llu --verbose\n", (unsigned long long)storm_current->seed,
               (unsigned long long)storm_current->step, (unsigned long long)storm_current->seed);
        fflush(stdout);
    }
    _exit(1);
}

static void at_exit(void)
{
    if (storm_current) {
        on_abort(0);
    }
}

static void begin(struct storm *st)
{
    for (size_t i = 0; i < st->conv_count; i++) {
        if (st->devices[0].c) {
            storm_conv_new(&st->devices[0], i);
        }
    }
    st->devices[0].due = sim_net_now(st->net);
    storm_pass(st, 500000);
}

static void calm_down(struct storm *st)
{
    st->calm = true;
    st->broker.drop_per_mille = 0;
    st->broker.fault_per_mille = 0;
    for (size_t i = 0; i < st->device_count; i++) {
        struct storm_device *d = &st->devices[i];
        d->flash.power_in = 0;
        d->flash.fail_in = 0;
        d->away_until_us = 0;
        sim_net_partition(st->net, i, false);
        sim_net_cut(st->net, i, SIM_CUT_RESET); /* what a queue has dropped is learnt of at the next hello */
    }
    int quiet = 0;
    for (int i = 0; i < CALM_TIMES && quiet < 3; i++) {
        storm_pass(st, CALM_US);
        storm_check_step(st);
        quiet = storm_is_quiet(st) ? quiet + 1 : 0;
    }
    if (quiet < 3) {
        storm_say_why(st);
    }
}

static uint64_t run(uint64_t seed, uint64_t steps, bool verbose, struct totals *t)
{
    struct storm *st = storm_new(seed, verbose);
    begin(st);
    for (st->step = 1; st->step <= steps; st->step++) {
        storm_act(st);
        storm_check_step(st);
    }
    calm_down(st);
    storm_check_end(st);
    uint64_t hash = storm_hash(st);
    const uint64_t *from = (const uint64_t *)&st->stats;
    uint64_t *to = (uint64_t *)&t->sum;
    for (size_t i = 0; i < sizeof(st->stats) / sizeof(uint64_t); i++) {
        to[i] += from[i];
    }
    t->bytes += sim_net_bytes(st->net);
    storm_free(st);
    return hash;
}

static void run_twice(uint64_t seed, uint64_t steps)
{
    struct totals ignored = {0};
    uint64_t once = run(seed, steps, false, &ignored);
    if (run(seed, steps, false, &ignored) != once) {
        printf("seed %llu: does not replay\n", (unsigned long long)seed);
        exit(1);
    }
}

static void print_totals(const struct totals *t, uint64_t seeds)
{
    const struct storm_stats *s = &t->sum;
    printf("%llu seeds: %llu sent, %llu failed, %llu cancelled, %llu retries, %llu events told, %llu fetched, %llu snapshots, %llu skipped, %llu "
           "deleted\n",
           (unsigned long long)seeds, (unsigned long long)s->sent, (unsigned long long)s->failed, (unsigned long long)s->cancels,
           (unsigned long long)s->retries, (unsigned long long)s->events, (unsigned long long)s->fetched, (unsigned long long)s->snapshots,
           (unsigned long long)s->skipped, (unsigned long long)s->deleted);
    printf("%llu client crashes, %llu closes, %llu hub crashes, %llu cuts, %llu bytes moved\n", (unsigned long long)s->crashes,
           (unsigned long long)s->clean_closes, (unsigned long long)s->hub_crashes, (unsigned long long)s->cuts, (unsigned long long)t->bytes);
}

int main(int argc, char **argv)
{
    uint64_t seeds = SEEDS;
    uint64_t first = 1;
    uint64_t steps = STEPS;
    bool verbose = false;
    struct totals totals = {0};

    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(argv[i], "--verbose") == 0) {
            verbose = true;
        } else if (value && strcmp(argv[i], "--seeds") == 0) {
            seeds = strtoull(argv[++i], NULL, 10);
        } else if (value && strcmp(argv[i], "--seed") == 0) {
            first = strtoull(argv[++i], NULL, 10);
            seeds = 1;
        } else if (value && strcmp(argv[i], "--steps") == 0) {
            steps = strtoull(argv[++i], NULL, 10);
        } else {
            fprintf(stderr, "usage: sim_storm [--seeds N] [--seed S] [--steps K] [--verbose]\n");
            return 2;
        }
    }
    (void)signal(SIGABRT, on_abort);
    (void)atexit(at_exit);
    for (uint64_t seed = first; seed < first + seeds; seed++) {
        (void)run(seed, steps, verbose, &totals);
        if (seed % REPLAY_EVERY == 0) {
            run_twice(seed, steps);
        }
    }
    print_totals(&totals, seeds);
    return 0;
}
