#include "firmware-client/cli/durable.h"

#include <inttypes.h>
#include <stdio.h>

#include "firmware-client/cli/clock.h"
#include "firmware-client/cli/names.h"
#include "firmware-client/cli/session.h"
#include "firmware-client/cli/show.h"

#define SETTLE_MS 2000

struct durable {
    struct session s;
    const struct app *app;
    const char *verb;
    uint64_t ticket;
    enum fp_send_state state;
    enum fp_err err;
    struct str reason;
    bool told;
};

/* A command of an earlier run has had its answer now. */
static void on_earlier(struct durable *d, const struct fp_notice *n)
{
    if (n->state == FP_SEND_FAILED) {
        struct str why = {0};
        str_format(&why, "(command %" PRIu64 " of an earlier run) ", n->ticket);
        str_add(&why, n->text.p, n->text.len);
        (void)app_refused(d->app, fp_err_name(n->err), str_bytes(&why));
        str_fini(&why);
    } else if (n->state == FP_SEND_SENT) {
        app_verbose(d->app, "command %" PRIu64 " of an earlier run has arrived", n->ticket);
    }
}

static void on_notice(void *ctx, const struct fp_notice *n)
{
    struct durable *d = ctx;
    struct str line = {0};
    if (n->kind != FP_NOTICE_STATE) {
        return;
    }
    if (d->app->set.json && n->state != FP_SEND_FAILED) {
        show_state(&line, true, n, d->verb);
    }
    if (n->ticket != d->ticket) {
        on_earlier(d, n);
    } else {
        d->state = n->state;
        d->err = n->err;
        str_clear(&d->reason);
        str_add(&d->reason, n->text.p, n->text.len);
        if (n->state >= FP_SEND_SENT && n->state != FP_SEND_FAILED && !d->told) {
            d->told = true;
            if (!d->app->set.json) {
                show_state(&line, false, n, d->verb);
            }
        }
    }
    (void)app_put(&line); /* a closed pipe changes nothing about the command */
    str_fini(&line);
}

static bool is_answered(void *ctx)
{
    const struct durable *d = ctx;
    return d->state >= FP_SEND_SENT;
}

static bool is_kept(void *ctx)
{
    const struct durable *d = ctx;
    return d->state >= FP_SEND_RELAYED;
}

/* A site that has taken it may wait for the hub for hours; where the link stands the answer is a round trip away. */
static enum session_end wait_for_it(struct durable *d)
{
    enum session_end end = session_wait(&d->s, is_kept, d, d->app->set.timeout_ms, -1);
    if (end == SESSION_DONE && d->state == FP_SEND_RELAYED) {
        uint64_t most = d->app->set.timeout_ms;
        end = session_wait(&d->s, is_answered, d, most < SETTLE_MS ? most : SETTLE_MS, -1);
    }
    return end;
}

static int not_accepted(const struct app *app, enum fp_err err)
{
    switch ((int)err) {
    case FP_EFULL:
        return app_error(app, fp_err_name(err), "the outbox is full: connect to the hub, or take something back with \"fieldpost outbox cancel\"");
    case FP_ETOOLARGE:
        return app_error(app, fp_err_name(err), "it is longer than one command may be");
    case FP_EMALFORMED:
        return app_error(app, fp_err_name(err), "it is no command that can be sent (a text must be UTF-8)");
    default:
        return app_error(app, fp_err_name(err), "the outbox cannot take it");
    }
}

/* The broker does not know us, and would not the next time either: take it back, unless it may be at the hub already. */
static int refused_at_the_door(struct durable *d)
{
    if (fp_client_cancel(d->s.client, d->ticket) == FP_OK) {
        return session_no_link(&d->s);
    }
    (void)session_no_link(&d->s);
    return EXIT_QUEUED;
}

static int still_queued(struct durable *d)
{
    const char *where = d->state == FP_SEND_RELAYED ? "relayed: the site has it on disk and passes it on; the hub has not answered yet"
                                                    : "queued; will be delivered by the next run";
    if (d->s.link_text.len > 0) {
        app_verbose(d->app, "%s", d->s.link_text.p);
    }
    (void)fprintf(stderr, "fieldpost: %s\n", where);
    return EXIT_QUEUED;
}

static int ended(struct durable *d, enum session_end end)
{
    switch (end) {
    case SESSION_REFUSED:
        return refused_at_the_door(d);
    case SESSION_LATE:
    case SESSION_STOPPED:
        return still_queued(d);
    case SESSION_DONE:
        break;
    }
    if (d->state == FP_SEND_FAILED) {
        return app_refused(d->app, d->err ? fp_err_name(d->err) : "cancelled", str_bytes(&d->reason));
    }
    return EXIT_FINE;
}

int durable_run(const struct app *app, const struct fp_command *cmd, const char *verb)
{
    struct durable d = {.app = app, .verb = verb, .state = FP_SEND_QUEUED};
    int code = session_open(&d.s, app, 0, on_notice, &d);
    if (code) {
        return code;
    }
    enum fp_err err = fp_client_send(d.s.client, cmd, clock_mono(), &d.ticket);
    if (err) {
        code = not_accepted(app, err);
    } else {
        app_verbose(app, "%s is command %" PRIu64, name_kind(cmd->kind), d.ticket);
        code = ended(&d, wait_for_it(&d));
        session_leave(&d.s);
    }
    session_close(&d.s);
    str_fini(&d.reason);
    return code;
}
