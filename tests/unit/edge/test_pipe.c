#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "edge-relay/app/frames.h"
#include "edge-relay/app/pipe.h"
#include "firmware-client/core/mqtt.h"
#include "fp/trunk.h"

#define SECOND 1000000ULL

/* One broker, as far as a pipe sees of it: bytes both ways, and what it was asked. */
struct broker {
    uint8_t in[600000], out[600000]; /* to the pipe, from the pipe */
    size_t in_len, out_len, parsed;
    bool refuses, ended, blocked, silent; /* silent: takes bytes and says nothing */
    uint8_t connack, suback;
    size_t opens, connects, subscribes, pings, goodbyes;
    char filter[128];
    size_t frames;
    uint8_t order[64]; /* first byte of each frame's tail: see frame_of() */
};

struct world {
    struct broker b[PIPE_SIDES];
    struct pipe *pipe;
    struct fp_mono now;
    struct pipe_event last[PIPE_SIDES];
    size_t told;
};

static enum fp_err broker_open(void *ctx)
{
    struct broker *b = ctx;
    b->opens++;
    b->ended = false;
    return b->refuses ? FP_EIO : FP_OK;
}

static enum fp_err broker_read(void *ctx, void *buf, size_t cap, size_t *out_len)
{
    struct broker *b = ctx;
    if (b->in_len == 0) {
        return b->ended ? FP_EIO : FP_EAGAIN;
    }
    *out_len = b->in_len < cap ? b->in_len : cap;
    memcpy(buf, b->in, *out_len);
    b->in_len -= *out_len;
    memmove(b->in, b->in + *out_len, b->in_len);
    return FP_OK;
}

static enum fp_err broker_write(void *ctx, const void *p, size_t len, size_t *out_len)
{
    struct broker *b = ctx;
    size_t room = sizeof(b->out) - b->out_len;
    if (b->blocked || room == 0) {
        return FP_EAGAIN;
    }
    len = len < room ? len : room;
    memcpy(b->out + b->out_len, p, len);
    b->out_len += len;
    *out_len = len;
    return FP_OK;
}

static void serve(struct broker *b);

static void broker_close(void *ctx)
{
    struct broker *b = ctx;
    serve(b); /* what was written before arrives */
    b->in_len = 0;
    b->out_len = 0;
    b->parsed = 0;
}

static void say(struct broker *b, const void *p, size_t len)
{
    assert_true(b->in_len + len <= sizeof(b->in));
    memcpy(b->in + b->in_len, p, len);
    b->in_len += len;
}

static void hear(struct broker *b, const struct fp_mqtt_packet *m)
{
    const uint8_t connack[] = {0x20, 2, 0, b->connack};
    const uint8_t suback[] = {0x90, 3, 0, 1, b->suback};
    const uint8_t pingresp[] = {0xd0, 0};
    if (m->type == FP_MQTT_CONNECT) {
        b->connects++;
        say(b, connack, b->silent ? 0 : sizeof(connack));
    } else if (m->type == FP_MQTT_SUBSCRIBE) {
        b->subscribes++;
        memcpy(b->filter, m->payload.p + 2, m->payload.len - 3);
        b->filter[m->payload.len - 3] = '\0';
        say(b, suback, b->silent ? 0 : sizeof(suback));
    } else if (m->type == FP_MQTT_PINGREQ) {
        b->pings++;
        say(b, pingresp, b->silent ? 0 : sizeof(pingresp));
    } else if (m->type == FP_MQTT_DISCONNECT) {
        b->goodbyes++;
    } else if (m->type == FP_MQTT_PUBLISH) {
        assert_true(m->qos == 0 && !m->retain);
        b->order[b->frames++ % sizeof(b->order)] = m->payload.p[m->payload.len - 1];
    }
}

static void serve(struct broker *b)
{
    struct fp_mqtt_reader r = {0};
    struct fp_mqtt_packet m;
    size_t used = 0;
    while (fp_mqtt_read(&r, fp_bytes_of(b->out + b->parsed, b->out_len - b->parsed), sizeof(b->out), true, &m, &used) == FP_OK) {
        hear(b, &m);
        b->parsed += used;
    }
    b->out_len -= b->parsed;
    memmove(b->out, b->out + b->parsed, b->out_len);
    b->parsed = 0;
}

static void told(void *ctx, const struct pipe_event *event)
{
    struct world *w = ctx;
    w->last[event->side] = *event;
    w->told++;
}

