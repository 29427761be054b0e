/*
 * fake_transport.h: a transport in memory, whose other end is the test.
 *
 * Shape       one connection at a time; bytes are there at once. The switches make it slow, small, deaf or absent.
 * Memory      no heap
 */
#ifndef TESTS_SUPPORT_FAKE_TRANSPORT_H
#define TESTS_SUPPORT_FAKE_TRANSPORT_H

#include "firmware-client/include/fieldpost.h"

enum { FAKE_TRANSPORT_MAX = 65536 };

struct fake_pipe {
    size_t len;
    uint8_t bytes[FAKE_TRANSPORT_MAX];
};

struct fake_transport {
    struct fake_pipe up, down; /* from the client, to the client */
    bool open, ended;          /* ended: the peer has closed its end */
    unsigned count;            /* connections so far */
    unsigned opening;          /* calls of open() of this attempt so far */

    /* set by the test */
    enum fp_err refuse;   /* what open() says instead of FP_OK */
    unsigned open_after;  /* open() says FP_EAGAIN so many times first */
    size_t room;          /* bytes on the way in one direction before there is no room; at most FAKE_TRANSPORT_MAX */
    size_t piece;         /* the most that one read() or write() moves */
    unsigned stutter;     /* every so many calls of read() and write() say FP_EAGAIN for no reason; 0: none */
    unsigned calls;
    size_t cut_after; /* when so many bytes have gone up in all, the connection breaks; SIZE_MAX: never */
    size_t sent;
};

void fake_transport_init(struct fake_transport *f);
struct fp_transport fake_transport_port(struct fake_transport *f);

/* The other end: how much was moved. */
size_t fake_transport_peer_read(struct fake_transport *f, void *buf, size_t cap);
size_t fake_transport_peer_write(struct fake_transport *f, const void *p, size_t len);
void fake_transport_peer_close(struct fake_transport *f); /* what it wrote still arrives */

#endif
