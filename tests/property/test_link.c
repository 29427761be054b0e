/*
 * A trunk's sender (plugin/core/link.h) and a receiver with a durable cursor over a modelled link, in virtual time: a rate, a delay, jitter (and
 * with it reordering), loss, duplicates, both ends restarting, a receiver that is full for a while. Whatever happens, each record arrives once and
 * in order, L1 to L4 hold, and nothing stands still for ever. Then what a link must carry: a satellite's, a slow radio's, a LAN's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plugin/core/link.h"

#define RUNS 10000
#define PACKETS_MAX 512
#define NEVER UINT64_MAX
#define SECOND 1000000U
#define HELLO_EVERY (5U * SECOND)
#define RUN_LIMIT (4U * 3600U * (uint64_t)SECOND)
#define FRAME_BYTES 60 /* of a batch around its records; of an ack, about */
#define CREDIT 16

static uint64_t next_random(uint64_t *s) /* xorshift: chance that can be replayed */
{
    *s ^= *s << 13;
    *s ^= *s >> 7;
    *s ^= *s << 17;
    return *s;
}

static uint64_t below(uint64_t *s, uint64_t count)
{
    return next_random(s) % count;
}

enum packet_kind { HELLO, WELCOME, BATCH, ACK, NACK };

struct packet {
    uint64_t due;
    enum packet_kind kind;
    unsigned lane;
    uint64_t first, count; /* batch */
    uint64_t have[FP_LANES];
    uint64_t credit;
    uint64_t session;
};

struct way { /* one direction */
    uint64_t bytes_per_s, delay_us, jitter_us;
    unsigned loss, twice; /* of 1000 */
    bool ordered;         /* as over TCP */
    uint64_t free_at;     /* the wire is busy until then */
    uint64_t last_due;
};

struct world {
    uint64_t seed, chance, now;
    struct way up, down;
    struct packet packets[PACKETS_MAX];
    size_t packet_count;
    /* the sender */
    struct link link;
    bool open;
    uint64_t session, hello_due;
    uint64_t log_next[FP_LANES]; /* durable */
    uint64_t record_bytes;       /* 0: by chance */
    /* the receiver */
    uint64_t have[FP_LANES]; /* durable */
    uint64_t full_until;
    bool was_full;
    /* what happened */
    uint64_t bytes_taken, hellos, urgent_at, urgent_worst;
};

static void broken(const struct world *w, const char *what)
{
    fail_msg("seed %llu at %llu us: %s", (unsigned long long)w->seed, (unsigned long long)w->now, what);
}

static void need(const struct world *w, bool ok, const char *what)
{
    if (!ok) {
        broken(w, what);
    }
}

static size_t record_size(const struct world *w, unsigned lane, uint64_t number)
{
    uint64_t s = (number * 4 + lane + 1) * 0x9e3779b97f4a7c15U;
    return w->record_bytes > 0 ? w->record_bytes : 30 + below(&s, below(&s, 8) == 0 ? 6000 : 500);
}

/* ------------------------------------------------------------------ the link */

static void put_packet(struct world *w, const struct packet *p)
{
    need(w, w->packet_count < PACKETS_MAX, "more on the way than a sender may send");
    w->packets[w->packet_count++] = *p;
}

static void transmit(struct world *w, struct way *way, struct packet p, size_t bytes)
{
    uint64_t starts = way->free_at > w->now ? way->free_at : w->now;
    way->free_at = starts + bytes * SECOND / way->bytes_per_s + 1;
    for (unsigned copies = below(&w->chance, 1000) < way->twice ? 2 : 1; copies > 0; copies--) {
        p.due = way->free_at + way->delay_us + (way->jitter_us > 0 ? below(&w->chance, way->jitter_us) : 0);
        p.due = way->ordered && p.due < way->last_due ? way->last_due + 1 : p.due;
        way->last_due = p.due;
        if (below(&w->chance, 1000) >= way->loss) {
            put_packet(w, &p);
        }
    }
}

/* ------------------------------------------------------------------ the receiver */

static void answer(struct world *w, enum packet_kind kind, unsigned lane, uint64_t session)
{
    struct packet p = {.kind = kind, .lane = lane, .session = session, .credit = w->full_until > w->now ? 0 : CREDIT};
    memcpy(p.have, w->have, sizeof p.have);
    transmit(w, &w->down, p, FRAME_BYTES);
}

