/* Head, about and inbox: no harm; what we write again reads the same; every row that was counted comes out. */
#include "fuzz.h"

#include "fp/live.h"

#define CAP 65536

static void try_head(struct fp_bytes in)
{
    uint8_t buf[64];
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

static void try_inbox(struct fp_bytes in)
{
    struct fp_inbox i;
    struct fp_inbox_head row;
    enum fp_err err = fp_inbox_decode(in, &i);
    FUZZ_NEED(err == FP_OK || err == FP_EMALFORMED || (err == FP_EUNSUPPORTED && i.what > FP_INBOX_ALERT));
    if (err) {
        return;
    }
    size_t want = i.count;
    size_t have = 0;
    while (fp_inbox_next(&i, &row)) {
        FUZZ_NEED(!fp_id_is_none(&row.conv) && !fp_id_is_none(&row.scope));
        have++;
    }
    FUZZ_NEED(have == want);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fp_bytes in = fp_bytes_of(data, size);
    try_head(in);
    try_about(in);
    try_inbox(in);
    return 0;
}
