#include "edge-relay/core/pump.h"

#include <assert.h>

void pump_init(struct pump *p, size_t chunk, size_t limit)
{
    assert(chunk > 0);
    *p = (struct pump){.chunk = chunk, .limit = limit};
}

void pump_connected(struct pump *p)
{
    p->connected = true;
    p->writable = true;
}

void pump_broker_event(struct pump *p, bool readable, bool writable, bool ended)
{
    p->readable = p->readable || readable || ended; /* the end is found by reading up to it */
    p->writable = p->writable || writable;
    p->ended = p->ended || ended;
}

bool pump_down_wanted(const struct pump *p)
{
    return p->connected && p->readable;
}

size_t pump_down_room(const struct pump *p)
{
    return pump_down_wanted(p) ? p->chunk : 0;
}

void pump_down_got(struct pump *p, size_t got, size_t asked)
{
    assert(got <= asked);
    if (got < asked && !p->ended) { /* after the end there comes no news: read on until the end itself is read */
        p->readable = false;        /* P3 */
    }
}

bool pump_up_direct(const struct pump *p)
{
    return p->connected && p->writable && p->waiting == 0;
}

void pump_up_sent(struct pump *p, size_t sent, size_t offered)
{
    assert(sent <= offered);
    if (sent < offered) {
        p->writable = false; /* P3 */
    }
}

bool pump_up_wait(struct pump *p, size_t len)
{
    if (len > p->limit - p->waiting) {
        return false;
    }
    p->waiting += len; /* P1 */
    return true;
}

void pump_up_went(struct pump *p, size_t len)
{
    assert(len <= p->waiting);
    p->waiting -= len;
}

bool pump_client_may_be_read(const struct pump *p)
{
    return p->connected && p->waiting == 0;
}