static void receive_batch(struct world *w, const struct packet *p)
{
    uint64_t skip = 0;
    enum link_verdict verdict = link_judge(w->have[p->lane], p->first, p->count, &skip);
    if (verdict == LINK_HOLE) {
        answer(w, NACK, p->lane, p->session);
        return;
    }
    if (verdict == LINK_TAKE && w->full_until <= w->now) {
        need(w, p->first + skip == w->have[p->lane] + 1, "a record is left out or comes twice");
        for (uint64_t i = p->first + skip; i < p->first + p->count; i++) {
            w->bytes_taken += record_size(w, p->lane, i);
        }
        w->have[p->lane] = p->first + p->count - 1;
        need(w, w->have[p->lane] < w->log_next[p->lane], "a record that was never made");
        if (p->lane == FP_LANE_URGENT && w->now - w->urgent_at > w->urgent_worst) {
            w->urgent_worst = w->now - w->urgent_at;
        }
    }
    answer(w, ACK, p->lane, p->session);
}

/* ------------------------------------------------------------------ the sender */

static void check_link(const struct world *w)
{
    const struct link *l = &w->link;
    size_t bytes = 0;
    for (unsigned lane = 0; lane < FP_LANES; lane++) {
        const struct link_lane *at = &l->lanes[lane];
        need(w, at->acked <= at->sent && at->sent < at->next && at->sent <= at->high, "L1: acked <= sent < next");
        need(w, at->acked <= w->have[lane], "an ack of what the receiver does not have");
    }
    for (size_t i = 0; i < l->flight_count; i++) {
        bytes += l->flights[i].bytes;
        need(w, i == 0 || l->flights[i - 1].at.us <= l->flights[i].at.us, "flights in the order sent");
        need(w, l->flights[i].last > l->lanes[l->flights[i].lane].acked, "a flight that has been answered");
    }
    need(w, bytes == l->bytes_out, "bytes on the way");
    need(w, l->window >= LINK_WINDOW_MIN && l->window <= LINK_WINDOW_MAX, "L4: a window within its bounds");
}

static void send_one(struct world *w, unsigned lane, uint64_t from, size_t room)
{
    size_t bytes = 0;
    uint64_t last = from - 1;
    while (last + 1 < w->log_next[lane] && (bytes == 0 || bytes + record_size(w, lane, last + 1) <= room)) {
        bytes += record_size(w, lane, ++last);
    }
    size_t urgent = 0;
    for (size_t i = 0; i < w->link.flight_count; i++) {
        urgent += w->link.flights[i].lane == FP_LANE_URGENT;
    }
    bool over = w->link.flight_count >= w->link.credit || w->link.bytes_out >= w->link.window;
    need(w, w->link.credit > 0 && (!over || w->link.flight_count == 0 || (lane == FP_LANE_URGENT && urgent == 0)), "L2: above credit or window");
    need(w, room > 0 && room <= LINK_BATCH_BYTES, "room for a batch");
    link_sent(&w->link, lane, last, bytes, (struct fp_mono){w->now});
    transmit(w, &w->up, (struct packet){.kind = BATCH, .lane = lane, .first = from, .count = last + 1 - from, .session = w->session},
             bytes + FRAME_BYTES);
    check_link(w);
}

static void pump(struct world *w)
{
    unsigned lane;
    uint64_t from;
    size_t room;
    for (unsigned i = 0; w->open && i < FP_LANES; i++) {
        link_next(&w->link, i, w->log_next[i]);
    }
    while (w->open && link_pick(&w->link, &lane, &from, &room)) {
        for (unsigned better = 0; better < lane; better++) {
            need(w, w->link.lanes[better].sent + 1 == w->log_next[better], "a better lane waits");
        }
        send_one(w, lane, from, room);
    }
}

static void say_hello(struct world *w, bool new_session)
{
    w->session += new_session;
    w->open = false;
    w->hello_due = w->now + HELLO_EVERY;
    w->hellos++;
    transmit(w, &w->up, (struct packet){.kind = HELLO, .session = w->session}, FRAME_BYTES);
}

static void arrive(struct world *w, const struct packet *p)
{
    struct fp_mono now = {w->now};
    if (p->kind == HELLO) {
        answer(w, WELCOME, 0, p->session);
    } else if (p->kind == BATCH) {
        receive_batch(w, p);
    } else if (p->kind == WELCOME && p->session == w->session && !w->open) {
        link_open(&w->link, p->have, p->credit, below(&w->chance, 2) == 0, now);
        w->open = true;
    } else if (p->kind == ACK && w->open) {
        uint64_t before = w->link.lanes[p->lane].acked;
        bool news = link_ack(&w->link, p->lane, p->have[p->lane], p->credit, now);
        need(w, w->link.lanes[p->lane].acked >= before && news == (w->link.lanes[p->lane].acked > before), "L1: acked goes on, and that is news");
    } else if (p->kind == NACK && w->open) {
        link_nack(&w->link, p->lane, p->have[p->lane] + 1, now);
    }
    if (w->open) {
        check_link(w);
    }
}

