#include "firmware-client/cli/session.h"

#include "fp/body.h"

/*
 * The hub answers a command that is not durable only when it refuses it. So a question follows whose answer is sure to come: answers keep the
 * order of the questions.
 */
#define NO_QUESTION_MS 1000 /* without a conversation there is nothing to ask for; a refusal comes sooner than this */

struct barrier {
    struct session *s;
    bool answered;
    session_fn on;
    void *ctx;
};

static void on_barrier(void *ctx, const struct fp_notice *n)
{
    struct barrier *b = ctx;
    b->answered = b->answered || n->kind == FP_NOTICE_FETCHED;
    if (b->on) {
        b->on(b->ctx, n);
    }
}

static bool is_over(void *ctx)
{
    const struct barrier *b = ctx;
    return b->answered || b->s->nack;
}

static bool is_free(void *ctx)
{
    const struct session *s = ctx;
    return fp_client_link(s->client) == FP_LINK_ONLINE && !fp_client_wants_write(s->client);
}

static int pass(struct session *s, const struct fp_command *cmd)
{
    s->nack = FP_OK;
    enum fp_err err = fp_client_pass(s->client, cmd);
    if (err == FP_EAGAIN && session_wait(s, is_free, s, s->app->set.timeout_ms, -1) == SESSION_DONE) {
        err = fp_client_pass(s->client, cmd);
    }
    if (err) {
        return err == FP_EAGAIN ? session_no_link(s) : app_error(s->app, fp_err_name(err), "the command cannot be sent");
    }
    return EXIT_FINE;
}

static int refused(const struct session *s)
{
    return app_refused(s->app, fp_err_name(s->nack), str_bytes(&s->nack_text));
}

int session_pass(struct session *s, const struct fp_command *cmd)
{
    struct barrier b = {.s = s, .on = s->on, .ctx = s->ctx};
    int code = pass(s, cmd);
    if (code) {
        return code;
    }
    const struct fp_conv *any = fp_client_conv_at(s->client, 0);
    bool asked = any && any->head > 0 && fp_client_fetch(s->client, &any->id, any->head - 1, any->head) == FP_OK;
    s->on = on_barrier;
    s->ctx = &b;
    enum session_end end = session_wait(s, is_over, &b, asked ? s->app->set.timeout_ms : NO_QUESTION_MS, -1);
    s->on = b.on;
    s->ctx = b.ctx;
    if (s->nack) {
        return refused(s);
    }
    return end == SESSION_DONE || (end == SESSION_LATE && !asked) ? EXIT_FINE : session_no_link(s);
}

/* ------------------------------------------------------------------ questions */

struct question {
    struct session *s;
    const struct fp_command *cmd;
    bool answered;
    struct str *out;
    session_fn on;
    void *ctx;
};

static void on_report(void *ctx, const struct fp_notice *n)
{
    struct question *q = ctx;
    if (n->kind == FP_NOTICE_REPORT && n->seq == q->cmd->kind && fp_id_eq(&n->conv, &q->cmd->conv) && !q->answered) {
        str_clear(q->out);
        str_add(q->out, n->bytes.p, n->bytes.len);
        q->answered = true;
    }
    if (q->on) {
        q->on(q->ctx, n);
    }
}

static bool is_told(void *ctx)
{
    const struct question *q = ctx;
    return q->answered || q->s->nack;
}

int session_ask(struct session *s, const struct fp_command *cmd, enum fp_err expected, struct str *out)
{
    struct question q = {.s = s, .cmd = cmd, .out = out, .on = s->on, .ctx = s->ctx};
    s->on = on_report;
    s->ctx = &q;
    int code = pass(s, cmd);
    enum session_end end = code ? SESSION_DONE : session_wait(s, is_told, &q, s->app->set.timeout_ms, -1);
    s->on = q.on;
    s->ctx = q.ctx;
    if (code || q.answered) {
        return code;
    }
    if (end != SESSION_DONE) {
        return session_no_link(s);
    }
    return s->nack == expected ? EXIT_FAILED : refused(s);
}
