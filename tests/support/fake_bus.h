/*
 * fake_bus.h: a bus port that remembers what it was told, for tests of the engine.
 *
 * Shape       tells in order, each with its topic as text and its payload copied
 * Memory      fails the test when there is no memory; what fake_bus_at() hands out is good until fake_bus_clear() or _fini()
 */
#ifndef TESTS_SUPPORT_FAKE_BUS_H
#define TESTS_SUPPORT_FAKE_BUS_H

#include "plugin/hub/bus.h"

struct fake_tell {
    struct tell tell;        /* payload points to a copy */
    char text[FP_TOPIC_MAX]; /* the topic of a publish, "" for a grant */
};

struct fake_bus {
    struct fake_tell **tells;
    size_t count, cap;
    size_t flushes;
    bool no_room;      /* set by the test: has_room() says false */
    bool down;         /* set by the test: tell() says FP_ESHUTDOWN */
    size_t down_after; /* this many more tells are taken, then the bus is down; SIZE_MAX = never */
};

void fake_bus_init(struct fake_bus *b);
void fake_bus_fini(struct fake_bus *b);
void fake_bus_clear(struct fake_bus *b); /* forgets the tells, keeps the switches */

const struct fake_tell *fake_bus_at(const struct fake_bus *b, size_t index); /* NULL behind the end */
/* The index of the first publish on that topic at or behind `from`; SIZE_MAX if there is none. */
size_t fake_bus_find(const struct fake_bus *b, const char *topic, size_t from);
size_t fake_bus_count(const struct fake_bus *b, const char *topic);
/* The index of the first line for the log that holds the text, at or behind `from`; SIZE_MAX if there is none. */
size_t fake_bus_find_line(const struct fake_bus *b, const char *text, size_t from);
/* The index of the first grant of that kind, id and user at or behind `from`; SIZE_MAX if there is none. */
size_t fake_bus_find_grant(const struct fake_bus *b, enum tell_kind kind, const char *id, const char *user, size_t from);

struct bus_port fake_bus_port(struct fake_bus *b);

#endif
