/* cmd_now.c: read, typing, status: what is told and not kept; and the outbox. */
#include "firmware-client/cli/commands.h"

#include <inttypes.h>
#include <stdio.h>

#include "firmware-client/cli/clock.h"
#include "firmware-client/cli/json.h"
#include "firmware-client/cli/session.h"
#include "firmware-client/cli/show.h"
#include "fp/body.h"

static int pass_and_close(struct session *s, int code, const struct fp_command *cmd)
{
    code = code ? code : session_pass(s, cmd);
    session_leave(s);
    session_close(s);
    return code;
}

int run_read(struct app *app, const struct args *args)
{
    struct session s;
    struct fp_command cmd = {.kind = FP_K_RECEIPT, .priority = FP_PRIORITY_NORMAL};
    struct fp_id conv;
    uint64_t seq = 0;
    uint8_t buf[128];
    struct fp_enc e;
    if (!app_id(app, "CONV", args->words[0], &conv) || (args->word_count > 1 && !app_seq(app, "SEQ", args->words[1], &seq))) {
        return EXIT_USAGE;
    }
    int code = session_open(&s, app, 0, NULL, NULL);
    if (code) {
        return code;
    }
    code = session_online(&s);
    const struct fp_conv *c = code ? NULL : session_conv(&s, &conv);
    if (c) {
        seq = seq ? seq : c->head;
        fp_enc_init(&e, buf, sizeof buf);
        fp_body_receipt_begin(&e, 1);
        fp_body_receipt(&e, &conv, seq, seq, args_get(args, "private") != NULL);
        cmd.body = fp_enc_bytes_of(&e);
    }
    return pass_and_close(&s, c ? EXIT_FINE : EXIT_FAILED, &cmd);
}

int run_typing(struct app *app, const struct args *args)
{
    struct session s;
    struct fp_command cmd = {.kind = FP_K_TYPING, .priority = FP_PRIORITY_NORMAL};
    uint8_t buf[8];
    struct fp_enc e;
    if (!app_id(app, "CONV", args->words[0], &cmd.conv)) {
        return EXIT_USAGE;
    }
    int code = session_open(&s, app, 0, NULL, NULL);
    if (code) {
        return code;
    }
    code = session_online(&s);
    if (!code && !session_conv(&s, &cmd.conv)) {
        code = EXIT_FAILED;
    }
    fp_enc_init(&e, buf, sizeof buf);
    fp_enc_bool(&e, args_get(args, "stop") == NULL);
    cmd.body = fp_enc_bytes_of(&e);
    return pass_and_close(&s, code, &cmd);
}

static int say_status(struct app *app, struct session *s)
{
    struct str out = {0};
    const char *host = settings_get(&app->set, SET_HOST);
    uint32_t pending = fp_client_pending(s->client);
    int code = session_online(s);
    if (app->set.json) {
        struct json j = {.out = &out};
        json_open(&j, '{');
        json_put_text(&j, "type", "status");
        json_put_bool(&j, "online", code == EXIT_FINE);
        json_put_text(&j, "host", host);
        json_put_uint(&j, "port", app->set.port);
        json_put_text(&j, "user", settings_get(&app->set, SET_USER));
        json_put_text(&j, "device", s->device.p);
        json_put_uint(&j, "queued", fp_client_pending(s->client));
        json_put_text(&j, "state", s->folder.p);
        json_close(&j, '}');
        str_char(&out, '\n');
    } else {
        str_format(&out, "link:    %s, %s port %u\n", code ? "offline" : "online", host, (unsigned)app->set.port);
        str_format(&out, "device:  %s of %s\n", s->device.p, settings_get(&app->set, SET_USER));
        str_format(&out, "outbox:  %" PRIu32 " queued", fp_client_pending(s->client));
        if (pending > fp_client_pending(s->client)) {
            str_format(&out, " (%" PRIu32 " delivered just now)", pending - fp_client_pending(s->client));
        }
        str_format(&out, "\nstate:   %s\n", s->folder.p);
    }
    code = app_put(&out) ? code : EXIT_FAILED;
    str_fini(&out);
    session_leave(s);
    session_close(s);
    return code;
}

