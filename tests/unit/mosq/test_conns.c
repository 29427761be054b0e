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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_added_is_found_until_it_is_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
