/* The records of a trunk's batches, both ways. */
#include "hex.h"

#include "fp/event.h"
#include "fp/trunk.h"

#define SUM32 "5820 0101010101010101 0101010101010101 0101010101010101 0101010101010101"

static uint8_t buf[256];
static struct fp_enc e;

static int fresh(void **state)
{
    (void)state;
    fp_enc_init(&e, buf, sizeof buf);
    return 0;
}

static enum fp_err down_as(const char *text, struct fp_record_down *out)
{
    struct fp_bytes in = hex(text);
    enum fp_err err = fp_record_down_decode(in, out);
    hex_free(in); /* what points into it is not looked at by those who call this */
    return err;
}

static void assert_up_refused(const char *text)
{
    struct fp_bytes in = hex(text);
    struct fp_record_up r;
    enum fp_err err = fp_record_up_decode(in, &r);
    hex_free(in);
    if (err != FP_EMALFORMED) {
        fail_msg("%s: %d", text, err);
    }
}

static void assert_down_refused(const char *text)
{
    struct fp_record_down r;
    enum fp_err err = down_as(text, &r);
    if (err != FP_EMALFORMED) {
        fail_msg("%s: %d", text, err);
    }
}

static void what_goes_up_is_a_command_with_its_custody(void **state)
{
    (void)state;
    struct fp_record_up bare = {.user = id_of("u"), .device = id_of("d"), .command = fp_bytes_of("\xa1\x01\x02", 3)};
    assert_true(fp_enc_record_up(&e, &bare));
    assert_bytes(fp_enc_bytes_of(&e), "83 6175 6164 a10102");

    fp_enc_init(&e, buf, sizeof buf);
    struct fp_record_up kept = bare;
    kept.has_custody = true;
    kept.custody_ms = 1000;
    kept.base = 7;
    kept.k = 3;
    assert_true(fp_enc_record_up(&e, &kept));
    assert_bytes(fp_enc_bytes_of(&e), "84 6175 6164 a10102 83 1903e8 07 03");

    fp_enc_init(&e, buf, sizeof buf);
    kept.refused = FP_EDENIED;
    assert_true(fp_enc_record_up(&e, &kept));
    assert_bytes(fp_enc_bytes_of(&e), "84 6175 6164 a10102 84 1903e8 07 03 03");

    struct fp_record_up again;
    assert_int_equal(fp_record_up_decode(fp_enc_bytes_of(&e), &again), FP_OK);
    assert_id(again.user, "u");
    assert_id(again.device, "d");
    assert_bytes(again.command, "a10102");
    assert_true(again.has_custody && again.custody_ms == 1000 && again.base == 7 && again.k == 3 && again.refused == FP_EDENIED);
}

static void who_has_not_had_it_cannot_have_refused_it(void **state)
{
    (void)state;
    struct fp_record_up r = {.user = id_of("u"), .device = id_of("d"), .command = fp_bytes_of("\xa0", 1), .refused = FP_EDENIED};
    assert_false(fp_enc_record_up(&e, &r));
}

static void what_goes_up_and_is_none_is_refused(void **state)
{
    (void)state;
    assert_up_refused("");
    assert_up_refused("82 6175 6164");
    assert_up_refused("83 6175 6164 80"); /* a command is a map */
    assert_up_refused("83 6175 01 a0");
    assert_up_refused("84 6175 6164 a0 82 00 01");
    assert_up_refused("84 6175 6164 a0 85 00 01 01 03 00");
    assert_up_refused("84 6175 6164 a0 84 00 01 01 00");   /* no code */
    assert_up_refused("84 6175 6164 a0 84 00 01 01 1864"); /* none of a peer's */
    assert_up_refused("85 6175 6164 a0 83 00 01 01 00");
    assert_up_refused("83 6175 6164 a0 00");
}

