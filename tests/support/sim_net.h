/*
 * sim_net.h: a network for simulations, in virtual time: byte pipes between clients and one server.
 *
 * Shape       client `index` has one link; each open() of its transport makes a connection, which the server accepts. Bytes are cut into chunks, each
 *             with its own delay, and arrive in order. Links break: what was on its way arrives up to a random byte; with or without the ends
 *             hearing of it; in one direction or both.
 * Invariants  the same seed and the same calls move the same bytes at the same times
 * Memory      from malloc; no memory ends the program
 */
#ifndef TESTS_SUPPORT_SIM_NET_H
#define TESTS_SUPPORT_SIM_NET_H

#include "firmware-client/include/fieldpost.h"
#include "tests/support/sim_random.h"

#define SIM_LINKS_MAX 8

struct sim_shape {
    uint64_t delay_us, jitter_us;
    uint32_t chunk_max;    /* bytes of a chunk, 1 or more */
    uint32_t window_bytes; /* on their way from a client before write() says FP_EAGAIN */
};

enum sim_cut {
    SIM_CUT_RESET,       /* both ends hear of it */
    SIM_CUT_SILENT,      /* nobody does */
    SIM_CUT_SILENT_UP,   /* what the client says is lost from here on */
    SIM_CUT_SILENT_DOWN, /* what the client should hear is */
    SIM_CUTS
};

struct sim_net;
struct sim_conn;

struct sim_net *sim_net_new(uint64_t seed, struct sim_shape shape);
void sim_net_free(struct sim_net *net);
void sim_net_set_shape(struct sim_net *net, struct sim_shape shape);

struct fp_mono sim_net_now(const struct sim_net *net);
void sim_net_set_now(struct sim_net *net, struct fp_mono now);
/* When something arrives next. What is there already counts for the server, not for a client: see sim_net_ready(). UINT64_MAX: nothing does. */
uint64_t sim_net_next_us(const struct sim_net *net);
uint64_t sim_net_hash(const struct sim_net *net); /* of all that was read so far, by whom and when */
uint64_t sim_net_bytes(const struct sim_net *net);
uint64_t sim_net_moved(const struct sim_net *net); /* bytes that anybody has read or written: who polls and moves none is stuck */

/* ------------------------------------------------------------------ the client's end */

struct fp_transport sim_net_transport(struct sim_net *net, size_t index);
bool sim_net_ready(const struct sim_net *net, size_t index, bool wants_write); /* is a poll worth while? */
void sim_net_cut(struct sim_net *net, size_t index, enum sim_cut how);
void sim_net_stall(struct sim_net *net, size_t index, struct fp_mono until);
void sim_net_partition(struct sim_net *net, size_t index, bool away); /* away: open() fails */
void sim_net_client_gone(struct sim_net *net, size_t index, bool server_hears);

/* ------------------------------------------------------------------ the server's end */

struct sim_conn *sim_net_accept(struct sim_net *net); /* NULL: nobody new */
/* FP_EAGAIN: nothing there; FP_EIO: it has ended. */
enum fp_err sim_conn_read(struct sim_conn *c, void *buf, size_t cap, size_t *out_len);
void sim_conn_write(struct sim_conn *c, const void *p, size_t len);
void sim_conn_close(struct sim_conn *c);        /* the server is done with it; what it wrote still arrives */
size_t sim_conn_link(const struct sim_conn *c); /* index */

#endif
