#include "firmware-client/core/client_impl.h"
#include "fp/body.h"

/* ------------------------------------------------------------------ the table */

/* Where conv is, or would have to be (I1). */
static size_t place_of(const struct fp_client *c, const struct fp_id *conv)
{
    size_t low = 0;
    size_t high = c->follow_count;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (fp_id_before(&c->follows[mid].pub.id, conv)) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

struct fp_follow *fp_follow_find(const struct fp_client *c, const struct fp_id *conv)
{
    size_t at = place_of(c, conv);
    return at < c->follow_count && fp_id_eq(&c->follows[at].pub.id, conv) ? &c->follows[at] : NULL;
}

void fp_follow_tell(struct fp_client *c, const struct fp_follow *f)
{
    struct fp_notice n = {.kind = FP_NOTICE_CONV, .conv = f->pub.id, .seq = f->pub.head};
    fp_tell(c, &n);
}

struct fp_follow *fp_follow_get(struct fp_client *c, const struct fp_id *conv, const struct fp_id *scope)
{
    size_t at = place_of(c, conv);
    struct fp_follow *f = &c->follows[at];
    if (at < c->follow_count && fp_id_eq(&f->pub.id, conv)) {
        return f;
    }
    if (c->follow_count == c->config.convs) {
        struct fp_notice n = {.kind = FP_NOTICE_NO_ROOM, .conv = *conv};
        fp_tell(c, &n);
        return NULL;
    }
    memmove(f + 1, f, (c->follow_count - at) * sizeof(*f));
    c->follow_count++;
    memset(f, 0, sizeof(*f));
    f->pub.id = *conv;
    f->pub.scope = *scope;
    f->due_us = FP_NEVER;
    f->flags = FP_FOLLOW_NEW;
    c->scopes_due = true;
    return f;
}

static bool scope_is_used(const struct fp_client *c, const struct fp_id *scope)
{
    for (size_t i = 0; i < c->follow_count; i++) {
        if (fp_id_eq(&c->follows[i].pub.scope, scope)) {
            return true;
        }
    }
    return false;
}

static void cut(struct fp_client *c, struct fp_follow *f)
{
    if ((f->flags & FP_FOLLOW_ASKED) != 0) {
        c->gets--;
    }
    if (fp_id_eq(&c->fetch.conv, &f->pub.id)) {
        c->fetch.conv.len = 0;
    }
    fp_reorder_drop(c, &f->pub.id, FP_NEVER);
    (void)fp_outbox_drop_cursor(&c->box, &f->pub.id); /* if that fails it is dropped again when the next welcome does not name it */
    c->follow_count--;
    memmove(f, f + 1, (size_t)(&c->follows[c->follow_count] - f) * sizeof(*f));
}

void fp_follow_forget(struct fp_client *c, struct fp_follow *f)
{
    struct fp_notice n = {.kind = FP_NOTICE_LEFT, .conv = f->pub.id};
    struct fp_id scope = f->pub.scope;
    cut(c, f);
    if (!scope_is_used(c, &scope) && c->step >= FP_STEP_SUB_SCOPES) {
        fp_out_unsubscribe_scope(c, &scope);
    }
    fp_tell(c, &n);
}

void fp_follow_forget_all(struct fp_client *c)
{
    while (c->follow_count > 0) {
        cut(c, &c->follows[c->follow_count - 1]);
    }
}

void fp_follow_restore(struct fp_client *c)
{
    for (uint16_t i = 0; i < c->config.convs; i++) {
        const struct fp_cursor *known = &c->box.cursors[i];
        struct fp_follow *f = fp_id_is_none(&known->conv) ? NULL : fp_follow_get(c, &known->conv, &known->scope);
        if (f) {
            f->flags = 0;
            f->pub.head = f->pub.cursor = f->pub.stored = f->saved = f->counted = known->seq;
        }
    }
}

/* ------------------------------------------------------------------ what is missing */

void fp_follow_wait(struct fp_client *c, struct fp_follow *f, uint64_t due_us)
{
    f->due_us = due_us;
    c->follow_due = fp_min_u64(c->follow_due, due_us);
}

void fp_follow_answered(struct fp_client *c, struct fp_follow *f)
{
    if ((f->flags & FP_FOLLOW_ASKED) != 0) {
        c->gets--;
        c->follow_due = c->now; /* another one may be waiting for its turn */
    }
    f->flags &= (uint16_t) ~(FP_FOLLOW_ASKED | FP_FOLLOW_FETCH);
    f->due_us = FP_NEVER;
}

void fp_follow_head(struct fp_client *c, struct fp_follow *f, uint64_t head)
{
    f->pub.head = fp_max_u64(f->pub.head, head);
    if ((f->flags & FP_FOLLOW_NEW) != 0 && head > 0) {
        f->flags &= (uint16_t)~FP_FOLLOW_NEW;
        if (c->config.from_head && f->pub.cursor == 0) {
            f->pub.cursor = f->pub.stored = f->pub.head;
            fp_save_later(c);
        }
    }
}

void fp_follow_check(struct fp_client *c, struct fp_follow *f)
{
    bool asked = (f->flags & FP_FOLLOW_ASKED) != 0;
    if (f->pub.cursor < f->pub.head) {
        f->flags |= FP_FOLLOW_BEHIND;
        if (!asked && f->due_us == FP_NEVER && (c->config.want & FP_WANT_EVENTS) != 0) {
            fp_follow_wait(c, f, c->now + FP_HOLE_US);
        }
        return;
    }
    if (!asked) {
        f->due_us = FP_NEVER;
    }
    if ((f->flags & FP_FOLLOW_BEHIND) != 0) {
        f->flags &= (uint16_t)~FP_FOLLOW_BEHIND;
        struct fp_notice n = {.kind = FP_NOTICE_CAUGHT_UP, .conv = f->pub.id, .seq = f->pub.cursor};
        fp_tell(c, &n);
    }
}

/* Asks for what is missing, or for what the application fetches. False: not now. */
static bool ask(struct fp_client *c, struct fp_follow *f)
{
    bool fetch = fp_id_eq(&c->fetch.conv, &f->pub.id);
    struct fp_message m;
    struct fp_enc e;
    uint64_t at = c->now + FP_HOLE_US;
    if (c->gets >= (fp_is_small(c) ? 1U : FP_GETS_MAX) || !fp_rate_take(c, &at) || !fp_out_begin(c, &m, FP_TOPIC_DEVICE_UP, &e)) {
        c->follow_due = fp_min_u64(c->follow_due, at);
        return false;
    }
    fp_out_head(&e, FP_K_GET, &f->pub.id, true);
    fp_body_get(&e, fetch ? c->fetch.after : f->pub.cursor, fetch ? c->fetch.upto : 0, fp_is_small(c) ? c->config.rx_bytes - 256 : 0);
    if (!fp_out_end(c, &m, &e)) {
        c->follow_due = fp_min_u64(c->follow_due, at);
        return false;
    }
    f->page_at = f->pub.cursor;
    f->flags |= FP_FOLLOW_ASKED | (fetch ? FP_FOLLOW_FETCH : 0);
    c->gets++;
    fp_follow_wait(c, f, c->now + FP_ANSWER_US);
    return true;
}

/* What has waited long enough for its answer makes room for others, whoever stands in front of it. */
static void give_up_waiting(struct fp_client *c)
{
    for (size_t i = 0; i < c->follow_count; i++) {
        struct fp_follow *f = &c->follows[i];
        if (f->due_us <= c->now && (f->flags & FP_FOLLOW_ASKED) != 0) {
            fp_follow_answered(c, f);
            f->due_us = c->now;
        }
    }
}

void fp_follow_work(struct fp_client *c)
{
    if (c->now >= c->follow_due) {
        bool full = false;
        give_up_waiting(c);
        c->follow_due = FP_NEVER;
        for (size_t i = 0; i < c->follow_count; i++) {
            struct fp_follow *f = &c->follows[i];
            if (f->due_us > c->now || full) {
                c->follow_due = fp_min_u64(c->follow_due, fp_max_u64(f->due_us, full ? c->now + FP_HOLE_US : 0));
                continue;
            }
            full = !ask(c, f);
        }
    }
    fp_due(c, c->follow_due);
}

void fp_follow_lost(struct fp_client *c)
{
    for (size_t i = 0; i < c->follow_count; i++) {
        struct fp_follow *f = &c->follows[i];
        fp_follow_answered(c, f);
        f->flags &= (uint16_t) ~(FP_FOLLOW_SUBSCRIBED | FP_FOLLOW_TOLD);
        f->told_stored = f->told_read = 0;
    }
    c->gets = 0;
    c->scopes_due = true;
}

enum fp_err fp_client_fetch(struct fp_client *c, const struct fp_id *conv, uint64_t after, uint64_t upto)
{
    struct fp_follow *f = fp_follow_find(c, conv);
    if (!f) {
        return FP_EUNKNOWN;
    }
    if (!fp_is_online(c) || !fp_id_is_none(&c->fetch.conv) || (f->flags & FP_FOLLOW_ASKED) != 0) {
        return FP_EAGAIN;
    }
    c->fetch.conv = *conv;
    c->fetch.after = after;
    c->fetch.upto = upto > 0 ? upto : f->pub.head;
    fp_follow_wait(c, f, c->now);
    return FP_OK;
}
