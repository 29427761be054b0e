#include "plugin/hub/line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void a_line_is_what_was_added_to_it(void **state)
{
    struct line l = {0};
    struct fp_id id = {.len = 6, .text = "site-b"};
    (void)state;
    line_text(&l, "trunk ");
    line_id(&l, &id);
    line_text(&l, ": ");
    line_number(&l, 0);
    line_text(&l, " ");
    line_number(&l, UINT64_MAX);
    assert_int_equal(l.len, strlen("trunk site-b: 0 18446744073709551615"));
    assert_memory_equal(l.text, "trunk site-b: 0 18446744073709551615", l.len);
}

static void what_does_not_fit_is_cut_off(void **state)
{
    struct line l = {0};
    (void)state;
    for (size_t i = 0; i < 500; i++) {
        line_text(&l, "abc");
    }
    assert_int_equal(l.len, sizeof(l.text));
    assert_memory_equal(l.text + l.len - 4, "abca", 4);
    line_number(&l, 5);
    assert_int_equal(l.len, sizeof(l.text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_what_was_added_to_it),
        cmocka_unit_test(what_does_not_fit_is_cut_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
