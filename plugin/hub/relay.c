#include "plugin/hub/trunk.h"

enum fp_err relays_open(struct hub *h)
{
    (void)h;
    return FP_OK;
}

void relays_close(struct hub *h)
{
    (void)h;
}

enum fp_err relays_frame(struct hub *h, const struct source_item *item)
{
    (void)h;
    (void)item;
    return FP_OK;
}

void relays_gone(struct hub *h, uint64_t conn)
{
    (void)h;
    (void)conn;
}

void relays_head(struct hub *h, const struct hub_conv *c)
{
    (void)h;
    (void)c;
}

void relays_receipts(struct hub *h, const struct hub_conv *c)
{
    (void)h;
    (void)c;
}

void relays_person(struct hub *h, const struct fp_id *user)
{
    (void)h;
    (void)user;
}

enum fp_err relays_run(struct hub *h)
{
    (void)h;
    return FP_OK;
}

uint64_t relays_wait_us(const struct hub *h, struct fp_mono now)
{
    (void)h;
    (void)now;
    return UINT64_MAX;
}

void relays_reconfigure(struct hub *h)
{
    (void)h;
}

enum fp_err relays_refused(struct hub *h, struct command_ctx *x, enum fp_err code)
{
    (void)h;
    (void)x;
    (void)code;
    return FP_OK;
}

enum fp_err relays_save(struct hub *h)
{
    (void)h;
    return FP_OK;
}

void relays_commit(struct hub *h)
{
    (void)h;
}

void relays_undo(struct hub *h)
{
    (void)h;
}

void relays_branch(const struct hub *h, const struct command_ctx *x, struct fp_event *ev)
{
    (void)h;
    (void)x;
    (void)ev;
}
