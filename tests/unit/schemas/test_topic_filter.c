#include "hex.h"

#include "fp/topic.h"

#define BIT(kind) (1U << (kind))
#define CONV (BIT(FP_TOPIC_CONV_EVENT) | BIT(FP_TOPIC_CONV_HEAD) | BIT(FP_TOPIC_CONV_ABOUT) | BIT(FP_TOPIC_CONV_RECEIPTS) | BIT(FP_TOPIC_CONV_TYPING))
#define USER (BIT(FP_TOPIC_USER_INBOX) | BIT(FP_TOPIC_USER_PRESENCE))
#define ID36 "0123456789-abcdefghij-ABCDEFGHIJ._~x"
#define SHA "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eff"

static void allowed_filters_say_what_they_take_in(void **state)
{
    (void)state;
    static const struct {
        const char *filter;
        uint32_t kinds;
        const char *a;
        const char *b;
    } rows[] = {
        {"fp/1/device/d/up", BIT(FP_TOPIC_DEVICE_UP), "d", ""},
        {"fp/1/device/d/down", BIT(FP_TOPIC_DEVICE_DOWN), "d", ""},
        {"fp/1/device/d/status", BIT(FP_TOPIC_DEVICE_STATUS), "d", ""},
        {"fp/1/device/d/blob/" SHA, BIT(FP_TOPIC_DEVICE_BLOB), "d", ""},
        {"fp/1/user/u/inbox", BIT(FP_TOPIC_USER_INBOX), "u", ""},
        {"fp/1/user/u/+", USER, "u", ""},
        {"fp/1/scope/s/conv/c/event", BIT(FP_TOPIC_CONV_EVENT), "s", "c"},
        {"fp/1/scope/s/conv/c/+", CONV, "s", "c"},
        {"fp/1/scope/s/conv/+/event", BIT(FP_TOPIC_CONV_EVENT), "s", ""},
        {"fp/1/scope/s/conv/+/+", CONV, "s", ""},
        {"fp/1/scope/" ID36 "/conv/" ID36 "/typing", BIT(FP_TOPIC_CONV_TYPING), ID36, ID36},
        {"fp/1/scope/s/presence", BIT(FP_TOPIC_SCOPE_PRESENCE), "s", ""},
        {"fp/1/scope/s/state/k", BIT(FP_TOPIC_SCOPE_STATE), "s", "k"},
        {"fp/1/relay/r/down", BIT(FP_TOPIC_RELAY_DOWN), "r", ""},
        {"fp/1/ops/hub", BIT(FP_TOPIC_OPS), "hub", ""},
        {"fp/1/ops/+", BIT(FP_TOPIC_OPS), "", ""},
        {"fp/1/ops/#", BIT(FP_TOPIC_OPS), "", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fp_filter f;
        if (fp_filter_parse(rows[i].filter, strlen(rows[i].filter), &f) != FP_OK || f.kinds != rows[i].kinds) {
            fail_msg("%s: kinds %x", rows[i].filter, f.kinds);
        }
        assert_id(f.a, rows[i].a);
        assert_id(f.b, rows[i].b);
    }
}

static void filters_that_no_template_covers_are_denied(void **state)
{
    (void)state;
    static const char *const denied[] = {
        "fp",
        "fp/",
        "fp/#",
        "fp/+",
        "fp/+/#",
        "fp/1",
        "fp/1/#",
        "fp/1/+",
        "fp/+/device/d/up",
        "fp/2/ops/#",
        "fp/1/+/d/up",
        "fp/1/device/+/up",
        "fp/1/device/+/status",
        "fp/1/device/d/+",
        "fp/1/device/d/#",
        "fp/1/device/d/blob/+",
        "fp/1/device/d/blob/#",
        "fp/1/user/+/inbox",
        "fp/1/user/+/+",
        "fp/1/user/u/#",
        "fp/1/user/#",
        "fp/1/user/u",
        "fp/1/user/u/mail",
        "fp/1/scope/+/conv/+/event",
        "fp/1/scope/+/conv/c/event",
        "fp/1/scope/s/#",
        "fp/1/scope/s/+",
        "fp/1/scope/s/+/c/event",
        "fp/1/scope/s/conv/#",
        "fp/1/scope/s/conv/c/#",
        "fp/1/scope/s/conv/c/event/#",
        "fp/1/scope/s/conv/+",
        "fp/1/scope/s/conv/+/secret",
        "fp/1/scope/s/conv//event",
        "fp/1/scope//conv/+/event",
        "fp/1/scope/s/state/+",
        "fp/1/scope/s/state/#",
        "fp/1/scope/+/presence",
        "fp/1/relay/+/up",
        "fp/1/relay/r/+",
        "fp/1/relay/#",
        "fp/1/ops",
        "fp/1/ops/",
        "fp/1/ops/+/x",
        "fp/1/ops/a/#",
        "fp/1/ops/#/a",
        "fp/1/ops/a+",
        "fp/2/ops/+",
        "fp/1/scope/" ID36 "x/conv/c/event",
        "fp/1/scope/s/conv/" ID36 "x/+",
        "fp/1/user/" ID36 "x/+",
        "$share/g/fp/1/scope/s/conv/c/event",
        "$share/g/fp/1/ops/#",
        "$share/g/fp",
        "$share/g/fp/#",
        "$share//fp/1/ops/#",
    };
    for (size_t i = 0; i < sizeof denied / sizeof denied[0]; i++) {
        struct fp_filter f;
        if (fp_filter_parse(denied[i], strlen(denied[i]), &f) != FP_EDENIED) {
            fail_msg("allowed: %s", denied[i]);
        }
        assert_int_equal(f.kinds, 0);
    }
}

static void foreign_filters_are_the_brokers_business(void **state)
{
    (void)state;
    static const char *const foreign[] = {
        "",       "#",       "+",        "+/#",       "+/1/#",      "+/1/device/d/up", "a/b",          "fpx/#",       "$SYS/#",
        "$share", "$share/", "$share/g", "$share/g/", "$share/g/#", "$share/g/+/1/#",  "$share/g/a/b", "/fp/1/ops/#",
    };
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
        struct fp_filter f;
        if (fp_filter_parse(foreign[i], strlen(foreign[i]), &f) != FP_OK) {
            fail_msg("denied: %s", foreign[i]);
        }
        assert_int_equal(f.kinds, 0);
    }
}

