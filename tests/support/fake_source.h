/*
 * fake_source.h: a source port that plays a script, for tests of the engine.
 *
 * Shape       steps in order: items, cuts (what is before a cut and what is behind it come in different batches) and waits (nothing
 *             arrives for so long). After the last step take() answers FP_ESHUTDOWN.
 * Units       both clocks start at FAKE_SOURCE_MONO_US and FAKE_SOURCE_WALL_MS, move with fake_source_wait(), and by 1 us with each item
 * Invariants  S1 and S2 of source.h
 * Memory      copies what it is given; fails the test when there is no memory
 */
#ifndef TESTS_SUPPORT_FAKE_SOURCE_H
#define TESTS_SUPPORT_FAKE_SOURCE_H

#include "plugin/hub/source.h"

#define FAKE_SOURCE_MONO_US 1000000ULL
#define FAKE_SOURCE_WALL_MS 1700000000000ULL

struct fake_step;

struct fake_source {
    struct fake_step *steps;
    size_t count, cap;
    size_t at;         /* next step */
    uint64_t us;       /* since the start */
    size_t open_items; /* handed out and not yet done() */
    size_t takes;
};

struct fake_client { /* who an item is from */
    const char *user;
    const char *device;
    uint64_t conn;
};

void fake_source_init(struct fake_source *s);
void fake_source_fini(struct fake_source *s);

void fake_source_message(struct fake_source *s, struct fake_client from, enum fp_topic_kind topic, struct fp_bytes payload);
void fake_source_refused(struct fake_source *s, struct fake_client from, enum fp_topic_kind topic, enum fp_err err, const char *reason);
void fake_source_disconnect(struct fake_source *s, struct fake_client from); /* SOURCE_END_LOST */
void fake_source_end(struct fake_source *s, struct fake_client from, enum source_end why);
void fake_source_cut(struct fake_source *s);
void fake_source_wait(struct fake_source *s, uint64_t us);

struct source_port fake_source_port(struct fake_source *s);

#endif
