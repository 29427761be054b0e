/* cmd_listen.c: listen and history. */
#include "firmware-client/cli/commands.h"

#include <inttypes.h>

#include "firmware-client/cli/session.h"
#include "firmware-client/cli/show.h"

struct listen {
    struct session s;
    const struct app *app;
    const struct args *args;
    bool live;
    bool broken;   /* stdout takes nothing more */
    uint64_t left; /* events until the end; UINT64_MAX: none */
    struct str line;
    struct fp_id conv; /* history */
};

static bool is_wanted(const struct listen *l, const struct fp_id *conv)
{
    bool wanted = l->args->word_count == 0;
    for (size_t i = 0; i < l->args->word_count; i++) {
        wanted = wanted || (strlen(l->args->words[i]) == conv->len && memcmp(l->args->words[i], conv->text, conv->len) == 0);
    }
    return wanted;
}

static void on_live(struct listen *l, const struct fp_notice *n)
{
    const struct fp_topic *t = n->topic;
    if (t->kind == FP_TOPIC_CONV_RECEIPTS && is_wanted(l, &t->b)) {
        show_receipts(&l->line, l->app->set.json, &t->b, n->bytes);
    } else if (t->kind == FP_TOPIC_CONV_TYPING && is_wanted(l, &t->b)) {
        show_typing(&l->line, l->app->set.json, &t->b, n->bytes);
    } else if (t->kind == FP_TOPIC_SCOPE_PRESENCE || t->kind == FP_TOPIC_USER_PRESENCE) {
        show_presence(&l->line, l->app->set.json, n->bytes);
    }
}

/* An event is "stored" once it is on stdout: what a killed run did not write, the next one does. */
static void on_listen(void *ctx, const struct fp_notice *n)
{
    struct listen *l = ctx;
    if (l->broken || l->left == 0) {
        return;
    }
    bool event = n->kind == FP_NOTICE_EVENT && !n->fetched && is_wanted(l, &n->conv);
    bool skipped = (n->kind == FP_NOTICE_SKIPPED || n->kind == FP_NOTICE_SNAPSHOT) && is_wanted(l, &n->conv);
    if (event) {
        show_event(&l->line, l->app->set.json, true, n->event);
        l->left -= l->left != UINT64_MAX;
    } else if (n->kind == FP_NOTICE_PROVISIONAL && is_wanted(l, &n->conv)) {
        show_event(&l->line, l->app->set.json, true, n->event);
    } else if (skipped) {
        show_skipped(&l->line, l->app->set.json, n);
    } else if (n->kind == FP_NOTICE_LIVE && l->live) {
        on_live(l, n);
    }
    if (!app_put(&l->line)) {
        l->broken = true;
    } else if (event || skipped) {
        fp_client_stored(l->s.client, &n->conv, n->kind == FP_NOTICE_SKIPPED ? n->upto : n->seq);
    }
}

static bool is_listened(void *ctx)
{
    const struct listen *l = ctx;
    return l->broken || l->left == 0;
}

int run_listen(struct app *app, const struct args *args)
{
    struct listen l = {.app = app, .args = args, .left = UINT64_MAX, .live = args_get(args, "live") != NULL};
    struct str why = {0};
    struct fp_id id;
    for (size_t i = 0; i < args->word_count; i++) {
        if (!app_id(app, "CONV", args->words[i], &id)) {
            return EXIT_USAGE;
        }
    }
    if (!args_uint(args, "count", &l.left, &why)) {
        (void)app_usage(app, str_get(&why));
        str_fini(&why);
        return EXIT_USAGE;
    }
    int code = session_open(&l.s, app, l.live ? FP_WANT_ALL : FP_WANT_EVENTS, on_listen, &l);
    if (code) {
        return code;
    }
    if (session_wait(&l.s, is_listened, &l, UINT64_MAX, -1) == SESSION_REFUSED) {
        code = session_no_link(&l.s);
    }
    session_leave(&l.s);
    session_close(&l.s);
    str_fini(&l.line);
    return code;
}

/* ------------------------------------------------------------------ history */

static void on_history(void *ctx, const struct fp_notice *n)
{
    struct listen *l = ctx;
    if (fp_id_eq(&n->conv, &l->conv) && n->kind == FP_NOTICE_EVENT && n->fetched) {
        show_event(&l->line, l->app->set.json, false, n->event);
        l->broken = !app_put(&l->line) || l->broken;
    }
}

static bool is_broken(void *ctx)
{
    const struct listen *l = ctx;
    return l->broken;
}

/* What this device is behind comes by itself first; only then is it clear whose answer a page is. */
static int history(struct listen *l, uint64_t after, uint64_t before, uint64_t last)
{
    const struct fp_conv *c = session_caught_up(&l->s, &l->conv);
    if (!c) {
        return EXIT_FAILED;
    }
    uint64_t upto = before > 0 && before - 1 < c->head ? before - 1 : c->head;
    after = after > c->floor ? after : c->floor;
    if (last < upto && upto - last > after) {
        after = upto - last;
    }
    return session_fetch(&l->s, &l->conv, after, upto, is_broken, l);
}

int run_history(struct app *app, const struct args *args)
{
    struct listen l = {.app = app, .args = args};
    struct str why = {0};
    uint64_t after = 0;
    uint64_t before = 0;
    uint64_t last = args_get(args, "after") || args_get(args, "before") ? UINT64_MAX : 50;
    if (!app_id(app, "CONV", args->words[0], &l.conv)) {
        return EXIT_USAGE;
    }
    if (!args_uint(args, "after", &after, &why) || !args_uint(args, "before", &before, &why) || !args_uint(args, "last", &last, &why)) {
        (void)app_usage(app, str_get(&why));
        str_fini(&why);
        return EXIT_USAGE;
    }
    int code = session_open(&l.s, app, FP_WANT_EVENTS, on_history, &l);
    if (code) {
        return code;
    }
    code = session_online(&l.s);
    code = code ? code : history(&l, after, before, last);
    session_leave(&l.s);
    session_close(&l.s);
    str_fini(&l.line);
    return code;
}
