#include "plugin/core/typing.h"

static bool key_eq(const struct typing_key *a, const struct typing_key *b)
{
    return fp_id_eq(&a->user, &b->user) && fp_id_eq(&a->device, &b->device);
}

static bool has_user(const struct typing *t, size_t below, const struct fp_id *user)
{
    for (size_t i = 0; i < below; i++) {
        if (fp_id_eq(&t->rows[i].key.user, user)) {
            return true;
        }
    }
    return false;
}

static void count_anew(struct typing *t)
{
    t->now = (struct typing_digest){0};
    for (size_t i = 0; i < t->count; i++) {
        const struct fp_id *user = &t->rows[i].key.user;
        if (has_user(t, i, user)) {
            continue; /* on another of his devices */
        }
        if (t->now.name_count < FP_TYPING_NAMES_MAX) {
            t->now.names[t->now.name_count++] = *user;
        }
        t->now.count++;
    }
}

bool typing_begin(struct typing *t, const struct typing_key *key, struct fp_mono now)
{
    struct fp_mono until = {.us = now.us + TYPING_LASTS_US};

    for (size_t i = 0; i < t->count; i++) {
        if (key_eq(&t->rows[i].key, key)) {
            t->rows[i].until = until; /* Y1 */
            return true;
        }
    }
    if (t->count == TYPING_ROWS_MAX) {
        return false;
    }
    t->rows[t->count++] = (struct typing_row){.key = *key, .until = until};
    count_anew(t);
    return true;
}

/* NULL matches anybody; by: rows that ran out by then. */
static size_t end_rows(struct typing *t, const struct fp_id *user, const struct fp_id *device, struct fp_mono by)
{
    size_t kept = 0;

    for (size_t i = 0; i < t->count; i++) {
        const struct typing_row *row = &t->rows[i];
        bool mine = (!user || fp_id_eq(&row->key.user, user)) && (!device || fp_id_eq(&row->key.device, device));
        if (!mine || row->until.us > by.us) {
            t->rows[kept++] = *row;
        }
    }
    size_t gone = t->count - kept;
    t->count = kept;
    if (gone > 0) {
        count_anew(t);
    }
    return gone;
}

static const struct fp_mono any_time = {.us = UINT64_MAX};

void typing_end(struct typing *t, const struct typing_key *key)
{
    (void)end_rows(t, &key->user, &key->device, any_time);
}

void typing_end_user(struct typing *t, const struct fp_id *user)
{
    (void)end_rows(t, user, NULL, any_time);
}

void typing_end_device(struct typing *t, const struct fp_id *device)
{
    (void)end_rows(t, NULL, device, any_time);
}

size_t typing_expire(struct typing *t, struct fp_mono now)
{
    return end_rows(t, NULL, NULL, now); /* Y1 */
}

static bool is_told(const struct typing *t)
{
    bool same = t->now.count == t->told.count && t->now.name_count == t->told.name_count;

    for (size_t i = 0; same && i < t->now.name_count; i++) {
        same = fp_id_eq(&t->now.names[i], &t->told.names[i]);
    }
    return same;
}

/* When the digest may go out, if there is something to say. */
static struct fp_mono may_tell(const struct typing *t)
{
    bool at_once = !t->ever_told || t->now.count == 0;
    return (struct fp_mono){.us = at_once ? 0 : t->told_at.us + TYPING_EVERY_US}; /* Y2 */
}

bool typing_tell(struct typing *t, struct fp_mono now, struct typing_digest *out)
{
    if (is_told(t) || may_tell(t).us > now.us) {
        return false; /* Y3, Y2 */
    }
    t->told = t->now;
    t->told_at = now;
    t->ever_told = true;
    *out = t->now;
    return true;
}

bool typing_next(const struct typing *t, struct fp_mono *out_due)
{
    uint64_t due = is_told(t) ? UINT64_MAX : may_tell(t).us;

    for (size_t i = 0; i < t->count; i++) {
        due = t->rows[i].until.us < due ? t->rows[i].until.us : due;
    }
    out_due->us = due;
    return due != UINT64_MAX;
}

bool typing_over(const struct typing *t, struct fp_mono now)
{
    return t->count == 0 && is_told(t) && (!t->ever_told || t->told_at.us + TYPING_EVERY_US <= now.us);
}
