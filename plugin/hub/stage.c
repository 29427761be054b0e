#include "plugin/hub/state.h"

void stage_reset(struct hub *h)
{
    arena_reset(&h->arena);
    h->begun = false;
    h->staged_convs = NULL;
    h->staged_convs_end = &h->staged_convs;
    h->staged_members = NULL;
    h->staged_devices = NULL;
    h->staged_devices_end = &h->staged_devices;
    h->tells = NULL;
    h->tells_end = &h->tells;
    h->granting = false;
    h->safety = false;
}

enum fp_err stage_begin(struct hub *h)
{
    if (h->begun) {
        return FP_OK;
    }
    enum fp_err err = h->store.begin(h->store.ctx);
    h->begun = err == FP_OK;
    return err;
}

void stage_conv(struct hub *h, struct hub_conv *c)
{
    if (!c->staged) {
        c->staged = true;
        c->next_staged = NULL;
        *h->staged_convs_end = c;
        h->staged_convs_end = &c->next_staged;
    }
}

void stage_device(struct hub *h, struct hub_device *d)
{
    if (!d->staged) {
        d->staged = true;
        d->next_staged = NULL;
        *h->staged_devices_end = d;
        h->staged_devices_end = &d->next_staged;
    }
}
