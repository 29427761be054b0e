#include "tests/bench/client.h"

#include <errno.h>
#include <mosquitto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "tests/bench/measure.h"
#include "tests/bench/netbuf.h"

#define READY_MAX 64
#define SETTLE_NS (20 * NS_PER_S)
#define KEEPALIVE_S 60

static void on_connect(struct mosquitto *mosq, void *obj, int code)
{
    struct client *c = obj;
    (void)mosq;
    if (code != 0) {
        bench_die("%s: the broker refused the connection: %s", c->name, mosquitto_connack_string(code));
    }
    c->connected = true;
    c->loop->waiting--;
}

static void on_subscribe(struct mosquitto *mosq, void *obj, int mid, int count, const int *granted)
{
    struct client *c = obj;
    (void)mosq;
    (void)mid;
    for (int i = 0; i < count; i++) {
        if (granted[i] > 2) {
            bench_die("%s: the broker refused a subscription", c->name);
        }
    }
    if (c->subscribing == 0) {
        bench_die("%s: a SUBACK that nobody asked for", c->name);
    }
    c->subscribing--;
    c->loop->waiting--;
}

static void on_message(struct mosquitto *mosq, void *obj, const struct mosquitto_message *m)
{
    struct client *c = obj;
    (void)mosq;
    c->ops->message(c->ctx, m->topic, fp_bytes_of(m->payload, (size_t)m->payloadlen));
}

static void on_publish(struct mosquitto *mosq, void *obj, int mid)
{
    struct client *c = obj;
    (void)mosq;
    if (c->ops->published != NULL) {
        c->ops->published(c->ctx, mid);
    }
}

static void must(const struct client *c, int code, const char *what)
{
    if (code != MOSQ_ERR_SUCCESS) {
        bench_die("%s: %s: %s", c->name, what, code == MOSQ_ERR_ERRNO ? strerror(errno) : mosquitto_strerror(code));
    }
}

/* Writes what is there to be written, and watches the socket for writing exactly while something is left. */
static void client_flush(struct client *c)
{
    int fd = mosquitto_socket(c->mosq);
    bool all = netbuf_flush(fd);
    while (all && mosquitto_want_write(c->mosq)) {
        must(c, mosquitto_loop_write(c->mosq, 1), "writing");
        all = netbuf_flush(fd);
    }
    if (c->write_armed == !all) {
        return;
    }
    struct epoll_event ev = {.events = EPOLLIN | (all ? 0U : (uint32_t)EPOLLOUT), .data.ptr = c};
    if (epoll_ctl(c->loop->epoll_fd, EPOLL_CTL_MOD, fd, &ev) != 0) {
        bench_die("%s: epoll_ctl: %s", c->name, strerror(errno));
    }
    c->write_armed = !all;
}

/* It has something to write: at the latest when the loop goes on. */
static void client_touch(struct client *c)
{
    if (!c->touched) {
        c->touched = true;
        c->loop->touched[c->loop->touched_count++] = c;
    }
}

static void client_serve(struct client *c, uint32_t events)
{
    int fd = mosquitto_socket(c->mosq);
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
        netbuf_fill(fd);
    }
    while (netbuf_has_input(fd)) {
        must(c, mosquitto_loop_read(c->mosq, 1), "reading");
    }
    if (c->ops->served != NULL) {
        c->ops->served(c->ctx);
    }
    client_flush(c);
}

void loop_open(struct loop *l, int port, size_t clients_max)
{
    *l = (struct loop){.epoll_fd = epoll_create1(EPOLL_CLOEXEC), .port = port, .cap = clients_max};
    if (l->epoll_fd < 0) {
        bench_die("epoll_create1: %s", strerror(errno));
    }
    l->clients = bench_alloc(clients_max, sizeof l->clients[0]);
    l->touched = bench_alloc(clients_max, sizeof l->touched[0]);
    (void)mosquitto_lib_init();
}

void loop_close(struct loop *l)
{
    for (size_t i = 0; i < l->count; i++) {
        int fd = mosquitto_socket(l->clients[i].mosq);
        (void)mosquitto_disconnect(l->clients[i].mosq); /* the run is over; a broker that is gone already is fine */
        (void)netbuf_flush(fd);
        netbuf_detach(fd);
        mosquitto_destroy(l->clients[i].mosq);
    }
    free(l->clients);
    free(l->touched);
    (void)close(l->epoll_fd);
    (void)mosquitto_lib_cleanup();
    *l = (struct loop){.epoll_fd = -1};
}

