/* What both ends of a trunk read: the CDDL, and nothing that is not. */
#include "hex.h"

#include "fp/limits.h"
#include "fp/trunk.h"

static enum fp_err read_as(const char *text, struct fp_trunk *out)
{
    struct fp_bytes in = hex(text);
    enum fp_err err = fp_trunk_decode(in, out);
    hex_free(in); /* what points into it is not looked at by those who call this */
    return err;
}

static void assert_refused(const char *text)
{
    struct fp_trunk t;
    enum fp_err err = read_as(text, &t);
    if (err != FP_EMALFORMED) {
        fail_msg("%s: %d", text, err);
    }
}

static void a_hello_is_read_with_its_rows(void **state)
{
    (void)state;
    struct fp_bytes in = hex("a7 01 01 02 01 03 05 04 a2 02 82 03 09 03 82 07 07 05 a2 6162 06 626161 07 06 a1 02 04 1819 f6");
    struct fp_trunk t;
    struct fp_id conv;
    uint64_t seq;
    assert_int_equal(fp_trunk_decode(in, &t), FP_OK);
    struct fp_trunk_hello *h = &t.as.hello;
    assert_int_equal(t.what, FP_TRUNK_HELLO);
    assert_int_equal(h->protocol, 1);
    assert_int_equal(h->epoch, 5);
    assert_true(h->lanes[0].oldest == 1 && h->lanes[0].next == 1);
    assert_true(h->lanes[2].oldest == 3 && h->lanes[2].next == 9);
    assert_true(h->lanes[3].oldest == 7 && h->lanes[3].next == 7);
    assert_true(h->have[0] == 0 && h->have[2] == 4);
    assert_int_equal(h->held_count, 2);
    assert_true(fp_trunk_held(h, &conv, &seq));
    assert_id(conv, "b");
    assert_int_equal(seq, 6);
    assert_true(fp_trunk_held(h, &conv, &seq));
    assert_id(conv, "aa");
    assert_false(fp_trunk_held(h, &conv, &seq));
    hex_free(in);
}

static void a_hello_that_cannot_be_is_refused(void **state)
{
    (void)state;
    assert_refused("a4 01 01 02 01 03 05 04 a0");                      /* held is missing */
    assert_refused("a5 01 01 02 01 03 05 04 a1 04 82 01 02 05 a0");    /* lane 4 */
    assert_refused("a5 01 01 02 01 03 05 04 a1 00 82 00 02 05 a0");    /* records count from 1 */
    assert_refused("a5 01 01 02 01 03 05 04 a1 00 82 03 02 05 a0");    /* the next before the oldest */
    assert_refused("a5 01 01 02 01 03 05 04 a1 00 83 01 02 03 05 a0"); /* no pair */
    assert_refused("a5 01 01 02 01 03 05 04 a0 05 a1 01 01");          /* no id */
    assert_refused("a5 01 01 02 01 03 05 04 a0 05 ba7fffffff");        /* more rows than bytes */
    assert_refused("a6 01 01 02 01 03 05 04 a0 05 a0 06 a1 04 01");    /* have of lane 4 */
}

static void a_welcome_is_read_with_its_scopes(void **state)
{
    (void)state;
    struct fp_bytes in = hex("a7 01 02 02 07 03 a2 00 01 03 02 04 10 05 1864 06 1903e8 07 82 6173 6174");
    struct fp_trunk t;
    struct fp_id scope;
    assert_int_equal(fp_trunk_decode(in, &t), FP_OK);
    struct fp_trunk_welcome *w = &t.as.welcome;
    assert_true(w->epoch == 7 && w->have[0] == 1 && w->have[1] == 0 && w->have[3] == 2);
    assert_true(w->credit == 16 && w->bytes == 100 && w->at.ms == 1000);
    assert_true(fp_trunk_scope(w, &scope));
    assert_id(scope, "s");
    assert_true(fp_trunk_scope(w, &scope));
    assert_id(scope, "t");
    assert_false(fp_trunk_scope(w, &scope));
    hex_free(in);
    assert_int_equal(read_as("a7 01 02 02 07 03 a0 04 10 05 1864 06 1903e8 08 05", &t), FP_OK);
    assert_int_equal(t.as.welcome.start, 5);
    assert_refused("a5 01 02 02 07 03 a0 04 10 05 1864");                    /* when is missing */
    assert_refused("a7 01 02 02 07 03 a0 04 10 05 1864 06 1903e8 07 81 01"); /* a scope is an id */
}

