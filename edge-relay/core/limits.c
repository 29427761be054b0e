#include "edge-relay/core/limits.h"

#include <assert.h>
#include <string.h>

#include "fp/bytes.h"

#define WHOLE 1000000ULL /* millionths of one connection */

void limits_init(struct limits *l, struct limits_entry *entries, size_t count, uint64_t seed)
{
    assert(count >= LIMITS_WAYS);
    memset(entries, 0, count * sizeof *entries);
    *l = (struct limits){.entries = entries, .sets = count / LIMITS_WAYS, .seed = seed};
}

struct limits_key limits_key_v4(const uint8_t address[4])
{
    struct limits_key key = {.family = 4};

    memcpy(key.bytes, address, 4);
    return key;
}

struct limits_key limits_key_v6(const uint8_t address[16])
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    struct limits_key key = {.family = 6};

    if (memcmp(address, mapped, sizeof mapped) == 0) {
        return limits_key_v4(address + sizeof mapped);
    }
    memcpy(key.bytes, address, sizeof key.bytes);
    return key;
}

static void refill(const struct limits *l, struct limits_entry *e, struct fp_mono now)
{
    uint64_t passed_us = now.us > e->since.us ? now.us - e->since.us : 0;
    uint64_t full_us = l->rate_per_s > 0 ? e->spent_millionths / l->rate_per_s + 1 : 0; /* one microsecond gives rate millionths */

    if (passed_us >= full_us) {
        e->spent_millionths = 0;
    } else {
        e->spent_millionths -= passed_us * l->rate_per_s;
    }
    if (now.us > e->since.us) {
        e->since = now;
    }
}

/* The entry of that address, a free one, or the one that was idle longest; NULL if all are in use. */
static struct limits_entry *find(struct limits *l, const struct limits_key *key)
{
    uint64_t hash = fp_hash(fp_hash(FP_HASH_START, &l->seed, sizeof l->seed), key, sizeof *key);
    struct limits_entry *set = &l->entries[hash % l->sets * LIMITS_WAYS];
    struct limits_entry *best = NULL;

    for (size_t i = 0; i < LIMITS_WAYS; i++) {
        struct limits_entry *e = &set[i];

        if (memcmp(&e->key, key, sizeof *key) == 0) {
            return e;
        }
        if (e->open == 0 && (best == NULL || e->since.us < best->since.us)) { /* L1; an empty entry is the oldest of all */
            best = e;
        }
    }
    if (best != NULL) {
        *best = (struct limits_entry){.key = *key};
    }
    return best;
}

enum limits_verdict limits_opened(struct limits *l, const struct limits_key *key, struct fp_mono now, struct limits_entry **out_entry)
{
    struct limits_entry *e = find(l, key);
    uint64_t burst = (uint64_t)l->rate_per_s * LIMITS_BURST_S * WHOLE;

    if (e == NULL) {
        return LIMITS_DROP;
    }
    refill(l, e, now);
    bool too_many = l->max_open > 0 && e->open >= l->max_open;
    bool too_fast = l->rate_per_s > 0 && e->spent_millionths + WHOLE > burst;

    if ((too_many && e->open - l->max_open >= LIMITS_POLITE) || (too_fast && e->spent_millionths + WHOLE > 2 * burst)) {
        return LIMITS_DROP; /* L2 */
    }
    e->spent_millionths += l->rate_per_s > 0 ? WHOLE : 0;
    e->open++;
    *out_entry = e;
    if (too_many) {
        return LIMITS_TOO_MANY;
    }
    return too_fast ? LIMITS_TOO_FAST : LIMITS_LET_IN;
}

void limits_closed(struct limits_entry *entry)
{
    assert(entry->open > 0);
    entry->open--;
}
