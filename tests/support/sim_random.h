/*
 * sim_random.h: chance that can be replayed, for the simulations (splitmix64).
 */
#ifndef TESTS_SUPPORT_SIM_RANDOM_H
#define TESTS_SUPPORT_SIM_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct sim_random {
    uint64_t state;
};

static inline uint64_t sim_next(struct sim_random *r)
{
    uint64_t z = (r->state += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

/* 0 to below-1; 0 if below is 0 */
static inline uint64_t sim_below(struct sim_random *r, uint64_t below)
{
    return below == 0 ? 0 : sim_next(r) % below;
}

static inline bool sim_chance(struct sim_random *r, unsigned per_mille)
{
    return sim_below(r, 1000) < per_mille;
}

#endif
