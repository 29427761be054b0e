#include "hex.h"

#include "fp/command.h"
#include "fp/event.h"

#define SHA "5820 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define TRACE "50 000102030405060708090a0b0c0d0e0f"
#define EVENT(seq) "a7 01 14 02 05 03 6163 10 " seq " 11 00 12 6175 13 6164"

static void every_field_goes_there_and_back(void **state)
{
    (void)state;
    static const char text[] =
        "b0 01 14 02 1829 03 6163 04 0c 06 01 08 0a 09 03 0a f6 0f " TRACE " 10 0d 11 1903e8 12 6175 13 6164 14 1821 15 821903e70a"
        " 17 " SHA;
    struct fp_bytes in = hex(text);
    struct fp_event ev;
    assert_int_equal(fp_event_decode(in, &ev), FP_OK);

    assert_int_equal(ev.kind, FP_K_MSG);
    assert_int_equal(ev.n, 41);
    assert_id(ev.conv, "c");
    assert_int_equal(ev.seen, 12);
    assert_int_equal(ev.priority, FP_PRIORITY_HIGH);
    assert_int_equal(ev.ref, 10);
    assert_int_equal(ev.version, 3);
    assert_bytes(ev.body, "f6");
    assert_bytes(ev.trace, "000102030405060708090a0b0c0d0e0f");
    assert_int_equal(ev.seq, 13);
    assert_int_equal(ev.at.ms, 1000);
    assert_id(ev.user, "u");
    assert_id(ev.device, "d");
    assert_int_equal(ev.flags, FP_FLAG_OFFLINE | FP_FLAG_REDACTED);
    assert_true(ev.has_composed);
    assert_int_equal(ev.composed.ms, 999);
    assert_int_equal(ev.composed_error_ms, 10);
    assert_int_equal(ev.body_hash.len, 32);

    uint8_t buf[256];
    struct fp_enc e;
    fp_enc_init(&e, buf, sizeof buf);
    assert_true(fp_event_encode(&e, &ev));
    assert_true(fp_bytes_eq(fp_enc_bytes_of(&e), in));
    hex_free(in);
}

static void a_provisional_event_has_a_branch_and_no_seq(void **state)
{
    (void)state;
    struct fp_bytes in = hex("a8 01 14 02 05 03 6163 11 00 12 6175 13 6164 14 1840 16 83 6172 07 01");
    struct fp_event ev;
    assert_int_equal(fp_event_decode(in, &ev), FP_OK);
    assert_int_equal(ev.seq, 0);
    assert_id(ev.branch_relay, "r");
    assert_int_equal(ev.branch_base, 7);
    assert_int_equal(ev.branch_k, 1);
    assert_int_equal(ev.priority, FP_PRIORITY_NORMAL);
    assert_int_equal(fp_event_seq(in), 0);

    uint8_t buf[64];
    struct fp_enc e;
    fp_enc_init(&e, buf, sizeof buf);
    assert_true(fp_event_encode(&e, &ev));
    assert_true(fp_bytes_eq(fp_enc_bytes_of(&e), in));
    hex_free(in);
}

