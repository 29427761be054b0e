#include "firmware-client/core/outbox_log.h"

struct replay { /* what the log says, before the slots are filled */
    uint64_t first, first_n, next, epoch;
    uint64_t lowest; /* ticket of a COMMAND */
    bool has_state;
};

typedef enum fp_err (*record_fn)(struct fp_outbox *o, const struct outbox_record *r, struct replay *x);

static enum fp_err read_body(const struct fp_outbox *o, const struct outbox_record *r, void *buf, size_t len)
{
    return o->storage.read(o->storage.ctx, r->at + OUTBOX_RECORD_BYTES, buf, len);
}

/* Calls fn for each record of the log, oldest first; leaves `used` where the next record can go. */
static enum fp_err each_record(struct fp_outbox *o, record_fn fn, struct replay *x)
{
    uint32_t sector = outbox_oldest(o);
    for (uint32_t i = 0; i < o->chain; i++) {
        uint32_t begin = sector * o->storage.sector_bytes;
        uint32_t at = begin + outbox_padded(o, OUTBOX_HEADER_BYTES);
        for (bool good = true; good;) {
            struct outbox_record r;
            enum fp_err err = outbox_read_record(o, at, outbox_number_at(o, begin), &r, &good);
            if (!err && good) {
                err = fn(o, &r, x);
                at = r.next;
            }
            if (err) {
                return err;
            }
        }
        o->used = at - begin;
        sector = sector + 1 == o->sectors ? 0 : sector + 1;
    }
    return FP_OK;
}

static enum fp_err note_state(struct fp_outbox *o, const struct outbox_record *r, struct replay *x)
{
    uint8_t body[OUTBOX_STATE_BYTES];
    if (r->type == OUTBOX_COMMAND && r->len >= OUTBOX_COMMAND_BYTES) {
        enum fp_err err = read_body(o, r, body, 8);
        uint64_t ticket = outbox_get64(body);
        if (!err && ticket > 0 && (x->lowest == 0 || ticket < x->lowest)) {
            x->lowest = ticket;
        }
        return err;
    }
    if (r->type != OUTBOX_STATE || r->len != sizeof(body)) {
        return FP_OK;
    }
    enum fp_err err = read_body(o, r, body, sizeof(body));
    if (!err) {
        x->epoch = outbox_get64(body);
        x->first = outbox_get64(body + 8);
        x->first_n = outbox_get64(body + 16);
        x->next = outbox_get64(body + 24);
        x->has_state = true;
        o->state_at = r->at;
    }
    return err;
}

static enum fp_err apply_command(struct fp_outbox *o, const struct outbox_record *r, uint64_t ticket)
{
    if (ticket < o->first) {
        return FP_OK;
    }
    if (ticket - o->first >= o->slot_cap) {
        return FP_ECONFIG; /* fewer slots than the run before had */
    }
    struct fp_slot *s = &o->slots[ticket - o->first];
    if (r->type == OUTBOX_CANCEL) {
        s->marks |= FP_SLOT_CANCELLED;
        s->cancel_at = r->at;
    } else if (r->len >= OUTBOX_COMMAND_BYTES) {
        s->at = r->at;
        s->len = (uint16_t)(r->len - OUTBOX_COMMAND_BYTES);
        s->marks |= FP_SLOT_OLD;
    }
    o->next = ticket >= o->next ? ticket + 1 : o->next;
    return FP_OK;
}

static enum fp_err apply_cursor(struct fp_outbox *o, const struct outbox_record *r)
{
    uint8_t body[OUTBOX_CURSOR_MAX];
    struct fp_id conv, scope = {0};
    if (r->len < OUTBOX_CURSOR_BYTES || r->len > sizeof(body)) {
        return FP_OK;
    }
    enum fp_err err = read_body(o, r, body, r->len);
    if (err || outbox_get64(body) != o->epoch || OUTBOX_CURSOR_BYTES + (uint32_t)body[16] + body[17] != r->len ||
        !fp_id_parse((const char *)body + OUTBOX_CURSOR_BYTES, body[16], &conv)) {
        return err;
    }
    bool kept = body[17] > 0;
    if (kept && !fp_id_parse((const char *)body + OUTBOX_CURSOR_BYTES + body[16], body[17], &scope)) {
        return FP_OK;
    }
    struct fp_cursor *c = outbox_cursor(o, &conv, kept);
    if (c) { /* none: no room; that conversation begins anew */
        *c = kept ? (struct fp_cursor){.conv = conv, .scope = scope, .seq = outbox_get64(body + 8), .at = r->at} : (struct fp_cursor){0};
    }
    return FP_OK;
}

static enum fp_err apply_doubt(struct fp_outbox *o, const struct outbox_record *r)
{
    uint8_t body[OUTBOX_STATE_BYTES];
    enum fp_err err = read_body(o, r, body, sizeof(body));
    uint64_t ticket = outbox_get64(body + 32);
    if (!err && ticket >= o->first && ticket < o->next) {
        struct fp_slot *s = &o->slots[ticket - o->first];
        s->marks &= (uint8_t)~FP_SLOT_CANCELLED;
    }
    return err;
}

static enum fp_err apply(struct fp_outbox *o, const struct outbox_record *r, struct replay *x)
{
    (void)x;
    if (r->type == OUTBOX_CURSOR) {
        return apply_cursor(o, r);
    }
    if (r->type == OUTBOX_STATE && r->len == OUTBOX_STATE_BYTES) {
        return apply_doubt(o, r);
    }
    if ((r->type == OUTBOX_COMMAND || r->type == OUTBOX_CANCEL) && r->len >= 8) {
        uint8_t ticket[8];
        enum fp_err err = read_body(o, r, ticket, sizeof(ticket));
        return err ? err : apply_command(o, r, outbox_get64(ticket));
    }
    return FP_OK;
}

