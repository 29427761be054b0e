#include "firmware-client/core/client_impl.h"
#include "firmware-client/core/entry.h"
#include "fp/body.h"

/*
 * A text, and the look at what is queued. Both build in the free end of the transmit buffer: nothing is under construction there while the
 * application has the word (I3).
 */

enum fp_err fp_client_say(struct fp_client *c, const struct fp_id *conv, const char *text, size_t len, struct fp_mono now, uint64_t *out_ticket)
{
    struct fp_command cmd = {.kind = FP_K_MSG, .conv = *conv, .priority = FP_PRIORITY_NORMAL};
    struct fp_enc e;
    fp_enc_init(&e, c->tx.buf + c->tx.len, c->tx.cap - c->tx.len);
    fp_body_text(&e, text, len);
    if (e.failed) {
        return c->tx.len > 0 && len < c->tx.cap ? FP_EFULL : FP_ETOOLARGE;
    }
    cmd.body = fp_enc_bytes_of(&e);
    return fp_client_send(c, &cmd, now, out_ticket);
}

enum fp_err fp_client_each_pending(struct fp_client *c, fp_pending_fn fn, void *arg)
{
    uint8_t *buf = c->tx.buf + c->tx.len;
    size_t cap = c->tx.cap - c->tx.len;
    for (uint64_t t = c->box.first; t < c->box.next; t++) {
        const struct fp_slot *slot = fp_outbox_slot(&c->box, t);
        struct fp_attempt at = {.n = 1}; /* a durable command has one; this one has none yet */
        struct fp_composed composed;
        struct fp_command cmd;
        const char *why = NULL;
        size_t len = 0;
        if (!slot || (slot->marks & FP_SLOT_ANSWERED) != 0) {
            continue;
        }
        if (cap < FP_ENTRY_SLACK) {
            return FP_EAGAIN;
        }
        enum fp_err err = fp_outbox_read(&c->box, t, buf + FP_ENTRY_SLACK, cap - FP_ENTRY_SLACK, &len, &composed);
        if (err) {
            return err == FP_ETOOLARGE ? FP_EAGAIN : err;
        }
        len = fp_entry_build(buf, len, &at);
        err = len > 0 ? fp_command_decode(fp_bytes_of(buf, len), SIZE_MAX, &cmd, &why) : FP_ECORRUPT;
        if (err) {
            return FP_ECORRUPT;
        }
        cmd.n = 0;
        if (!fn(arg, t, (enum fp_send_state)slot->state, &cmd)) {
            return FP_OK;
        }
    }
    return FP_OK;
}
