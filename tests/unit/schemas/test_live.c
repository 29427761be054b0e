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

static void a_head_goes_there_and_back(void **state)
{
    (void)state;
    struct fp_head h = {.epoch = 77, .seq = 9, .floor = 2, .at = {1000}};
    struct fp_head back;
    fp_enc_head(&e, &h);
    assert_bytes(fp_enc_bytes_of(&e), "a4 01 184d 02 09 03 02 04 1903e8");
    assert_int_equal(fp_head_decode(fp_enc_bytes_of(&e), &back), FP_OK);
    assert_int_equal(back.epoch, 77);
    assert_int_equal(back.seq, 9);
    assert_int_equal(back.floor, 2);
    assert_int_equal(back.at.ms, 1000);
}

#define CHAIN_31 "00010203 04050607 08090a0b 0c0d0e0f 10111213 14151617 18191a1b 1c1d1e"

static void a_head_with_its_chain_goes_there_and_back(void **state)
{
    (void)state;
    struct fp_bytes chain = hex(CHAIN_31 "1f");
    struct fp_head h = {.epoch = 1, .seq = 2, .floor = 0, .at = {3}, .chain = chain};
    struct fp_head back;
    fp_enc_head(&e, &h);
    assert_bytes(fp_enc_bytes_of(&e), "a5 01 01 02 02 03 00 04 03 05 5820" CHAIN_31 "1f");
    assert_int_equal(fp_head_decode(fp_enc_bytes_of(&e), &back), FP_OK);
    assert_true(fp_bytes_eq(back.chain, chain) && back.seq == 2);
    hex_free(chain);
}

static void a_chain_is_32_bytes(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "a5 01 01 02 02 03 00 04 03 05 40",
        "a5 01 01 02 02 03 00 04 03 05 581f" CHAIN_31,
        "a5 01 01 02 02 03 00 04 03 05 5821" CHAIN_31 "1f20",
        "a5 01 01 02 02 03 00 04 03 05 7820" CHAIN_31 "1f",
        "a5 01 01 02 02 03 00 04 03 05 f6",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fp_bytes in = hex(rows[i]);
        struct fp_head h;
        if (fp_head_decode(in, &h) != FP_EMALFORMED) {
            fail_msg("accepted: %s", rows[i]);
        }
        hex_free(in);
    }
}

static void an_about_goes_there_and_back(void **state)
{
    (void)state;
    struct fp_about a = {.version = 3, .title = fp_bytes_of("T", 1), .scope = id_of("s"), .member_count = 2, .context = fp_bytes_of("\xa0", 1)};
    struct fp_about back;
    struct fp_id ann = id_of("ann");
    struct fp_id zoe = id_of("z");
    fp_enc_about_begin(&e, &a);
    fp_enc_about_member(&e, &zoe, FP_ROLE_OWNER, 1);
    fp_enc_about_member(&e, &ann, FP_ROLE_SERVICE, 2);
    fp_enc_about_end(&e, &a);
    assert_bytes(fp_enc_bytes_of(&e), "a5 01 03 02 6154 03 6173 04 a2 617a 820301 63616e6e 820902 05 a0");

    assert_int_equal(fp_about_decode(fp_enc_bytes_of(&e), &back), FP_OK);
    assert_int_equal(back.version, 3);
    assert_text(back.title, "T");
    assert_id(back.scope, "s");
    assert_bytes(back.context, "a0");
    struct fp_id user;
    uint64_t role;
    uint64_t joined;
    assert_true(fp_about_member(&back, &user, &role, &joined));
    assert_id(user, "z");
    assert_int_equal(role, FP_ROLE_OWNER);
    assert_int_equal(joined, 1);
    assert_true(fp_about_member(&back, &user, &role, &joined));
    assert_id(user, "ann");
    assert_int_equal(role, FP_ROLE_SERVICE);
    assert_false(fp_about_member(&back, &user, &role, &joined));
}

