#include "plugin/mosq/host.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/random.h>

#include "plugin/mosq/broker_conf.h"
#include "plugin/mosq/clock.h"

#define STOP_MS 5000
#define LOG_BYTES 2048

void host_log(int level, const char *format, ...)
{
    char text[LOG_BYTES];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args); /* cut off rather than left out */
    va_end(args);
    mosquitto_log_printf(level, "fieldpost: %s", text);
}

/* ------------------------------------------------------------------ the store's read-only half as access_reader */

static enum fp_err read_conv(void *ctx, const struct fp_id *conv, const struct fp_id *user, uint64_t applied, bool *out_allowed, bool *out_settled)
{
    return sqlite_access_conv(ctx, conv, user, applied, out_allowed, out_settled);
}

static enum fp_err read_scope(void *ctx, const struct fp_id *scope, const struct fp_id *user, uint64_t applied, bool *out_allowed, bool *out_settled)
{
    return sqlite_access_scope(ctx, scope, user, applied, out_allowed, out_settled);
}

static enum fp_err read_peers(void *ctx, const struct fp_id *user, const struct fp_id *other, bool *out_allowed)
{
    return sqlite_access_peers(ctx, user, other, out_allowed);
}

static enum fp_err read_device(void *ctx, const struct fp_id *device, struct fp_id *out_owner, bool *out_found)
{
    return sqlite_access_device(ctx, device, out_owner, out_found);
}

static enum fp_err read_open(void *ctx, const struct fp_id *user, bool *out_open)
{
    return sqlite_access_open_status(ctx, user, out_open);
}

static struct access_reader reader_of(struct sqlite_access *a)
{
    return (struct access_reader){.ctx = a, .conv = read_conv, .scope = read_scope, .peers = read_peers, .device = read_device, .open = read_open};
}

/* ------------------------------------------------------------------ start */

static bool keep_options(struct host *h, const struct mosquitto_opt *options, size_t count)
{
    h->options = calloc(count + 1, sizeof *h->options);
    if (h->options == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        char *name = strdup(options[i].key ? options[i].key : "");
        char *value = strdup(options[i].value ? options[i].value : "");
        h->options[h->option_count++] = (struct config_pair){.name = name, .value = value};
        if (name == NULL || value == NULL) {
            return false;
        }
    }
    return true;
}

static void drop_options(struct host *h)
{
    for (size_t i = 0; i < h->option_count; i++) {
        free((void *)(uintptr_t)h->options[i].name);
        free((void *)(uintptr_t)h->options[i].value);
    }
    free(h->options);
}

static enum fp_err read_options(struct host *h)
{
    char why[CONFIG_WHY_MAX] = "";
    enum fp_err err = config_load(h->options, h->option_count, &h->config, why, sizeof why);

    if (err) {
        host_log(MOSQ_LOG_ERR, "%s", why);
    }
    return err;
}

/* What other_topics is where nobody says it: we may not open what the broker's own rules keep closed. */
static enum fp_err look_at_broker(struct host *h)
{
    struct broker_conf conf = {0};
    char why[CONFIG_WHY_MAX] = "";
    enum fp_err err = broker_conf_own(&conf, why, sizeof why);

    if (!err && conf.per_listener_settings) {
        host_log(MOSQ_LOG_ERR,
                 "the broker's configuration says per_listener_settings true, and then it does not run a plugin's TICK: set it to false");
        return FP_ECONFIG;
    }
    h->other_preset = !err && !conf.acl_file && conf.plugins <= 1 ? OTHER_ALLOW : OTHER_DEFER;
    h->other = h->config.other_topics == OTHER_AUTO ? h->other_preset : h->config.other_topics;
    if (err && h->config.other_topics == OTHER_AUTO) {
        host_log(MOSQ_LOG_WARNING,
                 "cannot tell whether the broker has access rules of its own (%s): other_topics is defer; set the option to be sure", why);
    }
    return FP_OK;
}

static uint64_t chance(void *arg)
{
    uint64_t n = 0;
    (void)arg;
    while (getrandom(&n, sizeof n, 0) != (ssize_t)sizeof n) {
        /* only a signal can interrupt it */
    }
    return n;
}

static enum fp_err open_store(struct host *h)
{
    char why[CONFIG_WHY_MAX] = "";
    struct sqlite_store_config config = {
        .path = h->config.db_file,
        .max_bytes = h->config.db_max_mb << 20,
        .random = chance,
        .now_s = clock_wall().ms / 1000,
        .archive_dir = h->config.archive_dir[0] != '\0' ? h->config.archive_dir : NULL,
    };
    enum fp_err err = sqlite_store_open(&h->store, &config, &h->info, why, sizeof why);

    if (err) {
        host_log(MOSQ_LOG_ERR, "the database cannot be used (%s): %s", fp_err_name(err), why);
        return err;
    }
    if (h->info.quarantined) {
        host_log(MOSQ_LOG_ERR,
                 "the database was bad and has been moved aside (%s); a new one begins, with a new epoch: restore a backup, or go on without "
                 "the old history",
                 why[0] ? why : h->config.db_file);
    }
    err = sqlite_access_open(&h->access, h->config.db_file, NULL);
    if (err) {
        host_log(MOSQ_LOG_ERR, "the database cannot be opened for reading (%s): %s", fp_err_name(err), h->config.db_file);
    }
    return err;
}