void loop_step(struct loop *l, uint64_t until_ns)
{
    struct epoll_event ready[READY_MAX];
    for (size_t i = 0; i < l->touched_count; i++) {
        l->touched[i]->touched = false;
        client_flush(l->touched[i]);
    }
    l->touched_count = 0;
    uint64_t now = clock_ns();
    uint64_t wait_ns = until_ns > now ? until_ns - now : 0;
    if (wait_ns > NS_PER_S / 2) {
        wait_ns = NS_PER_S / 2;
    }
    struct timespec wait = {.tv_nsec = (long)wait_ns};
    int count = epoll_pwait2(l->epoll_fd, ready, READY_MAX, &wait, NULL);
    if (count < 0 && errno != EINTR) {
        bench_die("epoll_pwait2: %s", strerror(errno));
    }
    for (int i = 0; i < count; i++) {
        client_serve(ready[i].data.ptr, ready[i].events);
    }
    if (now < l->next_misc_ns) {
        return;
    }
    l->next_misc_ns = now + NS_PER_S;
    for (size_t i = 0; i < l->count; i++) {
        must(&l->clients[i], mosquitto_loop_misc(l->clients[i].mosq), "keeping alive");
        client_touch(&l->clients[i]);
    }
}

void loop_settle(struct loop *l)
{
    uint64_t end = clock_ns() + SETTLE_NS;
    while (l->waiting > 0) {
        if (clock_ns() > end) {
            bench_die("%zu answers to CONNECT or SUBSCRIBE did not come within 20 s", l->waiting);
        }
        loop_step(l, end);
    }
}

struct client *client_open(struct loop *l, const char *name, const char *user, const struct client_ops *ops, void *ctx)
{
    if (l->count == l->cap) {
        bench_die("more than %zu clients", l->cap);
    }
    struct client *c = &l->clients[l->count];
    *c = (struct client){.loop = l, .ops = ops, .ctx = ctx};
    (void)snprintf(c->name, sizeof c->name, "%s", name);
    c->mosq = mosquitto_new(name, true, c);
    if (c->mosq == NULL) {
        bench_die("%s: out of memory", name);
    }
    mosquitto_connect_callback_set(c->mosq, on_connect);
    mosquitto_subscribe_callback_set(c->mosq, on_subscribe);
    mosquitto_message_callback_set(c->mosq, on_message);
    mosquitto_publish_callback_set(c->mosq, on_publish);
    must(c, mosquitto_username_pw_set(c->mosq, user, NULL), "user name");
    must(c, mosquitto_int_option(c->mosq, MOSQ_OPT_TCP_NODELAY, 1), "TCP_NODELAY");
    must(c, mosquitto_int_option(c->mosq, MOSQ_OPT_SEND_MAXIMUM, 65535), "send maximum");
    int code = mosquitto_connect(c->mosq, "127.0.0.1", l->port, KEEPALIVE_S);
    if (code == MOSQ_ERR_ERRNO && errno == ECONNREFUSED) {
        mosquitto_destroy(c->mosq);
        return NULL;
    }
    must(c, code, "connecting");
    netbuf_attach(mosquitto_socket(c->mosq));
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};
    if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, mosquitto_socket(c->mosq), &ev) != 0) {
        bench_die("%s: epoll_ctl: %s", name, strerror(errno));
    }
    l->count++;
    l->waiting++;
    client_touch(c);
    return c;
}

void client_subscribe(struct client *c, const char *filter, int qos)
{
    c->subscribing++;
    c->loop->waiting++;
    must(c, mosquitto_subscribe(c->mosq, NULL, filter, qos), "subscribing");
    client_touch(c);
}

int client_publish(struct client *c, const char *topic, struct fp_bytes payload)
{
    int mid = 0;
    must(c, mosquitto_publish(c->mosq, &mid, topic, (int)payload.len, payload.p, 1, false), "publishing");
    client_touch(c);
    return mid;
}
