#include "tests/unit/cli/cli_test.h"

#include "firmware-client/cli/args.h"

static const struct command table[] = {
    {.name = "send", .words = "CONV TEXT...", .options = "reply= must-confirm", .words_min = 2, .words_max = SIZE_MAX},
    {.name = "who", .words = "[CONV]", .options = "", .words_max = 1},
};

static bool parse(struct args *a, struct str *why, const char *const *words)
{
    static char copies[16][64];
    static char *argv[17];
    int argc = 0;
    for (; words[argc]; argc++) {
        snprintf(copies[argc], sizeof copies[argc], "%s", words[argc]);
        argv[argc] = copies[argc];
    }
    argv[argc] = NULL;
    str_clear(why);
    return args_parse(a, argc, argv, table, 2, "host= json", why);
}
#define PARSE(...) parse(&a, &why, (const char *const[]){"fieldpost", __VA_ARGS__, NULL})

static void options_stand_before_or_after_the_command(void **state)
{
    (void)state;
    struct args a;
    struct str why = {0};
    assert_true(PARSE("--host", "a", "send", "c", "--reply=7", "hello", "--json", "you", "--must-confirm"));
    assert_string_equal(a.command->name, "send");
    assert_string_equal(args_get(&a, "host"), "a");
    assert_string_equal(args_get(&a, "reply"), "7");
    assert_non_null(args_get(&a, "must-confirm"));
    assert_non_null(args_get(&a, "json"));
    assert_int_equal(a.word_count, 3);
    assert_string_equal(a.words[0], "c");
    assert_string_equal(a.words[2], "you");
    str_fini(&why);
}

static void the_last_value_counts_and_each_can_be_had(void **state)
{
    (void)state;
    struct args a;
    struct str why = {0};
    size_t at = 0;
    assert_true(PARSE("who", "--host", "a", "--host=b"));
    assert_string_equal(args_get(&a, "host"), "b");
    assert_string_equal(args_next(&a, "host", &at), "a");
    assert_string_equal(args_next(&a, "host", &at), "b");
    assert_null(args_next(&a, "host", &at));
    assert_null(args_get(&a, "hos"));
    str_fini(&why);
}

static void two_dashes_end_the_options(void **state)
{
    (void)state;
    struct args a;
    struct str why = {0};
    assert_true(PARSE("send", "c", "--", "--json", "-x"));
    assert_string_equal(a.words[1], "--json");
    assert_null(args_get(&a, "json"));
    assert_true(PARSE("send", "c", "-"));
    assert_string_equal(a.words[1], "-");
    str_fini(&why);
}

static void what_is_wrong_is_named(void **state)
{
    (void)state;
    struct args a;
    struct str why = {0};
    assert_false(PARSE("sned"));
    assert_str(why, "there is no command sned");
    assert_false(PARSE("who", "--reply", "7"));
    assert_str(why, "who has no option --reply");
    assert_false(PARSE("--reply", "7", "send"));
    assert_str(why, "there is no option --reply");
    assert_false(PARSE("who", "--host"));
    assert_str(why, "--host needs a value");
    assert_false(PARSE("who", "--json=yes"));
    assert_str(why, "--json takes no value");
    assert_false(PARSE("send", "c"));
    assert_non_null(strstr(why.p, "too few words"));
    assert_false(PARSE("who", "a", "b"));
    assert_non_null(strstr(why.p, "too many words"));
    assert_false(PARSE("who", "-x"));
    str_fini(&why);
}

static void help_needs_no_words(void **state)
{
    (void)state;
    struct args a;
    struct str why = {0};
    assert_true(PARSE("send", "--help") && a.help);
    assert_true(PARSE("-h") && a.help && !a.command);
    assert_true(PARSE("--version") && a.version);
    str_fini(&why);
}

static void a_number_is_whole_and_fits(void **state)
{
    (void)state;
    uint64_t v = 3;
    assert_true(args_number("18446744073709551615", &v) && v == UINT64_MAX);
    assert_true(args_number("0", &v) && v == 0);
    static const char *const bad[] = {"", "18446744073709551616", "-1", "1x", " 1", "0x1"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(args_number(bad[i], &v));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_stand_before_or_after_the_command),
        cmocka_unit_test(the_last_value_counts_and_each_can_be_had),
        cmocka_unit_test(two_dashes_end_the_options),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(help_needs_no_words),
        cmocka_unit_test(a_number_is_whole_and_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
