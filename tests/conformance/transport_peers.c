#define _XOPEN_SOURCE 700 /* posix_openpt() */
#include "tests/conformance/transport_peers.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

/* ------------------------------------------------------------------ in memory */

static struct fp_transport fake_make(void *ctx)
{
    struct fake_peer *p = ctx;
    fake_transport_init(&p->fake);
    p->fake.room = p->room ? p->room : p->fake.room;
    p->fake.piece = p->piece ? p->piece : p->fake.piece;
    p->fake.stutter = p->stutter;
    p->fake.open_after = p->open_after;
    return fake_transport_port(&p->fake);
}

static void nothing(void *ctx)
{
    (void)ctx;
}

static unsigned fake_count(void *ctx)
{
    struct fake_peer *p = ctx;
    return p->fake.count;
}

static size_t fake_read(void *ctx, void *buf, size_t cap)
{
    struct fake_peer *p = ctx;
    return fake_transport_peer_read(&p->fake, buf, cap);
}

static size_t fake_write(void *ctx, const void *bytes, size_t len)
{
    struct fake_peer *p = ctx;
    return fake_transport_peer_write(&p->fake, bytes, len);
}

static void fake_close(void *ctx)
{
    struct fake_peer *p = ctx;
    fake_transport_peer_close(&p->fake);
}

static bool fake_ended(void *ctx)
{
    struct fake_peer *p = ctx;
    return !p->fake.open && p->fake.up.len == 0;
}

static void fake_refuse(void *ctx)
{
    struct fake_peer *p = ctx;
    p->fake.refuse = FP_EIO;
}

struct transport_maker fake_peer_maker(struct fake_peer *p, const char *name)
{
    return (struct transport_maker){.name = name,
                                    .ctx = p,
                                    .make = fake_make,
                                    .end = nothing,
                                    .turn = nothing,
                                    .peer_count = fake_count,
                                    .peer_read = fake_read,
                                    .peer_write = fake_write,
                                    .peer_close = fake_close,
                                    .peer_half_close = fake_close,
                                    .peer_ended = fake_ended,
                                    .refuse = fake_refuse};
}

/* ------------------------------------------------------------------ TCP */

static struct fp_transport tcp_make(void *ctx)
{
    struct tcp_peer *p = ctx;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    p->fd = -1;
    p->count = 0;
    p->ended = false;
    p->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(p->listener >= 0);
    if (p->buffer_bytes > 0) {
        assert_int_equal(setsockopt(p->listener, SOL_SOCKET, SO_RCVBUF, &p->buffer_bytes, sizeof p->buffer_bytes), 0);
    }
    assert_int_equal(bind(p->listener, (struct sockaddr *)&at, len), 0);
    assert_int_equal(listen(p->listener, 8), 0);
    assert_int_equal(getsockname(p->listener, (struct sockaddr *)&at, &len), 0);
    (void)snprintf(p->port, sizeof p->port, "%u", ntohs(at.sin_port));
    struct fp_transport out;
    assert_int_equal(fp_tcp_init(&p->tcp, "127.0.0.1", p->port, &out), FP_OK);
    return out;
}

static void tcp_peer_close(void *ctx)
{
    struct tcp_peer *p = ctx;
    if (p->fd >= 0) {
        (void)close(p->fd);
    }
    p->fd = -1;
}

static void tcp_refuse(void *ctx)
{
    struct tcp_peer *p = ctx;
    if (p->listener >= 0) {
        (void)close(p->listener);
    }
    p->listener = -1;
}

static void tcp_end(void *ctx)
{
    tcp_peer_close(ctx);
    tcp_refuse(ctx);
}

static void tcp_turn(void *ctx)
{
    struct tcp_peer *p = ctx;
    (void)poll(NULL, 0, 1); /* the loopback interface needs no longer */
    int fd = p->listener < 0 ? -1 : accept(p->listener, NULL, NULL);
    if (fd >= 0) {
        tcp_peer_close(p);
        assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
        p->fd = fd;
        p->count++;
        p->ended = false;
    }
}

static unsigned tcp_count(void *ctx)
{
    struct tcp_peer *p = ctx;
    return p->count;
}

