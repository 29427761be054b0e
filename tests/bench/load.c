#include "tests/bench/load.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DRAIN_NS (20 * NS_PER_S)  /* without any progress */
#define OPS_NS (1300 * NS_PER_MS) /* the hub reports once a second */

struct snapshot {
    uint64_t ns;
    uint64_t sent, done, delivered, publishes;
    double cpu_self, cpu_broker;
};

static struct snapshot snapshot_take(const struct load *l)
{
    return (struct snapshot){
        .ns = clock_ns(),
        .sent = l->sent,
        .done = l->done,
        .delivered = l->delivered,
        .publishes = l->publishes,
        .cpu_self = cpu_self_s(),
        .cpu_broker = cpu_of_s(l->config.broker_pid),
    };
}

/* ------------------------------------------------------------------ the hub's own counters */

static bool counter_is(struct fp_bytes name, const char *wanted)
{
    return fp_bytes_eq(name, fp_bytes_of(wanted, strlen(wanted)));
}

static void take_counter(struct load *l, struct fp_bytes name, uint64_t value)
{
    if (counter_is(name, "commands")) {
        l->hub_commands = value;
    } else if (counter_is(name, "commits")) {
        l->hub_commits = value;
    } else if (counter_is(name, "stall_us_max")) { /* the longest time between two turns of the broker's loop */
        l->has_stall = true;
        l->stall_us = l->measuring && value < l->stall_us ? l->stall_us : value; /* before the measurement: forget what was */
    }
}

/* {name => counter, ...}; what is not of interest, or no counter, is skipped. */
static void on_ops(void *ctx, const char *topic, struct fp_bytes payload)
{
    struct load *l = ctx;
    struct fp_dec d;

    (void)topic;
    fp_dec_init(&d, payload);
    if (fp_dec_peek(&d) != FP_CBOR_MAP) {
        return;
    }
    for (size_t pairs = fp_dec_map(&d); pairs > 0 && !d.failed; pairs--) {
        struct fp_bytes name = fp_bytes_of(NULL, 0);
        if (fp_dec_peek(&d) == FP_CBOR_TEXT) {
            name = fp_dec_text(&d);
        } else {
            fp_dec_skip(&d);
        }
        if (fp_dec_peek(&d) == FP_CBOR_UINT) {
            take_counter(l, name, fp_dec_uint(&d));
        } else {
            fp_dec_skip(&d);
        }
    }
    l->ops_messages++;
}

const struct client_ops ops_watch_ops = {.message = on_ops};

static void wait_for_ops(struct load *l)
{
    uint64_t seen = l->ops_messages;
    uint64_t end = clock_ns() + OPS_NS;
    while (seen > 0 && l->ops_messages == seen && clock_ns() < end) {
        loop_step(&l->loop, end);
    }
}

/* ------------------------------------------------------------------ the run */

struct schedule {
    uint64_t start_ns;
    double gap_ns; /* 0 = closed loop */
    uint64_t next; /* message */
};

static uint64_t schedule_due(const struct schedule *s)
{
    return s->start_ns + (uint64_t)(s->gap_ns * (double)s->next);
}

/* Sends what is due by now; returns when to look again. */
static uint64_t send_due(struct load *l, struct schedule *s, uint64_t now, uint64_t end)
{
    if (s->gap_ns <= 0) {
        return end;
    }
    uint64_t due = schedule_due(s);
    while (due <= now && due < l->to_ns) {
        unsigned sender = (unsigned)(s->next % l->sender_count);
        peer_send_due(&l->peers[l->config.room ? sender : sender * l->config.members], due);
        s->next++;
        due = schedule_due(s);
    }
    return due < end ? due : end;
}

static void step_until(struct load *l, struct schedule *s, uint64_t end)
{
    for (uint64_t now = clock_ns(); now < end && (l->config.limit == 0 || l->done < l->config.limit * l->sender_count); now = clock_ns()) {
        loop_step(&l->loop, send_due(l, s, now, end));
    }
}

