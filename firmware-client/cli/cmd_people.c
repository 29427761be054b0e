/* cmd_people.c: conversations and who. */
#include "firmware-client/cli/commands.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "firmware-client/cli/clock.h"
#include "firmware-client/cli/json.h"
#include "firmware-client/cli/session.h"
#include "firmware-client/cli/show.h"
#include "fp/body.h"

#define GRACE_MS 1000   /* for what is retained and may not be there at all: it comes right after the subscription */
#define PRESENCE_MS 300 /* likewise, after the abouts have come */
#define WATCHED_MS 5000 /* a hub that is busy tells presence last */
#define WATCH_S 10      /* one answer is all we want; the lease ends with the session in any case */

struct about {
    struct fp_id conv;
    struct fp_bytes raw; /* own_ : freed at the end */
};

struct people {
    struct session s;
    const struct app *app;
    struct about *abouts;
    size_t about_count;
    struct str presence; /* of the scopes' digests, as it will be shown */
    struct str watched;  /* what the hub answers to our watch, likewise */
    const struct fp_id *only;
};

static struct about *about_of(struct people *p, const struct fp_id *conv)
{
    for (size_t i = 0; i < p->about_count; i++) {
        if (fp_id_eq(&p->abouts[i].conv, conv)) {
            return &p->abouts[i];
        }
    }
    return NULL;
}

static void keep_about(struct people *p, const struct fp_id *conv, struct fp_bytes raw)
{
    struct about *a = about_of(p, conv);
    uint8_t *copy = keep_memory(malloc(raw.len + 1));
    memcpy(copy, raw.p, raw.len);
    if (!a) {
        p->abouts = keep_memory(realloc(p->abouts, (p->about_count + 1) * sizeof *p->abouts));
        a = &p->abouts[p->about_count++];
        *a = (struct about){.conv = *conv};
    }
    free((void *)(uintptr_t)a->raw.p);
    a->raw = fp_bytes_of(copy, raw.len);
}

static void on_people(void *ctx, const struct fp_notice *n)
{
    struct people *p = ctx;
    struct fp_about about;
    if (n->kind != FP_NOTICE_LIVE) {
        return;
    }
    if (n->topic->kind == FP_TOPIC_CONV_ABOUT && fp_about_decode(n->bytes, &about) == FP_OK) {
        keep_about(p, &n->topic->b, n->bytes);
    } else if (n->topic->kind == FP_TOPIC_SCOPE_PRESENCE) {
        show_presence(&p->presence, p->app->set.json, n->bytes);
    } else if (n->topic->kind == FP_TOPIC_USER_PRESENCE) {
        show_presence(&p->watched, p->app->set.json, n->bytes);
    }
}

static bool has_all(void *ctx)
{
    struct people *p = ctx;
    const struct fp_conv *c;
    if (p->only) {
        return about_of(p, p->only) != NULL;
    }
    for (size_t i = 0; (c = fp_client_conv_at(p->s.client, i)) != NULL; i++) {
        if (!about_of(p, &c->id)) {
            return false;
        }
    }
    return true;
}

static bool never(void *ctx)
{
    (void)ctx;
    return false;
}

static void people_close(struct people *p)
{
    session_leave(&p->s);
    session_close(&p->s);
    for (size_t i = 0; i < p->about_count; i++) {
        free((void *)(uintptr_t)p->abouts[i].raw.p);
    }
    free(p->abouts);
    str_fini(&p->presence);
    str_fini(&p->watched);
}

static struct fp_about read_about(struct people *p, const struct fp_id *conv)
{
    struct about *a = about_of(p, conv);
    struct fp_about about = {0};
    if (a && fp_about_decode(a->raw, &about) != FP_OK) {
        about = (struct fp_about){0}; /* it was decoded before it was kept, so this does not happen */
    }
    return about;
}

int run_conversations(struct app *app, const struct args *args)
{
    (void)args;
    struct people p = {.app = app};
    struct str out = {0};
    const struct fp_conv *c;
    int code = session_open(&p.s, app, FP_WANT_ABOUT, on_people, &p);
    if (code) {
        return code;
    }
    code = session_online(&p.s);
    if (!code) {
        (void)session_wait(&p.s, has_all, &p, GRACE_MS, -1); /* a title that has not come stays empty */
        if (!app->set.json && fp_client_conv_at(p.s.client, 0)) {
            str_format(&out, "%-20s %-12s %6s %6s  %s\n", "CONVERSATION", "SCOPE", "HEAD", "UNREAD", "TITLE");
        }
        for (size_t i = 0; (c = fp_client_conv_at(p.s.client, i)) != NULL; i++) {
            show_conv(&out, app->set.json, c, read_about(&p, &c->id).title);
        }
        code = app_put(&out) ? EXIT_FINE : EXIT_FAILED;
    }
    people_close(&p);
    str_fini(&out);
    return code;
}

