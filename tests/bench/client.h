/*
 * client.h: many MQTT clients (libmosquitto, 3.1.1, clean session) on one epoll loop.
 *
 * Shape       no thread; sockets are served when they are ready. A connection that is lost ends the run.
 * Memory      payloads are borrowed: good until the callback returns
 * Thread      one
 */
#ifndef TESTS_BENCH_CLIENT_H
#define TESTS_BENCH_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fp/bytes.h"

struct mosquitto;
struct loop;

struct client_ops {
    void (*message)(void *ctx, const char *topic, struct fp_bytes payload);
    void (*published)(void *ctx, int mid); /* PUBACK; NULL if nobody cares */
    void (*served)(void *ctx);             /* what was there has been read: the place to publish from; may be NULL */
};

struct client {
    struct mosquitto *mosq;
    struct loop *loop;
    const struct client_ops *ops;
    void *ctx;
    char name[FP_ID_MAX + 1];
    bool connected;
    bool write_armed;
    bool touched;
    size_t subscribing; /* SUBACKs to come */
};

struct loop {
    int epoll_fd;
    int port;
    struct client *clients;
    size_t count;
    size_t cap;
    struct client **touched; /* have something to write */
    size_t touched_count;
    uint64_t next_misc_ns;
    size_t waiting; /* CONNACKs and SUBACKs to come, of all clients */
};

void loop_open(struct loop *l, int port, size_t clients_max);
void loop_close(struct loop *l);
/* Serves what is ready; waits for it until until_ns at most. */
void loop_step(struct loop *l, uint64_t until_ns);
/* Until every CONNACK and SUBACK is there; ends the run after 20 s. */
void loop_settle(struct loop *l);

/* NULL if nobody listens on the port yet. The CONNACK comes later: loop_settle(). */
struct client *client_open(struct loop *l, const char *name, const char *user, const struct client_ops *ops, void *ctx);
void client_subscribe(struct client *c, const char *filter, int qos);
/* QoS 1; returns the mid. Not from within message() or published(). What is published together leaves together. */
int client_publish(struct client *c, const char *topic, struct fp_bytes payload);

#endif
