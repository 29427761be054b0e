#include "edge-relay/core/pace.h"

#define WINDOW_US 1000U
#define QUIET_TURNS 2 /* a busy spell has up to four a window */

unsigned pace_turn(struct pace *p, struct fp_mono now)
{
    if (now.us - p->began.us >= WINDOW_US) {
        p->busy = p->busy && p->turns > QUIET_TURNS && now.us - p->began.us < 2 * WINDOW_US;
        p->began = now;
        p->turns = 0;
    }
    p->turns++;
    p->busy = p->busy || p->turns >= PACE_BUSY_TURNS;
    return p->busy ? PACE_WAIT_US : 0;
}

void pace_heard(struct pace *p)
{
    p->turns -= p->turns > 0;
}
