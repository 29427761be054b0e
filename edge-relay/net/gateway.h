/*
 * gateway.h: MQTT over WebSocket to a broker, and what is served over HTTP beside it.
 */
#ifndef EDGE_RELAY_NET_GATEWAY_H
#define EDGE_RELAY_NET_GATEWAY_H

#include <stdbool.h>

#include "edge-relay/net/config.h"
#include "edge-relay/net/loop.h"

struct gateway;
struct pipe_link;

/* Listens and serves from `loop`, which it attaches to its libwebsockets context. NULL, and a sentence in out_error, if it cannot. */
struct gateway *gateway_open(struct loop *loop, const struct config *c, char out_error[CONFIG_ERROR_MAX]);
/* What /metrics tells besides; NULL: nothing. It must outlive the gateway's connections. */
void gateway_show(struct gateway *g, const struct pipe_link *trunk);
/* Takes over what may change while it runs: origins and certificate. False, and why, if the certificate cannot be used. */
bool gateway_reload(struct gateway *g, const struct config *c, char out_error[CONFIG_ERROR_MAX]);
/* Accepts nobody any more and closes all clients with 1001. */
void gateway_stop(struct gateway *g);
/* Whether all connections are gone, or have had their time. */
bool gateway_stopped(const struct gateway *g);
/* After each turn of the loop: hands on what was gathered, frees what has ended. */
void gateway_after_turn(struct gateway *g);
void gateway_close(struct gateway *g);

#endif
