#include "tests/unit/cli/cli_test.h"

#include "firmware-client/cli/text.h"

static void is_shown(const char *in, size_t len, enum text_form form, const char *want)
{
    struct str out = {0};
    text_inert(&out, fp_bytes_of(in, len), form);
    assert_str(out, want);
    str_fini(&out);
}
#define SHOWN(in, form, want) is_shown(in, sizeof(in) - 1, form, want)

static void plain_text_stays_as_it_is(void **state)
{
    (void)state;
    SHOWN("Gr\xc3\xbc\xc3\x9f Gott \xf0\x9f\x91\x8d \\x1b", TEXT_ONE_LINE, "Gr\xc3\xbc\xc3\x9f Gott \xf0\x9f\x91\x8d \\x1b");
    SHOWN("", TEXT_LINES, "");
}

static void no_control_character_reaches_the_terminal(void **state)
{
    (void)state;
    SHOWN("\x1b]0;title\x07\x1b[2J", TEXT_LINES, "\\x1b]0;title\\x07\\x1b[2J");
    SHOWN("a\rb\x7f\x00z", TEXT_ONE_LINE, "a\\x0db\\x7f\\x00z");
    SHOWN("\xc2\x9b" "31m", TEXT_ONE_LINE, "\\x9b31m"); /* CSI in eight bits */
    for (int c = 0; c < 32; c++) {
        struct str out = {0};
        char byte = (char)c;
        text_inert(&out, fp_bytes_of(&byte, 1), TEXT_ONE_LINE);
        for (size_t i = 0; i < out.len; i++) {
            assert_true(out.p[i] >= 32);
        }
        str_fini(&out);
    }
}

static void a_message_cannot_look_like_another_line(void **state)
{
    (void)state;
    SHOWN("hi\n[2026-11-24 10:02] #9 ben: no", TEXT_LINES, "hi\n    [2026-11-24 10:02] #9 ben: no");
    SHOWN("a\nb\tc", TEXT_ONE_LINE, "a\\nb c");
    SHOWN("\xe2\x80\xae" "evil\xe2\x81\xa6", TEXT_ONE_LINE, "\\u{202e}evil\\u{2066}");
    SHOWN("a\xe2\x80\xa8" "b", TEXT_LINES, "a\\u{2028}b");
}

static void what_is_no_utf8_becomes_a_replacement(void **state)
{
    (void)state;
    SHOWN("\xff" "a\xc3", TEXT_ONE_LINE, "\xef\xbf\xbd" "a\xef\xbf\xbd");
    SHOWN("\xed\xa0\x80", TEXT_ONE_LINE, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"); /* a surrogate */
    SHOWN("\xc0\xaf", TEXT_ONE_LINE, "\xef\xbf\xbd\xef\xbf\xbd");                 /* too long a form */
}

static void columns_are_those_of_a_terminal(void **state)
{
    (void)state;
    assert_int_equal(text_columns("abc", 3), 3);
    assert_int_equal(text_columns("e\xcc\x81", 3), 1);
    assert_int_equal(text_columns("\xe6\xbc\xa2\xf0\x9f\x91\x8d", 7), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_text_stays_as_it_is),
        cmocka_unit_test(no_control_character_reaches_the_terminal),
        cmocka_unit_test(a_message_cannot_look_like_another_line),
        cmocka_unit_test(what_is_no_utf8_becomes_a_replacement),
        cmocka_unit_test(columns_are_those_of_a_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
