/* cmd_member.c: create, invite, leave, remove. */
#include "firmware-client/cli/commands.h"

#include <stdlib.h>

#include "firmware-client/cli/durable.h"
#include "firmware-client/cli/names.h"
#include "fp/body.h"

struct member {
    struct fp_id user;
    uint64_t role;
};

static int by_id(const void *a, const void *b)
{
    const struct member *x = a;
    const struct member *y = b;
    return fp_id_before(&x->user, &y->user) ? -1 : fp_id_before(&y->user, &x->user) ? 1 : 0;
}

static bool take_role(const struct app *app, const char *word, uint64_t *out)
{
    if (name_to_role(word, out)) {
        return true;
    }
    struct str why = {0};
    str_format(&why, "a role is observer, member, manager or owner, not %s", word);
    (void)app_usage(app, str_get(&why));
    str_fini(&why);
    return false;
}

/* USER or USER:ROLE */
static bool take_member(const struct app *app, const char *word, struct member *out)
{
    size_t len = strcspn(word, ":");
    struct str user = {0};
    str_add(&user, word, len);
    out->role = FP_ROLE_MEMBER;
    bool fine = app_id(app, "--member", str_get(&user), &out->user) && (!word[len] || take_role(app, word + len + 1, &out->role));
    str_fini(&user);
    return fine;
}

static bool take_members(const struct app *app, const struct args *args, struct member *all, size_t *out_count)
{
    size_t at = 0;
    size_t count = 0;
    for (const char *word = args_next(args, "member", &at); word; word = args_next(args, "member", &at)) {
        if (!take_member(app, word, &all[count++])) {
            return false;
        }
    }
    qsort(all, count, sizeof all[0], by_id);
    for (size_t i = 1; i < count; i++) {
        if (fp_id_eq(&all[i - 1].user, &all[i].user)) {
            (void)app_usage(app, "--member names somebody twice");
            return false;
        }
    }
    *out_count = count;
    return true;
}

int run_create(struct app *app, const struct args *args)
{
    static uint8_t buf[BODY_BYTES_MAX];
    struct fp_command cmd = {.kind = FP_K_CONV_NEW, .priority = FP_PRIORITY_NORMAL};
    struct member members[ARGS_OPTIONS_MAX];
    struct fp_id scope;
    struct fp_enc e;
    size_t count = 0;
    if (!app_id(app, "SCOPE", args->words[0], &scope) || (args->word_count > 1 && !app_id(app, "CONV-ID", args->words[1], &cmd.conv)) ||
        !take_members(app, args, members, &count)) {
        return EXIT_USAGE;
    }
    fp_enc_init(&e, buf, sizeof buf);
    fp_body_conv_begin(&e, &scope, args_get(args, "title"), count);
    for (size_t i = 0; i < count; i++) {
        fp_body_conv_member(&e, &members[i].user, members[i].role);
    }
    cmd.body = fp_enc_bytes_of(&e);
    if (e.failed) {
        return app_usage(app, "the title is too long");
    }
    return durable_run(app, &cmd, "created");
}

static int run_about_member(const struct app *app, const struct args *args, uint64_t kind, const char *user, const char *verb)
{
    struct fp_command cmd = {.kind = kind, .priority = FP_PRIORITY_NORMAL};
    const char *role_word = args_get(args, "role");
    uint64_t role = kind == FP_K_MEMBER_ADD ? FP_ROLE_MEMBER : FP_ROLE_NONE;
    uint64_t from = 0;
    uint8_t buf[128];
    struct fp_id id;
    struct fp_enc e;
    struct str why = {0};
    if (!app_id(app, "CONV", args->words[0], &cmd.conv) || !app_id(app, "USER", user, &id) || (role_word && !take_role(app, role_word, &role))) {
        return EXIT_USAGE;
    }
    if (!args_uint(args, "from", &from, &why)) {
        (void)app_usage(app, str_get(&why));
        str_fini(&why);
        return EXIT_USAGE;
    }
    fp_enc_init(&e, buf, sizeof buf);
    fp_body_member(&e, &id, role, args_get(args, "from") != NULL, from);
    cmd.body = fp_enc_bytes_of(&e);
    return durable_run(app, &cmd, verb);
}

int run_invite(struct app *app, const struct args *args)
{
    return run_about_member(app, args, FP_K_MEMBER_ADD, args->words[1], "invited");
}

int run_remove(struct app *app, const struct args *args)
{
    return run_about_member(app, args, FP_K_MEMBER_REMOVE, args->words[1], "removed");
}

int run_leave(struct app *app, const struct args *args)
{
    const char *self = settings_get(&app->set, SET_USER);
    if (!self) {
        return app_usage(app, "who are you? Give --user, FIELDPOST_USER or user = ... in the config file");
    }
    return run_about_member(app, args, FP_K_MEMBER_REMOVE, self, "left");
}
