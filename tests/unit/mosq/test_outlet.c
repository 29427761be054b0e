/* What the bus suite in tests/conformance does not ask: turns, budgets, and when everything has been delivered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "plugin/mosq/outlet.h"

#define SEEN_MAX 4096

struct fixture {
    struct gate gate;
    struct outlet outlet;
    struct bus_port port;
    struct budget budget;
    char seen[SEEN_MAX]; /* p for a publish, g for a grant, l for a line */
    size_t count;
    size_t lines;
    bool no_memory;
    char topic[FP_TOPIC_MAX];
    struct outlet_grant grant; /* the last one */
};

static bool on_publish(void *ctx, const struct outlet_publish *p)
{
    struct fixture *f = ctx;
    if (f->no_memory) {
        return false;
    }
    (void)memcpy(f->topic, p->topic, strlen(p->topic) + 1);
    f->seen[f->count++] = 'p';
    return true;
}

static void on_grant(void *ctx, const struct outlet_grant *g)
{
    struct fixture *f = ctx;
    f->grant = *g;
    f->seen[f->count++] = 'g';
}

static void on_log(void *ctx, enum tell_level level, struct fp_bytes text)
{
    struct fixture *f = ctx;
    assert_int_equal(level, TELL_WARNING);
    assert_int_equal(text.len, 5);
    assert_memory_equal(text.p, "watch", 5);
    f->seen[f->count++] = 'l';
    f->lines++;
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    *state = f;
    if (f == NULL || gate_init(&f->gate) != FP_OK || outlet_init(&f->outlet, 1 << 16, &f->gate, NULL) != FP_OK) {
        return 1;
    }
    budget_init(&f->budget);
    f->port = outlet_port(&f->outlet);
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    outlet_fini(&f->outlet);
    gate_fini(&f->gate);
    free(f);
    return 0;
}

static struct fp_id id(const char *text)
{
    struct fp_id out;
    assert_true(fp_id_parse(text, strlen(text), &out));
    return out;
}

static void tell_event(struct fixture *f, const char *conv, size_t len)
{
    static const uint8_t zeros[1 << 16];
    struct tell t = {
        .kind = TELL_PUBLISH, .topic = {.kind = FP_TOPIC_CONV_EVENT, .a = id("s"), .b = id(conv)}, .payload = fp_bytes_of(zeros, len), .qos = 1};
    assert_int_equal(f->port.tell(f->port.ctx, &t), FP_OK);
}

static void tell_grant(struct fixture *f, const char *conv)
{
    struct tell t = {.kind = TELL_GRANT_CONV, .id = id(conv), .user = id("u"), .allowed = true};
    assert_int_equal(f->port.tell(f->port.ctx, &t), FP_OK);
}

/* One TICK; what it did, as text. */
static const char *tick(struct fixture *f)
{
    struct outlet_turn turn = {0};

    f->count = 0;
    f->lines = 0;
    budget_turn(&f->budget, 0);
    outlet_drain(&f->outlet, &f->budget, (struct outlet_sink){.ctx = f, .publish = on_publish, .grant = on_grant, .log = on_log}, &turn);
    f->seen[f->count] = '\0';
    assert_int_equal(turn.publishes + turn.grants + f->lines, f->count);
    assert_int_equal(turn.left, outlet_has_next(&f->outlet));
    return f->seen;
}

static void a_grant_waits_for_what_was_told_before_it(void **state)
{
    struct fixture *f = *state;

    tell_grant(f, "c1");
    tell_event(f, "c1", 10);
    tell_event(f, "c1", 10);
    tell_grant(f, "c1");
    tell_grant(f, "c1");
    tell_event(f, "c1", 10);
    assert_string_equal(tick(f), "gpp");
    assert_string_equal(tick(f), "ggp");
    assert_string_equal(tick(f), "");
}

static void a_grant_elsewhere_does_not_wait(void **state)
{
    struct fixture *f = *state;

    tell_event(f, "c1", 10);
    tell_grant(f, "another");
    tell_event(f, "another", 10);
    assert_string_equal(tick(f), "pgp");
}

static void a_line_for_the_log_goes_in_its_turn(void **state)
{
    struct fixture *f = *state;
    struct tell t = {.kind = TELL_LOG, .level = TELL_WARNING, .payload = fp_bytes_of("watch", 5)};

    tell_event(f, "c1", 10);
    assert_int_equal(f->port.tell(f->port.ctx, &t), FP_OK);
    tell_grant(f, "another");
    assert_string_equal(tick(f), "plg");
}

static void several_drains_of_one_tick_count_as_one(void **state)
{
    struct fixture *f = *state;
    struct outlet_turn turn = {0};
    struct outlet_sink sink = {.ctx = f, .publish = on_publish, .grant = on_grant};

    tell_event(f, "c1", 10);
    outlet_drain(&f->outlet, &f->budget, sink, &turn);
    tell_grant(f, "c1");
    outlet_drain(&f->outlet, &f->budget, sink, &turn);
    assert_true(turn.left);
    assert_string_equal(tick(f), "g");
}

