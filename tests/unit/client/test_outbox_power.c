/*
 * The power goes, or a call fails, at every byte of a long script that goes around the ring many times; and soon again, after a restart. A model says
 * what must be there (O1 to O5), and what may be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "firmware-client/core/outbox.h"
#include "tests/support/cut_storage.h"

#define TICKETS_MAX 512
#define SLOTS 24
#define CONVS 3
#define TEXT_MAX 400

struct config {
    uint32_t sectors, sector_bytes;
    uint16_t program_bytes;
    uint32_t slots, text_max, ops;
};

enum what { APPEND, DONE, CANCEL, NUMBER, CURSOR, DROP, FLUSH };

struct op {
    enum what what;
    uint64_t ticket, epoch, n, seq;
    uint32_t conv, len, variant;
};

struct known_cursor {
    uint64_t cur;    /* in memory; 0: none */
    uint64_t lo, hi; /* what may be found; lo 0: may be none */
    uint64_t failed; /* the highest that was refused by the storage: may be found for ever */
    bool drop_failed;
};

struct numbering {
    uint64_t epoch, ticket, n; /* `ticket` has n */
};

struct model {
    uint32_t len[TICKETS_MAX], variant[TICKETS_MAX];
    bool done[TICKETS_MAX], cancelled[TICKETS_MAX];
    bool maybe_cancelled[TICKETS_MAX]; /* the storage failed while it was written */
    bool maybe_appended;               /* likewise, as last + 1 */
    bool maybe_numbered;
    struct numbering numbering, other;
    uint64_t last, flushed;
    struct known_cursor cursor[CONVS];
};

struct world {
    const struct config *config;
    struct cut_storage s;
    struct fp_outbox o;
    struct fp_slot slots[SLOTS];
    struct fp_cursor cursors[CONVS];
    struct model m;
    struct sim_random r;
};

static uint64_t cuts, failures, restarts;

static enum fp_err start(struct world *w)
{
    return fp_outbox_open(&w->o, cut_storage_port(&w->s), w->slots, w->config->slots, w->cursors, CONVS);
}

static struct world *copy(struct world *to, const struct world *from)
{
    *to = *from;
    to->o.storage.ctx = &to->s;
    to->o.slots = to->slots;
    to->o.cursors = to->cursors;
    return to;
}

static void text_of(uint8_t *out, uint32_t variant, uint32_t len)
{
    struct sim_random r = {.state = variant};
    for (uint32_t i = 0; i < len; i++) {
        out[i] = (uint8_t)(sim_next(&r) >> 13);
    }
}

static struct fp_id conv_of(uint32_t i)
{
    static const char *const names[CONVS] = {"a", "conversation-b", "123e4567-e89b-12d3-a456-426614174000"};
    struct fp_id id;
    assert_true(fp_id_parse(names[i], strlen(names[i]), &id));
    return id;
}

/* ------------------------------------------------------------------ the script */

static struct op choose(struct world *w)
{
    static const enum what whats[] = {APPEND, APPEND, APPEND, APPEND, APPEND, DONE,   DONE, DONE,
                                      DONE,   CANCEL, CANCEL, NUMBER, CURSOR, CURSOR, DROP, FLUSH};
    struct op op = {.what = whats[sim_below(&w->r, sizeof(whats) / sizeof(whats[0]))], .variant = (uint32_t)sim_next(&w->r)};
    uint64_t span = w->o.next - w->o.first;
    op.len = (uint32_t)sim_below(&w->r, w->config->text_max + 1);
    op.conv = (uint32_t)sim_below(&w->r, CONVS);
    op.ticket = w->o.first + sim_below(&w->r, span < 3 || sim_chance(&w->r, 200) ? span : 3);
    op.epoch = sim_chance(&w->r, 200) || w->m.numbering.epoch == 0 ? 1 + (sim_next(&w->r) >> 1) : w->m.numbering.epoch;
    op.n = 1 + sim_below(&w->r, 100000);
    op.seq = w->m.cursor[op.conv].cur + sim_below(&w->r, 5);
    bool pending = span > 0 && fp_outbox_slot(&w->o, op.ticket) && (fp_outbox_slot(&w->o, op.ticket)->marks & FP_SLOT_ANSWERED) == 0;
    if ((op.what == DONE || op.what == CANCEL) && !pending) {
        op.what = FLUSH;
    }
    if (op.what == APPEND && w->m.last + 4 > TICKETS_MAX) {
        op.what = DROP;
    }
    return op;
}

