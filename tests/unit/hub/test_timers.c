#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/hub_kit.h"
#include "tests/support/sim_random.h"

#define MESSAGES 1000
#define RESTARTS 100

static void begin(struct kit *k)
{
    struct kit_body b;
    kit_open(k);
    struct fp_command c = kit_conv_new(&b, 1, "kitchen", "house", NULL, NULL, 0);
    kit_send(k, "anna-phone", &c);
    kit_run(k);
}

static void say(struct kit *k, uint64_t n, uint64_t ttl_s)
{
    struct kit_body b;
    struct fp_command c = kit_msg(&b, n, "kitchen", "hello");
    c.has_ttl = true;
    c.ttl_s = ttl_s;
    kit_send(k, "anna-phone", &c);
}

/* Per message, what became of it. */
struct fate {
    struct fp_wall at;
    struct fp_wall gone;
    unsigned deletes;
};

struct fates {
    struct fate of[2 * MESSAGES + 2]; /* by seq */
    size_t deletes;
};

static bool note(void *arg, const struct store_run *run)
{
    struct fates *f = arg;
    struct fp_bytes rest = run->events;
    struct fp_bytes one;
    struct fp_event ev;
    while (fp_run_next(&rest, &one)) {
        assert_int_equal(fp_event_decode(one, &ev), FP_OK);
        assert_true(ev.seq < 2 * MESSAGES + 2);
        f->of[ev.seq].at = ev.at;
        if (ev.kind == FP_K_DELETE) {
            f->of[ev.ref].deletes++;
            f->of[ev.ref].gone = ev.at;
            f->deletes++;
        }
    }
    return true;
}

