#include "tests/unit/cli/cli_test.h"

#include "firmware-client/cli/clock.h"

#define NOW_MS 1764000000000ULL /* 2025-11-24T16:00:00Z */

static void is_read(const char *text, uint64_t want_ms)
{
    struct fp_wall at = {0};
    assert_true(clock_parse(text, (struct fp_wall){.ms = NOW_MS}, &at));
    assert_int_equal(at.ms, want_ms);
}

static void is_refused(const char *text)
{
    struct fp_wall at;
    assert_false(clock_parse(text, (struct fp_wall){.ms = NOW_MS}, &at));
}

static void a_duration_counts_from_now(void **state)
{
    (void)state;
    is_read("45s", NOW_MS + 45000);
    is_read("30m", NOW_MS + 1800000);
    is_read("2h", NOW_MS + 7200000);
    is_read("3d", NOW_MS + 259200000);
}

static void a_time_of_utc_is_read(void **state)
{
    (void)state;
    is_read("2025-11-24T16:00:00Z", NOW_MS);
    is_read("2025-11-24T16:00:00.5Z", NOW_MS + 500);
    is_read("2025-11-24T16:00:00.1239Z", NOW_MS + 123);
    is_read("2028-02-29T00:00:00Z", 1835395200000ULL);
    is_read("1970-01-01T00:00:00Z", 0);
}

static void what_is_shown_reads_back(void **state)
{
    (void)state;
    struct str text = {0};
    clock_utc(&text, (struct fp_wall){.ms = NOW_MS + 7});
    is_read(text.p, NOW_MS + 7);
    str_fini(&text);
}

static void anything_else_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "30",
                                      "m",
                                      "0m",
                                      "30x",
                                      "30mm",
                                      "-3m",
                                      "99999999999999999999d",
                                      "2025-11-24",
                                      "2025-11-24T16:00:00",
                                      "2025-11-24T16:00:00+01:00",
                                      "2025-11-24 16:00:00Z",
                                      "2025-02-30T16:00:00Z",
                                      "2025-13-01T16:00:00Z",
                                      "2025-11-24T25:00:00Z",
                                      "2025-11-24T16:61:00Z",
                                      "2025-11-24T16:00:61Z",
                                      "1969-12-31T23:59:59Z",
                                      "2025-11-24T16:00:00Z "};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        is_refused(bad[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_duration_counts_from_now),
        cmocka_unit_test(a_time_of_utc_is_read),
        cmocka_unit_test(what_is_shown_reads_back),
        cmocka_unit_test(anything_else_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
