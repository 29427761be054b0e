#include "tests/conformance/source_conformance.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ITEMS 200
#define BATCH 7

struct taken {
    struct source_item items[BATCH];
    size_t count;
    struct fp_mono mono;
    struct fp_wall wall;
};

static const struct source_maker *maker; /* cmocka hands nothing through to a group */
static struct source_port port;

static int set_up(void **state)
{
    (void)state;
    port = maker->make(maker->ctx);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    maker->end(maker->ctx);
    return 0;
}

static struct fp_id id(const char *text)
{
    struct fp_id out;
    assert_true(fp_id_parse(text, strlen(text), &out));
    return out;
}

static void push_message(uint64_t conn, const void *payload, size_t len)
{
    struct source_item item = {
        .kind = SOURCE_MESSAGE,
        .topic = FP_TOPIC_DEVICE_UP,
        .user = id("anna"),
        .device = id("tablet"),
        .conn = conn,
        .payload = fp_bytes_of(payload, len),
    };
    maker->push(maker->ctx, &item);
}

static enum fp_err take(struct taken *t, uint64_t wait_us, size_t cap)
{
    return port.take(port.ctx, wait_us, t->items, cap, &t->count, &t->mono, &t->wall);
}

static void items_come_once_and_in_order(void **state)
{
    (void)state;
    struct taken t;
    uint32_t want = 0;
    uint64_t mono = 0;

    for (uint32_t i = 0; i < ITEMS; i++) {
        push_message(1, &i, sizeof i);
    }
    maker->stop(maker->ctx);
    while (take(&t, UINT64_MAX, 1 + want % BATCH) == FP_OK) { /* batches of all sizes */
        assert_in_range(t.count, 1, BATCH);
        for (size_t k = 0; k < t.count; k++, want++) {
            uint32_t got = 0;
            assert_int_equal(t.items[k].payload.len, sizeof got);
            memcpy(&got, t.items[k].payload.p, sizeof got);
            assert_int_equal(got, want);             /* S1 */
            assert_true(t.items[k].mono.us >= mono); /* S2 */
            assert_true(t.items[k].wall.ms > 0);
            mono = t.items[k].mono.us;
        }
        assert_true(t.mono.us >= mono);
        port.done(port.ctx);
    }
    assert_int_equal(want, ITEMS);
}

static void each_kind_arrives_whole(void **state)
{
    (void)state;
    struct taken t;
    struct source_item refused = {
        .kind = SOURCE_REFUSED,
        .topic = FP_TOPIC_DEVICE_NOW,
        .user = id("ben"),
        .device = id("phone"),
        .conn = 77,
        .refused = FP_ETOOLARGE,
        .reason = "too long",
    };
    struct source_item gone = {.kind = SOURCE_DISCONNECT, .user = id("ben"), .device = id("phone"), .conn = 77, .end = SOURCE_END_SILENT};

    push_message(5, "", 0);
    maker->push(maker->ctx, &refused);
    maker->push(maker->ctx, &gone);
    maker->stop(maker->ctx);
    assert_int_equal(take(&t, 0, BATCH), FP_OK);
    assert_int_equal(t.count, 3);
    assert_int_equal(t.items[0].kind, SOURCE_MESSAGE);
    assert_int_equal(t.items[0].payload.len, 0);
    assert_int_equal(t.items[0].topic, FP_TOPIC_DEVICE_UP);
    assert_int_equal(t.items[0].conn, 5);
    assert_int_equal(t.items[1].kind, SOURCE_REFUSED);
    assert_int_equal(t.items[1].topic, FP_TOPIC_DEVICE_NOW);
    assert_int_equal(t.items[1].refused, FP_ETOOLARGE);
    assert_string_equal(t.items[1].reason, "too long");
    assert_true(fp_id_eq(&t.items[1].user, &refused.user));
    assert_int_equal(t.items[2].kind, SOURCE_DISCONNECT);
    assert_int_equal(t.items[2].end, SOURCE_END_SILENT);
    assert_int_equal(t.items[2].conn, 77);
    assert_true(fp_id_eq(&t.items[2].device, &gone.device));
    port.done(port.ctx);
}

static void payloads_are_copied_and_stay_until_done(void **state)
{
    (void)state;
    struct taken t;
    uint8_t first[300];

    memset(first, 'a', sizeof first);
    push_message(1, first, sizeof first);
    memset(first, 'x', sizeof first);
    assert_int_equal(take(&t, 0, BATCH), FP_OK);
    for (uint32_t i = 0; i < ITEMS; i++) {
        push_message(1, first, sizeof first);
    }
    assert_int_equal(t.count, 1);
    for (size_t i = 0; i < sizeof first; i++) {
        assert_int_equal(t.items[0].payload.p[i], 'a');
    }
    port.done(port.ctx);
}

static void a_wait_for_nothing_ends_and_time_has_passed(void **state)
{
    (void)state;
    struct taken t;

    push_message(1, "x", 1);
    maker->quiet(maker->ctx, 3000);
    assert_int_equal(take(&t, 0, BATCH), FP_OK);
    assert_int_equal(t.count, 1);
    port.done(port.ctx);
    uint64_t before = t.mono.us;
    assert_int_equal(take(&t, 2000, BATCH), FP_OK);
    assert_int_equal(t.count, 0);
    assert_true(t.mono.us - before >= 2000);
    port.done(port.ctx);
    assert_int_equal(take(&t, 0, BATCH), FP_OK); /* 0: only a look */
    assert_int_equal(t.count, 0);
    port.done(port.ctx);
}

static void after_the_stop_the_rest_comes_and_then_the_end(void **state)
{
    (void)state;
    struct taken t;

    push_message(1, "a", 1);
    push_message(1, "b", 1);
    maker->stop(maker->ctx);
    assert_int_equal(take(&t, UINT64_MAX, 1), FP_OK);
    assert_int_equal(t.count, 1);
    port.done(port.ctx);
    assert_int_equal(take(&t, UINT64_MAX, 1), FP_OK);
    assert_int_equal(t.count, 1);
    assert_int_equal(t.items[0].payload.p[0], 'b');
    port.done(port.ctx);
    for (int i = 0; i < 2; i++) { /* it stays the end */
        assert_int_equal(take(&t, UINT64_MAX, 1), FP_ESHUTDOWN);
        assert_int_equal(t.count, 0);
        port.done(port.ctx);
    }
}

int source_conformance_run(const struct source_maker *m)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(items_come_once_and_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_kind_arrives_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(payloads_are_copied_and_stay_until_done, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_wait_for_nothing_ends_and_time_has_passed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(after_the_stop_the_rest_comes_and_then_the_end, set_up, tear_down),
    };
    maker = m;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
