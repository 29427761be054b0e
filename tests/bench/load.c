#include "tests/bench/load.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define DRAIN_NS (20 * NS_PER_S) /* without any progress */

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
    printf(", ");
    counters_print(&l->counters);
    printf("}\n");
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
    counters_begin(&l.counters);
    struct snapshot from = snapshot_take(&l);
    step_until(&l, &s, l.to_ns);
    struct snapshot to = snapshot_take(&l);
    l.sending = false;

    drain(&l);
    linger(&l);
    for (unsigned i = 0; i < l.peer_count; i++) {
        peer_check(&l.peers[i]);
    }
    counters_settle(&l.counters, &l.loop);
    report(&l, &from, &to);
    load_free(&l);
}
