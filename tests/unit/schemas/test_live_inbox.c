#include "hex.h"

#include "fp/live.h"

static void heads_are_read_row_by_row(void **state)
{
    (void)state;
    struct fp_bytes in = hex("a2 01 01 02 82 84 6163 6173 09 04 84 6164 6173 01 00");
    struct fp_inbox i;
    struct fp_inbox_head row;
    assert_int_equal(fp_inbox_decode(in, &i), FP_OK);
    assert_int_equal(i.what, FP_INBOX_HEADS);
    assert_true(fp_inbox_next(&i, &row));
    assert_id(row.conv, "c");
    assert_id(row.scope, "s");
    assert_int_equal(row.head, 9);
    assert_int_equal(row.unread, 4);
    assert_true(fp_inbox_next(&i, &row));
    assert_id(row.conv, "d");
    assert_false(fp_inbox_next(&i, &row));
    hex_free(in);
}

static void joined_and_removed_name_the_conversation(void **state)
{
    (void)state;
    struct fp_inbox i;
    struct fp_inbox_head row;
    struct fp_bytes in = hex("a4 01 02 02 6163 03 6173 04 02");
    assert_int_equal(fp_inbox_decode(in, &i), FP_OK);
    assert_int_equal(i.what, FP_INBOX_JOINED);
    assert_id(i.conv, "c");
    assert_id(i.scope, "s");
    assert_int_equal(i.role, FP_ROLE_MANAGER);
    assert_false(fp_inbox_next(&i, &row));
    hex_free(in);

    in = hex("a3 01 03 02 6163 03 6173");
    assert_int_equal(fp_inbox_decode(in, &i), FP_OK);
    assert_int_equal(i.what, FP_INBOX_REMOVED);
    assert_id(i.conv, "c");
    hex_free(in);
}

static void own_horizons_are_read_row_by_row(void **state)
{
    (void)state;
    struct fp_inbox i;
    struct fp_inbox_head head;
    struct fp_horizon row;
    struct fp_bytes in = hex("a2 01 04 02 a2 6163 820301 626464 820900");
    assert_int_equal(fp_inbox_decode(in, &i), FP_OK);
    assert_int_equal(i.what, FP_INBOX_HORIZONS);
    assert_int_equal(i.count, 2);
    assert_false(fp_inbox_next(&i, &head));
    assert_true(fp_inbox_horizon(&i, &row));
    assert_id(row.id, "c");
    assert_true(row.delivered == 3 && row.read == 1);
    assert_true(fp_inbox_horizon(&i, &row));
    assert_id(row.id, "dd");
    assert_true(row.delivered == 9 && row.read == 0);
    assert_false(fp_inbox_horizon(&i, &row));
    hex_free(in);

    in = hex("a2 01 01 02 81 84 6163 6173 09 04");
    assert_int_equal(fp_inbox_decode(in, &i), FP_OK);
    assert_false(fp_inbox_horizon(&i, &row));
    hex_free(in);
}

static void an_alert_names_the_event_and_its_priority(void **state)
{
    (void)state;
    struct fp_inbox i;
    struct fp_horizon row;
    struct fp_bytes in = hex("a5 01 05 02 6163 03 07 04 03 05 a0");
    assert_int_equal(fp_inbox_decode(in, &i), FP_OK);
    assert_int_equal(i.what, FP_INBOX_ALERT);
    assert_id(i.conv, "c");
    assert_int_equal(i.seq, 7);
    assert_int_equal(i.priority, FP_PRIORITY_BULK);
    assert_bytes(i.details, "a0");
    assert_false(fp_inbox_horizon(&i, &row));
    hex_free(in);

    in = hex("a4 01 05 02 6163 03 07 04 00");
    assert_int_equal(fp_inbox_decode(in, &i), FP_OK);
    assert_int_equal(i.priority, FP_PRIORITY_SAFETY);
    assert_int_equal(i.details.len, 0);
    hex_free(in);
}

static void a_newer_hubs_message_is_named(void **state)
{
    (void)state;
    struct fp_inbox i;
    struct fp_bytes in = hex("a1 01 06");
    assert_int_equal(fp_inbox_decode(in, &i), FP_EUNSUPPORTED);
    assert_int_equal(i.what, 6);
    hex_free(in);
    in = hex("a4 01 03 02 6163 03 6173 18ff f6");
    assert_int_equal(fp_inbox_decode(in, &i), FP_OK);
    hex_free(in);
}

static void what_is_no_inbox_message_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "80",
        "a0",
        "a1 02 00",
        "a1 01 6161",
        "a1 01 00",
        "a1 01 01",
        "a2 01 01 02 a0",
        "a2 01 01 02 81 83 6163 6173 00",
        "a2 01 01 02 81 84 60 6173 00 00",
        "a3 01 02 02 6163 03 6173",
        "a4 01 02 02 6163 03 6173 04 04",
        "a4 01 02 02 6163 03 6173 04 08",
        "a4 01 02 02 6163 03 00 04 01",
        "a2 01 03 02 6163",
        "a2 01 04 02 80",
        "a2 01 04 02 a1 6163 8103",
        "a2 01 04 02 a1 00 820101",
        "a4 01 05 02 6163 03 07 04 04",
        "a3 01 05 02 6163 03 07",
        "a3 01 03 02 6163 03 6173 00",
    };
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++) {
        struct fp_bytes in = hex(bad[k]);
        struct fp_inbox i;
        if (fp_inbox_decode(in, &i) != FP_EMALFORMED) {
            fail_msg("accepted: %s", bad[k]);
        }
        hex_free(in);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_are_read_row_by_row),           cmocka_unit_test(joined_and_removed_name_the_conversation),
        cmocka_unit_test(own_horizons_are_read_row_by_row),    cmocka_unit_test(an_alert_names_the_event_and_its_priority),
        cmocka_unit_test(a_newer_hubs_message_is_named),
        cmocka_unit_test(what_is_no_inbox_message_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
