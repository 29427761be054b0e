#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/hub_kit.h"

#define EVENT "fp/1/scope/house/conv/kitchen/event"

static void begin(struct kit *k)
{
    static const char *const members[] = {"ben"};
    static const uint64_t roles[] = {1};
    struct kit_body b;
    kit_open(k);
    struct fp_command c = kit_conv_new(&b, 1, "kitchen", "house", members, roles, 1);
    kit_send(k, "anna-phone", &c);
    kit_run(k);
}

/* A message that is to go after ttl_s, composed age_ms ago. */
static void say(struct kit *k, uint64_t n, uint64_t ttl_s, uint64_t age_ms)
{
    struct kit_body b;
    struct fp_command c = kit_msg(&b, n, "kitchen", "hello");
    c.has_ttl = true;
    c.ttl_s = ttl_s;
    c.has_age = age_ms > 0;
    c.age_ms = age_ms;
    kit_send(k, "anna-phone", &c);
    kit_run(k);
}

static void pass(struct kit *k, uint64_t ms)
{
    kit_pass(k, ms);
    kit_run(k);
    assert_int_equal(k->last, FP_OK);
}

struct found {
    size_t deletes;
    struct fp_event ev; /* the last of them */
};

static bool look(void *arg, const struct store_run *run)
{
    struct found *f = arg;
    struct fp_bytes rest = run->events;
    struct fp_bytes one;
    struct fp_event ev;
    while (fp_run_next(&rest, &one)) {
        assert_int_equal(fp_event_decode(one, &ev), FP_OK);
        if (ev.kind == FP_K_DELETE) {
            f->deletes++;
            f->ev = ev;
        }
    }
    return true;
}

static struct found deletes(struct kit *k)
{
    struct found f = {0};
    struct store_port p = mem_store_port(k->mem);
    assert_int_equal(p.each_run(p.ctx, 1, 1, UINT64_MAX >> 1, look, &f), FP_OK);
    return f;
}

static bool count_timer(void *arg, const struct store_timer *t)
{
    (void)t;
    ++*(size_t *)arg;
    return true;
}

static size_t timers(struct kit *k)
{
    size_t count = 0;
    struct store_port p = mem_store_port(k->mem);
    assert_int_equal(p.each_timer(p.ctx, count_timer, &count), FP_OK);
    return count;
}

static void a_message_is_deleted_by_the_hub_when_its_ttl_runs_out(void **state)
{
    (void)state;
    struct kit k;
    begin(&k);
    say(&k, 2, 60, 0);
    pass(&k, 59999);
    assert_int_equal(deletes(&k).deletes, 0);
    pass(&k, 1);
    struct found f = deletes(&k);
    assert_int_equal(f.deletes, 1);
    assert_int_equal(f.ev.ref, 2);
    assert_int_equal(f.ev.seq, 3);
    assert_int_equal(f.ev.version, 3);
    assert_true(f.ev.flags & FP_FLAG_HUB);
    assert_memory_equal(f.ev.user.text, "~hub", 5);
    assert_memory_equal(f.ev.device.text, "~hub", 5);
    assert_true(fake_bus_find(&k.bus, EVENT, 0) != SIZE_MAX);
    assert_int_equal(fake_bus_count(&k.bus, "fp/1/device/~hub/down"), 0);

    struct store_port p = mem_store_port(k.mem);
    struct store_target t;
    bool known = false;
    assert_int_equal(p.load_target(p.ctx, 1, 2, &t, &known), FP_OK);
    assert_true(known && t.body_at == 0 && t.version == 3);
    pass(&k, 1000000);
    assert_int_equal(deletes(&k).deletes, 1);
    kit_close(&k);
}

static void what_a_message_has_waited_for_on_its_device_counts(void **state)
{
    (void)state;
    struct kit k;
    begin(&k);
    say(&k, 2, 60, 50000);
    pass(&k, 9999);
    assert_int_equal(deletes(&k).deletes, 0);
    pass(&k, 1);
    assert_int_equal(deletes(&k).deletes, 1);
    kit_close(&k);
}

static void what_is_deleted_already_is_not_deleted_again(void **state)
{
    (void)state;
    struct kit k;
    begin(&k);
    say(&k, 2, 60, 0);
    struct fp_command c = {.kind = FP_K_DELETE, .n = 3, .conv = kit_id("kitchen"), .ref = 2, .priority = FP_PRIORITY_NORMAL};
    kit_send(&k, "anna-phone", &c);
    kit_run(&k);
    assert_int_equal(deletes(&k).deletes, 1);
    pass(&k, 60000);
    struct found f = deletes(&k);
    assert_int_equal(f.deletes, 1);
    assert_int_equal(f.ev.flags & FP_FLAG_HUB, 0);
    assert_int_equal(timers(&k), 0);
    kit_close(&k);
}

static void a_ttl_beyond_all_time_is_none(void **state)
{
    (void)state;
    struct kit k;
    begin(&k);
    say(&k, 2, UINT64_MAX, 0);
    say(&k, 3, UINT64_MAX / 1000 + 1, 1);
    say(&k, 4, 1ULL << 40, 0);
    assert_true(kit_acked(&k, "anna-phone", 4, 4));
    for (int i = 0; i < 10; i++) {
        pass(&k, 1000ULL * 86400 * 3650);
    }
    assert_int_equal(deletes(&k).deletes, 0);
    kit_close(&k);
}

static void only_messages_have_a_life_of_their_own(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    begin(&k);
    struct fp_command c = kit_conv_new(&b, 2, "cellar", "house", NULL, NULL, 0);
    c.has_ttl = true;
    c.ttl_s = 10;
    kit_send(&k, "anna-phone", &c);
    kit_run(&k);
    assert_true(kit_acked(&k, "anna-phone", 2, 1));
    assert_int_equal(timers(&k), 0);
    pass(&k, 20000);
    assert_int_equal(deletes(&k).deletes, 0);
    kit_close(&k);
}

/* The numbers of the hub's own device go on after a start. */
static void two_messages_are_deleted_by_two_commands_of_the_hub(void **state)
{
    (void)state;
    struct kit k;
    begin(&k);
    say(&k, 2, 10, 0);
    say(&k, 3, 20, 0);
    pass(&k, 10000);
    assert_int_equal(deletes(&k).ev.n, 1);
    kit_restart(&k);
    pass(&k, 10000);
    struct found f = deletes(&k);
    assert_int_equal(f.deletes, 2);
    assert_int_equal(f.ev.n, 2);
    assert_int_equal(f.ev.ref, 3);
    kit_close(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_deleted_by_the_hub_when_its_ttl_runs_out),
        cmocka_unit_test(what_a_message_has_waited_for_on_its_device_counts),
        cmocka_unit_test(what_is_deleted_already_is_not_deleted_again),
        cmocka_unit_test(a_ttl_beyond_all_time_is_none),
        cmocka_unit_test(only_messages_have_a_life_of_their_own),
        cmocka_unit_test(two_messages_are_deleted_by_two_commands_of_the_hub),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
