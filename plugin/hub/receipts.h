/*
 * receipts.h: what receipts*.c share: the changes of one batch, and who waits to be told of them.
 *
 * Shape       receipts.c merges, receipts_count.c counts what is unread, receipts_tell.c tells others, at a pace
 * Invariants  C1 read_msgs of an active member is the conversation's messages but those of others with from <= seq and seq > own read.
 *             C2 what waits is keyed by name, not by cache entry: it is told from what is committed, whenever that is.
 */
#ifndef PLUGIN_HUB_RECEIPTS_H
#define PLUGIN_HUB_RECEIPTS_H

#include "plugin/hub/state.h"

struct own_moved { /* in the arena */
    struct own_moved *next;
    struct fp_id user, conv;
};

struct own_row { /* of a user: a conversation where his own horizons have moved */
    struct fp_id conv;
    UT_hash_handle hh;
};

struct paced { /* a conversation or a user; stays while it may not be told again at once */
    struct paced *next;
    struct fp_id id;
    struct fp_mono due;
    bool waiting; /* there is something to tell */
    struct own_row *rows;
    UT_hash_handle hh;
};

struct paced_list {
    struct paced *first, *last;
};

/* Each list is in the order of its times, for all in it wait for the same while. */
struct pace {
    struct paced *table;
    struct paced_list now, later;
};

struct receipts {
    /* of the batch */
    struct hub_member *staged;
    struct hub_conv *convs; /* with receipts_changed */
    struct own_moved *own;

    struct pace shown; /* conversations */
    struct pace users;
};

/* ---- receipts.c */
void receipts_touch(struct hub *h, struct hub_conv *c); /* the vector that members see has changed */

/* ---- receipts_count.c */
/* What read_msgs gains when his own read moves from a up to b. m is active. */
enum fp_err receipts_count_move(struct hub *h, struct hub_conv *c, struct hub_member *m, uint64_t a, uint64_t b);
/* read_msgs of one who is let in, with m.from and his receipt as they are. wrote: he may have written here before. */
enum fp_err receipts_count_anew(struct hub *h, struct hub_conv *c, struct hub_member *m, bool wrote);

#endif
