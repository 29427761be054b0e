#include "edge-relay/net/loop.h"

#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define EVENTS_AT_ONCE 64

struct fp_mono loop_now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (struct fp_mono){.us = (uint64_t)t.tv_sec * 1000000U + (uint64_t)t.tv_nsec / 1000U};
}

/* Served in loop_run(), where nothing of libwebsockets is half done. */
static void set_due(uv_poll_t *watch, int status, int events)
{
    struct loop *loop = watch->data;

    (void)status;
    (void)events;
    loop->due = true;
}

bool loop_open(struct loop *loop)
{
    *loop = (struct loop){.epoll = epoll_create1(EPOLL_CLOEXEC)};
    if (loop->epoll < 0 || uv_loop_init(&loop->uv) != 0) {
        return false;
    }
    loop->watch.data = loop;
    return uv_poll_init(&loop->uv, &loop->watch, loop->epoll) == 0 && uv_poll_start(&loop->watch, UV_READABLE, set_due) == 0;
}

void loop_drain(struct loop *loop)
{
    int budget = 10000;

    uv_unref((uv_handle_t *)&loop->watch);
    while (budget-- > 0 && uv_run(&loop->uv, UV_RUN_NOWAIT) != 0) {
    }
    uv_ref((uv_handle_t *)&loop->watch);
}

void loop_close(struct loop *loop)
{
    uv_close((uv_handle_t *)&loop->watch, NULL);
    loop_drain(loop);
    (void)uv_loop_close(&loop->uv); /* it fails only while something is open, and then the process ends anyway */
    (void)close(loop->epoll);
    loop->epoll = -1;
}

bool loop_add(struct loop *loop, int fd, uint32_t events, struct loop_fd *what)
{
    struct epoll_event e = {.events = events, .data.ptr = what};

    return epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &e) == 0;
}

void loop_remove(struct loop *loop, int fd)
{
    (void)epoll_ctl(loop->epoll, EPOLL_CTL_DEL, fd, NULL); /* it fails only for what is not in the set */
}

int loop_every(struct loop *loop, uint32_t ms, struct loop_fd *what)
{
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    struct timespec step = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    struct itimerspec every = {.it_interval = step, .it_value = step};

    if (fd >= 0 && timerfd_settime(fd, 0, &every, NULL) == 0 && loop_add(loop, fd, EPOLLIN, what)) {
        return fd;
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return -1;
}

static void serve(struct loop *loop)
{
    struct epoll_event events[EVENTS_AT_ONCE];
    int n = epoll_wait(loop->epoll, events, EVENTS_AT_ONCE, 0); /* what does not fit comes in the next turn */

    for (int i = 0; i < n; i++) {
        struct loop_fd *what = events[i].data.ptr;
        what->ready(what->ctx, events[i].events);
    }
}

void loop_run(struct loop *loop, void (*after)(void *ctx), void *ctx)
{
    while (!loop->stop) {
        loop->due = false;
        (void)uv_run(&loop->uv, UV_RUN_ONCE); /* whether handles are left: ours always is */
        if (loop->due) {
            unsigned wait_us = pace_turn(&loop->pace, loop_now());
            if (wait_us > 0) {
                (void)usleep(wait_us); /* a signal may end it early: then this turn finds less to do */
            }
            serve(loop);
        }
        after(ctx);
    }
}
