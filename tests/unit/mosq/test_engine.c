/* The engine's thread with the real hub and a store in memory; this thread is the broker's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "fp/command.h"
#include "fp/reply.h"
#include "plugin/mosq/clock.h"
#include "plugin/mosq/engine.h"
#include "tests/support/mem_store.h"

#define PATIENCE_US 20000000ULL

struct fixture {
    struct engine engine;
    struct mem_store *store;
    struct budget budget;
    uint64_t acked, welcomes;
    bool told; /* the connection has pushed something */
    int epoll; /* nothing is in it */
};

static enum fp_err no_commit(void *ctx)
{
    (void)ctx;
    return FP_EIO;
}

static enum fp_err open_engine(struct fixture *f, bool disk_is_gone)
{
    struct hub_config hub;
    struct store_info info = mem_store_info(f->store);
    struct engine_config config = {
        .ring_in_bytes = 1 << 18, .ring_out_bytes = 1 << 20, .hub = &hub, .store = mem_store_port(f->store), .info = &info};

    hub_config_init(&hub);
    hub.commands_per_s = 0;
    if (disk_is_gone) {
        config.store.commit = no_commit;
    }
    budget_init(&f->budget);
    return engine_open(&f->engine, &config);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    *state = f;
    if (f == NULL) {
        return 1;
    }
    f->store = mem_store_new();
    f->epoll = epoll_create1(EPOLL_CLOEXEC);
    return f->epoll < 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    (void)close(f->epoll);
    mem_store_free(f->store);
    free(f);
    return 0;
}

static bool on_publish(void *ctx, const struct outlet_publish *p)
{
    struct fixture *f = ctx;
    struct fp_reply reply;
    struct fp_answer answer;

    if (strcmp(p->topic, "fp/1/device/tablet/down") != 0 || fp_reply_decode(p->payload, &reply) != FP_OK) {
        return true;
    }
    f->welcomes += reply.what == FP_REPLY_WELCOME;
    while (reply.what == FP_REPLY_ACK && fp_reply_answer(&reply, &answer)) {
        f->acked = answer.n;
    }
    return true;
}

static void on_grant(void *ctx, const struct outlet_grant *g)
{
    (void)ctx;
    (void)g;
}

static void tick(struct fixture *f)
{
    struct outlet_turn turn = {0};

    waker_tick_begin(&f->engine.waker);
    budget_turn(&f->budget, 0);
    outlet_drain(&f->engine.outlet, &f->budget, (struct outlet_sink){.ctx = f, .publish = on_publish, .grant = on_grant}, &turn);
    waker_tick_end(&f->engine.waker);
}

/* As the broker's loop: it waits for up to 100 ms unless it is woken. */
static void turn_loop(struct fixture *f)
{
    struct epoll_event event;
    (void)epoll_wait(f->epoll, &event, 1, 100);
    tick(f);
}

static void push(struct fixture *f, const struct fp_command *c)
{
    uint8_t buf[512];
    struct fp_enc e;
    struct source_item item = {.kind = SOURCE_MESSAGE, .topic = FP_TOPIC_DEVICE_UP, .conn = 1};

    assert_true(fp_id_parse("anna", 4, &item.user) && fp_id_parse("tablet", 6, &item.device));
    fp_enc_init(&e, buf, sizeof buf);
    assert_true(fp_command_encode(&e, c));
    item.payload = fp_enc_bytes_of(&e);
    uint64_t begun = clock_mono().us;
    while (inlet_push(&f->engine.inlet, &item, !f->told) != FP_OK) {
        assert_true(clock_mono().us - begun < PATIENCE_US);
        tick(f);
    }
    f->told = true;
}

static void push_hello(struct fixture *f)
{
    static const uint8_t body[] = {0xa1, 0x01, 0x01};
    push(f, &(struct fp_command){.kind = FP_K_HELLO, .priority = 2, .body = fp_bytes_of(body, sizeof body)});
}

static void push_conv(struct fixture *f)
{
    static const uint8_t body[] = {0xa1, 0x01, 0x61, 's'};
    struct fp_command c = {.kind = FP_K_CONV_NEW, .n = 1, .priority = 2, .body = fp_bytes_of(body, sizeof body)};
    assert_true(fp_id_parse("c", 1, &c.conv));
    push(f, &c);
}

