#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <unistd.h>

#include "plugin/mosq/config_table.h"

#define PAIRS_MAX 16

static char file_path[] = "/tmp/fieldpost_options.XXXXXX";

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

static void write_file(const char *text)
{
    FILE *f = fopen(file_path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

struct loaded {
    enum fp_err err;
    struct config config;
    char why[CONFIG_WHY_MAX];
};

static struct loaded load(size_t count, const struct config_pair *pairs)
{
    static struct loaded l; /* too large to hand around */
    l = (struct loaded){0};
    l.err = config_load(pairs, count, &l.config, l.why, sizeof l.why);
    return l;
}

#define LOAD(...) load(sizeof((struct config_pair[]){__VA_ARGS__}) / sizeof(struct config_pair), (struct config_pair[]){__VA_ARGS__})
#define DB                                                                                                                                           \
    {                                                                                                                                                \
        "db_file", "/var/hub.db"                                                                                                                     \
    }

static void defaults_are_those_of_the_contract(void **state)
{
    (void)state;
    struct loaded l = LOAD(DB);
    struct hub_config hub, standard;

    assert_int_equal(l.err, FP_OK);
    assert_string_equal(l.config.db_file, "/var/hub.db");
    assert_int_equal(l.config.other_topics, OTHER_AUTO);
    assert_int_equal(l.config.max_batch_bytes, FP_BATCH_BYTES_MAX);
    config_hub(&l.config, &hub);
    hub_config_init(&standard);
    assert_int_equal(hub.command_bytes, standard.command_bytes);
    assert_int_equal(hub.batch_commands, standard.batch_commands);
    assert_int_equal(hub.page_bytes, standard.page_bytes);
    assert_int_equal(hub.title_bytes, standard.title_bytes);
    assert_int_equal(hub.members, standard.members);
    assert_int_equal(hub.commands_per_s, standard.commands_per_s);
    assert_int_equal(hub.asks_per_s, standard.asks_per_s);
    assert_int_equal(hub.now_per_s, standard.now_per_s);
    assert_int_equal(hub.answers_days, standard.answers_days);
    assert_int_equal(hub.archive_days, standard.archive_days);
    assert_false(hub.archive);
    assert_int_equal(hub.open_scopes, standard.open_scopes);
    assert_int_equal(hub.cache_convs, standard.cache_convs);
    assert_int_equal(hub.service_count, 0);
    assert_false(hub.ops);
}

static void each_option_reaches_its_field(void **state)
{
    (void)state;
    struct loaded l =
        LOAD(DB, {"db_max_mb", "100"}, {"services", "robot, bridge-2"}, {"operators", "olga"}, {"other_topics", "defer"}, {"open_scopes", "false"},
             {"max_members", "50"}, {"commands_per_s", "0"}, {"asks_per_s", "7"}, {"now_per_s", "8"}, {"answers_days", "30"}, {"ring_in_kb", "2048"},
             {"cache_entries", "64"}, {"access_entries", "1024"}, {"max_command_bytes", "1000"});
    struct hub_config hub;

    assert_int_equal(l.err, FP_OK);
    assert_int_equal(l.config.db_max_mb, 100);
    assert_int_equal(l.config.services.count, 2);
    assert_int_equal(l.config.services.ids[1].len, 8);
    assert_int_equal(l.config.other_topics, OTHER_DEFER);
    config_hub(&l.config, &hub);
    assert_false(hub.open_scopes);
    assert_int_equal(hub.members, 50);
    assert_int_equal(hub.commands_per_s, 0);
    assert_int_equal(hub.asks_per_s, 7);
    assert_int_equal(hub.now_per_s, 8);
    assert_int_equal(hub.answers_days, 30);
    assert_int_equal(hub.cache_convs, 64);
    assert_int_equal(hub.command_bytes, 1000);
    assert_int_equal(hub.service_count, 2);
    assert_true(hub.ops);
}

static void bad_options_are_refused_with_name_reason_and_value(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value, *want;
    } cases[] = {
        {"db_fil", "x", "option db_fil: there is no such option (got \"x\")"},
        {"", "", "option : there is no such option (got \"\")"},
        {"db_file", "/x", "option db_file: it is given twice (got \"/x\")"},
        {"max_members", "", "option max_members: a number is expected (got \"\")"},
        {"max_members", "-1", "option max_members: a number is expected (got \"-1\")"},
        {"max_members", "+5", "option max_members: a number is expected (got \"+5\")"},
        {"max_members", "5x", "option max_members: a number is expected (got \"5x\")"},
        {"max_members", " 5", "option max_members: a number is expected (got \" 5\")"},
        {"max_members", "1", "option max_members: out of range, 2 to 10000 (got \"1\")"},
        {"max_members", "10001", "option max_members: out of range, 2 to 10000 (got \"10001\")"},
        {"max_members", "99999999999999999999999", "option max_members: out of range, 2 to 10000 (got \"99999999999999999999999\")"},
        {"open_scopes", "yes", "option open_scopes: true or false is expected (got \"yes\")"},
        {"other_topics", "deny", "option other_topics: allow or defer is expected (got \"deny\")"},
        {"services", "a b", "option services: usernames are separated by commas (got \"a b\")"},
        {"operators", "a,a", "option operators: a username comes twice (got \"a,a\")"},
        {"role", "relay", "option role: hub or site is expected (got \"relay\")"},
        {"role", "", "option role: hub or site is expected (got \"\")"},
        {"role", "site", "option relay: role site requires it: the site's name on the trunk (got \"\")"},
        {"relay", "site-b", "option relay: it is for role site (got \"site-b\")"},
        {"relay", "site/b", "option relay: a name is expected, of 1 to 36 characters of A-Z a-z 0-9 . _ ~ - (got \"site/b\")"},
        {"relay", "~hub", "option relay: the name is the hub's own (got \"~hub\")"},
        {"relays_file", "/nonexistent/r", "option relays_file: cannot be opened: No such file or directory (got \"/nonexistent/r\")"},
        {"answers_days", "29", "option answers_days: at least 30, or 0 for ever (got \"29\")"},
        {"ring_in_kb", "1023", "option ring_in_kb: out of range, 1024 to 1048576 (got \"1023\")"},
        {"max_batch_bytes", "8192", "option max_command_bytes: more than max_batch_bytes, which is 8192 (got \"16384\")"},
        {"options_file", "/nonexistent/o", "option options_file: cannot be opened: No such file or directory (got \"/nonexistent/o\")"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct loaded l = LOAD(DB, {cases[i].name, cases[i].value});
        assert_int_equal(l.err, FP_ECONFIG);
        assert_string_equal(l.why, cases[i].want);
        assert_string_equal(l.config.db_file, ""); /* untouched */
    }
    struct loaded l = LOAD({"max_members", "5"});
    assert_int_equal(l.err, FP_ECONFIG);
    assert_string_equal(l.why, "option db_file: it is required (got \"\")");
    static const char *const lists[] = {"", ",", "a,", ",a", "a,,b", "b\xc3\xa4r", "0123456789012345678901234567890123456"};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        l = LOAD(DB, {"services", lists[i]});
        assert_int_equal(l.err, FP_ECONFIG);
        assert_non_null(strstr(l.why, "option services: usernames are expected"));
    }
}

static void lists_and_paths_have_an_end(void **state)
{
    (void)state;
    char many[HUB_NAMES_MAX * 8 + 8] = "", path[CONFIG_PATH_MAX + 1];
    size_t len = 0;

    for (int i = 0; i < HUB_NAMES_MAX; i++) {
        len += (size_t)snprintf(many + len, sizeof many - len, "%su%d", i ? "," : "", i);
    }
    assert_int_equal(LOAD(DB, {"services", many}).config.services.count, HUB_NAMES_MAX);
    (void)snprintf(many + len, sizeof many - len, ",x");
    assert_int_equal(LOAD(DB, {"services", many}).err, FP_ECONFIG);

    memset(path, 'p', sizeof path);
    path[CONFIG_PATH_MAX] = '\0';
    assert_int_equal(LOAD({"db_file", path}).err, FP_ECONFIG);
    path[CONFIG_PATH_MAX - 1] = '\0';
    assert_int_equal(LOAD({"db_file", path}).err, FP_OK);
}

static void every_count_is_taken_up_to_its_limits_and_not_beyond(void **state)
{
    (void)state;
    char text[32], reason[128];
    struct config c;

    for (size_t i = 0; i < option_count; i++) {
        const struct option *o = &option_table[i];
        if (o->kind != OPTION_COUNT) {
            continue;
        }
        assert_in_range(o->preset, o->min, o->max);
        (void)snprintf(text, sizeof text, "%llu", (unsigned long long)o->min);
        assert_int_equal(option_set(o, text, &c, reason, sizeof reason), FP_OK);
        (void)snprintf(text, sizeof text, "%llu", (unsigned long long)o->max);
        assert_int_equal(option_set(o, text, &c, reason, sizeof reason), FP_OK);
        (void)snprintf(text, sizeof text, "%llu", (unsigned long long)o->max + 1);
        assert_int_equal(option_set(o, text, &c, reason, sizeof reason), FP_ECONFIG);
        if (o->min > 0) {
            (void)snprintf(text, sizeof text, "%llu", (unsigned long long)o->min - 1);
            assert_int_equal(option_set(o, text, &c, reason, sizeof reason), FP_ECONFIG);
        }
    }
}

static void the_host_can_name_every_option(void **state)
{
    (void)state;
    for (size_t i = 0; i < option_count; i++) {
        assert_true(strlen(option_table[i].name) >= 3); /* Mosquitto 2.0 refuses plugin_opt_ab */
        assert_ptr_equal(option_find(option_table[i].name), &option_table[i]);
    }
}

static void a_file_may_hold_the_rest(void **state)
{
    (void)state;
    write_file("# services below\n\n  services\trobot , bridge \r\nmax_members 7\n#max_members 8\nopen_scopes   false");
    struct loaded l = LOAD(DB, {"options_file", file_path});

    assert_int_equal(l.err, FP_OK);
    assert_int_equal(l.config.services.count, 2);
    assert_int_equal(l.config.max_members, 7);
    assert_false(l.config.open_scopes);
}

static void a_bad_file_is_refused_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"\n# x\nmax_member 7\n", ":3: option max_member: there is no such option (got \"7\")"},
        {"max_members 7\nmax_members 7\n", ":2: option max_members: it is given twice (got \"7\")"},
        {"db_file /x\n", ":1: option db_file: it is given twice (got \"/x\")"},
        {"max_members", ":1: option max_members: a number is expected (got \"\")"},
        {"options_file /x\n", ":1: option options_file: it stands in the broker's configuration, not in such a file (got \"/x\")"},
    };
    char want[256];

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        write_file(cases[i].text);
        struct loaded l = LOAD(DB, {"options_file", file_path});
        assert_int_equal(l.err, FP_ECONFIG);
        (void)snprintf(want, sizeof want, "%s%s", file_path, cases[i].want);
        assert_string_equal(l.why, want);
    }
    char *text = malloc(6000);
    assert_non_null(text);
    memset(text, 'x', 5999);
    text[5999] = '\0';
    write_file(text);
    free(text);
    assert_non_null(strstr(LOAD(DB, {"options_file", file_path}).why, ":1: the line is too long"));
    assert_int_equal(LOAD(DB, {"options_file", "/tmp"}).err, FP_ECONFIG); /* a folder */
}