static void pending_ends_a_turn_after_the_last_publish(void **state)
{
    struct fixture *f = *state;

    assert_false(outlet_pending(&f->outlet));
    assert_int_equal(outlet_wait_us(&f->outlet), UINT64_MAX);
    tell_event(f, "c1", 10);
    assert_true(outlet_pending(&f->outlet));
    assert_int_equal(outlet_wait_us(&f->outlet), WAKER_EVERY_US);
    assert_string_equal(tick(f), "p");
    assert_true(outlet_pending(&f->outlet)); /* O2: handed over, not yet delivered */
    assert_string_equal(tick(f), "");
    assert_false(outlet_pending(&f->outlet));
    tell_grant(f, "c1");
    assert_string_equal(tick(f), "g");
    assert_false(outlet_pending(&f->outlet)); /* a grant is applied at once */
}

static void the_budget_ends_a_tick_and_the_next_one_goes_on(void **state)
{
    struct fixture *f = *state;

    f->budget.count = BUDGET_COUNT_MIN;
    for (int i = 0; i < BUDGET_COUNT_MIN + 1; i++) {
        tell_event(f, "c1", 10);
    }
    assert_string_equal(tick(f), "pppp");
    assert_string_equal(tick(f), "p");
}

static void a_broker_without_memory_is_tried_again(void **state)
{
    struct fixture *f = *state;

    tell_event(f, "c1", 10);
    f->no_memory = true;
    assert_string_equal(tick(f), "");
    assert_true(outlet_pending(&f->outlet));
    f->no_memory = false;
    assert_string_equal(tick(f), "p");
    assert_string_equal(f->topic, "fp/1/scope/s/conv/c1/event");
}

static void a_frame_of_a_trunk_leaves_under_its_relays_topic(void **state)
{
    struct fixture *f = *state;
    struct tell t = {.kind = TELL_PUBLISH, .topic = {.kind = FP_TOPIC_RELAY_DOWN, .a = id("site-b")}, .payload = fp_bytes_of("frame", 5)};

    assert_int_equal(f->port.tell(f->port.ctx, &t), FP_OK);
    assert_string_equal(tick(f), "p");
    assert_string_equal(f->topic, "fp/1/relay/site-b/down");
}

static void too_large_a_payload_is_refused_and_nothing_is_told(void **state)
{
    struct fixture *f = *state;
    static const uint8_t zeros[1 << 15];
    struct tell t = {
        .kind = TELL_PUBLISH, .topic = {.kind = FP_TOPIC_CONV_EVENT, .a = id("s"), .b = id("c")}, .payload = {.p = zeros, .len = 1 << 15}};

    assert_int_equal(f->port.tell(f->port.ctx, &t), FP_ETOOLARGE);
    t.payload.len = SIZE_MAX;
    assert_int_equal(f->port.tell(f->port.ctx, &t), FP_ETOOLARGE);
    assert_false(outlet_pending(&f->outlet));
}

static void a_broker_that_goes_down_blocks_nobody(void **state)
{
    struct fixture *f = *state;

    outlet_stop(&f->outlet, OUTLET_DROPS);
    for (int i = 0; i < 100; i++) {
        tell_event(f, "c1", 2000); /* would wait for ever */
    }
    assert_true(atomic_load(&f->outlet.dropped) > 0);
    outlet_stop(&f->outlet, OUTLET_GIVES_UP);
    struct tell t = {.kind = TELL_GRANT_CONV};
    assert_int_equal(f->port.tell(f->port.ctx, &t), FP_ESHUTDOWN);
}

static void a_promise_is_handed_on_as_it_was_told(void **state)
{
    struct fixture *f = *state;
    struct tell t = {.kind = TELL_ALIVE, .id = id("phone"), .user = id("u"), .conn = 1ULL << 40, .alive_s = 3600};

    assert_int_equal(f->port.tell(f->port.ctx, &t), FP_OK);
    assert_string_equal(tick(f), "g");
    assert_int_equal(f->grant.kind, TELL_ALIVE);
    assert_int_equal(f->grant.conn, 1ULL << 40);
    assert_int_equal(f->grant.alive_s, 3600);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_grant_waits_for_what_was_told_before_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_line_for_the_log_goes_in_its_turn, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_grant_elsewhere_does_not_wait, set_up, tear_down),
        cmocka_unit_test_setup_teardown(several_drains_of_one_tick_count_as_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(pending_ends_a_turn_after_the_last_publish, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_budget_ends_a_tick_and_the_next_one_goes_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_broker_without_memory_is_tried_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_frame_of_a_trunk_leaves_under_its_relays_topic, set_up, tear_down),
        cmocka_unit_test_setup_teardown(too_large_a_payload_is_refused_and_nothing_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_broker_that_goes_down_blocks_nobody, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_promise_is_handed_on_as_it_was_told, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
