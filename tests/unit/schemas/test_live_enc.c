#include "hex.h"

#include "fp/live.h"

static uint8_t buf[256];
static struct fp_enc e;

static int fresh(void **state)
{
    (void)state;
    fp_enc_init(&e, buf, sizeof buf);
    return 0;
}

static void assert_horizon(const struct fp_horizon *row, const char *id, uint64_t delivered, uint64_t read)
{
    assert_id(row->id, id);
    assert_int_equal(row->delivered, delivered);
    assert_int_equal(row->read, read);
}

static void own_horizons_go_there_and_back(void **state)
{
    (void)state;
    struct fp_inbox i;
    struct fp_horizon row;
    fp_enc_inbox_horizons(&e, 2);
    fp_enc_horizon(&e, &(struct fp_horizon){.id = id_of("c"), .delivered = 9, .read = 7});
    fp_enc_horizon(&e, &(struct fp_horizon){.id = id_of("dd"), .delivered = 256});
    assert_bytes(fp_enc_bytes_of(&e), "a2 01 04 02 a2 6163 820907 626464 8219010000");
    assert_int_equal(fp_inbox_decode(fp_enc_bytes_of(&e), &i), FP_OK);
    assert_true(fp_inbox_horizon(&i, &row));
    assert_horizon(&row, "c", 9, 7);
    assert_true(fp_inbox_horizon(&i, &row));
    assert_horizon(&row, "dd", 256, 0);
    assert_false(fp_inbox_horizon(&i, &row));
}

static void receipts_go_there_and_back(void **state)
{
    (void)state;
    struct fp_receipts r;
    struct fp_horizon row;
    fp_enc_receipts(&e, 1);
    fp_enc_horizon(&e, &(struct fp_horizon){.id = id_of("ann"), .delivered = 5, .read = 3});
    assert_bytes(fp_enc_bytes_of(&e), "a1 63616e6e 820503");
    assert_int_equal(fp_receipts_decode(fp_enc_bytes_of(&e), &r), FP_OK);
    assert_true(fp_receipts_next(&r, &row));
    assert_horizon(&row, "ann", 5, 3);
    assert_false(fp_receipts_next(&r, &row));

    fp_enc_init(&e, buf, sizeof buf);
    fp_enc_receipts(&e, 0);
    assert_bytes(fp_enc_bytes_of(&e), "a0");
    assert_int_equal(fp_receipts_decode(fp_enc_bytes_of(&e), &r), FP_OK);
}

static void an_alert_goes_there_and_back_with_and_without_details(void **state)
{
    (void)state;
    struct fp_inbox i;
    struct fp_id conv = id_of("c");
    fp_enc_inbox_alert(&e, &conv, 9, FP_PRIORITY_SAFETY, fp_bytes_of("\xa0", 1));
    assert_bytes(fp_enc_bytes_of(&e), "a5 01 05 02 6163 03 09 04 00 05 a0");
    assert_int_equal(fp_inbox_decode(fp_enc_bytes_of(&e), &i), FP_OK);
    assert_id(i.conv, "c");
    assert_true(i.seq == 9 && i.priority == FP_PRIORITY_SAFETY);
    assert_bytes(i.details, "a0");

    fp_enc_init(&e, buf, sizeof buf);
    fp_enc_inbox_alert(&e, &conv, 10, FP_PRIORITY_HIGH, (struct fp_bytes){0});
    assert_bytes(fp_enc_bytes_of(&e), "a4 01 05 02 6163 03 0a 04 01");
    assert_int_equal(fp_inbox_decode(fp_enc_bytes_of(&e), &i), FP_OK);
    assert_int_equal(i.details.len, 0);
}

static void typing_goes_there_and_back(void **state)
{
    (void)state;
    struct fp_typing t;
    struct fp_id user;
    const struct fp_id names[FP_TYPING_NAMES_MAX] = {id_of("ann"), id_of("bob"), id_of("carl")};
    fp_enc_typing(&e, names, FP_TYPING_NAMES_MAX, 200);
    assert_bytes(fp_enc_bytes_of(&e), "a2 01 83 63616e6e 63626f62 646361726c 02 18c8");
    assert_int_equal(fp_typing_decode(fp_enc_bytes_of(&e), &t), FP_OK);
    assert_int_equal(t.count, 200);
    for (size_t i = 0; i < FP_TYPING_NAMES_MAX; i++) {
        assert_true(fp_typing_next(&t, &user));
        assert_true(fp_id_eq(&user, &names[i]));
    }
    assert_false(fp_typing_next(&t, &user));

    fp_enc_init(&e, buf, sizeof buf);
    fp_enc_typing(&e, NULL, 0, 0);
    assert_bytes(fp_enc_bytes_of(&e), "a2 01 80 02 00");
    assert_int_equal(fp_typing_decode(fp_enc_bytes_of(&e), &t), FP_OK);
}