static enum fp_err open_engine(struct host *h)
{
    struct hub_config hub;
    config_hub(&h->config, &hub);
    struct engine_config config = {
        .ring_in_bytes = (size_t)h->config.ring_in_kb << 10,
        .ring_out_bytes = (size_t)h->config.ring_out_kb << 10,
        .hub = &hub,
        .store = sqlite_store_port(h->store),
        .info = &h->info,
    };
    enum fp_err err = rights_init(&h->rights, (size_t)h->config.access_entries, reader_of(h->access), h->info.change);

    if (!err) {
        err = engine_open(&h->engine, &config);
    }
    if (err) {
        host_log(MOSQ_LOG_ERR, "the engine cannot be set up: %s", fp_err_name(err));
    }
    return err;
}

static const struct {
    int event;
    MOSQ_FUNC_generic_callback hook;
} HOOKS[] = {
    {MOSQ_EVT_ACL_CHECK, hook_acl_check}, {MOSQ_EVT_MESSAGE, hook_message}, {MOSQ_EVT_DISCONNECT, hook_disconnect},
    {MOSQ_EVT_TICK, hook_tick},           {MOSQ_EVT_RELOAD, hook_reload},
};
#define HOOK_COUNT (sizeof HOOKS / sizeof HOOKS[0])

static enum fp_err start(struct host *h)
{
    for (size_t i = 0; i < HOOK_COUNT; i++) {
        if (mosquitto_callback_register(h->id, HOOKS[i].event, HOOKS[i].hook, NULL, h) != MOSQ_ERR_SUCCESS) {
            host_log(MOSQ_LOG_ERR, "the broker refused hook %d", HOOKS[i].event);
            return FP_EUNSUPPORTED;
        }
    }
    enum fp_err err = engine_start(&h->engine);
    if (err) {
        host_log(MOSQ_LOG_ERR, "the engine's thread cannot be started: %s", fp_err_name(err));
    }
    return err;
}

static enum fp_err open_all(struct host *h)
{
    enum fp_err err = read_options(h);

    if (!err) {
        err = look_at_broker(h);
    }
    if (!err) {
        err = open_store(h);
    }
    if (!err) {
        err = open_engine(h);
    }
    if (!err) {
        conns_init(&h->conns);
        budget_init(&h->budget);
        guard_init(&h->guard, &h->rights, &h->config);
        err = start(h);
    }
    return err;
}

struct host *host_open(mosquitto_plugin_id_t *id, const struct mosquitto_opt *options, size_t option_count)
{
    struct host *h = calloc(1, sizeof *h);

    if (h == NULL || !keep_options(h, options, option_count)) {
        host_log(MOSQ_LOG_ERR, "out of memory");
        host_close(h);
        return NULL;
    }
    h->id = id;
    if (open_all(h) != FP_OK) {
        host_close(h);
        return NULL;
    }
    host_log(MOSQ_LOG_NOTICE, "version %s: epoch %" PRIu64 ", start %" PRIu64 ", database %s, other topics: %s", FP_VERSION, h->info.epoch,
             h->info.boot, h->config.db_file, h->other == OTHER_ALLOW ? "allow" : "defer");
    return h;
}

/* ------------------------------------------------------------------ end */

static void log_stats(struct host *h)
{
    const struct host_stats *s = &h->stats;
    const struct host_peaks *p = &h->peaks_ever;

    host_settle_peaks(h);

    host_log(MOSQ_LOG_INFO,
             "stopped: messages %" PRIu64 ", busy %" PRIu64 ", refused %" PRIu64 ", published %" PRIu64 ", grants %" PRIu64 ", signals %" PRIu64
             ", longest gap %" PRIu64 " us, turn %" PRIu64 " us, tick %" PRIu64 " us, delivery %" PRIu64 " us, ring in %zu, ring out %zu bytes",
             s->messages, s->busy, s->refused, s->publishes, s->grants, atomic_load(&h->engine.waker.signals), p->gap_us, p->turn_us, p->tick_us,
             p->delivery_us, p->ring_in, p->ring_out);
}

void host_close(struct host *h)
{
    if (h == NULL) {
        return;
    }
    bool ran = h->engine.runs;
    for (size_t i = 0; i < HOOK_COUNT && h->id != NULL; i++) {
        (void)mosquitto_callback_unregister(h->id, HOOKS[i].event, HOOKS[i].hook, NULL); /* not there if the start failed early */
    }
    if (!engine_stop(&h->engine, STOP_MS)) {
        host_log(MOSQ_LOG_ERR, "the engine did not stop within %d ms: what it had not committed was not acknowledged either", STOP_MS);
        return; /* its thread still uses all this; the process is about to end */
    }
    if (ran) {
        log_stats(h);
    }
    engine_close(&h->engine);
    rights_fini(&h->rights);
    conns_fini(&h->conns);
    sqlite_access_close(h->access);
    sqlite_store_close(h->store);
    drop_options(h);
    free(h);
}
