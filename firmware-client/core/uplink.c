#include "firmware-client/core/client_impl.h"
#include "firmware-client/core/entry.h"

#define PROBE_US (60 * FP_SECOND_US)

void fp_uplink_start(struct fp_client *c)
{
    c->up_next = c->box.first;
    c->up_due = FP_NEVER;
    c->up_hold = 0;
    c->up_back = 0;
    c->up_relayed = 0;
    c->up_attempt = 0;
}

/* The first one that waits for an answer on this connection: what is before it is settled, or in the custody of a site, which may take hours. */
static uint64_t waiting(const struct fp_client *c)
{
    return fp_max_u64(c->box.first, c->up_relayed);
}

static bool is_open(const struct fp_client *c, uint64_t ticket)
{
    const struct fp_slot *slot = fp_outbox_slot(&c->box, ticket);
    return slot && (slot->marks & FP_SLOT_ANSWERED) == 0;
}

/* How old it is: known within a run; of an earlier one, if the hub's time was known when it was composed. */
static void age_of(const struct fp_client *c, uint64_t ticket, struct fp_composed composed, struct fp_attempt *out)
{
    const struct fp_slot *slot = fp_outbox_slot(&c->box, ticket);
    struct fp_wall wall;
    uint64_t error_ms = 0;
    if ((slot->marks & FP_SLOT_OLD) == 0) {
        out->age_ms = (uint32_t)fp_ms_of(c->now - c->run_us) - c->lives[ticket % c->box.slot_cap].born_ms;
        out->has_age = true;
    } else if (composed.at.ms > 0 && fp_client_time(c, (struct fp_mono){c->now}, &wall, &error_ms) && wall.ms >= composed.at.ms) {
        out->age_ms = wall.ms - composed.at.ms;
        out->has_age = true;
    }
}

/* One command into the batch. FP_EAGAIN: it does not fit any more. */
static enum fp_err add(struct fp_client *c, uint64_t ticket, struct fp_enc *e)
{
    struct fp_attempt at = {.n = fp_outbox_n(&c->box, ticket)};
    struct fp_composed composed = {0};
    struct fp_slot *slot = fp_outbox_slot(&c->box, ticket);
    size_t len = 0;
    size_t room = e->cap - e->len;
    if (room < FP_ENTRY_SLACK + (size_t)slot->len) {
        return FP_EAGAIN;
    }
    enum fp_err err = fp_outbox_read(&c->box, ticket, e->buf + e->len + FP_ENTRY_SLACK, room - FP_ENTRY_SLACK, &len, &composed);
    if (err) {
        return err;
    }
    age_of(c, ticket, composed, &at);
    len = fp_entry_build(e->buf + e->len, len, &at);
    if (len == 0) {
        return FP_ECORRUPT;
    }
    e->len += len;
    slot->marks |= FP_SLOT_SENT;
    return FP_OK;
}

/* The array's header stands in front, as short as may be. */
static void frame(struct fp_enc *e, size_t count)
{
    uint8_t head[2];
    struct fp_enc h;
    fp_enc_init(&h, head, sizeof(head));
    if (count > 1) {
        fp_enc_array(&h, count);
    }
    memmove(e->buf + h.len, e->buf + sizeof(head), e->len - sizeof(head));
    memcpy(e->buf, head, h.len);
    e->len = e->len - sizeof(head) + h.len;
}

/* It cannot be sent. What was never sent takes no n; the n of what may have been sent stays used up, and the hub says if it was not. */
static void give_up(struct fp_client *c, uint64_t ticket, enum fp_err err)
{
    struct fp_outcome o = {.signal = FP_SIGNAL_REFUSED, .err = err};
    fp_uplink_settle(c, ticket, &o);
    c->up_next = fp_max_u64(c->box.first, fp_min_u64(c->up_next, ticket + 1));
}

