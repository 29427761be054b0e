#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "plugin/mosq/clock.h"
#include "plugin/mosq/waker.h"

static uint64_t poke(struct waker *w, uint64_t now_us)
{
    uint64_t before = atomic_load(&w->signals);
    waker_poke(w, (struct fp_mono){.us = now_us});
    return atomic_load(&w->signals) - before;
}

static void no_signal_while_the_loop_is_at_work(void **state)
{
    (void)state;
    struct waker w;

    assert_int_equal(waker_init(&w), FP_OK);
    assert_int_equal(poke(&w, 1000), 0); /* before the first TICK it comes by itself */
    waker_tick_begin(&w);
    assert_int_equal(poke(&w, 2000), 0);
    waker_tick_end(&w);
    assert_int_equal(poke(&w, 3000), 1);
    waker_busy(&w);
    assert_int_equal(poke(&w, 90000), 0); /* W1 */
    waker_fini(&w);
}

static void one_signal_a_turn_and_then_one_every_so_often(void **state)
{
    (void)state;
    struct waker w;

    assert_int_equal(waker_init(&w), FP_OK);
    waker_tick_begin(&w);
    waker_tick_end(&w);
    assert_int_equal(poke(&w, 1000), 1);
    assert_int_equal(poke(&w, 1000 + WAKER_EVERY_US - 1), 0); /* W2 */
    assert_int_equal(poke(&w, 1000 + WAKER_EVERY_US), 1);
    waker_tick_begin(&w);
    waker_tick_end(&w);
    assert_int_equal(poke(&w, 1000 + WAKER_EVERY_US + 1), 1);
    waker_fini(&w);
}

static void the_signal_is_what_it_was_afterwards(void **state)
{
    (void)state;
    struct waker w;
    struct sigaction before, after;

    assert_int_equal(sigaction(SIGURG, NULL, &before), 0);
    assert_int_equal(waker_init(&w), FP_OK);
    waker_fini(&w);
    assert_int_equal(sigaction(SIGURG, NULL, &after), 0);
    assert_ptr_equal(before.sa_handler, after.sa_handler);
}

struct poker {
    struct waker *w;
    int epoll; /* nothing is in it */
    atomic_bool stop;
};

static void *poke_until_stopped(void *arg)
{
    struct poker *p = arg;
    struct epoll_event event;

    while (!atomic_load(&p->stop)) {
        waker_poke(p->w, clock_mono());
        (void)epoll_wait(p->epoll, &event, 1, 1);
    }
    return NULL;
}

/* SA_RESTART is set, and epoll_wait() is not restarted all the same: that is what the whole thing rests on. */
static void a_wait_in_epoll_is_ended(void **state)
{
    (void)state;
    struct waker w;
    struct epoll_event event;
    pthread_t thread;

    assert_int_equal(waker_init(&w), FP_OK);
    int fd = epoll_create1(EPOLL_CLOEXEC);
    assert_true(fd >= 0);
    struct poker p = {.w = &w, .epoll = fd};
    atomic_init(&p.stop, false);
    waker_tick_begin(&w);
    waker_tick_end(&w);
    assert_int_equal(pthread_create(&thread, NULL, poke_until_stopped, &p), 0);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(epoll_wait(fd, &event, 1, 30000), -1); /* 20 of these would outlast the test's time */
        assert_int_equal(errno, EINTR);
    }
    atomic_store(&p.stop, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    (void)close(fd);
    waker_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_signal_while_the_loop_is_at_work),
        cmocka_unit_test(one_signal_a_turn_and_then_one_every_so_often),
        cmocka_unit_test(the_signal_is_what_it_was_afterwards),
        cmocka_unit_test(a_wait_in_epoll_is_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
