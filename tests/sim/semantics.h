/*
 * semantics.h: a simulation of what changes and receipts mean: a few devices say random things to the real hub, and a fold of the events
 * is the second opinion on everything that the hub keeps and tells.
 *
 * Shape       one world a seed; an operation is composed, then a turn lets the devices send what they hold, runs the hub and looks at all
 *             that came of it: the log first (each new event is judged), then what each device was told
 * Memory      a failed check ends the program, with the seed and the last operations
 */
#ifndef TESTS_SIM_SEMANTICS_H
#define TESTS_SIM_SEMANTICS_H

#include "plugin/core/chain.h"
#include "tests/sim/fold.h"
#include "tests/support/hub_kit.h"
#include "tests/support/sim_random.h"

#define SEM_CONVS 3
#define SEM_DEVICES 5
#define SEM_CMDS FOLD_SEQS
#define SEM_BODY 64
#define SEM_NOTES 24

struct sem_cmd { /* a device's n-th durable command */
    uint64_t kind, seen, ref, base, ttl;
    uint64_t seq;         /* of its event; 0: none yet */
    uint64_t composed_us; /* on the device's clock */
    uint64_t age_ms;      /* of the latest attempt */
    uint64_t ends_ms;     /* with a ttl, once it is said: when the hub deletes it */
    uint8_t conv;
    bool has_base, has_ttl, asks;
    uint8_t body[SEM_BODY];
    size_t body_len;
};

struct sem_view { /* a device's copy of a conversation */
    bool in;
    bool ask; /* it has seen that it is behind */
    struct fold *fold;
};

struct sem_device {
    const char *name;
    int person;
    bool online, greeted;
    uint64_t next_n, done; /* commands up to done are answered for good */
    struct sem_view views[SEM_CONVS];
    struct sem_cmd *cmds; /* by n */
};

struct sem_horizon {
    uint64_t delivered, read, shown_delivered, shown_read;
};

struct sem_conv {
    const char *name;
    uint64_t cid;
    struct fold *fold;                     /* of the log, event by event as it came */
    const struct sem_cmd *said[FOLD_SEQS]; /* by seq */
    uint64_t before;                       /* the head before this turn */
    struct chain chain;
    struct sem_horizon horizons[FOLD_PEOPLE];
    struct sem_horizon told[FOLD_PEOPLE]; /* the last .../receipts: the shown ones */
    char title[FOLD_TEXT];                /* the last .../about */
    uint64_t about;
    uint8_t roles[FOLD_PEOPLE];
    bool granted[FOLD_PEOPLE];
    uint64_t head_told;
    uint8_t chain_told[CHAIN_BYTES];
};

struct sem_stats {
    uint64_t ops, turns, events, lost, nacks, retries, repeats, elided, removed, snapshots, faults, failed, restarts, checks, expired;
};

struct sem {
    uint64_t seed;
    struct sim_random random;
    struct kit kit;
    struct sem_device devices[SEM_DEVICES];
    struct sem_conv convs[SEM_CONVS];
    struct fold *again; /* scratch */
    uint64_t hash;      /* over all tells */
    uint64_t text;      /* makes the texts differ */
    bool crash;         /* at the end of this turn, before anybody hears of it */
    bool faulty;        /* the store has failed in this turn */
    bool quiet;         /* in this turn the devices send nothing by themselves */
    size_t sent;        /* commands of this turn, and the device that sent the last of them */
    const struct sem_device *sender;
    struct sem_stats stats;
    char notes[SEM_NOTES][160];
    size_t note_count;
};

/* semantics_world.c */
void sem_note(struct sem *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
_Noreturn void sem_fail(struct sem *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
void sem_open(struct sem *s, uint64_t seed);
void sem_close(struct sem *s);
int sem_conv_of(const struct fp_id *id); /* -1: none of ours */
struct fp_command sem_command(const struct sem_cmd *c, uint64_t n);
void sem_turn(struct sem *s);
void sem_restart(struct sem *s);

/* semantics_tell.c: what the devices and the broker are told */
void sem_tells(struct sem *s);

/* semantics_act.c */
void sem_act(struct sem *s); /* one random operation and its turn */

/* semantics_check.c */
struct sem_verdict {
    bool legit, lost, stale;
};
struct sem_verdict sem_judge(const struct sem *s, const struct sem_cmd *c, int person);
void sem_log(struct sem *s); /* judges and folds what is new in the log */
/* Told in a turn of its own: the hub must know as much now as the model does. */
void sem_report(struct sem *s, int person, int conv, const struct fp_receipt_row *row);
void sem_check(struct sem *s); /* everything, once all are caught up */

#endif
