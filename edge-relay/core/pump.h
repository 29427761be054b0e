/*
 * pump.h: the byte pump between one WebSocket client and its broker connection: who may be read, and how much.
 *
 * Shape       down: broker to client. Nothing is kept: the broker is read only when the client's socket takes bytes, so a client that
 *             does not read stops the broker's socket. up: client to broker. What the broker does not take waits in one bounded buffer
 *             (its bytes are the caller's; here is only its level), and while it holds anything the client is not read.
 * Invariants  P1 waiting <= limit.  P2 the client may be read exactly while the broker is connected and nothing waits for it.
 *             P3 no byte is asked of a side that said it has none, so a loop that follows the pump never spins.
 * Memory      the caller owns every struct
 * Thread      no hidden state; one thread at a time per struct
 */
#ifndef EDGE_RELAY_CORE_PUMP_H
#define EDGE_RELAY_CORE_PUMP_H

#include <stdbool.h>
#include <stddef.h>

struct pump {
    size_t chunk;   /* most bytes that go to the client at once */
    size_t limit;   /* most bytes that may wait for the broker */
    size_t waiting; /* bytes that wait for the broker */
    bool connected; /* the broker's socket is */
    bool readable;  /* the broker may have bytes for us */
    bool writable;  /* the broker may take bytes */
    bool ended;     /* the broker has said its last byte, perhaps with some before it */
};

void pump_init(struct pump *p, size_t chunk, size_t limit);
/* The broker's socket is open; it takes bytes until it says otherwise. */
void pump_connected(struct pump *p);
/* News of the broker's socket, edge-triggered: each flag says that something changed. */
void pump_broker_event(struct pump *p, bool readable, bool writable, bool ended);

/* Whether there is a reason to ask for the client's attention. */
bool pump_down_wanted(const struct pump *p);
/* How much to read from the broker now that the client takes bytes; 0: nothing is there. */
size_t pump_down_room(const struct pump *p);
/* The broker gave `got` of the `asked` bytes; fewer mean that it has no more for now. */
void pump_down_got(struct pump *p, size_t got, size_t asked);

/* Whether bytes may be written to the broker at once, ahead of nothing that waits. */
bool pump_up_direct(const struct pump *p);
/* The broker took `sent` of the `offered` bytes; fewer mean that it is full. */
void pump_up_sent(struct pump *p, size_t sent, size_t offered);
/* `len` more bytes wait. False, and nothing changes, if they do not fit. */
bool pump_up_wait(struct pump *p, size_t len);
/* `len` of the waiting bytes have gone to the broker. */
void pump_up_went(struct pump *p, size_t len);
/* P2 */
bool pump_client_may_be_read(const struct pump *p);

#endif
