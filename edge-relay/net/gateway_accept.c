/* Who comes in: listeners, limits by address, and the end of a connection. */
#define _GNU_SOURCE /* accept4 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "edge-relay/net/gateway_parts.h"

#define ACCEPTS_AT_ONCE 32
#define SOCKETS_BESIDE_CLIENTS 256 /* for requests, handshakes and answers to those who are too many */

static const char *const kind_names[] = {"ws", "wss", "metrics"};

void client_peer_text(const struct client *c, char out[ADDRESS_TEXT_MAX])
{
    struct address a = {.len = sizeof a.to};

    out[0] = '\0';
    if (c->wsi != NULL && getpeername(lws_get_socket_fd(c->wsi), (struct sockaddr *)&a.to, &a.len) == 0) {
        address_text(&a, out);
    }
}

void client_refused(struct client *c, enum refusal why)
{
    char peer[ADDRESS_TEXT_MAX];

    c->g->metrics.refused[why]++;
    client_peer_text(c, peer);
    log_flood(LOG_INFO, "refused", "reason=%s listener=%s peer=%s", refusal_name(why), kind_names[c->from], peer);
}

void client_ended(struct client *c)
{
    struct gateway *g = c->g;

    if (c->state == CLIENT_HEADERS && g->headers_overflowed) {
        client_refused(c, REFUSED_HEADERS); /* libwebsockets gave up on them, without an answer */
    }
    g->headers_overflowed = false;
    if (g->adopting == c) {
        g->adopting = NULL;
    }
    if (c->link != NULL) {
        struct link *l = c->link;

        if (g->stage_owner == l) {
            stage_flush(g);
        }
        c->link = NULL;
        l->client = NULL;
        if (l->fd >= 0 && l->pump.waiting > 0) { /* a DISCONNECT, perhaps: without it the broker publishes the will */
            l->deadline.us = loop_now().us + g->config.connect_s * 1000000U;
        } else {
            link_close(l);
        }
    }
    g->metrics.clients -= c->state == CLIENT_MQTT;
    g->metrics.sockets--;
    limits_closed(c->limits_entry);
    c->wsi = NULL;
    *(c->prev != NULL ? &c->prev->next : &g->clients) = c->next;
    if (c->next != NULL) {
        c->next->prev = c->prev;
    }
    c->next = g->dead_clients;
    g->dead_clients = c;
}

static void adopt(struct listener *l, int fd, enum limits_verdict verdict, struct limits_entry *entry)
{
    struct gateway *g = l->g;
    struct client *c = calloc(1, sizeof *c);
    int on = 1;

    if (c == NULL) {
        limits_closed(entry);
        (void)close(fd);
        return;
    }
    *c = (struct client){.next = g->clients, .g = g, .limits_entry = entry, .verdict = verdict, .from = l->kind, .state = CLIENT_HEADERS};
    c->deadline.us = loop_now().us + g->config.handshake_s * 1000000U;
    if (g->clients != NULL) {
        g->clients->prev = c;
    }
    g->clients = c;
    g->metrics.sockets++;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* without it: slower, not wrong */
    g->adopting = c;
    g->adopting_has_wsi = false;
    lws_adopt_desc_t a = {
        .vh = g->vhosts[l->kind], .type = LWS_ADOPT_SOCKET | LWS_ADOPT_HTTP | LWS_ADOPT_ALLOW_SSL, .fd = {.sockfd = fd}, .opaque = c};
    struct lws *wsi = lws_adopt_descriptor_vhost_via_info(&a); /* closes fd if it fails */
    if (g->adopting == NULL) {
        return; /* it has ended meanwhile */
    }
    g->adopting = NULL;
    if (wsi == NULL && !g->adopting_has_wsi) {
        client_ended(c);
        return;
    }
    c->wsi = wsi; /* NULL for one whose TLS handshake failed already */
}

static struct limits_key key_of(const struct sockaddr_storage *from)
{
    if (from->ss_family == AF_INET6) {
        return limits_key_v6(((const struct sockaddr_in6 *)from)->sin6_addr.s6_addr);
    }
    return limits_key_v4((const uint8_t *)&((const struct sockaddr_in *)from)->sin_addr);
}

