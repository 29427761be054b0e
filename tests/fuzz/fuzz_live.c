/* Head, about, inbox, receipts, typing and presence: no harm; what we write again reads the same; every row that was counted comes out. */
#include "fuzz.h"

#include "fp/live.h"

#define CAP 65536

static void try_head(struct fp_bytes in)
{
    uint8_t buf[128];
    struct fp_head h;
    struct fp_head again;
    struct fp_enc e;
    if (fp_head_decode(in, &h)) {
        return;
    }
    fp_enc_init(&e, buf, sizeof buf);
    fp_enc_head(&e, &h);
    FUZZ_NEED(fp_head_decode(fp_enc_bytes_of(&e), &again) == FP_OK);
    FUZZ_NEED(again.epoch == h.epoch && again.seq == h.seq && again.floor == h.floor && again.at.ms == h.at.ms);
    FUZZ_NEED(fuzz_is_within(h.chain, in) && (h.chain.len == 0 || h.chain.len == 32) && fp_bytes_eq(again.chain, h.chain));
}

static void try_about(struct fp_bytes in)
{
    static uint8_t buf[CAP];
    struct fp_about a;
    struct fp_id user;
    uint64_t role;
    uint64_t joined;
    struct fp_enc e;
    if (fp_about_decode(in, &a) || in.len > CAP) {
        return;
    }
    FUZZ_NEED(fuzz_is_within(a.title, in) && fuzz_is_within(a.context, in) && !fp_id_is_none(&a.scope));
    size_t want = a.member_count;
    size_t have = 0;
    fp_enc_init(&e, buf, sizeof buf);
    fp_enc_about_begin(&e, &a);
    while (fp_about_member(&a, &user, &role, &joined)) {
        fp_enc_about_member(&e, &user, role, joined);
        have++;
    }
    fp_enc_about_end(&e, &a);
    FUZZ_NEED(have == want && !e.failed && e.len <= in.len);
    FUZZ_NEED(e.len != in.len || fp_bytes_eq(fp_enc_bytes_of(&e), in));
    FUZZ_NEED(fp_about_decode(fp_enc_bytes_of(&e), &a) == FP_OK);
}

/* What was written of what was read: never longer, and the same bytes if it is as long. */
static void check_written(const struct fp_enc *e, struct fp_bytes in)
{
    FUZZ_NEED(!e->failed && e->len <= in.len);
    FUZZ_NEED(e->len != in.len || fp_bytes_eq(fp_enc_bytes_of(e), in));
}

static void check_alert(const struct fp_inbox *i, struct fp_bytes in)
{
    static uint8_t buf[CAP];
    struct fp_inbox again;
    struct fp_enc e;
    fp_enc_init(&e, buf, sizeof buf);
    fp_enc_inbox_alert(&e, &i->conv, i->seq, i->priority, i->details);
    check_written(&e, in);
    FUZZ_NEED(fp_inbox_decode(fp_enc_bytes_of(&e), &again) == FP_OK && fp_id_eq(&again.conv, &i->conv));
    FUZZ_NEED(again.seq == i->seq && again.priority == i->priority && fp_bytes_eq(again.details, i->details));
}

static void try_inbox(struct fp_bytes in)
{
    struct fp_inbox i;
    struct fp_inbox_head row;
    enum fp_err err = fp_inbox_decode(in, &i);
    FUZZ_NEED(err == FP_OK || err == FP_EMALFORMED || (err == FP_EUNSUPPORTED && i.what > FP_INBOX_ALERT));
    if (err) {
        return;
    }
    if (i.what == FP_INBOX_ALERT && in.len <= CAP) {
        check_alert(&i, in);
    }
    struct fp_horizon horizon;
    size_t want = i.count;
    size_t have = 0;
    FUZZ_NEED(fuzz_is_within(i.details, in) && i.priority <= FP_PRIORITY_BULK);
    while (fp_inbox_next(&i, &row)) {
        FUZZ_NEED(!fp_id_is_none(&row.conv) && !fp_id_is_none(&row.scope));
        have++;
    }
    while (fp_inbox_horizon(&i, &horizon)) {
        FUZZ_NEED(!fp_id_is_none(&horizon.id));
        have++;
    }
    FUZZ_NEED(have == want);
}

static void try_receipts(struct fp_bytes in)
{
    static uint8_t buf[CAP];
    struct fp_receipts r;
    struct fp_horizon row;
    struct fp_enc e;
    if (fp_receipts_decode(in, &r) || in.len > CAP) {
        return;
    }
    size_t want = r.count;
    size_t have = 0;
    fp_enc_init(&e, buf, sizeof buf);
    fp_enc_receipts(&e, r.count);
    while (fp_receipts_next(&r, &row)) {
        FUZZ_NEED(!fp_id_is_none(&row.id));
        fp_enc_horizon(&e, &row);
        have++;
    }
    FUZZ_NEED(have == want && fp_bytes_eq(fp_enc_bytes_of(&e), in)); /* there is only one form */
}

static void try_typing(struct fp_bytes in)
{
    struct fp_typing t;
    struct fp_id user;
    if (fp_typing_decode(in, &t)) {
        return;
    }
    size_t want = t.name_count;
    size_t have = 0;
    while (fp_typing_next(&t, &user)) {
        FUZZ_NEED(!fp_id_is_none(&user));
        have++;
    }
    FUZZ_NEED(have == want);
}

static void try_presence(struct fp_bytes in)
{
    static uint8_t buf[CAP];
    struct fp_presence p;
    struct fp_person person;
    struct fp_enc e;
    if (fp_presence_decode(in, &p) || in.len > CAP) {
        return;
    }
    size_t want = p.count;
    size_t have = 0;
    fp_enc_init(&e, buf, sizeof buf);
    fp_enc_presence_begin(&e, p.count, p.full);
    while (fp_presence_next(&p, &person)) {
        FUZZ_NEED(!fp_id_is_none(&person.user) && person.state <= FP_PERSON_BUSY && fuzz_is_within(person.text, in));
        FUZZ_NEED((person.has_since || person.since.ms == 0) && (person.has_until || person.until.ms == 0));
        fp_enc_person(&e, &person);
        have++;
    }
    fp_enc_presence_end(&e, p.full);
    FUZZ_NEED(have == want);
    FUZZ_NEED(!e.failed && e.len <= in.len); /* an empty text is told as null */
    FUZZ_NEED(fp_presence_decode(fp_enc_bytes_of(&e), &p) == FP_OK && p.count == want);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fp_bytes in = fp_bytes_of(data, size);
    try_head(in);
    try_about(in);
    try_inbox(in);
    try_receipts(in);
    try_typing(in);
    try_presence(in);
    return 0;
}
