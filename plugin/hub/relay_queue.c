/* What waits for a relay: a row for each conversation and member of its scopes, and the queues of those that have something for it. */
#include "plugin/hub/relay.h"

#include <stdlib.h>

#define RECEIPTS_EVERY_US 1000000U /* of one conversation */
#define COPIES_MAX 256             /* events on the way that are sent once more in the urgent lane, so that a safety message need not wait for them */

/* ------------------------------------------------------------------ rows */

struct relay_conv *relay_conv_get(struct relay *r, uint64_t cid, const struct fp_id *id)
{
    struct relay_conv *c = NULL;
    HASH_FIND(hh, r->convs, &cid, sizeof(cid), c);
    if (c) {
        return c;
    }
    c = calloc(1, sizeof(*c));
    if (!c) {
        return NULL;
    }
    c->cid = cid;
    c->id = *id;
    c->members_due = true;
    HASH_ADD(hh, r->convs, cid, sizeof(c->cid), c);
    if (!c->hh.tbl) {
        free(c);
        return NULL;
    }
    return c;
}

void relay_free_segs(struct relay_lane *l)
{
    while (l->first) {
        struct relay_seg *next = l->first->next;
        free(l->first);
        l->first = next;
    }
    l->last = NULL;
}

void relay_down_drop(struct relay *r)
{
    struct relay_conv *c;
    struct relay_conv *next;
    struct relay_person *p;
    struct relay_person *after;
    for (unsigned lane = 0; lane < FP_LANES; lane++) {
        relay_free_segs(&r->lanes[lane]);
    }
    HASH_ITER (hh, r->convs, c, next) {
        HASH_DEL(r->convs, c);
        free(c);
    }
    HASH_ITER (hh, r->persons, p, after) {
        HASH_DEL(r->persons, p);
        free(p);
    }
    memset(r->queues, 0, sizeof(r->queues));
    r->told = NULL;
    r->told_persons = NULL;
    r->unsaved = NULL;
}

/* ------------------------------------------------------------------ queues */

void relay_move(struct relay *r, struct relay_conv *c, enum relay_queue queue)
{
    if (c->queue == queue) {
        return;
    }
    if (c->queue != RELAY_NOWHERE) {
        DL_DELETE(r->queues[c->queue], c);
    }
    if (queue != RELAY_NOWHERE) {
        DL_APPEND(r->queues[queue], c);
    }
    c->queue = queue;
}

/* Y2 */
static bool goes_urgent(struct relay_conv *c)
{
    if (c->out[0] > 0) {
        return true;
    }
    if (c->safety <= c->sent || c->sent - c->held > COPIES_MAX) {
        return false;
    }
    if (c->out[1] > 0) { /* copies of what is on the way go in front of it */
        c->sent = c->held;
        c->floor_sent = c->floor_held;
    }
    return true;
}

void relay_want(struct relay *r, struct relay_conv *c)
{
    bool any = !c->loaded || c->sent < c->head || (c->floor > 0 && c->floor != c->floor_sent);
    relay_move(r, c, any ? (goes_urgent(c) ? RELAY_URGENT : RELAY_OTHERS) : RELAY_NOWHERE);
}

void relay_want_receipts(const struct hub *h, struct relay *r, struct relay_conv *c)
{
    if (c->told_waits) {
        return;
    }
    c->told_waits = true;
    c->told_due.us = c->told_due.us + RECEIPTS_EVERY_US > h->mono.us && c->told_due.us > 0 ? c->told_due.us + RECEIPTS_EVERY_US : h->mono.us;
    DL_APPEND2(r->told, c, told_prev, told_next);
}

struct relay_person *relay_person_get(struct relay *r, const struct fp_id *user)
{
    struct relay_person *p = NULL;
    HASH_FIND(hh, r->persons, user->text, user->len, p);
    if (p) {
        return p;
    }
    p = calloc(1, sizeof(*p));
    if (!p) {
        return NULL;
    }
    p->user = *user;
    HASH_ADD_KEYPTR(hh, r->persons, p->user.text, p->user.len, p);
    if (!p->hh.tbl) {
        free(p);
        return NULL;
    }
    return p;
}

void relay_want_person(struct relay *r, struct relay_person *p)
{
    if (!p->waits) {
        p->waits = true;
        DL_APPEND(r->told_persons, p);
    }
}

/* ------------------------------------------------------------------ what happens in the hub */

void relays_head(struct hub *h, const struct hub_conv *hc)
{
    for (struct relay *r = h->relays ? h->relays->all : NULL; r; r = r->next) {
        struct relay_conv *c = NULL;
        if (!relay_serves(r, &hc->c.scope)) {
            continue;
        }
        HASH_FIND(hh, r->convs, &hc->c.cid, sizeof(hc->c.cid), c);
        c = c || !r->up ? c : relay_conv_get(r, hc->c.cid, &hc->c.id);
        if (!c) { /* it is looked at when the relay says hello; without memory: when it says so the next time */
            continue;
        }
        c->head = hc->c.head;
        c->floor = hc->c.floor;
        c->safety = hc->safety > c->safety ? hc->safety : c->safety;
        c->members_due = c->members_due || hc->about_changed;
        if (r->up) {
            relay_want(r, c);
        }
    }
}

void relays_receipts(struct hub *h, const struct hub_conv *hc)
{
    for (struct relay *r = h->relays ? h->relays->all : NULL; r; r = r->next) {
        struct relay_conv *c = r->up && relay_serves(r, &hc->c.scope) ? relay_conv_get(r, hc->c.cid, &hc->c.id) : NULL;
        if (c) {
            c->head = hc->c.head;
            c->floor = hc->c.floor;
            relay_want_receipts(h, r, c);
        }
    }
}

/* Whether he is one of the relay's is asked when his turn comes. */
void relays_person(struct hub *h, const struct fp_id *user)
{
    for (struct relay *r = h->relays ? h->relays->all : NULL; r; r = r->next) {
        struct relay_person *p = r->linked ? relay_person_get(r, user) : NULL;
        if (p) {
            relay_want_person(r, p);
        }
    }
}
