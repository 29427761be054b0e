/*
 * pipe_impl.h: the pipe's insides, shared by pipe.c (sessions and time) and pipe_io.c (bytes).
 */
#ifndef EDGE_RELAY_APP_PIPE_IMPL_H
#define EDGE_RELAY_APP_PIPE_IMPL_H

#include <stdlib.h>
#include <string.h>

#include "edge-relay/app/frames.h"
#include "edge-relay/app/pipe.h"
#include "firmware-client/core/mqtt.h"

#define PACKET_ROOM 256 /* header and topic of a PUBLISH */
#define BUFFER_BYTES (PIPE_FRAME_BYTES_MAX + PACKET_ROOM)

struct end {
    struct pipe_end_config config;
    enum pipe_state state;
    char in_topic[FP_TOPIC_MAX], out_topic[FP_TOPIC_MAX]; /* what it is subscribed to, and what is published there */
    bool open;                                            /* the transport stands */
    bool blocked;
    uint64_t due; /* of this state: a time-out, or the next attempt */
    uint64_t up_at, heard, said;
    uint64_t frames_at_up;
    bool asked; /* a PINGREQ is out */
    uint32_t attempt;
    struct fp_mqtt_reader reader;
    uint8_t *in;
    size_t in_len;
    struct fp_mqtt_out out;
    size_t out_done;
    struct frames queue;
    struct pipe_stats stats;
};

struct pipe {
    struct pipe_config config;
    struct end ends[PIPE_SIDES];
    uint64_t now;
    uint64_t woken;
};

static inline enum pipe_side other(enum pipe_side side)
{
    return side == PIPE_SITE ? PIPE_HUB : PIPE_SITE;
}

/* ---- pipe.c */
void pipe_fail(struct pipe *p, enum pipe_side side, enum fp_err err, const char *why);
void pipe_connected(struct pipe *p, enum pipe_side side, uint8_t code);  /* CONNACK */
void pipe_subscribed(struct pipe *p, enum pipe_side side, uint8_t code); /* SUBACK */

/* ---- pipe_io.c */
bool pipe_read(struct pipe *p, enum pipe_side side); /* true: there may be more */
void pipe_write(struct pipe *p, enum pipe_side side);

#endif
