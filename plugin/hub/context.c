#include "plugin/hub/state.h"

struct fp_id context_hub(void)
{
    return (struct fp_id){.len = 4, .text = "~hub"};
}

bool context_is_hub(const struct fp_id *id)
{
    struct fp_id hub = context_hub();
    return fp_id_eq(id, &hub);
}

bool context_is_service(const struct hub *h, const struct fp_id *user)
{
    if (context_is_hub(user)) {
        return true;
    }
    for (size_t i = 0; i < h->config.service_count; i++) {
        if (fp_id_eq(&h->config.services[i], user)) {
            return true;
        }
    }
    return false;
}

uint64_t context_floor(const struct store_conv *c, const struct store_member *m)
{
    uint64_t below = m->role != FP_ROLE_NONE && m->active && m->from > 0 ? m->from - 1 : 0;
    return below > c->floor ? below : c->floor;
}

enum fp_err context_conv(struct hub *h, struct command_ctx *x)
{
    if (fp_id_is_none(&x->cmd->conv)) {
        x->why = "key 3 (conversation) is missing";
        return FP_EMALFORMED;
    }
    x->why = "no such conversation, or none that you are a member of";
    enum fp_err err = cache_conv(h, &x->cmd->conv, &x->conv);
    if (err || !x->conv) {
        return err ? err : FP_EUNKNOWN;
    }
    err = cache_member(h, x->conv->c.cid, &x->item->user, &x->member);
    if (err) {
        return err;
    }
    bool member = x->member->m.role != FP_ROLE_NONE && x->member->m.active;
    x->role = member ? x->member->m.role : FP_ROLE_NONE;
    if (x->canonical || context_is_service(h, &x->item->user)) {
        x->role = FP_ROLE_SERVICE;
    }
    if (x->role == FP_ROLE_NONE) {
        return FP_EUNKNOWN;
    }
    x->why = NULL;
    return FP_OK;
}
