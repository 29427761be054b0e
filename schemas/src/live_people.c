#include "fp/live.h"

#include "schemas/src/horizon.h"
#include "schemas/src/person.h"

static bool open_checked(struct fp_dec *d, struct fp_bytes in)
{
    const char *why;
    fp_dec_init(d, in);
    return fp_cbor_check(in, NULL, &why) == FP_OK;
}

/* ------------------------------------------------------------------ receipts = {* id => [seq, seq]} */

enum fp_err fp_receipts_decode(struct fp_bytes in, struct fp_receipts *out)
{
    *out = (struct fp_receipts){0};
    struct fp_dec d;
    if (!open_checked(&d, in)) {
        return FP_EMALFORMED;
    }
    out->count = horizons_read(&d, &out->rows);
    return fp_dec_done(&d) ? FP_OK : FP_EMALFORMED;
}

bool fp_receipts_next(struct fp_receipts *r, struct fp_horizon *out)
{
    return horizon_next(&r->count, &r->rows, out);
}

/* ------------------------------------------------------------------ typing-now = {1 => [* id], 2 => uint} */

static void read_names(struct fp_dec *d, struct fp_typing *out)
{
    out->name_count = fp_dec_array(d);
    out->names = *d;
    for (size_t names = out->name_count; names > 0 && !d->failed; names--) {
        (void)fp_dec_id(d);
    }
}

enum fp_err fp_typing_decode(struct fp_bytes in, struct fp_typing *out)
{
    *out = (struct fp_typing){0};
    struct fp_dec d;
    if (!open_checked(&d, in)) {
        return FP_EMALFORMED;
    }
    bool has_names = false;
    bool has_count = false;
    for (size_t pairs = fp_dec_map(&d); pairs > 0 && !d.failed; pairs--) {
        switch (fp_dec_key(&d)) {
        case FP_TYPING_NAMES:
            read_names(&d, out);
            has_names = true;
            break;
        case FP_TYPING_COUNT:
            out->count = fp_dec_uint(&d);
            has_count = true;
            break;
        default: /* here and below: a newer hub's key */
            fp_dec_skip(&d);
        }
    }
    return fp_dec_done(&d) && has_names && has_count ? FP_OK : FP_EMALFORMED;
}

bool fp_typing_next(struct fp_typing *t, struct fp_id *out_user)
{
    if (t->name_count == 0) {
        return false;
    }
    t->name_count--;
    *out_user = fp_dec_id(&t->names);
    return !t->names.failed;
}

/* ------------------------------------------------------------------ presence = {1 => {* id => person}, ? 2 => bool} */

enum fp_err fp_presence_decode(struct fp_bytes in, struct fp_presence *out)
{
    *out = (struct fp_presence){0};
    struct fp_dec d;
    if (!open_checked(&d, in)) {
        return FP_EMALFORMED;
    }
    bool has_people = false;
    for (size_t pairs = fp_dec_map(&d); pairs > 0 && !d.failed; pairs--) {
        switch (fp_dec_key(&d)) {
        case FP_PRESENCE_PEOPLE:
            out->count = people_read(&d, &out->people);
            has_people = true;
            break;
        case FP_PRESENCE_FULL:
            out->full = fp_dec_bool(&d);
            break;
        default:
            fp_dec_skip(&d);
        }
    }
    return fp_dec_done(&d) && has_people ? FP_OK : FP_EMALFORMED;
}

bool fp_presence_next(struct fp_presence *p, struct fp_person *out)
{
    return people_next(&p->count, &p->people, out);
}
