/*
 * policy.h: what one user lets the others know of his presence.
 *
 * Shape       rules as they came; for each viewer the one that names him, else the scope's, else everyone's, else exact
 * Invariants  L1 who shares no scope sees nothing, whatever the rules say.
 *             L2 where two rules are about the same viewer the one that shows less counts; "nobody" counts above all.
 *             L3 rules that cannot be read hide.
 * Units       levels are FP_LEVEL_...: a lower one shows less
 * Memory      no state; the policy is a policy-body as it came, empty for the default
 * Source      schemas/cddl/command.cddl (policy-body), schemas/CONTRACT.md, "Receipts, and who may see whom"
 */
#ifndef PLUGIN_CORE_POLICY_H
#define PLUGIN_CORE_POLICY_H

#include "fp/bytes.h"
#include "fp/time.h"

uint8_t policy_level(struct fp_bytes policy, const struct fp_id *viewer, bool shares_scope);

/* Does it hide from nobody at all? */
bool policy_is_open(struct fp_bytes policy);

/* The least that any member of a scope may know. in_scope() is asked only about viewers for whom it makes a difference. */
typedef bool (*policy_in_scope_fn)(void *arg, const struct fp_id *viewer);
uint8_t policy_scope_level(struct fp_bytes policy, policy_in_scope_fn in_scope, void *arg);

/* A time as this level shows it: to the quarter of an hour, or the day. */
struct fp_wall policy_round(uint8_t level, struct fp_wall at);

#endif
