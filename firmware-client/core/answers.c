#include "firmware-client/core/backoff.h"
#include "firmware-client/core/client_impl.h"

static enum fp_err finish(struct fp_client *c, uint64_t ticket, bool was_sent)
{
    fp_save_later(c);
    return was_sent ? fp_outbox_done(&c->box, ticket) : fp_outbox_cancel(&c->box, ticket);
}

void fp_uplink_settle(struct fp_client *c, uint64_t ticket, const struct fp_outcome *o)
{
    struct fp_slot *slot = fp_outbox_slot(&c->box, ticket);
    if (!slot || (slot->marks & FP_SLOT_ANSWERED) != 0) {
        return;
    }
    enum fp_send_state state = fp_send_next((enum fp_send_state)slot->state, o->signal);
    bool is_news = state != (enum fp_send_state)slot->state;
    bool was_sent = (slot->marks & (FP_SLOT_SENT | FP_SLOT_OLD)) != 0;
    struct fp_notice n = {.kind = FP_NOTICE_STATE, .ticket = ticket, .state = state, .err = o->err, .text = o->text, .seq = o->seq};
    if (o->conv) {
        n.conv = *o->conv;
    }
    bool takes_back = state == FP_SEND_FAILED && !was_sent;
    if (takes_back) {
        enum fp_err err = finish(c, ticket, false);
        if (err) { /* told as failed it would be sent all the same after the next start */
            fp_storage_failed(c, err);
            return;
        }
    }
    slot->state = (uint8_t)state;
    if (state >= FP_SEND_SENT) {
        enum fp_err err = takes_back ? FP_OK : finish(c, ticket, was_sent);
        if (err) {
            fp_storage_failed(c, err); /* it is answered again after the next start */
        }
        c->up_attempt = 0;
        c->up_due = c->now + FP_ANSWER_US;
    }
    if (state == FP_SEND_SENT && o->conv && o->seq > 0) {
        fp_receipts_track(c, ticket, o->conv, o->seq);
    }
    if (is_news) {
        fp_tell(c, &n);
    }
}

void fp_answers_ack(struct fp_client *c, struct fp_reply *r)
{
    struct fp_answer a;
    bool relayed = !fp_id_is_none(&r->as.ack.relay);
    uint64_t last = 0;
    while (fp_reply_answer(r, &a)) {
        uint64_t ticket = fp_outbox_ticket(&c->box, a.n);
        struct fp_outcome o = {
            .signal = relayed ? FP_SIGNAL_ACK_RELAY : FP_SIGNAL_ACK, .conv = fp_id_is_none(&a.conv) ? NULL : &a.conv, .seq = a.seq};
        if (ticket > 0) {
            fp_uplink_settle(c, ticket, &o);
            last = ticket;
        }
    }
    if (last > 0) {
        fp_uplink_answered(c, last);
    }
}

/* From this ticket on everything is sent again, later. True: that is news. */
static bool go_back(struct fp_client *c, uint64_t ticket, const struct fp_nack *n)
{
    struct fp_dec d;
    uint32_t wait_ms;
    if (ticket >= c->up_next) {
        return false;
    }
    c->up_next = ticket;
    wait_ms = fp_backoff_ms(c->config.random.next(c->config.random.ctx), c->up_attempt++, c->config.backoff_min_ms, c->config.backoff_max_ms);
    if (n->code == FP_ERATE && n->current.len > 0) {
        fp_dec_init(&d, n->current);
        wait_ms += (uint32_t)fp_min_u64(fp_dec_uint(&d), 60000);
    }
    c->up_hold = c->now + wait_ms * 1000ULL;
    return true;
}

/* The hub expects another n than the one that came: an earlier one got lost, or our count is another than its. */
static void gap(struct fp_client *c, const struct fp_nack *n)
{
    uint64_t expected = n->next_n > 0 ? fp_outbox_ticket(&c->box, n->next_n) : 0;
    if (expected > 0) {
        (void)go_back(c, expected, n);
    } else if (n->next_n > 0 && n->next_n != fp_outbox_next_n(&c->box)) {
        enum fp_err err = fp_outbox_number(&c->box, c->box.epoch, n->next_n);
        if (err) {
            fp_storage_failed(c, err);
        }
        (void)go_back(c, c->box.first, n);
    }
}

void fp_answers_nack(struct fp_client *c, const struct fp_nack *n)
{
    uint64_t ticket = n->n > 0 && fp_is_online(c) ? fp_outbox_ticket(&c->box, n->n) : 0;
    struct fp_notice note = {.kind = FP_NOTICE_NACK, .err = n->code, .text = n->reason};
    struct fp_outcome o = {.signal = FP_SIGNAL_REFUSED, .err = n->code, .text = n->reason};
    if (c->step == FP_STEP_WELCOME) { /* that was the hello */
        fp_session_drop(c, n->code, "the hub refused the hello");
        return;
    }
    if (ticket == 0) {
        if (n->n == 0 && n->code == FP_EUNSUPPORTED && c->receipts_at > 0) {
            c->receipts_off = true; /* an older hub: without receipts this connection goes on as well */
        }
        if (n->n == 0) {
            fp_tell(c, &note);
        } else if (n->code == FP_EGAP) {
            gap(c, n);
        }
    } else if (n->code == FP_EGAP) {
        gap(c, n);
    } else if (n->retry) {
        note.kind = FP_NOTICE_RETRY;
        note.ticket = ticket;
        if (go_back(c, ticket, n)) {
            fp_tell(c, &note);
        }
    } else {
        fp_uplink_settle(c, ticket, &o);
    }
}
