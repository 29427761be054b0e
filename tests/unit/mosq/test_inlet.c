/* What the source suite in tests/conformance does not ask: the room for DISCONNECT, refusals, and sleeping. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "plugin/mosq/clock.h"
#include "plugin/mosq/inlet.h"

struct fixture {
    struct gate gate;
    struct inlet inlet;
    struct source_port port;
    size_t idle_calls;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    *state = f;
    if (f == NULL || gate_init(&f->gate) != FP_OK || inlet_init(&f->inlet, 1 << 16, &f->gate) != FP_OK) {
        return 1;
    }
    f->port = inlet_port(&f->inlet);
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    inlet_fini(&f->inlet);
    gate_fini(&f->gate);
    free(f);
    return 0;
}

static enum fp_err push(struct fixture *f, uint64_t conn, size_t len, bool first)
{
    static const uint8_t zeros[1 << 17];
    struct source_item item = {.kind = SOURCE_MESSAGE, .conn = conn, .payload = fp_bytes_of(zeros, len)};
    return inlet_push(&f->inlet, &item, first);
}

static size_t take(struct fixture *f, uint64_t wait_us, struct source_item *items, size_t cap)
{
    size_t count = 0;
    struct fp_mono mono;
    struct fp_wall wall;
    assert_int_equal(f->port.take(f->port.ctx, wait_us, items, cap, &count, &mono, &wall), FP_OK);
    return count;
}

static void a_full_ring_refuses_messages_but_never_a_disconnect(void **state)
{
    struct fixture *f = *state;
    struct source_item items[512];

    for (size_t shift = 0; shift < 40; shift++) { /* the wrap lies elsewhere each time */
        uint64_t conns = 0;
        assert_int_equal(push(f, 999, shift * 8, false), FP_OK);
        assert_int_equal(take(f, 0, items, 512), 1);
        f->port.done(f->port.ctx);
        while (push(f, conns + 1, 100, true) == FP_OK) {
            conns++;
        }
        assert_true(conns > 50);
        assert_int_equal(push(f, 1, 100, false), FP_EAGAIN);
        for (uint64_t c = 1; c <= conns; c++) {
            inlet_push_disconnect(&f->inlet, &(struct source_item){.kind = SOURCE_DISCONNECT, .conn = c}); /* N1: asserts that there is room */
        }
        assert_int_equal(f->inlet.connections, 0);
        assert_int_equal(take(f, 0, items, 512), conns * 2);
        assert_int_equal(items[conns * 2 - 1].kind, SOURCE_DISCONNECT);
        assert_int_equal(items[conns * 2 - 1].conn, conns);
        f->port.done(f->port.ctx);
    }
    assert_true(f->inlet.refused >= 80);
}

static void a_refused_first_message_sets_no_room_aside(void **state)
{
    struct fixture *f = *state;

    while (push(f, 1, 1000, false) == FP_OK) {
    }
    assert_int_equal(push(f, 2, 1000, true), FP_EAGAIN);
    assert_int_equal(f->inlet.connections, 0);
}

static void the_longest_payload_fits_and_a_longer_one_does_not(void **state)
{
    struct fixture *f = *state;
    struct source_item item;

    assert_int_equal(push(f, 1, inlet_payload_max(&f->inlet) + 1, true), FP_EAGAIN);
    assert_int_equal(push(f, 1, inlet_payload_max(&f->inlet), true), FP_OK);
    assert_int_equal(take(f, 0, &item, 1), 1);
    assert_int_equal(item.payload.len, inlet_payload_max(&f->inlet));
}

static uint64_t short_wait(void *arg)
{
    struct fixture *f = arg;
    f->idle_calls++;
    return 1000;
}

static void waiting_is_cut_into_the_pieces_that_idle_asks_for(void **state)
{
    struct fixture *f = *state;
    struct source_item item;

    inlet_set_idle(&f->inlet, (struct inlet_idle){.wait_us = short_wait, .arg = f});
    uint64_t begun = clock_mono().us;
    assert_int_equal(take(f, 10000, &item, 1), 0);
    assert_true(clock_mono().us - begun >= 10000);
    assert_in_range(f->idle_calls, 2, 11);
}

static void pushing_to_an_engine_that_is_awake_makes_no_system_call(void **state)
{
    struct fixture *f = *state;
    struct source_item items[8];

    for (int i = 0; i < 100; i++) {
        assert_int_equal(push(f, 1, 10, false), FP_OK);
        assert_int_equal(take(f, 1000000, items, 8), 1);
        f->port.done(f->port.ctx);
    }
    assert_int_equal(atomic_load(&f->gate.wakes), 0);
}

static void nothing_is_taken_in_after_a_stop_and_giving_up_leaves_the_rest(void **state)
{
    struct fixture *f = *state;
    struct source_item item;
    size_t count = 7;
    struct fp_mono mono;
    struct fp_wall wall;

    assert_int_equal(push(f, 1, 10, true), FP_OK);
    assert_int_equal(push(f, 1, 10, false), FP_OK);
    inlet_stop(&f->inlet, INLET_DRAINS);
    assert_int_equal(push(f, 1, 10, false), FP_ESHUTDOWN);
    assert_int_equal(take(f, UINT64_MAX, &item, 1), 1);
    inlet_stop(&f->inlet, INLET_GIVES_UP);
    assert_int_equal(f->port.take(f->port.ctx, UINT64_MAX, &item, 1, &count, &mono, &wall), FP_ESHUTDOWN);
    assert_int_equal(count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_full_ring_refuses_messages_but_never_a_disconnect, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_refused_first_message_sets_no_room_aside, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_longest_payload_fits_and_a_longer_one_does_not, set_up, tear_down),
        cmocka_unit_test_setup_teardown(waiting_is_cut_into_the_pieces_that_idle_asks_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(pushing_to_an_engine_that_is_awake_makes_no_system_call, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_is_taken_in_after_a_stop_and_giving_up_leaves_the_rest, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
