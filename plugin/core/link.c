#include "plugin/core/link.h"

#include <assert.h>
#include <string.h>

#define LOOK_EVERY_US 20000000U  /* the way to the hub changes: the shortest round trip of yesterday is none to go by */
#define NEAR_US 10000U           /* less than this is a busy machine, not a queue */
#define REORDER_MIN_US 50000U    /* sent so much earlier than what has arrived: lost, not late */
#define NACK_DEAF_MIN_US 100000U /* before any round trip was seen */

static uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t since_us(struct fp_mono then, struct fp_mono now)
{
    return now.us > then.us ? now.us - then.us : 0;
}

static size_t window_within(uint64_t bytes)
{
    return (size_t)min_u64(max_u64(bytes, LINK_WINDOW_MIN), LINK_WINDOW_MAX);
}

static size_t window_now(const struct link *l)
{
    return l->looking ? l->window / 2 : l->window;
}

static size_t batch_bytes(const struct link *l)
{
    return (size_t)min_u64(max_u64(window_now(l) / 4, LINK_BATCH_BYTES_MIN), LINK_BATCH_BYTES);
}

/* A room of less than half a batch is left to grow: small batches cost the peer a commit each. */
static bool window_is_full(const struct link *l)
{
    return l->flight_count > 0 && l->bytes_out + batch_bytes(l) / 2 > window_now(l);
}

/* ------------------------------------------------------------------ what is on the way */

static void forget_flight(struct link *l, size_t i)
{
    assert(i < l->flight_count && l->bytes_out >= l->flights[i].bytes);
    l->bytes_out -= l->flights[i].bytes;
    l->flight_count--;
    memmove(&l->flights[i], &l->flights[i + 1], (l->flight_count - i) * sizeof l->flights[0]);
}

/* From record `from` on the lane is to be sent again. */
static void go_back(struct link *l, unsigned lane, uint64_t from)
{
    for (size_t i = l->flight_count; i > 0; i--) {
        if (l->flights[i - 1].lane == lane && l->flights[i - 1].last >= from) {
            forget_flight(l, i - 1);
        }
    }
    l->lanes[lane].sent = min_u64(l->lanes[lane].sent, max_u64(from - 1, l->lanes[lane].acked)); /* L1 */
}

static void shrink_for_loss(struct link *l, struct fp_mono now)
{
    l->window = window_within(l->window - l->window / 4);
    l->grown_to_threshold = true;
    l->round_at = now;
    l->round_min_us = 0;
}

static void go_back_all(struct link *l)
{
    for (unsigned lane = 0; lane < FP_LANES; lane++) {
        l->lanes[lane].sent = l->lanes[lane].acked;
    }
    l->flight_count = 0;
    l->bytes_out = 0;
}

static void lose_all(struct link *l)
{
    go_back_all(l);
    l->window = LINK_WINDOW_MIN; /* L3 */
    l->grown_to_threshold = false;
    l->looking = false;
    l->round_min_us = 0;
    l->stalled = true;
    l->rto_us = min_u64(2 * l->rto_us, LINK_RTO_MAX_US);
}

/* ------------------------------------------------------------------ round trips and the window */

static void learn_rtt(struct link *l, uint64_t took_us, struct fp_mono now)
{
    if (l->rtt_us == 0) {
        l->rtt_us = took_us;
        l->rtt_var_us = took_us / 2;
    } else {
        uint64_t off = took_us > l->rtt_us ? took_us - l->rtt_us : l->rtt_us - took_us;
        l->rtt_var_us = (3 * l->rtt_var_us + off) / 4;
        l->rtt_us = (7 * l->rtt_us + took_us) / 8;
    }
    uint64_t rto = max_u64(l->rtt_us + 4 * l->rtt_var_us, 2 * l->rtt_us);
    l->rto_us = min_u64(max_u64(rto, LINK_RTO_MIN_US), LINK_RTO_MAX_US);
    if (l->rtt_min_us == 0 || took_us < l->rtt_min_us) {
        l->rtt_min_us = took_us;
    }
    if (took_us <= l->rtt_min_us + l->rtt_min_us / 8 + NEAR_US / 4) {
        l->min_at = now;
    }
}

