#include "plugin/core/compose.h"

/* The age is measured on the device's clock, which may drift by a part in a thousand, and says nothing of the way to the hub. */
static uint64_t composed_error_ms(uint64_t age_ms)
{
    return 1000 + age_ms / 1000;
}

struct fp_event compose_event(const struct fp_command *c, const struct compose_place *place, const struct fp_id *user, const struct fp_id *device,
                              struct fp_wall now)
{
    struct fp_event ev = {
        .kind = c->kind,
        .n = c->n,
        .conv = place->conv,
        .seen = c->seen > place->head ? place->head : c->seen, /* E2 */
        .priority = c->priority,
        .ref = c->ref,
        .body = c->body,
        .trace = c->trace,
        .seq = place->head + 1,
        .at = {.ms = now.ms > place->at.ms ? now.ms : place->at.ms}, /* E1 */
        .user = *user,
        .device = *device,
    };
    if (c->has_age && c->age_ms >= COMPOSE_WORTH_MS) {
        ev.has_composed = true;
        ev.composed.ms = c->age_ms < ev.at.ms ? ev.at.ms - c->age_ms : 0;
        ev.composed_error_ms = composed_error_ms(c->age_ms);
    }
    if (c->has_age && c->age_ms >= COMPOSE_OFFLINE_MS) {
        ev.flags |= FP_FLAG_OFFLINE;
    }
    return ev;
}

bool compose_expired(const struct fp_command *c)
{
    return c->has_ttl && c->has_age && c->age_ms / 1000 >= c->ttl_s && c->age_ms > c->ttl_s * 1000;
}
