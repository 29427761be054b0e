/*
 * loop.h: the one loop of the daemon. libwebsockets waits for its own connections; all other descriptors are in an epoll set, and that
 * set is one more descriptor for libwebsockets to wait for.
 *
 * Shape       loop_add() and loop_remove() for descriptors, loop_every() for ticks, `after` for what is gathered in a turn
 * Invariants  O1 no `ready` is called after loop_remove() of its descriptor has returned, except within the same turn: so what a
 *             struct loop_fd lies in may be freed in `after` at the earliest.
 * Thread      one thread
 */
#ifndef EDGE_RELAY_NET_LOOP_H
#define EDGE_RELAY_NET_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include <libwebsockets.h>

#include "fp/time.h"

struct loop_fd {
    /* `events` are those of epoll. */
    void (*ready)(void *ctx, uint32_t events);
    void *ctx;
};

struct loop {
    int epoll;
    bool due; /* the epoll set has events */
    bool stop;
    struct lws_context *lws;
};

/* The protocol that carries the loop; each context's vhosts have it. */
#define LOOP_PROTOCOL "(loop)"
int loop_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len);

bool loop_open(struct loop *loop);
/* Lets libwebsockets wait for the loop's descriptors, by one of its vhosts. */
bool loop_attach(struct loop *loop, struct lws_context *lws, struct lws_vhost *vhost);
void loop_close(struct loop *loop);

/* `what` must stay until the turn after loop_remove(). False, and errno, if the system refuses. */
bool loop_add(struct loop *loop, int fd, uint32_t events, struct loop_fd *what);
void loop_remove(struct loop *loop, int fd);
/* A tick every so often; returns the descriptor, from which `ready` reads a uint64_t and which the caller closes, or -1. */
int loop_every(struct loop *loop, uint32_t ms, struct loop_fd *what);

/* Until loop->stop. After each turn `after` is called. False if libwebsockets failed. */
bool loop_run(struct loop *loop, void (*after)(void *ctx), void *ctx);

struct fp_mono loop_now(void);

#endif