static void begin_round(struct link *l, struct fp_mono now)
{
    l->round_at = now;
    l->round_min_us = 0;
}

/* The window that would have filled the link at a round trip of three halves of the shortest, which a batch in its last quarter needs. */
static void fit_window(struct link *l, uint64_t took_us)
{
    uint64_t aim_us = l->rtt_min_us + l->rtt_min_us / 2 + 2 * NEAR_US;
    if (aim_us < took_us) {
        l->window = window_within((uint64_t)l->window * aim_us / took_us);
    }
}

static void end_look(struct link *l, struct fp_mono now)
{
    if (l->round_min_us > 2 * l->rtt_min_us + NEAR_US) { /* another way: what the window was is of no use */
        l->grown_to_threshold = false;
    }
    l->rtt_min_us = l->round_min_us;
    l->min_at = now;
    l->looking = false;
    begin_round(l, now);
}

/* L4. took_us: of a batch that was sent in this round. */
static void end_round(struct link *l, bool was_full, struct fp_mono now)
{
    uint64_t near_us = l->rtt_min_us + l->rtt_min_us * 2 / 5 + NEAR_US;
    uint64_t far_us = l->rtt_min_us + l->rtt_min_us * 3 / 4 + 3 * NEAR_US;
    if (l->looking) {
        end_look(l, now);
        return;
    }
    if (l->round_min_us > far_us) {
        fit_window(l, l->round_min_us);
    } else if (l->round_min_us < near_us && was_full && l->grown_to_threshold) {
        l->window = window_within(l->window + l->window / 8);
    }
    l->looking = since_us(l->min_at, now) >= LOOK_EVERY_US;
    begin_round(l, now);
}

static void steer(struct link *l, const struct link_flight *done, size_t bytes, struct fp_mono now)
{
    bool was_full = l->full_at.us >= done->at.us; /* since it was sent: there was more to send than the window let through */
    uint64_t took_us = max_u64(since_us(done->at, now), 1);
    learn_rtt(l, took_us, now);
    if (!l->grown_to_threshold && !l->looking) {
        if (took_us > l->rtt_min_us + l->rtt_min_us / 2 + NEAR_US) {
            l->grown_to_threshold = true;
            fit_window(l, took_us);
            begin_round(l, now);
        } else if (was_full) {
            l->window = window_within(l->window + bytes);
        }
    }
    if (done->at.us < l->round_at.us) {
        return;
    }
    l->round_min_us = l->round_min_us == 0 ? took_us : min_u64(l->round_min_us, took_us);
    if (since_us(l->round_at, now) >= (l->looking ? 2 : 1) * l->rtt_us + l->rtt_us / 2) {
        end_round(l, was_full, now);
    }
}

/* ------------------------------------------------------------------ the session */

/* What was learnt some time ago: too large a window would be a queue of minutes on a slower way. */
static void doubt_window(struct link *l)
{
    l->window = (size_t)min_u64(l->window, LINK_WINDOW_DOUBT);
    l->grown_to_threshold = false;
}

void link_open(struct link *l, const uint64_t have[FP_LANES], uint64_t credit, bool kept, struct fp_mono now)
{
    struct link old = *l;
    *l = (struct link){.window = LINK_WINDOW_START, .rto_us = LINK_RTO_START_US};
    if (kept && old.window >= LINK_WINDOW_MIN) {
        l->window = old.window;
        doubt_window(l);
        l->rtt_us = old.rtt_us;
        l->rtt_var_us = old.rtt_var_us;
        l->rtt_min_us = old.rtt_min_us;
        l->rto_us = max_u64(old.rto_us, LINK_RTO_START_US);
    }
    for (unsigned lane = 0; lane < FP_LANES; lane++) {
        uint64_t has = min_u64(have[lane], UINT64_MAX - 1);
        l->lanes[lane] = (struct link_lane){.next = max_u64(old.lanes[lane].next, has + 1), .acked = has, .sent = has, .high = has};
    }
    l->credit = credit;
    l->progress = now;
    l->min_at = now;
    l->round_at = now;
    l->ask_due.us = now.us + l->rto_us; /* should the credit be 0 */
}