static enum fp_err run(struct world *w, const struct op *op)
{
    uint8_t text[TEXT_MAX];
    uint64_t ticket = 0;
    struct fp_id conv = conv_of(op->conv), scope = conv_of((op->conv + 1) % CONVS);
    struct fp_composed when = {.at = {.ms = op->variant}, .error_ms = op->len};
    enum fp_err err = FP_OK;
    switch (op->what) {
    case APPEND:
        text_of(text, op->variant, op->len);
        err = fp_outbox_append(&w->o, when, fp_bytes_of(text, op->len / 3), fp_bytes_of(text + op->len / 3, op->len - op->len / 3), &ticket);
        assert_true(err || ticket == w->m.last + 1); /* O2 */
        return err;
    case DONE: return fp_outbox_done(&w->o, op->ticket);
    case CANCEL: return fp_outbox_cancel(&w->o, op->ticket);
    case NUMBER: return fp_outbox_number(&w->o, op->epoch, op->n);
    case CURSOR: return fp_outbox_set_cursor(&w->o, &conv, &scope, op->seq);
    case DROP: return fp_outbox_drop_cursor(&w->o, &conv);
    case FLUSH: return fp_outbox_flush(&w->o);
    }
    return err;
}

/* ------------------------------------------------------------------ what the model learns */

static uint64_t model_first(const struct model *m)
{
    uint64_t t = 1;
    while (t <= m->last && (m->done[t] || m->cancelled[t])) {
        t++;
    }
    return t;
}

static void synced(struct world *w, const struct op *op)
{
    for (uint32_t i = 0; i < CONVS; i++) {
        struct known_cursor *c = &w->m.cursor[i];
        c->hi = c->cur > c->failed ? c->cur : c->failed;
        c->lo = c->drop_failed ? 0 : c->cur;
    }
    w->m.maybe_numbered = op->what == FLUSH && w->m.maybe_numbered; /* a record behind it says otherwise */
}

static void learn_cursor(struct known_cursor *c, const struct op *op, enum fp_err err)
{
    uint64_t seq = op->what == DROP ? 0 : op->seq > c->cur ? op->seq : c->cur;
    if (err == FP_EFULL) {
        return;
    }
    if (!err) {
        c->cur = seq;
        c->drop_failed = op->what == CURSOR ? false : c->drop_failed;
    } else if (op->what == CURSOR) {
        c->failed = seq > c->failed ? seq : c->failed;
    } else {
        c->drop_failed = true;
    }
    c->hi = seq > c->hi ? seq : c->hi;
    c->lo = op->what == DROP ? 0 : c->lo;
}

static void learn_number(struct model *m, const struct op *op, enum fp_err err)
{
    struct numbering next = {.epoch = op->epoch, .ticket = model_first(m), .n = op->n};
    if (err) {
        m->other = next;
        m->maybe_numbered = true;
        return;
    }
    if (m->numbering.epoch != op->epoch) {
        memset(m->cursor, 0, sizeof(m->cursor));
    }
    m->numbering = next;
}