static void drain(struct load *l)
{
    uint64_t done = l->done;
    uint64_t delivered = l->delivered;
    uint64_t end = clock_ns() + DRAIN_NS;
    while (l->done < l->sent || l->delivered < l->sent * l->receivers_a_message) {
        if (done != l->done || delivered != l->delivered) {
            done = l->done;
            delivered = l->delivered;
            end = clock_ns() + DRAIN_NS;
        }
        if (clock_ns() > end) {
            bench_die("nothing came for 20 s: %" PRIu64 " of %" PRIu64 " messages acknowledged, %" PRIu64 " of %" PRIu64 " deliveries", l->done,
                      l->sent, l->delivered, l->sent * l->receivers_a_message);
        }
        loop_step(&l->loop, end);
    }
}

/* Nothing is on the way any more, so whatever still comes is a duplicate. */
static void linger(struct load *l)
{
    uint64_t end = clock_ns() + 100 * NS_PER_MS;
    while (clock_ns() < end) {
        loop_step(&l->loop, end);
    }
}

static void report(struct load *l, const struct snapshot *from, const struct snapshot *to)
{
    double seconds = (double)(to->ns - from->ns) / 1e9;
    double cpu_self = (to->cpu_self - from->cpu_self) / seconds;
    double cpu_broker = (to->cpu_broker - from->cpu_broker) / seconds;

    printf("{\"seconds\": %.6f, \"sent\": %" PRIu64 ", \"done\": %" PRIu64 ", \"delivered\": %" PRIu64 ", \"publishes\": %" PRIu64 ", ", seconds,
           to->sent - from->sent, to->done - from->done, to->delivered - from->delivered, to->publishes - from->publishes);
    printf("\"done_per_s\": %.1f, \"delivered_per_s\": %.1f, ", (double)(to->done - from->done) / seconds,
           (double)(to->delivered - from->delivered) / seconds);
    printf("\"cpu_self\": %.3f, \"cpu_broker\": %.3f, \"broker_cpu_s\": %.6f, ", cpu_self, cpu_broker, to->cpu_broker - from->cpu_broker);
    printf("\"all_sent\": %" PRIu64 ", \"all_delivered\": %" PRIu64 ", ", l->sent, l->delivered);
    samples_print(&l->ack_us, "ack_us");
    printf(", ");
    samples_print(&l->event_us, "event_us");
    printf(", \"commands\": %" PRIu64 ", \"commits\": %" PRIu64, l->hub_commands, l->hub_commits);
    if (l->has_stall) {
        printf(", \"stall_us_max\": %" PRIu64 "}\n", l->stall_us);
    } else {
        printf(", \"stall_us_max\": null}\n");
    }
}

static void load_free(struct load *l)
{
    loop_close(&l->loop);
    for (unsigned i = 0; i < l->peer_count; i++) {
        free(l->peers[i].due_ns);
        free(l->peers[i].mids);
    }
    free(l->peers);
    free(l->groups);
    samples_free(&l->ack_us);
    samples_free(&l->event_us);
}

void load_run(const struct load_config *config)
{
    struct load l = {.config = *config};
    struct schedule s = {0};

    load_join(&l);
    s.start_ns = clock_ns();
    l.from_ns = s.start_ns + (uint64_t)(config->warm_s * 1e9);
    l.to_ns = l.from_ns + (uint64_t)(config->measure_s * 1e9);
    s.gap_ns = config->window == 0 ? 1e9 / config->rate_per_s : 0;
    l.sending = true;
    for (unsigned i = 0; config->window > 0 && i < l.peer_count; i++) {
        if (l.peers[i].sends) {
            peer_refill(&l.peers[i]);
        }
    }
    step_until(&l, &s, l.from_ns);
    l.measuring = true;
    struct snapshot from = snapshot_take(&l);
    step_until(&l, &s, l.to_ns);
    struct snapshot to = snapshot_take(&l);
    l.sending = false;

    drain(&l);
    linger(&l);
    for (unsigned i = 0; i < l.peer_count; i++) {
        peer_check(&l.peers[i]);
    }
    wait_for_ops(&l);
    report(&l, &from, &to);
    load_free(&l);
}
