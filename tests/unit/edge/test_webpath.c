#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "edge-relay/core/webpath.h"

static const char *file_of(const char *path)
{
    static char out[WEBPATH_MAX];
    return webpath_file(path, strlen(path), out) ? out : "(none)";
}

static void a_path_is_a_file_below_the_folder(void **state)
{
    (void)state;
    assert_string_equal(file_of("/"), "index.html");
    assert_string_equal(file_of("/index.html"), "index.html");
    assert_string_equal(file_of("/a/b-c_d.1.js"), "a/b-c_d.1.js");
    assert_string_equal(file_of("/a/"), "a/index.html");
}

static void no_path_leaves_the_folder(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "x", "//", "/../x", "/a/../x", "/a/..", "/.", "/.git/config", "/a/.b", "/a//b", "//etc/passwd", "/a\\b",
                                      "/a b", "/a%2e", "/a\nb", "/\xc3\xa9", "/a:b", "/~x"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_string_equal(file_of(bad[i]), "(none)");
    }
    char out[WEBPATH_MAX];
    assert_false(webpath_file("/a\0b", 4, out));
}

static void a_long_path_is_no_file(void **state)
{
    (void)state;
    char path[2 * WEBPATH_MAX];
    memset(path, 'a', sizeof path);
    path[0] = '/';
    char out[WEBPATH_MAX];
    size_t most = WEBPATH_MAX - sizeof "index.html";
    assert_true(webpath_file(path, most, out));
    assert_false(webpath_file(path, most + 1, out));
    path[most - 1] = '/';
    assert_true(webpath_file(path, most, out));
    assert_int_equal(strlen(out), most - 1 + strlen("index.html"));
}

static void media_types_go_by_the_end_of_the_name(void **state)
{
    (void)state;
    assert_string_equal(webpath_media_type("a.js"), "text/javascript; charset=utf-8");
    assert_string_equal(webpath_media_type("a.b.mjs"), "text/javascript; charset=utf-8");
    assert_string_equal(webpath_media_type("x/index.html"), "text/html; charset=utf-8");
    assert_string_equal(webpath_media_type("a.svg"), "image/svg+xml");
    assert_string_equal(webpath_media_type(".js"), "application/octet-stream");
    assert_string_equal(webpath_media_type("html"), "application/octet-stream");
}

static void only_a_name_with_a_hash_is_kept_for_ever(void **state)
{
    (void)state;
    assert_true(webpath_is_hashed("assets/app-1a2b3c4d.js"));
    assert_true(webpath_is_hashed("app.DEADBEEF01.css"));
    assert_false(webpath_is_hashed("app.js"));
    assert_false(webpath_is_hashed("app-1a2b3c4.js"));
    assert_false(webpath_is_hashed("service-worker.js"));
    assert_false(webpath_is_hashed("app-javascript.js")); /* no digit: a word */
    assert_false(webpath_is_hashed("1a2b3c4d.js"));
    assert_false(webpath_is_hashed("a.b/1a2b3c4d5e"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_is_a_file_below_the_folder), cmocka_unit_test(no_path_leaves_the_folder), cmocka_unit_test(a_long_path_is_no_file),
        cmocka_unit_test(media_types_go_by_the_end_of_the_name), cmocka_unit_test(only_a_name_with_a_hash_is_kept_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
