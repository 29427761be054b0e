/*
 * tick_probe: a plugin for a broker without the hub. It takes part in nothing; once a turn of the loop it looks at the clocks, and once a
 * second it says on bench/tick, retained, what the worst turn of that second was: {"gap_us_max": uint, "turn_us_max": uint}.
 *
 * turn_us_max  the processor time of the broker's thread from the begin of one TICK to the next: what the hub's turn_us_max is, too
 * gap_us_max   the same by the clock, but only of turns in which the thread never slept, because waiting for work is no stall. The hub's
 *              gap_us_max is of turns that began with something left to tell, which a broker without a hub does not have.
 */
#define _GNU_SOURCE    /* RUSAGE_THREAD, CLOCK_THREAD_CPUTIME_ID under -std=c11 */
#include <mosquitto.h> /* codes only: the client library is not linked */
#include <mosquitto_broker.h>
#include <mosquitto_plugin.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "fp/cbor.h"
#include "plugin/mosq/clock.h"

#define TOPIC "bench/tick"
#define EVERY_US 1000000ULL

struct probe {
    mosquitto_plugin_id_t *id;
    uint64_t ended_us; /* the last TICK; 0 = there was none */
    uint64_t cpu_us;   /* the thread's processor time when it began */
    long sleeps;       /* how often it had slept by then */
    uint64_t turn_us_max, gap_us_max;
    uint64_t due_us; /* of the next report */
};

static uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static long sleeps_so_far(void)
{
    struct rusage used = {0};
    (void)getrusage(RUSAGE_THREAD, &used); /* cannot fail with these arguments */
    return used.ru_nvcsw;
}

static void account(struct probe *p, uint64_t now_us, uint64_t cpu_us)
{
    if (p->ended_us == 0) {
        return;
    }
    p->turn_us_max = max_u64(p->turn_us_max, cpu_us - p->cpu_us);
    if (sleeps_so_far() == p->sleeps) {
        p->gap_us_max = max_u64(p->gap_us_max, now_us - p->ended_us);
    }
}

static void report(struct probe *p, uint64_t now_us)
{
    uint8_t buf[64];
    struct fp_enc e;

    if (now_us < p->due_us) {
        return;
    }
    p->due_us = now_us + EVERY_US;
    fp_enc_init(&e, buf, sizeof buf);
    fp_enc_map(&e, 2);
    fp_enc_text(&e, "gap_us_max", strlen("gap_us_max")); /* in the order of their encoding: by length, then bytes */
    fp_enc_uint(&e, p->gap_us_max);
    fp_enc_text(&e, "turn_us_max", strlen("turn_us_max"));
    fp_enc_uint(&e, p->turn_us_max);
    p->gap_us_max = 0;
    p->turn_us_max = 0;
    struct fp_bytes payload = fp_enc_bytes_of(&e);
    if (payload.len > 0) {
        (void)mosquitto_broker_publish_copy(NULL, TOPIC, (int)payload.len, payload.p, 0, true, NULL); /* bench_hub misses it if it fails */
    }
}

static int on_tick(int event, void *data, void *userdata)
{
    struct probe *p = userdata;
    uint64_t now_us = clock_mono().us;
    uint64_t cpu_us = clock_read_us(CLOCK_THREAD_CPUTIME_ID);
    (void)event;
    (void)data;

    account(p, now_us, cpu_us);
    p->cpu_us = cpu_us;
    report(p, now_us);
    p->ended_us = clock_mono().us;
    p->sleeps = sleeps_so_far();
    return MOSQ_ERR_SUCCESS;
}

int mosquitto_plugin_version(int supported_version_count, const int *supported_versions)
{
    for (int i = 0; i < supported_version_count; i++) {
        if (supported_versions[i] == MOSQ_PLUGIN_VERSION) {
            return MOSQ_PLUGIN_VERSION;
        }
    }
    return -1;
}

int mosquitto_plugin_init(mosquitto_plugin_id_t *identifier, void **userdata, struct mosquitto_opt *options, int option_count)
{
    struct probe *p = calloc(1, sizeof *p);
    (void)options;
    (void)option_count;

    if (p == NULL) {
        return MOSQ_ERR_NOMEM;
    }
    p->id = identifier;
    int code = mosquitto_callback_register(identifier, MOSQ_EVT_TICK, on_tick, NULL, p);
    if (code != MOSQ_ERR_SUCCESS) {
        mosquitto_log_printf(MOSQ_LOG_ERR, "tick_probe: the broker refused the TICK hook");
        free(p);
        return code;
    }
    *userdata = p;
    return MOSQ_ERR_SUCCESS;
}

int mosquitto_plugin_cleanup(void *userdata, struct mosquitto_opt *options, int option_count)
{
    struct probe *p = userdata;
    (void)options;
    (void)option_count;

    if (p != NULL) {
        (void)mosquitto_callback_unregister(p->id, MOSQ_EVT_TICK, on_tick, NULL); /* it was registered with the same arguments */
    }
    free(p);
    return MOSQ_ERR_SUCCESS;
}
