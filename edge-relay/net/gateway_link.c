/* The broker's side: one socket for each client, edge-triggered, and probes while there is no client. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "edge-relay/net/gateway_parts.h"

bool gateway_reachable(const struct gateway *g)
{
    return g->reachable || g->metrics.broker_links > 0;
}

void link_close(struct link *l)
{
    struct gateway *g = l->g;

    if (l->fd < 0) {
        return;
    }
    loop_remove(g->loop, l->fd);
    (void)close(l->fd);
    l->fd = -1;
    g->metrics.broker_links -= l->pump.connected && !l->is_probe;
    g->metrics.waiting -= l->pump.waiting;
    if (g->stage_owner == l) {
        g->stage_owner = NULL;
        g->stage_len = 0;
    }
    if (l->client != NULL) {
        l->client->link = NULL;
        l->client = NULL;
    }
    *(l->prev != NULL ? &l->prev->next : &g->links) = l->next;
    if (l->next != NULL) {
        l->next->prev = l->prev;
    }
    l->next = g->dead_links;
    g->dead_links = l;
}

static void link_failed(struct link *l, const char *why)
{
    struct gateway *g = l->g;
    struct client *c = l->client;
    bool was_connected = l->pump.connected;

    g->metrics.broker_failures++;
    g->reachable = g->reachable && was_connected; /* that one connection broke does not mean that the next one would fail */
    log_flood(LOG_WARN, "broker_failed", "broker=%s reason=%s probe=%d", g->config.broker.text, why, l->is_probe);
    link_close(l);
    if (c == NULL) {
        return;
    }
    if (was_connected) {
        mqtt_close(c, 1011, "the connection to the broker broke");
    } else {
        client_refused(c, REFUSED_BROKER);
        mqtt_close(c, 1013, "the broker cannot be reached; try again later");
    }
}

static bool has_failed(int err)
{
    return err != EAGAIN && err != EWOULDBLOCK && err != EINTR;
}

/* Writes what it can of what waits. False if the link has ended. */
static bool send_waiting(struct link *l)
{
    while (l->pump.connected && l->pump.writable && l->pump.waiting > 0) {
        size_t offered = l->pump.waiting;
        ssize_t n = send(l->fd, l->own_waiting + l->waiting_at, offered, MSG_NOSIGNAL);

        if (n < 0 && has_failed(errno)) {
            link_failed(l, strerror(errno));
            return false;
        }
        size_t sent = n > 0 ? (size_t)n : 0;
        pump_up_sent(&l->pump, sent, offered);
        pump_up_went(&l->pump, sent);
        l->waiting_at += sent;
        l->g->metrics.waiting -= sent;
    }
    if (l->pump.waiting == 0) {
        free(l->own_waiting);
        l->own_waiting = NULL;
        l->waiting_at = 0;
    }
    return true;
}

static bool wait_for_broker(struct link *l, const uint8_t *bytes, size_t len)
{
    size_t before = l->pump.waiting;

    if (!pump_up_wait(&l->pump, len)) {
        return false;
    }
    uint8_t *own_more = malloc(before + len);
    if (own_more == NULL) {
        pump_up_went(&l->pump, len);
        return false;
    }
    if (before > 0) {
        memcpy(own_more, l->own_waiting + l->waiting_at, before);
    }
    memcpy(own_more + before, bytes, len);
    free(l->own_waiting);
    l->own_waiting = own_more;
    l->waiting_at = 0;
    l->g->metrics.waiting += len;
    return true;
}

void stage_flush(struct gateway *g)
{
    struct link *l = g->stage_owner;
    size_t len = g->stage_len;
    size_t sent = 0;

    g->stage_owner = NULL;
    g->stage_len = 0;
    if (l == NULL || l->fd < 0) {
        return;
    }
    if (pump_up_direct(&l->pump)) {
        ssize_t n = send(l->fd, g->stage, len, MSG_NOSIGNAL);

        if (n < 0 && has_failed(errno)) {
            link_failed(l, strerror(errno));
            return;
        }
        sent = n > 0 ? (size_t)n : 0;
        pump_up_sent(&l->pump, sent, len);
    }
    if (sent < len && !wait_for_broker(l, g->stage + sent, len - sent)) {
        link_failed(l, "too many bytes wait for it");
        return;
    }
    if (l->client != NULL && l->client->wsi != NULL && !pump_client_may_be_read(&l->pump)) {
        (void)lws_rx_flow_control(l->client->wsi, 0); /* it fails with the connection only */
    }
}

