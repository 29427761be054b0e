#include "firmware-client/core/outbox_log.h"

#include <assert.h>

/*
 * What is left free in each sector for STATE and CANCEL records, so that a full outbox can still be numbered, emptied and cancelled: commands leave
 * room
 * for two, cursors for one. (A CANCEL takes no more than its command gives back.)
 */
static uint32_t state_room(const struct fp_outbox *o)
{
    return outbox_padded(o, OUTBOX_RECORD_BYTES + OUTBOX_STATE_BYTES);
}

uint32_t outbox_index(const struct fp_outbox *o, uint64_t ticket)
{
    uint32_t index = o->first_slot + (uint32_t)(ticket - o->first);
    return index < o->slot_cap ? index : index - o->slot_cap;
}

static bool is_pending(const struct fp_outbox *o, uint64_t ticket)
{
    return ticket >= o->first && ticket < o->next && (o->slots[outbox_index(o, ticket)].marks & FP_SLOT_CANCELLED) == 0;
}

struct fp_slot *fp_outbox_slot(const struct fp_outbox *o, uint64_t ticket)
{
    return is_pending(o, ticket) ? &o->slots[outbox_index(o, ticket)] : NULL;
}

/* ------------------------------------------------------------------ numbers (O3) */

uint64_t fp_outbox_n(const struct fp_outbox *o, uint64_t ticket)
{
    uint64_t n = o->first_n + (ticket - o->first);
    if (o->cancelled > 0) {
        for (uint64_t t = o->first; t < ticket; t++) {
            n -= is_pending(o, t) ? 0 : 1;
        }
    }
    return n;
}

uint64_t fp_outbox_ticket(const struct fp_outbox *o, uint64_t n)
{
    uint64_t at = o->first_n;
    if (n < o->first_n || n - o->first_n >= o->next - o->first) {
        return 0;
    }
    if (o->cancelled == 0) {
        return o->first + (n - o->first_n);
    }
    for (uint64_t t = o->first; t < o->next; t++) {
        if (is_pending(o, t) && at++ == n) {
            return t;
        }
    }
    return 0;
}

uint64_t fp_outbox_next_n(const struct fp_outbox *o)
{
    return fp_outbox_n(o, o->next);
}

/* ------------------------------------------------------------------ records */

enum fp_err outbox_write_state(struct fp_outbox *o)
{
    uint8_t body[OUTBOX_STATE_BYTES];
    struct outbox_part part = {.p = body, .len = sizeof(body)};
    outbox_put64(body, o->epoch);
    outbox_put64(body + 8, o->first);
    outbox_put64(body + 16, o->first_n);
    outbox_put64(body + 24, o->next);
    outbox_put64(body + 32, o->doubt);
    enum fp_err err = outbox_write(o, OUTBOX_STATE, &part, 1, &o->state_at);
    if (!err) {
        o->dirty = false;
        o->saved_first = o->first;
    }
    return err;
}

static enum fp_err save_state(struct fp_outbox *o)
{
    enum fp_err err = outbox_make_room(o, OUTBOX_STATE_BYTES, 0);
    if (!err) {
        err = outbox_write_state(o);
    }
    return err ? err : outbox_sync(o);
}

/*
 * open() needs a slot for each ticket from the STATE's first on, answered or not: so the log never holds more of them than there are slots. Needs no
 * sync of its own: the command stands behind it, so it counts only where the STATE does (O4).
 */
static enum fp_err bound_replay(struct fp_outbox *o)
{
    if (o->next - o->saved_first < o->slot_cap) {
        return FP_OK;
    }
    enum fp_err err = outbox_make_room(o, OUTBOX_STATE_BYTES, 0);
    return err ? err : outbox_write_state(o);
}

