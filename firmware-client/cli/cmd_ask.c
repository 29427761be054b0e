/* cmd_ask.c: readers and policy: who has seen what, and who may see whom. */
#include "firmware-client/cli/commands.h"

#include <inttypes.h>

#include "firmware-client/cli/names.h"
#include "firmware-client/cli/session.h"
#include "firmware-client/cli/show.h"
#include "fp/body.h"

static int say_readers(const struct app *app, const struct fp_command *cmd, struct fp_bytes value)
{
    struct str out = {0};
    if (!show_readers(&out, app->set.json, &cmd->conv, cmd->ref, value)) {
        str_fini(&out);
        return app_error(app, "malformed", "the hub's answer cannot be read");
    }
    int code = app_put(&out) ? EXIT_FINE : EXIT_FAILED;
    str_fini(&out);
    return code;
}

int run_readers(struct app *app, const struct args *args)
{
    struct session s;
    struct fp_command cmd = {.kind = FP_K_READERS, .priority = FP_PRIORITY_NORMAL};
    struct str value = {0};
    if (!app_id(app, "CONV", args->words[0], &cmd.conv) || !app_seq(app, "SEQ", args->words[1], &cmd.ref)) {
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
    code = code ? code : session_ask(&s, &cmd, FP_OK, &value);
    code = code ? code : say_readers(app, &cmd, str_bytes(&value));
    session_leave(&s);
    session_close(&s);
    str_fini(&value);
    return code;
}

/* ------------------------------------------------------------------ policy */

/* WHO=LEVEL, or nobody. */
static bool read_rule(const char *word, struct fp_policy_rule *out)
{
    const char *sign = strchr(word, '=');
    size_t len = sign ? (size_t)(sign - word) : strlen(word);
    struct str who = {0};
    *out = (struct fp_policy_rule){.level = FP_LEVEL_HIDDEN};
    str_add(&who, word, len);
    bool is_kind = name_to_viewer(str_get(&who), &out->viewer_kind);
    bool known = is_kind || fp_id_parse(str_get(&who), who.len, &out->viewer);
    bool alone = is_kind && out->viewer_kind == FP_VIEWER_NOBODY;
    str_fini(&who);
    return known && (sign ? !alone && name_to_level(sign + 1, &out->level) : alone);
}

static int bad_rule(const struct app *app, const char *word)
{
    struct str why = {0};
    str_format(&why, "a rule is WHO=LEVEL or nobody, with LEVEL one of hidden, day, quarter, exact; not %s", word);
    int code = app_usage(app, str_get(&why));
    str_fini(&why);
    return code;
}

int run_policy(struct app *app, const struct args *args)
{
    struct session s;
    struct fp_command cmd = {.kind = FP_K_POLICY, .priority = FP_PRIORITY_NORMAL};
    uint8_t buf[FP_POLICY_RULES_MAX * (FP_ID_MAX + 8) + 8];
    struct fp_policy_rule rule;
    struct fp_enc e;
    if (args->word_count > FP_POLICY_RULES_MAX) {
        return app_usage(app, "a policy has at most 64 rules");
    }
    fp_enc_init(&e, buf, sizeof buf);
    fp_body_policy_begin(&e, args->word_count);
    for (size_t i = 0; i < args->word_count; i++) {
        if (!read_rule(args->words[i], &rule)) {
            return bad_rule(app, args->words[i]);
        }
        fp_body_policy_rule(&e, &rule);
    }
    cmd.body = fp_enc_bytes_of(&e);
    int code = session_open(&s, app, 0, NULL, NULL);
    if (code) {
        return code;
    }
    code = session_online(&s);
    code = code ? code : session_pass(&s, &cmd);
    session_leave(&s);
    session_close(&s);
    return code;
}
