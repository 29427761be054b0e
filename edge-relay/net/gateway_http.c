/* What is answered over HTTP: refusals, /healthz, /metrics. Files: gateway_files.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "edge-relay/core/origin.h"
#include "edge-relay/net/gateway_parts.h"
#include "edge-relay/net/pipe_link.h"

#define ANSWER_BYTES_MAX 16384
#define NAMES_MAX 127 /* bytes of a list of subprotocols that libwebsockets looks at */

const char http_security_headers[] =
    "Content-Security-Policy: default-src 'self'; connect-src 'self' ws: wss:; script-src 'self'; style-src 'self'; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "Cross-Origin-Opener-Policy: same-origin\r\n";

static const char *status_text(unsigned status)
{
    static const struct {
        unsigned status;
        const char *text;
    } table[] = {
        {200, "OK"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {426, "Upgrade Required"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {503, "Service Unavailable"},
    };

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (table[i].status == status) {
            return table[i].text;
        }
    }
    return "Error";
}

static bool is_head(struct client *c)
{
    return lws_hdr_total_length(c->wsi, WSI_TOKEN_HEAD_URI) > 0;
}

int http_answer(struct client *c, unsigned status, const char *headers, const char *type, const char *body)
{
    static char out[LWS_PRE + ANSWER_BYTES_MAX]; /* one thread */
    bool keep = status == 200 || status == 304 || status == 404;
    char length[64] = "";

    if (status != 304) {
        (void)snprintf(length, sizeof length, "Content-Length: %zu\r\n", strlen(body));
    }
    int n = snprintf(out + LWS_PRE, ANSWER_BYTES_MAX, "HTTP/1.1 %u %s\r\n%s%s%s%s%s%s%s%s\r\n%s", status, status_text(status), http_security_headers,
                     headers, type[0] != '\0' ? "Content-Type: " : "", type, type[0] != '\0' ? "\r\n" : "", length,
                     strstr(headers, "Cache-Control") != NULL ? "" : "Cache-Control: no-store\r\n", keep ? "" : "Connection: close\r\n",
                     is_head(c) ? "" : body);
    if (n < 0 || n >= ANSWER_BYTES_MAX || lws_write(c->wsi, (unsigned char *)out + LWS_PRE, (size_t)n, LWS_WRITE_HTTP) < n || !keep) {
        return -1;
    }
    c->state = CLIENT_HEADERS;
    c->deadline.us = loop_now().us + c->g->config.handshake_s * 1000000U;
    return lws_http_transaction_completed(c->wsi) ? -1 : 0;
}

int http_refuse(struct client *c, enum refusal why, unsigned status, const char *headers, const char *reason)
{
    client_refused(c, why);
    return http_answer(c, status, headers, "text/plain; charset=utf-8", reason);
}

/* 0: nothing is wrong; otherwise what the callback returns. */
static int refuse_by_limits(struct client *c)
{
    int bytes = 0;

    for (int t = 0; t < WSI_TOKEN_COUNT; t++) {
        bytes += lws_hdr_total_length(c->wsi, (enum lws_token_indexes)t);
    }
    if (bytes > HEADER_BYTES_MAX) {
        return http_refuse(c, REFUSED_HEADERS, 431, "", "The headers of the request are longer than 8 KiB.\n");
    }
    if (c->verdict == LIMITS_TOO_MANY) {
        return http_refuse(c, REFUSED_TOO_MANY, 429, "Retry-After: 30\r\n", "Your address has too many connections.\n");
    }
    if (c->verdict == LIMITS_TOO_FAST) {
        return http_refuse(c, REFUSED_TOO_FAST, 429, "Retry-After: 5\r\n", "Your address connects too often.\n");
    }
    return 0;
}

/* Whether the comma separated list of the header names the word; the case of ASCII letters does not matter. */
static bool header_names(struct client *c, enum lws_token_indexes header, const char *word)
{
    char list[NAMES_MAX + 1];
    int n = lws_hdr_copy(c->wsi, list, sizeof list, header);

    for (char *p = list; n > 0 && *p != '\0'; p += strcspn(p, ",")) {
        p += strspn(p, ", \t");
        size_t len = strcspn(p, ", \t");
        if (len == strlen(word) && strncasecmp(p, word, len) == 0) {
            return true;
        }
    }
    return false;
}

/* Names of ours, in a list that libwebsockets can read; it takes the first that it knows, and would otherwise hang up without a word. */
static bool subprotocol_ok(struct client *c)
{
    static const char good[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_, ";
    char list[NAMES_MAX + 1];
    int n = lws_hdr_copy(c->wsi, list, sizeof list, WSI_TOKEN_PROTOCOL);

    if (n <= 0 || strspn(list, good) != strlen(list)) {
        return false;
    }
    for (char *p = list; *p != '\0'; p += strcspn(p, ",")) {
        p += strspn(p, ", ");
        size_t len = strcspn(p, ", ");
        if (len >= 63) { /* libwebsockets has room for names of 63 bytes */
            return false;
        }
        if ((len == 4 && memcmp(p, "mqtt", 4) == 0) || (len == 8 && memcmp(p, "mqttv3.1", 8) == 0)) {
            return true; /* the case counts, as for libwebsockets */
        }
    }
    return false;
}

static bool origin_ok(struct client *c)
{
    char origin[ORIGIN_MAX + 2], host[ORIGIN_MAX + 2];

    if (lws_hdr_total_length(c->wsi, WSI_TOKEN_ORIGIN) == 0) {
        return true; /* no browser */
    }
    if (lws_hdr_copy(c->wsi, origin, sizeof origin, WSI_TOKEN_ORIGIN) <= 0 || lws_hdr_copy(c->wsi, host, sizeof host, WSI_TOKEN_HOST) <= 0) {
        return false;
    }
    return origin_allowed(c->g->config.origins.text, origin, host);
}

/* Everything that libwebsockets would refuse by hanging up is found here first. */
static int refuse_handshake(struct client *c)
{
    char version[8], key[64], path[sizeof PATH_MQTT + 1];
    int n = lws_hdr_copy(c->wsi, path, sizeof path, WSI_TOKEN_GET_URI);

    if (n == 0) {
        return http_refuse(c, REFUSED_HANDSHAKE, 400, "", "A WebSocket handshake is a GET request.\n");
    }
    if (strcmp(path, PATH_MQTT) != 0 || c->from == LISTENER_METRICS) {
        return http_refuse(c, REFUSED_HANDSHAKE, 404, "Connection: close\r\n", "MQTT over WebSocket is served at " PATH_MQTT ".\n");
    }
    if (!header_names(c, WSI_TOKEN_CONNECTION, "upgrade") || lws_hdr_total_length(c->wsi, WSI_TOKEN_HOST) == 0) {
        return http_refuse(c, REFUSED_HANDSHAKE, 400, "", "The handshake lacks its Connection or Host header.\n");
    }
    if (lws_hdr_copy(c->wsi, version, sizeof version, WSI_TOKEN_VERSION) <= 0 || strcmp(version, "13") != 0) {
        return http_refuse(c, REFUSED_HANDSHAKE, 426, "Sec-WebSocket-Version: 13\r\n", "WebSocket version 13 is needed.\n");
    }
    if (lws_hdr_copy(c->wsi, key, sizeof key, WSI_TOKEN_KEY) != 24) {
        return http_refuse(c, REFUSED_HANDSHAKE, 400, "", "The handshake lacks its Sec-WebSocket-Key of 16 bytes in base64.\n");
    }
    if (!origin_ok(c)) {
        return http_refuse(c, REFUSED_ORIGIN, 403, "", "Pages of this origin may not connect (option origins).\n");
    }
    if (!subprotocol_ok(c)) {
        return http_refuse(c, REFUSED_SUBPROTOCOL, 400, "", "The subprotocol must be mqtt or mqttv3.1.\n");
    }
    return 0;
}

int http_upgrade(struct client *c)
{
    struct gateway *g = c->g;
    char to[16];

    if (lws_hdr_copy(c->wsi, to, sizeof to, WSI_TOKEN_UPGRADE) <= 0) {
        return -1; /* libwebsockets has answered an upgrade to something else, and let go of its headers */
    }
    if (strcasecmp(to, "websocket") != 0) {
        return http_refuse(c, REFUSED_HANDSHAKE, 400, "", "An upgrade is possible to websocket only.\n");
    }
    int refused = refuse_by_limits(c);
    if (refused == 0) {
        refused = refuse_handshake(c);
    }
    if (refused == 0 && (g->metrics.clients >= g->config.max_clients || g->stop_by.us != 0)) {
        refused = http_refuse(c, REFUSED_FULL, 503, "Retry-After: 30\r\n", "There are too many clients; try again later.\n");
    }
    return refused;
}

/* A proxy on this machine is a loopback peer too, but the request is somebody else's. */
static bool may_read_metrics(struct client *c)
{
    static const enum lws_token_indexes passed_on[] = {WSI_TOKEN_X_FORWARDED_FOR, WSI_TOKEN_HTTP_VIA, WSI_TOKEN_HTTP_X_REAL_IP};
    static const char *const named[] = {"forwarded:", "x-forwarded-host:", "x-forwarded-proto:"};
    struct address a = {.len = sizeof a.to};

    if (c->from == LISTENER_METRICS) {
        return true;
    }
    for (size_t i = 0; i < sizeof passed_on / sizeof passed_on[0]; i++) {
        if (lws_hdr_total_length(c->wsi, passed_on[i]) > 0) {
            return false;
        }
    }
    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++) {
        if (lws_hdr_custom_length(c->wsi, named[i], (int)strlen(named[i])) >= 0) {
            return false;
        }
    }
    return c->g->config.metrics_listen.text[0] == '\0' && getpeername(lws_get_socket_fd(c->wsi), (struct sockaddr *)&a.to, &a.len) == 0 &&
           address_is_loopback(&a);
}

static int serve_metrics(struct client *c)
{
    static char text[ANSWER_BYTES_MAX - 1024]; /* the rest is for the headers */

    if (!may_read_metrics(c)) {
        return http_answer(c, 403, "", "text/plain; charset=utf-8", "Metrics are served to this machine only, or at option metrics_listen.\n");
    }
    size_t n = metrics_print(&c->g->metrics, gateway_reachable(c->g), text, sizeof text - 1);
    n += pipe_link_metrics(c->g->trunk, text + n, sizeof text - 1 - n);
    text[n] = '\0';
    return http_answer(c, 200, "", "text/plain; version=0.0.4; charset=utf-8", text);
}

int http_request(struct client *c, const char *path, size_t len)
{
    struct gateway *g = c->g;

    g->metrics.requests++;
    int refused = refuse_by_limits(c);
    if (refused != 0) {
        return refused;
    }
    if (lws_hdr_total_length(c->wsi, WSI_TOKEN_GET_URI) == 0 && !is_head(c)) {
        return http_answer(c, 405, "Allow: GET, HEAD\r\n", "text/plain; charset=utf-8", "GET and HEAD are served.\n");
    }
    if (len == 8 && memcmp(path, "/healthz", 8) == 0) {
        return gateway_reachable(g) ? http_answer(c, 200, "", "text/plain; charset=utf-8", "ok\n")
                                    : http_answer(c, 503, "", "text/plain; charset=utf-8", "the broker cannot be reached\n");
    }
    if (len == 8 && memcmp(path, "/metrics", 8) == 0) {
        return serve_metrics(c);
    }
    if (len == strlen(PATH_MQTT) && memcmp(path, PATH_MQTT, len) == 0 && c->from != LISTENER_METRICS) {
        return http_refuse(c, REFUSED_HANDSHAKE, 426, "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n", "This is a WebSocket endpoint.\n");
    }
    if (c->from == LISTENER_METRICS || g->config.www.text[0] == '\0') {
        return http_answer(c, 404, "", "text/plain; charset=utf-8", "There is no such file.\n");
    }
    return files_serve(c, path, len);
}
