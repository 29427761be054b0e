#include "tests/bench/netbuf.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>

#include "tests/bench/measure.h"

#define FDS_MAX 65536
#define ROOM 65536

/* Not <unistd.h>: with _FORTIFY_SOURCE it has its own ideas of read(). */
long syscall(long number, ...);
ssize_t read(int fd, void *buf, size_t count);
ssize_t write(int fd, const void *buf, size_t count);
int socketpair(int domain, int type, int protocol, int fds[2]);

struct netbuf {
    size_t in_at, in_len;
    size_t out_at, out_len;
    bool ended;
    int error; /* errno of a failed read or write, for libmosquitto to see */
    uint8_t in[ROOM];
    uint8_t out[ROOM];
};

static struct netbuf *attached[FDS_MAX];

static struct netbuf *find(int fd)
{
    return fd >= 0 && fd < FDS_MAX ? attached[fd] : NULL;
}

void netbuf_attach(int fd)
{
    if (fd < 0 || fd >= FDS_MAX || attached[fd] != NULL) {
        bench_die("socket %d cannot be buffered", fd);
    }
    attached[fd] = bench_alloc(1, sizeof *attached[fd]);
}

void netbuf_detach(int fd)
{
    struct netbuf *b = find(fd);
    if (b != NULL) {
        free(b);
        attached[fd] = NULL;
    }
}

void netbuf_fill(int fd)
{
    struct netbuf *b = find(fd);
    if (b == NULL || b->in_at < b->in_len) {
        return;
    }
    long got = syscall(SYS_read, fd, b->in, sizeof b->in);
    b->in_at = 0;
    b->in_len = got > 0 ? (size_t)got : 0;
    b->ended = got == 0;
    if (got < 0 && errno != EAGAIN && errno != EINTR) {
        b->error = errno;
    }
}

bool netbuf_has_input(int fd)
{
    const struct netbuf *b = find(fd);
    return b != NULL && (b->in_at < b->in_len || b->ended || b->error != 0);
}

bool netbuf_flush(int fd)
{
    struct netbuf *b = find(fd);
    while (b != NULL && b->error == 0 && b->out_at < b->out_len) {
        long put = syscall(SYS_write, fd, b->out + b->out_at, b->out_len - b->out_at);
        if (put >= 0) {
            b->out_at += (size_t)put;
        } else if (errno == EAGAIN) {
            return false;
        } else if (errno != EINTR) {
            b->error = errno;
        }
    }
    if (b != NULL) {
        b->out_at = b->out_len = 0;
    }
    return true;
}

ssize_t read(int fd, void *buf, size_t count)
{
    struct netbuf *b = find(fd);
    if (b == NULL) {
        return syscall(SYS_read, fd, buf, count);
    }
    size_t left = b->in_len - b->in_at;
    if (left > 0) {
        size_t taken = count < left ? count : left;
        memcpy(buf, b->in + b->in_at, taken);
        b->in_at += taken;
        return (ssize_t)taken;
    }
    if (b->ended) {
        return 0;
    }
    errno = b->error != 0 ? b->error : EAGAIN;
    return -1;
}

ssize_t write(int fd, const void *buf, size_t count)
{
    struct netbuf *b = find(fd);
    if (b == NULL) {
        return syscall(SYS_write, fd, buf, count);
    }
    if (sizeof b->out - b->out_len < count) {
        (void)netbuf_flush(fd); /* what it could not write shows in the room that is left */
    }
    size_t room = sizeof b->out - b->out_len;
    if (b->error != 0 || room == 0) {
        errno = b->error != 0 ? b->error : EAGAIN;
        return -1;
    }
    size_t taken = count < room ? count : room;
    memcpy(b->out + b->out_len, buf, taken);
    b->out_len += taken;
    return (ssize_t)taken;
}

/* Only libmosquitto asks, for a pair to wake its own thread with; it does well without one. */
int socketpair(int domain, int type, int protocol, int fds[2])
{
    (void)domain;
    (void)type;
    (void)protocol;
    fds[0] = fds[1] = -1;
    errno = EMFILE;
    return -1;
}
