#include "tests/bench/counters.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "fp/cbor.h"
#include "tests/bench/measure.h"

#define REPORT_NS (1300 * NS_PER_MS) /* from one report to the next, at the longest */

static const char *const topic_names[COUNTERS_TOPICS] = {"fp/1/ops/hub", "fp/1/ops/host", "bench/tick"};
static const char *const peak_names[PEAKS] = {"turn_us_max", "gap_us_max", "delivery_us_max"};

static bool name_is(struct fp_bytes name, const char *wanted)
{
    return fp_bytes_eq(name, fp_bytes_of(wanted, strlen(wanted)));
}

static void take_peak(struct counters *c, unsigned peak, uint64_t value)
{
    c->peaks[peak] = value > c->peaks[peak] ? value : c->peaks[peak];
    c->known[peak] = true;
}

static void take_counter(struct counters *c, unsigned topic, struct fp_bytes name, uint64_t value)
{
    if (topic == COUNTERS_HUB && name_is(name, "commands")) {
        c->commands = value;
    } else if (topic == COUNTERS_HUB && name_is(name, "commits")) {
        c->commits = value;
    }
    for (unsigned i = 0; i < PEAKS && topic != COUNTERS_HUB && c->measured[topic] > 1; i++) { /* C1 */
        if (name_is(name, peak_names[i])) {
            take_peak(c, i, value);
        }
    }
}

static unsigned topic_by_name(const char *name)
{
    for (unsigned i = 0; i < COUNTERS_TOPICS; i++) {
        if (strcmp(name, topic_names[i]) == 0) {
            return i;
        }
    }
    bench_die("counters on %s, which nobody asked for", name);
}

static void on_report(void *ctx, const char *topic_name, struct fp_bytes payload)
{
    struct counters *c = ctx;
    unsigned topic = topic_by_name(topic_name);
    struct fp_dec d;

    c->reports[topic]++;
    c->measured[topic] += c->measuring;
    fp_dec_init(&d, payload);
    for (size_t pairs = fp_dec_map(&d); pairs > 0 && !d.failed; pairs--) {
        struct fp_bytes name = fp_bytes_of(NULL, 0);
        if (fp_dec_peek(&d) == FP_CBOR_TEXT) {
            name = fp_dec_text(&d);
        } else {
            fp_dec_skip(&d);
        }
        if (fp_dec_peek(&d) == FP_CBOR_UINT) {
            take_counter(c, topic, name, fp_dec_uint(&d));
        } else {
            fp_dec_skip(&d);
        }
    }
    if (d.failed) {
        bench_die("counters on %s that cannot be read (%zu bytes)", topic_name, payload.len);
    }
}

const struct client_ops counters_ops = {.message = on_report};

void counters_subscribe(struct client *c, enum counters_topic topic)
{
    client_subscribe(c, topic_names[topic], 0);
}

void counters_begin(struct counters *c)
{
    c->measuring = true;
}

static bool is_settled(const struct counters *c, const uint64_t before[COUNTERS_TOPICS])
{
    for (unsigned i = 0; i < COUNTERS_TOPICS; i++) {
        if (c->reports[i] > 0 && (c->reports[i] == before[i] || c->measured[i] < 2)) {
            return false;
        }
    }
    return true;
}

void counters_settle(struct counters *c, struct loop *loop)
{
    uint64_t before[COUNTERS_TOPICS];
    uint64_t end = clock_ns() + 2 * REPORT_NS;

    memcpy(before, c->reports, sizeof before);
    while (!is_settled(c, before)) {
        if (clock_ns() > end) {
            bench_die("the broker no longer says how it fares: %" PRIu64 " reports of the hub, %" PRIu64 " of its host, %" PRIu64 " of the probe",
                      c->reports[COUNTERS_HUB], c->reports[COUNTERS_HOST], c->reports[COUNTERS_PROBE]);
        }
        loop_step(loop, end);
    }
}

void counters_print(const struct counters *c)
{
    printf("\"commands\": %" PRIu64 ", \"commits\": %" PRIu64, c->commands, c->commits);
    for (unsigned i = 0; i < PEAKS; i++) {
        if (c->known[i]) {
            printf(", \"%s\": %" PRIu64, peak_names[i], c->peaks[i]);
        } else {
            printf(", \"%s\": null", peak_names[i]);
        }
    }
}
