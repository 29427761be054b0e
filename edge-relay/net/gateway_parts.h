/*
 * gateway_parts.h: what the files of the gateway share.
 *
 * Shape       a client is one accepted connection, from accept to its end; a link is one connection to the broker. A WebSocket client has
 *             one link; a link outlives its client only to hand on the last bytes, and a probe is a link that never had one.
 * Memory      clients and links are freed in gateway_after_turn(), never while something of this turn may point to them
 */
#ifndef EDGE_RELAY_NET_GATEWAY_PARTS_H
#define EDGE_RELAY_NET_GATEWAY_PARTS_H

#include <libwebsockets.h>
#include <openssl/ssl.h>

#include "edge-relay/core/limits.h"
#include "edge-relay/core/pump.h"
#include "edge-relay/net/address.h"
#include "edge-relay/net/gateway.h"
#include "edge-relay/net/metrics.h"

#define CHUNK_BYTES 16384       /* most bytes of one frame to a client, and of one write to the broker */
#define WAITING_BYTES_MAX 65536 /* most bytes of one client that wait for the broker */
#define RX_BYTES 4096           /* most bytes read from a client at once; each WebSocket client owns a buffer of this size */
#define HEADER_BYTES_MAX 8192   /* most header bytes of a request */
#define PATH_MQTT "/mqtt"

enum listener_kind {
    LISTENER_PLAIN,
    LISTENER_TLS,
    LISTENER_METRICS,
    LISTENERS,
};

struct listener {
    struct loop_fd watch;
    struct gateway *g;
    enum listener_kind kind;
    int fd; /* -1: none */
    bool paused;
};

enum client_state {
    CLIENT_HEADERS, /* TLS handshake, or headers of a request: it has a deadline */
    CLIENT_SERVED,  /* a request is being answered */
    CLIENT_MQTT,    /* WebSocket */
};

struct client {
    struct client *next, *prev;
    struct gateway *g;
    struct lws *wsi; /* NULL once it has ended */
    struct link *link;
    struct limits_entry *limits_entry;
    const char *close_reason; /* a constant */
    struct fp_mono deadline;
    enum limits_verdict verdict;
    enum listener_kind from;
    enum client_state state;
    uint16_t close_code; /* 0: none is to be sent */
    bool close_sent;
};

struct link {
    struct link *next, *prev;
    struct loop_fd watch;
    struct gateway *g;
    struct client *client; /* NULL: it only hands on what waits, or is a probe */
    uint8_t *own_waiting;
    size_t waiting_at; /* where in own_waiting the waiting bytes begin */
    struct pump pump;
    struct fp_mono deadline; /* to be connected, or to have handed on the rest; 0: none */
    int fd;                  /* -1 once it has ended */
    bool is_probe;
};

struct gateway {
    struct loop *loop;
    struct config config;
    struct lws_context *lws; /* libwebsockets makes it NULL when it has freed it */
    struct lws_vhost *vhosts[LISTENERS];
    struct listener listeners[LISTENERS];
    struct limits limits;
    struct limits_entry *own_limits;
    lws_retry_bo_t ping; /* libwebsockets keeps a pointer to it */
    struct address broker;
    struct metrics metrics;
    const struct pipe_link *trunk; /* for /metrics; NULL: none */
    SSL_CTX *tls;                  /* libwebsockets' own */
    struct client *clients, *dead_clients;
    struct link *links, *dead_links;
    struct client *adopting;
    bool adopting_has_wsi; /* then LWS_CALLBACK_WSI_DESTROY ends the client, at once or in a later turn, even if the adoption fails */
    struct loop_fd tick_watch;
    int tick_fd;
    struct fp_mono stop_by; /* 0: not stopping */
    struct fp_mono probed;  /* when the last attempt to reach the broker began */
    bool reachable;         /* how it ended */
    bool headers_overflowed;
    struct link *stage_owner; /* whose bytes are in stage[] */
    size_t stage_len;
    uint8_t stage[CHUNK_BYTES];
    uint8_t down[LWS_PRE + CHUNK_BYTES];
};

/* gateway_accept.c */
bool listeners_open(struct gateway *g, char out_error[CONFIG_ERROR_MAX]);
void listeners_close(struct gateway *g);
void listeners_resume(struct gateway *g);
void client_refused(struct client *c, enum refusal why);
void client_peer_text(const struct client *c, char out[ADDRESS_TEXT_MAX]);
/* The connection is gone: ends the link too, or lets it hand on the rest. */
void client_ended(struct client *c);

/* gateway_link.c */
void link_open(struct client *c);
void link_probe(struct gateway *g);
/* Bytes of the client; they leave by stage_flush() at the latest. False: too many wait, which flow control should have prevented. */
bool link_take(struct link *l, const uint8_t *bytes, size_t len);
void stage_flush(struct gateway *g);
void link_close(struct link *l);
void link_tick(struct link *l, struct fp_mono now);
bool gateway_reachable(const struct gateway *g);

/* gateway_mqtt.c */
int mqtt_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len);
/* Closes the WebSocket with this code as soon as it takes bytes. */
void mqtt_close(struct client *c, uint16_t code, const char *reason);

/* gateway_http.c: what an HTTP callback returns */
int http_request(struct client *c, const char *path, size_t len);
int http_upgrade(struct client *c);
/* `headers` are whole lines. */
int http_answer(struct client *c, unsigned status, const char *headers, const char *type, const char *body);
int http_refuse(struct client *c, enum refusal why, unsigned status, const char *headers, const char *reason);
/* The headers that go with everything that we serve. */
extern const char http_security_headers[];

/* gateway_files.c */
int files_serve(struct client *c, const char *path, size_t len);

#endif
