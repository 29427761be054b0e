#include "plugin/hub/state.h"

enum fp_err typing_open(struct hub *h)
{
    (void)h;
    return FP_OK;
}

void typing_close(struct hub *h)
{
    (void)h;
}

enum fp_err typing_report(struct hub *h, struct command_ctx *x)
{
    (void)h;
    (void)x;
    return FP_EUNSUPPORTED;
}

void typing_stop(struct hub *h, const struct fp_id *conv, const struct fp_id *user)
{
    (void)h;
    (void)conv;
    (void)user;
}

void typing_gone(struct hub *h, const struct fp_id *device)
{
    (void)h;
    (void)device;
}

enum fp_err typing_run(struct hub *h)
{
    (void)h;
    return FP_OK;
}

uint64_t typing_wait_us(const struct hub *h, struct fp_mono now)
{
    (void)h;
    (void)now;
    return UINT64_MAX;
}
