/*
 * transport_peers.h: makers of the transport suite whose peers need no cryptography.
 */
#ifndef TESTS_CONFORMANCE_TRANSPORT_PEERS_H
#define TESTS_CONFORMANCE_TRANSPORT_PEERS_H

#include "firmware-client/ports/transport_serial.h"
#include "firmware-client/ports/transport_tcp.h"
#include "tests/conformance/transport_conformance.h"
#include "tests/support/fake_transport.h"

struct fake_peer {
    struct fake_transport fake;
    size_t room, piece; /* 0: as large as can be */
    unsigned stutter, open_after;
};
struct transport_maker fake_peer_maker(struct fake_peer *p, const char *name);

struct tcp_peer { /* a listener on loopback, and what it has accepted */
    struct fp_tcp tcp;
    char port[8];
    int listener, fd; /* -1: none */
    unsigned count;
    bool ended;
    int buffer_bytes; /* of the accepted socket; 0: as the system has it */
};
struct transport_maker tcp_peer_maker(struct tcp_peer *p, const char *name);

struct pty_peer { /* the master of a pseudo terminal */
    struct fp_serial serial;
    char path[64];
    int master;
    unsigned count;
};
struct transport_maker pty_peer_maker(struct pty_peer *p, const char *name);

#endif
