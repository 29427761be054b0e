#include "edge-relay/net/metrics.h"

#include <inttypes.h>
#include <stdio.h>

#define PREFIX "fieldpost_relay_"

const char *refusal_name(enum refusal r)
{
    switch (r) {
    case REFUSED_SUBPROTOCOL:
        return "subprotocol";
    case REFUSED_HANDSHAKE:
        return "handshake";
    case REFUSED_ORIGIN:
        return "origin";
    case REFUSED_HEADERS:
        return "headers";
    case REFUSED_SLOW:
        return "slow";
    case REFUSED_TOO_MANY:
        return "too_many";
    case REFUSED_TOO_FAST:
        return "too_fast";
    case REFUSED_FULL:
        return "full";
    case REFUSED_FLOOD:
        return "flood";
    case REFUSED_TEXT:
        return "text_frame";
    case REFUSED_BROKER:
        return "broker";
    case REFUSALS:
        break;
    }
    return "unknown";
}

static size_t after(size_t cap, size_t at, int printed)
{
    return printed < 0 || (size_t)printed >= cap - at ? cap : at + (size_t)printed;
}

size_t metrics_print(const struct metrics *m, int reachable, char *out, size_t cap)
{
    const struct {
        const char *name, *type, *help;
        uint64_t value;
    } rows[] = {
        {"clients", "gauge", "WebSocket clients that are connected", m->clients},
        {"accepted_total", "counter", "WebSocket clients that were accepted", m->accepted},
        {"sockets", "gauge", "Connections of all kinds, requests and handshakes included", m->sockets},
        {"http_requests_total", "counter", "HTTP requests that were no WebSocket handshakes", m->requests},
        {"bytes_up_total", "counter", "Payload bytes from clients to the broker", m->bytes_up},
        {"bytes_down_total", "counter", "Payload bytes from the broker to clients", m->bytes_down},
        {"broker_connections", "gauge", "Connections to the broker", m->broker_links},
        {"broker_failures_total", "counter", "Connections to the broker that failed", m->broker_failures},
        {"broker_reachable", "gauge", "1 if the broker was reachable lately", reachable ? 1 : 0},
        {"waiting_bytes", "gauge", "Bytes of clients that wait for the broker to take them", m->waiting},
    };
    size_t at = 0;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0] && at < cap; i++) {
        at = after(cap, at,
                   snprintf(out + at, cap - at, "# HELP " PREFIX "%s %s\n# TYPE " PREFIX "%s %s\n" PREFIX "%s %" PRIu64 "\n", rows[i].name,
                            rows[i].help, rows[i].name, rows[i].type, rows[i].name, rows[i].value));
    }
    if (at < cap) {
        at = after(
            cap, at,
            snprintf(out + at, cap - at, "# HELP " PREFIX "refused_total Who was turned away, by reason\n# TYPE " PREFIX "refused_total counter\n"));
    }
    for (int r = 0; r < REFUSALS && at < cap; r++) {
        at = after(cap, at,
                   snprintf(out + at, cap - at, PREFIX "refused_total{reason=\"%s\"} %" PRIu64 "\n", refusal_name((enum refusal)r), m->refused[r]));
    }
    return at;
}
