#include "plugin/core/presence.h"

#include <assert.h>

uint8_t presence_here(const struct presence *p)
{
    for (uint8_t activity = PRESENCE_ACTIVITIES; activity > 0; activity--) {
        if (p->sessions[activity - 1] > 0) {
            return (uint8_t)(FP_PERSON_AWAY + activity - 1);
        }
    }
    return FP_PERSON_OFFLINE;
}

static bool settle(struct presence *p, struct fp_wall now)
{
    uint8_t here = presence_here(p);
    uint8_t state = here > p->far ? here : p->far; /* Q1 */
    bool changed = state != p->state;
    if (changed && !(p->state == FP_PERSON_UNREACHABLE && state == FP_PERSON_OFFLINE)) { /* Q2 */
        p->since = now;
    }
    p->state = state;
    return changed;
}

bool presence_begin(struct presence *p, uint8_t activity, struct fp_wall now)
{
    assert(activity < PRESENCE_ACTIVITIES);
    p->sessions[activity]++;
    return settle(p, now);
}

bool presence_move(struct presence *p, uint8_t from, uint8_t to, struct fp_wall now)
{
    assert(from < PRESENCE_ACTIVITIES && to < PRESENCE_ACTIVITIES && p->sessions[from] > 0);
    p->sessions[from]--;
    p->sessions[to]++;
    return settle(p, now);
}

bool presence_end(struct presence *p, uint8_t activity, struct fp_wall now)
{
    assert(activity < PRESENCE_ACTIVITIES && p->sessions[activity] > 0);
    p->sessions[activity]--;
    return settle(p, now);
}

bool presence_far(struct presence *p, uint8_t state, struct fp_wall since, struct fp_wall now)
{
    assert(state <= FP_PERSON_BUSY);
    p->far = state;
    bool changed = settle(p, now);
    if (changed && state > presence_here(p) && since.ms > 0 && since.ms < now.ms) {
        p->since = since;
    }
    return changed;
}

void presence_lose(struct presence_session *s, struct fp_mono now)
{
    if (!s->lost) {
        s->lost = true;
        s->until.us = now.us + PRESENCE_GRACE_US; /* Q3 */
    }
}

bool presence_over(const struct presence_session *s, struct fp_mono now)
{
    return s->lost && s->until.us <= now.us;
}