bool link_take(struct link *l, const uint8_t *bytes, size_t len)
{
    struct gateway *g = l->g;

    g->metrics.bytes_up += len;
    if (g->stage_owner != l || len > sizeof g->stage - g->stage_len) {
        stage_flush(g);
        if (l->fd < 0) {
            return false;
        }
    }
    if (len > sizeof g->stage) {
        return false;
    }
    memcpy(g->stage + g->stage_len, bytes, len);
    g->stage_len += len;
    g->stage_owner = l;
    return true;
}

static void link_is_connected(struct link *l)
{
    struct gateway *g = l->g;

    if (!g->reachable) {
        log_line(LOG_INFO, "broker_reachable", "broker=%s", g->config.broker.text);
    }
    g->reachable = true;
    if (l->is_probe) {
        link_close(l);
        return;
    }
    pump_connected(&l->pump);
    g->metrics.broker_links++;
    if (l->client != NULL) {
        l->deadline.us = 0;
    }
}

static void link_ready(void *ctx, uint32_t events)
{
    struct link *l = ctx;
    int err = 0;
    socklen_t len = sizeof err;

    if (l->fd < 0) {
        return; /* it ended in this turn */
    }
    if (!l->pump.connected) {
        if (getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &err, &len) != 0 || err != 0) {
            link_failed(l, strerror(err));
            return;
        }
        if (!(events & EPOLLOUT)) {
            return;
        }
        link_is_connected(l);
        if (l->fd < 0) {
            return;
        }
    }
    pump_broker_event(&l->pump, (events & EPOLLIN) != 0, (events & EPOLLOUT) != 0, (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0);
    if (!send_waiting(l)) {
        return;
    }
    if (l->client == NULL) {
        if (l->pump.waiting == 0 || l->pump.ended) {
            link_close(l);
        }
        return;
    }
    if (pump_client_may_be_read(&l->pump)) {
        (void)lws_rx_flow_control(l->client->wsi, 1); /* it fails with the connection only */
    }
    if (pump_down_wanted(&l->pump)) {
        (void)lws_callback_on_writable(l->client->wsi);
    }
}

/* NULL if there is no memory or no socket; *out_why is why. */
static struct link *link_new(struct gateway *g, const char **out_why)
{
    const struct address *to = &g->broker;
    int on = 1;
    struct link *l = calloc(1, sizeof *l);

    *out_why = "no memory";
    if (l == NULL) {
        return NULL;
    }
    *l = (struct link){
        .g = g, .watch = {.ready = link_ready, .ctx = l}, .fd = socket(to->to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    pump_init(&l->pump, CHUNK_BYTES, WAITING_BYTES_MAX);
    l->deadline.us = loop_now().us + g->config.connect_s * 1000000U;
    if (l->fd >= 0 && to->to.ss_family != AF_UNIX) {
        (void)setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* without it: slower, not wrong */
    }
    if (l->fd < 0 || (connect(l->fd, (const struct sockaddr *)&to->to, to->len) != 0 && errno != EINPROGRESS) ||
        !loop_add(g->loop, l->fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, &l->watch)) {
        *out_why = strerror(errno);
        if (l->fd >= 0) {
            (void)close(l->fd);
        }
        free(l);
        return NULL;
    }
    l->next = g->links;
    if (g->links != NULL) {
        g->links->prev = l;
    }
    g->links = l;
    return l;
}

static void no_link(struct gateway *g, const char *why, int probe)
{
    g->metrics.broker_failures++;
    if (g->reachable || !probe) {
        log_flood(LOG_WARN, "broker_failed", "broker=%s reason=%s probe=%d", g->config.broker.text, why, probe);
    }
    g->reachable = false;
}

void link_open(struct client *c)
{
    const char *why = NULL;
    struct link *l = link_new(c->g, &why);

    c->g->probed = loop_now();
    if (l == NULL) {
        no_link(c->g, why, 0);
        client_refused(c, REFUSED_BROKER);
        mqtt_close(c, 1013, "the broker cannot be reached; try again later");
        return;
    }
    l->client = c;
    c->link = l;
}

void link_probe(struct gateway *g)
{
    const char *why = NULL;
    struct link *l = link_new(g, &why);

    g->probed = loop_now();
    if (l == NULL) {
        no_link(g, why, 1);
        return;
    }
    l->is_probe = true;
}

void link_tick(struct link *l, struct fp_mono now)
{
    if (l->deadline.us == 0 || now.us < l->deadline.us) {
        return;
    }
    if (l->pump.connected) {
        link_close(l); /* what waited for the broker when the client went; it had its time */
    } else {
        link_failed(l, "it did not accept the connection in time");
    }
}
