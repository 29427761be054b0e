#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>

#include "plugin/mosq/ring.h"

static void put(struct ring *r, size_t len, uint8_t fill)
{
    uint8_t *room = ring_reserve(r, len, 0);
    assert_non_null(room);
    memset(room, fill, len);
    ring_commit(r);
}

static void records_come_out_whole_and_in_order(void **state)
{
    (void)state;
    struct ring r;
    struct fp_bytes got;

    assert_int_equal(ring_init(&r, 1), FP_OK);
    assert_int_equal(ring_cap(&r), 4096);
    for (unsigned round = 0; round < 500; round++) { /* many times around */
        size_t len = round % 97;
        put(&r, len, (uint8_t)round);
        put(&r, len + 300, (uint8_t)(round + 1));
        assert_true(ring_take(&r, &got));
        assert_int_equal(got.len, len);
        assert_int_equal((uintptr_t)got.p % 8, 0);
        assert_true(ring_take(&r, &got));
        assert_int_equal(got.len, len + 300);
        for (size_t i = 0; i < got.len; i++) {
            assert_int_equal(got.p[i], (uint8_t)(round + 1));
        }
        assert_false(ring_take(&r, &got));
        ring_release(&r);
        assert_int_equal(ring_used(&r), 0);
        assert_int_equal(ring_taken(&r), ring_head(&r));
    }
    ring_fini(&r);
}

static void a_reserved_record_is_not_there_before_commit(void **state)
{
    (void)state;
    struct ring r;
    struct fp_bytes got;

    assert_int_equal(ring_init(&r, 4096), FP_OK);
    assert_non_null(ring_reserve(&r, 10, 0));
    assert_false(ring_peek(&r, &got));
    ring_commit(&r);
    assert_true(ring_peek(&r, &got));
    assert_true(ring_peek(&r, &got)); /* peek takes nothing */
    assert_true(ring_take(&r, &got));
    assert_false(ring_has_next(&r));
    ring_fini(&r);
}

static void a_full_ring_takes_nothing_until_released(void **state)
{
    (void)state;
    struct ring r;
    struct fp_bytes got;
    size_t count = 0;

    assert_int_equal(ring_init(&r, 4096), FP_OK);
    while (ring_reserve(&r, 120, 0) != NULL) {
        ring_commit(&r);
        count++;
    }
    assert_int_equal(count, 4096 / 128);
    while (ring_take(&r, &got)) {
        count--;
    }
    assert_int_equal(count, 0);
    assert_null(ring_reserve(&r, 120, 0)); /* R2: taken, not released */
    ring_release(&r);
    assert_non_null(ring_reserve(&r, 120, 0));
    ring_fini(&r);
}

static void the_longest_record_fits_wherever_the_ring_stands(void **state)
{
    (void)state;
    struct ring r;
    struct fp_bytes got;

    assert_int_equal(ring_init(&r, 4096), FP_OK);
    for (size_t shift = 0; shift < 600; shift++) {
        put(&r, 8, 1);
        assert_true(ring_take(&r, &got));
        ring_release(&r);
        put(&r, ring_record_max(&r), 2);
        assert_true(ring_take(&r, &got));
        assert_int_equal(got.len, ring_record_max(&r));
        ring_release(&r);
    }
    assert_null(ring_reserve(&r, 4096, 0));
    assert_null(ring_reserve(&r, SIZE_MAX - 8, 0));
    ring_fini(&r);
}

static void what_is_kept_free_is_there_for_those_who_need_it(void **state)
{
    (void)state;

    for (size_t shift = 0; shift < 64; shift++) {
        struct ring r;
        struct fp_bytes got;
        size_t keep = 5 * ring_cost(100);

        assert_int_equal(ring_init(&r, 4096), FP_OK);
        for (size_t i = 0; i < shift; i++) {
            put(&r, 56, 0);
            assert_true(ring_take(&r, &got));
            ring_release(&r);
        }
        while (ring_reserve(&r, 40, keep) != NULL) {
            ring_commit(&r);
        }
        for (int i = 0; i < 4; i++) { /* R3: one is for what the wrap wastes */
            put(&r, 100, 1);
        }
        ring_fini(&r);
    }
}

/* ------------------------------------------------------------------ two threads */

#define STRESS_RECORDS 60000

static size_t stress_len(uint32_t i)
{
    return 4 + (i * 2654435761U >> 7) % 700;
}

static void *produce(void *arg)
{
    struct ring *r = arg;

    for (uint32_t i = 0; i < STRESS_RECORDS;) {
        uint8_t *room = ring_reserve(r, stress_len(i), i % 3 * 64);
        if (room == NULL) {
            sched_yield();
            continue;
        }
        memset(room, (int)(i & 0xff), stress_len(i));
        memcpy(room, &i, sizeof i);
        ring_commit(r);
        i++;
    }
    return NULL;
}

static void two_threads_lose_repeat_and_tear_nothing(void **state)
{
    (void)state;
    struct ring r;
    struct fp_bytes got;
    pthread_t producer;

    assert_int_equal(ring_init(&r, 8192), FP_OK);
    assert_int_equal(pthread_create(&producer, NULL, produce, &r), 0);
    for (uint32_t i = 0; i < STRESS_RECORDS;) {
        uint32_t n = 0;
        if (!ring_take(&r, &got)) {
            sched_yield();
            continue;
        }
        assert_int_equal(got.len, stress_len(i));
        memcpy(&n, got.p, sizeof n);
        assert_int_equal(n, i);
        assert_true(got.len == 4 || (got.p[4] == (i & 0xff) && got.p[got.len - 1] == (i & 0xff)));
        i++;
        if (i % 5 == 0 || !ring_has_next(&r)) {
            ring_release(&r);
        }
    }
    assert_int_equal(pthread_join(producer, NULL), 0);
    assert_false(ring_take(&r, &got));
    ring_fini(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_come_out_whole_and_in_order),
        cmocka_unit_test(a_reserved_record_is_not_there_before_commit),
        cmocka_unit_test(a_full_ring_takes_nothing_until_released),
        cmocka_unit_test(the_longest_record_fits_wherever_the_ring_stands),
        cmocka_unit_test(what_is_kept_free_is_there_for_those_who_need_it),
        cmocka_unit_test(two_threads_lose_repeat_and_tear_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
