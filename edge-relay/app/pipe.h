/*
 * pipe.h: the trunk pipe of a site: carries frames between the site's broker and the hub's.
 *
 * Shape       two MQTT sessions, one at each broker, both as the relay. What comes on fp/1/relay/{relay}/up at the site is published at the hub, and
 *             .../down the other way. It keeps nothing: the state machines at both ends of the trunk make good what a pipe loses.
 * Invariants  W1 the site's engine hears of the pipe (the subscription to .../up) only while the session with the hub stands, and hears of its end at
 *                once: both sessions go together.
 *             W2 frames wait in bounded memory (PIPE_QUEUE_BYTES a side); a full queue stops the reading on the other side.
 *             W3 the urgent lane, and all that is no batch, overtakes what waits.
 *             W4 a peer that says nothing for 1.5 keep-alives is gone, though the socket stands.
 * Units       fp_mono
 * Memory      from malloc, in pipe_open(), and a piece for each frame that waits; the config's strings outlive the pipe
 * Thread      one at a time
 * Source      schemas/CONTRACT.md, topics; plugin/DESIGN.md, "Site, trunk, merge"
 */
#ifndef EDGE_RELAY_APP_PIPE_H
#define EDGE_RELAY_APP_PIPE_H

#include "firmware-client/include/fieldpost.h"

#define PIPE_FRAME_BYTES_MAX 262144 /* as an uplink */
#define PIPE_QUEUE_BYTES 1048576
#define PIPE_FOREVER UINT64_MAX

enum pipe_side { PIPE_SITE, PIPE_HUB, PIPE_SIDES };

enum pipe_state {
    PIPE_WAITING,    /* for the next attempt, or for the other side */
    PIPE_CONNECTING, /* transport, CONNECT */
    PIPE_CONNECTED,  /* CONNACK has come; at the site: waits for the hub before it subscribes */
    PIPE_SUBSCRIBING,
    PIPE_UP,
};

struct pipe_end_config {
    struct fp_transport transport;
    const char *user;     /* the relay's name, at the hub */
    const char *password; /* NULL: none */
    const char *client_id;
};

struct pipe_event {
    enum pipe_side side;
    enum pipe_state state; /* PIPE_UP, or PIPE_WAITING: it went down, or an attempt failed */
    enum fp_err err;
    const char *why;   /* a sentence, static; NULL: the transport knows */
    uint64_t retry_ms; /* of PIPE_WAITING: until the next attempt */
};

struct pipe_config {
    const char *relay;
    struct pipe_end_config ends[PIPE_SIDES];
    struct fp_random random;
    uint16_t keepalive_s;                                    /* 15 if 0 */
    uint32_t backoff_min_ms;                                 /* 200 if 0 */
    uint32_t backoff_max_ms;                                 /* 60000 if 0 */
    void (*told)(void *ctx, const struct pipe_event *event); /* may be NULL */
    void *told_ctx;
};

struct pipe_stats {                 /* of one side */
    uint64_t frames_in, bytes_in;   /* taken from it */
    uint64_t frames_out, bytes_out; /* published there */
    uint64_t connects, failures;    /* sessions that stood; attempts that failed and sessions that broke */
    uint64_t dropped;               /* frames that waited for it when it went, or that no frame of ours can be */
    uint64_t waiting_bytes;
    enum pipe_state state;
};

struct pipe;

/* FP_ECONFIG: the relay's name is no id, or a client id is missing. FP_ENOMEM. Connects to nothing yet. */
enum fp_err pipe_open(const struct pipe_config *config, struct pipe **out);
void pipe_close(struct pipe *p); /* says good-bye as far as that goes at once. NULL is fine */
/* Does all that can be done now. Returns when it wants to be called again at the latest (us on the clock of `now`), PIPE_FOREVER: on bytes only. */
uint64_t pipe_poll(struct pipe *p, struct fp_mono now);
/* What to wait for on the transport's descriptor; both false while it is closed. */
bool pipe_wants_read(const struct pipe *p, enum pipe_side side);
bool pipe_wants_write(const struct pipe *p, enum pipe_side side);
/* The network is back: the next attempt is now, but not twice a second. */
void pipe_wake(struct pipe *p, struct fp_mono now);
struct pipe_stats pipe_stats(const struct pipe *p, enum pipe_side side);

#endif
