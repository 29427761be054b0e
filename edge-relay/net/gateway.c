#include "edge-relay/net/gateway.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include "edge-relay/net/gateway_parts.h"
#include "edge-relay/net/tls.h"

#define HEADER_ROOM_BYTES 32768 /* what libwebsockets takes in of one request before it hangs up; above HEADER_BYTES_MAX we answer */
#define STOP_MS 3000
#define KEEPALIVE_S 15
#define PING_ANSWER_S 30
#define OTHER_DESCRIPTORS 512 /* for what is neither a client nor its link: see gateway_accept.c, files, listeners */

static struct gateway *the_gateway; /* libwebsockets' log knows no context */

static void end_request(struct client *c)
{
    c->state = CLIENT_HEADERS;
    c->deadline.us = loop_now().us + c->g->config.handshake_s * 1000000U;
}

/* The first protocol serves whoever has named none: requests, and handshakes before they are let through. */
static int http_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    struct client *c = NULL;

    if (reason == LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS) {
        the_gateway->tls = user;
        return 0;
    }
    if (reason == LWS_CALLBACK_WSI_CREATE) {
        the_gateway->adopting_has_wsi = the_gateway->adopting != NULL;
        return 0;
    }
    if (reason == LWS_CALLBACK_HTTP || reason == LWS_CALLBACK_HTTP_CONFIRM_UPGRADE || reason == LWS_CALLBACK_HTTP_FILE_COMPLETION ||
        reason == LWS_CALLBACK_WSI_DESTROY) {
        c = lws_get_opaque_user_data(wsi);
    }
    if (c == NULL) {
        /* A WebSocket without a subprotocol, or a CONNECT, which libwebsockets takes for a raw socket. */
        return reason == LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION || reason == LWS_CALLBACK_RAW_ADOPT || reason == LWS_CALLBACK_RAW_RX ? -1 : 0;
    }
    if (reason == LWS_CALLBACK_WSI_DESTROY) {
        client_ended(c);
        return 0;
    }
    if (reason == LWS_CALLBACK_HTTP_FILE_COMPLETION) {
        end_request(c);
        return lws_http_transaction_completed(wsi) ? -1 : 0;
    }
    c->wsi = wsi; /* it may come before the adoption has returned */
    c->state = CLIENT_SERVED;
    return reason == LWS_CALLBACK_HTTP ? http_request(c, in, len) : http_upgrade(c);
}

static const struct lws_protocols protocols[] = {
    {.name = "(none)", .callback = http_callback},
    {.name = "mqtt", .callback = mqtt_callback, .rx_buffer_size = RX_BYTES},
    {.name = "mqttv3.1", .callback = mqtt_callback, .rx_buffer_size = RX_BYTES},
    {.name = NULL},
};

static void lws_says(int level, const char *line)
{
    char text[256];
    size_t len = strcspn(line, "\n");

    if (the_gateway != NULL && strstr(line, "Ran out of header") != NULL) {
        the_gateway->headers_overflowed = true;
    }
    len = len < sizeof text ? len : sizeof text - 1;
    memcpy(text, line, len);
    text[len] = '\0';
    log_flood(LOG_DEBUG, "libwebsockets", "level=%d text=%s", level, text);
}

/* libwebsockets makes its tables as long as there may be descriptors, so there are as many as are needed, and no more. */
static bool set_descriptors(const struct config *c, char out_error[CONFIG_ERROR_MAX])
{
    struct rlimit now;
    rlim_t need = 2 * c->max_clients + OTHER_DESCRIPTORS;

    if (getrlimit(RLIMIT_NOFILE, &now) != 0 || (now.rlim_max != RLIM_INFINITY && now.rlim_max < need)) {
        (void)snprintf(out_error, CONFIG_ERROR_MAX, "option max_clients: %llu clients need %llu open files, but the system allows %llu (ulimit -Hn)",
                       (unsigned long long)c->max_clients, (unsigned long long)need, (unsigned long long)now.rlim_max);
        return false;
    }
    now.rlim_cur = need;
    if (setrlimit(RLIMIT_NOFILE, &now) != 0) {
        (void)snprintf(out_error, CONFIG_ERROR_MAX, "the limit of open files: %s", strerror(errno));
        return false;
    }
    return true;
}

