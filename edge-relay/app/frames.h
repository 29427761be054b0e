/*
 * frames.h: trunk frames that wait for their turn: the urgent ones first, each kind in its order.
 *
 * Invariants  F1 `bytes` counts what waits, and is never above PIPE_QUEUE_BYTES plus one frame: the caller asks frames_full() before it reads on.
 * Memory      a piece from malloc for each frame
 */
#ifndef EDGE_RELAY_APP_FRAMES_H
#define EDGE_RELAY_APP_FRAMES_H

#include "fp/bytes.h"

struct frame {
    struct frame *next;
    size_t len;
    uint8_t bytes[];
};

struct frames {
    struct {
        struct frame *first, *last;
    } kinds[2]; /* urgent, others */
    size_t bytes, count;
};

/* Is it of the urgent lane, or no batch at all (an ack, a hello)? What cannot be read is not urgent. */
bool frame_is_urgent(struct fp_bytes frame);
bool frames_put(struct frames *q, struct fp_bytes frame); /* false: no memory */
struct frame *frames_take(struct frames *q);              /* the caller's to free; NULL: none */
size_t frames_drop(struct frames *q);                     /* all of them; returns how many */

#endif
