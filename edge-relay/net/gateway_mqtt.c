/* The client's side of the pump: WebSocket frames in and out, and how a WebSocket ends. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#include "edge-relay/net/gateway_parts.h"

#define CLOSE_WAIT_S 5
#define UNSENT_BYTES 65536 /* the kernel keeps less than this unsent for a client, so that what is urgent does not queue for long */

void mqtt_close(struct client *c, uint16_t code, const char *reason)
{
    if (c->wsi == NULL || c->close_code != 0) {
        return;
    }
    c->close_code = code;
    c->close_reason = reason;
    lws_set_timeout(c->wsi, PENDING_TIMEOUT_CLOSE_SEND, CLOSE_WAIT_S);
    (void)lws_callback_on_writable(c->wsi);
}

/*
 * A callback that fails would be the usual way, but libwebsockets of Debian, on libuv, then closes twice, the second time before the close
 * frame is sent. LWS_TO_KILL_SYNC closes once, and politely where there is a reason. Returns what the callback returns.
 */
static int close_now(struct client *c)
{
    char peer[ADDRESS_TEXT_MAX];

    if (!c->close_sent) {
        c->close_sent = true;
        client_peer_text(c, peer);
        log_flood(LOG_INFO, "client_closing", "code=%u reason=%s peer=%s", c->close_code, c->close_reason, peer);
        lws_close_reason(c->wsi, (enum lws_close_status)c->close_code, (unsigned char *)(uintptr_t)c->close_reason, strlen(c->close_reason));
        lws_set_timeout(c->wsi, PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_SYNC);
    }
    return 0;
}

static void established(struct client *c)
{
    char peer[ADDRESS_TEXT_MAX];
    int unsent = UNSENT_BYTES;

    c->state = CLIENT_MQTT;
    c->g->metrics.clients++;
    c->g->metrics.accepted++;
    (void)setsockopt(lws_get_socket_fd(c->wsi), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent); /* without it: slower, not wrong */
    (void)lws_rx_flow_control(c->wsi, 0);                                                                /* until the broker is there */
    client_peer_text(c, peer);
    log_flood(LOG_INFO, "client_connected", "listener=%s peer=%s clients=%llu", c->from == LISTENER_TLS ? "wss" : "ws", peer,
              (unsigned long long)c->g->metrics.clients);
    link_open(c);
}

/* The client takes bytes: whatever the broker has, up to one frame. Returns what the callback returns. */
static int writeable(struct client *c)
{
    struct gateway *g = c->g;
    struct link *l = c->link;
    ssize_t got = -1;

    if (c->close_code != 0) {
        return close_now(c);
    }
    size_t room = l != NULL ? pump_down_room(&l->pump) : 0;
    if (room == 0) {
        return 0;
    }
    do {
        got = read(l->fd, g->down + LWS_PRE, room);
    } while (got < 0 && errno == EINTR);
    bool nothing_yet = got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) && !l->pump.ended;
    if (got <= 0 && !nothing_yet) {
        bool broke = got < 0;
        link_close(l);
        g->metrics.broker_failures += broke;
        mqtt_close(c, broke ? 1011 : 1000, broke ? "the connection to the broker broke" : "the broker closed the connection");
        return close_now(c);
    }
    size_t len = got > 0 ? (size_t)got : 0;
    pump_down_got(&l->pump, len, room);
    if (len > 0 && lws_write(c->wsi, g->down + LWS_PRE, len, LWS_WRITE_BINARY) < (int)len) {
        return -1;
    }
    g->metrics.bytes_down += len;
    if (pump_down_wanted(&l->pump)) {
        (void)lws_callback_on_writable(c->wsi);
    }
    return 0;
}

static int received(struct client *c, const uint8_t *bytes, size_t len)
{
    if (c->close_code != 0) {
        return 0; /* what still comes before its own close */
    }
    if (!lws_frame_is_binary(c->wsi)) {
        client_refused(c, REFUSED_TEXT);
        mqtt_close(c, 1003, "MQTT needs binary frames");
        return 0;
    }
    if (c->link == NULL || len == 0) {
        return 0;
    }
    pace_heard(&c->g->loop->pace);
    if (!link_take(c->link, bytes, len)) {
        return c->close_code != 0 ? 0 : -1; /* the close frame has been asked for */
    }
    return 0;
}

int mqtt_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    (void)user;
    if (reason != LWS_CALLBACK_ESTABLISHED && reason != LWS_CALLBACK_SERVER_WRITEABLE && reason != LWS_CALLBACK_RECEIVE) {
        return 0;
    }
    struct client *c = lws_get_opaque_user_data(wsi);
    if (reason == LWS_CALLBACK_ESTABLISHED) {
        established(c);
        return 0;
    }
    return reason == LWS_CALLBACK_RECEIVE ? received(c, in, len) : writeable(c);
}