static void receipts_go_down_as_horizons(void **state)
{
    (void)state;
    struct fp_id conv = id_of("c");
    struct fp_horizon row = {.id = id_of("u"), .delivered = 9, .read = 7};
    struct fp_record_down r;
    struct fp_id user;
    uint64_t delivered;
    uint64_t read;
    fp_enc_told_receipts_begin(&e, &conv, 1);
    fp_enc_horizon(&e, &row);
    assert_bytes(fp_enc_bytes_of(&e), "83 01 6163 a1 6175 82 09 07");
    assert_int_equal(fp_record_down_decode(fp_enc_bytes_of(&e), &r), FP_OK);
    assert_int_equal(r.what, FP_TOLD_RECEIPTS_WHAT);
    assert_id(r.receipts.conv, "c");
    assert_true(fp_record_horizon(&r, &user, &delivered, &read));
    assert_id(user, "u");
    assert_true(delivered == 9 && read == 7);
    assert_false(fp_record_horizon(&r, &user, &delivered, &read));
    assert_down_refused("82 01 6163");
    assert_down_refused("84 01 6163 a0 00");
    assert_down_refused("83 01 6163 a1 6175 81 09");
}

static void a_conversation_goes_down_with_its_members(void **state)
{
    (void)state;
    uint8_t chain[32];
    memset(chain, 1, sizeof chain);
    struct fp_conv_state s = {.conv = id_of("c"),
                              .scope = id_of("s"),
                              .floor = 9,
                              .floor_chain = fp_bytes_of(chain, sizeof chain),
                              .about = 2,
                              .title = fp_bytes_of("T", 1),
                              .retention_days = 30,
                              .context = fp_bytes_of("\xa1\x01\x02", 3),
                              .member_count = 1};
    struct fp_id user = id_of("u");
    uint64_t role;
    uint64_t joined;
    uint64_t from;
    struct fp_record_down r;
    fp_enc_told_conv_begin(&e, &s);
    fp_enc_told_conv_member(&e, &user, FP_ROLE_OWNER, 4, 1);
    fp_enc_told_conv_end(&e, &s);
    assert_bytes(fp_enc_bytes_of(&e), "82 02 a9 01 6163 02 6173 03 09 04 " SUM32 " 05 02 06 6154 07 181e 08 a1 6175 83 03 04 01 09 a10102");
    assert_int_equal(fp_record_down_decode(fp_enc_bytes_of(&e), &r), FP_OK);
    assert_int_equal(r.what, FP_TOLD_CONV_WHAT);
    assert_id(r.conv.conv, "c");
    assert_id(r.conv.scope, "s");
    assert_true(r.conv.floor == 9 && r.conv.about == 2 && r.conv.retention_days == 30);
    assert_memory_equal(r.conv.floor_chain.p, chain, 32);
    assert_text(r.conv.title, "T");
    assert_bytes(r.conv.context, "a10102");
    assert_true(fp_conv_state_member(&r.conv, &user, &role, &joined, &from));
    assert_true(role == FP_ROLE_OWNER && joined == 4 && from == 1);
    assert_false(fp_conv_state_member(&r.conv, &user, &role, &joined, &from));
}

static void a_conversation_that_cannot_be_is_refused(void **state)
{
    (void)state;
    struct fp_record_down r;
    struct fp_conv_state s = {.conv = id_of("c"), .scope = id_of("s"), .floor_chain = fp_bytes_of("short", 5)};
    fp_enc_told_conv_begin(&e, &s);
    assert_true(e.failed);
    assert_int_equal(down_as("82 02 a8 01 6163 02 6173 03 09 04 " SUM32 " 05 02 06 60 07 00 08 a0", &r), FP_OK);
    assert_int_equal(down_as("82 02 a9 01 6163 02 6173 03 09 04 " SUM32 " 05 02 06 60 07 00 08 a0 1819 f6", &r), FP_OK); /* a newer key */
    assert_down_refused("82 02 a7 01 6163 02 6173 03 09 04 " SUM32 " 05 02 06 60 07 00");                                /* no members */
    assert_down_refused("82 02 a8 01 6163 02 6173 03 09 04 41ff 05 02 06 60 07 00 08 a0");                               /* no sum */
    assert_down_refused("82 02 a8 01 6163 02 6173 03 09 04 " SUM32 " 05 02 06 60 07 00 08 a1 6175 83 04 00 00");         /* no role */
    assert_down_refused("82 02 a8 01 6163 02 6173 03 09 04 " SUM32 " 05 02 06 60 07 00 08 a1 6175 82 01 00");
    assert_down_refused("83 02 a8 01 6163 02 6173 03 09 04 " SUM32 " 05 02 06 60 07 00 08 a0 00");
}

