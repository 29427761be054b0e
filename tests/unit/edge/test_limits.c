#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "edge-relay/core/limits.h"

#define SECOND 1000000ULL

struct world {
    struct limits l;
    struct limits_entry entries[2 * LIMITS_WAYS];
};

static void begin(struct world *w, uint32_t max_open, uint32_t rate_per_s)
{
    limits_init(&w->l, w->entries, sizeof w->entries / sizeof w->entries[0], 7);
    w->l.max_open = max_open;
    w->l.rate_per_s = rate_per_s;
}

static enum limits_verdict open_at(struct world *w, uint8_t last, uint64_t us, struct limits_entry **out)
{
    struct limits_key key = limits_key_v4((const uint8_t[4]){10, 0, 0, last});
    return limits_opened(&w->l, &key, (struct fp_mono){.us = us}, out);
}

static void connections_are_counted_by_address(void **state)
{
    (void)state;
    struct world w;
    struct limits_entry *e = NULL, *other = NULL;
    begin(&w, 2, 0);
    assert_int_equal(open_at(&w, 1, 0, &e), LIMITS_LET_IN);
    assert_int_equal(open_at(&w, 1, 0, &e), LIMITS_LET_IN);
    assert_int_equal(open_at(&w, 1, 0, &e), LIMITS_TOO_MANY);
    assert_int_equal(open_at(&w, 2, 0, &other), LIMITS_LET_IN);
    limits_closed(e);
    assert_int_equal(open_at(&w, 1, 0, &e), LIMITS_TOO_MANY); /* that was the one too many */
    limits_closed(e);
    limits_closed(e);
    assert_int_equal(open_at(&w, 1, 0, &e), LIMITS_LET_IN);
}

static void politeness_has_an_end(void **state)
{
    (void)state;
    struct world w;
    struct limits_entry *e = NULL;
    begin(&w, 1, 0);
    assert_int_equal(open_at(&w, 1, 0, &e), LIMITS_LET_IN);
    for (int i = 0; i < LIMITS_POLITE; i++) {
        assert_int_equal(open_at(&w, 1, 0, &e), LIMITS_TOO_MANY);
    }
    assert_int_equal(open_at(&w, 1, 0, &e), LIMITS_DROP);
    assert_int_equal(e->open, 1 + LIMITS_POLITE); /* what was dropped is not counted */
}

static void a_burst_then_the_rate(void **state)
{
    (void)state;
    struct world w;
    struct limits_entry *e = NULL;
    begin(&w, 0, 2);
    for (int i = 0; i < 2 * LIMITS_BURST_S; i++) {
        assert_int_equal(open_at(&w, 1, 5, &e), LIMITS_LET_IN);
    }
    for (int i = 0; i < 2 * LIMITS_BURST_S; i++) {
        assert_int_equal(open_at(&w, 1, 5, &e), LIMITS_TOO_FAST);
    }
    assert_int_equal(open_at(&w, 1, 5, &e), LIMITS_DROP);
    assert_int_equal(open_at(&w, 1, 5 + SECOND / 2, &e), LIMITS_TOO_FAST); /* one came back */
    assert_int_equal(open_at(&w, 1, 5 + SECOND / 2, &e), LIMITS_DROP);
    assert_int_equal(open_at(&w, 1, 5 + 100 * SECOND, &e), LIMITS_LET_IN);
}

static void a_clock_that_steps_back_gives_nothing_away(void **state)
{
    (void)state;
    struct world w;
    struct limits_entry *e = NULL;
    begin(&w, 0, 1);
    for (int i = 0; i < LIMITS_BURST_S; i++) {
        assert_int_equal(open_at(&w, 1, 10 * SECOND, &e), LIMITS_LET_IN);
    }
    assert_int_equal(open_at(&w, 1, SECOND, &e), LIMITS_TOO_FAST);
    assert_int_equal(open_at(&w, 1, 10 * SECOND, &e), LIMITS_TOO_FAST);
}

static void an_address_with_connections_is_never_forgotten(void **state)
{
    (void)state;
    struct world w;
    struct limits_entry *held = NULL, *e = NULL;
    begin(&w, 1, 0);
    assert_int_equal(open_at(&w, 1, 0, &held), LIMITS_LET_IN);
    for (int i = 2; i < 250; i++) { /* many more addresses than entries, each gone at once */
        assert_int_equal(open_at(&w, (uint8_t)i, (uint64_t)i, &e), LIMITS_LET_IN);
        limits_closed(e);
    }
    assert_int_equal(open_at(&w, 1, 300, &e), LIMITS_TOO_MANY);
    assert_ptr_equal(e, held);
}

static void a_table_that_is_full_of_connections_drops(void **state)
{
    (void)state;
    struct world w;
    struct limits_entry *e = NULL;
    int in = 0;
    begin(&w, 0, 0);
    for (int i = 0; i < 250; i++) {
        in += open_at(&w, (uint8_t)i, 0, &e) == LIMITS_LET_IN;
    }
    assert_int_equal(in, 2 * LIMITS_WAYS);
}

static void an_ipv6_network_is_one_address(void **state)
{
    (void)state;
    uint8_t a[16] = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 9, 9}, b[16] = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 7}, c[16] = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 2};
    uint8_t mapped[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1};
    struct limits_key ka = limits_key_v6(a), kb = limits_key_v6(b), kc = limits_key_v6(c), km = limits_key_v6(mapped);
    struct limits_key k4 = limits_key_v4((const uint8_t[4]){10, 0, 0, 1});
    assert_memory_equal(&ka, &kb, sizeof ka);
    assert_memory_not_equal(&ka, &kc, sizeof ka);
    assert_memory_equal(&km, &k4, sizeof km);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connections_are_counted_by_address), cmocka_unit_test(politeness_has_an_end), cmocka_unit_test(a_burst_then_the_rate),
        cmocka_unit_test(a_clock_that_steps_back_gives_nothing_away), cmocka_unit_test(an_address_with_connections_is_never_forgotten),
        cmocka_unit_test(a_table_that_is_full_of_connections_drops), cmocka_unit_test(an_ipv6_network_is_one_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
