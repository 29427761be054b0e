/*
 * compose.h: from a command that was accepted to the event that everybody sees.
 *
 * Invariants  E1 at never decreases within a conversation.
 *             E2 seen < seq, whatever the device claims.
 * Memory      the event borrows the command's spans
 * Source      schemas/cddl/event.cddl; schemas/CONTRACT.md, P4
 */
#ifndef PLUGIN_CORE_COMPOSE_H
#define PLUGIN_CORE_COMPOSE_H

#include "fp/command.h"
#include "fp/event.h"

#define COMPOSE_OFFLINE_MS 10000 /* older than this when it arrives: composed while the device had no link */
#define COMPOSE_WORTH_MS 1000    /* younger than this, the time of composing is the time of ordering */

struct compose_place { /* where the event goes */
    struct fp_id conv;
    uint64_t head;     /* before it */
    struct fp_wall at; /* of the head */
};

/* What every event has; version, further flags and a body that the hub makes are the caller's to add. */
struct fp_event compose_event(const struct fp_command *c, const struct compose_place *place, const struct fp_id *user, const struct fp_id *device,
                              struct fp_wall now);

/* Has the command outlived its ttl when it arrives? */
bool compose_expired(const struct fp_command *c);

#endif
