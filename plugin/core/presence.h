/*
 * presence.h: is somebody there? The verdict over all of one user's sessions.
 *
 * Shape       how many sessions there are of each activity, and what follows from that: the highest, or offline
 * Invariants  Q1 state is the highest activity that any session has, and offline where there is none.
 *             Q2 since moves when the state does, and only then.
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

void presence_lose(struct presence_session *s, struct fp_mono now);
bool presence_over(const struct presence_session *s, struct fp_mono now);

#endif
