#include "firmware-client/cli/session.h"

#include <inttypes.h>
#include <stdlib.h>

#include "firmware-client/cli/clock.h"
#include "firmware-client/cli/state.h"

#define LEAVE_MS 1000
#define BUSY_STEP_MS 100
#define RX_BYTES (FP_BATCH_BYTES_MAX + 1024U) /* the longest packet that a hub with its usual limits writes, and more */
#define TX_BYTES 65536U
#define REORDER_BYTES (1024U * 1024U)
#define ENTRIES 4096U
#define CONVS 1000U
#define TRACKED 256U

static void keep_text(struct str *to, struct fp_bytes text)
{
    str_clear(to);
    str_add(to, text.p, text.len);
}

static void on_notice(void *arg, const struct fp_notice *n)
{
    struct session *s = arg;
    s->told = true;
    if (n->kind == FP_NOTICE_LINK) {
        s->was_online = s->was_online || n->link == FP_LINK_ONLINE;
        if (n->err) {
            s->link_err = n->err;
            keep_text(&s->link_text, n->text);
            app_verbose(s->app, "no link: %s: %s", fp_err_name(n->err), str_get(&s->link_text));
        }
    } else if (n->kind == FP_NOTICE_NACK) {
        s->nack = n->err;
        keep_text(&s->nack_text, n->text);
    } else if (n->kind == FP_NOTICE_STORAGE) {
        (void)app_error(s->app, fp_err_name(n->err), "the outbox file cannot be written; what it holds is kept");
    } else if (n->kind == FP_NOTICE_RETRY) {
        app_verbose(s->app, "command %" PRIu64 " is refused for now (%s) and will be sent again", n->ticket, fp_err_name(n->err));
    } else if (n->kind == FP_NOTICE_EPOCH) {
        app_verbose(s->app, "the hub is another one than before");
    }
    if (s->on) {
        s->on(s->ctx, n);
    }
}

static int find_password(struct session *s)
{
    const struct settings *set = &s->app->set;
    struct str why = {0};
    int code = EXIT_FINE;
    if (settings_get(set, SET_PASSWORD)) {
        s->password = str_keep(settings_get(set, SET_PASSWORD));
    } else if (settings_get(set, SET_PASSWORD_FILE) && !settings_secret(settings_get(set, SET_PASSWORD_FILE), &s->password, &why)) {
        code = app_usage(s->app, str_get(&why));
    }
    str_fini(&why);
    return code;
}

/* Another run of the same device ends soon, or is one that stays: then nobody would get anywhere by waiting longer. */
static int open_wire(struct session *s)
{
    struct str path = {0};
    struct str why = {0};
    uint64_t end = clock_mono().us + s->app->set.timeout_ms * 1000;
    str_format(&path, "%s/%s.outbox", s->folder.p, s->device.p);
    enum fp_err err = wire_open(&s->wire, &s->app->set, path.p, &why);
    while (err == FP_EBUSY && clock_mono().us < end && !app_stopped()) {
        wire_wait(NULL, false, -1, BUSY_STEP_MS);
        str_clear(&why);
        err = wire_open(&s->wire, &s->app->set, path.p, &why);
    }
    if (err == FP_EBUSY) {
        str_clear(&why);
        str_format(&why, "%s is in use by another fieldpost process; wait for it or end it, or be another device with --device", path.p);
    }
    int code = err ? app_error(s->app, fp_err_name(err), str_get(&why)) : EXIT_FINE;
    str_fini(&path);
    str_fini(&why);
    return code;
}

static int open_client(struct session *s, uint32_t want)
{
    const char *field = NULL;
    struct fp_client_config config = {
        .user = settings_get(&s->app->set, SET_USER),
        .device = s->device.p,
        .password = s->password,
        .app = "fieldpost-cli/0.1",
        .want = want,
        .from_head = true,
        .rx_bytes = RX_BYTES,
        .tx_bytes = TX_BYTES,
        .reorder_bytes = REORDER_BYTES,
        .convs = CONVS,
        .tracked = TRACKED,
        .entries = ENTRIES,
        .transport = wire_transport(s->wire),
        .storage = wire_storage(s->wire),
        .random = wire_random(s->wire),
        .notify = on_notice,
        .notify_ctx = s,
        .backoff_max_ms = 5000, /* a person waits */
    };
    config.memory_bytes = fp_client_memory(&config);
    s->memory = keep_memory(calloc(1, config.memory_bytes));
    config.memory = s->memory;
    enum fp_err err = fp_client_open(&config, clock_mono(), &s->client, &field);
    if (!err) {
        return EXIT_FINE;
    }
    struct str why = {0};
    str_format(&why, "the outbox in %s cannot be opened%s%s", s->folder.p, field ? ": " : "", field ? field : "");
    int code = app_error(s->app, fp_err_name(err), str_get(&why));
    str_fini(&why);
    return code;
}

