/*
 * conns.h: the few things to remember about a connection: that the engine knows it, and what has been logged about it.
 *
 * Shape       a hash table by the broker's pointer; a connection that does nothing of ours is not in it
 * Memory      one allocation a connection
 * Thread      one thread (the broker's)
 */
#ifndef PLUGIN_MOSQ_CONNS_H
#define PLUGIN_MOSQ_CONNS_H

#include "fp/bytes.h"

struct conn;

struct conns {
    struct conn *table;
};

struct conn_state {
    bool told;   /* the engine has an item of it, and gets its DISCONNECT */
    bool logged; /* why its names are no use */
    struct fp_id user;
    struct fp_id device;
};

void conns_init(struct conns *c);
void conns_fini(struct conns *c);

struct conn_state *conns_find(const struct conns *c, const void *client); /* NULL if it is not there */
struct conn_state *conns_add(struct conns *c, const void *client);        /* finds or adds; NULL: no memory */
void conns_remove(struct conns *c, const void *client);

#endif