static void a_batch_is_read_as_it_stands(void **state)
{
    (void)state;
    struct fp_bytes in = hex("a8 01 03 02 05 03 02 04 09 05 03 06 00 07 1ae3069283 08 49 313233343536373839");
    struct fp_trunk t;
    assert_int_equal(fp_trunk_decode(in, &t), FP_OK);
    assert_true(t.as.batch.epoch == 5 && t.as.batch.lane == 2 && t.as.batch.first == 9 && t.as.batch.count == 3 && !t.as.batch.zlib);
    assert_text(t.as.batch.records, "123456789");
    hex_free(in);
    assert_int_equal(read_as("a8 01 03 02 05 03 02 04 09 05 183c 06 01 07 1ae3069283 08 49 313233343536373839", &t), FP_OK);
    assert_true(t.as.batch.zlib); /* 60 records in 9 bytes: a stream may */
}

static void a_batch_that_cannot_be_is_refused(void **state)
{
    (void)state;
    assert_refused("a8 01 03 02 05 03 02 04 09 05 03 06 00 07 1ae3069282 08 49 313233343536373839"); /* T1: the sum */
    assert_refused("a8 01 03 02 05 03 04 04 09 05 03 06 00 07 1ae3069283 08 49 313233343536373839"); /* T1: the lane */
    assert_refused("a8 01 03 02 05 03 02 04 00 05 03 06 00 07 1ae3069283 08 49 313233343536373839"); /* the first */
    assert_refused("a8 01 03 02 05 03 02 04 09 05 00 06 00 07 1ae3069283 08 49 313233343536373839"); /* none */
    assert_refused("a8 01 03 02 05 03 02 04 09 05 0a 06 00 07 1ae3069283 08 49 313233343536373839"); /* more than bytes */
    assert_refused("a8 01 03 02 05 03 02 04 09 05 03 06 02 07 1ae3069283 08 49 313233343536373839"); /* the codec */
    assert_refused("a8 01 03 02 05 03 02 04 1bffffffffffffffff 05 03 06 00 07 1ae3069283 08 49 313233343536373839");
    assert_refused("a7 01 03 02 05 03 02 04 09 05 03 06 00 08 49 313233343536373839"); /* no sum at all */
}

static enum fp_err batch_of(size_t bytes, uint64_t count, bool zlib)
{
    uint8_t *records = calloc(1, bytes);
    uint8_t *frame = malloc(bytes + 100);
    struct fp_enc e;
    struct fp_trunk t;
    assert_true(records != NULL && frame != NULL);
    struct fp_trunk_batch b = {.epoch = 1, .lane = 3, .first = 1, .count = count, .zlib = zlib, .records = fp_bytes_of(records, bytes)};
    fp_enc_init(&e, frame, bytes + 100);
    fp_enc_trunk_batch(&e, &b);
    assert_false(e.failed);
    enum fp_err err = fp_trunk_decode(fp_enc_bytes_of(&e), &t);
    free(records);
    free(frame);
    return err;
}

static void the_records_of_a_batch_have_a_limit(void **state)
{
    (void)state;
    assert_int_equal(batch_of(FP_TRUNK_RECORDS_MAX, 1, false), FP_OK);
    assert_int_equal(batch_of(FP_TRUNK_RECORDS_MAX + 1, 1, false), FP_ETOOLARGE);
    assert_int_equal(batch_of(10, FP_TRUNK_RECORDS_MAX, true), FP_OK);
    assert_int_equal(batch_of(10, FP_TRUNK_RECORDS_MAX + 1, true), FP_ETOOLARGE);
}

