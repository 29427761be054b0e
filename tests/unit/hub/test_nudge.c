#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>

#include "tests/support/hub_kit.h"

static void hello(struct kit *k, const char *device)
{
    struct kit_body b;
    struct fp_command c = kit_hello(&b, NULL, 0);
    kit_send(k, device, &c);
    kit_run(k);
}

static void receipt(struct kit *k, const char *device, const char *conv, uint64_t delivered)
{
    uint8_t buf[128];
    struct fp_enc e;
    fp_enc_init(&e, buf, sizeof(buf));
    fp_enc_map(&e, 1);
    fp_enc_text(&e, conv, strlen(conv));
    fp_enc_array(&e, 1);
    fp_enc_uint(&e, delivered);
    struct fp_command c = {.kind = FP_K_RECEIPT, .priority = FP_PRIORITY_NORMAL, .body = fp_enc_bytes_of(&e)};
    assert_false(e.failed);
    kit_send(k, device, &c);
    kit_run(k);
}

static void say(struct kit *k, uint64_t n)
{
    struct kit_body b;
    struct fp_command c = kit_msg(&b, n, "kitchen", "hello");
    kit_send(k, "anna-phone", &c);
    kit_run(k);
}

/* Ben is connected and has all up to seq 1. */
static void open_kitchen(struct kit *k)
{
    static const char *const members[] = {"ben"};
    static const uint64_t roles[] = {1};
    struct kit_body b;

    kit_open(k);
    struct fp_command c = kit_conv_new(&b, 1, "kitchen", "house", members, roles, 1);
    kit_send(k, "anna-phone", &c);
    kit_run(k);
    kit_idle(k);
    hello(k, "ben-phone");
    receipt(k, "ben-phone", "kitchen", 1);
    kit_clear(k);
}

static void pass(struct kit *k, uint64_t ms)
{
    kit_pass(k, ms);
    kit_run(k);
}

/* The nudges told since the last kit_clear(); *out_head of the last one. */
static size_t nudges(const struct kit *k, uint64_t *out_head)
{
    struct fp_reply r;
    struct fp_id conv;
    struct fp_id kitchen = kit_id("kitchen");
    size_t count = 0;
    for (size_t i = 0; kit_reply(k, "ben-phone", i, &r); i++) {
        while (r.what == FP_REPLY_NUDGE && fp_reply_nudge(&r, &conv, out_head)) {
            assert_true(fp_id_eq(&conv, &kitchen));
            count++;
        }
    }
    return count;
}

static void who_stays_behind_is_told_the_head_once(void **state)
{
    (void)state;
    struct kit k;
    uint64_t head = 0;
    open_kitchen(&k);
    say(&k, 2);
    pass(&k, 29999);
    assert_int_equal(nudges(&k, &head), 0);
    assert_true(hub_wait_us(k.hub, k.mono) <= 1000);
    pass(&k, 1);
    assert_int_equal(nudges(&k, &head), 1);
    assert_int_equal(head, 2);
    pass(&k, 100000);
    assert_int_equal(nudges(&k, &head), 1);
    say(&k, 3); /* another head */
    pass(&k, 10000);
    say(&k, 4);
    pass(&k, 20000);
    assert_int_equal(nudges(&k, &head), 2);
    assert_int_equal(head, 4);
    kit_close(&k);
}

static void who_catches_up_is_left_alone(void **state)
{
    (void)state;
    struct kit k;
    uint64_t head = 0;
    open_kitchen(&k);
    say(&k, 2);
    pass(&k, 29000);
    receipt(&k, "ben-phone", "kitchen", 2);
    pass(&k, 100000);
    assert_int_equal(nudges(&k, &head), 0);
    say(&k, 3); /* he is behind from now on, not since then */
    pass(&k, 29999);
    assert_int_equal(nudges(&k, &head), 0);
    kit_close(&k);
}

