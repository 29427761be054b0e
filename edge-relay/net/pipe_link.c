#include "edge-relay/net/pipe_link.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "edge-relay/app/pipe.h"
#include "edge-relay/net/address.h"
#include "edge-relay/net/pipe_secrets.h"
#include "firmware-client/ports/posix.h"
#include "firmware-client/ports/transport_tcp.h"

#define CLIENT_ID_MAX 64
#define REASON_MAX 512

struct link_end {
    struct pipe_link *link;
    struct fp_tcp tcp;
    struct fp_tls tls;
    bool has_tls;
    char host[CONFIG_TEXT_MAX], port[8];
    char *own_password;
    int fd; /* that the loop knows; -1: none */
    uint32_t events;
    struct loop_fd watch;
};

struct pipe_link {
    struct loop *loop;
    struct pipe *pipe;
    struct link_end ends[PIPE_SIDES];
    char relay[CONFIG_TEXT_MAX];
    char client_id[CLIENT_ID_MAX];
    int timer, netlink;
    struct loop_fd timer_watch, netlink_watch;
};

static const char *const side_names[PIPE_SIDES] = {"site", "hub"};

/* ------------------------------------------------------------------ the loop's descriptors */

static void unwatch(struct link_end *e)
{
    if (e->fd >= 0) {
        loop_remove(e->link->loop, e->fd);
        e->fd = -1;
    }
}

/* An attempt may go on with another socket under the same number, which the loop has then not heard of: it is told each time. */
static void watch(struct link_end *e, enum pipe_side side)
{
    const struct pipe *p = e->link->pipe;
    bool shaky = !e->tcp.stands;
    int fd = fp_tcp_fd(&e->tcp);
    uint32_t events = (pipe_wants_read(p, side) ? (uint32_t)EPOLLIN : 0) | (pipe_wants_write(p, side) ? (uint32_t)EPOLLOUT : 0);
    if (fd >= 0 && e->tcp.stands && pipe_stats(p, side).state == PIPE_CONNECTING) {
        events |= EPOLLIN; /* a TLS handshake waits for the peer */
        events &= ~(uint32_t)EPOLLOUT;
    }
    if (fd == e->fd && events == e->events && !shaky) {
        return;
    }
    unwatch(e);
    if (fd >= 0 && events != 0 && loop_add(e->link->loop, fd, events, &e->watch)) {
        e->fd = fd;
        e->events = events;
    }
}

static void drive(struct pipe_link *l)
{
    struct fp_mono now = fp_posix_mono();
    uint64_t next = pipe_poll(l->pipe, now);
    struct itimerspec at = {0};
    for (int i = 0; i < PIPE_SIDES; i++) {
        watch(&l->ends[i], (enum pipe_side)i);
    }
    if (next != PIPE_FOREVER) {
        uint64_t us = next > now.us ? next - now.us : 1;
        at.it_value.tv_sec = (time_t)(us / 1000000);
        at.it_value.tv_nsec = (long)(us % 1000000) * 1000;
    }
    (void)timerfd_settime(l->timer, 0, &at, NULL); /* fails for a bad time or descriptor only */
}

static void on_bytes(void *ctx, uint32_t events)
{
    (void)events;
    struct link_end *e = ctx;
    drive(e->link);
}

static void on_time(void *ctx, uint32_t events)
{
    (void)events;
    struct pipe_link *l = ctx;
    uint64_t count = 0;
    (void)!read(l->timer, &count, sizeof count); /* without it the descriptor stays readable */
    drive(l);
}

/* An address or a link has come or gone: what failed a minute ago may work now. */
static void on_network(void *ctx, uint32_t events)
{
    (void)events;
    struct pipe_link *l = ctx;
    char news[8192];
    while (recv(l->netlink, news, sizeof news, MSG_DONTWAIT) > 0) {
    }
    pipe_wake(l->pipe, fp_posix_mono());
    drive(l);
}

/* ------------------------------------------------------------------ what it tells */

