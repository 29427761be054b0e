#include "tests/support/sim_net.h"

#include <stdlib.h>

#define WHO_SERVER 64U /* in the hash: what the server read, and from whom */

struct chunk {
    uint64_t at_us;
    size_t len;
};

struct pipe { /* one direction */
    uint8_t *buf;
    size_t len, cap;
    struct chunk *chunks;
    size_t count, chunk_cap;
    uint64_t last_us;  /* when what was written last arrives */
    bool lost;         /* what is written from now on arrives nowhere */
    size_t lost_bytes; /* so much was */
    bool ended;        /* the writer has closed, and the reader hears of it behind the last byte */
};

struct sim_conn {
    struct sim_net *net;
    struct sim_conn *next;
    size_t link;
    struct pipe up, down;
    uint64_t accept_us;
    bool accepted, client_open, server_open;
};

struct link {
    struct sim_net *net;
    size_t index;
    struct sim_conn *conn;
    uint64_t open_us; /* 0: no attempt under way */
    bool away;
};

struct sim_net {
    struct sim_random random;
    struct sim_shape shape;
    struct fp_mono now;
    struct link links[SIM_LINKS_MAX];
    struct sim_conn *conns;
    uint64_t hash, bytes, moved;
};

static void *must(void *p)
{
    if (!p) {
        abort();
    }
    return p;
}

/* ------------------------------------------------------------------ pipes */

static void pipe_push(struct sim_net *net, struct pipe *p, const uint8_t *bytes, size_t len)
{
    while (len > 0) {
        size_t n = 1 + sim_below(&net->random, net->shape.chunk_max);
        n = n < len ? n : len;
        uint64_t at = net->now.us + net->shape.delay_us + sim_below(&net->random, net->shape.jitter_us + 1);
        p->last_us = at > p->last_us ? at : p->last_us;
        if (p->count == p->chunk_cap) {
            p->chunk_cap = p->chunk_cap * 2 + 16;
            p->chunks = must(realloc(p->chunks, p->chunk_cap * sizeof(*p->chunks)));
        }
        if (p->len + n > p->cap) {
            p->cap = (p->len + n) * 2;
            p->buf = must(realloc(p->buf, p->cap));
        }
        memcpy(p->buf + p->len, bytes, n);
        p->len += n;
        p->chunks[p->count++] = (struct chunk){.at_us = p->last_us, .len = n};
        bytes += n;
        len -= n;
    }
}

static void pipe_drop_front(struct pipe *p, size_t n)
{
    p->len -= n;
    memmove(p->buf, p->buf + n, p->len);
    p->chunks[0].len -= n;
    if (p->chunks[0].len == 0) {
        p->count--;
        memmove(p->chunks, p->chunks + 1, p->count * sizeof(*p->chunks));
    }
}

static enum fp_err pipe_read(struct sim_net *net, struct pipe *p, struct fp_bytes into, size_t *out_len, uint64_t who)
{
    if (p->count == 0) {
        return p->ended && p->last_us <= net->now.us ? FP_EIO : FP_EAGAIN;
    }
    if (p->chunks[0].at_us > net->now.us) {
        return FP_EAGAIN;
    }
    size_t n = p->chunks[0].len < into.len ? p->chunks[0].len : into.len;
    memcpy((uint8_t *)(uintptr_t)into.p, p->buf, n);
    net->hash = fp_hash(net->hash, &who, sizeof(who));
    net->hash = fp_hash(net->hash, &net->now.us, sizeof(net->now.us));
    net->hash = fp_hash(net->hash, p->buf, n);
    net->bytes += n;
    net->moved += n;
    pipe_drop_front(p, n);
    *out_len = n;
    return FP_OK;
}

/* What is on its way arrives up to a random byte. */
static void pipe_tear(struct sim_net *net, struct pipe *p)
{
    size_t keep = (size_t)sim_below(&net->random, p->len + 1);
    size_t kept = 0;
    size_t i = 0;
    for (; i < p->count && kept < keep; i++) {
        p->chunks[i].len = p->chunks[i].len < keep - kept ? p->chunks[i].len : keep - kept;
        kept += p->chunks[i].len;
    }
    p->count = i;
    p->len = keep;
}