enum fp_err fp_outbox_append(struct fp_outbox *o, struct fp_composed composed, struct fp_bytes head, struct fp_bytes rest, uint64_t *out_ticket)
{
    uint8_t front[OUTBOX_COMMAND_BYTES];
    uint32_t at = 0;
    size_t most = outbox_room(o) - 2 * state_room(o) - OUTBOX_RECORD_BYTES - sizeof(front);
    if (head.len > most || rest.len > most - head.len || head.len + rest.len > UINT16_MAX - sizeof(front)) {
        return FP_ETOOLARGE;
    }
    if (o->next - o->first >= o->slot_cap) {
        return FP_EFULL;
    }
    outbox_put64(front, o->next);
    outbox_put64(front + 8, composed.at.ms);
    outbox_put32(front + 16, composed.error_ms);
    struct outbox_part parts[3] = {
        {.p = front, .len = sizeof(front)},
        {.p = head.p, .len = (uint32_t)head.len},
        {.p = rest.p, .len = (uint32_t)rest.len},
    };
    uint32_t len = (uint32_t)(sizeof(front) + head.len + rest.len);
    size_t count = rest.len > 0 ? 3 : head.len > 0 ? 2 : 1;
    enum fp_err err = bound_replay(o);
    if (!err) {
        err = outbox_make_room(o, len, 2 * state_room(o));
    }
    if (!err) {
        err = outbox_write(o, OUTBOX_COMMAND, parts, count, &at);
    }
    if (!err) {
        err = outbox_sync(o);
    }
    if (err) {
        return err == FP_ETOOLARGE ? FP_EFULL : err;
    }
    uint64_t ticket = o->next++;
    o->slots[outbox_index(o, ticket)] = (struct fp_slot){.at = at, .len = (uint16_t)(head.len + rest.len)};
    *out_ticket = ticket;
    return FP_OK;
}

enum fp_err fp_outbox_read(const struct fp_outbox *o, uint64_t ticket, void *buf, size_t cap, size_t *out_len, struct fp_composed *out_composed)
{
    const struct fp_slot *s = fp_outbox_slot(o, ticket);
    struct outbox_record r;
    uint8_t front[OUTBOX_COMMAND_BYTES];
    bool good = false;
    if (!s || s->at == OUTBOX_NOWHERE) {
        return FP_EUNKNOWN;
    }
    if (s->len > cap) {
        return FP_ETOOLARGE;
    }
    enum fp_err err = outbox_read_record(o, s->at, outbox_number_at(o, s->at), &r, &good);
    if (!err && (!good || r.type != OUTBOX_COMMAND || r.len != sizeof(front) + s->len)) {
        err = FP_ECORRUPT;
    }
    if (!err) {
        err = o->storage.read(o->storage.ctx, s->at + OUTBOX_RECORD_BYTES, front, sizeof(front));
    }
    if (!err) {
        err = o->storage.read(o->storage.ctx, s->at + OUTBOX_RECORD_BYTES + (uint32_t)sizeof(front), buf, s->len);
    }
    if (!err && outbox_get64(front) != ticket) {
        err = FP_ECORRUPT; /* it was lost to a bad sector, and another stands there now */
    }
    if (err) {
        return err;
    }
    *out_composed = (struct fp_composed){.at = {.ms = outbox_get64(front + 8)}, .error_ms = outbox_get32(front + 16)};
    *out_len = s->len;
    return FP_OK;
}

/* ------------------------------------------------------------------ what becomes of them */

void outbox_sweep(struct fp_outbox *o)
{
    while (o->first < o->next && o->slots[o->first_slot].marks & (FP_SLOT_ANSWERED | FP_SLOT_CANCELLED)) {
        if ((o->slots[o->first_slot].marks & FP_SLOT_CANCELLED) != 0) {
            o->cancelled--;
        } else {
            o->first_n++;
        }
        o->first++;
        o->first_slot = o->first_slot + 1 == o->slot_cap ? 0 : o->first_slot + 1;
        o->dirty = true;
    }
}

enum fp_err fp_outbox_done(struct fp_outbox *o, uint64_t ticket)
{
    struct fp_slot *s = fp_outbox_slot(o, ticket);
    if (!s) {
        return FP_EUNKNOWN;
    }
    s->marks |= FP_SLOT_ANSWERED;
    outbox_sweep(o);
    return FP_OK;
}

/* A CANCEL that the port failed to write may be found all the same, when its command has long been sent. A STATE behind it says that it is void. */
static enum fp_err settle_doubt(struct fp_outbox *o)
{
    enum fp_err err = o->doubt != 0 ? save_state(o) : FP_OK;
    o->doubt = err ? o->doubt : 0;
    return err;
}

enum fp_err fp_outbox_cancel(struct fp_outbox *o, uint64_t ticket)
{
    struct fp_slot *s = fp_outbox_slot(o, ticket);
    uint8_t body[8];
    struct outbox_part part = {.p = body, .len = sizeof(body)};
    uint32_t at = 0;
    if (!s) {
        return FP_EUNKNOWN;
    }
    outbox_put64(body, ticket);
    enum fp_err err = settle_doubt(o);
    if (!err) {
        err = outbox_make_room(o, sizeof(body), 0);
    }
    if (err) {
        return err;
    }
    err = outbox_write(o, OUTBOX_CANCEL, &part, 1, &at);
    if (!err) {
        err = outbox_sync(o);
    }
    if (err) {
        o->doubt = ticket;
        (void)settle_doubt(o); /* if that fails too, the next STATE does it: each write from here on stands behind one */
        return err;
    }
    s->marks |= FP_SLOT_CANCELLED;
    s->cancel_at = at;
    o->cancelled++;
    outbox_sweep(o);
    return FP_OK;
}

