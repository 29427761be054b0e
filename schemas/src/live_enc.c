#include "fp/live.h"

#include <assert.h>

static void put_uint(struct fp_enc *e, uint64_t key, uint64_t v)
{
    fp_enc_uint(e, key);
    fp_enc_uint(e, v);
}

static void begin(struct fp_enc *e, size_t pairs, uint64_t what)
{
    fp_enc_map(e, pairs);
    put_uint(e, FP_KEY_WHAT, what);
}

/* ------------------------------------------------------------------ horizons */

/* {1 => 4, 2 => {+ id => [seq, seq]}} */
void fp_enc_inbox_horizons(struct fp_enc *e, size_t count)
{
    begin(e, 2, FP_INBOX_HORIZONS);
    fp_enc_uint(e, FP_HORIZONS_OWN);
    fp_enc_map(e, count);
}

/* receipts = {* id => [seq, seq]} */
void fp_enc_receipts(struct fp_enc *e, size_t count)
{
    fp_enc_map(e, count);
}

void fp_enc_horizon(struct fp_enc *e, const struct fp_horizon *row)
{
    fp_enc_id(e, &row->id);
    fp_enc_array(e, 2);
    fp_enc_uint(e, row->delivered);
    fp_enc_uint(e, row->read);
}

/* ------------------------------------------------------------------ alert = {1 => 5, 2 => id, 3 => seq, 4 => priority, ? 5 => any} */

void fp_enc_inbox_alert(struct fp_enc *e, const struct fp_id *conv, uint64_t seq, uint64_t priority, struct fp_bytes details)
{
    begin(e, details.len > 0 ? 5 : 4, FP_INBOX_ALERT);
    fp_enc_uint(e, FP_ALERT_CONV);
    fp_enc_id(e, conv);
    put_uint(e, FP_ALERT_SEQ, seq);
    put_uint(e, FP_ALERT_PRIORITY, priority);
    if (details.len > 0) {
        fp_enc_uint(e, FP_ALERT_DETAILS);
        fp_enc_raw(e, details);
    }
}

/* ------------------------------------------------------------------ typing-now = {1 => [* id], 2 => uint} */

void fp_enc_typing(struct fp_enc *e, const struct fp_id *names, size_t name_count, size_t count)
{
    assert(name_count <= FP_TYPING_NAMES_MAX && name_count <= count);
    fp_enc_map(e, 2);
    fp_enc_uint(e, FP_TYPING_NAMES);
    fp_enc_array(e, name_count);
    for (size_t i = 0; i < name_count; i++) {
        fp_enc_id(e, &names[i]);
    }
    put_uint(e, FP_TYPING_COUNT, count);
}

/* ------------------------------------------------------------------ presence = {1 => {* id => person}, ? 2 => bool} */

void fp_enc_presence_begin(struct fp_enc *e, size_t count, bool full)
{
    fp_enc_map(e, full ? 2 : 1);
    fp_enc_uint(e, FP_PRESENCE_PEOPLE);
    fp_enc_map(e, count);
}

static void put_at(struct fp_enc *e, bool known, struct fp_wall at)
{
    if (known) {
        fp_enc_uint(e, at.ms);
    } else {
        fp_enc_null(e);
    }
}

/* As far as there is something to tell: what is null at the end is left out. */
static size_t person_items(const struct fp_person *p)
{
    if (!fp_id_is_none(&p->relay)) {
        return 5;
    }
    if (p->has_until) {
        return 4;
    }
    return p->text.len > 0 ? 3 : 2;
}

/* id => [state, at / null, ? tstr / null, ? at / null, ? id] */
void fp_enc_person(struct fp_enc *e, const struct fp_person *p)
{
    size_t items = person_items(p);
    fp_enc_id(e, &p->user);
    fp_enc_array(e, items);
    fp_enc_uint(e, p->state);
    put_at(e, p->has_since, p->since);
    if (items > 2 && p->text.len > 0) {
        fp_enc_text(e, (const char *)p->text.p, p->text.len);
    } else if (items > 2) {
        fp_enc_null(e);
    }
    if (items > 3) {
        put_at(e, p->has_until, p->until);
    }
    if (items > 4) {
        fp_enc_id(e, &p->relay);
    }
}

void fp_enc_presence_end(struct fp_enc *e, bool full)
{
    if (full) {
        fp_enc_uint(e, FP_PRESENCE_FULL);
        fp_enc_bool(e, true);
    }
}
