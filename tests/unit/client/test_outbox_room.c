/* The power goes at every call to the storage in turn, under a long script that goes around the ring many times; a model says what must be there. */
#include "outbox_kit.h"

#define TICKETS_MAX 512

struct model {
    char text[TICKETS_MAX + 1][80]; /* "" = never accepted */
    bool gone[TICKETS_MAX + 1];     /* answered or cancelled, synced or not */
    bool cancelled[TICKETS_MAX + 1]; /* synced */
    uint64_t last;                  /* highest ticket accepted */
    uint64_t epoch, number_of, n;   /* `number_of` has n */
    uint64_t cursor;                /* the highest that may be there */
};

struct run {
    struct outbox_kit k;
    struct model m;
    struct sim_random r;
    char maybe[80]; /* an append that failed: may be found, under ticket last + 1 */
    uint64_t maybe_cancel;
};

static void check(struct run *x)
{
    struct fp_outbox *o = &x->k.o;
    assert_true(o->next == x->m.last + 1 || (o->next == x->m.last + 2 && x->maybe[0]));
    if (o->next == x->m.last + 2) { /* the refused one came back whole: it was written, only the sync was not seen */
        kit_has(&x->k, x->m.last + 1, x->maybe);
        x->m.last++;
        memcpy(x->m.text[x->m.last], x->maybe, sizeof(x->maybe));
    }
    x->maybe[0] = 0;
    for (uint64_t t = 1; t <= x->m.last; t++) {
        const struct fp_slot *s = fp_outbox_slot(o, t);
        bool may_be_gone = x->m.gone[t] || t == x->maybe_cancel;
        if (!s) {
            assert_true(may_be_gone);
            if (t == x->maybe_cancel) {
                x->m.gone[t] = x->m.cancelled[t] = true;
            }
        } else if (s->at != UINT32_MAX) {
            assert_false(x->m.cancelled[t]);
            kit_has(&x->k, t, x->m.text[t]);
        } else {
            assert_true(x->m.gone[t]); /* O1: a hole only where the hub had answered */
        }
    }
    x->maybe_cancel = 0;
    /* O3: n of a pending command counts those in front of it that were not cancelled. */
    uint64_t n = x->m.n;
    for (uint64_t t = x->m.number_of; x->m.epoch && t < o->next; t++) {
        if (t >= o->first && fp_outbox_slot(o, t)) {
            assert_int_equal(fp_outbox_n(o, t), n);
        }
        n += x->m.cancelled[t] ? 0 : 1;
    }
    for (int i = 0; i < KIT_CURSORS; i++) {
        assert_true(x->k.cursors[i].seq <= x->m.cursor);
    }
}

static void do_append(struct run *x)
{
    uint64_t ticket = 0;
    char text[80];
    int len = (int)sim_below(&x->r, 60);
    snprintf(text, sizeof(text), "%03u-%.*s", (unsigned)sim_below(&x->r, 1000), len,
             "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijkl");
    enum fp_err err = kit_append(&x->k, text, &ticket);
    if (!err) {
        assert_int_equal(ticket, x->m.last + 1);
        memcpy(x->m.text[++x->m.last], text, sizeof(text));
        x->maybe[0] = 0;
    } else if (err != FP_EFULL) {
        memcpy(x->maybe, text, sizeof(text));
    }
}

static void do_done(struct run *x)
{
    uint64_t span = x->k.o.next - x->k.o.first;
    if (span > 0) {
        uint64_t t = x->k.o.first + sim_below(&x->r, span < 3 ? (uint32_t)span : 3);
        if (!fp_outbox_done(&x->k.o, t)) {
            x->m.gone[t] = true;
        }
    }
}

static void do_cancel(struct run *x)
{
    uint64_t t = x->k.o.next - 1;
    struct fp_slot *s = fp_outbox_slot(&x->k.o, t);
    if (t > 0 && s && (s->marks & FP_SLOT_ANSWERED) == 0) {
        enum fp_err err = fp_outbox_cancel(&x->k.o, t);
        if (!err) {
            x->m.gone[t] = x->m.cancelled[t] = true;
        } else if (err != FP_EFULL) {
            x->maybe_cancel = t;
        }
    }
}

static void do_cursor(struct run *x)
{
    struct fp_id a = kit_oid("conv-a"), s = kit_oid("s");
    x->m.cursor++;
    (void)fp_outbox_set_cursor(&x->k.o, &a, &s, x->m.cursor);
}

static void step(struct run *x)
{
    switch (sim_below(&x->r, 10)) {
    case 0:
    case 1:
    case 2:
    case 3: do_append(x); break;
    case 4:
    case 5:
    case 6: do_done(x); break;
    case 7: do_cancel(x); break;
    case 8: do_cursor(x); break;
    default: (void)fp_outbox_flush(&x->k.o);
    }
}

/* Returns the calls of the storage that the script took. */
static uint64_t storm(uint64_t seed, uint64_t cut_at, bool cut)
{
    static const uint16_t units[] = {1, 4, 8, 32};
    static struct run x;
    memset(&x, 0, sizeof(x));
    x.r = (struct sim_random){.state = seed * 7919 + 1};
    sim_flash_init(&x.k.flash, seed, 3 + (uint32_t)(seed % 3), seed % 2 ? 512 : 1024, units[seed % 4]);
    assert_int_equal(kit_reopen(&x.k), FP_OK);
    assert_int_equal(fp_outbox_number(&x.k.o, 9, 100), FP_OK);
    x.m.epoch = 9;
    x.m.number_of = 1;
    x.m.n = 100;
    x.k.flash.power_in = cut ? cut_at : 0;
    for (int i = 0; i < 150; i++) {
        step(&x);
        if (x.k.flash.off) {
            sim_flash_cut(&x.k.flash);
            assert_int_equal(kit_reopen(&x.k), FP_OK);
            check(&x);
            x.k.flash.power_in = cut_at % 37 + 1; /* and soon again */
        }
    }
    uint64_t calls = x.k.flash.calls;
    x.k.flash.power_in = 0;
    if (!x.k.flash.off) {
        sim_flash_cut(&x.k.flash);
        assert_int_equal(kit_reopen(&x.k), FP_OK);
        check(&x);
    }
    sim_flash_fini(&x.k.flash);
    return calls;
}

static void the_power_may_go_at_every_call(void **state)
{
    (void)state;
    uint64_t cuts = 0;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        uint64_t calls = storm(seed, 0, false);
        for (uint64_t at = 1; at <= calls; at += 1 + calls / 400) {
            storm(seed, at, true);
            cuts++;
        }
    }
    print_message("%llu cuts and those that followed them\n", (unsigned long long)cuts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_power_may_go_at_every_call)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
