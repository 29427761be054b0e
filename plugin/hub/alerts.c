/* A safety message goes to the inbox of every member as well, for that is what a device in the background is still sent. */
#include "plugin/hub/trunk.h"

#define DETAILS_BYTES_MAX 200 /* a sentence; who wants all of a long text asks for the event */
#define ALERT_FRAME_BYTES 64

struct alert {
    struct hub *h;
    const struct fp_event *ev;
    struct fp_bytes payload; /* the same for all */
    enum fp_err err;
};

/* The text as raw CBOR, if it is short; otherwise none. */
static struct fp_bytes details_of(struct hub *h, const struct fp_event *ev)
{
    struct fp_msg msg;
    const char *why = NULL;
    if (fp_msg_decode(ev->body, &msg, &why) || !msg.has_text || msg.text.len > DETAILS_BYTES_MAX) {
        return (struct fp_bytes){0};
    }
    size_t cap = msg.text.len + 8;
    uint8_t *buf = arena_alloc(&h->arena, cap);
    struct fp_enc e;
    fp_enc_init(&e, buf, buf ? cap : 0);
    fp_enc_text(&e, (const char *)msg.text.p, msg.text.len);
    return e.failed ? (struct fp_bytes){0} : fp_enc_bytes_of(&e);
}

static bool alert_member(void *arg, const struct store_member *m)
{
    struct alert *a = arg;
    if (!fp_id_eq(&m->user, &a->ev->user)) {
        a->err = tells_alert(a->h, &m->user, a->payload);
    }
    return a->err == FP_OK;
}

enum fp_err alerts_said(struct hub *h, struct command_ctx *x, const struct fp_event *ev)
{
    if (ev->kind != FP_K_MSG || ev->priority != FP_PRIORITY_SAFETY) {
        return FP_OK;
    }
    x->conv->safety = ev->seq > x->conv->safety ? ev->seq : x->conv->safety; /* 0: a site has it in custody */
    stage_conv(h, x->conv);
    x->conv->safety_staged = true;
    h->safety = true;
    bool alerted = false;
    enum fp_err err = x->canonical ? site_had(h, ev, &alerted) : FP_OK; /* when it was taken here */
    if (err || alerted) {
        return err;
    }

    struct fp_bytes details = details_of(h, ev);
    size_t cap = details.len + ALERT_FRAME_BYTES;
    uint8_t *buf = arena_alloc(&h->arena, cap);
    struct fp_enc e;
    fp_enc_init(&e, buf, buf ? cap : 0);
    fp_enc_inbox_alert(&e, &ev->conv, ev->seq, ev->priority, details);
    if (e.failed) {
        return FP_ENOMEM;
    }
    struct alert a = {.h = h, .ev = ev, .payload = fp_enc_bytes_of(&e)};
    err = h->store.each_member(h->store.ctx, x->conv->c.cid, alert_member, &a);
    return err ? err : a.err;
}