void link_next(struct link *l, unsigned lane, uint64_t next)
{
    assert(lane < FP_LANES);
    l->lanes[lane].next = max_u64(next, l->lanes[lane].sent + 1); /* L1 */
}

static bool has_unsent(const struct link *l, unsigned *out_lane)
{
    for (unsigned lane = 0; lane < FP_LANES; lane++) {
        if (l->lanes[lane].sent + 1 < l->lanes[lane].next) {
            *out_lane = lane;
            return true;
        }
    }
    return false;
}

static bool is_on_the_way(const struct link *l, unsigned lane)
{
    for (size_t i = 0; i < l->flight_count; i++) {
        if (l->flights[i].lane == lane) {
            return true;
        }
    }
    return false;
}

bool link_pick(const struct link *l, unsigned *out_lane, uint64_t *out_from, size_t *out_bytes)
{
    unsigned lane;
    if (l->credit == 0 || l->flight_count == LINK_FLIGHTS_MAX || !has_unsent(l, &lane)) {
        return false;
    }
    bool room = l->flight_count < min_u64(l->credit, LINK_FLIGHTS_MAX - 1) && !window_is_full(l);
    if (!room && (lane != FP_LANE_URGENT || is_on_the_way(l, lane))) { /* L2 */
        return false;
    }
    size_t window = window_now(l);
    size_t left = window > l->bytes_out ? window - l->bytes_out : 0;
    *out_lane = lane;
    *out_from = l->lanes[lane].sent + 1;
    *out_bytes = room && left > 0 && left < batch_bytes(l) ? left : batch_bytes(l);
    return true;
}

void link_sent(struct link *l, unsigned lane, uint64_t last, size_t bytes, struct fp_mono now)
{
    assert(lane < FP_LANES && l->flight_count < LINK_FLIGHTS_MAX);
    struct link_lane *at = &l->lanes[lane];
    assert(last > at->sent && last < at->next); /* L1 */
    if (l->flight_count == 0 && !l->stalled) {
        if (since_us(l->progress, now) >= LINK_PAUSE_US) {
            doubt_window(l);
        }
        l->progress = now;
    }
    l->flights[l->flight_count++] =
        (struct link_flight){.lane = (uint8_t)lane, .again = at->sent < at->high, .first = at->sent + 1, .last = last, .bytes = bytes, .at = now};
    l->bytes_out += bytes;
    at->sent = last;
    at->high = max_u64(at->high, last);
    if (window_is_full(l)) {
        l->full_at = now;
    }
}

/* ------------------------------------------------------------------ answers */

/* Batches that went out clearly before one that has arrived, and of which nothing is known: their lanes go back. */
static void find_lost(struct link *l, struct fp_mono arrived_at, struct fp_mono now)
{
    uint64_t order_us = max_u64(l->rtt_us / 2, REORDER_MIN_US);
    bool lost = false;
    while (l->flight_count > 0 && l->flights[0].at.us + order_us < arrived_at.us) { /* the oldest is the first */
        go_back(l, l->flights[0].lane, l->flights[0].first);
        lost = true;
    }
    if (lost) {
        shrink_for_loss(l, now);
    }
}

