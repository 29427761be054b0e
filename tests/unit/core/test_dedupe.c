#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "plugin/core/dedupe.h"

static void only_the_next_number_is_taken(void **state)
{
    (void)state;
    assert_int_equal(dedupe_judge(5, 5), DEDUPE_NEXT);
    assert_int_equal(dedupe_judge(5, 4), DEDUPE_REPEAT);
    assert_int_equal(dedupe_judge(5, 6), DEDUPE_GAP);
    assert_int_equal(dedupe_judge(1, UINT64_MAX), DEDUPE_GAP);
}

static void rows_come_back_as_they_went_in(void **state)
{
    (void)state;
    uint8_t buf[256];
    struct fp_enc e;
    struct dedupe_row ack = {.hash = UINT64_MAX, .accepted = true, .answer = {.conv = {.len = 1, .text = "c"}, .seq = 9, .at = {.ms = 77}}};
    struct dedupe_row bare = {.hash = 0, .accepted = true};
    struct dedupe_row nack = {.hash = 5, .nack = fp_bytes_of("no", 2)};
    struct dedupe_row out;

    fp_enc_init(&e, buf, sizeof(buf));
    dedupe_encode_row(&e, &ack);
    dedupe_encode_row(&e, &bare);
    dedupe_encode_row(&e, &nack);
    assert_false(e.failed);

    assert_int_equal(dedupe_find_row(fp_enc_bytes_of(&e), 0, &out), FP_OK);
    assert_true(out.accepted && out.hash == UINT64_MAX && out.answer.seq == 9 && out.answer.at.ms == 77 && out.answer.conv.len == 1);
    assert_int_equal(dedupe_find_row(fp_enc_bytes_of(&e), 1, &out), FP_OK);
    assert_true(out.accepted && fp_id_is_none(&out.answer.conv));
    assert_int_equal(dedupe_find_row(fp_enc_bytes_of(&e), 2, &out), FP_OK);
    assert_true(!out.accepted && fp_bytes_eq(out.nack, fp_bytes_of("no", 2)));
    assert_int_equal(dedupe_find_row(fp_enc_bytes_of(&e), 3, &out), FP_ECORRUPT);
}

static void what_is_no_row_is_corrupt(void **state)
{
    (void)state;
    static const uint8_t three[] = {0x83, 1, 2, 3};
    static const uint8_t cut[] = {0x84, 1, 0x61};
    struct dedupe_row out;
    assert_int_equal(dedupe_decode_row(fp_bytes_of(three, sizeof(three)), &out), FP_ECORRUPT);
    assert_int_equal(dedupe_decode_row(fp_bytes_of(cut, sizeof(cut)), &out), FP_ECORRUPT);
    assert_int_equal(dedupe_decode_row(fp_bytes_of(cut, 0), &out), FP_ECORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_next_number_is_taken),
        cmocka_unit_test(rows_come_back_as_they_went_in),
        cmocka_unit_test(what_is_no_row_is_corrupt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
