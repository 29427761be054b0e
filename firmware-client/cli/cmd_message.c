/* cmd_message.c: send, edit, delete, redact, confirm, react. */
#include "firmware-client/cli/commands.h"

#include <stdio.h>

#include "firmware-client/cli/durable.h"
#include "firmware-client/cli/names.h"
#include "firmware-client/cli/text.h"
#include "fp/body.h"

/* The words with blanks between, or what stdin holds if the only one is "-" (without its last line feed). */
static bool take_text(const struct app *app, const struct args *args, size_t from, struct str *out)
{
    char buf[4096];
    size_t got;
    if (args->word_count != from + 1 || strcmp(args->words[from], "-") != 0) {
        for (size_t i = from; i < args->word_count; i++) {
            str_text(out, i > from ? " " : "");
            str_text(out, args->words[i]);
        }
    } else {
        while (out->len <= BODY_BYTES_MAX && (got = fread(buf, 1, sizeof buf, stdin)) > 0) {
            str_add(out, buf, got);
        }
        out->len -= out->len > 0 && out->p[out->len - 1] == '\n';
    }
    for (size_t at = 0; at < out->len;) {
        uint32_t c;
        at += text_next(out->p + at, out->len - at, &c);
        if (c == UINT32_MAX) {
            (void)app_error(app, "malformed", "the text is not UTF-8");
            return false;
        }
    }
    if (out->len == 0 || out->len > BODY_BYTES_MAX - 64) {
        (void)app_error(app, out->len == 0 ? "malformed" : "too-large", out->len == 0 ? "there is no text" : "the text is too long");
        return false;
    }
    return true;
}

static bool take_options(const struct app *app, const struct args *args, struct fp_command *cmd)
{
    struct str why = {0};
    const char *priority = args_get(args, "priority");
    cmd->has_ttl = args_get(args, "ttl") != NULL;
    cmd->has_base = args_get(args, "base") != NULL;
    bool fine = args_uint(args, "ttl", &cmd->ttl_s, &why) && args_uint(args, "reply", &cmd->ref, &why) && args_uint(args, "base", &cmd->base, &why);
    if (fine && priority && !name_to_priority(priority, &cmd->priority)) {
        str_format(&why, "--priority must be safety, high, normal or bulk, not %s", priority);
        fine = false;
    }
    if (!fine) {
        (void)app_usage(app, str_get(&why));
    }
    str_fini(&why);
    return fine;
}

static void message_body(struct fp_enc *e, const struct str *text, bool must_confirm)
{
    if (!must_confirm) {
        fp_body_text(e, text->p, text->len);
        return;
    }
    fp_enc_map(e, 2);
    fp_enc_uint(e, FP_MSG_TEXT);
    fp_enc_text(e, text->p, text->len);
    fp_enc_uint(e, FP_MSG_CONFIRM);
    fp_enc_bool(e, true);
}

/* send and edit: the text begins with word `from`. */
static int run_text(struct app *app, const struct args *args, struct fp_command cmd, size_t from, const char *verb)
{
    static uint8_t buf[BODY_BYTES_MAX];
    struct str text = {0};
    struct fp_enc e;
    int code = EXIT_USAGE;
    if (take_options(app, args, &cmd)) {
        code = EXIT_FAILED;
        if (take_text(app, args, from, &text)) {
            fp_enc_init(&e, buf, sizeof buf);
            message_body(&e, &text, args_get(args, "must-confirm") != NULL);
            cmd.body = fp_enc_bytes_of(&e);
            code = durable_run(app, &cmd, verb);
        }
    }
    str_fini(&text);
    return code;
}

int run_send(struct app *app, const struct args *args)
{
    struct fp_command cmd = {.kind = FP_K_MSG, .priority = FP_PRIORITY_NORMAL};
    if (!app_id(app, "CONV", args->words[0], &cmd.conv)) {
        return EXIT_USAGE;
    }
    return run_text(app, args, cmd, 1, "sent");
}

static bool take_target(const struct app *app, const struct args *args, struct fp_command *cmd)
{
    return app_id(app, "CONV", args->words[0], &cmd->conv) && app_seq(app, "SEQ", args->words[1], &cmd->ref);
}

int run_edit(struct app *app, const struct args *args)
{
    struct fp_command cmd = {.kind = FP_K_EDIT, .priority = FP_PRIORITY_NORMAL};
    return take_target(app, args, &cmd) ? run_text(app, args, cmd, 2, "changed") : EXIT_USAGE;
}

int run_delete(struct app *app, const struct args *args)
{
    struct fp_command cmd = {.kind = FP_K_DELETE, .priority = FP_PRIORITY_NORMAL};
    return take_target(app, args, &cmd) ? durable_run(app, &cmd, "deleted") : EXIT_USAGE;
}

int run_confirm(struct app *app, const struct args *args)
{
    struct fp_command cmd = {.kind = FP_K_CONFIRM, .priority = FP_PRIORITY_NORMAL};
    return take_target(app, args, &cmd) ? durable_run(app, &cmd, "confirmed") : EXIT_USAGE;
}

int run_redact(struct app *app, const struct args *args)
{
    static uint8_t buf[BODY_BYTES_MAX];
    struct fp_command cmd = {.kind = FP_K_REDACT, .priority = FP_PRIORITY_NORMAL};
    struct str reason = {0};
    struct fp_enc e;
    int code = EXIT_USAGE;
    if (take_target(app, args, &cmd) && (args->word_count == 2 || take_text(app, args, 2, &reason))) {
        fp_enc_init(&e, buf, sizeof buf);
        fp_body_redact(&e, str_get(&reason), reason.len);
        cmd.body = fp_enc_bytes_of(&e);
        code = durable_run(app, &cmd, "redacted");
    }
    str_fini(&reason);
    return code;
}

int run_react(struct app *app, const struct args *args)
{
    struct fp_command cmd = {.kind = FP_K_REACT, .priority = FP_PRIORITY_NORMAL};
    uint8_t buf[256];
    struct fp_enc e;
    if (!take_target(app, args, &cmd)) {
        return EXIT_USAGE;
    }
    fp_enc_init(&e, buf, sizeof buf);
    fp_body_react(&e, args->words[2], strlen(args->words[2]), args_get(args, "take-back") != NULL);
    cmd.body = fp_enc_bytes_of(&e);
    if (e.failed) {
        return app_usage(app, "EMOJI is too long");
    }
    return durable_run(app, &cmd, "reacted");
}
