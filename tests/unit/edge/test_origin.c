#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "edge-relay/core/origin.h"

static void the_same_host_by_any_scheme(void **state)
{
    (void)state;
    assert_true(origin_allowed("same", "http://hub:8080", "hub:8080"));
    assert_true(origin_allowed("same", "https://HUB.example", "hub.Example"));
    assert_true(origin_allowed("same", "https://hub", "hub:443"));
    assert_true(origin_allowed("same", "http://hub:80", "hub"));
    assert_true(origin_allowed("same", "http://[::1]:9083", "[::1]:9083"));
    assert_false(origin_allowed("same", "http://hub:8080", "hub"));
    assert_false(origin_allowed("same", "https://hub", "hub:80"));
    assert_false(origin_allowed("same", "http://hub.evil", "hub"));
    assert_false(origin_allowed("same", "http://hub", ""));
    assert_false(origin_allowed("same", "", "hub"));
    assert_false(origin_allowed("same", "null", "null"));
    assert_false(origin_allowed("same", "http://hub@evil", "hub"));
    assert_false(origin_allowed("same", "http://hub/", "hub"));
}

static void a_named_origin_is_scheme_host_and_port(void **state)
{
    (void)state;
    const char *list = "https://a.example, http://b.example:81";
    assert_true(origin_allowed(list, "https://a.example", "x"));
    assert_true(origin_allowed(list, "https://a.example:443", "x"));
    assert_true(origin_allowed(list, "http://b.example:81", "x"));
    assert_false(origin_allowed(list, "http://a.example", "x"));
    assert_false(origin_allowed(list, "https://a.example:444", "x"));
    assert_false(origin_allowed(list, "https://a.example.evil", "x"));
    assert_false(origin_allowed(list, "https://xa.example", "x"));
    assert_false(origin_allowed(list, "http://b.example", "x"));
    assert_false(origin_allowed(list, "http://x", "x")); /* `same` is not in the list */
    assert_false(origin_allowed("", "http://x", "x"));
}

static void a_star_takes_in_what_is_below_a_domain(void **state)
{
    (void)state;
    assert_true(origin_allowed("https://*.a.example", "https://x.a.example", ""));
    assert_true(origin_allowed("https://*.a.example", "https://x.y.A.example:443", ""));
    assert_false(origin_allowed("https://*.a.example", "https://a.example", ""));
    assert_false(origin_allowed("https://*.a.example", "https://xa.example", ""));
    assert_false(origin_allowed("https://*.a.example", "http://x.a.example", ""));
    assert_false(origin_allowed("https://*.a.example", "https://x.a.example:444", ""));
    assert_true(origin_allowed("https://*.a.example:444", "https://x.a.example:444", ""));
}

static void a_star_alone_takes_in_all(void **state)
{
    (void)state;
    assert_true(origin_allowed("*", "https://anything.example", ""));
    assert_true(origin_allowed("*", "null", ""));
    assert_true(origin_allowed("https://a.example *", "file://", ""));
}

static void a_bad_list_is_refused_with_the_word(void **state)
{
    (void)state;
    static const char *const bad[] = {"https://", "example.com", "https://a.example/", "https://a b://", "https://*", "https://a.*.b", "http//x",
                                      "https://a:port", "https://a:123456", "https://[::1", "://a.example", "**", "https://*.", "SAMEX"};
    size_t at = 0, len = 0;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(origin_list_ok(bad[i], &at, &len));
    }
    assert_false(origin_list_ok("same https://a.example nonsense *", &at, &len));
    assert_int_equal(at, 23);
    assert_int_equal(len, 8);
    assert_true(origin_list_ok("", &at, &len));
    assert_true(origin_list_ok(" same,* \t https://a.example:8443 capacitor://localhost https://*.b.example ", &at, &len));
}

static void what_is_too_long_matches_nothing(void **state)
{
    (void)state;
    char origin[600] = "https://";
    memset(origin + 8, 'a', 500);
    assert_false(origin_allowed("same", origin, origin + 8));
    size_t at = 0, len = 0;
    assert_false(origin_list_ok(origin, &at, &len));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_host_by_any_scheme), cmocka_unit_test(a_named_origin_is_scheme_host_and_port),
        cmocka_unit_test(a_star_takes_in_what_is_below_a_domain), cmocka_unit_test(a_star_alone_takes_in_all),
        cmocka_unit_test(a_bad_list_is_refused_with_the_word), cmocka_unit_test(what_is_too_long_matches_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
