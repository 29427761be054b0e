/*
 * conns.h: the few things to remember about a connection: that the engine knows it, what has been logged about it, and whether it is silent.
 *
 * Shape       a hash table by the broker's pointer, and by number; a connection that does nothing of ours is not in it
 * Invariants  K1 a number is given once, to one connection: the broker's pointers come again.
 *             K2 silence counts while the broker's loop turns: of what passes from one TICK to the next, CONNS_STEP_MAX_US at most. A broker that was
 *                stopped, or was busy elsewhere, could have heard nobody, and what has come meanwhile waits in the sockets.
 * Memory      one allocation a connection
 * Thread      one thread (the broker's)
 */
#ifndef PLUGIN_MOSQ_CONNS_H
#define PLUGIN_MOSQ_CONNS_H

#include "fp/bytes.h"
#include "fp/time.h"
#include "plugin/hub/source.h"

struct conn;

#define CONNS_STEP_MAX_US 250000U /* an idle loop turns each 100 ms */

struct conns {
    struct conn *table, *numbers;
    uint64_t last_number;
    struct fp_mono ticked; /* the last TICK */
    uint64_t turned_us;    /* K2: the clock of silence */
    uint64_t look_us;      /* by that clock: nobody can be due before */
};

struct conn_state {
    bool told;   /* the engine has an item of it, and gets its DISCONNECT */
    bool logged; /* why its names are no use, or what is wrong with a relay's frames */
    bool relay;  /* it listens to a trunk */
    bool silent; /* it was ended for its silence */
    uint64_t number;
    uint32_t alive_s; /* it has promised to publish at least this often; 0: nothing */
    struct fp_id user;
    struct fp_id device;
    struct fp_mono heard; /* its last publish; what else it sends, a plugin does not see */
    uint64_t heard_us;    /* the same by the clock of silence */
};

void conns_init(struct conns *c);
void conns_fini(struct conns *c);

struct conn_state *conns_find(const struct conns *c, const void *client); /* NULL if it is not there */
struct conn_state *conns_add(struct conns *c, const void *client);        /* finds or adds; NULL: no memory */
void conns_remove(struct conns *c, const void *client);

void conns_hear(const struct conns *c, struct conn_state *conn, struct fp_mono now); /* it publishes */

/* Connection `number` promises from now on to publish at least each alive_s; 0: nothing. Whoever is gone has promised nothing. */
void conns_promise(struct conns *c, uint64_t number, uint32_t alive_s, struct fp_mono now);
void conns_tick(struct conns *c, struct fp_mono now);
/* Who has been silent for 1.5 times what he promised, each once, up to cap of them: to be ended. */
size_t conns_silent(struct conns *c, const void **out_clients, size_t cap);

/*
 * Why a connection ended. The broker gives no reason, so it is inferred: it looks for silent clients before it waits for its sockets
 * (in_check: it ended there), and takes those from which nothing has come for 1.5 keep-alives. A keepalive_s of 0: the client may be silent.
 */
enum source_end conns_end_of(const struct conn_state *conn, int keepalive_s, struct fp_mono now, bool in_check);

#endif
