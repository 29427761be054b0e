/*
 * metrics.h: what the daemon counts, and how /metrics tells it.
 */
#ifndef EDGE_RELAY_NET_METRICS_H
#define EDGE_RELAY_NET_METRICS_H

#include <stddef.h>
#include <stdint.h>

/* Why somebody was turned away. */
enum refusal {
    REFUSED_SUBPROTOCOL,
    REFUSED_HANDSHAKE,
    REFUSED_ORIGIN,
    REFUSED_HEADERS,
    REFUSED_SLOW,
    REFUSED_TOO_MANY,
    REFUSED_TOO_FAST,
    REFUSED_FULL,
    REFUSED_FLOOD,
    REFUSED_TEXT,
    REFUSED_BROKER,
    REFUSALS,
};

struct metrics {
    uint64_t refused[REFUSALS];
    uint64_t sockets;  /* open now, of all kinds */
    uint64_t clients;  /* WebSocket clients now */
    uint64_t accepted; /* WebSocket clients so far */
    uint64_t requests; /* HTTP requests that were no upgrades */
    uint64_t bytes_up, bytes_down;
    uint64_t broker_links; /* connected now */
    uint64_t broker_failures;
    uint64_t waiting; /* bytes that wait for the broker now */
};

const char *refusal_name(enum refusal r);
/* The text for Prometheus; its length, cut off at cap. `reachable`: whether the broker is. */
size_t metrics_print(const struct metrics *m, int reachable, char *out, size_t cap);

#endif
