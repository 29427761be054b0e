/* fp/1/ops/conns: the last sessions that began or ended, oldest first: what a device's story is made of. */
#include "plugin/hub/state.h"

#define EVENT_BYTES 144

void ops_event(struct hub *h, const struct fp_id *device, const struct fp_id *user, const char *what)
{
    if (h->config.ops) {
        h->ops.events[h->ops.event_count++ % OPS_EVENTS] = (struct ops_event){.device = *device, .user = *user, .what = what, .at = h->wall};
    }
}

static void put_event(struct fp_enc *e, const struct ops_event *event)
{
    fp_enc_map(e, 4);
    ops_put_text(e, "at");
    fp_enc_uint(e, event->at.ms);
    ops_put_text(e, "user");
    fp_enc_id(e, &event->user);
    ops_put_text(e, "what");
    ops_put_text(e, event->what);
    ops_put_text(e, "device");
    fp_enc_id(e, &event->device);
}

void ops_conns(struct hub *h)
{
    struct hub_ops *o = &h->ops;
    size_t count = o->event_count < OPS_EVENTS ? (size_t)o->event_count : OPS_EVENTS;
    if (o->events_told == o->event_count) {
        return;
    }
    size_t cap = count * EVENT_BYTES + 16;
    uint8_t *buf = arena_alloc(&h->arena, cap);
    struct fp_enc e;
    fp_enc_init(&e, buf, buf ? cap : 0);
    fp_enc_array(&e, count);
    for (uint64_t n = o->event_count - count; n < o->event_count; n++) {
        put_event(&e, &o->events[n % OPS_EVENTS]);
    }
    ops_tell(h, "conns", &e);
    o->events_told = e.failed ? o->events_told : o->event_count;
}