static void a_person_is_told_no_longer_than_there_is_something_to_tell(void **state)
{
    (void)state;
    static const char *const want[] = {
        "a1 01 a1 6175 82 03 f6",
        "a1 01 a1 6175 82 00 1903e8",
        "a1 01 a1 6175 83 02 f6 626869",
        "a1 01 a1 6175 84 02 f6 626869 07",
        "a1 01 a1 6175 85 01 f6 f6 f6 6172",
        "a1 01 a1 6175 85 04 08 626869 07 6172",
        "a1 01 a1 6175 84 00 f6 f6 07", /* an end of no text: told as it is */
    };
    const struct fp_bytes hi = fp_bytes_of("hi", 2);
    const struct fp_id u = id_of("u");
    const struct fp_id r = id_of("r");
    const struct fp_person people[] = {
        {.user = u, .state = FP_PERSON_ACTIVE},
        {.user = u, .state = FP_PERSON_OFFLINE, .has_since = true, .since = {1000}},
        {.user = u, .state = FP_PERSON_AWAY, .text = hi},
        {.user = u, .state = FP_PERSON_AWAY, .text = hi, .has_until = true, .until = {7}},
        {.user = u, .state = FP_PERSON_UNREACHABLE, .relay = r},
        {.user = u, .state = FP_PERSON_BUSY, .has_since = true, .since = {8}, .text = hi, .has_until = true, .until = {7}, .relay = r},
        {.user = u, .state = FP_PERSON_OFFLINE, .has_until = true, .until = {7}},
    };
    for (size_t i = 0; i < sizeof people / sizeof people[0]; i++) {
        struct fp_presence p;
        struct fp_person back;
        fp_enc_init(&e, buf, sizeof buf);
        fp_enc_presence_begin(&e, 1, false);
        fp_enc_person(&e, &people[i]);
        fp_enc_presence_end(&e, false);
        assert_bytes(fp_enc_bytes_of(&e), want[i]);
        assert_int_equal(fp_presence_decode(fp_enc_bytes_of(&e), &p), FP_OK);
        assert_false(p.full);
        assert_true(fp_presence_next(&p, &back));
        assert_true(fp_id_eq(&back.user, &u) && back.state == people[i].state && fp_id_eq(&back.relay, &people[i].relay));
        assert_true(back.has_since == people[i].has_since && back.since.ms == people[i].since.ms);
        assert_true(back.has_until == people[i].has_until && back.until.ms == people[i].until.ms);
        assert_true(fp_bytes_eq(back.text, people[i].text));
    }
}

static void a_full_list_says_so_even_when_empty(void **state)
{
    (void)state;
    struct fp_presence p;
    fp_enc_presence_begin(&e, 0, true);
    fp_enc_presence_end(&e, true);
    assert_bytes(fp_enc_bytes_of(&e), "a2 01 a0 02 f5");
    assert_int_equal(fp_presence_decode(fp_enc_bytes_of(&e), &p), FP_OK);
    assert_true(p.full && p.count == 0);
}

static void what_does_not_fit_fails(void **state)
{
    (void)state;
    const struct fp_id names[] = {id_of("ann")};
    fp_enc_init(&e, buf, 8); /* one byte short */
    fp_enc_typing(&e, names, 1, 1);
    assert_true(e.failed);
    fp_enc_init(&e, buf, 9);
    fp_enc_typing(&e, names, 1, 1);
    assert_false(e.failed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(own_horizons_go_there_and_back, fresh),
        cmocka_unit_test_setup(receipts_go_there_and_back, fresh),
        cmocka_unit_test_setup(an_alert_goes_there_and_back_with_and_without_details, fresh),
        cmocka_unit_test_setup(typing_goes_there_and_back, fresh),
        cmocka_unit_test_setup(a_person_is_told_no_longer_than_there_is_something_to_tell, fresh),
        cmocka_unit_test_setup(a_full_list_says_so_even_when_empty, fresh),
        cmocka_unit_test_setup(what_does_not_fit_fails, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
