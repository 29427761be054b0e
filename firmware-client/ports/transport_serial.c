#include "firmware-client/ports/transport_serial.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

static const struct {
    uint32_t baud;
    speed_t speed;
} SPEEDS[] = {
    {1200, B1200},     {2400, B2400},   {4800, B4800},     {9600, B9600},     {19200, B19200},
    {38400, B38400},   {57600, B57600}, {115200, B115200}, {230400, B230400},
#ifdef B460800
    {460800, B460800},
#endif
#ifdef B921600
    {921600, B921600},
#endif
};

static bool speed_of(uint32_t baud, speed_t *out)
{
    for (size_t i = 0; i < sizeof SPEEDS / sizeof SPEEDS[0]; i++) {
        if (SPEEDS[i].baud == baud) {
            *out = SPEEDS[i].speed;
            return true;
        }
    }
    return false;
}

/* Bytes as they are, and read() that says EAGAIN instead of 0 when there is nothing. */
static bool make_raw(int fd, uint32_t baud)
{
    struct termios line;
    speed_t speed;
    if (tcgetattr(fd, &line) != 0) {
        return false;
    }
    cfmakeraw(&line);
    line.c_cflag |= CLOCAL | CREAD;
    line.c_cflag &= ~(tcflag_t)CSTOPB;
    line.c_cc[VMIN] = 1;
    line.c_cc[VTIME] = 0;
    if (speed_of(baud, &speed) && cfsetspeed(&line, speed) != 0) {
        return false;
    }
    return tcsetattr(fd, TCSANOW, &line) == 0;
}

static bool make_nonblocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

static void let_go(struct fp_serial *s)
{
    if (s->path && s->fd >= 0) {
        (void)close(s->fd); /* the descriptor is gone whatever it says */
        s->fd = -1;
    }
    s->stands = false;
}

static enum fp_err serial_open(void *ctx)
{
    struct fp_serial *s = ctx;
    if (s->stands) {
        return FP_OK;
    }
    s->why = 0;
    if (s->path) {
        s->fd = open(s->path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    }
    bool fine = s->fd >= 0 && make_nonblocking(s->fd);
    if (fine && (s->path || isatty(s->fd))) {
        fine = make_raw(s->fd, s->baud) && tcflush(s->fd, TCIFLUSH) == 0; /* what came before belongs to nobody */
    }
    if (!fine) {
        s->why = errno;
        let_go(s);
        return FP_EIO;
    }
    s->stands = true;
    return FP_OK;
}

static enum fp_err failed(struct fp_serial *s)
{
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) {
        return FP_EAGAIN;
    }
    s->why = errno;
    return FP_EIO;
}

static enum fp_err serial_read(void *ctx, void *buf, size_t cap, size_t *out_len)
{
    struct fp_serial *s = ctx;
    assert(cap > 0);
    if (!s->stands) {
        return FP_EIO;
    }
    ssize_t n = read(s->fd, buf, cap);
    if (n <= 0) {
        return n == 0 ? FP_EIO : failed(s); /* 0: hung up */
    }
    *out_len = (size_t)n;
    return FP_OK;
}

static enum fp_err serial_write(void *ctx, const void *p, size_t len, size_t *out_len)
{
    struct fp_serial *s = ctx;
    assert(len > 0);
    if (!s->stands) {
        return FP_EIO;
    }
    ssize_t n = s->socket ? send(s->fd, p, len, MSG_NOSIGNAL) : write(s->fd, p, len);
    if (n <= 0) {
        return n == 0 ? FP_EAGAIN : failed(s);
    }
    *out_len = (size_t)n;
    return FP_OK;
}

static void serial_close(void *ctx)
{
    struct fp_serial *s = ctx;
    if (s->stands && !s->path && isatty(s->fd)) {
        (void)tcflush(s->fd, TCIFLUSH); /* a line that is gone has nothing to forget */
    }
    let_go(s);
}

/* ------------------------------------------------------------------ */

static struct fp_transport port_of(struct fp_serial *s)
{
    return (struct fp_transport){.ctx = s, .open = serial_open, .read = serial_read, .write = serial_write, .close = serial_close};
}

enum fp_err fp_serial_init(struct fp_serial *s, const char *path, uint32_t baud, struct fp_transport *out)
{
    speed_t speed;
    if (!path || !*path || (baud != 0 && !speed_of(baud, &speed))) {
        return FP_ECONFIG;
    }
    *s = (struct fp_serial){.path = path, .baud = baud, .fd = -1};
    *out = port_of(s);
    return FP_OK;
}

enum fp_err fp_serial_init_fd(struct fp_serial *s, int fd, struct fp_transport *out)
{
    int type = 0;
    socklen_t len = sizeof type;
    if (fd < 0) {
        return FP_ECONFIG;
    }
    *s = (struct fp_serial){.fd = fd, .socket = getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0};
    *out = port_of(s);
    return FP_OK;
}

int fp_serial_fd(const struct fp_serial *s)
{
    return s->fd;
}
