/* What both ends of a trunk write: exactly the CDDL. */
#include "hex.h"

#include "fp/trunk.h"

static uint8_t buf[256];
static struct fp_enc e;

static int fresh(void **state)
{
    (void)state;
    fp_enc_init(&e, buf, sizeof buf);
    return 0;
}

static void a_hello_leaves_out_what_is_as_at_the_beginning(void **state)
{
    (void)state;
    struct fp_trunk_hello h = {.protocol = 1, .epoch = 5};
    fp_enc_trunk_hello_begin(&e, &h);
    fp_enc_trunk_hello_end(&e, &h);
    assert_bytes(fp_enc_bytes_of(&e), "a5 01 01 02 01 03 05 04 a0 05 a0");
}

static void a_hello_has_its_rows_between_its_halves(void **state)
{
    (void)state;
    struct fp_trunk_hello h = {.protocol = 1, .epoch = 5, .lanes = {{1, 1}, {1, 1}, {3, 9}, {7, 7}}, .have = {[2] = 4}, .held_count = 2};
    struct fp_id b = id_of("b");
    struct fp_id aa = id_of("aa");
    fp_enc_trunk_hello_begin(&e, &h);
    fp_enc_trunk_held(&e, &b, 6);
    fp_enc_trunk_held(&e, &aa, 7);
    fp_enc_trunk_hello_end(&e, &h);
    assert_bytes(fp_enc_bytes_of(&e), "a6 01 01 02 01 03 05 04 a2 02 82 03 09 03 82 07 07 05 a2 6162 06 626161 07 06 a1 02 04");
}

static void a_welcome_has_scopes_where_there_are_any(void **state)
{
    (void)state;
    struct fp_trunk_welcome w = {.epoch = 7, .have = {1, 0, 0, 2}, .credit = 16, .bytes = 100, .at = {1000}};
    struct fp_id scopes[2] = {id_of("s"), id_of("t")};
    fp_enc_trunk_welcome(&e, &w, NULL, 0);
    assert_bytes(fp_enc_bytes_of(&e), "a6 01 02 02 07 03 a2 00 01 03 02 04 10 05 1864 06 1903e8");

    fp_enc_init(&e, buf, sizeof buf);
    fp_enc_trunk_welcome(&e, &w, scopes, 2);
    assert_bytes(fp_enc_bytes_of(&e), "a7 01 02 02 07 03 a2 00 01 03 02 04 10 05 1864 06 1903e8 07 82 6173 6174");

    fp_enc_init(&e, buf, sizeof buf);
    w.start = 5;
    fp_enc_trunk_welcome(&e, &w, NULL, 0);
    assert_bytes(fp_enc_bytes_of(&e), "a7 01 02 02 07 03 a2 00 01 03 02 04 10 05 1864 06 1903e8 08 05");
}

static void a_batch_gets_its_sum(void **state)
{
    (void)state;
    struct fp_trunk_batch b = {.epoch = 5, .lane = 2, .first = 9, .count = 3, .records = fp_bytes_of("123456789", 9)};
    fp_enc_trunk_batch(&e, &b);
    assert_bytes(fp_enc_bytes_of(&e), "a8 01 03 02 05 03 02 04 09 05 03 06 00 07 1ae3069283 08 49 313233343536373839");

    fp_enc_init(&e, buf, sizeof buf);
    b.zlib = true;
    fp_enc_trunk_batch(&e, &b);
    assert_bytes(fp_enc_bytes_of(&e), "a8 01 03 02 05 03 02 04 09 05 03 06 01 07 1ae3069283 08 49 313233343536373839");
}