static void an_event_that_is_none_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "80",
        "a0",
        "a6 02 05 03 6163 10 01 11 00 12 6175 13 6164",                             /* no kind */
        "a6 01 14 03 6163 10 01 11 00 12 6175 13 6164",                             /* no n */
        "a6 01 14 02 05 10 01 11 00 12 6175 13 6164",                               /* no conversation */
        "a6 01 14 02 05 03 6163 11 00 12 6175 13 6164",                             /* no seq, but not provisional */
        "a6 01 14 02 05 03 6163 10 01 12 6175 13 6164",                             /* no time */
        "a6 01 14 02 05 03 6163 10 01 11 00 13 6164",                               /* no user */
        "a6 01 14 02 05 03 6163 10 01 11 00 12 6175",                               /* no device */
        EVENT("00"),                                                                /* seq 0 */
        EVENT("20"),                                                                /* seq -1 */
        EVENT("01") " 00",                                                          /* more bytes */
        "a8 01 14 02 05 03 6163 06 04 10 01 11 00 12 6175 13 6164",                 /* priority 4 */
        "a8 01 14 02 05 03 6163 10 01 11 00 12 6175 13 6164 14 1b0000000100000000", /* flags beyond 32 bits */
        "a8 01 14 02 05 03 6163 10 01 11 00 12 6175 13 6164 14 1840",               /* provisional, but ordered */
        "a7 01 14 02 05 03 6163 11 00 12 6175 13 6164 14 1840",                     /* provisional without a branch */
        "a8 01 14 02 05 03 6163 10 01 11 00 12 6175 13 6164 15 8100",               /* composed: one item */
        "a8 01 14 02 05 03 6163 10 01 11 00 12 6175 13 6164 15 83000000",           /* composed: three */
        "a8 01 14 02 05 03 6163 10 01 11 00 12 6175 13 6164 16 82617200",           /* branch: two */
        "a8 01 14 02 05 03 6163 10 01 11 00 12 6175 13 6164 17 4100",               /* a hash of one byte */
        "a8 01 14 02 05 03 6163 0f 4100 10 01 11 00 12 6175 13 6164",               /* a trace of one byte */
        "a7 02 05 01 14 03 6163 10 01 11 00 12 6175 13 6164",                       /* keys do not ascend */
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct fp_bytes in = hex(bad[i]);
        struct fp_event ev;
        if (fp_event_decode(in, &ev) != FP_EMALFORMED) {
            fail_msg("accepted: %s", bad[i]);
        }
        hex_free(in);
    }
}

static void a_newer_hubs_keys_and_kinds_are_let_through(void **state)
{
    (void)state;
    struct fp_bytes in = hex("a9 01 1863 02 05 03 6163 10 01 11 00 12 6175 13 6164 181e 820102 6178 f6");
    struct fp_event ev;
    assert_int_equal(fp_event_decode(in, &ev), FP_OK);
    assert_int_equal(ev.kind, 99);
    hex_free(in);
}

static void the_seq_is_found_without_the_rest(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        uint64_t seq;
    } rows[] = {{EVENT("191000"), 4096}, {"a2 0a a1018101 10 07", 7}, {"a1 0a 05", 0}, {"80", 0}, {"", 0}, {"a2 01", 0}, {"a1 10 6161", 0}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fp_bytes in = hex(rows[i].hex);
        assert_int_equal(fp_event_seq(in), rows[i].seq);
        hex_free(in);
    }
}

static void what_does_not_fit_is_not_encoded(void **state)
{
    (void)state;
    struct fp_bytes in = hex(EVENT("01"));
    struct fp_event ev;
    uint8_t buf[64];
    assert_int_equal(fp_event_decode(in, &ev), FP_OK);
    for (size_t cap = 0; cap <= in.len; cap++) {
        struct fp_enc e;
        fp_enc_init(&e, buf, cap);
        assert_int_equal(fp_event_encode(&e, &ev), cap == in.len);
    }
    hex_free(in);
}

