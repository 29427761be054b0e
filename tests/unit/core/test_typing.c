#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "plugin/core/typing.h"
#include "tests/support/sim_random.h"

static struct fp_mono at(uint64_t ms)
{
    return (struct fp_mono){.us = 1000000 + ms * 1000};
}

static struct fp_id id(const char *text)
{
    struct fp_id out;
    assert_true(fp_id_parse(text, strlen(text), &out));
    return out;
}

static struct typing_key key(const char *user, const char *device)
{
    return (struct typing_key){.user = id(user), .device = id(device)};
}

static bool begin(struct typing *t, const char *user, const char *device, uint64_t ms)
{
    struct typing_key k = key(user, device);
    return typing_begin(t, &k, at(ms));
}

static bool names(const struct typing_digest *d, const char *a, const char *b, const char *c)
{
    const char *want[] = {a, b, c};
    size_t count = 0;
    while (count < 3 && want[count]) {
        count++;
    }
    bool same = d->name_count == count;
    for (size_t i = 0; same && i < count; i++) {
        struct fp_id one = id(want[i]);
        same = fp_id_eq(&one, &d->names[i]);
    }
    return same;
}

static void a_digest_names_three_in_the_order_they_began_and_counts_all(void **state)
{
    (void)state;
    struct typing t = {0};
    struct typing_digest d;

    assert_false(typing_tell(&t, at(0), &d)); /* nobody types, and that is known */
    assert_true(begin(&t, "zoe", "z1", 0));
    assert_true(begin(&t, "anna", "a1", 1));
    assert_true(begin(&t, "ben", "b1", 2));
    assert_true(begin(&t, "anna", "a2", 3)); /* once, though on two devices */
    assert_true(begin(&t, "cleo", "c1", 4));
    assert_true(begin(&t, "zoe", "z1", 5)); /* again is not anew */
    assert_true(typing_tell(&t, at(5), &d));
    assert_int_equal(d.count, 4);
    assert_true(names(&d, "zoe", "anna", "ben"));
}

static void it_is_told_at_once_after_quiet_and_then_once_a_second(void **state)
{
    (void)state;
    struct typing t = {0};
    struct typing_digest d;
    struct fp_mono due;

    begin(&t, "anna", "a1", 0);
    assert_true(typing_tell(&t, at(0), &d));
    begin(&t, "ben", "b1", 1);
    assert_false(typing_tell(&t, at(1), &d));
    assert_true(typing_next(&t, &due));
    assert_int_equal(due.us, at(1000).us);
    assert_false(typing_tell(&t, at(999), &d));
    assert_true(typing_tell(&t, at(1000), &d)); /* the trailing edge is never lost */
    assert_int_equal(d.count, 2);
    assert_false(typing_tell(&t, at(5000), &d)); /* Y3 */
}

static void nobody_goes_out_at_once_and_the_next_one_waits(void **state)
{
    (void)state;
    struct typing t = {0};
    struct typing_digest d;
    struct typing_key k = key("anna", "a1");

    begin(&t, "anna", "a1", 0);
    assert_true(typing_tell(&t, at(0), &d));
    typing_end(&t, &k);
    assert_true(typing_tell(&t, at(10), &d));
    assert_int_equal(d.count, 0);
    assert_int_equal(d.name_count, 0);
    assert_false(typing_over(&t, at(20))); /* or else the second would be forgotten */
    begin(&t, "anna", "a1", 20);
    assert_false(typing_tell(&t, at(1009), &d));
    assert_true(typing_tell(&t, at(1010), &d));
    typing_end(&t, &k);
    assert_false(typing_over(&t, at(9000))); /* not told yet */
    assert_true(typing_tell(&t, at(1020), &d));
    assert_true(typing_over(&t, at(2020)));
}