static void say_members(struct people *p, struct str *out)
{
    const struct fp_conv *c;
    for (size_t i = 0; (c = fp_client_conv_at(p->s.client, i)) != NULL; i++) {
        if (p->only && !fp_id_eq(p->only, &c->id)) {
            continue;
        }
        if (!p->app->set.json && !p->only) {
            str_format(out, "%.*s:\n", (int)c->id.len, c->id.text);
        }
        show_members(out, p->app->set.json, &c->id, read_about(p, &c->id));
    }
    const struct str *presence = p->watched.len > 0 ? &p->watched : &p->presence;
    if (presence->len > 0) {
        str_text(out, p->app->set.json ? "" : "presence:\n");
        str_add(out, presence->p, presence->len);
    }
}

/* ------------------------------------------------------------------ how the hub sees them now */

struct crowd {
    struct fp_id users[FP_WATCH_USERS_MAX];
    size_t count;
    bool all; /* there was room for all */
};

static void crowd_add(struct crowd *crowd, const struct fp_id *user)
{
    for (size_t i = 0; i < crowd->count; i++) {
        if (fp_id_eq(&crowd->users[i], user)) {
            return;
        }
    }
    crowd->all = crowd->all && crowd->count < FP_WATCH_USERS_MAX;
    if (crowd->all) {
        crowd->users[crowd->count++] = *user;
    }
}

static void crowd_fill(struct people *p, struct crowd *crowd)
{
    const struct fp_conv *c;
    struct fp_id user;
    uint64_t role;
    uint64_t joined;
    *crowd = (struct crowd){.all = true};
    for (size_t i = 0; (c = fp_client_conv_at(p->s.client, i)) != NULL; i++) {
        struct fp_about about = read_about(p, &c->id);
        while ((!p->only || fp_id_eq(p->only, &c->id)) && fp_about_member(&about, &user, &role, &joined)) {
            crowd_add(crowd, &user);
        }
    }
}

static bool is_watched(void *ctx)
{
    const struct people *p = ctx;
    return p->watched.len > 0 || p->s.nack;
}

/* A refusal is no failure: then there is what the scopes' digests tell. Of too many people there is not more either. */
static void watch(struct people *p)
{
    static uint8_t buf[FP_WATCH_USERS_MAX * (FP_ID_MAX + 2) + 16];
    struct fp_command cmd = {.kind = FP_K_WATCH, .priority = FP_PRIORITY_NORMAL};
    struct crowd crowd;
    struct fp_enc e;
    crowd_fill(p, &crowd);
    fp_enc_init(&e, buf, sizeof buf);
    fp_body_watch_begin(&e, crowd.count);
    for (size_t i = 0; i < crowd.count; i++) {
        fp_body_watch_user(&e, &crowd.users[i]);
    }
    fp_body_watch_end(&e, WATCH_S);
    cmd.body = fp_enc_bytes_of(&e);
    p->s.nack = FP_OK;
    if (!crowd.all || crowd.count == 0 || fp_client_pass(p->s.client, &cmd) != FP_OK) {
        (void)session_wait(&p->s, never, NULL, PRESENCE_MS, -1);
    } else if (session_wait(&p->s, is_watched, p, WATCHED_MS, -1) == SESSION_DONE && p->s.nack) {
        (void)session_wait(&p->s, never, NULL, PRESENCE_MS, -1);
    }
}

int run_who(struct app *app, const struct args *args)
{
    struct people p = {.app = app};
    struct str out = {0};
    struct fp_id conv;
    if (args->word_count > 0 && !app_id(app, "CONV", args->words[0], &conv)) {
        return EXIT_USAGE;
    }
    p.only = args->word_count > 0 ? &conv : NULL;
    int code = session_open(&p.s, app, FP_WANT_ABOUT | FP_WANT_PRESENCE, on_people, &p);
    if (code) {
        return code;
    }
    code = session_online(&p.s);
    if (!code && p.only && !session_conv(&p.s, p.only)) {
        code = EXIT_FAILED;
    }
    if (!code) {
        (void)session_wait(&p.s, has_all, &p, app->set.timeout_ms, -1);
        watch(&p);
        say_members(&p, &out);
        code = app_put(&out) ? EXIT_FINE : EXIT_FAILED;
    }
    people_close(&p);
    str_fini(&out);
    return code;
}
