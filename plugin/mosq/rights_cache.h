/*
 * rights_cache.h: a fixed table of settled answers to "may this user read that?".
 *
 * Shape       sets of RIGHTS_WAYS entries, found by hash; a full set gives up its oldest entry
 * Memory      all of it is allocated by init
 * Thread      one thread at a time per struct
 */
#ifndef PLUGIN_MOSQ_RIGHTS_CACHE_H
#define PLUGIN_MOSQ_RIGHTS_CACHE_H

#include "fp/bytes.h"
#include "fp/err.h"

#define RIGHTS_WAYS 8

enum rights_what {
    RIGHTS_CONV = 1, /* id = conversation */
    RIGHTS_SCOPE,    /* id = scope */
    RIGHTS_DEVICE,   /* id = device; the key has no user, the value is its owner */
    RIGHTS_PEERS,    /* id = the other user */
    RIGHTS_OPEN,     /* id = user; the key has no other */
};

struct rights_key {
    enum rights_what what;
    struct fp_id id;
    struct fp_id user;
};

struct rights_entry {
    struct rights_key key;
    bool allowed;
    struct fp_id owner;  /* RIGHTS_DEVICE */
    uint64_t scope_time; /* RIGHTS_PEERS: what rights.scope_time was */
};

struct rights_cache {
    struct rights_entry *entries;
    uint32_t *tags; /* 0 = the entry is empty */
    uint8_t *next;  /* of each set: which entry goes next */
    size_t sets;    /* a power of two */
};

/* Entries are rounded up to a power of two of at least RIGHTS_WAYS. */
enum fp_err rights_cache_init(struct rights_cache *c, size_t entries);
void rights_cache_fini(struct rights_cache *c);

struct rights_entry *rights_cache_find(const struct rights_cache *c, const struct rights_key *key); /* NULL if it is not there */
/* The entry with that key; a new one has no answer yet, so fill it in. Good until the next call. */
struct rights_entry *rights_cache_put(struct rights_cache *c, const struct rights_key *key);

#endif
