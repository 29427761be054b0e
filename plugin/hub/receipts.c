#include "plugin/hub/state.h"

enum fp_err receipts_open(struct hub *h)
{
    (void)h;
    return FP_OK;
}

void receipts_close(struct hub *h)
{
    (void)h;
}

enum fp_err receipts_report(struct hub *h, struct command_ctx *x)
{
    (void)h;
    (void)x;
    return FP_EUNSUPPORTED;
}

enum fp_err receipts_load(struct hub *h, struct hub_member *m)
{
    (void)h;
    (void)m;
    return FP_OK;
}

enum fp_err receipts_said(struct hub *h, struct command_ctx *x, const struct fp_event *ev)
{
    (void)h;
    (void)x;
    (void)ev;
    return FP_OK;
}

enum fp_err receipts_save(struct hub *h)
{
    (void)h;
    return FP_OK;
}

enum fp_err receipts_commit(struct hub *h)
{
    (void)h;
    return FP_OK;
}

enum fp_err receipts_run(struct hub *h)
{
    (void)h;
    return FP_OK;
}

uint64_t receipts_wait_us(const struct hub *h, struct fp_mono now)
{
    (void)h;
    (void)now;
    return UINT64_MAX;
}

enum fp_err receipts_republish(struct hub *h, struct hub_conv *c)
{
    (void)h;
    (void)c;
    return FP_OK;
}
