#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/storm.h"

#define BUSY_POLLS 20000 /* at one moment of the clock: somebody asks to be called at once, for ever */

const struct storm *storm_current;

static const char *const user_names[STORM_USERS] = {"anna", "ben", "carl"};
static const char *const device_names[STORM_DEVICES] = {"anna-phone", "ben-phone", "anna-pad", "carl-phone", "ben-pad"};
static const size_t device_users[STORM_DEVICES] = {0, 1, 0, 2, 1};
static const char *const conv_names[STORM_CONVS] = {"kitchen", "cellar", "attic"};
static const char *const conv_scopes[STORM_CONVS] = {"house", "house", "dm"};

void storm_fail(const struct storm *st, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    storm_current = NULL;
    printf("seed %llu, step %llu, at %llu us: ", (unsigned long long)st->seed, (unsigned long long)st->step,
           (unsigned long long)sim_net_now(st->net).us);
    vprintf(format, args);
    printf("\nreplay: sim_storm --seed %llu --verbose\n", (unsigned long long)st->seed);
    va_end(args);
    fflush(stdout);
    _Exit(1);
}

void storm_log(const struct storm *st, const char *format, ...)
{
    va_list args;
    if (!st->verbose) {
        return;
    }
    va_start(args, format);
    printf("%5llu %10llu ", (unsigned long long)st->step, (unsigned long long)sim_net_now(st->net).us);
    vprintf(format, args);
    printf("\n");
    va_end(args);
}

const char *storm_user_name(size_t user)
{
    return user_names[user];
}

bool storm_conv_find(const struct storm *st, const struct fp_id *id, size_t *out)
{
    for (size_t i = 0; i < st->conv_count; i++) {
        if (fp_id_eq(&st->convs[i].id, id)) {
            *out = i;
            return true;
        }
    }
    return false;
}

static void *must(void *p)
{
    if (!p) {
        abort();
    }
    return p;
}

/* ------------------------------------------------------------------ devices */

static uint32_t device_random(void *ctx)
{
    struct storm_device *d = ctx;
    return (uint32_t)sim_next(&d->st->random);
}

static uint32_t one_of(struct sim_random *r, const uint32_t *values, size_t count)
{
    return values[sim_below(r, count)];
}

static void init_device(struct storm *st, size_t index)
{
    static const uint32_t rx[] = {1024, 4096, 4096, 70000, 70000};
    static const uint32_t tx[] = {1024, 2600, 17000, 17000};
    static const uint32_t reorder[] = {512, 4096, 65536};
    static const uint32_t entries[] = {8, 64, 300, 300};
    static const uint32_t sector[] = {512, 1024, 4096};
    static const uint32_t piece[] = {1, 2, 4, 8, 16, 32};
    struct storm_device *d = &st->devices[index];
    struct sim_random *r = &st->random;

    *d = (struct storm_device){.st = st, .index = index, .user = device_users[index]};
    snprintf(d->name, sizeof(d->name), "%s", device_names[index]);
    sim_flash_init(&d->flash, sim_next(r), 3 + (uint32_t)sim_below(r, 10), one_of(r, sector, 3), (uint16_t)one_of(r, piece, 6));
    d->config = (struct fp_client_config){
        .user = user_names[d->user],
        .device = d->name,
        .app = "storm",
        .keepalive_s = (uint16_t)(5 + sim_below(r, 40)),
        .want = sim_chance(r, 300) ? FP_WANT_EVENTS : FP_WANT_ALL,
        .from_head = sim_chance(r, 150),
        .rx_bytes = one_of(r, rx, 5),
        .tx_bytes = one_of(r, tx, 4),
        .reorder_bytes = one_of(r, reorder, 3),
        .convs = 4,
        .tracked = (uint16_t)sim_below(r, 10),
        .entries = one_of(r, entries, 4),
        .transport = sim_net_transport(st->net, index),
        .storage = sim_flash_port(&d->flash),
        .random = {.ctx = d, .next = device_random},
        .notify = storm_notify,
        .notify_ctx = d,
        .backoff_max_ms = sim_chance(r, 500) ? 3000 : 0,
        .window = sim_chance(r, 500) ? 1 + (uint32_t)sim_below(r, 8) : 0,
    };
    d->config.memory_bytes = fp_client_memory(&d->config);
    d->config.memory = must(malloc(d->config.memory_bytes));
}