static void moving_on_or_asking_gives_him_time(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    uint64_t head = 0;
    open_kitchen(&k);
    say(&k, 2);
    say(&k, 3);
    pass(&k, 20000);
    receipt(&k, "ben-phone", "kitchen", 2);
    pass(&k, 20000);
    assert_int_equal(nudges(&k, &head), 0);
    struct fp_command c = kit_get(&b, "kitchen", 2, 0, 0, false);
    kit_send(&k, "ben-phone", &c);
    kit_run(&k);
    pass(&k, 29999);
    assert_int_equal(nudges(&k, &head), 0);
    receipt(&k, "ben-phone", "kitchen", 1); /* an old one is no sign of life */
    pass(&k, 1);
    assert_int_equal(nudges(&k, &head), 1);
    kit_close(&k);
}

static void who_never_sent_a_receipt_is_idle_has_gone_or_left_is_not_nudged(void **state)
{
    (void)state;
    static const uint8_t yes[] = {0xf5};
    for (int how = 0; how < 4; how++) {
        struct kit k;
        struct kit_body b;
        uint64_t head = 0;
        open_kitchen(&k);
        struct fp_command idle = {.kind = FP_K_IDLE, .priority = FP_PRIORITY_NORMAL, .body = fp_bytes_of(yes, 1)};
        struct fp_command leave = kit_member(&b, 1, FP_K_MEMBER_REMOVE, "kitchen", "ben", -1, -1);
        if (how == 0) {
            kit_send(&k, "ben-phone", &idle);
        } else if (how == 1) {
            kit_disconnect(&k, "ben-phone");
        } else if (how == 2) {
            kit_send(&k, "ben-phone", &leave);
        } else { /* another session, which has not sent any yet */
            struct kit_body hello_body;
            struct fp_command c = kit_hello(&hello_body, NULL, 0);
            kit_send(&k, "ben-phone", &c);
            k.items[k.count - 1].conn = 2;
        }
        kit_run(&k);
        say(&k, 2);
        pass(&k, 60000);
        assert_int_equal(nudges(&k, &head), 0);
        kit_close(&k);
    }
}

static void it_waits_for_room(void **state)
{
    (void)state;
    struct kit k;
    uint64_t head = 0;
    open_kitchen(&k);
    say(&k, 2);
    k.bus.no_room = true;
    pass(&k, 40000);
    assert_int_equal(nudges(&k, &head), 0);
    assert_int_equal(hub_wait_us(k.hub, k.mono), 1000);
    k.bus.no_room = false;
    kit_run(&k);
    assert_int_equal(nudges(&k, &head), 1);
    kit_close(&k);
}

static void sixty_four_conversations_of_a_session_are_watched(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    open_kitchen(&k);
    hello(&k, "anna-tablet");
    for (uint64_t n = 2; n <= 80; n++) {
        char conv[16];
        (void)snprintf(conv, sizeof(conv), "c%d", (int)n);
        struct fp_command c = kit_conv_new(&b, n, conv, "house", NULL, NULL, 0);
        kit_send(&k, "anna-phone", &c);
        kit_run(&k);
        receipt(&k, "anna-tablet", conv, 0);
    }
    pass(&k, 30000);
    kit_idle(&k);
    size_t count = 0;
    struct fp_reply r;
    for (size_t i = 0; kit_reply(&k, "anna-tablet", i, &r); i++) {
        count += r.what == FP_REPLY_NUDGE;
    }
    assert_int_equal(count, 64);
    kit_close(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_stays_behind_is_told_the_head_once),
        cmocka_unit_test(who_catches_up_is_left_alone),
        cmocka_unit_test(moving_on_or_asking_gives_him_time),
        cmocka_unit_test(who_never_sent_a_receipt_is_idle_has_gone_or_left_is_not_nudged),
        cmocka_unit_test(it_waits_for_room),
        cmocka_unit_test(sixty_four_conversations_of_a_session_are_watched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
