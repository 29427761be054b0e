#include "firmware-client/core/outbox_log.h"

uint32_t outbox_oldest(const struct fp_outbox *o)
{
    uint32_t back = o->chain - 1;
    return o->sector >= back ? o->sector - back : o->sector + o->sectors - back;
}

static uint32_t after(const struct fp_outbox *o, uint32_t sector)
{
    return sector + 1 == o->sectors ? 0 : sector + 1;
}

static struct fp_cursor *cursor_at(const struct fp_outbox *o, uint32_t at)
{
    for (uint16_t i = 0; i < o->cursor_cap; i++) {
        if (!fp_id_is_none(&o->cursors[i].conv) && o->cursors[i].at == at) {
            return &o->cursors[i];
        }
    }
    return NULL;
}

/* The place that remembers where this record stands, if the record still counts. A STATE never does: each sector has its own. */
static enum fp_err live_place(struct fp_outbox *o, const struct outbox_record *r, uint32_t **out_place)
{
    *out_place = NULL;
    if (r->type == OUTBOX_CURSOR) {
        struct fp_cursor *c = cursor_at(o, r->at);
        *out_place = c ? &c->at : NULL;
        return FP_OK;
    }
    if ((r->type != OUTBOX_COMMAND && r->type != OUTBOX_CANCEL) || r->len < 8) {
        return FP_OK;
    }
    uint8_t ticket_bytes[8];
    enum fp_err err = o->storage.read(o->storage.ctx, r->at + OUTBOX_RECORD_BYTES, ticket_bytes, sizeof(ticket_bytes));
    if (err) {
        return err;
    }
    uint64_t ticket = outbox_get64(ticket_bytes);
    if (ticket < o->first || ticket >= o->next) {
        return FP_OK;
    }
    struct fp_slot *s = &o->slots[outbox_index(o, ticket)];
    uint32_t *place = (s->marks & FP_SLOT_CANCELLED) != 0 ? &s->cancel_at : &s->at;
    *out_place = *place == r->at ? place : NULL;
    return FP_OK;
}

enum walk { WALK_COUNT, WALK_COPY, WALK_MOVE };

/*
 * Goes over what is live in a sector: counts its bytes; or copies it to the end of the current sector; or, once the copies are synced,
 * remembers their places, which begin at `to` and stand in the same order.
 */
static enum fp_err walk(struct fp_outbox *o, uint32_t sector, enum walk what, uint32_t to, uint32_t *out_live)
{
    uint32_t at = sector * o->storage.sector_bytes;
    uint32_t number = outbox_number_at(o, at);
    struct outbox_record r;
    bool good = true;
    *out_live = 0;
    at += outbox_padded(o, OUTBOX_HEADER_BYTES);
    for (;;) {
        uint32_t *place = NULL, copy = 0;
        enum fp_err err = outbox_read_record(o, at, number, &r, &good);
        if (err || !good) {
            return err;
        }
        err = live_place(o, &r, &place);
        if (!err && place && what == WALK_COPY) {
            struct outbox_part body = {.at = r.at + OUTBOX_RECORD_BYTES, .len = r.len};
            err = outbox_write(o, r.type, &body, 1, &copy);
        }
        if (err) {
            return err;
        }
        if (place && what == WALK_MOVE) {
            *place = to + *out_live;
        }
        *out_live += place ? r.next - r.at : 0;
        at = r.next;
    }
}

/*
 * Header, what is live in `oldest` (if it is one), STATE. Only with its STATE does it belong to the log: so the copies are all there,
 * or none counts.
 */
static enum fp_err fill_sector(struct fp_outbox *o, uint32_t oldest)
{
    uint32_t live = 0;
    enum fp_err err = oldest == OUTBOX_NOWHERE ? FP_OK : walk(o, oldest, WALK_COPY, 0, &live);
    if (!err) {
        err = outbox_write_state(o);
    }
    return err || oldest == OUTBOX_NOWHERE ? err : outbox_sync(o); /* O5 */
}

static enum fp_err next_sector(struct fp_outbox *o, uint32_t oldest)
{
    uint32_t sector = o->sector, number = o->number;
    uint64_t saved_first = o->saved_first;
    bool dirty = o->dirty;
    enum fp_err err = outbox_begin_sector(o, after(o, sector), number + 1);
    if (err) {
        return err;
    }
    o->chain++;
    err = fill_sector(o, oldest);
    if (err) { /* as before, but that nothing may be written until that sector was begun again */
        o->chain--;
        o->sector = sector;
        o->number = number;
        o->used = o->storage.sector_bytes;
        o->saved_first = saved_first;
        o->dirty = dirty;
    }
    return err;
}

/* Writes what is live in the oldest sector into the spare one, and gives the oldest up. */
static enum fp_err reclaim(struct fp_outbox *o)
{
    uint32_t oldest = outbox_oldest(o), live = 0;
    enum fp_err err = next_sector(o, oldest);
    if (err) {
        return err;
    }
    err = walk(o, oldest, WALK_MOVE, o->sector * o->storage.sector_bytes + outbox_padded(o, OUTBOX_HEADER_BYTES), &live);
    o->chain -= err ? 0 : 1; /* on an error both are needed, until the next open() */
    return err;
}

/* Would giving up some sector help? Looked at before anything is written, so that a full log is not worn by refusals. */
static enum fp_err find_victim(struct fp_outbox *o, uint32_t need, bool *out_found)
{
    uint32_t sector = outbox_oldest(o), live = 0;
    *out_found = false;
    for (uint32_t i = 0; i < o->chain && !*out_found; i++) {
        enum fp_err err = walk(o, sector, WALK_COUNT, 0, &live);
        if (err) {
            return err;
        }
        *out_found = live + need <= outbox_room(o);
        sector = after(o, sector);
    }
    return FP_OK;
}

enum fp_err outbox_make_room(struct fp_outbox *o, uint32_t len, uint32_t reserve)
{
    uint32_t need = outbox_padded(o, OUTBOX_RECORD_BYTES + len) + reserve;
    bool found = false;
    if (o->used + need <= o->storage.sector_bytes) {
        return FP_OK;
    }
    if (need > outbox_room(o)) {
        return FP_ETOOLARGE;
    }
    if (o->chain + 1 < o->sectors) {
        return next_sector(o, OUTBOX_NOWHERE);
    }
    if (o->chain == o->sectors) {
        return FP_EIO; /* a read failed in reclaim(): there is no spare */
    }
    enum fp_err err = find_victim(o, need, &found);
    for (uint32_t i = 0; !err && found && i < o->sectors; i++) {
        err = reclaim(o);
        if (!err && o->used + need <= o->storage.sector_bytes) {
            return FP_OK;
        }
    }
    return err ? err : FP_EFULL;
}
