#include "firmware-client/cli/chat.h"

#include <inttypes.h>

#include "firmware-client/cli/clock.h"
#include "firmware-client/cli/show.h"
#include "firmware-client/cli/text.h"

/* A site has it, and the hub not yet. Our own is shown as queued already. */
static void on_provisional(struct chat *c, const struct fp_notice *n)
{
    struct str line = {0};
    bool refused = (n->event->flags & FP_FLAG_REFUSED) != 0;
    if (n->ticket > 0) {
        return;
    }
    if (refused) {
        log_settled(&c->log, &n->event->device, n->event->n);
    }
    show_event(&line, c->app->set.json, false, n->event);
    line.p[--line.len] = '\0'; /* without its end */
    bool fresh = refused || log_provisional(&c->log, n->event, line.p);
    str_char(&line, '\n');
    if (!c->screen && fresh) {
        c->broken = !app_put(&line) || c->broken;
    }
    str_fini(&line);
}

static void on_event(struct chat *c, const struct fp_notice *n)
{
    struct str line = {0};
    log_settled(&c->log, &n->event->device, n->event->n);
    bool own = fp_id_eq(&n->event->user, &c->self) && n->event->kind == FP_K_MSG;
    show_event(&line, c->app->set.json, false, n->event);
    line.p[--line.len] = '\0'; /* without its end */
    bool fresh = log_event(&c->log, n->seq, n->ticket, own, line.p);
    str_char(&line, '\n');
    if (!c->screen && fresh) {
        c->broken = !app_put(&line) || c->broken;
    }
    str_fini(&line);
    if (!n->fetched && !c->broken) {
        fp_client_stored(c->s.client, &n->conv, n->seq);
        fp_client_read(c->s.client, &n->conv, n->seq, false);
    }
}

static void on_state(struct chat *c, const struct fp_notice *n)
{
    struct str reason = {0};
    if (n->state == FP_SEND_FAILED) {
        str_format(&reason, "%s%s", n->err ? fp_err_name(n->err) : "cancelled", n->text.len > 0 ? ": " : "");
        text_inert(&reason, n->text, TEXT_ONE_LINE);
        if (!c->screen) {
            c->code = app_refused(c->app, n->err ? fp_err_name(n->err) : "cancelled", n->text);
        }
    }
    log_state(&c->log, n->ticket, n->state, str_get(&reason));
    if (!c->screen && c->app->set.json) {
        str_clear(&reason);
        show_state(&reason, true, n, "");
        c->broken = !app_put(&reason) || c->broken;
    }
    str_fini(&reason);
}

static void on_live(struct chat *c, const struct fp_notice *n)
{
    struct fp_receipts all;
    struct fp_horizon h;
    struct str line = {0};
    if (n->topic->kind == FP_TOPIC_SCOPE_PRESENCE || n->topic->kind == FP_TOPIC_USER_PRESENCE) {
        show_presence(&line, true, n->bytes); /* wanted by JSON alone */
    } else if (!fp_id_eq(&n->topic->b, &c->conv)) {
        return;
    } else if (n->topic->kind == FP_TOPIC_CONV_TYPING) {
        str_clear(&c->typing);
        show_typing_names(&c->typing, n->bytes, &c->self);
        show_typing(&line, true, &c->conv, n->bytes);
    } else if (n->topic->kind == FP_TOPIC_CONV_RECEIPTS && fp_receipts_decode(n->bytes, &all) == FP_OK) {
        while (fp_receipts_next(&all, &h)) {
            if (!fp_id_eq(&h.id, &c->self)) {
                log_receipt(&c->log, h.delivered, h.read);
            }
        }
        show_receipts(&line, true, &c->conv, n->bytes);
    }
    if (!c->screen && c->app->set.json) {
        c->broken = !app_put(&line) || c->broken;
    }
    str_fini(&line);
}

void chat_notice(void *ctx, const struct fp_notice *n)
{
    struct chat *c = ctx;
    c->dirty = true;
    if (n->kind == FP_NOTICE_STATE) {
        on_state(c, n);
    } else if (n->kind == FP_NOTICE_LIVE) {
        on_live(c, n);
    } else if (n->kind == FP_NOTICE_NACK) {
        str_clear(&c->hint);
        str_format(&c->hint, "%s: ", fp_err_name(n->err));
        text_inert(&c->hint, n->text, TEXT_ONE_LINE);
    } else if (!fp_id_eq(&n->conv, &c->conv)) {
        return;
    } else if (n->kind == FP_NOTICE_EVENT) {
        on_event(c, n);
    } else if (n->kind == FP_NOTICE_PROVISIONAL) {
        on_provisional(c, n);
    } else if (n->kind == FP_NOTICE_SNAPSHOT && !n->fetched) {
        fp_client_stored(c->s.client, &n->conv, n->seq);
    } else if (n->kind == FP_NOTICE_SKIPPED && !n->fetched) {
        fp_client_stored(c->s.client, &n->conv, n->upto);
    } else if (n->kind == FP_NOTICE_FETCHED) {
        c->fetched = true;
    } else if (n->kind == FP_NOTICE_LEFT) {
        c->over = true;
    }
}

void chat_say(struct chat *c, const char *text, size_t len)
{
    uint64_t ticket = 0;
    enum fp_err err = len > 0 ? fp_client_say(c->s.client, &c->conv, text, len, clock_mono(), &ticket) : FP_OK;
    if (len == 0) {
        return;
    }
    struct str shown = {0};
    str_format(&shown, "[now] %.*s: ", (int)c->self.len, c->self.text);
    text_inert(&shown, fp_bytes_of(text, len), TEXT_LINES);
    if (err && c->screen) {
        str_clear(&c->hint);
        str_format(&c->hint, "not sent: %s", fp_err_name(err));
    } else if (err) {
        c->code = app_error(c->app, fp_err_name(err), "the outbox does not take this line");
    } else {
        log_queued(&c->log, ticket, shown.p);
        if (c->app->set.json) { /* from here on the line is on this device's disk: who reads this may forget it */
            const struct fp_notice queued = {.kind = FP_NOTICE_STATE, .state = FP_SEND_QUEUED, .ticket = ticket, .conv = c->conv};
            str_clear(&shown);
            show_state(&shown, true, &queued, "");
            c->broken = !app_put(&shown) || c->broken;
        }
    }
    str_fini(&shown);
    c->dirty = true;
}

void chat_begin(struct chat *c)
{
    if (c->asked || fp_client_link(c->s.client) != FP_LINK_ONLINE) {
        return;
    }
    const struct fp_conv *conv = fp_client_conv(c->s.client, &c->conv);
    if (conv && conv->cursor < conv->head) {
        return; /* what we are behind comes by itself */
    }
    c->asked = true;
    if (!conv) {
        c->over = true;
        return;
    }
    uint64_t after = conv->head > c->last && conv->head - c->last > conv->floor ? conv->head - c->last : conv->floor;
    if (c->last > 0 && conv->head > after) {
        enum fp_err err = fp_client_fetch(c->s.client, &c->conv, after, conv->head);
        c->asked = err != FP_EAGAIN;
        c->fetched = err != FP_OK && c->asked;
    } else {
        c->fetched = true;
    }
}
