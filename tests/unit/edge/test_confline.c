#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "edge-relay/core/confline.h"

static void expect(const char *line, enum confline_kind kind, const char *name, const char *value)
{
    struct confline c;
    assert_int_equal(confline_parse(line, strlen(line), &c), kind);
    if (kind == CONFLINE_OPTION) {
        assert_int_equal(c.name_len, strlen(name));
        assert_memory_equal(c.name, name, c.name_len);
        assert_int_equal(c.value_len, strlen(value));
        assert_memory_equal(c.value, value, c.value_len);
    }
}

static void a_line_is_a_name_and_a_value(void **state)
{
    (void)state;
    expect("listen 127.0.0.1:1", CONFLINE_OPTION, "listen", "127.0.0.1:1");
    expect("  www\t/a folder/x  \r", CONFLINE_OPTION, "www", "/a folder/x");
    expect("ping_s", CONFLINE_OPTION, "ping_s", "");
    expect("a b # c", CONFLINE_OPTION, "a", "b");
    expect("a b#c", CONFLINE_OPTION, "a", "b#c");
    expect("a #", CONFLINE_OPTION, "a", "");
}

static void blanks_and_comments_are_nothing(void **state)
{
    (void)state;
    expect("", CONFLINE_EMPTY, "", "");
    expect(" \t ", CONFLINE_EMPTY, "", "");
    expect("\r", CONFLINE_EMPTY, "", "");
    expect("# listen x", CONFLINE_EMPTY, "", "");
    expect("   # x", CONFLINE_EMPTY, "", "");
}

static void all_else_is_wrong(void **state)
{
    (void)state;
    struct confline c;
    expect("=x", CONFLINE_BAD_NAME, "", "");
    expect("listen=x", CONFLINE_BAD_NAME, "", "");
    expect("Listen x", CONFLINE_BAD_NAME, "", "");
    expect("a\rb", CONFLINE_BAD_BYTE, "", "");
    expect("a \x1b[31m", CONFLINE_BAD_BYTE, "", "");
    assert_int_equal(confline_parse("a\0b", 3, &c), CONFLINE_BAD_BYTE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_a_name_and_a_value),
        cmocka_unit_test(blanks_and_comments_are_nothing),
        cmocka_unit_test(all_else_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
