#include "hex.h"

#include "fp/live.h"

static void receipts_are_read_member_by_member(void **state)
{
    (void)state;
    struct fp_receipts r;
    struct fp_horizon row;
    struct fp_bytes in = hex("a2 63616e6e 820503 63626f62 82190100 00");
    assert_int_equal(fp_receipts_decode(in, &r), FP_OK);
    assert_int_equal(r.count, 2);
    assert_true(fp_receipts_next(&r, &row));
    assert_id(row.id, "ann");
    assert_true(row.delivered == 5 && row.read == 3);
    assert_true(fp_receipts_next(&r, &row));
    assert_id(row.id, "bob");
    assert_true(row.delivered == 256 && row.read == 0);
    assert_false(fp_receipts_next(&r, &row));
    hex_free(in);

    in = hex("a0");
    assert_int_equal(fp_receipts_decode(in, &r), FP_OK);
    assert_false(fp_receipts_next(&r, &row));
    hex_free(in);
}

static void typing_names_the_first_and_counts_all(void **state)
{
    (void)state;
    struct fp_typing t;
    struct fp_id user;
    struct fp_bytes in = hex("a3 01 82 63616e6e 63626f62 02 18c8 18ff f6");
    assert_int_equal(fp_typing_decode(in, &t), FP_OK);
    assert_int_equal(t.count, 200);
    assert_int_equal(t.name_count, 2);
    assert_true(fp_typing_next(&t, &user));
    assert_id(user, "ann");
    assert_true(fp_typing_next(&t, &user));
    assert_id(user, "bob");
    assert_false(fp_typing_next(&t, &user));
    hex_free(in);

    in = hex("a2 01 80 02 00");
    assert_int_equal(fp_typing_decode(in, &t), FP_OK);
    assert_false(fp_typing_next(&t, &user));
    hex_free(in);
}

static void a_person_is_read_as_far_as_he_is_told(void **state)
{
    (void)state;
    struct fp_presence p;
    struct fp_person person;
    struct fp_bytes in = hex("a2 01 a4 6161 82 03 f6 6162 84 00 1903e8 626869 f6 6163 85 01 07 f6 08 6172 6164 86 04 00 f6 f6 6172 a0 02 f5");
    assert_int_equal(fp_presence_decode(in, &p), FP_OK);
    assert_true(p.full);
    assert_int_equal(p.count, 4);

    assert_true(fp_presence_next(&p, &person));
    assert_id(person.user, "a");
    assert_int_equal(person.state, FP_PERSON_ACTIVE);
    assert_true(!person.has_since && !person.has_until && person.text.len == 0 && fp_id_is_none(&person.relay));

    assert_true(fp_presence_next(&p, &person));
    assert_int_equal(person.state, FP_PERSON_OFFLINE);
    assert_true(person.has_since && person.since.ms == 1000 && !person.has_until);
    assert_text(person.text, "hi");

    assert_true(fp_presence_next(&p, &person));
    assert_int_equal(person.state, FP_PERSON_UNREACHABLE);
    assert_true(person.has_since && person.since.ms == 7 && person.has_until && person.until.ms == 8 && person.text.len == 0);
    assert_id(person.relay, "r");

    assert_true(fp_presence_next(&p, &person)); /* a newer hub's sixth item */
    assert_int_equal(person.state, FP_PERSON_BUSY);
    assert_false(fp_presence_next(&p, &person));
    hex_free(in);

    in = hex("a1 01 a0");
    assert_int_equal(fp_presence_decode(in, &p), FP_OK);
    assert_false(p.full);
    assert_false(fp_presence_next(&p, &person));
    hex_free(in);
}

static void what_is_none_of_them_is_refused(void **state)
{
    (void)state;
    static const char *const receipts[] = {
        "", "80", "a1 6161 00", "a1 6161 8101", "a1 6161 83010203", "a1 6161 82 01 f6", "a1 01 82 01 01", "a1 60 82 01 01",
        "a0 00",
    };
    static const char *const typing[] = {
        "", "80", "a0", "a1 01 80", "a1 02 00", "a2 01 81 00 02 00", "a2 01 81 60 02 00", "a2 01 80 02 20", "a2 01 a0 02 00",
        "a2 02 00 01 80",
    };
    static const char *const presence[] = {
        "", "80", "a0", "a1 02 f5", "a1 01 80", "a2 01 a0 02 00", "a1 01 a1 6161 80", "a1 01 a1 6161 81 00",
        "a1 01 a1 6161 82 05 f6", "a1 01 a1 6161 82 00 f4", "a1 01 a1 6161 83 00 f6 00", "a1 01 a1 6161 84 00 f6 f6 60",
        "a1 01 a1 6161 85 00 f6 f6 f6 f6", "a1 01 a1 00 82 00 f6",
    };
    for (size_t k = 0; k < sizeof receipts / sizeof receipts[0]; k++) {
        struct fp_bytes in = hex(receipts[k]);
        struct fp_receipts r;
        if (fp_receipts_decode(in, &r) != FP_EMALFORMED) {
            fail_msg("accepted: %s", receipts[k]);
        }
        hex_free(in);
    }
    for (size_t k = 0; k < sizeof typing / sizeof typing[0]; k++) {
        struct fp_bytes in = hex(typing[k]);
        struct fp_typing t;
        if (fp_typing_decode(in, &t) != FP_EMALFORMED) {
            fail_msg("accepted: %s", typing[k]);
        }
        hex_free(in);
    }
    for (size_t k = 0; k < sizeof presence / sizeof presence[0]; k++) {
        struct fp_bytes in = hex(presence[k]);
        struct fp_presence p;
        if (fp_presence_decode(in, &p) != FP_EMALFORMED) {
            fail_msg("accepted: %s", presence[k]);
        }
        hex_free(in);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(receipts_are_read_member_by_member),
        cmocka_unit_test(typing_names_the_first_and_counts_all),
        cmocka_unit_test(a_person_is_read_as_far_as_he_is_told),
        cmocka_unit_test(what_is_none_of_them_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
