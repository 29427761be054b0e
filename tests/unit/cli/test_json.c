#include "tests/unit/cli/cli_test.h"

#include "firmware-client/cli/json.h"

static void string_is(const char *in, size_t len, const char *want)
{
    struct str out = {0};
    struct json j = {.out = &out};
    json_string(&j, fp_bytes_of(in, len));
    assert_str(out, want);
    str_fini(&out);
}
#define STRING(in, want) string_is(in, sizeof(in) - 1, want)

static void a_string_is_escaped(void **state)
{
    (void)state;
    STRING("a\"b\\c/", "\"a\\\"b\\\\c/\"");
    STRING("\n\r\t\x01\x1b\x00", "\"\\n\\r\\t\\u0001\\u001b\\u0000\"");
    STRING("\x7f\xc2\x9b\xe2\x80\xae", "\"\\u007f\\u009b\\u202e\"");
    STRING("\xf3\xa0\x81\x81", "\"\\udb40\\udc41\""); /* a tag character, as a pair of surrogates */
    STRING("\xc3\xbc\xf0\x9f\x91\x8d", "\"\xc3\xbc\xf0\x9f\x91\x8d\"");
}

static void what_is_no_utf8_never_leaves(void **state)
{
    (void)state;
    STRING("a\xff\xc3", "\"a\xef\xbf\xbd\xef\xbf\xbd\"");
}

static void commas_come_by_themselves(void **state)
{
    (void)state;
    struct str out = {0};
    struct json j = {.out = &out};
    struct fp_id none = {0};
    json_open(&j, '{');
    json_put_text(&j, "a", "x");
    json_put_text(&j, "b", NULL);
    json_put_id(&j, "c", &none);
    json_put_uint(&j, "d", UINT64_MAX);
    json_put_bool(&j, "e", true);
    json_name(&j, "f");
    json_open(&j, '[');
    json_uint(&j, 1);
    json_open(&j, '{');
    json_close(&j, '}');
    json_close(&j, ']');
    json_close(&j, '}');
    assert_str(out, "{\"a\":\"x\",\"b\":null,\"c\":null,\"d\":18446744073709551615,\"e\":true,\"f\":[1,{}]}");
    str_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_string_is_escaped),
        cmocka_unit_test(what_is_no_utf8_never_leaves),
        cmocka_unit_test(commas_come_by_themselves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