static size_t tcp_read(void *ctx, void *buf, size_t cap)
{
    struct tcp_peer *p = ctx;
    ssize_t n = p->fd < 0 ? -1 : recv(p->fd, buf, cap, 0);
    if (p->fd >= 0 && (n == 0 || (n < 0 && errno != EAGAIN))) {
        p->ended = true;
    }
    return n > 0 ? (size_t)n : 0;
}

static size_t tcp_write(void *ctx, const void *bytes, size_t len)
{
    struct tcp_peer *p = ctx;
    ssize_t n = p->fd < 0 ? -1 : send(p->fd, bytes, len, MSG_NOSIGNAL);
    return n > 0 ? (size_t)n : 0;
}

static void tcp_half_close(void *ctx)
{
    struct tcp_peer *p = ctx;
    assert_int_equal(shutdown(p->fd, SHUT_WR), 0);
}

static bool tcp_ended(void *ctx)
{
    struct tcp_peer *p = ctx;
    char byte;
    ssize_t n = p->fd < 0 ? -1 : recv(p->fd, &byte, 1, MSG_PEEK);
    return p->ended || (p->fd >= 0 && (n == 0 || (n < 0 && errno != EAGAIN)));
}

struct transport_maker tcp_peer_maker(struct tcp_peer *p, const char *name)
{
    return (struct transport_maker){.name = name,
                                    .ctx = p,
                                    .make = tcp_make,
                                    .end = tcp_end,
                                    .turn = tcp_turn,
                                    .peer_count = tcp_count,
                                    .peer_read = tcp_read,
                                    .peer_write = tcp_write,
                                    .peer_close = tcp_peer_close,
                                    .peer_half_close = tcp_half_close,
                                    .peer_ended = tcp_ended,
                                    .refuse = tcp_refuse};
}

/* ------------------------------------------------------------------ a serial line */

static void pty_open(struct pty_peer *p)
{
    p->master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    assert_true(p->master >= 0);
    assert_int_equal(grantpt(p->master), 0);
    assert_int_equal(unlockpt(p->master), 0);
    const char *name = ptsname(p->master);
    assert_non_null(name);
    (void)snprintf(p->path, sizeof p->path, "%s", name);
}

static struct fp_transport pty_make(void *ctx)
{
    struct pty_peer *p = ctx;
    struct fp_transport out;
    pty_open(p);
    p->count = 0;
    assert_int_equal(fp_serial_init(&p->serial, p->path, 115200, &out), FP_OK);
    return out;
}

static void pty_end(void *ctx)
{
    struct pty_peer *p = ctx;
    if (p->master >= 0) {
        (void)close(p->master);
    }
    p->master = -1;
}

static void pty_peer_close(void *ctx) /* another line, under another name, comes in its place */
{
    struct pty_peer *p = ctx;
    int gone = p->master;
    pty_open(p);
    (void)close(gone);
}

static void pty_turn(void *ctx)
{
    (void)ctx;
    (void)poll(NULL, 0, 1);
}

/* Nobody tells a line's other end; the suite asks after each open(). */
static unsigned pty_count(void *ctx)
{
    struct pty_peer *p = ctx;
    static bool stood;
    if (p->serial.stands && !stood) {
        p->count++;
    }
    stood = p->serial.stands;
    return p->count;
}

static size_t pty_read(void *ctx, void *buf, size_t cap)
{
    struct pty_peer *p = ctx;
    ssize_t n = read(p->master, buf, cap);
    return n > 0 ? (size_t)n : 0;
}

static size_t pty_write(void *ctx, const void *bytes, size_t len)
{
    struct pty_peer *p = ctx;
    ssize_t n = write(p->master, bytes, len);
    return n > 0 ? (size_t)n : 0;
}

static void pty_refuse(void *ctx)
{
    struct pty_peer *p = ctx;
    (void)snprintf(p->path, sizeof p->path, "/dev/there-is-no-such-line");
}

struct transport_maker pty_peer_maker(struct pty_peer *p, const char *name)
{
    return (struct transport_maker){.name = name,
                                    .ctx = p,
                                    .make = pty_make,
                                    .end = pty_end,
                                    .turn = pty_turn,
                                    .peer_count = pty_count,
                                    .peer_read = pty_read,
                                    .peer_write = pty_write,
                                    .peer_close = pty_peer_close,
                                    .refuse = pty_refuse};
}