static void tick(void *ctx, uint32_t events)
{
    static const char late[] = "HTTP/1.1 408 Request Timeout\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 34\r\n"
                               "Connection: close\r\n\r\nThe request did not come in time.\n";
    struct gateway *g = ctx;
    struct fp_mono now = loop_now();
    uint64_t ticks = 0;

    (void)events;
    (void)!read(g->tick_fd, &ticks, sizeof ticks); /* how many there were does not matter */
    listeners_resume(g);
    lws_cancel_service(g->lws); /* its timers are looked at only when something happens */
    for (struct client *c = g->clients, *next = NULL; c != NULL; c = next) {
        next = c->next;
        if (c->wsi == NULL || c->state != CLIENT_HEADERS || now.us < c->deadline.us) {
            continue;
        }
        client_refused(c, REFUSED_SLOW);
        if (c->from != LISTENER_TLS) {
            (void)send(lws_get_socket_fd(c->wsi), late, sizeof late - 1, MSG_NOSIGNAL | MSG_DONTWAIT); /* a courtesy */
        }
        c->deadline.us = UINT64_MAX;
        lws_set_timeout(c->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
    }
    for (struct link *l = g->links, *next = NULL; l != NULL; l = next) {
        next = l->next;
        link_tick(l, now);
    }
    if (g->metrics.broker_links == 0 && now.us - g->probed.us >= g->config.probe_s * 1000000U && g->stop_by.us == 0) {
        link_probe(g);
    }
}

static bool make_context(struct gateway *g, char out_error[CONFIG_ERROR_MAX])
{
    const struct config *c = &g->config;
    void *loops[] = {&g->loop->uv};
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN_SERVER,
        .protocols = protocols,
        .options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT | LWS_SERVER_OPTION_LIBUV,
        .foreign_loops = loops,
        .pcontext = &g->lws,
        .gid = -1,
        .uid = -1,
        .server_string = "fieldpost-relay",
        .max_http_header_data2 = HEADER_ROOM_BYTES,
        .pt_serv_buf_size = CHUNK_BYTES,
        .timeout_secs = (unsigned)c->handshake_s + 5, /* ours comes first, and says so */
        .keepalive_timeout = KEEPALIVE_S,
        .retry_and_idle_policy = &g->ping,
        .alpn = "http/1.1",
        .ssl_options_set = SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1 | SSL_OP_NO_RENEGOTIATION,
        .user = g,
    };

    g->ping.secs_since_valid_ping = (uint16_t)c->ping_s; /* 0: none */
    g->ping.secs_since_valid_hangup = (uint16_t)(c->ping_s > 0 ? c->ping_s + PING_ANSWER_S : 0);
    lws_set_log_level(LLL_ERR | LLL_WARN, lws_says);
    g->lws = lws_create_context(&info);
    /* By a Host header libwebsockets may change from one to another, so both serve the same: what differs is asked of the listener. */
    info.vhost_name = "(plain)";
    g->vhosts[LISTENER_PLAIN] = g->lws != NULL ? lws_create_vhost(g->lws, &info) : NULL;
    g->vhosts[LISTENER_METRICS] = g->vhosts[LISTENER_PLAIN];
    if (g->vhosts[LISTENER_PLAIN] != NULL && c->listen_tls.text[0] != '\0') {
        info.vhost_name = "(tls)";
        info.ssl_cert_filepath = c->cert_file.text;
        info.ssl_private_key_filepath = c->key_file.text;
        g->vhosts[LISTENER_TLS] = lws_create_vhost(g->lws, &info);
    }
    if (g->vhosts[LISTENER_PLAIN] == NULL || (c->listen_tls.text[0] != '\0' && (g->vhosts[LISTENER_TLS] == NULL || g->tls == NULL))) {
        (void)snprintf(out_error, CONFIG_ERROR_MAX,
                       "libwebsockets could not start (is the package libwebsockets-evlib-uv there?); -o log_level=debug tells more");
        return false;
    }
    return true;
}

