/*
 * transport_conformance.h: what every struct fp_transport must do; one suite for all of them. The maker's peer is driven from the same thread.
 */
#ifndef TESTS_CONFORMANCE_TRANSPORT_CONFORMANCE_H
#define TESTS_CONFORMANCE_TRANSPORT_CONFORMANCE_H

#include "firmware-client/include/fieldpost.h"

struct transport_maker {
    const char *name;
    void *ctx;
    struct fp_transport (*make)(void *ctx); /* closed; its peer is there */
    void (*end)(void *ctx);
    void (*turn)(void *ctx);          /* the peer does what it can; may wait a millisecond for the system */
    unsigned (*peer_count)(void *ctx); /* connections that the peer has seen so far */
    /* How many bytes were moved. What peer_write() did not take must be offered again. */
    size_t (*peer_read)(void *ctx, void *buf, size_t cap);
    size_t (*peer_write)(void *ctx, const void *p, size_t len);
    void (*peer_close)(void *ctx);      /* then the peer is there for the next connection */
    void (*peer_half_close)(void *ctx); /* it says no more, and still listens. NULL: a line, which has no connections */
    bool (*peer_ended)(void *ctx);      /* the client's end is closed, and all it wrote was read. NULL likewise */
    void (*refuse)(void *ctx);          /* from now on nobody is there. NULL: cannot be */
};

/* Returns the number of failed tests. */
int transport_conformance_run(const struct transport_maker *maker);

/* For the peers: what a test does to bring something about, at most so often. */
enum { TRANSPORT_TURNS_MAX = 20000 };

#endif
