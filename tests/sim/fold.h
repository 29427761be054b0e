/*
 * fold.h: what a conversation looks like to somebody who holds its events: written from the contract alone, as a second opinion on the hub.
 *
 * Shape       events go in, in the order of their seq; title, members, and the state of each message come out
 * Invariants  F1 without gaps: an event that is not the next one is refused.
 *             F2 two folds of the same events are equal, whether bodies had been left out of a page or not, once both are at the same head.
 * Memory      the caller's; large
 * Source      schemas/CONTRACT.md, "Changing what was said"
 */
#ifndef TESTS_SIM_FOLD_H
#define TESTS_SIM_FOLD_H

#include "fp/command.h"
#include "fp/event.h"

#define FOLD_SEQS 2048
#define FOLD_PEOPLE 4
#define FOLD_HUB FOLD_PEOPLE /* the number of ~hub */
#define FOLD_EMOJI 3
#define FOLD_TEXT 16

enum fold_state {
    FOLD_PLAIN,
    FOLD_EDITED,
    FOLD_DELETED,
    FOLD_REDACTED,
};

struct fold_msg {
    bool is_msg;
    bool asks;  /* to be confirmed */
    bool edits; /* somebody has tried */
    uint8_t author;
    enum fold_state state;
    uint64_t version, body_at;
    uint8_t reactions[FOLD_EMOJI]; /* a bit a person */
    uint8_t confirms;
    char text[FOLD_TEXT]; /* empty: gone */
};

struct fold_member {
    uint8_t role; /* FP_ROLE_NONE: none */
    uint64_t joined, from;
};

struct fold {
    uint64_t first, head;
    uint64_t about;
    char title[FOLD_TEXT];
    struct fold_member members[FOLD_PEOPLE];
    struct fold_msg msgs[FOLD_SEQS];
    uint8_t may_see[FOLD_SEQS]; /* a bit a person */
    uint64_t msg_count;
};

/* The number of a person by name, FOLD_HUB for ~hub; -1: a stranger. */
int fold_person(const struct fp_id *id);
/* Of nothing; the first event will be `first`. */
void fold_begin(struct fold *f, uint64_t first);
/* NULL, or what is wrong with the event. */
const char *fold_apply(struct fold *f, const struct fp_event *ev);
/* NULL where both say the same of the events from `from` on, and, where from is 1, of title and members; else in what they differ. */
const char *fold_differ(const struct fold *a, const struct fold *b, uint64_t from, uint64_t *out_seq);
/* Messages of others above `after`. */
uint64_t fold_unread(const struct fold *f, int person, uint64_t after);
bool fold_gone(const struct fold_msg *m);

#endif
