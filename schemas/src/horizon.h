/*
 * horizon.h: how far who has received and read, as receipts and the own horizons in an inbox have it: {* id => [delivered, read]}.
 */
#ifndef SCHEMAS_SRC_HORIZON_H
#define SCHEMAS_SRC_HORIZON_H

#include "fp/live.h"
#include "schemas/src/told.h"

static inline void horizon_read(struct fp_dec *d, struct fp_horizon *out)
{
    out->id = fp_dec_id(d);
    told_items(d, 2);
    out->delivered = fp_dec_uint(d);
    out->read = fp_dec_uint(d);
}

/* Checks the whole map. How many rows it has, and where they begin. */
static inline size_t horizons_read(struct fp_dec *d, struct fp_dec *out_rows)
{
    struct fp_horizon row;
    size_t count = fp_dec_map(d);
    *out_rows = *d;
    for (size_t pairs = count; pairs > 0 && !d->failed; pairs--) {
        horizon_read(d, &row);
    }
    return count;
}

static inline bool horizon_next(size_t *count, struct fp_dec *rows, struct fp_horizon *out)
{
    if (*count == 0) {
        return false;
    }
    --*count;
    horizon_read(rows, out);
    return !rows->failed;
}

#endif