/* What failed, and behind it, in brackets, why: a layer below may know more. */
static const char *reason(const struct link_end *e, const struct pipe_event *event, char buf[REASON_MAX])
{
    const char *tls = e->has_tls ? fp_tls_error(&e->tls) : "";
    const char *tcp = fp_tcp_error(&e->tcp);
    const char *first = event->why ? event->why : *tls ? tls : *tcp ? tcp : fp_err_name(event->err);
    const char *second = event->why ? tls : *tls ? tcp : "";
    (void)snprintf(buf, REASON_MAX, "%s%s%s%s", first, *second ? " (" : "", second, *second ? ")" : ""); /* cut off is fine */
    return buf;
}

static void on_event(void *ctx, const struct pipe_event *event)
{
    struct pipe_link *l = ctx;
    const struct link_end *e = &l->ends[event->side];
    char why[REASON_MAX];
    if (event->state == PIPE_UP) {
        log_line(LOG_INFO, "trunk_up", "side=%s relay=%s peer=%s port=%s", side_names[event->side], l->relay, e->host, e->port);
    } else {
        log_line(LOG_WARN, "trunk_down", "side=%s relay=%s peer=%s port=%s reason=%s retry_ms=%llu", side_names[event->side], l->relay, e->host,
                 e->port, reason(e, event, why), (unsigned long long)event->retry_ms);
    }
}

size_t pipe_link_metrics(const struct pipe_link *l, char *out, size_t cap)
{
    size_t len = 0;
    for (int i = 0; l && i < PIPE_SIDES; i++) {
        struct pipe_stats s = pipe_stats(l->pipe, (enum pipe_side)i);
        const struct {
            const char *name, *type, *help;
            uint64_t value;
        } rows[] = {
            {"up", "gauge", "1 while the session stands", s.state == PIPE_UP},
            {"connects_total", "counter", "sessions that stood", s.connects},
            {"failures_total", "counter", "attempts that failed and sessions that broke", s.failures},
            {"frames_total", "counter", "frames published there", s.frames_out},
            {"bytes_total", "counter", "bytes of these frames", s.bytes_out},
            {"dropped_frames_total", "counter", "frames lost with a session; the trunk sends them again", s.dropped},
            {"waiting_bytes", "gauge", "bytes that wait for it now", s.waiting_bytes},
        };
        for (size_t k = 0; k < sizeof rows / sizeof rows[0] && len < cap; k++) {
            int n = i == 0 ? snprintf(out + len, cap - len, "# HELP fieldpost_trunk_%s %s\n# TYPE fieldpost_trunk_%s %s\n", rows[k].name,
                                      rows[k].help, rows[k].name, rows[k].type)
                           : 0;
            len += n > 0 ? (size_t)n : 0;
            if (len < cap) {
                n = snprintf(out + len, cap - len, "fieldpost_trunk_%s{side=\"%s\"} %llu\n", rows[k].name, side_names[i],
                             (unsigned long long)rows[k].value);
                len += n > 0 ? (size_t)n : 0;
            }
        }
    }
    return len < cap ? len : cap > 0 ? cap - 1 : 0;
}

/* ------------------------------------------------------------------ life */

static bool open_end(struct pipe_link *l, enum pipe_side side, const char *address, const char *option, struct pipe_end_config *out,
                     char error[CONFIG_ERROR_MAX])
{
    struct link_end *e = &l->ends[side];
    *e = (struct link_end){.link = l, .fd = -1, .watch = {on_bytes, e}};
    if (!address_split(address, e->host, sizeof e->host, e->port, sizeof e->port) || fp_tcp_init(&e->tcp, e->host, e->port, &out->transport)) {
        (void)snprintf(error, CONFIG_ERROR_MAX, "option %s: HOST:PORT is expected", option);
        return false;
    }
    out->user = l->relay;
    out->client_id = l->client_id;
    return true;
}

static bool open_watches(struct pipe_link *l, char error[CONFIG_ERROR_MAX])
{
    struct sockaddr_nl to = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR};
    l->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    l->timer_watch = (struct loop_fd){on_time, l};
    if (l->timer < 0 || !loop_add(l->loop, l->timer, EPOLLIN, &l->timer_watch)) {
        (void)snprintf(error, CONFIG_ERROR_MAX, "no timer: %s", strerror(errno));
        return false;
    }
    /* Where a sandbox forbids it, the next attempt comes by the clock alone. */
    l->netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    l->netlink_watch = (struct loop_fd){on_network, l};
    if (l->netlink >= 0 &&
        (bind(l->netlink, (const struct sockaddr *)&to, sizeof to) || !loop_add(l->loop, l->netlink, EPOLLIN, &l->netlink_watch))) {
        (void)close(l->netlink);
        l->netlink = -1;
    }
    return true;
}

