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
#include "fp/time.h"
#include "plugin/hub/source.h"

struct conn;

struct conns {
    struct conn *table;
};

struct conn_state {
    bool told;   /* the engine has an item of it, and gets its DISCONNECT */
    bool logged; /* why its names are no use, or what is wrong with a relay's frames */
    bool relay;  /* it listens to a trunk */
    struct fp_id user;
    struct fp_id device;
    struct fp_mono heard; /* its last publish; what else it sends, a plugin does not see */
};

void conns_init(struct conns *c);
void conns_fini(struct conns *c);

struct conn_state *conns_find(const struct conns *c, const void *client); /* NULL if it is not there */
struct conn_state *conns_add(struct conns *c, const void *client);        /* finds or adds; NULL: no memory */
void conns_remove(struct conns *c, const void *client);

/*
 * Why a connection ended. The broker gives no reason, so it is inferred: it looks for silent clients before it waits for its sockets
 * (in_check: it ended there), and takes those from which nothing has come for 1.5 keep-alives. A keepalive_s of 0: the client may be silent.
 */
enum source_end conns_end_of(const struct conn_state *conn, int keepalive_s, struct fp_mono now, bool in_check);

#endif