static uint32_t chance(void *ctx)
{
    (void)ctx;
    return UINT32_MAX;
}

static struct world *world_new(void)
{
    struct world *w = calloc(1, sizeof(*w));
    assert_non_null(w);
    struct pipe_config c = {.relay = "site-b", .random = {NULL, chance}, .told = told, .told_ctx = w};
    for (int i = 0; i < PIPE_SIDES; i++) {
        struct fp_transport t = {&w->b[i], broker_open, broker_read, broker_write, broker_close};
        c.ends[i] = (struct pipe_end_config){.transport = t, .user = "site-b", .password = "secret", .client_id = "site-b-pipe"};
    }
    w->now.us = SECOND;
    assert_int_equal(pipe_open(&c, &w->pipe), FP_OK);
    return w;
}

static void world_free(struct world *w)
{
    pipe_close(w->pipe);
    free(w);
}

static void run(struct world *w)
{
    for (int i = 0; i < 12; i++) {
        (void)pipe_poll(w->pipe, w->now);
        serve(&w->b[PIPE_SITE]);
        serve(&w->b[PIPE_HUB]);
    }
}

static void pass(struct world *w, uint64_t us)
{
    for (; us > SECOND; us -= SECOND) {
        w->now.us += SECOND;
        run(w);
    }
    w->now.us += us;
    run(w);
}

/* A batch of a lane, or an ack; `tail` is its last byte, by which a test knows it. */
static struct fp_bytes frame_of(uint8_t *buf, size_t cap, unsigned lane, uint8_t tail, size_t padding)
{
    static uint8_t records[200000];
    struct fp_enc e;
    memset(records, 'x', sizeof(records));
    records[padding] = tail;
    fp_enc_init(&e, buf, cap);
    if (lane == FP_LANES) {
        fp_enc_trunk_ack(&e, 7, 0, 1, tail);
    } else {
        struct fp_trunk_batch b = {.epoch = 7, .lane = lane, .first = 1, .count = 1, .records = fp_bytes_of(records, padding + 1)};
        fp_enc_trunk_batch(&e, &b);
    }
    assert_false(e.failed);
    return fp_enc_bytes_of(&e);
}

static void publish(struct broker *b, const char *topic, struct fp_bytes payload)
{
    struct fp_mqtt_out o = {b->in, sizeof(b->in), b->in_len};
    struct fp_mqtt_publish p = {.topic = topic};
    size_t cap = 0;
    uint8_t *at = fp_mqtt_publish_begin(&o, &p, &cap);
    assert_true(at && cap >= payload.len);
    memcpy(at, payload.p, payload.len);
    fp_mqtt_publish_end(&o, &p, payload.len);
    b->in_len = o.len;
}

static void publish_lane(struct broker *b, const char *topic, unsigned lane, uint8_t tail, size_t padding)
{
    static uint8_t buf[262144];
    publish(b, topic, frame_of(buf, sizeof(buf), lane, tail, padding));
}

static void it_carries_frames_both_ways(void **state)
{
    (void)state;
    struct world *w = world_new();
    run(w);
    assert_string_equal(w->b[PIPE_SITE].filter, "fp/1/relay/site-b/up");
    assert_string_equal(w->b[PIPE_HUB].filter, "fp/1/relay/site-b/down");
    publish_lane(&w->b[PIPE_SITE], "fp/1/relay/site-b/up", 2, 'a', 100);
    publish_lane(&w->b[PIPE_HUB], "fp/1/relay/site-b/down", 2, 'b', 100);
    publish_lane(&w->b[PIPE_HUB], "fp/1/relay/site-c/down", 2, 'c', 100); /* not ours, whoever sends it */
    run(w);
    assert_true(w->b[PIPE_HUB].frames == 1 && w->b[PIPE_HUB].order[0] == 'a');
    assert_true(w->b[PIPE_SITE].frames == 1 && w->b[PIPE_SITE].order[0] == 'b');
    assert_int_equal(pipe_stats(w->pipe, PIPE_HUB).dropped, 1);
    world_free(w);
}

