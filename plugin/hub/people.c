#include "plugin/hub/state.h"

enum fp_err people_open(struct hub *h)
{
    (void)h;
    return FP_OK;
}

void people_close(struct hub *h)
{
    (void)h;
}

void people_session(struct hub *h, const struct hub_session *s)
{
    (void)h;
    (void)s;
}

void people_session_end(struct hub *h, const struct hub_session *s, enum hub_end why)
{
    (void)h;
    (void)s;
    (void)why;
}

enum fp_err people_activity(struct hub *h, struct command_ctx *x)
{
    (void)h;
    (void)x;
    return FP_EUNSUPPORTED;
}

enum fp_err people_watch(struct hub *h, struct command_ctx *x)
{
    (void)h;
    (void)x;
    return FP_EUNSUPPORTED;
}

enum fp_err people_status(struct hub *h, struct command_ctx *x)
{
    (void)h;
    (void)x;
    return FP_EUNSUPPORTED;
}

enum fp_err people_policy(struct hub *h, struct command_ctx *x)
{
    (void)h;
    (void)x;
    return FP_EUNSUPPORTED;
}

void people_member(struct hub *h, const struct fp_id *scope, const struct fp_id *user)
{
    (void)h;
    (void)scope;
    (void)user;
}

enum fp_err people_hides(struct hub *h, const struct fp_id *user, const struct fp_id *scope, bool *out_hides)
{
    (void)h;
    (void)user;
    (void)scope;
    *out_hides = false;
    return FP_OK;
}

enum fp_err people_timer(struct hub *h, const struct store_timer *t)
{
    (void)h;
    (void)t;
    return FP_OK;
}

enum fp_err people_run(struct hub *h)
{
    (void)h;
    return FP_OK;
}

uint64_t people_wait_us(const struct hub *h, struct fp_mono now)
{
    (void)h;
    (void)now;
    return UINT64_MAX;
}