struct gateway *gateway_open(struct loop *loop, const struct config *c, char out_error[CONFIG_ERROR_MAX])
{
    struct gateway *g = calloc(1, sizeof *g);
    uint64_t seed = 0;
    size_t entries = (size_t)(c->max_clients + OTHER_DESCRIPTORS) * 2;

    (void)snprintf(out_error, CONFIG_ERROR_MAX, "no memory");
    if (g == NULL || (g->own_limits = calloc(entries, sizeof *g->own_limits)) == NULL) {
        free(g);
        return NULL;
    }
    the_gateway = g;
    g->loop = loop;
    g->config = *c;
    g->tick_fd = -1;
    for (int k = 0; k < LISTENERS; k++) {
        g->listeners[k].fd = -1;
    }
    (void)!getrandom(&seed, sizeof seed, 0); /* a short one only makes collisions easier to find */
    limits_init(&g->limits, g->own_limits, entries, seed);
    g->limits.max_open = (uint32_t)c->max_per_address;
    g->limits.rate_per_s = (uint32_t)c->connects_per_s;
    const char *why = address_resolve(c->broker.text, &g->broker);
    if (why != NULL) {
        (void)snprintf(out_error, CONFIG_ERROR_MAX, "option broker: %.128s: %s", c->broker.text, why);
    }
    if (why != NULL || !set_descriptors(c, out_error) || !make_context(g, out_error) || !listeners_open(g, out_error)) {
        gateway_close(g);
        return NULL;
    }
    g->tick_watch = (struct loop_fd){.ready = tick, .ctx = g};
    g->tick_fd = loop_every(loop, 500, &g->tick_watch);
    link_probe(g);
    return g;
}

bool gateway_reload(struct gateway *g, const struct config *c, char out_error[CONFIG_ERROR_MAX])
{
    if (g->tls != NULL) {
        const char *why = tls_reload(g->tls, c->cert_file.text, c->key_file.text);
        if (why != NULL) {
            (void)snprintf(out_error, CONFIG_ERROR_MAX, "options cert_file and key_file: %s", why);
            return false;
        }
    }
    g->config.origins = c->origins;
    return true;
}

void gateway_stop(struct gateway *g)
{
    g->stop_by.us = loop_now().us + STOP_MS * 1000U;
    listeners_close(g);
    for (struct client *c = g->clients; c != NULL; c = c->next) {
        if (c->wsi == NULL) {
            continue;
        }
        if (c->state == CLIENT_MQTT) {
            mqtt_close(c, 1001, "the gateway stops");
        } else {
            lws_set_timeout(c->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
        }
    }
}

bool gateway_stopped(const struct gateway *g)
{
    return g->stop_by.us != 0 && ((g->clients == NULL && g->links == NULL) || loop_now().us >= g->stop_by.us);
}

void gateway_after_turn(struct gateway *g)
{
    stage_flush(g);
    while (g->dead_links != NULL) {
        struct link *l = g->dead_links;
        g->dead_links = l->next;
        free(l->own_waiting);
        free(l);
    }
    while (g->dead_clients != NULL) {
        struct client *c = g->dead_clients;
        g->dead_clients = c->next;
        free(c);
    }
}

void gateway_show(struct gateway *g, const struct pipe_link *trunk)
{
    g->trunk = trunk;
}

void gateway_close(struct gateway *g)
{
    if (g == NULL) {
        return;
    }
    listeners_close(g);
    while (g->links != NULL) {
        link_close(g->links);
    }
    if (g->lws != NULL) {
        lws_context_destroy(g->lws); /* begins to end all clients */
        loop_drain(g->loop);
    }
    if (g->lws != NULL) {
        lws_context_destroy(g->lws); /* the rest, which it leaves to those who own the loop */
    }
    gateway_after_turn(g);
    if (g->tick_fd >= 0) {
        loop_remove(g->loop, g->tick_fd);
        (void)close(g->tick_fd);
    }
    free(g->own_limits);
    free(g);
    the_gateway = NULL;
}