static void acks_and_nacks_are_read(void **state)
{
    (void)state;
    struct fp_trunk t;
    assert_int_equal(read_as("a5 01 04 02 05 03 02 04 09 05 10", &t), FP_OK);
    assert_true(t.as.ack.epoch == 5 && t.as.ack.lane == 2 && t.as.ack.have == 9 && t.as.ack.credit == 16);
    assert_refused("a5 01 04 02 05 03 04 04 09 05 10");
    assert_refused("a4 01 04 02 05 03 02 04 09");
    assert_int_equal(read_as("a3 01 05 02 03 03 0a", &t), FP_OK);
    assert_true(t.as.nack.lane == 3 && t.as.nack.expected == 10);
    assert_refused("a3 01 05 02 03 03 00");
    assert_refused("a3 01 05 02 04 03 01");
}

static void a_refusal_is_read(void **state)
{
    (void)state;
    struct fp_bytes in = hex("a5 01 06 02 02 03 09 04 03 05 626e6f");
    struct fp_trunk t;
    assert_int_equal(fp_trunk_decode(in, &t), FP_OK);
    assert_true(t.as.refuse.lane == 2 && t.as.refuse.number == 9 && t.as.refuse.code == FP_EDENIED);
    assert_text(t.as.refuse.reason, "no");
    hex_free(in);
    assert_int_equal(read_as("a4 01 06 02 02 03 09 04 1863", &t), FP_OK); /* a newer hub's code */
    assert_int_equal(t.as.refuse.code, 99);
    assert_int_equal(t.as.refuse.next_n, 0);
    assert_int_equal(read_as("a5 01 06 02 02 03 09 04 05 06 19012c", &t), FP_OK);
    assert_int_equal(t.as.refuse.next_n, 300);
    assert_refused("a5 01 06 02 02 03 09 04 05 06 6161"); /* the next one is a number */
    assert_refused("a4 01 06 02 02 03 09 04 1864");       /* none of a peer's */
    assert_refused("a4 01 06 02 02 03 09 04 00");
    assert_refused("a4 01 06 02 02 03 00 04 03");
}

static void a_reason_is_as_long_as_that_of_a_nack(void **state)
{
    (void)state;
    uint8_t buf[256];
    char text[FP_REASON_BYTES_MAX + 1];
    struct fp_trunk t;
    struct fp_enc e;
    memset(text, 'x', sizeof text);
    fp_enc_init(&e, buf, sizeof buf);
    fp_enc_trunk_refuse(&e, 0, 1, FP_EDENIED, fp_bytes_of(text, FP_REASON_BYTES_MAX), 0);
    assert_int_equal(fp_trunk_decode(fp_enc_bytes_of(&e), &t), FP_OK);
    fp_enc_init(&e, buf, sizeof buf);
    fp_enc_trunk_refuse(&e, 0, 1, FP_EDENIED, fp_bytes_of(text, FP_REASON_BYTES_MAX + 1), 0);
    assert_int_equal(fp_trunk_decode(fp_enc_bytes_of(&e), &t), FP_ETOOLARGE);
}

static void gaps_and_resets_are_read(void **state)
{
    (void)state;
    struct fp_trunk t;
    assert_int_equal(read_as("a5 01 07 02 03 03 04 04 06 05 01", &t), FP_OK);
    assert_true(t.as.gap.lane == 3 && t.as.gap.from == 4 && t.as.gap.to == 6 && t.as.gap.reason == FP_GAP_EVICTED);
    assert_refused("a5 01 07 02 03 03 04 04 03 05 01"); /* ends before it begins */
    assert_refused("a5 01 07 02 03 03 00 04 03 05 01");
    assert_int_equal(read_as("a4 01 08 02 05 03 06 04 02", &t), FP_OK);
    assert_true(t.as.reset.old_epoch == 5 && t.as.reset.new_epoch == 6 && t.as.reset.reason == FP_RESET_HUB_IS_OLDER);
    assert_refused("a3 01 08 02 05 03 06");
}

static void what_is_known_is_read_whole_or_not_at_all(void **state)
{
    (void)state;
    struct fp_trunk t;
    assert_int_equal(read_as("a6 01 0a 02 02 03 09 04 6163 05 07 06 0c", &t), FP_OK);
    assert_true(t.as.known.lane == 2 && t.as.known.number == 9 && t.as.known.seq == 7 && t.as.known.at.ms == 12);
    assert_id(t.as.known.conv, "c");
    assert_refused("a6 01 0a 02 04 03 09 04 6163 05 07 06 0c"); /* no lane */
    assert_refused("a6 01 0a 02 02 03 00 04 6163 05 07 06 0c");
    assert_refused("a6 01 0a 02 02 03 09 04 6163 05 00 06 0c"); /* not ordered */
    assert_refused("a5 01 0a 02 02 03 09 05 07 06 0c");
    assert_refused("a5 01 0a 02 02 03 09 04 6163 06 0c");
}

