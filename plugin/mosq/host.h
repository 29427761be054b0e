/*
 * host.h: the plugin as the broker's thread sees it: everything that the hooks use.
 *
 * Shape       one per process, from mosquitto_plugin_init() to _cleanup()
 * Errors      logged here, on the broker's thread: the host's log is not made for two
 * Thread      one thread (the broker's); the engine's lives behind engine.h
 */
#ifndef PLUGIN_MOSQ_HOST_H
#define PLUGIN_MOSQ_HOST_H

#include <mosquitto_broker.h>
#include <mosquitto_plugin.h>
#include <mosquitto.h> /* codes and log levels only: the client library is not linked */

#include "plugin/mosq/budget.h"
#include "plugin/mosq/config.h"
#include "plugin/mosq/conns.h"
#include "plugin/mosq/engine.h"
#include "plugin/mosq/guard.h"
#include "plugin/mosq/rights.h"
#include "plugin/sqlite/sqlite_store.h"

struct host_stats {
    uint64_t ticks, publishes, grants;
    uint64_t messages, busy, refused; /* taken; answered "busy"; told as SOURCE_REFUSED */
    uint64_t cut_ticks;               /* TICKs that left something for the next one */
};

struct host_peaks {
    uint64_t gap_us;  /* between two TICKs, with something left to tell */
    uint64_t turn_us; /* of the broker's processor time from one TICK's begin to the next one's, whatever it did */
    uint64_t tick_us;
    uint64_t delivery_us;     /* of what one TICK published */
    size_t ring_in, ring_out; /* bytes used, as seen by TICK */
};

struct host_turn {            /* from one TICK to the next */
    uint64_t tick_us;         /* how long the last TICK took */
    struct fp_mono ended;     /* the last TICK */
    uint64_t cpu_us;          /* the thread's processor time when that TICK began */
    struct fp_mono delivered; /* the last delivery of what that TICK published; 0 = none yet */
    bool delivering;          /* nothing but deliveries has happened since */
    struct fp_mono checking;  /* the last sign that the loop has not waited for its sockets since; 0: a client has been heard */
    bool left;
};

struct host {
    mosquitto_plugin_id_t *id;
    struct config_pair *options; /* own_ copies of what the broker gave at the start */
    size_t option_count;
    struct config config;
    enum other_topics other_preset; /* where the option is not given */
    enum other_topics other;        /* what holds */
    struct sqlite_store *store;
    struct sqlite_access *access;
    struct store_info info;
    struct rights rights;
    struct guard guard;
    struct conns conns;
    struct engine engine;
    struct budget budget;
    struct host_turn turn;
    struct host_stats stats;
    struct host_peaks peaks;      /* since they were last published */
    struct host_peaks peaks_ever; /* up to then */
    uint64_t failures_logged;     /* of rights.failures */
    uint64_t busy_logged;         /* of stats.busy */
    struct fp_mono complained;    /* when something that may come often was logged last */
    struct fp_mono ops_due;       /* of fp/1/ops/host */
    bool stopping;                /* the engine has failed and the broker was asked to end */
};

__attribute__((format(printf, 2, 3))) void host_log(int level, const char *format, ...);

/* Both log what went wrong. NULL: the broker must not start. */
struct host *host_open(mosquitto_plugin_id_t *id, const struct mosquitto_opt *options, size_t option_count);
void host_close(struct host *h);

/* Moves the peaks into peaks_ever. */
void host_settle_peaks(struct host *h);
/* In each TICK: publishes fp/1/ops/host when it is due and somebody may read it. */
void host_publish_ops(struct host *h, struct fp_mono now);

/* The hooks, for MOSQ_EVT_*. */
int hook_acl_check(int event, void *data, void *userdata);
int hook_message(int event, void *data, void *userdata);
int hook_disconnect(int event, void *data, void *userdata);
int hook_tick(int event, void *data, void *userdata);
int hook_reload(int event, void *data, void *userdata);

#endif
