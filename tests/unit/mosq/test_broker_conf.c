#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugin/mosq/broker_conf.h"

static char folder[] = "/tmp/broker_conf.XXXXXX";
static char path[256], sub[256], part[512];

static int set_up(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL) {
        return 1;
    }
    (void)snprintf(path, sizeof path, "%s/mosquitto.conf", folder);
    (void)snprintf(sub, sizeof sub, "%s/conf.d", folder);
    (void)snprintf(part, sizeof part, "%s/part.conf", sub);
    return mkdir(sub, 0700);
}

static int tear_down(void **state)
{
    (void)state;
    (void)unlink(part);
    (void)rmdir(sub);
    (void)unlink(path);
    return rmdir(folder);
}

static void write_to(const char *file, const char *text)
{
    FILE *f = fopen(file, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static struct broker_conf read_text(const char *text)
{
    struct broker_conf conf = {0};
    char why[256] = "";

    write_to(path, text);
    assert_int_equal(broker_conf_read(path, &conf, why, sizeof why), FP_OK);
    return conf;
}

static bool path_of(const char *words, size_t len, char *out)
{
    return broker_conf_path(fp_bytes_of(words, len), out, 32);
}

static void the_path_is_what_follows_c(void **state)
{
    (void)state;
    char got[32] = "";
#define WORDS(text) text, sizeof(text)

    assert_true(path_of(WORDS("mosquitto\0-v\0-c\0/etc/m.conf\0-d"), got));
    assert_string_equal(got, "/etc/m.conf");
    assert_true(path_of(WORDS("mosquitto\0--config-file\0m.conf"), got));
    assert_string_equal(got, "m.conf");
    assert_true(path_of(WORDS("mosquitto\0-c\0-c"), got)); /* a file of that name */
    assert_string_equal(got, "-c");
    assert_false(path_of(WORDS("mosquitto\0-p\0001883"), got));
    assert_false(path_of(WORDS("mosquitto\0-c"), got));
    assert_false(path_of(WORDS("mosquitto\0-c\0/a/path/that/is/longer/than/its/room"), got));
    assert_false(path_of("mosquitto\0-c\0cut off", 20, got)); /* the words did not fit */
    assert_false(path_of("", 0, got));
}

static void plain_configurations_have_no_access_rules(void **state)
{
    (void)state;
    struct broker_conf c = read_text("# acl_file /no\nlistener 1883\n\nplugin /usr/lib/fieldpost.so\nplugin_opt_db_file /x\nacl_filet x\n");
    assert_false(c.acl_file);
    assert_false(c.per_listener_settings);
    assert_int_equal(c.plugins, 1);
}

static void access_rules_and_other_plugins_are_seen(void **state)
{
    (void)state;
    assert_true(read_text("listener 1883\nacl_file /etc/acl").acl_file);
    assert_true(read_text("  acl_file   /etc/acl\r\n").acl_file);
    assert_int_equal(read_text("plugin a\nauth_plugin b\nglobal_plugin c\n").plugins, 3);
}

static void per_listener_settings_are_seen_as_the_broker_sees_them(void **state)
{
    (void)state;
    assert_true(read_text("per_listener_settings true\n").per_listener_settings);
    assert_true(read_text("per_listener_settings TRUE  \n").per_listener_settings);
    assert_true(read_text("per_listener_settings 1").per_listener_settings);
    assert_false(read_text("per_listener_settings false\n").per_listener_settings);
}

static void included_folders_are_followed(void **state)
{
    (void)state;
    char text[1024];

    write_to(part, "acl_file /etc/acl\n");
    (void)snprintf(text, sizeof text, "include_dir %s\nper_listener_settings true\n", sub);
    struct broker_conf c = read_text(text);
    assert_true(c.acl_file);
    assert_true(c.per_listener_settings); /* what follows the folder counts too */

    (void)snprintf(text, sizeof text, "include_dir %s\n", sub);
    write_to(part, text); /* a circle */
    write_to(path, text);
    char why[256] = "";
    assert_int_equal(broker_conf_read(path, &c, why, sizeof why), FP_EUNKNOWN);
    assert_non_null(strstr(why, "too deep"));
}

static void the_rest_of_a_long_line_is_no_line(void **state)
{
    (void)state;
    char *text = malloc(20000);

    assert_non_null(text);
    memset(text, ' ', 20000);
    memcpy(text, "password_file", 13);
    (void)snprintf(text + 4095, 200, "acl_file x\nallow_anonymous true\n"); /* begins where the second piece is read */
    assert_false(read_text(text).acl_file);
    free(text);
}

static void what_cannot_be_read_says_so(void **state)
{
    (void)state;
    struct broker_conf c;
    char why[256] = "";

    assert_int_equal(broker_conf_read("/nonexistent/m.conf", &c, why, sizeof why), FP_EUNKNOWN);
    assert_non_null(strstr(why, "/nonexistent/m.conf"));
    write_to(path, "include_dir /nonexistent/d\n");
    assert_int_equal(broker_conf_read(path, &c, why, sizeof why), FP_EUNKNOWN);
    assert_int_equal(broker_conf_own(&c, why, sizeof why), FP_EUNKNOWN); /* a test has no -c */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_path_is_what_follows_c),
        cmocka_unit_test(plain_configurations_have_no_access_rules),
        cmocka_unit_test(access_rules_and_other_plugins_are_seen),
        cmocka_unit_test(per_listener_settings_are_seen_as_the_broker_sees_them),
        cmocka_unit_test(included_folders_are_followed),
        cmocka_unit_test(the_rest_of_a_long_line_is_no_line),
        cmocka_unit_test(what_cannot_be_read_says_so),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