static void settle_flights(struct link *l, unsigned lane, uint64_t have, struct fp_mono now)
{
    size_t bytes = 0;
    struct link_flight newest = {.again = true};
    size_t i = 0;
    while (i < l->flight_count) {
        if (l->flights[i].lane != lane || l->flights[i].last > have) {
            i++;
            continue;
        }
        newest = l->flights[i];
        bytes += newest.bytes;
        forget_flight(l, i);
    }
    if (!newest.again) {
        steer(l, &newest, bytes, now);
        find_lost(l, newest.at, now);
    }
}

static bool take_have(struct link *l, unsigned lane, uint64_t have, struct fp_mono now)
{
    struct link_lane *at = &l->lanes[lane];
    if (have <= at->acked || have > at->high) {
        return false;
    }
    at->acked = have;
    at->sent = max_u64(at->sent, have); /* the first copy of what was sent again has come through */
    at->next = max_u64(at->next, at->sent + 1);
    l->progress = now;
    l->stalled = false;
    settle_flights(l, lane, have, now);
    return true;
}

/* The peer is there, and says to wait: what is on the way it will not take. */
static void wait_for_credit(struct link *l, struct fp_mono now)
{
    go_back_all(l);
    l->stalled = false;
    l->progress = now;
    l->ask_us = min_u64(max_u64(2 * l->ask_us, l->rto_us), LINK_RTO_MAX_US);
    l->ask_due.us = now.us + l->ask_us;
}

bool link_ack(struct link *l, unsigned lane, uint64_t have, uint64_t credit, struct fp_mono now)
{
    if (lane >= FP_LANES || have < l->lanes[lane].acked || have > l->lanes[lane].high) {
        return false; /* late: its credit is an old one, too */
    }
    l->credit = credit;
    bool news = take_have(l, lane, have, now);
    if (credit == 0) {
        wait_for_credit(l, now);
    } else {
        l->ask_us = 0;
    }
    return news;
}

void link_nack(struct link *l, unsigned lane, uint64_t expected, struct fp_mono now)
{
    if (lane >= FP_LANES || expected <= l->lanes[lane].acked || expected > l->lanes[lane].high) {
        return;
    }
    (void)take_have(l, lane, expected - 1, now);
    uint64_t deaf_us = l->rtt_us > 0 ? l->rtt_us : NACK_DEAF_MIN_US;
    for (size_t i = 0; i < l->flight_count; i++) {
        const struct link_flight *f = &l->flights[i];
        if (f->lane == lane && f->last >= expected) { /* the one that has it: is it still on its way? */
            if (since_us(f->at, now) >= deaf_us) {
                go_back(l, lane, expected);
                shrink_for_loss(l, now);
            }
            return;
        }
    }
}

/* ------------------------------------------------------------------ time */

static bool needs_credit(const struct link *l)
{
    unsigned lane;
    return l->flight_count == 0 && l->credit == 0 && has_unsent(l, &lane);
}

bool link_tick(struct link *l, struct fp_mono now)
{
    if (l->flight_count > 0 && since_us(l->progress, now) >= LINK_DEAD_US) {
        return false;
    }
    if (l->flight_count > 0 && since_us(l->flights[0].at, now) >= l->rto_us) {
        lose_all(l);
    } else if (needs_credit(l) && now.us >= l->ask_due.us) {
        l->credit = 1; /* L2 */
    }
    return true;
}

bool link_due(const struct link *l, struct fp_mono *out_due)
{
    if (l->flight_count > 0) {
        out_due->us = min_u64(l->flights[0].at.us + l->rto_us, l->progress.us + LINK_DEAD_US);
        return true;
    }
    *out_due = l->ask_due;
    return needs_credit(l);
}

/* ------------------------------------------------------------------ the receiving side */

enum link_verdict link_judge(uint64_t have, uint64_t first, uint64_t count, uint64_t *out_skip)
{
    *out_skip = 0;
    if (first == 0 || first > have + 1) {
        return LINK_HOLE;
    }
    *out_skip = have + 1 - first;
    return *out_skip < count ? LINK_TAKE : LINK_KNOWN;
}
