/*
 * limits.h: what one address may have: connections at a time, and new ones a second.
 *
 * Shape       a table in the caller's memory, in sets of LIMITS_WAYS; an entry that holds no connection and has its whole budget back
 *             says nothing and is taken over, the oldest first
 * Units       budgets in millionths of a connection, so that a refill of one microsecond is not lost to rounding
 * Invariants  L1 an entry with open connections is never given to another address.
 *             L2 what is refused politely is bounded: LIMITS_POLITE connections beyond the limit, one burst beyond the rate.
 * Memory      the caller owns the table; its seed must not be known to peers, who could otherwise fill one set
 * Thread      no hidden state; one thread at a time per struct
 */
#ifndef EDGE_RELAY_CORE_LIMITS_H
#define EDGE_RELAY_CORE_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fp/time.h"

#define LIMITS_WAYS 8
#define LIMITS_POLITE 8
#define LIMITS_BURST_S 5

/* An IPv4 address, or the /64 of an IPv6 one: who has one of those has all of it. */
struct limits_key {
    uint8_t bytes[8];
    uint8_t family; /* 4 or 6; 0 in an empty entry */
};

struct limits_entry {
    struct limits_key key;
    uint32_t open;
    uint64_t spent_millionths; /* how far below a full budget */
    struct fp_mono since;      /* when that was so */
};

struct limits {
    struct limits_entry *entries;
    size_t sets;
    uint64_t seed;
    uint32_t max_open;   /* 0: no limit */
    uint32_t rate_per_s; /* 0: no limit */
};

enum limits_verdict {
    LIMITS_LET_IN,
    LIMITS_TOO_MANY, /* let in, to be told so */
    LIMITS_TOO_FAST, /* let in, to be told so */
    LIMITS_DROP,     /* not worth an answer */
};

/* `count` entries at `entries`, at least LIMITS_WAYS; what does not fill a set is not used. */
void limits_init(struct limits *l, struct limits_entry *entries, size_t count, uint64_t seed);
struct limits_key limits_key_v4(const uint8_t address[4]);
/* An IPv4 address inside an IPv6 one counts as the IPv4 address. */
struct limits_key limits_key_v6(const uint8_t address[16]);

/* A new connection. Unless the verdict is LIMITS_DROP it is counted as open in *out_entry until limits_closed(). */
enum limits_verdict limits_opened(struct limits *l, const struct limits_key *key, struct fp_mono now, struct limits_entry **out_entry);
void limits_closed(struct limits_entry *entry);

#endif
