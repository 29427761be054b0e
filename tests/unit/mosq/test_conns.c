#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plugin/mosq/conns.h"

static char clients[1000];

static void what_was_added_is_found_until_it_is_removed(void **state)
{
    (void)state;
    struct conns c;

    conns_init(&c);
    for (size_t i = 0; i < sizeof clients; i++) {
        assert_null(conns_find(&c, &clients[i]));
        conns_add(&c, &clients[i])->told = i % 2 == 0;
    }
    for (size_t i = 0; i < sizeof clients; i++) {
        assert_ptr_equal(conns_add(&c, &clients[i]), conns_find(&c, &clients[i]));
        assert_int_equal(conns_find(&c, &clients[i])->told, i % 2 == 0);
    }
    for (size_t i = 0; i < sizeof clients; i += 3) {
        conns_remove(&c, &clients[i]);
        conns_remove(&c, &clients[i]); /* twice does no harm */
    }
    for (size_t i = 0; i < sizeof clients; i++) {
        assert_int_equal(conns_find(&c, &clients[i]) != NULL, i % 3 != 0);
    }
    assert_false(conns_add(&c, &clients[0])->told); /* a new connection at an old address starts anew */
    conns_fini(&c);
}

static void who_is_ended_by_the_check_after_his_keep_alive_was_silent(void **state)
{
    (void)state;
    struct conn_state conn = {.heard = {100}};
    struct fp_mono due = {100 + 6000000};

    assert_int_equal(conns_end_of(&conn, 4, due, true), SOURCE_END_SILENT);
    assert_int_equal(conns_end_of(&conn, 4, (struct fp_mono){due.us - 1}, true), SOURCE_END_LOST); /* the broker would have waited */
    assert_int_equal(conns_end_of(&conn, 4, due, false), SOURCE_END_LOST); /* his socket said so */
    assert_int_equal(conns_end_of(&conn, 0, due, true), SOURCE_END_LOST); /* no keep-alive was agreed */
    assert_int_equal(conns_end_of(&conn, 65535, (struct fp_mono){100 + 98302500000}, true), SOURCE_END_SILENT);
    assert_int_equal(conns_end_of(&conn, 1, (struct fp_mono){50}, true), SOURCE_END_LOST);
}

#define SECOND 1000000U

/* TICKs each 100 ms up to that time. */
static void turn(struct conns *c, uint64_t *now_us, uint64_t until_us)
{
    while (*now_us < until_us) {
        *now_us += 100000;
        conns_tick(c, (struct fp_mono){*now_us});
    }
}

static struct conn_state *promise(struct conns *c, const void *client, uint32_t alive_s, uint64_t now_us)
{
    struct conn_state *conn = conns_add(c, client);
    conns_promise(c, conn->number, alive_s, (struct fp_mono){now_us});
    return conn;
}

static void who_is_silent_for_half_as_long_again_as_he_promised_is_named_once(void **state)
{
    (void)state;
    struct conns c;
    const void *out[4];
    uint64_t now = 1000 * SECOND;

    conns_init(&c);
    conns_tick(&c, (struct fp_mono){now});
    struct conn_state *quiet = promise(&c, &clients[0], 2, now);
    struct conn_state *lively = promise(&c, &clients[1], 2, now);
    (void)conns_add(&c, &clients[2]); /* has promised nothing */
    for (unsigned i = 1; i < 30; i++) {
        turn(&c, &now, 1000 * SECOND + i * 100000);
        if (i % 20 == 0) {
            conns_hear(&c, lively, (struct fp_mono){now});
        }
        assert_int_equal(conns_silent(&c, out, 4), 0);
    }
    turn(&c, &now, 1003 * SECOND);
    assert_int_equal(conns_silent(&c, out, 4), 1);
    assert_ptr_equal(out[0], &clients[0]);
    assert_true(quiet->silent);
    assert_int_equal(conns_end_of(quiet, 60, (struct fp_mono){now}, false), SOURCE_END_SILENT);
    assert_int_equal(conns_end_of(lively, 60, (struct fp_mono){now}, false), SOURCE_END_LOST);
    turn(&c, &now, 1005 * SECOND - 100000); /* he who was heard of after 2 s */
    assert_int_equal(conns_silent(&c, out, 4), 0);
    turn(&c, &now, 1005 * SECOND);
    assert_int_equal(conns_silent(&c, out, 4), 1);
    assert_ptr_equal(out[0], &clients[1]);
    turn(&c, &now, 2000 * SECOND);
    assert_int_equal(conns_silent(&c, out, 4), 0);
    conns_fini(&c);
}

static void a_promise_taken_back_or_of_one_who_is_gone_binds_nobody(void **state)
{
    (void)state;
    struct conns c;
    const void *out[4];
    uint64_t now = SECOND;

    conns_init(&c);
    conns_tick(&c, (struct fp_mono){now});
    uint64_t number = promise(&c, &clients[0], 1, now)->number;
    conns_remove(&c, &clients[0]);
    assert_true(conns_add(&c, &clients[0])->number > number); /* another one at the same address */
    conns_promise(&c, number, 1, (struct fp_mono){now});
    (void)promise(&c, &clients[1], 1, now);
    (void)promise(&c, &clients[1], 0, now);
    turn(&c, &now, 100 * SECOND);
    assert_int_equal(conns_silent(&c, out, 4), 0);
    conns_fini(&c);
}

static void what_the_broker_slept_through_is_nobodys_silence(void **state)
{
    (void)state;
    struct conns c;
    const void *out[4];
    uint64_t now = SECOND;

    conns_init(&c);
    conns_tick(&c, (struct fp_mono){now});
    (void)promise(&c, &clients[0], 2, now);
    turn(&c, &now, 3 * SECOND);
    now += 3600ULL * SECOND; /* stopped */
    conns_tick(&c, (struct fp_mono){now});
    assert_int_equal(conns_silent(&c, out, 4), 0);
    turn(&c, &now, now + SECOND - CONNS_STEP_MAX_US - 100000);
    assert_int_equal(conns_silent(&c, out, 4), 0);
    turn(&c, &now, now + 200000);
    assert_int_equal(conns_silent(&c, out, 4), 1);
    conns_fini(&c);
}

static void of_many_some_at_a_time_are_named(void **state)
{
    (void)state;
    struct conns c;
    const void *out[64];
    uint64_t now = SECOND;
    size_t named = 0;

    conns_init(&c);
    conns_tick(&c, (struct fp_mono){now});
    for (size_t i = 0; i < sizeof clients; i++) {
        (void)promise(&c, &clients[i], 1, now);
    }
    turn(&c, &now, 3 * SECOND);
    for (size_t count = 1; count > 0; named += count) { /* the next TICK needs no time to pass */
        count = conns_silent(&c, out, 64);
        for (size_t i = 0; i < count; i++) {
            conns_remove(&c, out[i]);
        }
    }
    assert_int_equal(named, sizeof clients);
    conns_fini(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_added_is_found_until_it_is_removed),
        cmocka_unit_test(who_is_ended_by_the_check_after_his_keep_alive_was_silent),
        cmocka_unit_test(who_is_silent_for_half_as_long_again_as_he_promised_is_named_once),
        cmocka_unit_test(a_promise_taken_back_or_of_one_who_is_gone_binds_nobody),
        cmocka_unit_test(what_the_broker_slept_through_is_nobodys_silence),
        cmocka_unit_test(of_many_some_at_a_time_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