static void collect(void *arg, const char *text)
{
    char *all = arg;
    size_t len = strlen(all);
    (void)snprintf(all + len, 2048 - len, "%s;", text);
}

static void a_reload_changes_what_may_change_and_warns_of_the_rest(void **state)
{
    (void)state;
    struct config_pair pairs[] = {DB, {"options_file", file_path}};
    char why[CONFIG_WHY_MAX] = "", warnings[2048] = "";
    struct config running, fresh = {0};
    struct config_log warn = {.line = collect, .arg = warnings};

    write_file("max_members 7\ncache_entries 100\n");
    assert_int_equal(config_load(pairs, 2, &running, why, sizeof why), FP_OK);
    write_file("max_members 8\ncache_entries 200\nservices robot\n");
    assert_int_equal(config_reload(pairs, 2, &running, warn, &fresh, why, sizeof why), FP_OK);
    assert_int_equal(fresh.max_members, 8);
    assert_int_equal(fresh.services.count, 1);
    assert_int_equal(fresh.cache_entries, 100);
    assert_string_equal(fresh.db_file, "/var/hub.db");
    assert_string_equal(warnings, "option cache_entries: it counts at the start only; the old value stays until then;");
}

static void a_site_has_a_name_and_no_relays(void **state)
{
    (void)state;
    struct loaded l = LOAD(DB, {"role", "site"}, {"relay", "site-b"}, {"relays_file", "/nonexistent/r"});
    struct hub_config hub;

    assert_int_equal(l.err, FP_ECONFIG);
    assert_string_equal(l.why, "option relays_file: it is for role hub (got \"/nonexistent/r\")");
    l = LOAD(DB, {"role", "site"}, {"relay", "site-b"}, {"archive_dir", "/nonexistent/a"});
    assert_int_equal(l.err, FP_ECONFIG);
    assert_string_equal(l.why, "option archive_dir: it is for role hub (got \"/nonexistent/a\")");
    l = LOAD(DB, {"role", "site"}, {"relay", "site-b"});
    assert_int_equal(l.err, FP_OK);
    config_hub(&l.config, &hub);
    assert_int_equal(hub.role, HUB_ROLE_SITE);
    assert_memory_equal(hub.relay.text, "site-b", 6);
    assert_int_equal(hub.relay_count, 0);
}

