#include "edge-relay/app/frames.h"

#include <stdlib.h>
#include <string.h>

#include "fp/trunk.h"

bool frame_is_urgent(struct fp_bytes frame)
{
    struct fp_dec d;
    uint64_t what = 0;
    fp_dec_init(&d, frame);
    for (size_t pairs = fp_dec_map(&d); pairs > 0 && !d.failed; pairs--) {
        uint64_t key = fp_dec_uint(&d);
        if (key == FP_KEY_WHAT) {
            what = fp_dec_uint(&d);
            if (d.failed || what != FP_TRUNK_BATCH) {
                return !d.failed;
            }
        } else if (key == FP_T_BATCH_LANE) {
            uint64_t lane = fp_dec_uint(&d);
            return !d.failed && what == FP_TRUNK_BATCH && lane == FP_LANE_URGENT;
        } else {
            fp_dec_skip(&d);
        }
    }
    return false;
}

bool frames_put(struct frames *q, struct fp_bytes frame)
{
    struct frame *f = malloc(sizeof(*f) + frame.len);
    if (!f) {
        return false;
    }
    f->next = NULL;
    f->len = frame.len;
    memcpy(f->bytes, frame.p, frame.len);
    size_t kind = frame_is_urgent(frame) ? 0 : 1;
    if (q->kinds[kind].last) {
        q->kinds[kind].last->next = f;
    } else {
        q->kinds[kind].first = f;
    }
    q->kinds[kind].last = f;
    q->bytes += f->len;
    q->count++;
    return true;
}

struct frame *frames_take(struct frames *q)
{
    size_t kind = q->kinds[0].first ? 0 : 1;
    struct frame *f = q->kinds[kind].first;
    if (f) {
        q->kinds[kind].first = f->next;
        q->kinds[kind].last = f->next ? q->kinds[kind].last : NULL;
        q->bytes -= f->len;
        q->count--;
    }
    return f;
}

size_t frames_drop(struct frames *q)
{
    size_t count = 0;
    for (struct frame *f = frames_take(q); f; f = frames_take(q)) {
        free(f);
        count++;
    }
    return count;
}