static void learn(struct world *w, const struct op *op, enum fp_err err)
{
    struct model *m = &w->m;
    uint64_t t = m->last + 1;
    bool full = err == FP_EFULL && (op->what == APPEND || op->what == CURSOR || op->what == DROP); /* never those that empty it */
    assert_true(err == FP_OK || err == FP_EIO || full);
    switch (op->what) {
    case APPEND:
        if (err != FP_EFULL) {
            m->len[t] = op->len;
            m->variant[t] = op->variant;
            m->maybe_appended = err != FP_OK;
            m->last += err ? 0 : 1;
        }
        break;
    case DONE: m->done[op->ticket] = true; break;
    case CANCEL:
        m->cancelled[op->ticket] = err == FP_OK;
        m->maybe_cancelled[op->ticket] = err != FP_OK;
        break;
    case NUMBER: learn_number(m, op, err); break;
    case CURSOR:
    case DROP: learn_cursor(&m->cursor[op->conv], op, err); break;
    case FLUSH: m->flushed = err ? m->flushed : w->o.first; break;
    }
    if (!err && op->what != DONE && op->what != CURSOR && op->what != DROP) {
        synced(w, op);
    }
    assert_int_equal(w->o.next, m->last + 1);
    assert_int_equal(w->o.first, model_first(m)); /* O4: a refusal moved nothing */
    assert_true(w->o.epoch == m->numbering.epoch);
}

/* ------------------------------------------------------------------ what must be there after a restart */

static void check_text(struct world *w, uint64_t t)
{
    uint8_t want[TEXT_MAX], got[TEXT_MAX];
    size_t len = 0;
    struct fp_composed when;
    assert_int_equal(fp_outbox_read(&w->o, t, got, sizeof(got), &len, &when), FP_OK);
    assert_int_equal(len, w->m.len[t]);
    text_of(want, w->m.variant[t], w->m.len[t]);
    assert_memory_equal(want, got, len);
    assert_true(when.at.ms == w->m.variant[t] && when.error_ms == w->m.len[t]);
}

static void check_commands(struct world *w)
{
    struct model *m = &w->m;
    if (m->maybe_appended && w->o.next == m->last + 2) {
        m->last++;
        m->done[m->last] = m->cancelled[m->last] = false;
    }
    assert_int_equal(w->o.next, m->last + 1);
    assert_true(w->o.first >= m->flushed);
    for (uint64_t t = 1; t <= m->last; t++) {
        const struct fp_slot *s = fp_outbox_slot(&w->o, t);
        if (s) {
            assert_false(m->cancelled[t]);
            assert_true((s->marks & FP_SLOT_OLD) != 0);
            check_text(w, t); /* O1 */
            m->done[t] = false;
        } else {
            assert_true(m->cancelled[t] || m->maybe_cancelled[t] || (m->done[t] && t < w->o.first));
            m->cancelled[t] = m->cancelled[t] || (m->maybe_cancelled[t] && !m->done[t]);
        }
    }
    m->maybe_appended = false;
    memset(m->maybe_cancelled, 0, sizeof(m->maybe_cancelled));
}

static void check_numbers(struct world *w) /* O3 */
{
    struct model *m = &w->m;
    if (m->maybe_numbered && w->o.epoch == m->other.epoch && (w->o.epoch != m->numbering.epoch || w->o.first_n != m->numbering.n)) {
        bool is_other = w->o.epoch != m->numbering.epoch;
        uint64_t n = m->other.n; /* of the first one that is pending */
        for (uint64_t t = m->other.ticket; t < w->o.first; t++) {
            n += m->cancelled[t] ? 0 : 1;
        }
        m->numbering = is_other || n == w->o.first_n ? m->other : m->numbering;
        memset(m->cursor, 0, is_other ? sizeof(m->cursor) : 0);
    }
    m->maybe_numbered = false;
    assert_true(w->o.epoch == m->numbering.epoch);
    uint64_t n = m->numbering.n;
    for (uint64_t t = m->numbering.ticket; m->numbering.epoch != 0 && t <= m->last; t++) {
        if (t >= w->o.first && fp_outbox_slot(&w->o, t)) {
            assert_int_equal(fp_outbox_n(&w->o, t), n);
            assert_int_equal(fp_outbox_ticket(&w->o, n), t);
        }
        n += m->cancelled[t] ? 0 : 1;
    }
}

static void check_cursors(struct world *w)
{
    for (uint32_t i = 0; i < CONVS; i++) {
        struct known_cursor *c = &w->m.cursor[i];
        struct fp_id conv = conv_of(i), scope = conv_of((i + 1) % CONVS);
        uint64_t seq = 0;
        bool found = false;
        for (uint32_t k = 0; k < CONVS; k++) {
            if (fp_id_eq(&w->cursors[k].conv, &conv)) {
                assert_true(!found && fp_id_eq(&w->cursors[k].scope, &scope));
                found = true;
                seq = w->cursors[k].seq;
            }
        }
        assert_true(seq <= c->hi && seq >= c->lo);
        *c = (struct known_cursor){.cur = seq, .lo = seq, .hi = seq};
    }
}