static void relays_are_read_again_but_not_bad_ones(void **state)
{
    (void)state;
    struct config_pair pairs[] = {DB, {"relays_file", file_path}};
    char why[CONFIG_WHY_MAX] = "", warnings[2048] = "";
    static struct config running, fresh;
    struct hub_config hub;
    struct config_log warn = {.line = collect, .arg = warnings};

    write_file("site-b scopes ward\n");
    assert_int_equal(config_load(pairs, 2, &running, why, sizeof why), FP_OK);
    assert_int_equal(running.relays.count, 1);
    write_file("site-b scopes ward\nsite-c scopes lab users ann\n");
    assert_int_equal(config_reload(pairs, 2, &running, warn, &fresh, why, sizeof why), FP_OK);
    config_hub(&fresh, &hub);
    assert_int_equal(hub.role, HUB_ROLE_HUB);
    assert_int_equal(hub.relay_count, 2);
    assert_memory_equal(hub.relays[1].users[0].text, "ann", 3);
    write_file("site-b\n");
    assert_int_equal(config_reload(pairs, 2, &running, warn, &fresh, why, sizeof why), FP_ECONFIG);
    assert_int_equal(fresh.relays.count, 2);
    assert_non_null(strstr(why, ":1: relay site-b: scopes: a relay serves at least one scope"));
    assert_string_equal(warnings, "");
}

