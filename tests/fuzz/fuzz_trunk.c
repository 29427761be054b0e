/*
 * A hub reads whatever a relay might send, and a relay whatever a hub might: frames and records. No harm; every row that was counted comes out; and
 * what is written again is read again, and then written the same.
 */
#include "fuzz.h"

#include "fp/limits.h"
#include "tests/vectors/trunk_again.h"

static void check_again(bool (*again)(struct fp_bytes in, struct fp_enc *e), struct fp_bytes in)
{
    size_t cap = in.len + 64; /* a crc, and what was the default and left out */
    uint8_t *once = malloc(cap);
    uint8_t *twice = malloc(cap);
    struct fp_enc first;
    struct fp_enc second;
    FUZZ_NEED(once != NULL && twice != NULL);
    fp_enc_init(&first, once, cap);
    fp_enc_init(&second, twice, cap);
    if (again(in, &first)) {
        FUZZ_NEED(again(fp_enc_bytes_of(&first), &second) && fp_bytes_eq(fp_enc_bytes_of(&first), fp_enc_bytes_of(&second)));
    }
    free(once);
    free(twice);
}

static void check_batch(const struct fp_trunk_batch *b, struct fp_bytes in)
{
    FUZZ_NEED(fuzz_is_within(b->records, in) && b->records.len <= FP_TRUNK_RECORDS_MAX);
    FUZZ_NEED(b->lane < FP_LANES && b->first > 0 && b->count > 0 && b->count <= FP_TRUNK_RECORDS_MAX);
    FUZZ_NEED(b->first <= UINT64_MAX - b->count && b->crc == fp_crc32c(b->records));
}

static void check_rows(struct fp_trunk t)
{
    struct fp_id id;
    struct fp_person person;
    struct fp_trunk_typing row;
    uint64_t seq;
    size_t want = t.what == FP_TRUNK_HELLO ? t.as.hello.held_count : 0;
    for (; want > 0; want--) {
        FUZZ_NEED(fp_trunk_held(&t.as.hello, &id, &seq) && !fp_id_is_none(&id));
    }
    want = t.what == FP_TRUNK_WELCOME ? t.as.welcome.scope_count : 0;
    for (; want > 0; want--) {
        FUZZ_NEED(fp_trunk_scope(&t.as.welcome, &id) && !fp_id_is_none(&id));
    }
    want = t.what == FP_TRUNK_LIVE ? t.as.live.people_count : 0;
    for (; want > 0; want--) {
        FUZZ_NEED(fp_trunk_person(&t.as.live, &person) && !fp_id_is_none(&person.user));
    }
    want = t.what == FP_TRUNK_LIVE ? t.as.live.typing_count : 0;
    for (; want > 0; want--) {
        FUZZ_NEED(fp_trunk_typing(&t.as.live, &row) && !fp_id_is_none(&row.conv));
        for (size_t users = row.count; users > 0; users--) {
            FUZZ_NEED(fp_trunk_typist(&row, &id) && !fp_id_is_none(&id));
        }
        FUZZ_NEED(!fp_trunk_typist(&row, &id));
    }
    FUZZ_NEED(t.what != FP_TRUNK_LIVE || !fp_trunk_typing(&t.as.live, &row));
}

static void try_frame(struct fp_bytes in)
{
    struct fp_trunk t;
    enum fp_err err = fp_trunk_decode(in, &t);
    FUZZ_NEED(err == FP_OK || err == FP_EMALFORMED || err == FP_ETOOLARGE || (err == FP_EUNSUPPORTED && t.what > FP_TRUNK_KNOWN));
    if (err) {
        return;
    }
    check_rows(t);
    if (t.what == FP_TRUNK_BATCH) {
        check_batch(&t.as.batch, in);
    } else if (t.what == FP_TRUNK_HELLO) {
        for (size_t lane = 0; lane < FP_LANES; lane++) {
            FUZZ_NEED(t.as.hello.lanes[lane].oldest > 0 && t.as.hello.lanes[lane].next >= t.as.hello.lanes[lane].oldest);
        }
    } else if (t.what == FP_TRUNK_REFUSE) {
        FUZZ_NEED(fp_err_is_peer(t.as.refuse.code) && fuzz_is_within(t.as.refuse.reason, in) && t.as.refuse.number > 0);
    }
    check_again(trunk_again, in);
}

static void try_records(struct fp_bytes in)
{
    struct fp_record_up up;
    struct fp_record_down down;
    enum fp_err err = fp_record_up_decode(in, &up);
    FUZZ_NEED(err == FP_OK || err == FP_EMALFORMED);
    if (!err) {
        FUZZ_NEED(fuzz_is_within(up.command, in) && !fp_id_is_none(&up.user) && !fp_id_is_none(&up.device));
        FUZZ_NEED(!up.refused || (up.has_custody && fp_err_is_peer(up.refused)));
        check_again(record_up_again, in);
    }
    err = fp_record_down_decode(in, &down);
    FUZZ_NEED(err == FP_OK || err == FP_EMALFORMED || (err == FP_EUNSUPPORTED && down.what > FP_TOLD_PERSON_WHAT));
    if (!err) {
        FUZZ_NEED(down.what != FP_TOLD_CONV_WHAT || (down.conv.floor_chain.len == 32 && !fp_id_is_none(&down.conv.conv)));
        check_again(record_down_again, in);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fp_bytes in = fp_bytes_of(data, size);
    try_frame(in);
    try_records(in);
    return 0;
}