static void a_row_ends_six_seconds_after_its_last_word(void **state)
{
    (void)state;
    struct typing t = {0};
    struct typing_digest d;
    struct fp_mono due;

    begin(&t, "anna", "a1", 0);
    begin(&t, "ben", "b1", 0);
    assert_true(typing_tell(&t, at(0), &d));
    begin(&t, "anna", "a1", 3000);
    assert_true(typing_next(&t, &due));
    assert_int_equal(due.us, at(6000).us);
    assert_int_equal(typing_expire(&t, at(5999)), 0);
    assert_int_equal(typing_expire(&t, at(6000)), 1);
    assert_true(typing_tell(&t, at(6000), &d));
    assert_true(names(&d, "anna", NULL, NULL));
    assert_int_equal(typing_expire(&t, at(9000)), 1);
    assert_true(typing_tell(&t, at(9000), &d));
    assert_int_equal(d.count, 0);
    assert_false(typing_next(&t, &due));
}

static void a_user_ends_on_all_devices_and_a_device_for_all_users(void **state)
{
    (void)state;
    struct typing t = {0};
    struct typing_key k = key("anna", "a1");
    struct fp_id anna = id("anna"), shared = id("shared");

    begin(&t, "anna", "a1", 0);
    begin(&t, "anna", "a2", 0);
    begin(&t, "ben", "shared", 0);
    begin(&t, "cleo", "shared", 0);
    typing_end(&t, &k);
    assert_int_equal(t.now.count, 3); /* she types on the other one */
    typing_end_user(&t, &anna);
    assert_int_equal(t.now.count, 2);
    typing_end_device(&t, &shared);
    assert_int_equal(t.now.count, 0);
    typing_end(&t, &k); /* who does not type may well stop */
    assert_true(typing_over(&t, at(0)));
}

static void more_than_there_are_rows_are_not_shown(void **state)
{
    (void)state;
    struct typing t = {0};
    char device[16];

    for (int i = 0; i < TYPING_ROWS_MAX; i++) {
        (void)snprintf(device, sizeof device, "d%d", i);
        assert_true(begin(&t, device, device, 0));
    }
    assert_false(begin(&t, "late", "late", 0));
    assert_int_equal(t.now.count, TYPING_ROWS_MAX);
    assert_true(begin(&t, "d5", "d5", 1)); /* who is shown stays so */
    assert_int_equal(typing_expire(&t, at(6000)), TYPING_ROWS_MAX - 1);
    assert_true(begin(&t, "late", "late", 6000));
}

/* Property: whatever happens, digests are a second apart but for "nobody", never repeat, and what was told last is true when nothing is due. */
static void whatever_happens_it_is_told_rarely_and_truly(void **state)
{
    (void)state;
    const uint64_t seed = 7;
    struct sim_random random = {.state = seed};
    print_message("seed %llu\n", (unsigned long long)seed);
    struct typing t = {0};
    struct typing_digest d, last = {0};
    uint64_t last_ms = 0;
    bool told = false;

    for (uint64_t ms = 0; ms < 60000; ms += 1 + sim_below(&random, 40)) {
        char name[8];
        (void)snprintf(name, sizeof name, "u%d", (int)sim_below(&random, 50));
        struct typing_key k = key(name, name);
        if (sim_below(&random, 3) == 0) {
            typing_end(&t, &k);
        } else if (ms < 40000) {
            typing_begin(&t, &k, at(ms));
        }
        (void)typing_expire(&t, at(ms));
        if (typing_tell(&t, at(ms), &d)) {
            assert_true(!told || d.count == 0 || ms - last_ms >= 1000);
            assert_true(d.count != last.count || memcmp(d.names, last.names, sizeof d.names) != 0);
            last = d;
            last_ms = ms;
            told = true;
        }
        struct fp_mono due;
        assert_true(typing_next(&t, &due) || (last.count == 0 && t.count == 0));
    }
    assert_int_equal(last.count, 0);
    assert_true(told);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_digest_names_three_in_the_order_they_began_and_counts_all),
        cmocka_unit_test(it_is_told_at_once_after_quiet_and_then_once_a_second),
        cmocka_unit_test(nobody_goes_out_at_once_and_the_next_one_waits),
        cmocka_unit_test(a_row_ends_six_seconds_after_its_last_word),
        cmocka_unit_test(a_user_ends_on_all_devices_and_a_device_for_all_users),
        cmocka_unit_test(more_than_there_are_rows_are_not_shown),
        cmocka_unit_test(whatever_happens_it_is_told_rarely_and_truly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
