#include "plugin/hub/receipts.h"

struct tally { /* of the messages with after < seq <= upto */
    uint64_t after, upto;
    const struct fp_id *user;
    uint64_t own, others;
    bool corrupt;
};

static void tally_event(struct tally *t, struct fp_bytes one)
{
    struct fp_event ev;
    uint64_t seq = fp_event_seq(one);
    if (seq <= t->after || seq > t->upto) {
        return;
    }
    if (fp_event_decode(one, &ev)) {
        t->corrupt = true;
    } else if (ev.kind == FP_K_MSG && fp_id_eq(&ev.user, t->user)) {
        t->own++;
    } else if (ev.kind == FP_K_MSG) {
        t->others++;
    }
}

static bool tally_run(void *arg, const struct store_run *run)
{
    struct tally *t = arg;
    struct fp_bytes rest = run->events;
    struct fp_bytes one;
    while (fp_run_next(&rest, &one)) {
        tally_event(t, one);
    }
    return !t->corrupt;
}

/* The last seq that the store has; what follows is staged. */
static uint64_t stored_head(const struct hub_conv *c)
{
    return c->run.count > 0 ? c->run_first - 1 : c->c.head;
}

static enum fp_err tally_range(struct hub *h, const struct hub_conv *c, struct tally *t)
{
    enum fp_err err = FP_OK;
    uint64_t stored = stored_head(c);
    uint64_t last = t->upto < stored ? t->upto : stored;

    if (t->after < last) {
        err = h->store.each_run(h->store.ctx, c->c.cid, t->after + 1, last, tally_run, t);
    }
    if (t->upto > stored) {
        for (const struct piece *p = c->run.first; p; p = p->next) {
            tally_event(t, p->bytes);
        }
    }
    return err ? err : t->corrupt ? FP_ECORRUPT : FP_OK;
}

struct count_msgs {
    struct tally above;
    uint64_t msgs;
};

static bool count_run(void *arg, const struct store_run *run)
{
    struct count_msgs *k = arg;
    k->msgs = run->msgs;
    return tally_run(&k->above, run);
}

/*
 * How many messages lie in 1..upto, of whatever author. A run says how many there are up to its end, and the one that holds upto + 1
 * is there even where all up to the floor is gone. upto >= floor.
 */
static enum fp_err msgs_upto(struct hub *h, const struct hub_conv *c, uint64_t upto, uint64_t *out)
{
    static const struct fp_id nobody;
    struct count_msgs k = {.above = {.after = upto, .upto = c->c.head, .user = &nobody}, .msgs = c->c.msgs};
    enum fp_err err = FP_OK;

    if (upto >= stored_head(c)) {
        err = tally_range(h, c, &k.above);
    } else {
        err = h->store.each_run(h->store.ctx, c->c.cid, upto + 1, upto + 1, count_run, &k);
    }
    *out = k.msgs - k.above.others;
    return err ? err : k.above.corrupt ? FP_ECORRUPT : FP_OK;
}

static uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* All up to b, and what he has written himself behind it. */
static enum fp_err count_from_head(struct hub *h, struct hub_conv *c, struct hub_member *m, uint64_t b, bool wrote)
{
    struct tally t = {.after = b, .upto = c->c.head, .user = &m->key.user};
    uint64_t msgs = 0;
    enum fp_err err = msgs_upto(h, c, b, &msgs);
    if (!err && wrote) {
        err = tally_range(h, c, &t);
    }
    if (!err) {
        m->m.read_msgs = msgs + t.own;
    }
    return err;
}

/* Over whichever side of b is shorter: then reading all, or step by step, costs no more than what was read. */
enum fp_err receipts_count_move(struct hub *h, struct hub_conv *c, struct hub_member *m, uint64_t a, uint64_t b)
{
    uint64_t from = max_u64(a, m->m.from > 0 ? m->m.from - 1 : 0);
    if (b <= from || b <= c->c.floor) {
        return FP_OK;
    }
    if (from < c->c.floor || c->c.head - b < b - from) {
        return count_from_head(h, c, m, b, true);
    }
    struct tally t = {.after = from, .upto = b, .user = &m->key.user};
    enum fp_err err = tally_range(h, c, &t);
    if (err == FP_EAGAIN) { /* a part of it is away: perhaps none of the other side is */
        return count_from_head(h, c, m, b, true);
    }
    if (!err) {
        m->m.read_msgs += t.others;
    }
    return err;
}

enum fp_err receipts_count_anew(struct hub *h, struct hub_conv *c, struct hub_member *m, bool wrote)
{
    uint64_t read = max_u64(m->r.read, m->m.from > 0 ? m->m.from - 1 : 0);
    return count_from_head(h, c, m, read > c->c.floor ? read : c->c.floor, wrote);
}
