#include "fp/live.h"

#include "schemas/src/horizon.h"
#include "schemas/src/told.h"

static void read_row(struct fp_dec *d, struct fp_inbox_head *out)
{
    told_items(d, 4);
    out->conv = fp_dec_id(d);
    out->scope = fp_dec_id(d);
    out->head = fp_dec_uint(d);
    out->unread = fp_dec_uint(d);
}

static void heads_field(struct fp_dec *d, uint64_t key, struct fp_inbox *i)
{
    struct fp_inbox_head row;
    if (key != FP_HEADS_ROWS) { /* here and below: a newer hub's key */
        fp_dec_skip(d);
        return;
    }
    i->count = fp_dec_array(d);
    i->rows = *d;
    for (size_t rows = i->count; rows > 0 && !d->failed; rows--) {
        read_row(d, &row);
    }
}

static void joined_field(struct fp_dec *d, uint64_t key, struct fp_inbox *i)
{
    switch (key) {
    case FP_JOINED_CONV:
        i->conv = fp_dec_id(d);
        break;
    case FP_JOINED_SCOPE:
        i->scope = fp_dec_id(d);
        break;
    case FP_JOINED_ROLE:
        i->role = fp_dec_uint(d);
        d->failed = d->failed || (i->role > FP_ROLE_OWNER && i->role != FP_ROLE_SERVICE);
        break;
    default:
        fp_dec_skip(d);
    }
}

static void removed_field(struct fp_dec *d, uint64_t key, struct fp_inbox *i)
{
    switch (key) {
    case FP_REMOVED_CONV:
        i->conv = fp_dec_id(d);
        break;
    case FP_REMOVED_SCOPE:
        i->scope = fp_dec_id(d);
        break;
    default:
        fp_dec_skip(d);
    }
}

static void horizons_field(struct fp_dec *d, uint64_t key, struct fp_inbox *i)
{
    if (key != FP_HORIZONS_OWN) {
        fp_dec_skip(d);
        return;
    }
    i->count = horizons_read(d, &i->rows);
}

static void alert_field(struct fp_dec *d, uint64_t key, struct fp_inbox *i)
{
    switch (key) {
    case FP_ALERT_CONV:
        i->conv = fp_dec_id(d);
        break;
    case FP_ALERT_SEQ:
        i->seq = fp_dec_uint(d);
        break;
    case FP_ALERT_PRIORITY:
        i->priority = fp_dec_uint(d);
        d->failed = d->failed || i->priority > FP_PRIORITY_BULK;
        break;
    case FP_ALERT_DETAILS:
        i->details = fp_dec_raw(d);
        break;
    default:
        fp_dec_skip(d);
    }
}

/* `needed` has bit 1 << key for each key that must be there. */
static const struct shape {
    void (*field)(struct fp_dec *d, uint64_t key, struct fp_inbox *i);
    uint32_t needed;
} SHAPES[] = {
    [FP_INBOX_HEADS] = {heads_field, 1U << FP_HEADS_ROWS},
    [FP_INBOX_JOINED] = {joined_field, 1U << FP_JOINED_CONV | 1U << FP_JOINED_SCOPE | 1U << FP_JOINED_ROLE},
    [FP_INBOX_REMOVED] = {removed_field, 1U << FP_REMOVED_CONV | 1U << FP_REMOVED_SCOPE},
    [FP_INBOX_HORIZONS] = {horizons_field, 1U << FP_HORIZONS_OWN},
    [FP_INBOX_ALERT] = {alert_field, 1U << FP_ALERT_CONV | 1U << FP_ALERT_SEQ | 1U << FP_ALERT_PRIORITY},
};

enum fp_err fp_inbox_decode(struct fp_bytes in, struct fp_inbox *out)
{
    *out = (struct fp_inbox){0};
    struct fp_dec d;
    size_t pairs = 0;
    enum fp_err err = told_open(in, sizeof SHAPES / sizeof SHAPES[0], &d, &out->what, &pairs);
    if (err) {
        return err;
    }
    const struct shape *shape = &SHAPES[out->what];
    uint32_t seen = 0;
    for (; pairs > 0 && !d.failed; pairs--) {
        uint64_t key = fp_dec_key(&d);
        shape->field(&d, key, out);
        seen |= key < 32 ? 1U << key : 0;
    }
    return fp_dec_done(&d) && (seen & shape->needed) == shape->needed ? FP_OK : FP_EMALFORMED;
}

bool fp_inbox_next(struct fp_inbox *i, struct fp_inbox_head *out)
{
    if (i->what != FP_INBOX_HEADS || i->count == 0) {
        return false;
    }
    i->count--;
    read_row(&i->rows, out);
    return !i->rows.failed;
}

bool fp_inbox_horizon(struct fp_inbox *i, struct fp_horizon *out)
{
    return i->what == FP_INBOX_HORIZONS && horizon_next(&i->count, &i->rows, out);
}
