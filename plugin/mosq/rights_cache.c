#include "plugin/mosq/rights_cache.h"

#include <stdlib.h>

enum fp_err rights_cache_init(struct rights_cache *c, size_t entries)
{
    size_t sets = 1;

    while (sets * RIGHTS_WAYS < entries) {
        sets *= 2;
    }
    *c = (struct rights_cache){
        .entries = calloc(sets * RIGHTS_WAYS, sizeof(struct rights_entry)),
        .tags = calloc(sets * RIGHTS_WAYS, sizeof(uint32_t)),
        .next = calloc(sets, 1),
        .sets = sets,
    };
    if (c->entries == NULL || c->tags == NULL || c->next == NULL) {
        rights_cache_fini(c);
        return FP_ENOMEM;
    }
    return FP_OK;
}

void rights_cache_fini(struct rights_cache *c)
{
    free(c->entries);
    free(c->tags);
    free(c->next);
    *c = (struct rights_cache){0};
}

static uint64_t hash_of(const struct rights_key *key)
{
    uint8_t what = (uint8_t)key->what;
    uint64_t h = fp_hash(FP_HASH_START, &what, 1);

    h = fp_hash(h, key->id.text, key->id.len);
    h = fp_hash(h, &what, 1); /* a border, so that ("ab", "c") is not ("a", "bc") */
    h = fp_hash(h, key->user.text, key->user.len);
    return h ^ (h >> 32);
}

static uint32_t tag_of(uint64_t hash)
{
    return (uint32_t)(hash >> 32) | 1; /* never the empty one */
}

static bool key_eq(const struct rights_key *a, const struct rights_key *b)
{
    return a->what == b->what && fp_id_eq(&a->id, &b->id) && fp_id_eq(&a->user, &b->user);
}

struct rights_entry *rights_cache_find(const struct rights_cache *c, const struct rights_key *key)
{
    uint64_t hash = hash_of(key);
    size_t base = (size_t)(hash & (c->sets - 1)) * RIGHTS_WAYS;

    for (size_t i = base; i < base + RIGHTS_WAYS; i++) {
        if (c->tags[i] == tag_of(hash) && key_eq(&c->entries[i].key, key)) {
            return &c->entries[i];
        }
    }
    return NULL;
}

struct rights_entry *rights_cache_put(struct rights_cache *c, const struct rights_key *key)
{
    struct rights_entry *there = rights_cache_find(c, key);
    if (there != NULL) {
        return there;
    }
    uint64_t hash = hash_of(key);
    size_t set = (size_t)(hash & (c->sets - 1));
    size_t at = set * RIGHTS_WAYS + c->next[set];

    c->next[set] = (uint8_t)((c->next[set] + 1) % RIGHTS_WAYS);
    c->tags[at] = tag_of(hash);
    c->entries[at] = (struct rights_entry){.key = *key};
    return &c->entries[at];
}