/* A command that is not to be found takes its n all the same: whether the hub has it shows when the next one is refused or taken. */
static void judge_slots(struct fp_outbox *o)
{
    for (uint32_t i = 0; i < (uint32_t)(o->next - o->first); i++) {
        struct fp_slot *s = &o->slots[i];
        if ((s->marks & FP_SLOT_CANCELLED) != 0) {
            o->cancelled++;
        } else if (s->at == OUTBOX_NOWHERE) {
            s->marks |= FP_SLOT_ANSWERED;
        }
    }
    outbox_sweep(o);
}

static enum fp_err replay(struct fp_outbox *o)
{
    struct replay x = {0};
    outbox_forget_cursors(o);
    for (uint32_t i = 0; i < o->slot_cap; i++) {
        o->slots[i] = (struct fp_slot){.at = OUTBOX_NOWHERE, .cancel_at = OUTBOX_NOWHERE};
    }
    o->state_at = OUTBOX_NOWHERE;
    o->cancelled = 0;
    o->first_slot = 0;
    enum fp_err err = each_record(o, note_state, &x);
    if (err) {
        return err;
    }
    o->first = x.has_state ? x.first : x.lowest;
    o->first = o->first > 0 ? o->first : 1;
    o->saved_first = o->first;
    o->next = x.next > o->first ? x.next : o->first;
    o->epoch = x.epoch;
    o->first_n = x.first_n;
    if (o->next - o->first > o->slot_cap) {
        return FP_ECONFIG;
    }
    return each_record(o, apply, &x);
}

/* A new sector counts once its STATE is written: before, nothing was accepted in it, and what it holds are copies. */
static enum fp_err has_state(const struct fp_outbox *o, uint32_t sector, uint32_t number, bool *out_has)
{
    uint32_t at = sector * o->storage.sector_bytes + outbox_padded(o, OUTBOX_HEADER_BYTES);
    bool good = true;
    *out_has = false;
    while (good && !*out_has) {
        struct outbox_record r;
        enum fp_err err = outbox_read_record(o, at, number, &r, &good);
        if (err) {
            return err;
        }
        *out_has = good && r.type == OUTBOX_STATE && r.len == OUTBOX_STATE_BYTES;
        at = good ? r.next : at;
    }
    return FP_OK;
}

static enum fp_err find_chain(struct fp_outbox *o, bool *out_found)
{
    bool ours = false;
    uint32_t number = 0;
    *out_found = false;
    for (uint32_t s = 0; s < o->sectors; s++) {
        enum fp_err err = outbox_read_sector(o, s, &ours, &number);
        if (!err && ours) {
            err = has_state(o, s, number, &ours);
        }
        if (err) {
            return err;
        }
        if (ours && (!*out_found || number > o->number)) {
            *out_found = true;
            o->sector = s;
            o->number = number;
        }
    }
    o->chain = 1;
    for (uint32_t s = o->sector; *out_found && o->chain < o->sectors && o->chain < o->number; o->chain++) { /* the first one is number 1 */
        s = s > 0 ? s - 1 : o->sectors - 1;
        enum fp_err err = outbox_read_sector(o, s, &ours, &number);
        if (err) {
            return err;
        }
        if (!ours || number != o->number - o->chain) {
            break;
        }
    }
    o->chain -= o->chain == o->sectors ? 1 : 0; /* one is always spare: the oldest was given up */
    return FP_OK;
}

static enum fp_err format(struct fp_outbox *o)
{
    o->first = o->next = 1;
    o->chain = 1;
    enum fp_err err = outbox_begin_sector(o, 0, 1);
    if (!err) {
        err = outbox_write_state(o);
    }
    return err ? err : o->storage.sync(o->storage.ctx);
}

static bool is_sane(const struct fp_storage *s, uint32_t slot_cap)
{
    uint16_t unit = s->program_bytes;
    return unit > 0 && unit <= 32 && (unit & (unit - 1)) == 0 && s->sector_bytes >= 256 && s->sector_bytes % unit == 0 &&
           s->size % s->sector_bytes == 0 && s->size / s->sector_bytes >= 3 && slot_cap > 0;
}

enum fp_err fp_outbox_open(struct fp_outbox *o, struct fp_storage storage, struct fp_slot *slots, uint32_t slot_cap, struct fp_cursor *cursors,
                           uint16_t cursor_cap)
{
    bool found = false, erased = false;
    *o = (struct fp_outbox){.storage = storage, .slots = slots, .slot_cap = slot_cap, .cursors = cursors, .cursor_cap = cursor_cap};
    if (!is_sane(&storage, slot_cap)) {
        return FP_ECONFIG;
    }
    o->sectors = storage.size / storage.sector_bytes;
    enum fp_err err = find_chain(o, &found);
    if (!err) {
        err = replay(o); /* an empty chain leaves all empty */
    }
    if (err) {
        return err;
    }
    if (!found) {
        return format(o);
    }
    err = outbox_is_erased(o, o->sector * storage.sector_bytes + o->used, &erased);
    if (err) {
        return err;
    }
    if (!erased) {
        o->used = storage.sector_bytes; /* something torn stands there */
    }
    judge_slots(o);
    return FP_OK;
}