static void the_short_ones_are_written_whole(void **state)
{
    (void)state;
    fp_enc_trunk_ack(&e, 5, 2, 9, 16);
    assert_bytes(fp_enc_bytes_of(&e), "a5 01 04 02 05 03 02 04 09 05 10");
    fp_enc_init(&e, buf, sizeof buf);
    fp_enc_trunk_nack(&e, 3, 10);
    assert_bytes(fp_enc_bytes_of(&e), "a3 01 05 02 03 03 0a");
    fp_enc_init(&e, buf, sizeof buf);
    fp_enc_trunk_refuse(&e, 2, 9, FP_EDENIED, fp_bytes_of("no", 2), 0);
    assert_bytes(fp_enc_bytes_of(&e), "a5 01 06 02 02 03 09 04 03 05 626e6f");
    fp_enc_init(&e, buf, sizeof buf);
    fp_enc_trunk_refuse(&e, 2, 9, FP_EDENIED, (struct fp_bytes){0}, 0);
    assert_bytes(fp_enc_bytes_of(&e), "a4 01 06 02 02 03 09 04 03");
    fp_enc_init(&e, buf, sizeof buf);
    fp_enc_trunk_refuse(&e, 2, 9, FP_EGAP, (struct fp_bytes){0}, 300);
    assert_bytes(fp_enc_bytes_of(&e), "a5 01 06 02 02 03 09 04 05 06 19012c");
    fp_enc_init(&e, buf, sizeof buf);
    fp_enc_trunk_gap(&e, 3, 4, 6, FP_GAP_EVICTED);
    assert_bytes(fp_enc_bytes_of(&e), "a5 01 07 02 03 03 04 04 06 05 01");
    fp_enc_init(&e, buf, sizeof buf);
    fp_enc_trunk_reset(&e, 5, 6, FP_RESET_HUB_IS_OLDER);
    assert_bytes(fp_enc_bytes_of(&e), "a4 01 08 02 05 03 06 04 02");
    fp_enc_init(&e, buf, sizeof buf);
    fp_enc_trunk_known(&e, &(struct fp_trunk_known){.lane = 2, .number = 9, .conv = id_of("c"), .seq = 7, .at = {.ms = 12}});
    assert_bytes(fp_enc_bytes_of(&e), "a6 01 0a 02 02 03 09 04 6163 05 07 06 0c");
}

static void a_live_has_rows_that_were_written_before(void **state)
{
    (void)state;
    struct fp_id conv = id_of("c");
    struct fp_id users[2] = {id_of("a"), id_of("b")};
    uint8_t rows[64];
    struct fp_enc r;
    fp_enc_trunk_live(&e, false, false, 0, (struct fp_bytes){0}, 0, (struct fp_bytes){0});
    assert_bytes(fp_enc_bytes_of(&e), "a1 01 09");

    fp_enc_init(&e, buf, sizeof buf);
    fp_enc_trunk_live(&e, true, true, 0, (struct fp_bytes){0}, 0, (struct fp_bytes){0});
    assert_bytes(fp_enc_bytes_of(&e), "a3 01 09 02 a0 03 f5");

    fp_enc_init(&e, buf, sizeof buf);
    fp_enc_init(&r, rows, sizeof rows);
    fp_enc_trunk_typing_row(&r, &conv, users, 2);
    struct fp_person p = {.user = id_of("a"), .state = FP_PERSON_UNREACHABLE};
    uint8_t person[64];
    struct fp_enc pe;
    fp_enc_init(&pe, person, sizeof person);
    fp_enc_person(&pe, &p);
    fp_enc_trunk_live(&e, true, false, 1, fp_enc_bytes_of(&pe), 1, fp_enc_bytes_of(&r));
    assert_bytes(fp_enc_bytes_of(&e), "a3 01 09 02 a1 6161 82 01 f6 04 a1 6163 82 6161 6162");
}

static void what_does_not_fit_fails(void **state)
{
    (void)state;
    struct fp_trunk_batch b = {.first = 1, .count = 1, .records = fp_bytes_of("123456789", 9)};
    fp_enc_init(&e, buf, 20);
    fp_enc_trunk_batch(&e, &b);
    assert_true(e.failed);
    assert_int_equal(fp_enc_bytes_of(&e).len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_hello_leaves_out_what_is_as_at_the_beginning, fresh),
        cmocka_unit_test_setup(a_hello_has_its_rows_between_its_halves, fresh),
        cmocka_unit_test_setup(a_welcome_has_scopes_where_there_are_any, fresh),
        cmocka_unit_test_setup(a_batch_gets_its_sum, fresh),
        cmocka_unit_test_setup(the_short_ones_are_written_whole, fresh),
        cmocka_unit_test_setup(a_live_has_rows_that_were_written_before, fresh),
        cmocka_unit_test_setup(what_does_not_fit_fails, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