static void an_about_without_members_or_context_is_one_too(void **state)
{
    (void)state;
    struct fp_about a = {.version = 1, .scope = id_of("s")};
    struct fp_about back;
    fp_enc_about_begin(&e, &a);
    fp_enc_about_end(&e, &a);
    assert_bytes(fp_enc_bytes_of(&e), "a4 01 01 02 60 03 6173 04 a0");
    assert_int_equal(fp_about_decode(fp_enc_bytes_of(&e), &back), FP_OK);
    assert_int_equal(back.member_count, 0);
    assert_int_equal(back.context.len, 0);
}

static void what_is_no_head_or_about_is_refused(void **state)
{
    (void)state;
    static const char *const heads[] = {"",
                                        "80",
                                        "a3 01 00 02 00 03 00",
                                        "a3 02 00 03 00 04 00",
                                        "a4 01 20 02 00 03 00 04 00",
                                        "a4 01 00 02 00 03 00 04 00 00",
                                        "a4 02 00 01 00 03 00 04 00"};
    static const char *const abouts[] = {"",
                                         "f6",
                                         "a3 01 01 02 60 03 6173",
                                         "a3 02 60 03 6173 04 a0",
                                         "a4 01 01 02 40 03 6173 04 a0",
                                         "a4 01 01 02 60 03 60 04 a0",
                                         "a4 01 01 02 60 03 6173 04 80",
                                         "a4 01 01 02 60 03 6173 04 a1 6161 8103",
                                         "a4 01 01 02 60 03 6173 04 a1 6161 820401",
                                         "a4 01 01 02 60 03 6173 04 a1 6161 820801",
                                         "a4 01 01 02 60 03 6173 04 a1 60 820301",
                                         "a4 01 01 02 60 03 6173 04 a1 6161 820320",
                                         "a4 01 01 02 60 03 6173 04 a2 6162 820301 6161 820301"};
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        struct fp_bytes in = hex(heads[i]);
        struct fp_head h;
        assert_int_equal(fp_head_decode(in, &h), FP_EMALFORMED);
        hex_free(in);
    }
    for (size_t i = 0; i < sizeof abouts / sizeof abouts[0]; i++) {
        struct fp_bytes in = hex(abouts[i]);
        struct fp_about a;
        if (fp_about_decode(in, &a) != FP_EMALFORMED) {
            fail_msg("accepted: %s", abouts[i]);
        }
        hex_free(in);
    }
}

static void a_newer_hubs_keys_are_skipped(void **state)
{
    (void)state;
    struct fp_bytes in = hex("a6 01 00 02 01 03 00 04 00 09 820102 6178 f6");
    struct fp_head h;
    assert_int_equal(fp_head_decode(in, &h), FP_OK);
    assert_int_equal(h.seq, 1);
    hex_free(in);
}

static void inbox_messages_are_written_as_the_contract_has_them(void **state)
{
    (void)state;
    struct fp_id conv = id_of("c");
    struct fp_id scope = id_of("s");
    struct fp_inbox_head row = {.conv = conv, .scope = scope, .head = 9, .unread = 4};
    fp_enc_inbox_heads(&e, 1);
    fp_enc_inbox_head(&e, &row);
    assert_bytes(fp_enc_bytes_of(&e), "a2 01 01 02 81 84 6163 6173 09 04");

    fp_enc_init(&e, buf, sizeof buf);
    fp_enc_inbox_joined(&e, &conv, &scope, FP_ROLE_MEMBER);
    assert_bytes(fp_enc_bytes_of(&e), "a4 01 02 02 6163 03 6173 04 01");

    fp_enc_init(&e, buf, sizeof buf);
    fp_enc_inbox_removed(&e, &conv, &scope);
    assert_bytes(fp_enc_bytes_of(&e), "a3 01 03 02 6163 03 6173");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_head_goes_there_and_back, fresh),
        cmocka_unit_test_setup(a_head_with_its_chain_goes_there_and_back, fresh),
        cmocka_unit_test(a_chain_is_32_bytes),
        cmocka_unit_test_setup(an_about_goes_there_and_back, fresh),
        cmocka_unit_test_setup(an_about_without_members_or_context_is_one_too, fresh),
        cmocka_unit_test(what_is_no_head_or_about_is_refused),
        cmocka_unit_test(a_newer_hubs_keys_are_skipped),
        cmocka_unit_test_setup(inbox_messages_are_written_as_the_contract_has_them, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
