#include "plugin/hub/state.h"

#define LINES_PER_S 1
#define LINES_BURST_S 30

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

static enum fp_err stage(struct hub *h, const struct tell *t, bool safety)
{
    struct staged_tell *s = arena_alloc(&h->arena, sizeof(*s));
    if (!s) {
        return FP_ENOMEM;
    }
    *s = (struct staged_tell){.tell = *t, .safety = safety};
    *h->tells_end = s;
    h->tells_end = &s->next;
    h->granting = h->granting || t->kind == TELL_GRANT_CONV || t->kind == TELL_GRANT_SCOPE;
    return FP_OK;
}

enum fp_err tells_publish(struct hub *h, const struct fp_topic *topic, struct fp_bytes payload, bool retain)
{
    return stage(h, &(struct tell){.kind = TELL_PUBLISH, .topic = *topic, .payload = payload, .qos = 1, .retain = retain}, false);
}

enum fp_err tells_volatile(struct hub *h, const struct fp_topic *topic, struct fp_bytes payload)
{
    return stage(h, &(struct tell){.kind = TELL_PUBLISH, .topic = *topic, .payload = payload}, false);
}

enum fp_err tells_down(struct hub *h, const struct fp_id *device, struct fp_bytes payload)
{
    return tells_publish(h, &(struct fp_topic){.kind = FP_TOPIC_DEVICE_DOWN, .a = *device}, payload, false);
}

enum fp_err tells_inbox(struct hub *h, const struct fp_id *user, struct fp_bytes payload)
{
    return tells_publish(h, &(struct fp_topic){.kind = FP_TOPIC_USER_INBOX, .a = *user}, payload, false);
}

enum fp_err tells_alert(struct hub *h, const struct fp_id *user, struct fp_bytes payload)
{
    struct fp_topic topic = {.kind = FP_TOPIC_USER_INBOX, .a = *user};
    return stage(h, &(struct tell){.kind = TELL_PUBLISH, .topic = topic, .payload = payload, .qos = 1}, true);
}

enum fp_err tells_grant(struct hub *h, enum tell_kind kind, const struct fp_id *id, const struct fp_id *user, bool allowed, uint64_t change)
{
    return stage(h, &(struct tell){.kind = kind, .id = *id, .user = *user, .allowed = allowed, .change = change}, false);
}

/* With the welcome and not before it: what the commit takes is no silence of the device's. */
enum fp_err tells_alive(struct hub *h, const struct hub_session *s)
{
    return stage(h, &(struct tell){.kind = TELL_ALIVE, .id = s->device, .user = s->user, .conn = s->conn, .alive_s = s->alive_s}, false);
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

void tells_grant_now(struct hub *h, enum tell_kind kind, const struct fp_id *id, const struct fp_id *user, bool allowed)
{
    tell(h, &(struct tell){.kind = kind, .id = *id, .user = *user, .allowed = allowed});
}

static void log_line(struct hub *h, enum tell_level level, const struct line *l)
{
    tell(h, &(struct tell){.kind = TELL_LOG, .level = level, .payload = fp_bytes_of(l->text, l->len)});
}

void tells_log(struct hub *h, enum tell_level level, const struct line *l)
{
    uint64_t wait_ms = 0;
    if (!throttle_take(&h->lines, LINES_PER_S, LINES_BURST_S, h->mono, &wait_ms)) {
        h->lines_left_out++;
        return;
    }
    if (h->lines_left_out > 0) {
        struct line more = {0};
        line_number(&more, h->lines_left_out);
        line_text(&more, " lines like the last ones were left out");
        log_line(h, TELL_WARNING, &more);
        h->lines_left_out = 0;
    }
    log_line(h, level, l);
}

void tells_log_about(struct hub *h, enum tell_level level, const char *what, const struct fp_id *id, const char *text)
{
    struct line l = {0};
    line_text(&l, what);
    line_id(&l, id);
    line_text(&l, text);
    tells_log(h, level, &l);
}

/* An alert, or events of a conversation that has a safety message in this batch: all of its events, so that their order stays. */
static bool goes_first(const struct hub *h, const struct staged_tell *s)
{
    struct hub_conv *c = NULL;
    if (s->tell.kind == TELL_PUBLISH && s->tell.topic.kind == FP_TOPIC_CONV_EVENT) {
        HASH_FIND(hh, h->convs, s->tell.topic.b.text, s->tell.topic.b.len, c);
    }
    return s->safety || (c && c->safety_staged);
}

/*
 * What carries a safety message goes first. Not in a batch that changes members: what is told must stay on its side of the grants. Such batches are
 * few.
 */
void tells_release(struct hub *h)
{
    bool sort = h->safety && !h->granting;
    for (const struct staged_tell *s = h->tells; s && sort; s = s->next) {
        if (goes_first(h, s)) {
            tell(h, &s->tell);
        }
    }
    for (const struct staged_tell *s = h->tells; s; s = s->next) {
        if (!sort || !goes_first(h, s)) {
            tell(h, &s->tell);
        }
    }
}

struct fp_topic topic_of_conv(enum fp_topic_kind kind, const struct store_conv *c)
{
    return (struct fp_topic){.kind = kind, .a = c->scope, .b = c->id};
}