/* The hub's clock decides, so it is asked; if it has not told, this device's own has to do. */
static struct fp_wall hub_now(struct session *s)
{
    struct fp_wall now;
    uint64_t error_ms;
    return fp_client_time(s->client, clock_mono(), &now, &error_ms) ? now : clock_wall();
}

static int set_status(struct app *app, struct session *s, const struct args *args)
{
    struct fp_command cmd = {.kind = FP_K_STATUS, .priority = FP_PRIORITY_NORMAL};
    struct fp_wall until = {0};
    struct str text = {0};
    struct fp_enc e;
    uint8_t buf[1024];
    for (size_t i = 0; i < args->word_count; i++) {
        str_format(&text, "%s%s", i > 0 ? " " : "", args->words[i]);
    }
    int code = session_online(s);
    if (args_get(args, "until")) {
        (void)clock_parse(args_get(args, "until"), hub_now(s), &until); /* run_status() has seen that it can be read */
    }
    fp_enc_init(&e, buf, sizeof buf);
    fp_body_status(&e, str_get(&text), text.len, until.ms);
    cmd.body = fp_enc_bytes_of(&e);
    code = e.failed ? app_usage(app, "the text is too long") : code;
    str_fini(&text);
    return pass_and_close(s, code, &cmd);
}

int run_status(struct app *app, const struct args *args)
{
    struct session s;
    struct fp_wall until;
    const char *word = args_get(args, "until");
    if (word && (args->word_count == 0 || !clock_parse(word, (struct fp_wall){0}, &until))) {
        return app_usage(app,
                         args->word_count == 0 ? "--until needs a TEXT" : "--until takes 45s, 30m, 2h, 3d, or a time such as 2026-11-24T12:00:00Z");
    }
    int code = session_open(&s, app, 0, NULL, NULL);
    if (code) {
        return code;
    }
    return args->word_count == 0 ? say_status(app, &s) : set_status(app, &s, args);
}

/* ------------------------------------------------------------------ outbox */

struct listing {
    const struct app *app;
    struct str out;
};

static bool list_one(void *arg, uint64_t ticket, enum fp_send_state state, const struct fp_command *cmd)
{
    struct listing *l = arg;
    show_pending(&l->out, l->app->set.json, ticket, state, cmd);
    return true;
}

static int cancel_one(const struct app *app, struct session *s, uint64_t ticket)
{
    enum fp_err err = fp_client_cancel(s->client, ticket);
    if (err == FP_EBUSY) {
        return app_error(app, fp_err_name(err), "it has left already; what the hub says is known after the next run that connects");
    }
    return err ? app_error(app, fp_err_name(err), "there is no such ticket in the outbox") : EXIT_FINE;
}

int run_outbox(struct app *app, const struct args *args)
{
    struct session s;
    struct listing l = {.app = app};
    uint64_t ticket = 0;
    bool cancel = args->word_count > 0 && strcmp(args->words[0], "cancel") == 0;
    if (args->word_count > 0 && !cancel && strcmp(args->words[0], "list") != 0) {
        return app_usage(app, "outbox knows list and cancel TICKET");
    }
    if (args->word_count != (cancel ? 2U : args->word_count > 0 ? 1U : 0U)) {
        return app_usage(app, "usage: fieldpost outbox [list | cancel TICKET]");
    }
    if (cancel && !app_seq(app, "TICKET", args->words[1], &ticket)) {
        return EXIT_USAGE;
    }
    int code = session_open(&s, app, 0, NULL, NULL);
    if (code) {
        return code;
    }
    if (cancel) {
        code = cancel_one(app, &s, ticket);
    } else {
        enum fp_err err = fp_client_each_pending(s.client, list_one, &l);
        code = err ? app_error(app, fp_err_name(err), "the outbox cannot be read") : app_put(&l.out) ? EXIT_FINE : EXIT_FAILED;
    }
    session_close(&s);
    str_fini(&l.out);
    return code;
}
