#include "tests/unit/cli/cli_test.h"

#include "firmware-client/cli/decode.h"

static void shows(const char *as, const char *in_hex, const char *want)
{
    struct fp_bytes in = hex(in_hex);
    struct str out = {0};
    struct decode_bad bad = {0};
    assert_true(decode_text(&out, in, as ? shape_named(as) : NULL, &bad));
    assert_str(out, want);
    str_fini(&out);
    hex_free(in);
}

static void breaks(const char *in_hex, size_t at, const char *why)
{
    struct fp_bytes in = hex(in_hex);
    struct str out = {0};
    struct decode_bad bad = {0};
    assert_false(decode_text(&out, in, NULL, &bad));
    assert_string_equal(bad.why, why);
    assert_int_equal(bad.at, at);
    str_fini(&out);
    hex_free(in);
}

static void a_command_has_its_names(void **state)
{
    (void)state;
    shows(NULL, "a4 01 14 02 05 03 62 6331 0a a1 01 65 68656c6c6f",
          "command {\n  kind: 20 (msg)\n  n: 5\n  conv: \"c1\"\n  body: {\n    text: \"hello\"\n  }\n}\n");
}

static void an_event_is_told_from_a_command(void **state)
{
    (void)state;
    shows(NULL, "a7 01 18 2a 02 01 03 61 63 10 02 11 1b 0000019abcdef000 12 61 61 13 61 64",
          "event {\n  kind: 42 (member-add)\n  n: 1\n  conv: \"c\"\n  seq: 2\n  at: 1764105318400 (2025-11-25T21:15:18.400Z)\n  user: \"a\"\n"
          "  device: \"d\"\n}\n");
}

static void replies_are_told_by_what_they_are(void **state)
{
    (void)state;
    shows(NULL, "a3 01 02 03 03 04 62 6e6f", "nack {\n  what: 2 (nack)\n  error: 3 (denied)\n  reason: \"no\"\n}\n");
    shows(NULL, "a2 01 01 02 81 84 05 61 63 07 1b 0000019abcdef000",
          "ack {\n  what: 1 (ack)\n  rows: [\n    [\n"
          "      n: 5\n      conv: \"c\"\n      seq: 7\n      at: 1764105318400 (2025-11-25T21:15:18.400Z)\n    ]\n  ]\n}\n");
}

static void an_inbox_and_the_retained_plane_are_guessed_or_named(void **state)
{
    (void)state;
    shows(NULL, "a2 01 01 02 81 84 61 63 61 73 03 01",
          "inbox heads {\n  what: 1 (inbox heads)\n  rows: [\n    [\n"
          "      conv: \"c\"\n      scope: \"s\"\n      head: 3\n      unread: 1\n    ]\n  ]\n}\n");
    shows(NULL, "a4 01 02 02 61 74 03 61 73 04 a1 61 61 82 03 01",
          "about {\n  version: 2\n  title: \"t\"\n  scope: \"s\"\n"
          "  members: {\n    \"a\": [\n      role: 3 (owner)\n      joined: 1\n    ]\n  }\n}\n");
    shows(NULL, "a1 61 61 82 04 02", "receipts {\n  \"a\": [\n    delivered: 4\n    read: 2\n  ]\n}\n");
    shows("typing", "a2 01 81 61 61 02 01", "typing {\n  names: [\n    \"a\"\n  ]\n  count: 1\n}\n");
    shows("head", "a4 01 01 02 02 03 00 04 05", "head {\n  epoch: 1\n  seq: 2\n  floor: 0\n  at: 5 (1970-01-01T00:00:00.005Z)\n}\n");
}