static void a_nul_inside_a_filter_is_never_an_end(void **state)
{
    (void)state;
    static const char in_id[] = "fp/1/user/u\0x/+";
    static const char in_word[] = "fp/1/user/u/inbox\0";
    static const char in_plus[] = "fp/1/user/u/+\0";
    struct fp_filter f;
    assert_int_equal(fp_filter_parse(in_id, sizeof in_id - 1, &f), FP_EDENIED);
    assert_int_equal(fp_filter_parse(in_word, sizeof in_word - 1, &f), FP_EDENIED);
    assert_int_equal(fp_filter_parse(in_plus, sizeof in_plus - 1, &f), FP_EDENIED);
}

static void matching_follows_the_mqtt_standard(void **state)
{
    (void)state;
    static const struct {
        const char *filter;
        const char *topic;
        bool matches;
    } rows[] = {
        {"a", "a", true},
        {"a", "b", false},
        {"a", "ab", false},
        {"ab", "a", false},
        {"a/b", "a/b", true},
        {"a/b", "a", false},
        {"a", "a/b", false},
        {"+", "a", true},
        {"+", "a/b", false},
        {"+", "/a", false},
        {"/+", "/a", true},
        {"+/+", "/a", true},
        {"a/+", "a/", true},
        {"a/+", "a", false},
        {"a/+/c", "a/b/c", true},
        {"a/+/c", "a//c", true},
        {"a/+/c", "a/b/d", false},
        {"#", "a", true},
        {"#", "a/b/c", true},
        {"a/#", "a", true},
        {"a/#", "a/b/c", true},
        {"a/#", "a/", true},
        {"a/#", "ab", false},
        {"a/#", "b", false},
        {"a/+/#", "a", false},
        {"a/+/#", "a/b", true},
        {"+/#", "a", true},
        {"#", "$SYS/x", false},
        {"+/x", "$SYS/x", false},
        {"$SYS/#", "$SYS/x", true},
        {"$SYS/+", "$SYS/x", true},
        {"a/b/", "a/b", false},
        {"a/b", "a/b/", false},
        {"A", "a", false},
        {"a/#/b", "a/x/b", false},
        {"fp/1/scope/s/conv/+/event", "fp/1/scope/s/conv/c/event", true},
        {"fp/1/scope/s/conv/+/event", "fp/1/scope/s/conv/c/head", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (fp_filter_matches(rows[i].filter, rows[i].topic) != rows[i].matches) {
            fail_msg("%s, %s: want %d", rows[i].filter, rows[i].topic, rows[i].matches);
        }
    }
}

/* For each template a topic, and each filter made from it by turning levels into `+`: what is allowed says so in `kinds`, and matches. */
static void an_allowed_filter_matches_exactly_the_kinds_that_it_names(void **state)
{
    (void)state;
    struct fp_topic topics[FP_TOPIC_KINDS];
    char text[FP_TOPIC_KINDS][FP_TOPIC_MAX];
    for (size_t kind = 1; kind < FP_TOPIC_KINDS; kind++) {
        topics[kind] = (struct fp_topic){.kind = (enum fp_topic_kind)kind, .a = id_of("a"), .b = id_of("b")};
        assert_true(fp_topic_build(&topics[kind], text[kind], FP_TOPIC_MAX) > 0);
    }
    size_t allowed = 0;
    for (size_t kind = 1; kind < FP_TOPIC_KINDS; kind++) {
        for (unsigned plus = 0; plus < 128; plus++) {
            char filter[FP_TOPIC_MAX] = "";
            size_t len = 0;
            unsigned level = 0;
            for (const char *p = text[kind]; *p != '\0'; level++) {
                size_t word = strcspn(p, "/");
                bool wild = (plus & 1U << level) != 0;
                memcpy(filter + len, wild ? "+" : p, wild ? 1 : word);
                len += wild ? 1 : word;
                p += word;
                if (*p == '/') {
                    filter[len++] = *p++;
                }
            }
            filter[len] = '\0';
            struct fp_filter f;
            if (plus & 1U || fp_filter_parse(filter, len, &f) != FP_OK) {
                continue; /* begins with +, so it is foreign; or it is denied */
            }
            allowed++;
            for (size_t other = 1; other < FP_TOPIC_KINDS; other++) {
                assert_int_equal(fp_filter_matches(filter, text[other]), (f.kinds >> other) & 1);
            }
        }
    }
    assert_true(allowed > FP_TOPIC_KINDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(allowed_filters_say_what_they_take_in),    cmocka_unit_test(filters_that_no_template_covers_are_denied),
        cmocka_unit_test(foreign_filters_are_the_brokers_business), cmocka_unit_test(a_nul_inside_a_filter_is_never_an_end),
        cmocka_unit_test(matching_follows_the_mqtt_standard),       cmocka_unit_test(an_allowed_filter_matches_exactly_the_kinds_that_it_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
