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
        cmocka_unit_test(who_is_typing_is_a_sentence),
    };
    setenv("TZ", "UTC", 1);
    tzset();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
