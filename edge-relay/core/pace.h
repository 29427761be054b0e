/*
 * pace.h: when a loop that is woken for every few bytes had better wait a little, so that each turn finds more to do.
 *
 * Shape       a busy spell begins with PACE_BUSY_TURNS in one millisecond that nobody asked for, and ends with a millisecond in which hardly
 *             anything came
 * Units       microseconds
 * Invariants  A1 a turn is held back by PACE_WAIT_US at most, and outside of a busy spell not at all: who asks and waits for the answer, as
 *                fast as a loopback lets him, begins none.
 * Memory      the caller owns the struct; all zero is its first state
 * Thread      no hidden state; one thread at a time per struct
 */
#ifndef EDGE_RELAY_CORE_PACE_H
#define EDGE_RELAY_CORE_PACE_H

#include <stdbool.h>

#include "fp/time.h"

#define PACE_BUSY_TURNS 16
#define PACE_WAIT_US 250U

struct pace {
    struct fp_mono began; /* the millisecond that is counted */
    unsigned turns;       /* in it, less what clients have said */
    bool busy;
};

/* A turn is about to begin, because the broker has something. Returns how long to wait before it. */
unsigned pace_turn(struct pace *p, struct fp_mono now);
/* A client has said something: a turn that brings the answer does not count. */
void pace_heard(struct pace *p);

#endif
