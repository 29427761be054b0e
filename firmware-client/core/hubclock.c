#include "firmware-client/core/client_impl.h"

#define ASK_US (600 * FP_SECOND_US)
#define DRIFT_SHIFT 13 /* 1/8192: a little more than the 100 ppm of a cheap crystal */

uint64_t fp_ms_of(uint64_t us)
{
    return us / 1000;
}

void fp_hubclock_set(struct fp_client *c, struct fp_wall at, uint64_t error_ms)
{
    uint64_t known = c->has_time ? c->time_error_ms + (fp_ms_of(c->now - c->time_us) >> DRIFT_SHIFT) : UINT64_MAX;
    if (error_ms <= known) {
        c->time_at = at;
        c->time_us = c->now;
        c->time_error_ms = error_ms;
        c->has_time = true;
    }
}

bool fp_client_time(const struct fp_client *c, struct fp_mono now, struct fp_wall *out, uint64_t *out_error_ms)
{
    if (!c->has_time) {
        return false;
    }
    uint64_t since_ms = now.us > c->time_us ? fp_ms_of(now.us - c->time_us) : 0;
    out->ms = c->time_at.ms + since_ms;
    *out_error_ms = c->time_error_ms + (since_ms >> DRIFT_SHIFT);
    return true;
}

void fp_hubclock_work(struct fp_client *c)
{
    struct fp_message m;
    struct fp_enc e;
    uint64_t at = 0;
    if (c->now >= c->time_due && fp_rate_take(c, &at) && fp_out_begin(c, &m, FP_TOPIC_DEVICE_NOW, &e)) {
        fp_out_head(&e, FP_K_TIME, NULL, true);
        fp_enc_uint(&e, fp_ms_of(c->now));
        if (fp_out_end(c, &m, &e)) {
            c->time_sent = c->now;
            c->time_due = c->now + ASK_US;
        }
    }
    fp_due(c, fp_max_u64(c->time_due, c->now + FP_HOLE_US));
}

/* The hub's time was half way between received and sent when ours was half way between echo and now. */
void fp_hubclock_reply(struct fp_client *c, uint64_t echo, uint64_t received_ms, uint64_t sent_ms)
{
    if (echo != fp_ms_of(c->time_sent) || sent_ms < received_ms) {
        return; /* an answer to something else */
    }
    uint64_t half_ms = (fp_ms_of(c->now - c->time_sent) + 1) / 2;
    struct fp_wall at = {received_ms + (sent_ms - received_ms) / 2 + half_ms};
    fp_hubclock_set(c, at, half_ms + 1);
}
