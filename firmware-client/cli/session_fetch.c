#include "firmware-client/cli/session.h"

struct fetch {
    struct session *s;
    const struct fp_id *conv;
    uint64_t upto; /* answered up to here */
    bool answered;
    session_done_fn stop;
    void *stop_ctx;
    session_fn on;
    void *ctx;
};

static void on_fetch(void *ctx, const struct fp_notice *n)
{
    struct fetch *f = ctx;
    bool ours = fp_id_eq(&n->conv, f->conv) && (n->kind == FP_NOTICE_FETCHED || (n->kind == FP_NOTICE_EVENT && n->fetched));
    if (ours) {
        f->answered = f->answered || n->kind == FP_NOTICE_FETCHED;
        f->upto = n->seq > f->upto ? n->seq : f->upto;
    }
    if (f->on) {
        f->on(f->ctx, n);
    }
}

/* The library tells the hub of its own accord how far it is; a hub that does not know that yet says so, which has nothing to do with us. */
static bool is_refused(const struct session *s)
{
    return s->nack && s->nack != FP_EUNSUPPORTED;
}

static bool is_answered(void *ctx)
{
    const struct fetch *f = ctx;
    return f->answered || f->stop(f->stop_ctx) || is_refused(f->s);
}

/* A page may hold less than what was asked for: asks on until there is nothing more to come. */
static int fetch_pages(struct fetch *f, uint64_t after, uint64_t upto)
{
    struct session *s = f->s;
    while (after < upto && !f->stop(f->stop_ctx)) {
        f->answered = false;
        f->upto = after;
        enum fp_err err = fp_client_fetch(s->client, f->conv, after, upto);
        if (err) {
            return app_error(s->app, fp_err_name(err), "the hub cannot be asked for the history now");
        }
        enum session_end end = session_wait(s, is_answered, f, s->app->set.timeout_ms, -1);
        if (is_refused(s)) {
            return app_refused(s->app, fp_err_name(s->nack), str_bytes(&s->nack_text));
        }
        if (end != SESSION_DONE) {
            return session_no_link(s);
        }
        if (f->upto <= after) {
            return EXIT_FINE; /* an empty answer */
        }
        after = f->upto;
    }
    return EXIT_FINE;
}

int session_fetch(struct session *s, const struct fp_id *conv, uint64_t after, uint64_t upto, session_done_fn stop, void *ctx)
{
    struct fetch f = {.s = s, .conv = conv, .stop = stop, .stop_ctx = ctx, .on = s->on, .ctx = s->ctx};
    s->on = on_fetch;
    s->ctx = &f;
    int code = fetch_pages(&f, after, upto);
    s->on = f.on;
    s->ctx = f.ctx;
    return code;
}

/* ------------------------------------------------------------------ what this device is behind */

struct behind {
    const struct session *s;
    const struct fp_id *conv;
};

static bool is_caught_up(void *ctx)
{
    const struct behind *b = ctx;
    const struct fp_conv *c = fp_client_conv(b->s->client, b->conv);
    return !c || c->cursor >= c->head;
}

const struct fp_conv *session_caught_up(struct session *s, const struct fp_id *conv)
{
    struct behind b = {.s = s, .conv = conv};
    (void)session_wait(s, is_caught_up, &b, s->app->set.timeout_ms, -1); /* if not, what there is will do */
    return session_conv(s, conv);
}