static void a_bad_reload_changes_nothing(void **state)
{
    (void)state;
    struct config_pair pairs[] = {DB, {"options_file", file_path}};
    char why[CONFIG_WHY_MAX] = "", warnings[2048] = "";
    struct config running, fresh = {0};
    struct config_log warn = {.line = collect, .arg = warnings};

    write_file("ring_in_kb 1024\nmax_batch_bytes 65536\n");
    assert_int_equal(config_load(pairs, 2, &running, why, sizeof why), FP_OK);
    write_file("ring_in_kb 1024\nmax_batch_bytes many\n");
    assert_int_equal(config_reload(pairs, 2, &running, warn, &fresh, why, sizeof why), FP_ECONFIG);
    assert_int_equal(fresh.max_batch_bytes, 0);
    running.ring_in_kb = 200; /* as if it had begun smaller: a new limit has to fit the ring that stays */
    write_file("ring_in_kb 1024\nmax_batch_bytes 65536\n");
    assert_int_equal(config_reload(pairs, 2, &running, warn, &fresh, why, sizeof why), FP_ECONFIG);
    assert_int_equal(fresh.max_batch_bytes, 0);
}

static void the_printed_table_has_every_option(void **state)
{
    (void)state;
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);

    assert_non_null(f);
    config_print_markdown(f);
    assert_int_equal(fclose(f), 0);
    for (size_t i = 0; i < option_count; i++) {
        char row[64];
        (void)snprintf(row, sizeof row, "\n| `%s` | ", option_table[i].name);
        assert_non_null(strstr(text, row));
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_those_of_the_contract),
        cmocka_unit_test(each_option_reaches_its_field),
        cmocka_unit_test(bad_options_are_refused_with_name_reason_and_value),
        cmocka_unit_test(lists_and_paths_have_an_end),
        cmocka_unit_test(every_count_is_taken_up_to_its_limits_and_not_beyond),
        cmocka_unit_test(the_host_can_name_every_option),
        cmocka_unit_test(a_file_may_hold_the_rest),
        cmocka_unit_test(a_bad_file_is_refused_with_its_line),
        cmocka_unit_test(a_reload_changes_what_may_change_and_warns_of_the_rest),
        cmocka_unit_test(a_bad_reload_changes_nothing),
        cmocka_unit_test(a_site_has_a_name_and_no_relays),
        cmocka_unit_test(relays_are_read_again_but_not_bad_ones),
        cmocka_unit_test(the_printed_table_has_every_option),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
