#include "plugin/hub/state.h"

bool piece_add(struct hub *h, struct piece_list *list, struct fp_bytes bytes)
{
    struct piece *p = arena_alloc(&h->arena, sizeof(*p));
    if (!p) {
        return false;
    }
    *p = (struct piece){.bytes = bytes};
    if (list->last) {
        list->last->next = p;
    } else {
        list->first = p;
    }
    list->last = p;
    list->count++;
    list->bytes += bytes.len;
    return true;
}

void piece_join(const struct piece_list *list, uint8_t *out)
{
    for (const struct piece *p = list->first; p; p = p->next) {
        memcpy(out, p->bytes.p, p->bytes.len);
        out += p->bytes.len;
    }
}

static enum fp_err stage(struct hub *h, const struct tell *t)
{
    struct staged_tell *s = arena_alloc(&h->arena, sizeof(*s));
    if (!s) {
        return FP_ENOMEM;
    }
    *s = (struct staged_tell){.tell = *t};
    *h->tells_end = s;
    h->tells_end = &s->next;
    return FP_OK;
}

enum fp_err tells_publish(struct hub *h, const struct fp_topic *topic, struct fp_bytes payload, bool retain)
{
    return stage(h, &(struct tell){.kind = TELL_PUBLISH, .topic = *topic, .payload = payload, .qos = 1, .retain = retain});
}

enum fp_err tells_down(struct hub *h, const struct fp_id *device, struct fp_bytes payload)
{
    return tells_publish(h, &(struct fp_topic){.kind = FP_TOPIC_DEVICE_DOWN, .a = *device}, payload, false);
}

enum fp_err tells_inbox(struct hub *h, const struct fp_id *user, struct fp_bytes payload)
{
    return tells_publish(h, &(struct fp_topic){.kind = FP_TOPIC_USER_INBOX, .a = *user}, payload, false);
}

enum fp_err tells_grant(struct hub *h, enum tell_kind kind, const struct fp_id *id, const struct fp_id *user, bool allowed, uint64_t change)
{
    return stage(h, &(struct tell){.kind = kind, .id = *id, .user = *user, .allowed = allowed, .change = change});
}

static void tell(struct hub *h, const struct tell *t)
{
    /* The broker is going down: what is committed stays, and whoever misses the tell asks again (B2). */
    (void)h->bus.tell(h->bus.ctx, t);
    h->stats.tells++;
}

void tells_now(struct hub *h, const struct fp_topic *topic, struct fp_bytes payload, uint8_t qos, bool retain)
{
    tell(h, &(struct tell){.kind = TELL_PUBLISH, .topic = *topic, .payload = payload, .qos = qos, .retain = retain});
}

void tells_release(struct hub *h)
{
    for (const struct staged_tell *s = h->tells; s; s = s->next) {
        tell(h, &s->tell);
    }
}

struct fp_topic topic_of_conv(enum fp_topic_kind kind, const struct store_conv *c)
{
    return (struct fp_topic){.kind = kind, .a = c->scope, .b = c->id};
}
