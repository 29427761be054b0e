#include "tests/unit/cli/cli_test.h"

#include <time.h>

#include "firmware-client/cli/show.h"

static struct fp_id id(const char *text)
{
    struct fp_id out;
    assert_true(fp_id_parse(text, strlen(text), &out));
    return out;
}

static void shown(const struct fp_event *ev, bool json, const char *want)
{
    struct str out = {0};
    show_event(&out, json, false, ev);
    assert_str(out, want);
    str_fini(&out);
}

static struct fp_event event(uint64_t kind, struct fp_bytes body)
{
    return (struct fp_event){.kind = kind,
                             .n = 4,
                             .conv = id("site-7"),
                             .seq = 5,
                             .at = {.ms = 1764000000123},
                             .user = id("anna"),
                             .device = id("phone"),
                             .priority = FP_PRIORITY_NORMAL,
                             .body = body};
}

static void a_message_is_one_line_whatever_is_in_it(void **state)
{
    (void)state;
    struct fp_bytes body = hex("a1 01 67 61 0a 62 1b 5b 4a 22");
    struct fp_event ev = event(FP_K_MSG, body);
    shown(&ev, false, "[2025-11-24 16:00] #5 anna: a\n    b\\x1b[J\"\n");
    shown(&ev, true,
          "{\"type\":\"event\",\"conv\":\"site-7\",\"seq\":5,\"at\":\"2025-11-24T16:00:00.123Z\",\"kind\":\"msg\","
          "\"user\":\"anna\",\"device\":\"phone\","
          "\"n\":4,\"ref\":0,\"priority\":\"normal\",\"flags\":0,\"text\":\"a\\nb\\u001b[J\\\"\",\"must_confirm\":false,\"attachments\":0}\n");
    ev.ref = 2;
    ev.priority = FP_PRIORITY_SAFETY;
    shown(&ev, false, "[2025-11-24 16:00] #5 anna to #2 [safety]: a\n    b\\x1b[J\"\n");
    hex_free(body);
    ev.body = fp_bytes_of(NULL, 0);
    shown(&ev, false, "[2025-11-24 16:00] #5 anna: (deleted)\n");
}

static void what_members_do_is_told(void **state)
{
    (void)state;
    struct fp_bytes add = hex("a2 01 63 62656e 02 02");
    struct fp_bytes self = hex("a1 01 64 616e6e61");
    struct fp_bytes made = hex("a2 01 61 73 02 64 53 1b 20 37");
    struct fp_event ev = event(FP_K_MEMBER_ADD, add);
    shown(&ev, false, "[2025-11-24 16:00] #5 anna lets in ben (manager)\n");
    ev = event(FP_K_MEMBER_REMOVE, self);
    shown(&ev, false, "[2025-11-24 16:00] #5 anna leaves\n");
    ev = event(FP_K_CONV_NEW, made);
    shown(&ev, false, "[2025-11-24 16:00] #5 anna opens the conversation \"S\\x1b 7\"\n");
    ev = event(77, fp_bytes_of(NULL, 0));
    shown(&ev, false, "[2025-11-24 16:00] #5 anna (kind 77)\n");
    hex_free(add);
    hex_free(self);
    hex_free(made);
}