static void the_site_hears_of_the_pipe_only_while_the_hub_is_there(void **state)
{
    (void)state;
    struct world *w = world_new();
    w->b[PIPE_HUB].refuses = true;
    run(w);
    assert_int_equal(w->b[PIPE_SITE].connects, 1);
    assert_int_equal(w->b[PIPE_SITE].subscribes, 0);
    w->b[PIPE_HUB].refuses = false;
    pass(w, 61 * SECOND);
    assert_int_equal(w->b[PIPE_SITE].subscribes, 1);
    w->b[PIPE_HUB].ended = true;
    w->b[PIPE_HUB].refuses = true;
    run(w);
    assert_int_equal(w->last[PIPE_HUB].state, PIPE_WAITING);
    assert_int_equal(w->b[PIPE_SITE].connects, 2); /* its session has ended and begun again, and it waits */
    assert_int_equal(w->b[PIPE_SITE].subscribes, 1);
    world_free(w);
}

static void what_is_urgent_overtakes(void **state)
{
    (void)state;
    struct world *w = world_new();
    run(w);
    w->b[PIPE_HUB].blocked = true;
    publish_lane(&w->b[PIPE_SITE], "fp/1/relay/site-b/up", 2, 'a', 100);
    run(w);
    publish_lane(&w->b[PIPE_SITE], "fp/1/relay/site-b/up", 2, 'b', 100);
    publish_lane(&w->b[PIPE_SITE], "fp/1/relay/site-b/up", 3, 'c', 100);
    publish_lane(&w->b[PIPE_SITE], "fp/1/relay/site-b/up", 0, 'd', 100);
    publish_lane(&w->b[PIPE_SITE], "fp/1/relay/site-b/up", FP_LANES, 5, 0);
    run(w);
    w->b[PIPE_HUB].blocked = false;
    run(w);
    assert_int_equal(w->b[PIPE_HUB].frames, 5);
    assert_memory_equal(w->b[PIPE_HUB].order,
                        "ad\x05"
                        "bc",
                        5);
    world_free(w);
}

static void a_full_queue_stops_the_reading(void **state)
{
    (void)state;
    struct world *w = world_new();
    run(w);
    w->b[PIPE_HUB].blocked = true;
    size_t put = 0;
    while (pipe_wants_read(w->pipe, PIPE_SITE) && put < 100) {
        publish_lane(&w->b[PIPE_SITE], "fp/1/relay/site-b/up", 2, 'a', 100000);
        put++;
        (void)pipe_poll(w->pipe, w->now);
    }
    assert_in_range(pipe_stats(w->pipe, PIPE_HUB).waiting_bytes, PIPE_QUEUE_BYTES, PIPE_QUEUE_BYTES + PIPE_FRAME_BYTES_MAX);
    publish_lane(&w->b[PIPE_SITE], "fp/1/relay/site-b/up", 2, 'z', 100000);
    (void)pipe_poll(w->pipe, w->now);
    assert_true(w->b[PIPE_SITE].in_len > 100000); /* it is left where it is */
    w->b[PIPE_HUB].blocked = false;
    run(w);
    assert_int_equal(w->b[PIPE_HUB].frames, put + 1);
    assert_int_equal(pipe_stats(w->pipe, PIPE_HUB).dropped, 0);
    world_free(w);
}

static void a_silent_hub_is_gone_after_one_and_a_half_keepalives(void **state)
{
    (void)state;
    struct world *w = world_new();
    run(w);
    pass(w, 8 * SECOND);
    assert_int_equal(w->b[PIPE_HUB].pings, 1);
    assert_int_equal(pipe_stats(w->pipe, PIPE_HUB).state, PIPE_UP);
    w->b[PIPE_HUB].silent = true;
    for (int i = 0; i < 22; i++) {
        pass(w, SECOND);
    }
    assert_int_equal(pipe_stats(w->pipe, PIPE_HUB).state, PIPE_UP);
    pass(w, SECOND);
    assert_int_equal(pipe_stats(w->pipe, PIPE_HUB).state, PIPE_WAITING);
    assert_non_null(strstr(w->last[PIPE_HUB].why, "silent"));
    world_free(w);
}

