#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/hub_kit.h"

static void hello(struct kit *k, const char *device)
{
    struct kit_body b;
    struct fp_command c = kit_hello(&b, NULL, 0);
    kit_send(k, device, &c);
    kit_run(k);
}

static void idle(struct kit *k, const char *device, bool on)
{
    static const uint8_t yes[] = {0xf5}, no[] = {0xf4};
    struct fp_command c = {.kind = FP_K_IDLE, .priority = FP_PRIORITY_NORMAL, .body = fp_bytes_of(on ? yes : no, 1)};
    kit_send(k, device, &c);
}

/* How often it was told since the last kit_clear(), and what at last. */
static size_t told(const struct kit *k, bool *out_allowed)
{
    size_t count = 0;
    for (size_t i = fake_bus_find_grant(&k->bus, TELL_IDLE, "anna-phone", "anna", 0); i != SIZE_MAX;
         i = fake_bus_find_grant(&k->bus, TELL_IDLE, "anna-phone", "anna", i + 1)) {
        *out_allowed = fake_bus_at(&k->bus, i)->tell.allowed;
        count++;
    }
    return count;
}

static void it_is_told_when_it_changes(void **state)
{
    (void)state;
    struct kit k;
    bool in = false;
    kit_open(&k);
    hello(&k, "anna-phone");
    idle(&k, "anna-phone", false); /* it is not */
    kit_run(&k);
    assert_int_equal(told(&k, &in), 0);
    idle(&k, "anna-phone", true);
    idle(&k, "anna-phone", true);
    kit_run(&k);
    assert_int_equal(told(&k, &in), 1);
    assert_true(in);
    idle(&k, "anna-phone", false);
    kit_run(&k);
    assert_int_equal(told(&k, &in), 2);
    assert_false(in);
    kit_close(&k);
}

static void the_end_of_the_session_takes_it_back(void **state)
{
    (void)state;
    struct kit k;
    bool in = true;
    kit_open(&k);
    for (int how = 0; how < 3; how++) {
        hello(&k, "anna-phone");
        idle(&k, "anna-phone", true);
        kit_run(&k);
        kit_clear(&k);
        struct fp_command bye = {.kind = FP_K_BYE, .priority = FP_PRIORITY_NORMAL};
        if (how == 0) {
            kit_disconnect(&k, "anna-phone");
        } else if (how == 1) {
            kit_send(&k, "anna-phone", &bye);
        } else { /* a new connection says hello before the end of the older one is known */
            struct kit_body b;
            struct fp_command c = kit_hello(&b, NULL, 0);
            kit_send(&k, "anna-phone", &c);
            k.items[k.count - 1].conn = 2;
        }
        kit_run(&k);
        assert_int_equal(told(&k, &in), 1);
        assert_false(in);
    }
    kit_close(&k);
}

static void without_a_session_or_with_a_bad_body_it_is_refused(void **state)
{
    (void)state;
    struct kit k;
    bool in = false;
    kit_open(&k);
    idle(&k, "anna-phone", true);
    kit_run(&k);
    assert_true(kit_nacked(&k, "anna-phone", FP_ECONFLICT));
    hello(&k, "anna-phone");
    static const uint8_t one[] = {0x01};
    struct fp_command c = {.kind = FP_K_IDLE, .priority = FP_PRIORITY_NORMAL, .body = fp_bytes_of(one, 1)};
    kit_send(&k, "anna-phone", &c);
    kit_run(&k);
    assert_true(kit_nacked(&k, "anna-phone", FP_EMALFORMED));
    assert_int_equal(told(&k, &in), 0);
    kit_close(&k);
}

static void a_batch_that_fails_leaves_both_sides_agreed(void **state)
{
    (void)state;
    for (uint64_t call = 1; call <= 16; call++) {
        struct kit k;
        struct kit_body b;
        bool in = false;
        kit_open(&k);
        hello(&k, "anna-phone");
        struct fp_command c = kit_conv_new(&b, 1, "kitchen", "house", NULL, NULL, 0);
        kit_send(&k, "anna-phone", &c);
        idle(&k, "anna-phone", true);
        fault_store_arm(&k.fault, call, FP_EIO, false);
        kit_run(&k);
        assert_int_equal(told(&k, &in), 1);
        assert_true(in);
        kit_close(&k);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_told_when_it_changes),
        cmocka_unit_test(the_end_of_the_session_takes_it_back),
        cmocka_unit_test(without_a_session_or_with_a_bad_body_it_is_refused),
        cmocka_unit_test(a_batch_that_fails_leaves_both_sides_agreed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
