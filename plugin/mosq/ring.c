#include "plugin/mosq/ring.h"

#include <stdlib.h>

#define CAP_MIN 4096
#define CAP_MAX ((size_t)1 << 31) /* a record's length has to fit its header */

struct record_head {
    uint32_t len;
    uint32_t is_pad; /* nothing in here: the rest up to the wrap */
};

_Static_assert(sizeof(struct record_head) == 8, "records stay 8-byte aligned");

enum fp_err ring_init(struct ring *r, size_t cap_bytes)
{
    if (cap_bytes > CAP_MAX) {
        return FP_ETOOLARGE;
    }
    size_t cap = CAP_MIN;
    while (cap < cap_bytes) {
        cap *= 2;
    }
    uint8_t *buf = calloc(1, cap);
    if (buf == NULL) {
        return FP_ENOMEM;
    }
    *r = (struct ring){.buf = buf, .cap = cap};
    atomic_init(&r->head, 0);
    atomic_init(&r->tail, 0);
    return FP_OK;
}

void ring_fini(struct ring *r)
{
    free(r->buf);
    r->buf = NULL;
}

static struct record_head *head_at(const struct ring *r, size_t pos)
{
    return (struct record_head *)(void *)(r->buf + (pos & (r->cap - 1)));
}

static size_t to_wrap(const struct ring *r, size_t pos)
{
    return r->cap - (pos & (r->cap - 1));
}

static bool has_room(struct ring *r, size_t need)
{
    if (r->cap - (r->write - r->tail_seen) >= need) {
        return true;
    }
    r->tail_seen = atomic_load_explicit(&r->tail, memory_order_acquire);
    return r->cap - (r->write - r->tail_seen) >= need;
}

void *ring_reserve(struct ring *r, size_t len, size_t keep)
{
    if (len > r->cap || keep > r->cap) {
        return NULL;
    }
    size_t cost = ring_cost(len);
    size_t rest = to_wrap(r, r->write);
    size_t pad = cost > rest ? rest : 0;

    if (!has_room(r, pad + cost + keep)) {
        return NULL;
    }
    if (pad > 0) {
        *head_at(r, r->write) = (struct record_head){.len = (uint32_t)(pad - sizeof(struct record_head)), .is_pad = 1};
        r->write += pad;
    }
    struct record_head *h = head_at(r, r->write);
    *h = (struct record_head){.len = (uint32_t)len};
    r->write += cost;
    return h + 1;
}

void ring_commit(struct ring *r)
{
    /* Sequentially consistent: a sleeper says that it sleeps and then looks here; we commit and then look whether it sleeps. */
    atomic_store(&r->head, r->write);
}

/* The position of the next record that is no padding; false if there is none. */
static bool find_next(struct ring *r)
{
    for (;;) {
        if (r->read == r->head_seen) {
            r->head_seen = atomic_load(&r->head);
        }
        if (r->read == r->head_seen) {
            return false;
        }
        const struct record_head *h = head_at(r, r->read);
        if (!h->is_pad) {
            return true;
        }
        r->read += ring_cost(h->len);
    }
}

bool ring_peek(struct ring *r, struct fp_bytes *out)
{
    if (!find_next(r)) {
        return false;
    }
    const struct record_head *h = head_at(r, r->read);
    *out = fp_bytes_of(h + 1, h->len);
    return true;
}

bool ring_take(struct ring *r, struct fp_bytes *out)
{
    if (!ring_peek(r, out)) {
        return false;
    }
    r->read += ring_cost(out->len);
    return true;
}

void ring_release(struct ring *r)
{
    atomic_store_explicit(&r->tail, r->read, memory_order_release);
}

bool ring_has_next(struct ring *r)
{
    return find_next(r);
}

size_t ring_used(const struct ring *r)
{
    size_t tail = atomic_load_explicit(&r->tail, memory_order_acquire);
    size_t head = atomic_load_explicit(&r->head, memory_order_acquire);
    return head - tail; /* tail first: head never is behind an older tail */
}

size_t ring_head(const struct ring *r)
{
    return atomic_load(&r->head);
}

size_t ring_taken(const struct ring *r)
{
    return r->read;
}