static const struct fates *fates(struct kit *k)
{
    static struct fates f;
    struct store_port p = mem_store_port(k->mem);
    memset(&f, 0, sizeof(f));
    assert_int_equal(p.each_run(p.ctx, 1, 1, UINT64_MAX >> 1, note, &f), FP_OK);
    return &f;
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

static void drain(struct kit *k)
{
    for (int i = 0; i < 200 && timers(k) > 0; i++) {
        kit_pass(k, 2000000);
        kit_idle(k);
    }
    assert_int_equal(timers(k), 0);
}

/* At each stop something else: nothing, a store that fails from its k-th call on until the power goes, or one that fails once. */
static void each_of_a_thousand_timers_fires_once_over_a_hundred_restarts(void **state)
{
    (void)state;
    struct kit k;
    struct sim_random rng = {.state = 7};
    uint64_t ttl_s[MESSAGES];

    begin(&k);
    k.config.cache_convs = 1; /* far fewer timers in memory than there are */
    kit_restart(&k);
    for (uint64_t i = 0; i < MESSAGES; i++) {
        ttl_s[i] = 1 + sim_next(&rng) % RESTARTS;
        say(&k, i + 2, ttl_s[i]);
        if (i % 50 == 49) {
            kit_run(&k);
        }
    }
    assert_int_equal(timers(&k), MESSAGES);
    for (int i = 0; i < RESTARTS; i++) {
        kit_pass(&k, 1000);
        uint64_t turns = sim_next(&rng) % 3;
        uint64_t kind = sim_next(&rng) % 3;
        if (kind > 0) {
            fault_store_arm(&k.fault, 1 + sim_next(&rng) % 60, kind == 1 ? FP_EIO : FP_EFULL, kind == 1);
        }
        for (uint64_t turn = 0; turn < turns; turn++) {
            kit_run(&k);
            assert_int_equal(k.last, FP_OK);
        }
        fault_store_disarm(&k.fault);
        kit_restart(&k);
    }
    drain(&k);
    const struct fates *f = fates(&k);
    for (uint64_t i = 0; i < MESSAGES; i++) {
        const struct fate *m = &f->of[i + 2];
        assert_int_equal(m->deletes, 1);
        assert_true(m->gone.ms >= m->at.ms + ttl_s[i] * 1000);
    }
    kit_close(&k);
}

static void a_timer_whose_store_fails_at_any_call_fires_once_all_the_same(void **state)
{
    (void)state;
    bool reached_the_end = false;
    for (uint64_t call = 1; !reached_the_end; call++) {
        struct kit k;
        begin(&k);
        say(&k, 2, 10);
        kit_run(&k);
        kit_idle(&k);
        kit_pass(&k, 10000);
        fault_store_arm(&k.fault, call, call % 2 ? FP_EIO : FP_EFULL, false);
        kit_run(&k);
        reached_the_end = k.fault.failed == 0;
        fault_store_disarm(&k.fault);
        kit_pass(&k, 1000);
        kit_run(&k);
        assert_int_equal(fates(&k)->of[2].deletes, 1);
        assert_int_equal(timers(&k), 0);
        kit_close(&k);
        assert_true(call < 100);
    }
}

static void a_full_disk_stops_no_hub(void **state)
{
    (void)state;
    struct kit k;
    begin(&k);
    for (uint64_t n = 2; n < 22; n++) {
        say(&k, n, 10);
    }
    kit_run(&k);
    kit_idle(&k);
    kit_pass(&k, 10000);
    fault_store_arm(&k.fault, 1, FP_EFULL, true); /* pruning old answers finds no room either */
    for (int i = 0; i < 1000; i++) {
        kit_run(&k);
        assert_int_equal(k.last, FP_OK);
        kit_pass(&k, 1000);
    }
    assert_int_equal(fates(&k)->deletes, 0);
    fault_store_disarm(&k.fault);
    kit_pass(&k, 1100000);
    kit_run(&k);
    assert_int_equal(fates(&k)->deletes, 20);
    kit_close(&k);
}

static void a_clock_that_jumps_forward_fires_at_once_and_one_that_jumps_back_waits(void **state)
{
    (void)state;
    struct kit k;
    begin(&k);
    say(&k, 2, 1000);
    say(&k, 3, 2000);
    kit_run(&k);
    kit_idle(&k);
    k.wall.ms += 1000000;
    kit_run(&k);
    assert_int_equal(fates(&k)->deletes, 1);
    k.wall.ms -= 5000000;
    kit_run(&k);
    assert_int_equal(fates(&k)->deletes, 1);
    kit_pass(&k, 5000000 + 999999);
    kit_run(&k);
    assert_int_equal(fates(&k)->deletes, 1);
    kit_pass(&k, 1);
    kit_run(&k);
    assert_int_equal(fates(&k)->deletes, 2);
    kit_close(&k);
}

static void the_hub_wakes_for_its_next_timer_and_looks_at_the_clock_each_minute(void **state)
{
    (void)state;
    struct kit k;
    begin(&k);
    k.config.answers_days = 0; /* nothing else is due */
    hub_reconfigure(k.hub, &k.config);
    for (int i = 0; i < 60; i++) { /* what comes soon after a start is over */
        kit_pass(&k, 1000);
        kit_run(&k);
    }
    say(&k, 2, 90);
    kit_run(&k);
    kit_pass(&k, 2000);
    kit_run(&k);
    kit_idle(&k);
    assert_int_equal(hub_wait_us(k.hub, k.mono), 60000000);
    kit_pass(&k, 60000);
    kit_run(&k);
    kit_idle(&k);
    assert_int_equal(hub_wait_us(k.hub, k.mono), 28000000);
    k.mono.us += 1000000; /* waited already */
    assert_int_equal(hub_wait_us(k.hub, k.mono), 27000000);
    kit_close(&k);
}

static void a_turn_fires_some_and_leaves_the_rest_for_the_next(void **state)
{
    (void)state;
    struct kit k;
    begin(&k);
    for (uint64_t n = 2; n < 202; n++) {
        say(&k, n, 10);
    }
    kit_run(&k);
    kit_idle(&k);
    kit_pass(&k, 10000);
    kit_run(&k);
    size_t fired = fates(&k)->deletes;
    assert_true(fired > 0 && fired < 200);
    assert_int_equal(hub_wait_us(k.hub, k.mono), 0);
    kit_idle(&k);
    assert_int_equal(fates(&k)->deletes, 200);
    kit_close(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_of_a_thousand_timers_fires_once_over_a_hundred_restarts),
        cmocka_unit_test(a_timer_whose_store_fails_at_any_call_fires_once_all_the_same),
        cmocka_unit_test(a_full_disk_stops_no_hub),
        cmocka_unit_test(a_clock_that_jumps_forward_fires_at_once_and_one_that_jumps_back_waits),
        cmocka_unit_test(the_hub_wakes_for_its_next_timer_and_looks_at_the_clock_each_minute),
        cmocka_unit_test(a_turn_fires_some_and_leaves_the_rest_for_the_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