static void push_msg(struct fixture *f, uint64_t n)
{
    static const uint8_t body[] = {0xa1, 0x01, 0x62, 'h', 'i'};
    struct fp_command c = {.kind = FP_K_MSG, .n = n, .priority = 2, .body = fp_bytes_of(body, sizeof body)};
    assert_true(fp_id_parse("c", 1, &c.conv));
    push(f, &c);
}

static uint64_t stored_head(struct fixture *f)
{
    struct store_port p = mem_store_port(f->store);
    struct store_conv conv;
    struct fp_id id;
    bool found = false;

    assert_true(fp_id_parse("c", 1, &id));
    assert_int_equal(p.load_conv(p.ctx, &id, &conv, &found), FP_OK);
    return found ? conv.head : 0;
}

static void a_command_is_answered_without_waiting_for_the_loop(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(open_engine(f, false), FP_OK);
    assert_int_equal(engine_start(&f->engine), FP_OK);
    tick(f);
    push_hello(f);
    uint64_t begun = clock_mono().us;
    while (f->welcomes == 0 && clock_mono().us - begun < PATIENCE_US) {
        turn_loop(f);
    }
    assert_int_equal(f->welcomes, 1);
    assert_true(atomic_load(&f->engine.waker.signals) > 0);
    assert_true(engine_stop(&f->engine, 10000));
    engine_close(&f->engine);
}

static void many_commands_all_get_their_answer(void **state)
{
    struct fixture *f = *state;
    const uint64_t count = 3000;

    assert_int_equal(open_engine(f, false), FP_OK);
    assert_int_equal(engine_start(&f->engine), FP_OK);
    push_conv(f);
    for (uint64_t n = 2; n <= count; n++) {
        push_msg(f, n);
        if (n % 7 == 0) {
            tick(f);
        }
    }
    uint64_t begun = clock_mono().us;
    while (f->acked < count && clock_mono().us - begun < PATIENCE_US) {
        tick(f);
    }
    assert_int_equal(f->acked, count);
    assert_true(engine_stop(&f->engine, 10000));
    engine_close(&f->engine);
    assert_int_equal(stored_head(f), count);
}

static void what_is_in_the_ring_is_committed_before_the_end(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(open_engine(f, false), FP_OK);
    push_conv(f); /* the engine is not running yet */
    for (uint64_t n = 2; n <= 300; n++) {
        push_msg(f, n);
    }
    inlet_push_disconnect(&f->engine.inlet, &(struct source_item){.kind = SOURCE_DISCONNECT, .conn = 1});
    assert_int_equal(engine_start(&f->engine), FP_OK);
    assert_true(engine_stop(&f->engine, 10000));
    engine_close(&f->engine);
    assert_int_equal(stored_head(f), 300);
}

static void a_disk_that_is_gone_is_reported(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(open_engine(f, true), FP_OK);
    assert_int_equal(engine_start(&f->engine), FP_OK);
    push_conv(f);
    uint64_t begun = clock_mono().us;
    for (uint64_t n = 2; engine_fatal(&f->engine) == FP_OK && clock_mono().us - begun < PATIENCE_US; n++) {
        push_msg(f, n);
        tick(f);
    }
    assert_true(fp_err_is_fatal(engine_fatal(&f->engine)));
    assert_int_equal(f->acked, 0);
    assert_true(engine_stop(&f->engine, 10000));
    engine_close(&f->engine);
}

static void new_limits_reach_the_running_hub(void **state)
{
    struct fixture *f = *state;
    struct hub_config fresh;

    assert_int_equal(open_engine(f, false), FP_OK);
    hub_config_init(&fresh);
    assert_int_equal(engine_reconfigure(&f->engine, &fresh), FP_OK);
    assert_int_equal(engine_reconfigure(&f->engine, &fresh), FP_OK); /* the one before is dropped */
    assert_int_equal(engine_start(&f->engine), FP_OK);
    uint64_t begun = clock_mono().us;
    while (atomic_load(&f->engine.pending) != NULL && clock_mono().us - begun < PATIENCE_US) {
        turn_loop(f);
    }
    assert_null(atomic_load(&f->engine.pending));
    assert_true(engine_stop(&f->engine, 10000));
    engine_close(&f->engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_command_is_answered_without_waiting_for_the_loop, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_commands_all_get_their_answer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_in_the_ring_is_committed_before_the_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_disk_that_is_gone_is_reported, set_up, tear_down),
        cmocka_unit_test_setup_teardown(new_limits_reach_the_running_hub, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
