#include "tests/unit/cli/cli_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "firmware-client/cli/settings.h"

static char folder[] = "/tmp/fp-settings-XXXXXX";
static char path[64];
static const char *env_host;
static const char *env_port;
static const char *env_config;

static const char *env(const char *name)
{
    return strcmp(name, "FIELDPOST_HOST") == 0     ? env_host
           : strcmp(name, "FIELDPOST_PORT") == 0   ? env_port
           : strcmp(name, "FIELDPOST_CONFIG") == 0 ? env_config
           : strcmp(name, "XDG_CONFIG_HOME") == 0  ? folder
                                                   : NULL;
}

static void write_file(const char *text, mode_t mode)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    assert_int_equal(chmod(path, mode), 0);
}

static struct args flags(const char *name, const char *value)
{
    struct args a = {.option_count = 1};
    a.names[0] = name;
    a.name_lens[0] = strlen(name);
    a.values[0] = value;
    return a;
}

static void flag_goes_before_environment_before_file_before_default(void **state)
{
    (void)state;
    struct settings s;
    struct str why = {0};
    struct args none = {0};
    struct args host = flags("host", "flag");
    env_config = path;
    env_host = NULL;
    env_port = NULL;
    write_file("", 0600);
    assert_true(settings_load(&s, &none, env, &why));
    assert_string_equal(settings_get(&s, SET_HOST), "localhost");
    assert_int_equal(s.port, 1883);
    assert_int_equal(s.timeout_ms, 10000);
    settings_fini(&s);
    write_file("# mine\n\n host = file \nport=1\njson = yes\n", 0644);
    assert_true(settings_load(&s, &none, env, &why));
    assert_string_equal(settings_get(&s, SET_HOST), "file");
    assert_int_equal(s.port, 1);
    assert_true(s.json);
    settings_fini(&s);
    env_host = "environment";
    env_port = "2";
    assert_true(settings_load(&s, &none, env, &why));
    assert_string_equal(settings_get(&s, SET_HOST), "environment");
    settings_fini(&s);
    assert_true(settings_load(&s, &host, env, &why));
    assert_string_equal(settings_get(&s, SET_HOST), "flag");
    assert_int_equal(s.port, 2);
    settings_fini(&s);
    env_host = env_port = NULL;
    str_fini(&why);
}

static void fails_with(const char *text, mode_t mode, const char *want)
{
    struct settings s;
    struct str why = {0};
    struct str full = {0};
    struct args none = {0};
    env_config = path;
    write_file(text, mode);
    assert_false(settings_load(&s, &none, env, &why));
    str_format(&full, "%s%s", path, want);
    assert_str(why, str_get(&full));
    settings_fini(&s);
    str_fini(&why);
    str_fini(&full);
}

static void an_error_names_file_line_and_option(void **state)
{
    (void)state;
    fails_with("host = a\nprot = 3\n", 0600, ":2: there is no option prot");
    fails_with("\n\nport = 70000\n", 0600, ":3: port must be a number from 1 to 65535, not 70000");
    fails_with("host\n", 0600, ":1: this line is not \"name = value\"");
    fails_with("tls = maybe", 0600, ":1: tls must be yes or no, not maybe");
    fails_with("user = a b", 0600, ":1: user must be 1 to 36 characters of A-Z a-z 0-9 . _ ~ -, not a b");
    fails_with("config = x", 0600, ":1: there is no option config");
}

static void a_secret_that_others_may_read_is_refused(void **state)
{
    (void)state;
    struct settings s;
    struct str why = {0};
    struct args none = {0};
    struct str full = {0};
    char *secret = NULL;
    str_format(&full, " holds a secret and everybody may read or write it (mode 0644): chmod o= %s", path);
    fails_with("user = anna\npassword = x\n", 0644, str_get(&full));
    write_file("password = x y\n", 0640);
    assert_true(settings_load(&s, &none, env, &why));
    assert_string_equal(settings_get(&s, SET_PASSWORD), "x y");
    settings_fini(&s);
    write_file("geheim\nsecond line\n", 0604);
    assert_false(settings_secret(path, &secret, &why));
    write_file("geheim\r\nsecond line\n", 0600);
    str_clear(&why);
    assert_true(settings_secret(path, &secret, &why));
    assert_string_equal(secret, "geheim");
    free(secret);
    write_file("\n", 0600);
    assert_false(settings_secret(path, &secret, &why));
    str_fini(&why);
    str_fini(&full);
}

static void a_password_never_comes_by_flag(void **state)
{
    (void)state;
    assert_null(strstr(SETTINGS_OPTIONS, "password="));
    assert_non_null(strstr(SETTINGS_OPTIONS, "password-file="));
}

static void the_usual_file_need_not_be_there_a_named_one_must(void **state)
{
    (void)state;
    struct settings s;
    struct str why = {0};
    struct args none = {0};
    struct args named = flags("config", "/nowhere/at/all");
    env_config = NULL;
    assert_true(settings_load(&s, &none, env, &why));
    settings_fini(&s);
    assert_false(settings_load(&s, &named, env, &why));
    assert_str(why, "/nowhere/at/all: No such file or directory");
    settings_fini(&s);
    str_fini(&why);
}

static void tls_options_belong_together(void **state)
{
    (void)state;
    struct settings s;
    struct str why = {0};
    struct args none = {0};
    env_config = path;
    static const char *const bad[] = {"psk-identity = a", "psk-file = a", "cert = a", "key = a", "psk-identity=a\npsk-file=b\ncafile=c"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        write_file(bad[i], 0600);
        assert_false(settings_load(&s, &none, env, &why));
        settings_fini(&s);
    }
    write_file("cafile = a", 0600);
    assert_true(settings_load(&s, &none, env, &why));
    assert_true(s.tls);
    assert_int_equal(s.port, 8883);
    settings_fini(&s);
    str_fini(&why);
}

static int make_folder(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/client.conf", folder);
    return 0;
}

static int drop_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flag_goes_before_environment_before_file_before_default),
        cmocka_unit_test(an_error_names_file_line_and_option),
        cmocka_unit_test(a_secret_that_others_may_read_is_refused),
        cmocka_unit_test(a_password_never_comes_by_flag),
        cmocka_unit_test(the_usual_file_need_not_be_there_a_named_one_must),
        cmocka_unit_test(tls_options_belong_together),
    };
    return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