static void a_live_is_read_with_people_and_typists(void **state)
{
    (void)state;
    struct fp_bytes in = hex("a4 01 09 02 a1 6161 82 01 f6 03 f5 04 a2 6163 82 6161 6162 6164 80");
    struct fp_trunk t;
    struct fp_person p;
    struct fp_trunk_typing row;
    struct fp_id user;
    assert_int_equal(fp_trunk_decode(in, &t), FP_OK);
    assert_true(t.as.live.has_people && t.as.live.full);
    assert_true(fp_trunk_person(&t.as.live, &p));
    assert_id(p.user, "a");
    assert_int_equal(p.state, FP_PERSON_UNREACHABLE);
    assert_false(fp_trunk_person(&t.as.live, &p));
    assert_true(fp_trunk_typing(&t.as.live, &row));
    assert_id(row.conv, "c");
    assert_true(fp_trunk_typist(&row, &user) && fp_trunk_typist(&row, &user));
    assert_id(user, "b");
    assert_false(fp_trunk_typist(&row, &user));
    assert_true(fp_trunk_typing(&t.as.live, &row)); /* though nobody has read the rest of the row before */
    assert_id(row.conv, "d");
    assert_int_equal(row.count, 0);
    assert_false(fp_trunk_typing(&t.as.live, &row));
    hex_free(in);
    assert_int_equal(read_as("a1 01 09", &t), FP_OK);
    assert_false(t.as.live.has_people);
    assert_refused("a2 01 09 03 f5");                 /* all of nobody said */
    assert_refused("a2 01 09 02 a1 6161 82 1863 f6"); /* a state that there is not */
    assert_refused("a2 01 09 04 a1 6163 81 01");
}

static void a_newer_frame_is_named_and_what_is_none_is_refused(void **state)
{
    (void)state;
    struct fp_trunk t;
    assert_int_equal(read_as("a2 01 0b 02 01", &t), FP_EUNSUPPORTED);
    assert_int_equal(t.what, 11);
    assert_refused("");
    assert_refused("a0");
    assert_refused("a1 01 00");
    assert_refused("81 01");
    assert_refused("a1 02 01");
    assert_refused("a3 01 05 02 03 03 0a 00"); /* a byte behind it */
    assert_refused("a3 01 05 03 0a 02 03");    /* unordered */
}

static void no_cut_off_frame_is_read(void **state)
{
    (void)state;
    struct fp_bytes in = hex("a8 01 03 02 05 03 02 04 09 05 03 06 00 07 1ae3069283 08 49 313233343536373839");
    struct fp_trunk t;
    for (size_t len = 0; len < in.len; len++) {
        assert_int_equal(fp_trunk_decode(fp_bytes_of(in.p, len), &t), FP_EMALFORMED);
    }
    hex_free(in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hello_is_read_with_its_rows),
        cmocka_unit_test(a_hello_that_cannot_be_is_refused),
        cmocka_unit_test(a_welcome_is_read_with_its_scopes),
        cmocka_unit_test(a_batch_is_read_as_it_stands),
        cmocka_unit_test(a_batch_that_cannot_be_is_refused),
        cmocka_unit_test(the_records_of_a_batch_have_a_limit),
        cmocka_unit_test(acks_and_nacks_are_read),
        cmocka_unit_test(a_refusal_is_read),
        cmocka_unit_test(a_reason_is_as_long_as_that_of_a_nack),
        cmocka_unit_test(gaps_and_resets_are_read),
        cmocka_unit_test(a_live_is_read_with_people_and_typists),
        cmocka_unit_test(what_is_known_is_read_whole_or_not_at_all),
        cmocka_unit_test(a_newer_frame_is_named_and_what_is_none_is_refused),
        cmocka_unit_test(no_cut_off_frame_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