/* ------------------------------------------------------------------ time */

static size_t next_packet(const struct world *w)
{
    size_t best = 0;
    for (size_t i = 1; i < w->packet_count; i++) {
        best = w->packets[i].due < w->packets[best].due ? i : best;
    }
    return best;
}

static uint64_t next_due(const struct world *w)
{
    uint64_t due = w->packet_count > 0 ? w->packets[next_packet(w)].due : NEVER;
    struct fp_mono tick;
    if (!w->open) {
        due = w->hello_due < due ? w->hello_due : due;
    } else if (link_due(&w->link, &tick)) {
        due = tick.us < due ? tick.us : due;
    }
    return due;
}

static void tick(struct world *w)
{
    struct fp_mono due;
    size_t flights = w->link.flight_count;
    if (!w->open || !link_due(&w->link, &due) || due.us > w->now) {
        return;
    }
    if (!link_tick(&w->link, (struct fp_mono){w->now})) {
        say_hello(w, true);
        return;
    }
    need(w, flights == 0 || (w->link.flight_count == 0 && w->link.window == LINK_WINDOW_MIN), "L3: all is lost, the window at its least");
    check_link(w);
}

static bool all_arrived(const struct world *w)
{
    for (unsigned lane = 0; lane < FP_LANES; lane++) {
        if (!w->open || w->link.lanes[lane].acked + 1 != w->log_next[lane]) {
            return false;
        }
    }
    return true;
}

/* All that is due until then. */
static void run_until(struct world *w, uint64_t until)
{
    pump(w);
    for (uint64_t due = next_due(w); due <= until; due = next_due(w)) {
        if (due == NEVER) {
            need(w, all_arrived(w), "stands still");
            break;
        }
        w->now = due > w->now ? due : w->now;
        size_t i = next_packet(w);
        if (w->packet_count > 0 && w->packets[i].due <= w->now) {
            struct packet p = w->packets[i];
            w->packets[i] = w->packets[--w->packet_count];
            arrive(w, &p);
        } else if (!w->open && w->hello_due <= w->now) {
            say_hello(w, false);
        }
        tick(w);
        pump(w);
    }
    w->now = until;
}

static struct world *world_of(uint64_t seed, struct way way)
{
    static struct world w;
    w = (struct world){.seed = seed, .chance = seed * 0x9e3779b97f4a7c15U + 1, .up = way, .down = way, .now = SECOND};
    for (unsigned lane = 0; lane < FP_LANES; lane++) {
        w.log_next[lane] = 1;
    }
    say_hello(&w, true);
    return &w;
}

/* ------------------------------------------------------------------ whatever happens */

static void disturb(struct world *w)
{
    switch (below(&w->chance, 12)) {
    case 0: /* the connection breaks: what was on the way is gone, and the sender knows */
        w->packet_count = 0;
        say_hello(w, true);
        break;
    case 1: /* the sender starts anew */
        w->link = (struct link){0};
        say_hello(w, true);
        break;
    case 2: /* the receiver starts anew, and nobody is told */
        w->packet_count = 0;
        break;
    case 3:
        w->full_until = w->now + below(&w->chance, 20U * SECOND);
        break;
    default:
        for (uint64_t more = below(&w->chance, 20); more > 0; more--) {
            w->log_next[below(&w->chance, FP_LANES)]++;
        }
    }
}

static void one_run(uint64_t seed)
{
    static const uint64_t rates[] = {1200, 8000, 32000, 1000000, 125000000};
    uint64_t s = seed * 0xd1342543de82ef95U + 1;
    struct way way = {.bytes_per_s = rates[below(&s, 5)], .delay_us = (uint64_t)1000 << below(&s, 10)};
    way.ordered = below(&s, 2) == 0;
    way.jitter_us = below(&s, 2) == 0 ? 0 : below(&s, 2 * way.delay_us);
    way.loss = below(&s, 2) == 0 ? 0 : (unsigned)below(&s, 300);
    way.twice = below(&s, 2) == 0 ? 0 : (unsigned)below(&s, 200);
    struct world *w = world_of(seed, way);
    w->down.loss = below(&s, 2) == 0 ? way.loss : (unsigned)below(&s, 500);
    for (uint64_t steps = 3 + below(&s, 12); steps > 0; steps--) {
        disturb(w);
        run_until(w, w->now + below(&s, 3U * SECOND));
    }
    w->log_next[below(&s, FP_LANES)]++;
    run_until(w, w->now);
    uint64_t end = w->now + RUN_LIMIT;
    while (!all_arrived(w) && w->now < end) {
        uint64_t due = next_due(w);
        need(w, due != NEVER, "stands still");
        run_until(w, due > w->now ? due : w->now);
    }
    need(w, all_arrived(w), "not all has arrived in hours");
    for (unsigned lane = 0; lane < FP_LANES; lane++) {
        need(w, w->have[lane] + 1 == w->log_next[lane], "not all has arrived");
    }
}

