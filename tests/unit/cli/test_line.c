#include "tests/unit/cli/cli_test.h"

#include "firmware-client/cli/line.h"

static enum line_result keys(struct line *l, const char *bytes)
{
    enum line_result last = LINE_MORE;
    for (; *bytes; bytes++) {
        last = line_key(l, *bytes);
    }
    return last;
}

static void text_is_written_where_the_cursor_stands(void **state)
{
    (void)state;
    struct line l = {0};
    assert_int_equal(keys(&l, "helo\x1b[D\x1b[Dl"), LINE_CHANGED);
    assert_str(l.text, "hello");
    keys(&l, "\x01" "> \x05!\x1b[H\x1b[C\x1b[3~\x1b[F.");
    assert_str(l.text, ">hello!.");
    line_fini(&l);
}

static void a_character_of_several_bytes_is_one(void **state)
{
    (void)state;
    struct line l = {0};
    keys(&l, "a\xc3\xbc\xf0\x9f\x91\x8d" "b\x1b[D\x1b[D\x7f");
    assert_str(l.text, "a\xf0\x9f\x91\x8d" "b");
    assert_int_equal(l.cursor, 1);
    keys(&l, "\x1b[C\x7f");
    assert_str(l.text, "ab");
    line_fini(&l);
}

static void what_is_no_text_is_left_out(void **state)
{
    (void)state;
    struct line l = {0};
    keys(&l, "a\xff\xc3z\x07\x1b[200~\x1bx\x1bOP\xc2\x9b" "b");
    assert_str(l.text, "azb");
    line_fini(&l);
}

static void words_and_lines_can_be_cut(void **state)
{
    (void)state;
    struct line l = {0};
    keys(&l, "one two  \x17");
    assert_str(l.text, "one ");
    keys(&l, "two\x1b[D\x0b");
    assert_str(l.text, "one tw");
    keys(&l, "\x15");
    assert_str(l.text, "");
    keys(&l, "\x7f\x17\x15\x0b\x1b[D\x1b[C\x1b[3~");
    assert_int_equal(l.cursor, 0);
    line_fini(&l);
}

static void enter_and_the_end_are_told(void **state)
{
    (void)state;
    struct line l = {0};
    assert_int_equal(keys(&l, "a\r"), LINE_ENTER);
    assert_str(l.text, "a");
    assert_int_equal(line_key(&l, 4), LINE_CHANGED);
    line_clear(&l);
    assert_int_equal(line_key(&l, 4), LINE_END);
    assert_int_equal(line_key(&l, 3), LINE_END);
    assert_int_equal(line_key(&l, 12), LINE_REDRAW);
    line_fini(&l);
}

static void a_line_does_not_outgrow_a_command(void **state)
{
    (void)state;
    struct line l = {0};
    for (int i = 0; i < 20000; i++) {
        line_key(&l, 'x');
    }
    assert_int_equal(l.text.len, 15000);
    line_fini(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_written_where_the_cursor_stands),
        cmocka_unit_test(a_character_of_several_bytes_is_one),
        cmocka_unit_test(what_is_no_text_is_left_out),
        cmocka_unit_test(words_and_lines_can_be_cut),
        cmocka_unit_test(enter_and_the_end_are_told),
        cmocka_unit_test(a_line_does_not_outgrow_a_command),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
