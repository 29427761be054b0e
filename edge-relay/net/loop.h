/*
 * loop.h: the one loop of the daemon. libuv waits for libwebsockets' connections, since libwebsockets' own loop asks poll() about each of
 * them in every turn: with 2,000 clients a hop took 2 ms. All other descriptors are in an epoll set, which is one more for libuv.
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

#include <uv.h>

#include "edge-relay/core/pace.h"

struct loop_fd {
    /* `events` are those of epoll. */
    void (*ready)(void *ctx, uint32_t events);
    void *ctx;
};

struct loop {
    int epoll;
    bool due; /* the epoll set has events */
    bool stop;
    uv_loop_t uv; /* libwebsockets' foreign loop */
    uv_poll_t watch;
    struct pace pace; /* of the turns in which the epoll set had events */
};

/* *loop must not move from here on. */
bool loop_open(struct loop *loop);
/* Lets libwebsockets end what it has begun to close. */
void loop_drain(struct loop *loop);
void loop_close(struct loop *loop);

/* `what` must stay until the turn after loop_remove(). False, and errno, if the system refuses. */
bool loop_add(struct loop *loop, int fd, uint32_t events, struct loop_fd *what);
void loop_remove(struct loop *loop, int fd);
/* A tick every so often; returns the descriptor, from which `ready` reads a uint64_t and which the caller closes, or -1. */
int loop_every(struct loop *loop, uint32_t ms, struct loop_fd *what);

/* Until loop->stop. After each turn `after` is called. */
void loop_run(struct loop *loop, void (*after)(void *ctx), void *ctx);

struct fp_mono loop_now(void);

#endif