static void pipe_end(struct sim_net *net, struct pipe *p)
{
    if (!p->lost) {
        uint64_t at = net->now.us + net->shape.delay_us;
        p->last_us = at > p->last_us ? at : p->last_us;
        p->ended = true;
    }
}

static uint64_t pipe_next_us(const struct pipe *p)
{
    if (p->count > 0) {
        return p->chunks[0].at_us;
    }
    return p->ended ? p->last_us : UINT64_MAX;
}

static void pipe_fini(struct pipe *p)
{
    free(p->buf);
    free(p->chunks);
}

/* ------------------------------------------------------------------ the net */

struct sim_net *sim_net_new(uint64_t seed, struct sim_shape shape)
{
    struct sim_net *net = must(calloc(1, sizeof(*net)));
    net->random.state = seed;
    net->shape = shape;
    net->now.us = 1000000;
    net->hash = FP_HASH_START;
    for (size_t i = 0; i < SIM_LINKS_MAX; i++) {
        net->links[i] = (struct link){.net = net, .index = i};
    }
    return net;
}

static void reap(struct sim_net *net)
{
    for (struct sim_conn **at = &net->conns; *at;) {
        struct sim_conn *c = *at;
        if (c->client_open || c->server_open) {
            at = &c->next;
            continue;
        }
        *at = c->next;
        pipe_fini(&c->up);
        pipe_fini(&c->down);
        free(c);
    }
}

void sim_net_free(struct sim_net *net)
{
    for (struct sim_conn *c = net->conns; c; c = c->next) {
        c->client_open = false;
        c->server_open = false;
    }
    reap(net);
    free(net);
}

void sim_net_set_shape(struct sim_net *net, struct sim_shape shape)
{
    net->shape = shape;
}

struct fp_mono sim_net_now(const struct sim_net *net)
{
    return net->now;
}

void sim_net_set_now(struct sim_net *net, struct fp_mono now)
{
    net->now = now;
}

