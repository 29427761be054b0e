#include "plugin/hub/trunk.h"

enum fp_err site_open(struct hub *h)
{
    (void)h;
    return FP_OK;
}

void site_close(struct hub *h)
{
    (void)h;
}

enum fp_err site_take(struct hub *h, struct command_ctx *x)
{
    (void)h;
    (void)x;
    return FP_EUNSUPPORTED;
}

enum fp_err site_refused(struct hub *h, struct command_ctx *x, enum fp_err code)
{
    (void)h;
    (void)x;
    (void)code;
    return FP_OK;
}

enum fp_err site_repeat(struct hub *h, struct command_ctx *x, bool *out_answered)
{
    (void)h;
    (void)x;
    *out_answered = false;
    return FP_OK;
}

enum fp_err site_pass_on(struct hub *h, struct command_ctx *x)
{
    (void)h;
    (void)x;
    return FP_OK;
}

enum fp_err site_next_n(struct hub *h, struct command_ctx *x, uint64_t hello_next)
{
    (void)h;
    (void)x;
    (void)hello_next;
    return FP_OK;
}

enum fp_err site_welcome_pages(struct hub *h, struct command_ctx *x)
{
    (void)h;
    (void)x;
    return FP_OK;
}

enum fp_err site_said(struct hub *h, struct command_ctx *x, const struct fp_event *ev)
{
    (void)h;
    (void)x;
    (void)ev;
    return FP_OK;
}

enum fp_err site_frame(struct hub *h, const struct source_item *item)
{
    (void)h;
    (void)item;
    return FP_OK;
}

void site_gone(struct hub *h, uint64_t conn)
{
    (void)h;
    (void)conn;
}

enum fp_err site_run(struct hub *h)
{
    (void)h;
    return FP_OK;
}

uint64_t site_wait_us(const struct hub *h, struct fp_mono now)
{
    (void)h;
    (void)now;
    return UINT64_MAX;
}

uint64_t site_epoch(const struct hub *h)
{
    return h->info.epoch;
}