static void a_person_goes_down_with_what_there_is(void **state)
{
    (void)state;
    struct fp_person_facts bare = {.user = id_of("u")};
    struct fp_person_facts full = {.user = id_of("u"), .version = 3, .text = fp_bytes_of("hi", 2), .until = {1000}, .policy = fp_bytes_of("\xa0", 1)};
    struct fp_record_down r;
    fp_enc_told_person(&e, &bare);
    assert_bytes(fp_enc_bytes_of(&e), "83 03 6175 a1 01 00");
    fp_enc_init(&e, buf, sizeof buf);
    fp_enc_told_person(&e, &full);
    assert_bytes(fp_enc_bytes_of(&e), "83 03 6175 a4 01 03 02 626869 03 1903e8 04 a0");
    assert_int_equal(fp_record_down_decode(fp_enc_bytes_of(&e), &r), FP_OK);
    assert_int_equal(r.what, FP_TOLD_PERSON_WHAT);
    assert_id(r.person.user, "u");
    assert_true(r.person.version == 3 && r.person.until.ms == 1000);
    assert_text(r.person.text, "hi");
    assert_bytes(r.person.policy, "a0");
    assert_down_refused("83 03 6175 a0"); /* no version */
    assert_down_refused("82 03 6175");
}

static void a_map_is_an_event_and_a_higher_number_is_newer(void **state)
{
    (void)state;
    struct fp_record_down r;
    assert_int_equal(down_as("a1 01 14", &r), FP_OK);
    assert_int_equal(r.what, 0);
    assert_int_equal(down_as("82 04 01", &r), FP_EUNSUPPORTED);
    assert_int_equal(r.what, 4);
    assert_down_refused("");
    assert_down_refused("01");
    assert_down_refused("80");
    assert_down_refused("81 00");
    assert_down_refused("a1 01 14 00");
}

static void what_a_site_has_in_custody_has_no_seq(void **state)
{
    (void)state;
    struct fp_event ev = {.kind = 20,
                          .n = 9,
                          .conv = id_of("c"),
                          .priority = FP_PRIORITY_NORMAL,
                          .at = {1000},
                          .user = id_of("u"),
                          .device = id_of("d"),
                          .flags = FP_FLAG_PROVISIONAL | FP_FLAG_REFUSED,
                          .branch_relay = id_of("r"),
                          .branch_base = 7,
                          .branch_k = 3};
    struct fp_event again;
    assert_true(fp_event_encode(&e, &ev));
    assert_bytes(fp_enc_bytes_of(&e), "a8 01 14 02 09 03 6163 11 1903e8 12 6175 13 6164 14 18c0 16 83 6172 07 03");
    assert_int_equal(fp_event_decode(fp_enc_bytes_of(&e), &again), FP_OK);
    assert_true(again.seq == 0 && again.flags == (FP_FLAG_PROVISIONAL | FP_FLAG_REFUSED) && again.branch_k == 3);
    ev.flags = 0; /* and only that has none */
    fp_enc_init(&e, buf, sizeof buf);
    assert_true(fp_event_encode(&e, &ev));
    assert_int_equal(fp_event_decode(fp_enc_bytes_of(&e), &again), FP_EMALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_goes_up_is_a_command_with_its_custody, fresh),
        cmocka_unit_test_setup(who_has_not_had_it_cannot_have_refused_it, fresh),
        cmocka_unit_test_setup(what_goes_up_and_is_none_is_refused, fresh),
        cmocka_unit_test_setup(receipts_go_down_as_horizons, fresh),
        cmocka_unit_test_setup(a_conversation_goes_down_with_its_members, fresh),
        cmocka_unit_test_setup(a_conversation_that_cannot_be_is_refused, fresh),
        cmocka_unit_test_setup(a_person_goes_down_with_what_there_is, fresh),
        cmocka_unit_test_setup(a_map_is_an_event_and_a_higher_number_is_newer, fresh),
        cmocka_unit_test_setup(what_a_site_has_in_custody_has_no_seq, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
