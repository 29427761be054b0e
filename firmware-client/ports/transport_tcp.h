/*
 * transport_tcp.h: struct fp_transport over POSIX TCP.
 *
 * Shape       open() looks the name up and tries its addresses one after the other; an attempt that is closed while it hangs makes the next one
 *             begin with the address behind it, so that one dead address hides no other
 * Errors      FP_ECONFIG: no host or no port. FP_EIO: no such name, nobody answers, the stream has ended; fp_tcp_error() says which.
 * Memory      host and port outlive the transport; the list of addresses is freed when the connection stands or has failed
 * Thread      one at a time per struct. No SIGPIPE.
 * Surprising  the first open() of an attempt calls getaddrinfo(), which may block for as long as the resolver takes; numbers do not block
 */
#ifndef FIRMWARE_CLIENT_PORTS_TRANSPORT_TCP_H
#define FIRMWARE_CLIENT_PORTS_TRANSPORT_TCP_H

#include "firmware-client/include/fieldpost.h"

enum { FP_TCP_ERROR_MAX = 160 };

struct addrinfo;

struct fp_tcp {
    const char *host, *port;
    struct addrinfo *own_found; /* of the attempt that is under way */
    struct addrinfo *at;        /* whose connect() is under way */
    size_t at_index, first;
    int fd; /* -1: none */
    bool stands;
    char error[FP_TCP_ERROR_MAX];
};

/* port: a number or a service's name. Fills *out; nothing is connected yet. */
enum fp_err fp_tcp_init(struct fp_tcp *t, const char *host, const char *port, struct fp_transport *out);
/* For poll(): readable when there is something to read; while open() says FP_EAGAIN, writable when it should be called again. -1: closed. It is
   another one after each open(). */
int fp_tcp_fd(const struct fp_tcp *t);
/* Why the last open(), read() or write() failed, as a sentence; empty when none did. */
const char *fp_tcp_error(const struct fp_tcp *t);

#endif