static uint64_t lower(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t sim_net_next_us(const struct sim_net *net)
{
    uint64_t next = UINT64_MAX;
    for (const struct sim_conn *c = net->conns; c; c = c->next) {
        uint64_t down = c->client_open ? pipe_next_us(&c->down) : UINT64_MAX;
        next = down > net->now.us ? lower(next, down) : next;
        next = c->server_open && c->accepted ? lower(next, pipe_next_us(&c->up)) : next;
        next = c->accepted ? next : lower(next, c->accept_us);
    }
    for (size_t i = 0; i < SIM_LINKS_MAX; i++) {
        next = net->links[i].open_us > net->now.us ? lower(next, net->links[i].open_us) : next;
    }
    return next;
}

uint64_t sim_net_hash(const struct sim_net *net)
{
    return net->hash;
}

uint64_t sim_net_bytes(const struct sim_net *net)
{
    return net->bytes;
}

uint64_t sim_net_moved(const struct sim_net *net)
{
    return net->moved;
}

/* ------------------------------------------------------------------ the client's end */

static enum fp_err link_open(void *ctx)
{
    struct link *l = ctx;
    struct sim_net *net = l->net;

    if (l->conn) {
        return FP_OK;
    }
    if (l->open_us == 0) {
        l->open_us = net->now.us + net->shape.delay_us + sim_below(&net->random, net->shape.jitter_us + 1);
    }
    if (net->now.us < l->open_us) {
        return FP_EAGAIN;
    }
    l->open_us = 0;
    if (l->away) {
        return FP_EIO;
    }
    struct sim_conn *c = must(calloc(1, sizeof(*c)));
    *c = (struct sim_conn){.net = net, .link = l->index, .accept_us = net->now.us + net->shape.delay_us, .client_open = true, .server_open = true};
    c->up.last_us = c->accept_us;
    struct sim_conn **end = &net->conns;
    while (*end) {
        end = &(*end)->next;
    }
    *end = c;
    l->conn = c;
    return FP_OK;
}

static enum fp_err link_read(void *ctx, void *buf, size_t cap, size_t *out_len)
{
    struct link *l = ctx;
    return l->conn ? pipe_read(l->net, &l->conn->down, fp_bytes_of(buf, cap), out_len, l->index) : FP_EIO;
}

static enum fp_err link_write(void *ctx, const void *p, size_t len, size_t *out_len)
{
    struct link *l = ctx;
    struct sim_net *net = l->net;
    if (!l->conn || l->conn->down.ended) {
        return FP_EIO;
    }
    struct pipe *up = &l->conn->up;
    size_t used = up->lost ? up->lost_bytes : up->len;
    if (len == 0 || used >= net->shape.window_bytes) {
        return FP_EAGAIN;
    }
    size_t room = net->shape.window_bytes - used;
    size_t n = len < room ? len : room;
    n = sim_chance(&net->random, 300) ? 1 + (size_t)sim_below(&net->random, n) : n;
    net->moved += n;
    if (up->lost) {
        up->lost_bytes += n;
    } else {
        pipe_push(net, up, p, n);
    }
    *out_len = n;
    return FP_OK;
}

static void link_close(void *ctx)
{
    struct link *l = ctx;
    l->open_us = 0;
    if (l->conn) {
        pipe_end(l->net, &l->conn->up);
        l->conn->client_open = false;
        l->conn = NULL;
        reap(l->net);
    }
}

struct fp_transport sim_net_transport(struct sim_net *net, size_t index)
{
    return (struct fp_transport){.ctx = &net->links[index], .open = link_open, .read = link_read, .write = link_write, .close = link_close};
}

bool sim_net_ready(const struct sim_net *net, size_t index, bool wants_write)
{
    const struct link *l = &net->links[index];
    if (!l->conn) {
        return l->open_us > 0 && l->open_us <= net->now.us;
    }
    size_t used = l->conn->up.lost ? l->conn->up.lost_bytes : l->conn->up.len;
    return pipe_next_us(&l->conn->down) <= net->now.us || (wants_write && used < net->shape.window_bytes);
}

void sim_net_cut(struct sim_net *net, size_t index, enum sim_cut how)
{
    struct sim_conn *c = net->links[index].conn;
    if (!c) {
        return;
    }
    if (how != SIM_CUT_SILENT_DOWN) {
        pipe_tear(net, &c->up);
    }
    if (how != SIM_CUT_SILENT_UP) {
        pipe_tear(net, &c->down);
    }
    if (how == SIM_CUT_RESET) {
        pipe_end(net, &c->up);
        pipe_end(net, &c->down);
    }
    c->up.lost = how != SIM_CUT_SILENT_DOWN || c->up.lost;
    c->down.lost = how != SIM_CUT_SILENT_UP || c->down.lost;
}

static void pipe_stall(struct pipe *p, uint64_t until_us)
{
    for (size_t i = 0; i < p->count; i++) {
        p->chunks[i].at_us = p->chunks[i].at_us > until_us ? p->chunks[i].at_us : until_us;
    }
    p->last_us = p->last_us > until_us ? p->last_us : until_us;
}

void sim_net_stall(struct sim_net *net, size_t index, struct fp_mono until)
{
    struct sim_conn *c = net->links[index].conn;
    if (c) {
        pipe_stall(&c->up, until.us);
        pipe_stall(&c->down, until.us);
    }
}

void sim_net_partition(struct sim_net *net, size_t index, bool away)
{
    net->links[index].away = away;
}

void sim_net_client_gone(struct sim_net *net, size_t index, bool server_hears)
{
    struct link *l = &net->links[index];
    if (l->conn && !server_hears) {
        pipe_tear(net, &l->conn->up);
        l->conn->up.lost = true;
    }
    link_close(l);
}

/* ------------------------------------------------------------------ the server's end */

struct sim_conn *sim_net_accept(struct sim_net *net)
{
    for (struct sim_conn *c = net->conns; c; c = c->next) {
        if (!c->accepted && c->accept_us <= net->now.us) {
            c->accepted = true;
            return c;
        }
    }
    return NULL;
}

enum fp_err sim_conn_read(struct sim_conn *c, void *buf, size_t cap, size_t *out_len)
{
    return pipe_read(c->net, &c->up, fp_bytes_of(buf, cap), out_len, WHO_SERVER + c->link);
}

void sim_conn_write(struct sim_conn *c, const void *p, size_t len)
{
    if (!c->down.lost && !c->down.ended) {
        pipe_push(c->net, &c->down, p, len);
    }
}

void sim_conn_close(struct sim_conn *c)
{
    pipe_end(c->net, &c->down);
    c->server_open = false;
    reap(c->net);
}

size_t sim_conn_link(const struct sim_conn *c)
{
    return c->link;
}
