#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "plugin/hub/timer_heap.h"
#include "tests/support/sim_random.h"

#define ROWS 200
#define CAP 16

/* What a store would hold, and its heap, filled again as timers.c does it. */
struct world {
    struct timer_heap heap;
    struct store_timer rows[ROWS];
    bool there[ROWS];
    struct fp_wall now;
};

static struct store_timer row_of(uint64_t seq, uint64_t due_ms)
{
    return (struct store_timer){.kind = STORE_TIMER_TTL, .owner = {.len = 1, .text = "c"}, .seq = seq, .version = seq, .due = {.ms = due_ms}};
}

static size_t soonest(const struct world *w, const bool *taken)
{
    size_t best = ROWS;
    for (size_t i = 0; i < ROWS; i++) {
        if (w->there[i] && !taken[i] && (best == ROWS || w->rows[i].due.ms < w->rows[best].due.ms)) {
            best = i;
        }
    }
    return best;
}

static void fill(struct world *w)
{
    bool taken[ROWS] = {false};
    timer_heap_clear(&w->heap);
    for (size_t i = 0; i < CAP / 2; i++) {
        size_t next = soonest(w, taken);
        if (next == ROWS) {
            return;
        }
        taken[next] = true;
        timer_heap_set(&w->heap, &w->rows[next]);
    }
    size_t next = soonest(w, taken);
    if (next < ROWS) {
        w->heap.horizon = w->rows[next].due;
    }
}

static void set(struct world *w, size_t i, uint64_t due_ms)
{
    w->rows[i] = row_of(i, due_ms);
    w->there[i] = true;
    timer_heap_set(&w->heap, &w->rows[i]);
}

static void drop(struct world *w, size_t i)
{
    w->there[i] = false;
    struct store_timer row = row_of(i, 0);
    timer_heap_drop(&w->heap, row.kind, &row.owner, i);
}

/* Fires all that is due; each must be there, and none that is due may be left. */
static size_t fire(struct world *w)
{
    struct store_timer t;
    struct fp_wall at;
    size_t fired = 0;
    for (;;) {
        if (timer_heap_is_behind(&w->heap, w->now)) {
            fill(w);
        }
        if (!timer_heap_next(&w->heap, &t, &at) || at.ms > w->now.ms) {
            break;
        }
        assert_true(w->there[t.seq]);
        assert_int_equal(t.due.ms, w->rows[t.seq].due.ms);
        drop(w, t.seq);
        fired++;
    }
    for (size_t i = 0; i < ROWS; i++) {
        assert_true(!w->there[i] || w->rows[i].due.ms > w->now.ms);
    }
    return fired;
}

static void many_more_timers_than_fit_all_fire_when_they_are_due(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct world w = {.now = {.ms = 1000}};
        struct sim_random rng = {.state = seed};
        size_t fired = 0;
        print_message("seed %d\n", (int)seed);
        assert_int_equal(timer_heap_init(&w.heap, CAP), FP_OK);
        for (int step = 0; step < 1500; step++) {
            size_t i = sim_next(&rng) % ROWS;
            uint64_t what = sim_next(&rng) % 10;
            if (what < 6) {
                set(&w, i, w.now.ms + sim_next(&rng) % (seed % 2 ? 300 : 6)); /* few times: many at once */
            } else if (what < 8) {
                drop(&w, i);
            } else {
                w.now.ms += sim_next(&rng) % 5;
                fired += fire(&w);
            }
            assert_true(w.heap.count <= CAP);
        }
        w.now.ms += 1000;
        fired += fire(&w);
        assert_true(fired > 100);
        assert_int_equal(w.heap.count, 0);
        timer_heap_fini(&w.heap);
    }
}

static void what_is_put_off_waits_longer_each_time_and_lets_others_go_first(void **state)
{
    (void)state;
    struct timer_heap heap;
    struct store_timer bad = row_of(1, 100);
    struct store_timer good = row_of(2, 200);
    struct store_timer t;
    struct fp_wall at;
    uint64_t waited = 0;

    assert_int_equal(timer_heap_init(&heap, CAP), FP_OK);
    timer_heap_set(&heap, &bad);
    timer_heap_set(&heap, &good);
    timer_heap_put_off(&heap, &bad, (struct fp_wall){.ms = 300}, 1000);
    assert_true(timer_heap_next(&heap, &t, &at));
    assert_int_equal(t.seq, 2);
    timer_heap_drop(&heap, good.kind, &good.owner, good.seq);
    for (int i = 0; i < 40; i++) {
        assert_true(timer_heap_next(&heap, &t, &at));
        assert_int_equal(t.seq, 1);
        struct fp_wall now = at;
        timer_heap_put_off(&heap, &bad, now, 1000);
        assert_true(timer_heap_next(&heap, &t, &at));
        assert_true(at.ms - now.ms >= waited);
        waited = at.ms - now.ms;
    }
    assert_int_equal(waited, 1024000);
    timer_heap_fini(&heap);
}

static void a_timer_that_is_set_again_has_its_new_time_only(void **state)
{
    (void)state;
    struct timer_heap heap;
    struct store_timer t = row_of(1, 100);
    struct fp_wall at;

    assert_int_equal(timer_heap_init(&heap, CAP), FP_OK);
    timer_heap_set(&heap, &t);
    t.due.ms = 900;
    timer_heap_set(&heap, &t);
    assert_true(timer_heap_next(&heap, &t, &at));
    assert_int_equal(at.ms, 900);
    timer_heap_drop(&heap, t.kind, &t.owner, t.seq);
    assert_false(timer_heap_next(&heap, &t, &at));
    timer_heap_drop(&heap, t.kind, &t.owner, t.seq);
    timer_heap_fini(&heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_more_timers_than_fit_all_fire_when_they_are_due),
        cmocka_unit_test(what_is_put_off_waits_longer_each_time_and_lets_others_go_first),
        cmocka_unit_test(a_timer_that_is_set_again_has_its_new_time_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
