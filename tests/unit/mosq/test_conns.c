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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_added_is_found_until_it_is_removed),
        cmocka_unit_test(who_is_ended_by_the_check_after_his_keep_alive_was_silent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
