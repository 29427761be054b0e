/*
 * chain.h: the digest of a conversation up to an event: what was said cannot be changed without a trace.
 *
 * Invariants  K1 redacting or leaving out a body (key 10 null, key 23 its hash) does not change the chain.
 *             K2 an event counts as bare only with both: a body that is null, and the hash of what it was.
 * Errors      FP_EMALFORMED: no event, or a body that is gone without its hash, or a hash beside a body (K2); the chain is not touched then
 * Memory      no state
 * Source      schemas/cddl/event.cddl, "Chain"
 */
#ifndef PLUGIN_CORE_CHAIN_H
#define PLUGIN_CORE_CHAIN_H

#include "fp/event.h"

#define CHAIN_BYTES 32

struct chain {
    uint8_t digest[CHAIN_BYTES]; /* all zero: of no event */
};

void chain_body_hash(struct fp_bytes body, uint8_t out[CHAIN_BYTES]);
enum fp_err chain_extend(struct chain *c, const struct fp_event *ev);
/* Over the events of a run with seq <= upto. */
enum fp_err chain_extend_run(struct chain *c, struct fp_bytes run, uint64_t upto);

#endif
