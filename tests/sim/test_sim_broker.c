/*
 * The broker of the simulations, and its network: what the simulations stand on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/support/sim_broker.h"

struct raw { /* a client of a few packets */
    struct fp_transport t;
    uint8_t in[8192];
    size_t in_len;
};

static struct sim_net *net;
static struct sim_broker broker;

static int set_up(void **state)
{
    (void)state;
    net = sim_net_new(7, (struct sim_shape){.delay_us = 1000, .jitter_us = 500, .chunk_max = 5, .window_bytes = 4096});
    sim_broker_open(&broker, net, 8, (struct sim_watch){0});
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    sim_broker_close(&broker);
    sim_net_free(net);
    return 0;
}

static void pass(uint64_t us)
{
    for (uint64_t end = sim_net_now(net).us + us; sim_net_now(net).us < end;) {
        sim_net_set_now(net, (struct fp_mono){.us = sim_net_now(net).us + 500});
        sim_broker_run(&broker);
    }
}

static void collect(struct raw *r)
{
    size_t len = 0;
    while (r->t.read(r->t.ctx, r->in + r->in_len, sizeof(r->in) - r->in_len, &len) == FP_OK) {
        r->in_len += len;
    }
}

static void push(struct raw *r, const struct fp_mqtt_out *o)
{
    size_t at = 0;
    while (at < o->len) {
        size_t n = 0;
        assert_int_equal(r->t.write(r->t.ctx, o->buf + at, o->len - at, &n), FP_OK);
        at += n;
    }
    for (int i = 0; i < 40; i++) {
        pass(5000);
        collect(r);
    }
}

static struct fp_mqtt_out out(void)
{
    static uint8_t buf[4096];
    return (struct fp_mqtt_out){.buf = buf, .cap = sizeof(buf)};
}

static void come(struct raw *r, size_t link, const char *user, const char *device)
{
    char status[FP_TOPIC_MAX];
    struct fp_topic t = {.kind = FP_TOPIC_DEVICE_STATUS, .a = kit_id(device)};
    assert_true(fp_topic_build(&t, status, sizeof(status)) > 0);
    memset(r, 0, sizeof(*r));
    r->t = sim_net_transport(net, link);
    while (r->t.open(r->t.ctx) == FP_EAGAIN) {
        pass(1000);
    }
    struct fp_mqtt_out o = out();
    assert_true(fp_mqtt_put_connect(&o, &(struct fp_mqtt_connect){.client_id = device,
                                                                  .user = user,
                                                                  .will_topic = status,
                                                                  .will_payload = "offline",
                                                                  .will_qos = 1,
                                                                  .will_retain = true,
                                                                  .clean_session = true,
                                                                  .keepalive_s = 10}));
    push(r, &o);
}

static void ask(struct raw *r, const char *filter)
{
    struct fp_mqtt_out o = out();
    assert_true(fp_mqtt_put_subscribe(&o, 9, filter, 1));
    push(r, &o);
}

static void say(struct raw *r, const char *device, const struct fp_command *c)
{
    char topic[FP_TOPIC_MAX];
    uint8_t buf[1024];
    struct fp_enc e;
    struct fp_topic t = {.kind = FP_TOPIC_DEVICE_UP, .a = kit_id(device)};
    struct fp_mqtt_publish p = {.topic = topic, .qos = 1, .id = 5};
    struct fp_mqtt_out o = out();
    size_t cap = 0;
    assert_true(fp_topic_build(&t, topic, sizeof(topic)) > 0);
    fp_enc_init(&e, buf, sizeof(buf));
    assert_true(fp_command_encode(&e, c));
    uint8_t *at = fp_mqtt_publish_begin(&o, &p, &cap);
    assert_non_null(at);
    memcpy(at, buf, e.len);
    fp_mqtt_publish_end(&o, &p, e.len);
    push(r, &o);
}

/* The next packet of that type, or false; drops what is in front of it. */
static bool next(struct raw *r, enum fp_mqtt_type type, struct fp_mqtt_packet *p)
{
    static uint8_t kept[sizeof(r->in)];
    struct fp_mqtt_reader reader = {0};
    size_t used = 0;
    while (r->in_len > 0 && fp_mqtt_read(&reader, fp_bytes_of(r->in, r->in_len), sizeof(r->in), false, p, &used) == FP_OK) {
        memcpy(kept, r->in, used);
        r->in_len -= used;
        memmove(r->in, r->in + used, r->in_len);
        used = 0;
        assert_int_equal(fp_mqtt_read(&reader, fp_bytes_of(kept, sizeof(kept)), sizeof(kept), false, p, &used), FP_OK);
        if (p->type == type) {
            return true;
        }
    }
    return false;
}

