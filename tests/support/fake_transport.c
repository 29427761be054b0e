#include "tests/support/fake_transport.h"

#include <assert.h>

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t put(struct fake_pipe *pipe, const void *p, size_t len, size_t room)
{
    size_t n = pipe->len < room ? min_size(len, room - pipe->len) : 0;
    if (n > 0) {
        memcpy(pipe->bytes + pipe->len, p, n);
    }
    pipe->len += n;
    return n;
}

static size_t take(struct fake_pipe *pipe, void *buf, size_t cap)
{
    size_t n = min_size(cap, pipe->len);
    memcpy(buf, pipe->bytes, n);
    memmove(pipe->bytes, pipe->bytes + n, pipe->len - n);
    pipe->len -= n;
    return n;
}

/* ------------------------------------------------------------------ the client's end */

static enum fp_err fake_open(void *ctx)
{
    struct fake_transport *f = ctx;
    if (f->open) {
        return FP_OK;
    }
    if (f->opening < f->open_after) {
        f->opening++;
        return FP_EAGAIN;
    }
    f->opening = 0;
    if (f->refuse) {
        return f->refuse;
    }
    f->up.len = f->down.len = f->sent = 0;
    f->open = true;
    f->ended = false;
    f->count++;
    return FP_OK;
}

static bool stutters(struct fake_transport *f)
{
    f->calls++;
    return f->stutter > 0 && f->calls % f->stutter == 0;
}

static enum fp_err fake_read(void *ctx, void *buf, size_t cap, size_t *out_len)
{
    struct fake_transport *f = ctx;
    assert(cap > 0);
    if (!f->open) {
        return FP_EIO;
    }
    if (f->down.len == 0) {
        return f->ended ? FP_EIO : FP_EAGAIN;
    }
    if (stutters(f)) {
        return FP_EAGAIN;
    }
    *out_len = take(&f->down, buf, min_size(cap, f->piece));
    return FP_OK;
}

static enum fp_err fake_write(void *ctx, const void *p, size_t len, size_t *out_len)
{
    struct fake_transport *f = ctx;
    assert(len > 0);
    if (!f->open || f->ended) {
        return FP_EIO;
    }
    if (stutters(f)) {
        return FP_EAGAIN;
    }
    size_t n = put(&f->up, p, min_size(min_size(len, f->piece), f->cut_after - f->sent), f->room);
    f->sent += n;
    if (f->sent == f->cut_after) {
        f->ended = true;
    }
    *out_len = n;
    return n > 0 ? FP_OK : f->ended ? FP_EIO : FP_EAGAIN;
}

static void fake_close(void *ctx)
{
    struct fake_transport *f = ctx;
    f->open = false;
    f->opening = 0;
}

void fake_transport_init(struct fake_transport *f)
{
    memset(f, 0, sizeof *f);
    f->room = f->piece = FAKE_TRANSPORT_MAX;
    f->cut_after = SIZE_MAX;
}

struct fp_transport fake_transport_port(struct fake_transport *f)
{
    return (struct fp_transport){.ctx = f, .open = fake_open, .read = fake_read, .write = fake_write, .close = fake_close};
}

/* ------------------------------------------------------------------ the other end */

size_t fake_transport_peer_read(struct fake_transport *f, void *buf, size_t cap)
{
    return take(&f->up, buf, cap); /* also what was sent before it closed */
}

size_t fake_transport_peer_write(struct fake_transport *f, const void *p, size_t len)
{
    return f->open && !f->ended ? put(&f->down, p, len, f->room) : 0;
}

void fake_transport_peer_close(struct fake_transport *f)
{
    f->ended = true;
}
