#include "firmware-client/core/client_impl.h"

/*
 * Events that wait for those in front of them, in no order: {struct held, bytes}, rounded up to 8. What does not fit is dropped: it is known that
 * it exists, so it is asked for with the hole.
 */
struct held {
    uint64_t seq;
    uint32_t len;
    struct fp_id conv;
};

static size_t size_of(const struct held *h)
{
    return (sizeof(*h) + h->len + 7) & ~(size_t)7;
}

static const struct held *held_at(const struct fp_client *c, size_t at)
{
    return (const struct held *)(const void *)(c->reorder + at);
}

static void cut(struct fp_client *c, size_t at)
{
    size_t size = size_of(held_at(c, at));
    memmove(c->reorder + at, c->reorder + at + size, c->reorder_len - at - size);
    c->reorder_len -= size;
}

bool fp_reorder_peek(const struct fp_client *c, const struct fp_id *conv, uint64_t seq, struct fp_bytes *out_one)
{
    for (size_t at = 0; at < c->reorder_len; at += size_of(held_at(c, at))) {
        const struct held *h = held_at(c, at);
        if (h->seq == seq && fp_id_eq(&h->conv, conv)) {
            *out_one = fp_bytes_of(h + 1, h->len);
            return true;
        }
    }
    return false;
}

void fp_reorder_drop(struct fp_client *c, const struct fp_id *conv, uint64_t upto)
{
    for (size_t at = 0; at < c->reorder_len;) {
        const struct held *h = held_at(c, at);
        if (h->seq <= upto && fp_id_eq(&h->conv, conv)) {
            cut(c, at);
        } else {
            at += size_of(h);
        }
    }
}

/* The highest of this conversation above seq makes room: the lowest will be needed first. */
static bool make_room(struct fp_client *c, const struct fp_id *conv, uint64_t seq)
{
    size_t worst = SIZE_MAX;
    for (size_t at = 0; at < c->reorder_len; at += size_of(held_at(c, at))) {
        const struct held *h = held_at(c, at);
        if (h->seq > seq && fp_id_eq(&h->conv, conv)) {
            worst = at;
            seq = h->seq;
        }
    }
    if (worst == SIZE_MAX) {
        return false;
    }
    cut(c, worst);
    return true;
}

void fp_reorder_put(struct fp_client *c, const struct fp_id *conv, uint64_t seq, struct fp_bytes one)
{
    struct fp_bytes have;
    struct held h;
    memset(&h, 0, sizeof(h));
    h.seq = seq;
    h.len = (uint32_t)one.len;
    h.conv = *conv;
    if (size_of(&h) > c->config.reorder_bytes || fp_reorder_peek(c, conv, seq, &have)) {
        return;
    }
    while (c->config.reorder_bytes - c->reorder_len < size_of(&h)) {
        if (!make_room(c, conv, seq)) {
            return;
        }
    }
    memcpy(c->reorder + c->reorder_len, &h, sizeof(h));
    memcpy(c->reorder + c->reorder_len + sizeof(h), one.p, one.len);
    c->reorder_len += size_of(&h);
}