static void what_a_hub_adds_stays_within_its_allowance(void **state)
{
    (void)state;
    char long_id[FP_ID_MAX + 1];
    memset(long_id, 'x', FP_ID_MAX);
    long_id[FP_ID_MAX] = '\0';
    uint8_t bytes[32] = {0};
    struct fp_event ev = {
        .kind = FP_K_MSG,
        .n = UINT64_MAX,
        .conv = id_of(long_id),
        .seen = UINT64_MAX,
        .priority = FP_PRIORITY_BULK,
        .ref = UINT64_MAX,
        .version = UINT64_MAX,
        .body = fp_bytes_of("\x80", 1),
        .trace = fp_bytes_of(bytes, 16),
        .seq = UINT64_MAX,
        .at = {UINT64_MAX},
        .user = id_of(long_id),
        .device = id_of(long_id),
        .flags = UINT32_MAX,
        .has_composed = true,
        .composed = {UINT64_MAX},
        .composed_error_ms = UINT64_MAX,
        .branch_relay = id_of(long_id),
        .branch_base = UINT64_MAX,
        .branch_k = UINT64_MAX,
        .body_hash = fp_bytes_of(bytes, 32),
    };
    struct fp_command c = {
        .kind = ev.kind, .n = ev.n, .conv = ev.conv, .seen = ev.seen, .priority = ev.priority, .ref = ev.ref, .body = ev.body, .trace = ev.trace};
    uint8_t buf[1024];
    struct fp_enc e;
    fp_enc_init(&e, buf, sizeof buf);
    assert_true(fp_event_encode(&e, &ev));
    size_t event_len = e.len;
    fp_enc_init(&e, buf, sizeof buf);
    assert_true(fp_command_encode(&e, &c));
    assert_in_range(event_len, e.len, e.len + FP_EVENT_OVERHEAD_MAX);
}

/* ------------------------------------------------------------------ run */

static const char RUN[] = EVENT("05") EVENT("06") EVENT("07") EVENT("08");

static void a_run_is_split_into_its_events(void **state)
{
    (void)state;
    struct fp_bytes in = hex(RUN);
    struct fp_bytes run = in;
    struct fp_bytes one;
    for (uint64_t seq = 5; seq <= 8; seq++) {
        assert_true(fp_run_next(&run, &one));
        assert_int_equal(one.len, in.len / 4);
        assert_int_equal(fp_event_seq(one), seq);
    }
    assert_false(fp_run_next(&run, &one));
    assert_int_equal(run.len, 0);
    hex_free(in);
}

static void a_cut_short_run_ends_where_it_ends(void **state)
{
    (void)state;
    struct fp_bytes in = hex(EVENT("05") "a7 01 14");
    struct fp_bytes run = in;
    struct fp_bytes one;
    assert_true(fp_run_next(&run, &one));
    assert_false(fp_run_next(&run, &one));
    hex_free(in);
}

static void a_run_is_cut_to_what_is_asked_for(void **state)
{
    (void)state;
    static const struct {
        uint64_t from, to;
        size_t first, count; /* in events */
    } rows[] = {{5, 8, 0, 4}, {0, UINT64_MAX, 0, 4}, {6, 7, 1, 2}, {8, 100, 3, 1}, {1, 5, 0, 1}, {1, 4, 0, 0}, {9, 12, 0, 0}, {7, 6, 0, 0}};
    struct fp_bytes in = hex(RUN);
    size_t each = in.len / 4;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t count = 99;
        struct fp_bytes cut = fp_run_cut(in, rows[i].from, rows[i].to, &count);
        assert_int_equal(count, rows[i].count);
        assert_int_equal(cut.len, rows[i].count * each);
        if (count > 0) {
            assert_ptr_equal(cut.p, in.p + rows[i].first * each);
        }
    }
    size_t count = 99;
    assert_int_equal(fp_run_cut((struct fp_bytes){0}, 1, 9, &count).len, 0);
    assert_int_equal(count, 0);
    hex_free(in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_goes_there_and_back),
        cmocka_unit_test(a_provisional_event_has_a_branch_and_no_seq),
        cmocka_unit_test(an_event_that_is_none_is_refused),
        cmocka_unit_test(a_newer_hubs_keys_and_kinds_are_let_through),
        cmocka_unit_test(the_seq_is_found_without_the_rest),
        cmocka_unit_test(what_does_not_fit_is_not_encoded),
        cmocka_unit_test(what_a_hub_adds_stays_within_its_allowance),
        cmocka_unit_test(a_run_is_split_into_its_events),
        cmocka_unit_test(a_cut_short_run_ends_where_it_ends),
        cmocka_unit_test(a_run_is_cut_to_what_is_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
