/*
 * presence.h: is somebody there? The verdict over all of one user's sessions, here and at the far ends of trunks.
 *
 * Shape       how many sessions there are here of each activity, what the far ends say, and what follows from that: the highest, or offline
 * Invariants  Q1 state is the highest of the activities of all sessions and of what was said from afar, and offline where there is nothing.
 *             Q2 since moves when the state does, and only then.
 *                Who was unreachable and turns out to be offline keeps the time at which he became unreachable: nobody knows a later one.
 *             Q3 a session whose connection was lost counts on for PRESENCE_GRACE_US.
 * Memory      the caller owns every struct; all zero: offline, and never seen
 * Source      schemas/cddl/live.cddl (person-state), schemas/CONTRACT.md, "Receipts, and who may see whom"
 */
#ifndef PLUGIN_CORE_PRESENCE_H
#define PLUGIN_CORE_PRESENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "fp/keys.h"
#include "fp/time.h"

#define PRESENCE_GRACE_US 10000000U
#define PRESENCE_ACTIVITIES 3 /* FP_ACTIVITY_AWAY to _BUSY */

struct presence {
    uint64_t sessions[PRESENCE_ACTIVITIES];
    uint8_t far;          /* the highest that a far end says: FP_PERSON_... */
    uint8_t state;        /* FP_PERSON_... */
    struct fp_wall since; /* of the state; 0: not known */
};

struct presence_session {
    uint8_t activity; /* FP_ACTIVITY_... */
    bool lost;
    struct fp_mono until; /* where it was lost: when it is over */
};

/* Each says whether the state has changed. */
bool presence_begin(struct presence *p, uint8_t activity, struct fp_wall now);
bool presence_move(struct presence *p, uint8_t from, uint8_t to, struct fp_wall now);
bool presence_end(struct presence *p, uint8_t activity, struct fp_wall now);
/* since: as the far end says it; it counts where it is known, not to come, and the state follows from it. */
bool presence_far(struct presence *p, uint8_t state, struct fp_wall since, struct fp_wall now);

uint8_t presence_here(const struct presence *p); /* what the sessions here come to, FP_PERSON_... */

void presence_lose(struct presence_session *s, struct fp_mono now);
bool presence_over(const struct presence_session *s, struct fp_mono now);

#endif
