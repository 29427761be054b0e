#include "edge-relay/net/loop.h"

#include <errno.h>
#include <fcntl.h>
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

bool loop_open(struct loop *loop)
{
    *loop = (struct loop){.epoll = epoll_create1(EPOLL_CLOEXEC)};
    return loop->epoll >= 0;
}

bool loop_attach(struct loop *loop, struct lws_context *lws, struct lws_vhost *vhost)
{
    lws_sock_file_fd_type fd = {.filefd = fcntl(loop->epoll, F_DUPFD_CLOEXEC, 0)}; /* libwebsockets closes what it adopts */
    lws_adopt_desc_t adopt = {.vh = vhost, .type = LWS_ADOPT_RAW_FILE_DESC, .fd = fd, .vh_prot_name = LOOP_PROTOCOL, .opaque = loop};

    loop->lws = lws;
    return fd.filefd >= 0 && lws_adopt_descriptor_vhost_via_info(&adopt) != NULL;
}

void loop_close(struct loop *loop)
{
    if (loop->epoll >= 0) {
        (void)close(loop->epoll);
        loop->epoll = -1;
    }
}

int loop_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    (void)user;
    (void)in;
    (void)len;
    if (reason == LWS_CALLBACK_RAW_RX_FILE) {
        struct loop *loop = lws_get_opaque_user_data(wsi);
        loop->due = true; /* served in the loop, where nothing of libwebsockets is half done */
    }
    return 0;
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
    struct timespec step = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
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

bool loop_run(struct loop *loop, void (*after)(void *ctx), void *ctx)
{
    while (!loop->stop) {
        loop->due = false;
        if (lws_service(loop->lws, 0) < 0) {
            return false;
        }
        if (loop->due) {
            serve(loop);
        }
        after(ctx);
    }
    return true;
}