int session_open(struct session *s, const struct app *app, uint32_t want, session_fn on, void *ctx)
{
    struct str why = {0};
    *s = (struct session){.app = app, .on = on, .ctx = ctx};
    if (!settings_get(&app->set, SET_USER)) {
        return app_usage(app, "who are you? Give --user, FIELDPOST_USER or user = ... in the config file");
    }
    int code = find_password(s);
    if (!code && (!state_folder(&app->set, app->env, &s->folder, &why) || !state_device(&app->set, s->folder.p, &s->device, &why))) {
        code = app_error(app, "state", str_get(&why));
    }
    str_fini(&why);
    code = code ? code : open_wire(s);
    code = code ? code : open_client(s, want);
    if (code) {
        session_close(s);
        return code;
    }
    app_verbose(app, "device %s, state in %s, %" PRIu32 " queued", s->device.p, s->folder.p, fp_client_pending(s->client));
    return EXIT_FINE;
}

void session_close(struct session *s)
{
    fp_client_close(s->client);
    wire_close(s->wire);
    if (s->password) {
        memset(s->password, 0, strlen(s->password));
    }
    free(s->password);
    free(s->memory);
    str_fini(&s->folder);
    str_fini(&s->device);
    str_fini(&s->link_text);
    str_fini(&s->nack_text);
    *s = (struct session){0};
}

/* One turn of work; then, unless that may be what the caller waits for, sleeps until there is more, at most until `end`. */
static void turn(struct session *s, uint64_t end_us, int extra_fd)
{
    struct fp_mono now = clock_mono();
    s->told = false;
    struct fp_mono due = fp_client_poll(s->client, now);
    uint64_t until = due.us < end_us ? due.us : end_us;
    now = clock_mono();
    uint64_t ms = until > now.us ? (until - now.us + 999) / 1000 : 0;
    if (s->told || fp_client_link(s->client) == FP_LINK_IDLE) {
        return;
    }
    wire_wait(s->wire, fp_client_wants_write(s->client), extra_fd, ms);
}

static bool is_refused(const struct session *s)
{
    return !s->was_online && (s->link_err == FP_EDENIED || s->link_err == FP_EIDENTITY) && fp_client_link(s->client) != FP_LINK_ONLINE;
}

enum session_end session_wait(struct session *s, session_done_fn done, void *ctx, uint64_t timeout_ms, int extra_fd)
{
    uint64_t start = clock_mono().us;
    uint64_t end = timeout_ms > (UINT64_MAX - start) / 1000 ? UINT64_MAX : start + timeout_ms * 1000;
    fp_client_connect(s->client);
    while (!done(ctx)) {
        if (app_stopped()) {
            return SESSION_STOPPED;
        }
        if (is_refused(s)) {
            return SESSION_REFUSED;
        }
        if (clock_mono().us >= end) {
            return SESSION_LATE;
        }
        turn(s, end, extra_fd);
    }
    return SESSION_DONE;
}

static bool is_idle(void *ctx)
{
    const struct session *s = ctx;
    return fp_client_link(s->client) == FP_LINK_IDLE;
}

void session_leave(struct session *s)
{
    uint64_t end = clock_mono().us + LEAVE_MS * 1000;
    fp_client_disconnect(s->client);
    while (!is_idle(s) && clock_mono().us < end) {
        turn(s, end, -1);
    }
}

int session_no_link(struct session *s)
{
    struct str why = {0};
    bool denied = s->link_err == FP_EDENIED || s->link_err == FP_EIDENTITY;
    if (denied) {
        str_text(&why, str_get(&s->link_text));
    } else {
        str_format(&why, "no answer from %s port %u within %" PRIu64 " s", settings_get(&s->app->set, SET_HOST), (unsigned)s->app->set.port,
                   s->app->set.timeout_ms / 1000);
    }
    if (*wire_error(s->wire)) {
        str_format(&why, " (%s)", wire_error(s->wire));
    } else if (!denied && s->link_text.len > 0) {
        str_format(&why, " (%s)", s->link_text.p);
    }
    int code = app_error(s->app, denied ? fp_err_name(s->link_err) : "unreachable", str_get(&why));
    str_fini(&why);
    return code;
}

static bool is_online(void *ctx)
{
    const struct session *s = ctx;
    return fp_client_link(s->client) == FP_LINK_ONLINE && fp_client_pending(s->client) == 0;
}

int session_online(struct session *s)
{
    (void)session_wait(s, is_online, s, s->app->set.timeout_ms, -1); /* what counts is whether there is a link now */
    return fp_client_link(s->client) == FP_LINK_ONLINE ? EXIT_FINE : session_no_link(s);
}

const struct fp_conv *session_conv(struct session *s, const struct fp_id *conv)
{
    const struct fp_conv *found = fp_client_conv(s->client, conv);
    if (!found) {
        struct str why = {0};
        str_format(&why, "there is no conversation %.*s, or you are no member of it", (int)conv->len, conv->text);
        (void)app_error(s->app, fp_err_name(FP_EUNKNOWN), str_get(&why));
        str_fini(&why);
    }
    return found;
}
