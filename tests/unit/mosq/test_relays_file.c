#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "plugin/mosq/relays_file.h"

#define NAME36 "012345678901234567890123456789012345"

static char file_path[] = "/tmp/fieldpost_relays.XXXXXX";

static int set_up(void **state)
{
    (void)state;
    int fd = mkstemp(file_path);
    return fd < 0 ? 1 : close(fd);
}

static int tear_down(void **state)
{
    (void)state;
    return unlink(file_path);
}

static void write_bytes(const char *text, size_t len)
{
    FILE *f = fopen(file_path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

struct outcome {
    enum fp_err err;
    struct relay_list list;
    char why[1024];
};

static const struct outcome *read_bytes(const char *text, size_t len)
{
    static struct outcome o;
    o = (struct outcome){0};
    write_bytes(text, len);
    o.err = relays_file_read(file_path, &o.list, o.why, sizeof o.why);
    return &o;
}

static const struct outcome *read_text(const char *text)
{
    return read_bytes(text, strlen(text));
}

static bool is(const struct fp_id *id, const char *text)
{
    return id->len == strlen(text) && memcmp(id->text, text, id->len) == 0;
}

static void each_line_is_a_relay(void **state)
{
    (void)state;
    const struct outcome *o = read_text("# sites\n\n  site-a\tscopes ward,lab \r\n"
                                        "site-b users ann,bob scopes depot # its night shift\nsite-c scopes x");
    struct fp_id name;

    assert_int_equal(o->err, FP_OK);
    assert_int_equal(o->list.count, 3);
    assert_true(is(&o->list.rows[0].relay, "site-a"));
    assert_int_equal(o->list.rows[0].scope_count, 2);
    assert_true(is(&o->list.rows[0].scopes[1], "lab"));
    assert_int_equal(o->list.rows[0].user_count, 0);
    assert_true(is(&o->list.rows[1].scopes[0], "depot"));
    assert_true(is(&o->list.rows[1].users[1], "bob"));
    assert_true(fp_id_parse("site-c", 6, &name));
    assert_ptr_equal(relay_list_find(&o->list, &name), &o->list.rows[2]);
    assert_true(fp_id_parse("site-d", 6, &name));
    assert_null(relay_list_find(&o->list, &name));
    assert_int_equal(read_text("")->err + read_text("")->list.count, 0);
}

static void a_bad_line_is_refused_with_file_line_and_field(void **state)
{
    (void)state;
    const struct {
        const char *text, *want;
    } cases[] = {
        {"\nsite/a scopes x", ":2: name: an id is expected, of 1 to 36 characters of A-Z a-z 0-9 . _ ~ - (got \"site/a\")"},
        {NAME36 "6 scopes x", ":1: name: an id is expected, of 1 to 36 characters of A-Z a-z 0-9 . _ ~ - (got \"" NAME36 "6\")"},
        {"~hub scopes x", ":1: name: it is the hub's own (got \"~hub\")"},
        {"a scopes x\na scopes y", ":2: name: the relay comes twice (got \"a\")"},
        {"a", ":1: relay a: scopes: a relay serves at least one scope (got \"\")"},
        {"a users u", ":1: relay a: scopes: a relay serves at least one scope (got \"\")"},
        {"a scopes", ":1: relay a: scopes: ids are expected, separated by commas without blanks (got \"\")"},
        {"a scopes # x", ":1: relay a: scopes: ids are expected, separated by commas without blanks (got \"\")"},
        {"a scopes x users", ":1: relay a: users: ids are expected, separated by commas without blanks (got \"\")"},
        {"a scopes x,", ":1: relay a: scopes: an id is expected, of 1 to 36 characters of A-Z a-z 0-9 . _ ~ - (got \"\")"},
        {"a scopes x,+", ":1: relay a: scopes: an id is expected, of 1 to 36 characters of A-Z a-z 0-9 . _ ~ - (got \"+\")"},
        {"a scopes x,x", ":1: relay a: scopes: it comes twice (got \"x\")"},
        {"a scopes x scopes y", ":1: relay a: scopes: it is given twice (got \"scopes\")"},
        {"a scopes x, y", ":1: relay a: scopes: an id is expected, of 1 to 36 characters of A-Z a-z 0-9 . _ ~ - (got \"\")"},
        {"a scopes x y", ":1: relay a: field: scopes or users is expected (got \"y\")"},
        {"a scope x", ":1: relay a: field: scopes or users is expected (got \"scope\")"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char want[512];
        const struct outcome *o = read_text(cases[i].text);
        (void)snprintf(want, sizeof want, "%s%s", file_path, cases[i].want);
        assert_int_equal(o->err, FP_ECONFIG);
        assert_string_equal(o->why, want);
        assert_int_equal(o->list.count, 0); /* untouched */
    }
}

/* `a FIELD p0,p1,...` with `count` of them; the longest ids where that is asked for. */
static const struct outcome *read_many(const char *before, size_t count, bool longest, const char *after)
{
    static char text[16384];
    size_t len = (size_t)snprintf(text, sizeof text, "%s", before);

    for (size_t i = 0; i < count; i++) {
        len += (size_t)snprintf(text + len, sizeof text - len, longest ? "%s%036zu" : "%s%zu", i > 0 ? "," : "", i);
    }
    (void)snprintf(text + len, sizeof text - len, "%s", after);
    return read_text(text);
}

static void each_limit_has_two_sides(void **state)
{
    (void)state;
    char text[2048] = "";
    size_t len = 0;

    assert_int_equal(read_many("a scopes ", HUB_RELAY_SCOPES_MAX, true, "")->list.rows[0].scope_count, HUB_RELAY_SCOPES_MAX);
    assert_non_null(strstr(read_many("a scopes ", HUB_RELAY_SCOPES_MAX + 1, false, "")->why, "relay a: scopes: there are more than 32 (got \"32\")"));
    assert_int_equal(read_many("a scopes x users ", HUB_RELAY_USERS_MAX, true, "")->list.rows[0].user_count, HUB_RELAY_USERS_MAX);
    assert_non_null(strstr(read_many("a scopes x users ", HUB_RELAY_USERS_MAX + 1, false, "")->why, "users: there are more than 64 (got \"64\")"));
    for (size_t i = 0; i <= HUB_RELAYS_MAX; i++) {
        if (i == HUB_RELAYS_MAX) {
            assert_int_equal(read_text(text)->list.count, HUB_RELAYS_MAX);
        }
        len += (size_t)snprintf(text + len, sizeof text - len, "site-%zu scopes x\n", i);
    }
    assert_non_null(strstr(read_text(text)->why, ":33: name: there are more than 32 (got \"site-32\")"));
}

static void what_is_no_text_is_refused(void **state)
{
    (void)state;
    static char longer[9000];

    memset(longer, ' ', sizeof longer);
    assert_non_null(strstr(read_bytes(longer, sizeof longer)->why, ":1: line: it is too long, or no text"));
    assert_non_null(strstr(read_bytes("a scopes x\n\0b scopes y\n", 23)->why, ":2: line: it is too long, or no text"));
    assert_non_null(strstr(read_bytes("a sco\0pes x\n", 12)->why, ":1: line: it is too long, or no text"));
}

static void a_file_that_cannot_be_read_is_named(void **state)
{
    (void)state;
    struct relay_list list = {0};
    char why[256] = "";

    assert_int_equal(relays_file_read("/nonexistent/r", &list, why, sizeof why), FP_ECONFIG);
    assert_string_equal(why, "option relays_file: cannot be opened: No such file or directory (got \"/nonexistent/r\")");
    assert_int_equal(relays_file_read("/tmp", &list, why, sizeof why), FP_ECONFIG);
    assert_string_equal(why, "option relays_file: cannot be read: Is a directory (got \"/tmp\")");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_line_is_a_relay),
        cmocka_unit_test(a_bad_line_is_refused_with_file_line_and_field),
        cmocka_unit_test(each_limit_has_two_sides),
        cmocka_unit_test(what_is_no_text_is_refused),
        cmocka_unit_test(a_file_that_cannot_be_read_is_named),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
