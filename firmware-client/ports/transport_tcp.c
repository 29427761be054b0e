#include "firmware-client/ports/transport_tcp.h"

#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void say(struct fp_tcp *t, const char *what, const char *why)
{
    (void)snprintf(t->error, sizeof t->error, "%s port %s: %s%s%s", t->host, t->port, what, *what ? ": " : "", why); /* cut off is fine */
}

static void drop_socket(struct fp_tcp *t)
{
    if (t->fd >= 0) {
        (void)close(t->fd); /* the descriptor is gone whatever it says */
    }
    t->fd = -1;
    t->stands = false;
}

static void drop_addresses(struct fp_tcp *t)
{
    if (t->own_found) {
        freeaddrinfo(t->own_found);
    }
    t->own_found = NULL;
    t->at = NULL;
}

/* ------------------------------------------------------------------ the addresses, in turn */

static enum fp_err look_up(struct fp_tcp *t)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    int code = getaddrinfo(t->host, t->port, &hints, &t->own_found);
    if (code) {
        t->own_found = NULL;
        say(t, "the name is not known", code == EAI_SYSTEM ? strerror(errno) : gai_strerror(code));
        return FP_EIO;
    }
    size_t count = 0;
    for (const struct addrinfo *a = t->own_found; a; a = a->ai_next) {
        count++;
    }
    t->first = count > 0 ? t->first % count : 0;
    t->at = t->own_found;
    for (t->at_index = 0; t->at_index < t->first; t->at_index++) {
        t->at = t->at->ai_next;
    }
    return FP_OK;
}

/* The address behind this one, or the first one behind the last; NULL when all were tried. */
static void next_address(struct fp_tcp *t)
{
    t->at_index = t->at->ai_next ? t->at_index + 1 : 0;
    t->at = t->at->ai_next ? t->at->ai_next : t->own_found;
    if (t->at_index == t->first) {
        t->at = NULL;
    }
}

/* Small packets go at once; a peer that is gone is noticed some day even when nobody speaks. Neither is worth failing for. */
static void set_options(int fd)
{
    const int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
}

/* 0, EINPROGRESS, or why this address is no good. */
static int start_connect(struct fp_tcp *t)
{
    t->fd = socket(t->at->ai_family, t->at->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, t->at->ai_protocol);
    if (t->fd < 0) {
        return errno;
    }
    set_options(t->fd);
    if (connect(t->fd, t->at->ai_addr, t->at->ai_addrlen) == 0) {
        return 0;
    }
    return errno == EINTR ? EINPROGRESS : errno; /* an interrupted connect() goes on by itself */
}

/* Likewise, of the connect() that is under way. */
static int ask_connect(const struct fp_tcp *t)
{
    int code = 0;
    socklen_t len = sizeof code;
    if (getsockopt(t->fd, SOL_SOCKET, SO_ERROR, &code, &len) != 0) {
        return errno;
    }
    if (code) {
        return code;
    }
    struct sockaddr_storage peer;
    len = sizeof peer;
    return getpeername(t->fd, (struct sockaddr *)&peer, &len) == 0 ? 0 : errno == ENOTCONN ? EINPROGRESS : errno;
}

static enum fp_err tcp_open(void *ctx)
{
    struct fp_tcp *t = ctx;
    if (t->stands) {
        return FP_OK;
    }
    if (!t->own_found) {
        t->error[0] = '\0';
        enum fp_err err = look_up(t);
        if (err) {
            return err;
        }
    }
    while (t->at) {
        int code = t->fd >= 0 ? ask_connect(t) : start_connect(t);
        if (code == EINPROGRESS) {
            return FP_EAGAIN;
        }
        if (code == 0) {
            t->stands = true;
            t->first = t->at_index; /* what worked is tried first the next time */
            t->error[0] = '\0';
            drop_addresses(t);
            return FP_OK;
        }
        say(t, "", strerror(code));
        drop_socket(t);
        next_address(t);
    }
    drop_addresses(t);
    return FP_EIO;
}

/* ------------------------------------------------------------------ the stream */

static enum fp_err failed(struct fp_tcp *t)
{
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) {
        return FP_EAGAIN;
    }
    say(t, "the connection has ended", strerror(errno));
    return FP_EIO;
}

static enum fp_err tcp_read(void *ctx, void *buf, size_t cap, size_t *out_len)
{
    struct fp_tcp *t = ctx;
    assert(cap > 0);
    if (!t->stands) {
        return FP_EIO;
    }
    ssize_t n = recv(t->fd, buf, cap, 0);
    if (n < 0) {
        return failed(t);
    }
    if (n == 0) {
        say(t, "", "the other side has closed the connection");
        return FP_EIO;
    }
    *out_len = (size_t)n;
    return FP_OK;
}

static enum fp_err tcp_write(void *ctx, const void *p, size_t len, size_t *out_len)
{
    struct fp_tcp *t = ctx;
    assert(len > 0);
    if (!t->stands) {
        return FP_EIO;
    }
    ssize_t n = send(t->fd, p, len, MSG_NOSIGNAL);
    if (n <= 0) {
        return n == 0 ? FP_EAGAIN : failed(t);
    }
    *out_len = (size_t)n;
    return FP_OK;
}

static void tcp_close(void *ctx)
{
    struct fp_tcp *t = ctx;
    if (t->at) {
        t->first = t->at_index + 1; /* it hung */
    }
    drop_addresses(t);
    drop_socket(t);
}

/* ------------------------------------------------------------------ */

enum fp_err fp_tcp_init(struct fp_tcp *t, const char *host, const char *port, struct fp_transport *out)
{
    if (!host || !*host || !port || !*port) {
        return FP_ECONFIG;
    }
    *t = (struct fp_tcp){.host = host, .port = port, .fd = -1};
    *out = (struct fp_transport){.ctx = t, .open = tcp_open, .read = tcp_read, .write = tcp_write, .close = tcp_close};
    return FP_OK;
}

int fp_tcp_fd(const struct fp_tcp *t)
{
    return t->fd;
}

const char *fp_tcp_error(const struct fp_tcp *t)
{
    return t->error;
}