static void answers_to_questions_have_their_names(void **state)
{
    (void)state;
    shows(NULL, "a5 01 08 02 0c 03 42 00ff 04 61 63 05 07",
          "report {\n  what: 8 (report)\n  kind: 12 (digest)\n  value: h'00ff'\n  conv: \"c\"\n  seq: 7\n}\n");
    shows(NULL, "a5 01 08 02 18 1f 03 a1 61 62 83 1b 0000019abcdef000 f6 f6 04 61 63 05 07",
          "report {\n  what: 8 (report)\n  kind: 31 (readers)\n  value: {\n    \"b\": [\n"
          "      delivered: 1764105318400 (2025-11-25T21:15:18.400Z)\n      read: null\n      confirmed: null\n    ]\n  }\n"
          "  conv: \"c\"\n  seq: 7\n}\n");
}

static void a_head_has_its_chain_and_a_policy_its_words(void **state)
{
    (void)state;
    shows(NULL, "a5 01 01 02 02 03 00 04 1b 0000019abcdef000 05 42 beef",
          "head {\n  epoch: 1\n  seq: 2\n  floor: 0\n  at: 1764105318400 (2025-11-25T21:15:18.400Z)\n  chain: h'beef'\n}\n");
    shows(NULL, "a2 01 18 34 0a 82 82 00 00 82 61 62 03",
          "command {\n  kind: 52 (policy)\n  body: [\n    [\n      who: 0 (everyone)\n      level: 0 (hidden)\n    ]\n"
          "    [\n      who: \"b\"\n      level: 3 (exact)\n    ]\n  ]\n}\n");
}

static void several_items_come_one_after_the_other(void **state)
{
    (void)state;
    shows(NULL, "01 20 f6 f5 43 00ff1b 80 a0 f9 3c00", "1\n-1\nnull\ntrue\nh'00ff1b'\n[]\n{}\n1\n");
    shows(NULL, "3b ffffffffffffffff 38 63", "-18446744073709551616\n-100\n");
}

static void nothing_unsafe_is_written(void **state)
{
    (void)state;
    shows(NULL, "64 1b 5b 32 4a", "\"\\u001b[2J\"\n");
}

static void an_error_names_the_byte(void **state)
{
    (void)state;
    breaks("18 05", 0, "a number or length is not in its shortest form");
    breaks("01 a2 02 01 01 02", 4, "a map key is out of order or there twice");
    breaks("01 a2 01 01 01 02", 4, "a map key is out of order or there twice");
    breaks("82 01", 0, "more elements than the input can hold");
    breaks("82 01 63 61", 2, "the input ends within a string");
    breaks("62 61 ff", 2, "a text that is not UTF-8");
    breaks("c1 01", 0, "a tag");
    breaks("9f ff", 0, "an indefinite length");
    breaks("81 81 81 81 81 81 81 81 81 01", 8, "nested too deep");
    breaks("19 01", 0, "the input ends within an item");
    breaks("f7", 0, "a simple value that is not true, false or null");
    breaks("bb ffffffffffffffff", 0, "more elements than the input can hold");
}

static void hex_may_hold_blanks(void **state)
{
    (void)state;
    struct str out = {0};
    size_t at;
    assert_true(decode_hex(&out, "0aFf 00\n", 8, &at));
    assert_int_equal(out.len, 3);
    assert_memory_equal(out.p, "\x0a\xff\x00", 3);
    assert_false(decode_hex(&out, "0ag0", 4, &at));
    assert_int_equal(at, 2);
    assert_false(decode_hex(&out, "0a1", 3, &at));
    assert_int_equal(at, 3);
    assert_false(decode_hex(&out, "0 a", 3, &at));
    str_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_has_its_names),
        cmocka_unit_test(an_event_is_told_from_a_command),
        cmocka_unit_test(replies_are_told_by_what_they_are),
        cmocka_unit_test(an_inbox_and_the_retained_plane_are_guessed_or_named),
        cmocka_unit_test(answers_to_questions_have_their_names),
        cmocka_unit_test(a_head_has_its_chain_and_a_policy_its_words),
        cmocka_unit_test(several_items_come_one_after_the_other),
        cmocka_unit_test(nothing_unsafe_is_written),
        cmocka_unit_test(an_error_names_the_byte),
        cmocka_unit_test(hex_may_hold_blanks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