static void changes_are_told_in_words(void **state)
{
    (void)state;
    struct fp_bytes text = hex("a1 01 61 62");
    struct fp_bytes reason = hex("a1 01 66 70 1b 76 61 74 65");
    struct fp_bytes null = hex("f6");
    struct fp_event ev = event(FP_K_EDIT, text);
    ev.ref = 3;
    ev.version = 5;
    shown(&ev, false, "[2025-11-24 16:00] #5 anna changes #3: b\n");
    ev.flags = FP_FLAG_CONFLICT;
    shown(&ev, false, "[2025-11-24 16:00] #5 anna would have changed #3, but lost: b\n");
    ev = event(FP_K_DELETE, null);
    ev.ref = 3;
    ev.flags = FP_FLAG_HUB;
    shown(&ev, false, "[2025-11-24 16:00] #5 anna deletes #3 [by the hub]\n");
    ev = event(FP_K_REDACT, reason);
    ev.ref = 3;
    shown(&ev, false, "[2025-11-24 16:00] #5 anna redacts #3: p\\x1bvate\n");
    ev.body = fp_bytes_of(NULL, 0);
    shown(&ev, false, "[2025-11-24 16:00] #5 anna redacts #3\n");
    ev = event(FP_K_CONFIRM, fp_bytes_of(NULL, 0));
    ev.ref = 3;
    shown(&ev, false, "[2025-11-24 16:00] #5 anna confirms #3\n");
    ev = event(FP_K_MSG, text);
    ev.flags = FP_FLAG_OFFLINE | FP_FLAG_STALE;
    shown(&ev, false, "[2025-11-24 16:00] #5 anna [written offline] [had not seen the latest]: b\n");
    hex_free(text);
    hex_free(reason);
    hex_free(null);
}

static void why_a_text_is_not_there_is_told(void **state)
{
    (void)state;
    struct fp_bytes null = hex("f6");
    struct fp_bytes hash = hex("0000000000000000000000000000000000000000000000000000000000000001");
    struct fp_event ev = event(FP_K_MSG, null);
    ev.body_hash = hash;
    shown(&ev, false, "[2025-11-24 16:00] #5 anna: (deleted, or changed since)\n");
    ev.flags = FP_FLAG_REDACTED;
    shown(&ev, false, "[2025-11-24 16:00] #5 anna: (redacted)\n");
    ev.kind = FP_K_EDIT;
    ev.ref = 2;
    shown(&ev, false, "[2025-11-24 16:00] #5 anna changes #2: (redacted)\n");
    hex_free(null);
    hex_free(hash);
}

static void readers_are_a_line_each(void **state)
{
    (void)state;
    struct fp_bytes value = hex("a2 63 62656e 83 1b0000019ab6c7247b 1b0000019ab6c7247b f6 64 63617261 83 f6 f6 f6");
    struct fp_bytes bad = hex("81 00");
    struct fp_id conv = id("site-7");
    struct str out = {0};
    assert_true(show_readers(&out, false, &conv, 5, value));
    assert_str(out, "ben                   delivered 2025-11-24 16:51  read 2025-11-24 16:51  confirmed -\n"
                    "cara                  delivered -                 read -                 confirmed -\n");
    str_clear(&out);
    assert_true(show_readers(&out, true, &conv, 5, value));
    assert_str(out, "{\"type\":\"reader\",\"conv\":\"site-7\",\"seq\":5,\"user\":\"ben\",\"delivered\":\"2025-11-24T16:51:35.675Z\","
                    "\"read\":\"2025-11-24T16:51:35.675Z\",\"confirmed\":null}\n"
                    "{\"type\":\"reader\",\"conv\":\"site-7\",\"seq\":5,\"user\":\"cara\",\"delivered\":null,\"read\":null,\"confirmed\":null}\n");
    str_clear(&out);
    assert_false(show_readers(&out, true, &conv, 5, bad));
    assert_str(out, "");
    str_fini(&out);
    hex_free(value);
    hex_free(bad);
}

static void who_is_typing_is_a_sentence(void **state)
{
    (void)state;
    struct fp_bytes two = hex("a2 01 82 61 61 61 62 02 05");
    struct fp_id self = id("a");
    struct str out = {0};
    show_typing_names(&out, two, NULL);
    assert_str(out, "a, b and 3 more are typing");
    hex_free(two);
    two = hex("a2 01 82 61 61 61 62 02 02");
    str_clear(&out);
    show_typing_names(&out, two, &self);
    assert_str(out, "b is typing");
    hex_free(two);
    str_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_one_line_whatever_is_in_it),
        cmocka_unit_test(what_members_do_is_told),
        cmocka_unit_test(changes_are_told_in_words),
        cmocka_unit_test(why_a_text_is_not_there_is_told),
        cmocka_unit_test(readers_are_a_line_each),
        cmocka_unit_test(who_is_typing_is_a_sentence),
    };
    setenv("TZ", "UTC", 1);
    tzset();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
