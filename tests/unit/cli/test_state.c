#include "tests/unit/cli/cli_test.h"

#include <sys/stat.h>
#include <unistd.h>

#include "firmware-client/cli/state.h"

static char folder[] = "/tmp/fp-state-XXXXXX";

static const char *env(const char *name)
{
    return strcmp(name, "XDG_STATE_HOME") == 0 ? folder : NULL;
}

static const char *no_home(const char *name)
{
    (void)name;
    return NULL;
}

static void the_folder_is_ours_alone_and_the_device_stays(void **state)
{
    (void)state;
    char user[] = "anna";
    char host[] = "hub/x";
    struct settings s = {.port = 1883};
    struct str at = {0};
    struct str first = {0};
    struct str again = {0};
    struct str why = {0};
    struct str want = {0};
    struct stat about;
    s.value[SET_USER] = user;
    s.value[SET_HOST] = host;
    str_format(&want, "%s/fieldpost-client/anna@hub_x_1883", folder);
    assert_true(state_folder(&s, env, &at, &why));
    assert_str(at, want.p);
    assert_int_equal(stat(at.p, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0700);
    assert_true(state_device(&s, at.p, &first, &why));
    assert_true(state_device(&s, at.p, &again, &why));
    assert_str(first, again.p);
    assert_int_equal(first.len, 12);
    assert_memory_equal(first.p, "cli-", 4);
    char given[] = "tablet";
    s.value[SET_DEVICE] = given;
    assert_true(state_device(&s, at.p, &again, &why));
    assert_str(again, "tablet");
    str_text(&want, "/device");
    assert_int_equal(unlink(want.p), 0);
    assert_int_equal(rmdir(at.p), 0);
    str_clear(&at);
    str_format(&at, "%s/fieldpost-client", folder);
    assert_int_equal(rmdir(at.p), 0);
    str_fini(&at);
    str_fini(&first);
    str_fini(&again);
    str_fini(&want);
    str_fini(&why);
}

static void without_a_home_there_is_a_sentence(void **state)
{
    (void)state;
    char user[] = "anna";
    char host[] = "hub";
    struct settings s = {0};
    struct str at = {0};
    struct str why = {0};
    s.value[SET_USER] = user;
    s.value[SET_HOST] = host;
    assert_false(state_folder(&s, no_home, &at, &why));
    assert_non_null(strstr(why.p, "--state"));
    str_fini(&at);
    str_fini(&why);
}

static int make_folder(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    return 0;
}

static int drop_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_folder_is_ours_alone_and_the_device_stays),
        cmocka_unit_test(without_a_home_there_is_a_sentence),
    };
    return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
