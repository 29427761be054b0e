/*
 * person.h: how one person is, as presence messages and the trunk have it: id => [state, at / null, ? tstr / null, ? at / null, ? id].
 */
#ifndef SCHEMAS_SRC_PERSON_H
#define SCHEMAS_SRC_PERSON_H

#include "fp/live.h"

static inline bool person_null(struct fp_dec *d)
{
    if (fp_dec_peek(d) != FP_CBOR_NULL) {
        return false;
    }
    fp_dec_null(d);
    return true;
}

static inline bool person_at(struct fp_dec *d, struct fp_wall *out)
{
    if (person_null(d)) {
        return false;
    }
    out->ms = fp_dec_uint(d);
    return true;
}

static inline void person_read(struct fp_dec *d, struct fp_person *out)
{
    *out = (struct fp_person){.user = fp_dec_id(d)};
    size_t items = fp_dec_array(d);
    out->state = fp_dec_uint(d);
    out->has_since = person_at(d, &out->since);
    if (items > 2 && !person_null(d)) {
        out->text = fp_dec_text(d);
    }
    if (items > 3) {
        out->has_until = person_at(d, &out->until);
    }
    if (items > 4) {
        out->relay = fp_dec_id(d);
    }
    for (; items > 5 && !d->failed; items--) { /* a newer hub's */
        fp_dec_skip(d);
    }
    d->failed = d->failed || items < 2 || out->state > FP_PERSON_BUSY;
}

/* Checks the whole map. How many people it has, and where they begin. */
static inline size_t people_read(struct fp_dec *d, struct fp_dec *out_people)
{
    struct fp_person person;
    size_t count = fp_dec_map(d);
    *out_people = *d;
    for (size_t people = count; people > 0 && !d->failed; people--) {
        person_read(d, &person);
    }
    return count;
}

static inline bool people_next(size_t *count, struct fp_dec *people, struct fp_person *out)
{
    if (*count == 0) {
        return false;
    }
    --*count;
    person_read(people, out);
    return !people->failed;
}

#endif