static void a_refusal_is_told_in_words_and_tried_again_ever_later(void **state)
{
    (void)state;
    struct world *w = world_new();
    w->b[PIPE_HUB].connack = 4;
    run(w);
    assert_int_equal(w->last[PIPE_HUB].err, FP_EDENIED);
    assert_non_null(strstr(w->last[PIPE_HUB].why, "password"));
    uint64_t first = w->last[PIPE_HUB].retry_ms;
    for (int i = 0; i < 12; i++) {
        pass(w, 61 * SECOND);
    }
    assert_true(w->last[PIPE_HUB].retry_ms > 100 * first);
    assert_in_range(w->last[PIPE_HUB].retry_ms, 30000, 60000);
    w->b[PIPE_HUB].connack = 0;
    w->b[PIPE_HUB].suback = 0x80;
    pass(w, 61 * SECOND);
    assert_non_null(strstr(w->last[PIPE_HUB].why, "relay"));
    w->b[PIPE_HUB].suback = 0;
    pipe_wake(w->pipe, w->now); /* the network is back: now, and not in a minute */
    run(w);
    assert_int_equal(pipe_stats(w->pipe, PIPE_HUB).state, PIPE_UP);
    world_free(w);
}

static void a_site_that_is_not_there_does_not_shake_the_session_with_the_hub(void **state)
{
    (void)state;
    struct world *w = world_new();
    w->b[PIPE_SITE].refuses = true;
    run(w);
    for (int i = 0; i < 10; i++) {
        pass(w, SECOND);
    }
    assert_true(w->b[PIPE_SITE].opens > 1);
    assert_int_equal(w->b[PIPE_HUB].connects, 1);
    w->b[PIPE_SITE].refuses = false;
    pass(w, 61 * SECOND);
    w->b[PIPE_SITE].ended = true; /* but one that stood takes it along: the hub shall know that the site is away */
    run(w);
    assert_int_equal(w->b[PIPE_HUB].goodbyes, 1);
    world_free(w);
}

static void a_link_that_flaps_is_tried_again_soon_where_it_is_of_use(void **state)
{
    (void)state;
    struct world *w = world_new();
    for (int i = 0; i < 20; i++) {
        w->b[PIPE_HUB].refuses = false;
        for (int k = 0; k < 10 && pipe_stats(w->pipe, PIPE_SITE).state != PIPE_UP; k++) {
            pass(w, SECOND / 10);
        }
        assert_int_equal(pipe_stats(w->pipe, PIPE_SITE).state, PIPE_UP);
        for (int k = 0; k < 3; k++) {
            publish_lane(&w->b[PIPE_HUB], "fp/1/relay/site-b/down", 2, 'a', 10);
        }
        run(w);
        w->b[PIPE_HUB].ended = true;
        run(w);
        assert_in_range(w->last[PIPE_HUB].retry_ms, 100, 200);
    }
    world_free(w);
}

static void garbage_ends_the_session_and_not_the_pipe(void **state)
{
    (void)state;
    struct world *w = world_new();
    const uint8_t garbage[] = {0xff, 0xff, 0xff, 0xff, 0xff};
    run(w);
    say(&w->b[PIPE_HUB], garbage, sizeof(garbage));
    (void)pipe_poll(w->pipe, w->now);
    assert_int_equal(w->last[PIPE_HUB].err, FP_EMALFORMED);
    pass(w, 61 * SECOND);
    assert_int_equal(pipe_stats(w->pipe, PIPE_HUB).state, PIPE_UP);
    world_free(w);
}

static void a_bad_configuration_is_refused(void **state)
{
    (void)state;
    struct pipe *p = NULL;
    struct pipe_config c = {.relay = "no id!", .random = {NULL, chance}};
    c.ends[PIPE_SITE].client_id = c.ends[PIPE_HUB].client_id = "x";
    assert_int_equal(pipe_open(&c, &p), FP_ECONFIG);
    c.relay = "site-b";
    c.ends[PIPE_HUB].client_id = NULL;
    assert_int_equal(pipe_open(&c, &p), FP_ECONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_carries_frames_both_ways),
        cmocka_unit_test(the_site_hears_of_the_pipe_only_while_the_hub_is_there),
        cmocka_unit_test(what_is_urgent_overtakes),
        cmocka_unit_test(a_full_queue_stops_the_reading),
        cmocka_unit_test(a_silent_hub_is_gone_after_one_and_a_half_keepalives),
        cmocka_unit_test(a_refusal_is_told_in_words_and_tried_again_ever_later),
        cmocka_unit_test(a_site_that_is_not_there_does_not_shake_the_session_with_the_hub),
        cmocka_unit_test(a_link_that_flaps_is_tried_again_soon_where_it_is_of_use),
        cmocka_unit_test(garbage_ends_the_session_and_not_the_pipe),
        cmocka_unit_test(a_bad_configuration_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
