#include "tests/unit/cli/cli_test.h"

#include "firmware-client/cli/screen.h"

/* What is drawn, without our own escape sequences; a row ends with |. */
static void drawn(const struct screen *s, const char *want)
{
    struct str out = {0};
    struct str seen = {0};
    screen_draw(&out, s);
    for (const char *p = out.p; *p; p++) {
        if (*p == '\x1b') {
            p += 2;
            while (!(*p >= '@' && *p <= '~')) {
                p++;
            }
        } else if (*p == '\n') {
            str_char(&seen, '|');
        } else if (*p != '\r') {
            str_char(&seen, *p);
        }
    }
    assert_str(seen, want);
    str_fini(&out);
    str_fini(&seen);
}

static const struct screen_item items[] = {{"first message", ""}, {"a\nb", " vv"}, {"mine", " ..."}};

static void the_newest_stand_at_the_bottom(void **state)
{
    (void)state;
    struct line l = {0};
    struct screen s = {.rows = 8, .columns = 20, .items = items, .item_count = 3, .status = "site online", .line = &l};
    drawn(&s, "||first message|a|b vv|mine ...|site online|> ");
}

static void what_does_not_fit_is_wrapped_or_scrolled_away(void **state)
{
    (void)state;
    struct line l = {0};
    struct screen s = {.rows = 5, .columns = 8, .items = items, .item_count = 3, .status = "site online", .line = &l};
    drawn(&s, "a|b vv|mine ...|site onl|> ");
    s.item_count = 1;
    s.rows = 3;
    drawn(&s, "ssage|site onl|> ");
}

static void wide_characters_are_not_cut_in_half(void **state)
{
    (void)state;
    struct line l = {0};
    struct screen_item wide = {"\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2", ""};
    struct screen s = {.rows = 4, .columns = 5, .items = &wide, .item_count = 1, .status = "", .line = &l};
    drawn(&s, "\xe6\xbc\xa2\xe6\xbc\xa2|\xe6\xbc\xa2||> ");
}

static void the_line_follows_its_cursor(void **state)
{
    (void)state;
    struct line l = {0};
    struct screen s = {.rows = 2, .columns = 8, .status = "", .line = &l};
    for (const char *p = "abcdefgh"; *p; p++) {
        line_key(&l, *p);
    }
    drawn(&s, "|> defgh");
    line_key(&l, 1); /* to its beginning */
    drawn(&s, "|> abcde");
    line_fini(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_stand_at_the_bottom),
        cmocka_unit_test(what_does_not_fit_is_wrapped_or_scrolled_away),
        cmocka_unit_test(wide_characters_are_not_cut_in_half),
        cmocka_unit_test(the_line_follows_its_cursor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