static void accepted(struct listener *l, int fd, const struct sockaddr_storage *from)
{
    struct gateway *g = l->g;
    struct limits_key key = key_of(from);
    struct limits_entry *entry = NULL;
    enum limits_verdict verdict = LIMITS_DROP;

    if (g->metrics.sockets < g->config.max_clients + SOCKETS_BESIDE_CLIENTS) {
        verdict = limits_opened(&g->limits, &key, loop_now(), &entry);
    }
    if (verdict == LIMITS_DROP) {
        g->metrics.refused[REFUSED_FLOOD]++;
        (void)close(fd);
        return;
    }
    adopt(l, fd, verdict, entry);
}

static void listener_ready(void *ctx, uint32_t events)
{
    struct listener *l = ctx;

    (void)events;
    for (int i = 0; i < ACCEPTS_AT_ONCE && l->fd >= 0; i++) {
        struct sockaddr_storage from = {0};
        socklen_t len = sizeof from;
        int fd = accept4(l->fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd >= 0) {
            accepted(l, fd, &from);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            log_flood(LOG_WARN, "accept_failed", "listener=%s reason=%s", kind_names[l->kind], strerror(errno));
            loop_remove(l->g->loop, l->fd); /* until the next tick: the connection that waits would call again at once */
            l->paused = true;
        }
        return;
    }
}

void listeners_resume(struct gateway *g)
{
    for (int k = 0; k < LISTENERS; k++) {
        struct listener *l = &g->listeners[k];

        if (l->paused && l->fd >= 0 && loop_add(g->loop, l->fd, EPOLLIN, &l->watch)) {
            l->paused = false;
        }
    }
}

static const char *listen_at(const struct address *a, int *out_fd)
{
    int on = 1;
    int fd = socket(a->to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return strerror(errno);
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on); /* without it: a restart may have to wait, and says so */
    if (bind(fd, (const struct sockaddr *)&a->to, a->len) != 0 || listen(fd, SOMAXCONN) != 0) {
        int err = errno;
        (void)close(fd);
        return strerror(err);
    }
    *out_fd = fd;
    return NULL;
}

static bool listener_open(struct gateway *g, enum listener_kind kind, const char *where, char out_error[CONFIG_ERROR_MAX])
{
    static const char *const options[] = {"listen", "listen_tls", "metrics_listen"};
    struct listener *l = &g->listeners[kind];
    struct address a;
    char text[ADDRESS_TEXT_MAX];

    if (where[0] == '\0') {
        return true;
    }
    const char *why = address_parse_numeric(where, &a) ? listen_at(&a, &l->fd) : "it is not a numeric address with a port";
    if (why == NULL && !loop_add(g->loop, l->fd, EPOLLIN, &l->watch)) {
        why = strerror(errno);
    }
    if (why != NULL) {
        (void)snprintf(out_error, CONFIG_ERROR_MAX, "option %s: %.128s: %s", options[kind], where, why);
        return false;
    }
    a.len = sizeof a.to;
    (void)getsockname(l->fd, (struct sockaddr *)&a.to, &a.len); /* for the log only: the port that the system chose */
    address_text(&a, text);
    log_line(LOG_INFO, "listening", "listener=%s address=%s", kind_names[kind], text);
    return true;
}

bool listeners_open(struct gateway *g, char out_error[CONFIG_ERROR_MAX])
{
    const char *where[] = {g->config.listen.text, g->config.listen_tls.text, g->config.metrics_listen.text};

    for (int k = 0; k < LISTENERS; k++) {
        struct listener *l = &g->listeners[k];

        *l = (struct listener){.watch = {.ready = listener_ready, .ctx = l}, .g = g, .kind = (enum listener_kind)k, .fd = -1};
    }
    for (int k = 0; k < LISTENERS; k++) {
        if (!listener_open(g, (enum listener_kind)k, where[k], out_error)) {
            return false;
        }
    }
    return true;
}

void listeners_close(struct gateway *g)
{
    for (int k = 0; k < LISTENERS; k++) {
        if (g->listeners[k].fd >= 0) {
            loop_remove(g->loop, g->listeners[k].fd);
            (void)close(g->listeners[k].fd);
            g->listeners[k].fd = -1;
        }
    }
}