/* Fills one publish, with nothing from `last` on. False: nothing more to send, or not now. */
static bool send_batch(struct fp_client *c, uint64_t last)
{
    struct fp_message m;
    struct fp_enc e;
    enum fp_err err = FP_OK;
    uint64_t wait = FP_NEVER;
    uint64_t ticket = c->up_next;
    size_t count = 0;
    last = fp_min_u64(last, c->box.next);
    if (ticket >= last || !fp_out_begin(c, &m, FP_TOPIC_DEVICE_UP, &e) || e.cap < 2) {
        return false;
    }
    e.cap = (size_t)fp_min_u64(e.cap, FP_BATCH_BYTES_MAX);
    e.len = 2;
    size_t max = (size_t)fp_min_u64(fp_max_u64(c->limits.batch_commands, 1), FP_BATCH_COMMANDS_MAX);
    for (; ticket < last && count < max; ticket++) {
        if (!is_open(c, ticket)) {
            continue;
        }
        uint64_t rate_at = c->rate_at;
        if (!fp_rate_take(c, &wait)) {
            break;
        }
        err = add(c, ticket, &e);
        if (err) {
            c->rate_at = rate_at;
            break;
        }
        count++;
    }
    if (count > 0) {
        frame(&e, count);
        (void)fp_out_end(c, &m, &e);
        c->up_due = c->now + FP_ANSWER_US;
    }
    c->up_next = ticket;
    fp_due(c, wait);
    c->blocked |= err == FP_EAGAIN;
    if (err == FP_EAGAIN && count == 0 && c->tx.len == 0) {
        err = FP_ETOOLARGE; /* not even alone */
    }
    if (err == FP_EIO) {
        fp_storage_failed(c, err);
        c->up_hold = c->now + FP_SECOND_US;
    } else if (err && err != FP_EAGAIN && count == 0) {
        give_up(c, ticket, err);
        return true;
    }
    return count > 0 && wait == FP_NEVER;
}

/* `last` has been answered. Where one before it has not, that answer got lost: from there once more, once; after that only time tells. */
void fp_uplink_answered(struct fp_client *c, uint64_t last)
{
    c->up_relayed = waiting(c);
    while (c->up_relayed <= last) {
        const struct fp_slot *slot = fp_outbox_slot(&c->box, c->up_relayed);
        if (slot && (slot->marks & FP_SLOT_ANSWERED) == 0 && slot->state != FP_SEND_RELAYED) {
            break;
        }
        c->up_relayed++;
    }
    if (last > c->up_relayed && c->up_relayed > c->up_back) {
        c->up_back = c->up_relayed;
        c->up_next = c->up_relayed;
    }
    c->up_probe = c->now + PROBE_US;
}

/* The answer to what a site has in custody may have got lost as well; the oldest one asks, now and then. */
static void probe(struct fp_client *c)
{
    if (c->up_relayed <= c->box.first || !is_open(c, c->box.first)) {
        return;
    }
    if (c->now >= c->up_probe) {
        uint64_t next = c->up_next;
        c->up_probe = c->now + PROBE_US;
        c->up_next = c->box.first;
        (void)send_batch(c, c->box.first + 1);
        c->up_next = next;
    }
    fp_due(c, c->up_probe);
}

void fp_uplink_work(struct fp_client *c)
{
    c->up_next = fp_max_u64(c->up_next, c->box.first);
    if (c->up_next > waiting(c) && c->now >= c->up_due) {
        c->up_next = waiting(c);
    }
    if (c->now < c->up_hold) {
        fp_due(c, c->up_hold);
        return;
    }
    while (send_batch(c, waiting(c) + c->config.window)) {
    }
    probe(c);
    if (c->up_next > waiting(c)) {
        fp_due(c, c->up_due);
    }
}

/* Of what never left: the hub judges the rest. */
void fp_uplink_expire(struct fp_client *c)
{
    if (!c->has_ttl || c->now < c->ttl_due) {
        fp_due(c, c->has_ttl ? c->ttl_due : FP_NEVER);
        return;
    }
    uint32_t now_ms = (uint32_t)fp_ms_of(c->now - c->run_us);
    c->has_ttl = false;
    for (uint64_t t = c->box.first; t < c->box.next; t++) {
        const struct fp_slot *slot = fp_outbox_slot(&c->box, t);
        const struct fp_life *life = &c->lives[t % c->box.slot_cap];
        if (!slot || (slot->marks & (FP_SLOT_SENT | FP_SLOT_OLD | FP_SLOT_ANSWERED)) != 0 || life->ttl_s == UINT32_MAX) {
            continue;
        }
        if ((now_ms - life->born_ms) / 1000 >= life->ttl_s) {
            give_up(c, t, FP_EEXPIRED);
            c->has_ttl = c->has_ttl || is_open(c, t); /* the storage failed: again later */
        } else {
            c->has_ttl = true;
        }
    }
    c->ttl_due = c->now + FP_SECOND_US;
    fp_due(c, c->has_ttl ? c->ttl_due : FP_NEVER);
}
