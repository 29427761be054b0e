/* TICK: once a turn of the broker's loop, the place where tells leave and where the host looks after itself. */
#define _GNU_SOURCE /* CLOCK_THREAD_CPUTIME_ID under -std=c11 */
#include "plugin/mosq/host.h"

#include <inttypes.h>
#include <signal.h>
#include <unistd.h>

#include "plugin/mosq/clock.h"

#define COMPLAIN_EVERY_US 10000000ULL
#define SILENT_A_TICK 64

static void keep_max(uint64_t *max, uint64_t value)
{
    if (value > *max) {
        *max = value;
    }
}

/* What happened since the last TICK: how long it took to deliver what that one published decides how much this one may. */
static void account(struct host *h, struct fp_mono now)
{
    uint64_t cpu_us = clock_read_us(CLOCK_THREAD_CPUTIME_ID);
    uint64_t delivery_us = h->turn.delivered.us > h->turn.ended.us ? h->turn.delivered.us - h->turn.ended.us : 0;

    if (h->turn.ended.us > 0) {
        keep_max(&h->peaks.turn_us, cpu_us - h->turn.cpu_us);
        keep_max(&h->peaks.delivery_us, delivery_us);
    }
    if (h->turn.left) {
        keep_max(&h->peaks.gap_us, now.us - h->turn.ended.us);
    }
    h->turn.cpu_us = cpu_us;
    h->stats.ticks++;
    if (ring_used(&h->engine.inlet.ring) > h->peaks.ring_in) {
        h->peaks.ring_in = ring_used(&h->engine.inlet.ring);
    }
    if (ring_used(&h->engine.outlet.ring) > h->peaks.ring_out) {
        h->peaks.ring_out = ring_used(&h->engine.outlet.ring);
    }
    budget_turn(&h->budget, delivery_us + h->turn.tick_us); /* handing over is part of the price */
}

static bool publish(void *ctx, const struct outlet_publish *p)
{
    (void)ctx;
    return mosquitto_broker_publish_copy(NULL, p->topic, (int)p->payload.len, p->payload.p, p->qos, p->retain, NULL) == MOSQ_ERR_SUCCESS;
}

static void grant(void *ctx, const struct outlet_grant *g)
{
    struct host *h = ctx;
    if (g->kind == TELL_ALIVE) {
        conns_promise(&h->conns, g->conn, g->alive_s, clock_mono());
        return;
    }
    rights_grant(&h->rights, &(struct rights_grant){.kind = g->kind, .id = g->id, .user = g->user, .allowed = g->allowed, .change = g->change});
}

static void log_line(void *ctx, enum tell_level level, struct fp_bytes text)
{
    (void)ctx;
    host_log(level == TELL_ERROR     ? MOSQ_LOG_ERR
             : level == TELL_WARNING ? MOSQ_LOG_WARNING
                                     : MOSQ_LOG_NOTICE,
             "%.*s", (int)text.len, (const char *)text.p);
}

static void tell_all(struct host *h)
{
    struct outlet_sink sink = {.ctx = h, .publish = publish, .grant = grant, .log = log_line};
    struct outlet_turn turn = {0};

    do {
        waker_tick_begin(&h->engine.waker);
        outlet_drain(&h->engine.outlet, &h->budget, sink, &turn);
        waker_tick_end(&h->engine.waker);
    } while (!turn.left && outlet_has_next(&h->engine.outlet)); /* who told in between has not poked us */
    h->stats.publishes += turn.publishes;
    h->stats.grants += turn.grants;
    h->stats.cut_ticks += turn.left;
    h->turn.left = turn.left;
    if (turn.left) {
        gate_open(&h->engine.gate); /* nobody else ends the wait that follows */
    }
}

static const char *meaning_of(enum fp_err err)
{
    if (err == FP_EIO) {
        return "the disk refuses to read or write: look at the disk and at the system's log";
    }
    if (err == FP_ECORRUPT) {
        return "the database holds what we did not write: restore a backup, or move the file aside and begin anew";
    }
    if (err == FP_ENOMEM) {
        return "there is no memory left: give the machine more, or make cache_entries and the rings smaller";
    }
    return "this should not happen: report it";
}

/* What is committed stays; what is not was never acknowledged. Going on without the engine would take messages that nobody keeps. */
static void stop_broker(struct host *h, enum fp_err err)
{
    h->stopping = true;
    host_log(MOSQ_LOG_ERR, "the engine has stopped: %s: %s. Commands are answered with nack busy and the broker is stopped", fp_err_name(err),
             meaning_of(err));
    if (kill(getpid(), SIGTERM) != 0) {
        host_log(MOSQ_LOG_ERR, "the broker could not be stopped");
    }
}

static void complain(struct host *h, struct fp_mono now)
{
    if (now.us - h->complained.us < COMPLAIN_EVERY_US && h->complained.us > 0) {
        return;
    }
    if (h->rights.failures != h->failures_logged) {
        host_log(MOSQ_LOG_WARNING, "%" PRIu64 " access look-ups have failed so far and were answered with no: the database cannot be read",
                 h->rights.failures);
        h->failures_logged = h->rights.failures;
        h->complained = now;
    }
    if (h->stats.busy != h->busy_logged) {
        host_log(MOSQ_LOG_WARNING, "%" PRIu64 " commands have been answered with nack busy so far: the engine is behind, or ring_in_kb is small",
                 h->stats.busy);
        h->busy_logged = h->stats.busy;
        h->complained = now;
    }
}

/* With the will, as the broker itself does it: hook_disconnect() runs within each call, or a moment later where WebSockets are the broker's own. */
static void end_silent(struct host *h, struct fp_mono now)
{
    const void *clients[SILENT_A_TICK];

    conns_tick(&h->conns, now);
    size_t count = conns_silent(&h->conns, clients, SILENT_A_TICK);
    for (size_t i = 0; i < count; i++) {
        const char *id = conns_find(&h->conns, clients[i]) ? mosquitto_client_id(clients[i]) : NULL;
        if (id != NULL) {
            (void)mosquitto_kick_client_by_clientid(id, true); /* not found: it is going already */
        }
    }
}

int hook_tick(int event, void *data, void *userdata)
{
    struct host *h = userdata;
    struct fp_mono now = clock_mono();
    enum fp_err fatal = engine_fatal(&h->engine);
    (void)event;
    (void)data;

    account(h, now);
    tell_all(h);
    end_silent(h, now);
    if (fatal && !h->stopping) {
        stop_broker(h, fatal);
    }
    complain(h, now);
    host_publish_ops(h, now);
    h->turn.ended = clock_mono();
    h->turn.delivered.us = 0;
    h->turn.delivering = true;
    h->turn.checking = h->turn.ended;
    h->turn.tick_us = h->turn.ended.us - now.us;
    keep_max(&h->peaks.tick_us, h->turn.tick_us);
    return MOSQ_ERR_SUCCESS;
}
