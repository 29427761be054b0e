#include "tests/unit/client/test_kit.h"

struct seen {
    uint64_t tickets[8];
    size_t count, stop_after;
    bool texts_right;
};

static bool look(void *arg, uint64_t ticket, enum fp_send_state state, const struct fp_command *cmd)
{
    struct seen *s = arg;
    const uint8_t text[] = {0xa1, 0x01, 0x64, 't', 'e', 'x', 't'};
    s->texts_right = state == FP_SEND_QUEUED && cmd->kind == FP_K_MSG && cmd->n == 0 && fp_bytes_eq(cmd->body, fp_bytes_of(text, sizeof(text)));
    s->tickets[s->count++] = ticket;
    return s->count < s->stop_after;
}

static void the_oldest_come_first_and_false_stops(void **state)
{
    (void)state;
    struct kit *k = kit_new(70000, 4096);
    struct seen all = {.stop_after = 8};
    struct seen one = {.stop_after = 1};
    for (int i = 0; i < 4; i++) {
        (void)kit_say(k, "text");
    }
    assert_int_equal(fp_client_cancel(k->c, 2), FP_OK);
    assert_int_equal(fp_client_each_pending(k->c, look, &all), FP_OK);
    assert_true(all.count == 3 && all.tickets[0] == 1 && all.tickets[1] == 3 && all.tickets[2] == 4 && all.texts_right);
    assert_int_equal(fp_client_each_pending(k->c, look, &one), FP_OK);
    assert_int_equal(one.count, 1);
    assert_int_equal(fp_client_pending(k->c), 3);
    kit_free(k);
}

static void a_text_that_is_too_long_or_no_utf8_is_refused(void **state)
{
    (void)state;
    struct kit *k = kit_new(70000, 1024);
    static char text[2000];
    memset(text, 'x', sizeof(text));
    assert_int_equal(fp_client_say(k->c, &k->conv, text, sizeof(text), kit_now(k), NULL), FP_ETOOLARGE);
    assert_int_equal(fp_client_say(k->c, &k->conv, text, 1000, kit_now(k), NULL), FP_ETOOLARGE);
    assert_int_equal(fp_client_say(k->c, &k->conv, text, 800, kit_now(k), NULL), FP_OK);
    assert_int_equal(fp_client_say(k->c, &k->conv, "\xff", 1, kit_now(k), NULL), FP_EMALFORMED);
    assert_int_equal(fp_client_pending(k->c), 1);
    kit_free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_oldest_come_first_and_false_stops),
        cmocka_unit_test(a_text_that_is_too_long_or_no_utf8_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