enum fp_err fp_outbox_number(struct fp_outbox *o, uint64_t epoch, uint64_t first_n)
{
    uint64_t old_epoch = o->epoch, old_n = o->first_n;
    o->epoch = epoch;
    o->first_n = first_n;
    enum fp_err err = save_state(o);
    if (err) {
        o->epoch = old_epoch;
        o->first_n = old_n;
        return err;
    }
    if (epoch != old_epoch) {
        outbox_forget_cursors(o); /* theirs on the storage carry the other epoch */
    }
    return FP_OK;
}

enum fp_err fp_outbox_flush(struct fp_outbox *o)
{
    return o->dirty ? save_state(o) : outbox_sync(o);
}

/* ------------------------------------------------------------------ cursors */

void outbox_forget_cursors(struct fp_outbox *o)
{
    for (uint16_t i = 0; i < o->cursor_cap; i++) {
        o->cursors[i] = (struct fp_cursor){0};
    }
}

struct fp_cursor *outbox_cursor(const struct fp_outbox *o, const struct fp_id *conv, bool make)
{
    struct fp_cursor *spare = NULL;
    for (uint16_t i = 0; i < o->cursor_cap; i++) {
        struct fp_cursor *c = &o->cursors[i];
        if (fp_id_eq(&c->conv, conv)) {
            return c;
        }
        if (fp_id_is_none(&c->conv) && !spare) {
            spare = c;
        }
    }
    if (make && spare) {
        *spare = (struct fp_cursor){.conv = *conv, .at = OUTBOX_NOWHERE};
        return spare;
    }
    return NULL;
}

static enum fp_err write_cursor(struct fp_outbox *o, const struct fp_id *conv, const struct fp_id *scope, uint64_t seq, uint32_t *out_at)
{
    uint8_t body[OUTBOX_CURSOR_MAX];
    outbox_put64(body, o->epoch);
    outbox_put64(body + 8, seq);
    body[16] = conv->len;
    body[17] = scope->len;
    memcpy(body + OUTBOX_CURSOR_BYTES, conv->text, conv->len);
    memcpy(body + OUTBOX_CURSOR_BYTES + conv->len, scope->text, scope->len);
    struct outbox_part part = {.p = body, .len = OUTBOX_CURSOR_BYTES + conv->len + scope->len};
    uint32_t fits = outbox_room(o) - outbox_padded(o, OUTBOX_RECORD_BYTES + part.len); /* long ids in the smallest sectors leave nothing */
    enum fp_err err = outbox_make_room(o, part.len, fits < state_room(o) ? fits : state_room(o));
    return err ? err : outbox_write(o, OUTBOX_CURSOR, &part, 1, out_at);
}

enum fp_err fp_outbox_set_cursor(struct fp_outbox *o, const struct fp_id *conv, const struct fp_id *scope, uint64_t seq)
{
    struct fp_cursor *c = outbox_cursor(o, conv, true);
    if (!c) {
        return FP_EFULL;
    }
    if (c->at != OUTBOX_NOWHERE && seq <= c->seq && fp_id_eq(&c->scope, scope)) {
        return FP_OK;
    }
    uint32_t at = 0;
    seq = seq > c->seq ? seq : c->seq;
    enum fp_err err = write_cursor(o, conv, scope, seq, &at);
    if (err) {
        if (c->at == OUTBOX_NOWHERE) {
            *c = (struct fp_cursor){0};
        }
        return err;
    }
    c->scope = *scope;
    c->seq = seq;
    c->at = at;
    return FP_OK;
}

enum fp_err fp_outbox_drop_cursor(struct fp_outbox *o, const struct fp_id *conv)
{
    struct fp_cursor *c = outbox_cursor(o, conv, false);
    const struct fp_id none = {0};
    uint32_t at = 0;
    if (!c || fp_id_is_none(conv)) {
        return FP_OK;
    }
    enum fp_err err = write_cursor(o, conv, &none, 0, &at); /* no scope: dropped */
    if (!err) {
        *c = (struct fp_cursor){0};
    }
    return err;
}