static bool open_ends(struct pipe_link *l, const struct config *c, struct pipe_config *out, char error[CONFIG_ERROR_MAX])
{
    struct pipe_end_config *hub = &out->ends[PIPE_HUB];
    if (!open_end(l, PIPE_SITE, c->site.text, "site", &out->ends[PIPE_SITE], error) || !open_end(l, PIPE_HUB, c->hub.text, "hub", hub, error) ||
        !pipe_password(c->site_password_file.text, "site_password_file", &l->ends[PIPE_SITE].own_password, error) ||
        !pipe_password(c->hub_password_file.text, "hub_password_file", &l->ends[PIPE_HUB].own_password, error)) {
        return false;
    }
    for (int i = 0; i < PIPE_SIDES; i++) {
        out->ends[i].password = l->ends[i].own_password;
    }
    struct link_end *e = &l->ends[PIPE_HUB];
    if (pipe_wants_tls(c)) {
        struct fp_transport inner = hub->transport;
        e->has_tls = pipe_tls(c, e->host, &e->tls, &inner, &hub->transport, error);
        return e->has_tls;
    }
    return true;
}

/* By the options, with all that they name; NULL and the error where something is wrong. Nothing is watched or connected. */
static struct pipe_link *make(struct loop *loop, const struct config *c, char error[CONFIG_ERROR_MAX])
{
    struct pipe_link *l = calloc(1, sizeof *l);
    if (!l) {
        (void)snprintf(error, CONFIG_ERROR_MAX, "no memory for the trunk");
        return NULL;
    }
    l->loop = loop;
    l->timer = l->netlink = -1;
    l->ends[PIPE_SITE].fd = l->ends[PIPE_HUB].fd = -1;
    memcpy(l->relay, c->relay.text, sizeof l->relay);
    (void)snprintf(l->client_id, sizeof l->client_id, "%.40s.trunk", l->relay);
    struct pipe_config config = {.relay = l->relay, .random = fp_posix_random(), .told = on_event, .told_ctx = l};
    bool fine = open_ends(l, c, &config, error);
    if (fine && pipe_open(&config, &l->pipe)) {
        (void)snprintf(error, CONFIG_ERROR_MAX, "option relay: a name of 1 to 36 characters of A-Z a-z 0-9 . _ ~ - is expected");
        fine = false;
    }
    if (!fine) {
        pipe_link_close(l);
        return NULL;
    }
    return l;
}

bool pipe_link_check(const struct config *c, char out_error[CONFIG_ERROR_MAX])
{
    struct pipe_link *l = c->relay.text[0] != '\0' ? make(NULL, c, out_error) : NULL;
    bool fine = l || c->relay.text[0] == '\0';
    pipe_link_close(l);
    return fine;
}

bool pipe_link_open(struct loop *loop, const struct config *c, struct pipe_link **out, char out_error[CONFIG_ERROR_MAX])
{
    *out = NULL;
    if (c->relay.text[0] == '\0') {
        return true;
    }
    struct pipe_link *l = make(loop, c, out_error);
    if (!l || !open_watches(l, out_error)) {
        pipe_link_close(l);
        return false;
    }
    drive(l);
    *out = l;
    return true;
}

void pipe_link_close(struct pipe_link *l)
{
    if (!l) {
        return;
    }
    for (int i = 0; i < PIPE_SIDES; i++) {
        unwatch(&l->ends[i]);
    }
    pipe_close(l->pipe);
    for (int i = 0; i < PIPE_SIDES; i++) {
        struct link_end *e = &l->ends[i];
        if (e->has_tls) {
            fp_tls_fini(&e->tls);
        }
        if (e->own_password) {
            explicit_bzero(e->own_password, strlen(e->own_password));
            free(e->own_password);
        }
    }
    int fds[] = {l->timer, l->netlink};
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++) {
        if (fds[i] >= 0) {
            loop_remove(l->loop, fds[i]);
            (void)close(fds[i]);
        }
    }
    free(l);
}