static void restart(struct world *w)
{
    restarts++;
    cut_storage_reboot(&w->s, &w->r);
    assert_int_equal(start(w), FP_OK);
    check_commands(w);
    check_numbers(w);
    check_cursors(w);
}

/* Some more of the script, with more cuts, to the end of the trial. */
static void go_on(struct world *w)
{
    for (int life = 0; life < 3; life++) {
        w->s.cut_in = sim_below(&w->r, (uint64_t)w->config->sector_bytes * (life == 0 ? 3 : 1));
        for (int i = 0; i < 6 && !w->s.off; i++) {
            struct op op = choose(w);
            learn(w, &op, run(w, &op));
        }
        restart(w);
    }
}

static void try_op(const struct world *before, const struct op *op, uint64_t cost)
{
    static struct world trial;
    for (uint64_t at = 0; at <= cost; at += at > 96 && cost > 200 ? 5 : 1) {
        for (int failing = 0; failing < 2; failing++) {
            struct world *w = copy(&trial, before);
            w->r.state = before->r.state + at * 2 + (uint64_t)failing;
            if (failing && at % 4 != 0) {
                continue;
            }
            *(failing ? &w->s.fail_in : &w->s.cut_in) = at;
            enum fp_err err = run(w, op);
            assert_true((at == cost) == !err || err == FP_EFULL);
            learn(w, op, err);
            w->s.fail_in = CUT_NEVER;
            *(failing ? &failures : &cuts) += 1;
            for (int i = 0; failing && i < 3; i++) { /* the power stays on */
                struct op more = choose(w);
                learn(w, &more, run(w, &more));
            }
            restart(w);
            go_on(w);
        }
    }
}

static void script(const struct config *config, uint64_t seed)
{
    static struct world base, before;
    uint64_t cuts_before = cuts, failures_before = failures, number = 0;
    memset(&base, 0, sizeof(base));
    base.config = config;
    base.r.state = seed;
    cut_storage_init(&base.s, config->sectors, config->sector_bytes, config->program_bytes);
    for (uint64_t at = 0; at < 200; at++) { /* while it is formatted */
        copy(&before, &base)->s.cut_in = at;
        (void)start(&before);
        restart(&before);
        go_on(&before);
    }
    assert_int_equal(start(&base), FP_OK);
    for (uint32_t i = 0; i < config->ops; i++) {
        copy(&before, &base);
        struct op op = choose(&base);
        enum fp_err err = run(&base, &op);
        learn(&base, &op, err);
        try_op(&before, &op, base.s.spent - before.s.spent);
        number = base.o.number;
    }
    print_message("seed %llu: %u sectors of %u, units of %u: %llu tickets, %llu sectors written, %llu cuts, %llu failures\n",
                  (unsigned long long)seed, config->sectors, config->sector_bytes, config->program_bytes, (unsigned long long)base.m.last,
                  (unsigned long long)number, (unsigned long long)(cuts - cuts_before), (unsigned long long)(failures - failures_before));
}

static void the_power_may_go_at_every_byte(void **state)
{
    (void)state;
    static const struct config configs[] = {
        {3, 256, 1, 8, 60, 120},  {3, 512, 4, 12, 100, 120},   {4, 512, 8, 24, 40, 120},
        {5, 256, 16, 6, 30, 120}, {3, 1024, 32, 24, 300, 120}, {8, 256, 2, 24, 64, 120},
    };
    for (uint64_t i = 0; i < sizeof(configs) / sizeof(configs[0]); i++) {
        script(&configs[i], 20260 + i);
    }
    print_message("%llu cuts, %llu failures, %llu restarts\n", (unsigned long long)cuts, (unsigned long long)failures, (unsigned long long)restarts);
    assert_true(cuts >= 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_power_may_go_at_every_byte)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
