#include "hex.h"

#include "fp/topic.h"

#define SHA "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eff"
#define ID36 "0123456789-abcdefghij-ABCDEFGHIJ._~x"

static const struct row {
    const char *topic;
    enum fp_topic_kind kind;
    const char *a;
    const char *b;
} TEMPLATES[] = {
    {"fp/1/device/d1/up", FP_TOPIC_DEVICE_UP, "d1", NULL},
    {"fp/1/device/d1/now", FP_TOPIC_DEVICE_NOW, "d1", NULL},
    {"fp/1/device/d1/blob/" SHA, FP_TOPIC_DEVICE_BLOB, "d1", NULL},
    {"fp/1/device/d1/status", FP_TOPIC_DEVICE_STATUS, "d1", NULL},
    {"fp/1/device/d1/down", FP_TOPIC_DEVICE_DOWN, "d1", NULL},
    {"fp/1/user/ann/inbox", FP_TOPIC_USER_INBOX, "ann", NULL},
    {"fp/1/user/ann/presence", FP_TOPIC_USER_PRESENCE, "ann", NULL},
    {"fp/1/scope/s/conv/c/event", FP_TOPIC_CONV_EVENT, "s", "c"},
    {"fp/1/scope/s/conv/c/head", FP_TOPIC_CONV_HEAD, "s", "c"},
    {"fp/1/scope/s/conv/c/about", FP_TOPIC_CONV_ABOUT, "s", "c"},
    {"fp/1/scope/s/conv/c/receipts", FP_TOPIC_CONV_RECEIPTS, "s", "c"},
    {"fp/1/scope/s/conv/c/typing", FP_TOPIC_CONV_TYPING, "s", "c"},
    {"fp/1/scope/s/presence", FP_TOPIC_SCOPE_PRESENCE, "s", NULL},
    {"fp/1/scope/s/state/k", FP_TOPIC_SCOPE_STATE, "s", "k"},
    {"fp/1/relay/r/up", FP_TOPIC_RELAY_UP, "r", NULL},
    {"fp/1/relay/r/down", FP_TOPIC_RELAY_DOWN, "r", NULL},
    {"fp/1/ops/hub", FP_TOPIC_OPS, "hub", NULL},
    {"fp/1/scope/" ID36 "/conv/" ID36 "/receipts", FP_TOPIC_CONV_RECEIPTS, ID36, ID36},
    {"fp/1/device/" ID36 "/blob/" SHA, FP_TOPIC_DEVICE_BLOB, ID36, NULL},
};

static void every_template_goes_there_and_back(void **state)
{
    (void)state;
    uint32_t kinds = 1U << FP_TOPIC_FOREIGN;
    for (size_t i = 0; i < sizeof TEMPLATES / sizeof TEMPLATES[0]; i++) {
        const struct row *row = &TEMPLATES[i];
        struct fp_topic t;
        char buf[FP_TOPIC_MAX];
        assert_int_equal(fp_topic_parse(row->topic, strlen(row->topic), &t), FP_OK);
        assert_int_equal(t.kind, row->kind);
        assert_id(t.a, row->a);
        assert_id(t.b, row->b ? row->b : "");
        assert_int_equal(fp_topic_build(&t, buf, sizeof buf), strlen(row->topic));
        assert_string_equal(buf, row->topic);
        kinds |= 1U << row->kind;
    }
    assert_int_equal(kinds, (1U << FP_TOPIC_KINDS) - 1); /* none was left out */
}

static void a_topic_needs_room_for_its_end_mark(void **state)
{
    (void)state;
    const char *topic = "fp/1/scope/s/conv/c/event";
    struct fp_topic t;
    assert_int_equal(fp_topic_parse(topic, strlen(topic), &t), FP_OK);
    for (size_t cap = 0; cap <= strlen(topic) + 1; cap++) {
        char *buf = malloc(cap > 0 ? cap : 1);
        assert_non_null(buf);
        assert_int_equal(fp_topic_build(&t, buf, cap), cap > strlen(topic) ? strlen(topic) : 0);
        free(buf);
    }
}

static void what_cannot_be_a_topic_is_not_built(void **state)
{
    (void)state;
    char buf[FP_TOPIC_MAX];
    struct fp_topic foreign = {.kind = FP_TOPIC_FOREIGN, .a = id_of("a")};
    struct fp_topic beyond = {.kind = FP_TOPIC_KINDS, .a = id_of("a")};
    struct fp_topic nobody = {.kind = FP_TOPIC_USER_INBOX};
    struct fp_topic no_conv = {.kind = FP_TOPIC_CONV_HEAD, .a = id_of("s")};
    assert_int_equal(fp_topic_build(&foreign, buf, sizeof buf), 0);
    assert_int_equal(fp_topic_build(&beyond, buf, sizeof buf), 0);
    assert_int_equal(fp_topic_build(&nobody, buf, sizeof buf), 0);
    assert_int_equal(fp_topic_build(&no_conv, buf, sizeof buf), 0);
}

