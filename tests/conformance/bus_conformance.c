#include "tests/conformance/bus_conformance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define CONVS 3
#define TELLS 600

static const struct bus_maker *maker; /* cmocka hands nothing through to a group */
static struct bus_port port;

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

static struct fp_id conv_id(unsigned i)
{
    char text[8];
    (void)snprintf(text, sizeof text, "c%u", i);
    return id(text);
}

struct ledger { /* tells are numbered; the number travels as payload or as change */
    uint64_t last_of_conv[CONVS];
    uint64_t last_publish;
    size_t count;
};

static void check_order(void *arg, const struct bus_effect *e)
{
    struct ledger *l = arg;
    uint64_t n = e->change;
    unsigned conv = 0;

    if (e->kind == TELL_PUBLISH) {
        assert_int_equal(e->payload.len, sizeof n);
        memcpy(&n, e->payload.p, sizeof n);
        assert_true(n > l->last_publish);
        l->last_publish = n;
        assert_int_equal(sscanf(e->topic, "fp/1/scope/s/conv/c%u/event", &conv), 1);
    } else {
        conv = (unsigned)(e->id.text[1] - '0');
    }
    assert_in_range(conv, 0, CONVS - 1);
    assert_true(n > l->last_of_conv[conv]); /* a grant and a publish that it concerns never change places */
    l->last_of_conv[conv] = n;
    l->count++;
}

static void grants_and_publishes_of_one_conversation_take_effect_as_told(void **state)
{
    (void)state;
    struct ledger l = {0};
    uint32_t dice = 12345;

    for (uint64_t n = 1; n <= TELLS; n++) {
        dice = dice * 1664525U + 1013904223U;
        struct fp_id conv = conv_id((dice >> 8) % CONVS);
        struct tell t = {.kind = TELL_PUBLISH, .topic = {.kind = FP_TOPIC_CONV_EVENT, .a = id("s"), .b = conv}, .payload = fp_bytes_of(&n, sizeof n)};
        if ((dice >> 16) % 3 == 0) {
            t = (struct tell){.kind = TELL_GRANT_CONV, .id = conv, .user = id("anna"), .allowed = n % 2 == 0, .change = n};
        }
        assert_int_equal(port.tell(port.ctx, &t), FP_OK);
        if ((dice >> 24) % 50 == 0) {
            port.flush(port.ctx);
            maker->deliver(maker->ctx, check_order, &l);
        }
    }
    port.flush(port.ctx);
    maker->deliver(maker->ctx, check_order, &l);
    assert_int_equal(l.count, TELLS); /* B2 */
}

static void keep_last(void *arg, const struct bus_effect *e)
{
    struct bus_effect *last = arg;
    static char topic[FP_TOPIC_MAX];
    static uint8_t payload[64];

    *last = *e;
    (void)snprintf(topic, sizeof topic, "%s", e->topic ? e->topic : "");
    last->topic = topic;
    assert_true(e->payload.len <= sizeof payload);
    if (e->payload.len > 0) {
        memcpy(payload, e->payload.p, e->payload.len);
    }
    last->payload.p = payload;
}

static void what_was_told_arrives_whole_and_was_copied(void **state)
{
    (void)state;
    char payload[] = "hello";
    struct bus_effect got = {0};
    struct tell t = {
        .kind = TELL_PUBLISH,
        .topic = {.kind = FP_TOPIC_CONV_HEAD, .a = id("s"), .b = id("c")},
        .payload = fp_bytes_of(payload, 5),
        .qos = 1,
        .retain = true,
    };

    assert_int_equal(port.tell(port.ctx, &t), FP_OK);
    memset(payload, 'x', 5);
    t = (struct tell){0};
    maker->deliver(maker->ctx, keep_last, &got);
    assert_string_equal(got.topic, "fp/1/scope/s/conv/c/head");
    assert_int_equal(got.payload.len, 5);
    assert_memory_equal(got.payload.p, "hello", 5);
    assert_int_equal(got.qos, 1);
    assert_true(got.retain);

    t = (struct tell){.kind = TELL_PUBLISH, .topic = {.kind = FP_TOPIC_USER_PRESENCE, .a = id("ben")}};
    assert_int_equal(port.tell(port.ctx, &t), FP_OK);
    maker->deliver(maker->ctx, keep_last, &got);
    assert_string_equal(got.topic, "fp/1/user/ben/presence");
    assert_int_equal(got.payload.len, 0);
    assert_false(got.retain);
}

static void each_kind_of_grant_arrives_whole(void **state)
{
    (void)state;
    static const enum tell_kind kinds[] = {TELL_GRANT_CONV, TELL_GRANT_SCOPE, TELL_GRANT_DEVICE};

    for (size_t i = 0; i < 3; i++) {
        struct bus_effect got = {0};
        struct tell t = {.kind = kinds[i], .id = id("thing"), .user = id("anna"), .allowed = i != 1, .change = 40 + i};
        assert_int_equal(port.tell(port.ctx, &t), FP_OK);
        maker->deliver(maker->ctx, keep_last, &got);
        assert_int_equal(got.kind, kinds[i]);
        assert_true(fp_id_eq(&got.id, &t.id));
        assert_true(fp_id_eq(&got.user, &t.user));
        assert_int_equal(got.allowed, i != 1);
        assert_int_equal(got.change, 40 + i);
    }
}

static void an_idle_bus_has_room(void **state)
{
    (void)state;
    assert_true(port.has_room(port.ctx));
}

static void a_bus_without_a_broker_says_so(void **state)
{
    (void)state;
    struct tell t = {.kind = TELL_GRANT_CONV, .id = id("c"), .user = id("anna")};

    assert_int_equal(port.tell(port.ctx, &t), FP_OK);
    maker->stop(maker->ctx);
    assert_int_equal(port.tell(port.ctx, &t), FP_ESHUTDOWN);
    port.flush(port.ctx);
}

int bus_conformance_run(const struct bus_maker *m)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(grants_and_publishes_of_one_conversation_take_effect_as_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_was_told_arrives_whole_and_was_copied, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_kind_of_grant_arrives_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_idle_bus_has_room, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_bus_without_a_broker_says_so, set_up, tear_down),
    };
    maker = m;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