/* Where the library goes on after a restart: L4. */
static void resume_shelf(struct storm_device *d, size_t conv)
{
    struct storm *st = d->st;
    struct storm_shelf *s = &d->shelves[conv];
    const struct fp_conv *v = fp_client_conv(d->c, &st->convs[conv].id);

    for (uint64_t seq = 1; seq <= st->convs[conv].head; seq++) {
        s->have[seq] = s->have[seq] == 2 ? 2 : 0;
    }
    bool jumped = v && d->config.from_head && (!s->known || v->cursor <= s->base); /* it has left and come back, at the head */
    if (v && s->disk_known && !jumped && v->cursor > s->disk) {
        storm_fail(st, "L4: %s goes on in %s behind %llu, but has stored only up to %llu", d->name, st->convs[conv].id.text,
                   (unsigned long long)v->cursor, (unsigned long long)s->disk);
    }
    if (v && !s->disk_known && !d->config.from_head && !storm_is_floor(st, conv, d->user, v->cursor)) {
        storm_fail(st, "L4: %s goes on in %s behind %llu, but has stored nothing", d->name, st->convs[conv].id.text, (unsigned long long)v->cursor);
    }
    if (d->clean && s->known && s->disk_last > 0 && (!v || v->cursor != s->disk_last)) {
        storm_fail(st, "L4: %s was closed in good order and goes on in %s behind %llu, but had stored up to %llu", d->name, st->convs[conv].id.text,
                   v ? (unsigned long long)v->cursor : 0ULL, (unsigned long long)s->disk_last);
    }
    s->known = v != NULL;
    s->cursor = v ? v->cursor : 0;
    s->disk_last = v ? v->cursor : 0;
    s->base = v && s->disk_known && !jumped && s->disk_base <= v->cursor ? s->disk_base : s->cursor;
}

void storm_device_open(struct storm_device *d)
{
    struct storm *st = d->st;
    const char *why = "";
    struct fp_mono now = sim_net_now(st->net);

    memset(d->config.memory, (int)sim_below(&st->random, 256), d->config.memory_bytes);
    if (!st->calm && sim_chance(&st->random, 100)) {
        d->flash.power_in = 1 + sim_below(&st->random, 200);
    }
    enum fp_err err = fp_client_open(&d->config, now, &d->c, &why);
    if (err && !d->flash.off) {
        storm_fail(st, "%s does not open: %s, %s", d->name, fp_err_name(err), why ? why : "");
    }
    if (err) { /* the power went while it opened */
        storm_log(st, "%s loses its power while it opens", d->name);
        d->c = NULL;
        sim_flash_cut(&d->flash);
        d->back_us = now.us + 1000;
        return;
    }
    storm_log(st, "%s opens, %u pending%s", d->name, fp_client_pending(d->c), d->config.from_head ? ", from the head" : "");
    d->back_us = 0;
    d->due = now;
    storm_check_pending(d, true);
    for (size_t i = 0; i < st->conv_count; i++) {
        resume_shelf(d, i);
    }
    fp_client_connect(d->c);
}

void storm_device_crash(struct storm_device *d)
{
    struct storm *st = d->st;
    storm_log(st, "%s crashes", d->name);
    sim_net_client_gone(st->net, d->index, sim_chance(&st->random, 500));
    sim_flash_cut(&d->flash);
    d->c = NULL;
    d->clean = false;
    d->back_us = sim_net_now(st->net).us + 1 + sim_below(&st->random, st->calm ? 1000 : 3000000);
    st->stats.crashes++;
}

void storm_device_close(struct storm_device *d)
{
    struct storm *st = d->st;
    storm_log(st, "%s is closed", d->name);
    d->flash.fail_in = 0;
    d->failing = false;
    fp_client_close(d->c);
    if (d->flash.off) {
        storm_device_crash(d);
        return;
    }
    sim_net_client_gone(st->net, d->index, true);
    sim_flash_cut(&d->flash); /* the power may go: all is synced */
    d->c = NULL;
    d->clean = !d->failing; /* what cannot be saved is not closed in good order */
    d->back_us = sim_net_now(st->net).us + 1 + sim_below(&st->random, 1000000);
    st->stats.clean_closes++;
}

/* ------------------------------------------------------------------ the world */

static void init_convs(struct storm *st)
{
    for (size_t i = 0; i < st->conv_count; i++) {
        (void)fp_id_parse(conv_names[i], strlen(conv_names[i]), &st->convs[i].id);
        (void)fp_id_parse(conv_scopes[i], strlen(conv_scopes[i]), &st->convs[i].scope);
    }
}

static void configure_hub(struct storm *st)
{
    static const uint32_t pages[] = {300, 1000, 4000, 65536, 65536};
    struct kit *k = &st->broker.kit;
    k->config.page_bytes = one_of(&st->random, pages, 5);
    k->config.commands_per_s = sim_chance(&st->random, 200) ? 5 : 0;
    hub_reconfigure(k->hub, &k->config);
}