static void whatever_the_link_does_all_arrives_once_and_in_order(void **state)
{
    (void)state;
    const char *only = getenv("FP_SEED");
    if (only != NULL) {
        one_run(strtoull(only, NULL, 10));
        return;
    }
    for (uint64_t seed = 1; seed <= RUNS; seed++) {
        one_run(seed);
    }
}

/* ------------------------------------------------------------------ what a link must carry */

/* A flood in the bulk lane; now and then an urgent record. Returns the share of the link that records have had, in percent. */
static uint64_t flood(struct world *w, uint64_t warm_s, uint64_t seconds)
{
    w->log_next[FP_LANE_BULK] = UINT64_MAX / 2;
    run_until(w, w->now + warm_s * SECOND);
    uint64_t before = w->bytes_taken;
    uint64_t wire = w->up.bytes_per_s * seconds;
    for (uint64_t i = 0; i < seconds; i++) {
        if (i % 7 == 3) {
            w->urgent_at = w->now;
            w->log_next[FP_LANE_URGENT]++;
        }
        run_until(w, w->now + SECOND + below(&w->chance, 3000));
    }
    return (w->bytes_taken - before) * 100 / wire;
}

static void a_satellite_is_used_and_still_an_urgent_record_overtakes(void **state)
{
    (void)state;
    struct world *w = world_of(1, (struct way){.bytes_per_s = 32000, .delay_us = 300000});
    uint64_t used = flood(w, 30, 300);
    uint64_t most_us = 2 * 600000 + LINK_BATCH_BYTES * (uint64_t)SECOND / 32000;
    assert_in_range(used, 85, 101);
    assert_in_range(w->urgent_worst, 300000, most_us);
    assert_int_equal(w->hellos, 1);
    assert_in_range(w->link.window, 19200, 3 * 19200); /* L4: near what the link holds */
}

static void a_jittery_satellite_is_used(void **state)
{
    (void)state;
    struct world *w = world_of(2, (struct way){.bytes_per_s = 32000, .delay_us = 250000, .jitter_us = 100000, .ordered = true});
    assert_in_range(flood(w, 30, 300), 75, 101);
    assert_in_range(w->urgent_worst, 250000, 2 * 700000 + LINK_BATCH_BYTES * (uint64_t)SECOND / 32000);
}

static void a_slow_radio_does_not_hold_an_urgent_record_for_long(void **state)
{
    (void)state;
    struct world *w = world_of(3, (struct way){.bytes_per_s = 1200, .delay_us = 400000});
    w->record_bytes = 200;
    assert_in_range(flood(w, 120, 600), 70, 101);
    assert_in_range(w->urgent_worst, 400000, 6U * SECOND);
}

static void a_lan_carries_ten_megabytes_a_second(void **state)
{
    (void)state;
    struct world *w = world_of(4, (struct way){.bytes_per_s = 125000000, .delay_us = 500});
    w->record_bytes = 400;
    uint64_t used = flood(w, 1, 5);
    assert_in_range(used, 8, 101); /* of 125 MB/s */
    assert_in_range(w->urgent_worst, 500, 20000);
}

static void another_way_is_another_window(void **state)
{
    (void)state;
    struct world *w = world_of(5, (struct way){.bytes_per_s = 1000000, .delay_us = 10000});
    (void)flood(w, 10, 30);
    w->up.bytes_per_s = 32000;
    w->up.delay_us = w->down.delay_us = 300000;
    assert_in_range(flood(w, 90, 120), 80, 101);
    w->up.bytes_per_s = 1000000;
    w->up.delay_us = w->down.delay_us = 10000;
    assert_in_range(flood(w, 60, 60), 80, 101);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_satellite_is_used_and_still_an_urgent_record_overtakes),
        cmocka_unit_test(a_jittery_satellite_is_used),
        cmocka_unit_test(a_slow_radio_does_not_hold_an_urgent_record_for_long),
        cmocka_unit_test(a_lan_carries_ten_megabytes_a_second),
        cmocka_unit_test(another_way_is_another_window),
        cmocka_unit_test(whatever_the_link_does_all_arrives_once_and_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