static void what_a_device_publishes_is_acked_by_the_hub_and_reaches_the_members(void **state)
{
    (void)state;
    struct raw anna, ben;
    struct kit_body b;
    struct fp_mqtt_packet p;
    struct fp_reply reply;
    static const char *const members[] = {"ben"};
    static const uint64_t roles[] = {1};

    come(&anna, 0, "anna", "anna-phone");
    assert_true(next(&anna, FP_MQTT_CONNACK, &p));
    ask(&anna, "fp/1/device/anna-phone/down");
    struct fp_command cmd = kit_conv_new(&b, 1, "kitchen", "house", members, roles, 1);
    say(&anna, "anna-phone", &cmd);
    assert_true(next(&anna, FP_MQTT_PUBACK, &p));
    assert_true(next(&anna, FP_MQTT_PUBLISH, &p));
    assert_int_equal(fp_reply_decode(p.payload, &reply), FP_OK);
    assert_int_equal(reply.what, FP_REPLY_ACK);

    come(&ben, 1, "ben", "ben-phone");
    ask(&ben, "fp/1/scope/house/conv/+/event");
    assert_true(next(&ben, FP_MQTT_SUBACK, &p));
    assert_int_equal(p.payload.p[0], 1);
    cmd = kit_msg(&b, 2, "kitchen", "hello");
    say(&anna, "anna-phone", &cmd);
    collect(&ben);
    assert_true(next(&ben, FP_MQTT_PUBLISH, &p));
    assert_memory_equal(p.topic.p, "fp/1/scope/house/conv/kitchen/event", p.topic.len);
}

static void who_is_no_member_may_not_subscribe(void **state)
{
    (void)state;
    struct raw carl;
    struct fp_mqtt_packet p;
    come(&carl, 0, "carl", "carl-phone");
    ask(&carl, "fp/1/scope/house/conv/+/event");
    assert_true(next(&carl, FP_MQTT_SUBACK, &p));
    assert_int_equal(p.payload.p[0], 0x80);
    assert_int_equal(broker.refused, 1);
}

static void a_link_that_goes_silent_ends_with_the_will(void **state)
{
    (void)state;
    struct raw anna;
    come(&anna, 0, "anna", "anna-phone");
    assert_null(broker.retained);
    sim_net_cut(net, 0, SIM_CUT_SILENT);
    pass(16000000);
    assert_non_null(broker.retained);
    assert_string_equal(broker.retained->topic, "fp/1/device/anna-phone/status");
    assert_null(broker.peers);
}

/* A hello that promises a word each 2 s, on a connection whose keep-alive is 10 s. */
static void who_does_not_say_what_he_promised_is_ended(void **state)
{
    (void)state;
    struct raw anna;
    struct fp_command hello = {.kind = FP_K_HELLO, .priority = FP_PRIORITY_NORMAL, .body = fp_bytes_of("\xa2\x01\x01\x07\x02", 5)};
    struct fp_command heads = {.kind = FP_K_HEADS, .priority = FP_PRIORITY_NORMAL};
    come(&anna, 0, "anna", "anna-phone");
    say(&anna, "anna-phone", &hello);
    for (int i = 0; i < 3; i++) {
        pass(2500000);
        say(&anna, "anna-phone", &heads);
        assert_non_null(broker.peers);
    }
    for (int i = 0; i < 3; i++) {
        struct fp_mqtt_out o = out();
        assert_non_null(broker.peers);
        assert_true(fp_mqtt_put_pingreq(&o));
        push(&anna, &o);
        pass(800000);
    }
    assert_null(broker.peers);
}

static void a_second_connection_of_a_device_ends_the_first(void **state)
{
    (void)state;
    struct raw one, two;
    size_t n = 0;
    come(&one, 0, "anna", "anna-phone");
    come(&two, 1, "anna", "anna-phone");
    collect(&one);
    assert_int_equal(one.t.read(one.t.ctx, one.in, 1, &n), FP_EIO);
    assert_int_equal(two.t.read(two.t.ctx, two.in, 1, &n), FP_EAGAIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_a_device_publishes_is_acked_by_the_hub_and_reaches_the_members, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_is_no_member_may_not_subscribe, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_link_that_goes_silent_ends_with_the_will, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_does_not_say_what_he_promised_is_ended, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_second_connection_of_a_device_ends_the_first, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