struct storm *storm_new(uint64_t seed, bool verbose)
{
    struct storm *st = must(calloc(1, sizeof(*st)));
    st->cmds = must(malloc(STORM_CMDS * sizeof(*st->cmds)));
    st->seed = seed;
    st->verbose = verbose;
    st->random.state = seed * 0x9e3779b97f4a7c15ULL + 1;
    st->hash = FP_HASH_START;
    st->device_count = 2 + (size_t)sim_below(&st->random, 4);
    st->user_count = st->device_count >= 4 ? 3 : 2;
    st->conv_count = 2 + (size_t)sim_below(&st->random, 2);
    storm_current = st;
    init_convs(st);
    struct sim_shape shape = {
        .delay_us = sim_below(&st->random, 50000),
        .jitter_us = sim_below(&st->random, 30000),
        .chunk_max = sim_chance(&st->random, 300) ? 7 : 1500,
        .window_bytes = sim_chance(&st->random, 300) ? 200 : 16384,
    };
    st->net = sim_net_new(sim_next(&st->random), shape);
    sim_broker_open(&st->broker, st->net, sim_next(&st->random), (struct sim_watch){.ctx = st, .uplink = storm_uplink, .committed = storm_mirror});
    st->broker.turn_delay_us = sim_below(&st->random, 20000);
    st->broker.drop_per_mille = sim_chance(&st->random, 300) ? 30 : 0;
    st->broker.fault_per_mille = sim_chance(&st->random, 300) ? 30 : 0;
    configure_hub(st);
    for (size_t i = 0; i < st->device_count; i++) {
        init_device(st, i);
        storm_device_open(&st->devices[i]);
    }
    return st;
}

void storm_free(struct storm *st)
{
    for (size_t i = 0; i < st->device_count; i++) {
        fp_client_close(st->devices[i].c);
        free(st->devices[i].config.memory);
        sim_flash_fini(&st->devices[i].flash);
    }
    sim_broker_close(&st->broker);
    sim_net_free(st->net);
    for (size_t i = 0; i < st->conv_count; i++) {
        for (uint64_t seq = 1; seq <= st->convs[i].head; seq++) {
            free(st->convs[i].events[seq].bytes);
        }
    }
    free(st->cmds);
    free(st);
    storm_current = NULL;
}

uint64_t storm_hash(const struct storm *st)
{
    uint64_t net = sim_net_hash(st->net);
    uint64_t store = mem_store_hash(st->broker.kit.mem);
    return fp_hash(fp_hash(st->hash, &net, sizeof(net)), &store, sizeof(store));
}

void storm_hub_crash(struct storm *st)
{
    enum sim_crash how = (enum sim_crash)sim_below(&st->random, SIM_CRASHES);
    storm_log(st, "the hub crashes (%d)", (int)how);
    sim_broker_crash(&st->broker, how);
    storm_mirror(st);
    st->stats.hub_crashes++;
}

/* Is a poll due, or worth while? */
static bool is_ready(struct storm *st, const struct storm_device *d)
{
    uint64_t now = sim_net_now(st->net).us;
    bool stuck = d->stuck_us == now && d->stuck_at == sim_net_moved(st->net);
    return d->c && (d->due.us <= now || (!stuck && sim_net_ready(st->net, d->index, fp_client_wants_write(d->c))));
}

static void run_device(struct storm *st, struct storm_device *d)
{
    struct fp_mono now = sim_net_now(st->net);
    if (d->away_until_us > 0 && d->away_until_us <= now.us) {
        d->away_until_us = 0;
        sim_net_partition(st->net, d->index, false);
    }
    if (!d->c) {
        if (d->back_us <= now.us) {
            storm_device_open(d);
        }
        return;
    }
    if (is_ready(st, d)) {
        uint64_t moved = sim_net_moved(st->net);
        d->due = fp_client_poll(d->c, now);
        d->stuck_us = sim_net_moved(st->net) == moved ? now.us : 0;
        d->stuck_at = moved;
        if (++d->polls_at > BUSY_POLLS) {
            storm_fail(st, "%s asks to be polled at once, for ever (link %d)", d->name, (int)fp_client_link(d->c));
        }
    }
    if (d->flash.off) {
        storm_device_crash(d);
    }
}

static uint64_t earliest(const struct storm *st)
{
    uint64_t next = sim_net_next_us(st->net);
    uint64_t broker = sim_broker_next_us(&st->broker);
    next = broker < next ? broker : next;
    for (size_t i = 0; i < st->device_count; i++) {
        const struct storm_device *d = &st->devices[i];
        uint64_t due = d->c ? d->due.us : d->back_us;
        if (d->away_until_us > 0 && d->away_until_us < due) {
            due = d->away_until_us;
        }
        next = due < next ? due : next;
    }
    return next;
}

void storm_pass(struct storm *st, uint64_t us)
{
    uint64_t end = sim_net_now(st->net).us + us;
    for (;;) {
        size_t first = (size_t)sim_below(&st->random, st->device_count);
        for (size_t i = 0; i < st->device_count; i++) {
            run_device(st, &st->devices[(first + i) % st->device_count]);
        }
        sim_broker_run(&st->broker);
        uint64_t now = sim_net_now(st->net).us;
        uint64_t next = earliest(st);
        for (size_t i = 0; i < st->device_count; i++) {
            next = is_ready(st, &st->devices[i]) ? now : next;
        }
        if (now >= end && next > now) {
            return;
        }
        if (next <= now) {
            continue;
        }
        sim_net_set_now(st->net, (struct fp_mono){.us = next < end ? next : end});
        for (size_t i = 0; i < st->device_count; i++) {
            st->devices[i].polls_at = 0;
        }
    }
}