static void what_is_below_fp_and_no_template_is_denied(void **state)
{
    (void)state;
    static const char *const denied[] = {
        "fp",
        "fp/",
        "fp//",
        "fp/1",
        "fp/1/",
        "fp/2/device/d/up",
        "fp/1/device",
        "fp/1/device/d",
        "fp/1/device//up",
        "fp/1/device/d/",
        "fp/1/device/d/up/",
        "fp/1/device/d/up/x",
        "fp/1/device/d/UP",
        "fp/1/device/d/sideways",
        "fp//1/device/d/up",
        "fp/1//device/d/up",
        "fp/1/device/d/blob",
        "fp/1/device/d/blob/",
        "fp/1/device/d/blob/00",
        "fp/1/device/d/blob/000102030405060708090A0b0c0d0e0f101112131415161718191a1b1c1d1eff",
        "fp/1/device/d/blob/" SHA "0",
        "fp/1/device/d/blob/" SHA "/x",
        "fp/1/user/u",
        "fp/1/user/u/mail",
        "fp/1/scope/s",
        "fp/1/scope/s/conv",
        "fp/1/scope/s/conv/c",
        "fp/1/scope//conv/c/event",
        "fp/1/scope/s/conv//event",
        "fp/1/scope/s/conv/c/event/",
        "fp/1/scope/s/conv/c/event/x",
        "fp/1/scope/s/conv/c/event/x/y/z",
        "fp/1/scope/s/state",
        "fp/1/scope/s/state/",
        "fp/1/scope/s/state/a/b",
        "fp/1/ops",
        "fp/1/ops/",
        "fp/1/ops/a/b",
        "fp/1/device/" ID36 "x/up",
        "fp/1/scope/" ID36 "x/conv/c/event",
        "fp/1/scope/s/conv/" ID36 "x/event",
        "fp/1/scope/s/conv/c d/event",
        "fp/1/device/+/up",
        "fp/1/device/d/#",
        "fp/1/scope/s/conv/+/event",
        "fp/1/device/d\xc3\xa9/up",
        "fp/1/relay/r/sideways",
        "fp/#",
        "fp/+",
    };
    for (size_t i = 0; i < sizeof denied / sizeof denied[0]; i++) {
        struct fp_topic t;
        if (fp_topic_parse(denied[i], strlen(denied[i]), &t) != FP_EDENIED) {
            fail_msg("taken: %s", denied[i]);
        }
        assert_int_equal(t.kind, FP_TOPIC_FOREIGN);
    }
}

static void what_is_not_below_fp_is_foreign(void **state)
{
    (void)state;
    static const char *const foreign[] = {
        "", "/", "f", "fpx", "fpx/1/device/d/up", "/fp/1/device/d/up", "FP/1/device/d/up", "$SYS/broker/uptime", "a/b/c/d/e/f/g/h/i/j", "a/fp/1"};
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
        struct fp_topic t;
        assert_int_equal(fp_topic_parse(foreign[i], strlen(foreign[i]), &t), FP_OK);
        assert_int_equal(t.kind, FP_TOPIC_FOREIGN);
    }
}

static void a_nul_inside_is_never_an_end(void **state)
{
    (void)state;
    static const char in_id[] = "fp/1/device/d\0x/up";
    static const char in_word[] = "fp/1/device/d/up\0";
    static const char in_root[] = "fp\0/1/device/d/up";
    struct fp_topic t;
    assert_int_equal(fp_topic_parse(in_id, sizeof in_id - 1, &t), FP_EDENIED);
    assert_int_equal(fp_topic_parse(in_word, sizeof in_word - 1, &t), FP_EDENIED);
    assert_int_equal(fp_topic_parse(in_root, sizeof in_root - 1, &t), FP_OK);
    assert_int_equal(t.kind, FP_TOPIC_FOREIGN); /* its first level is no "fp" */
}

static void a_blob_topic_carries_the_hash(void **state)
{
    (void)state;
    const char *topic = "fp/1/device/d/blob/" SHA;
    struct fp_topic t;
    assert_int_equal(fp_topic_parse(topic, strlen(topic), &t), FP_OK);
    for (uint8_t i = 0; i < 31; i++) {
        assert_int_equal(t.sha256[i], i);
    }
    assert_int_equal(t.sha256[31], 0xff);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_template_goes_there_and_back),  cmocka_unit_test(a_topic_needs_room_for_its_end_mark),
        cmocka_unit_test(what_cannot_be_a_topic_is_not_built), cmocka_unit_test(what_is_below_fp_and_no_template_is_denied),
        cmocka_unit_test(what_is_not_below_fp_is_foreign),     cmocka_unit_test(a_nul_inside_is_never_an_end),
        cmocka_unit_test(a_blob_topic_carries_the_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
