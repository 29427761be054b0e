/*
 * budget.h: how much one TICK may hand to the broker, so that the loop keeps turning.
 *
 * Shape       what is published in a TICK is delivered at the start of the next turn, at a price that we cannot know before (rooms, TLS).
 *             So the price of the last turn decides: too dear, and the budget is halved; cheap and used up, and it grows by a quarter.
 * Units       us of delivering; publishes and payload bytes a TICK
 * Invariants  U1 BUDGET_COUNT_MIN <= count <= BUDGET_COUNT_MAX, bytes likewise: the worst guess still makes progress.
 * Thread      no hidden state; one thread at a time per struct
 */
#ifndef PLUGIN_MOSQ_BUDGET_H
#define PLUGIN_MOSQ_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BUDGET_HIGH_US 3000 /* leaves room for the turn's input within a stall of 5 ms */
#define BUDGET_LOW_US 1500
#define BUDGET_COUNT_MIN 4
#define BUDGET_COUNT_START 32
#define BUDGET_COUNT_MAX 1024
#define BUDGET_BYTES_PER_PUBLISH 4096 /* a publish of this size weighs as much as the publish itself */

struct budget {
    uint32_t count;
    uint32_t used; /* in this TICK */
    size_t bytes_used;
    bool cut_short; /* this TICK ended because of the budget */
};

void budget_init(struct budget *b);
/* A TICK begins; delivering what the last one published took that long. */
void budget_turn(struct budget *b, uint64_t delivery_us);
/* May a publish of that size go out in this TICK? The first one always may. Counts it if so. */
bool budget_spend(struct budget *b, size_t payload_bytes);

#endif
