#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "plugin/core/link.h"

#define MS 1000U
#define KIB 1024U

static struct link l;
static uint64_t now_us;
static const uint64_t nothing[FP_LANES];

static struct fp_mono now(void)
{
    return (struct fp_mono){now_us};
}

/* A session with much to send in two lanes. */
static int fresh(void **state)
{
    (void)state;
    l = (struct link){0};
    now_us = 1000 * MS;
    link_open(&l, nothing, 16, false, now());
    link_next(&l, FP_LANE_MESSAGES, 1001);
    link_next(&l, FP_LANE_BULK, 1001);
    return 0;
}

static bool picks(unsigned lane, uint64_t from)
{
    unsigned picked;
    uint64_t at;
    size_t room;
    return link_pick(&l, &picked, &at, &room) && picked == lane && at == from && room > 0;
}

static bool picks_nothing(void)
{
    unsigned lane;
    uint64_t from;
    size_t room;
    return !link_pick(&l, &lane, &from, &room);
}

static void send_after(unsigned ms, unsigned lane, uint64_t last, size_t bytes)
{
    now_us += ms * MS;
    link_sent(&l, lane, last, bytes, now());
}

static bool ack_after(unsigned ms, unsigned lane, uint64_t have, uint64_t credit)
{
    now_us += ms * MS;
    return link_ack(&l, lane, have, credit, now());
}

static void the_better_lane_goes_first_and_each_from_where_it_was(void **state)
{
    (void)state;
    assert_true(picks(FP_LANE_MESSAGES, 1));
    send_after(0, FP_LANE_MESSAGES, 10, 3000);
    assert_true(picks(FP_LANE_MESSAGES, 11));
    link_next(&l, FP_LANE_URGENT, 2);
    assert_true(picks(FP_LANE_URGENT, 1));
    send_after(0, FP_LANE_URGENT, 1, 100);
    assert_true(picks(FP_LANE_MESSAGES, 11));
}

static void a_session_begins_behind_what_the_peer_has(void **state)
{
    (void)state;
    uint64_t have[FP_LANES] = {[FP_LANE_MESSAGES] = 1000, [FP_LANE_BULK] = 7, [FP_LANE_RECEIPTS] = UINT64_MAX};
    send_after(0, FP_LANE_MESSAGES, 10, 3000);
    link_open(&l, have, 16, true, now());
    assert_int_equal(l.flight_count + l.bytes_out, 0);
    assert_true(picks(FP_LANE_BULK, 8));                                          /* all of the messages are there */
    assert_true(l.lanes[FP_LANE_RECEIPTS].sent < l.lanes[FP_LANE_RECEIPTS].next); /* L1, whatever a peer says */
}

static void what_was_learnt_of_the_link_is_kept_if_so_said(void **state)
{
    (void)state;
    send_after(0, FP_LANE_MESSAGES, 10, 3000);
    assert_true(ack_after(40, FP_LANE_MESSAGES, 10, 16));
    l.window = 2 * LINK_WINDOW_START;
    link_open(&l, nothing, 16, true, now());
    assert_true(l.window == 2 * LINK_WINDOW_START && l.rtt_us == 40 * MS);
    l.window = LINK_WINDOW_MAX;
    link_open(&l, nothing, 16, true, now());
    assert_int_equal(l.window, LINK_WINDOW_DOUBT);
    link_open(&l, nothing, 16, false, now());
    assert_true(l.window == LINK_WINDOW_START && l.rtt_us == 0);
}

static void after_a_pause_the_window_is_doubted(void **state)
{
    (void)state;
    send_after(0, FP_LANE_MESSAGES, 1, 100);
    assert_true(ack_after(40, FP_LANE_MESSAGES, 1, 16));
    l.window = LINK_WINDOW_MAX;
    send_after(LINK_PAUSE_US / MS - 1, FP_LANE_MESSAGES, 2, 100);
    assert_int_equal(l.window, LINK_WINDOW_MAX);
    assert_true(ack_after(40, FP_LANE_MESSAGES, 2, 16));
    send_after(LINK_PAUSE_US / MS, FP_LANE_MESSAGES, 3, 100);
    assert_int_equal(l.window, LINK_WINDOW_DOUBT);
}

static void above_the_window_goes_one_urgent_batch_and_nothing_else(void **state)
{
    (void)state;
    send_after(0, FP_LANE_MESSAGES, 100, LINK_WINDOW_START);
    assert_true(picks_nothing());
    link_next(&l, FP_LANE_URGENT, 10);
    assert_true(picks(FP_LANE_URGENT, 1));
    send_after(0, FP_LANE_URGENT, 5, 500);
    assert_true(picks_nothing()); /* L2: one */
    assert_true(ack_after(600, FP_LANE_URGENT, 5, 16));
    assert_true(picks(FP_LANE_URGENT, 6));
}

static void above_the_credit_goes_one_urgent_batch_and_nothing_else(void **state)
{
    (void)state;
    link_open(&l, nothing, 2, false, now());
    send_after(0, FP_LANE_MESSAGES, 1, 100);
    assert_true(picks(FP_LANE_MESSAGES, 2));
    send_after(0, FP_LANE_MESSAGES, 2, 100);
    assert_true(picks_nothing());
    link_next(&l, FP_LANE_URGENT, 3);
    send_after(0, FP_LANE_URGENT, 1, 100);
    assert_true(picks_nothing());
}

static void flights_do_not_overrun_their_table(void **state)
{
    (void)state;
    link_open(&l, nothing, 1000, false, now());
    for (uint64_t i = 1; i < LINK_FLIGHTS_MAX; i++) {
        assert_true(picks(FP_LANE_MESSAGES, i));
        send_after(0, FP_LANE_MESSAGES, i, 1);
    }
    assert_true(picks_nothing()); /* the last place is for the urgent lane */
    link_next(&l, FP_LANE_URGENT, 3);
    send_after(0, FP_LANE_URGENT, 1, 1);
    assert_int_equal(l.flight_count, LINK_FLIGHTS_MAX);
    assert_true(picks_nothing());
}

static void the_room_is_what_the_window_has_left(void **state)
{
    (void)state;
    unsigned lane;
    uint64_t from;
    size_t room;
    assert_true(link_pick(&l, &lane, &from, &room));
    assert_int_equal(room, LINK_WINDOW_START / 4);
    send_after(0, FP_LANE_MESSAGES, 100, LINK_WINDOW_START - 3 * KIB);
    assert_true(link_pick(&l, &lane, &from, &room));
    assert_int_equal(room, 3 * KIB);
    send_after(0, FP_LANE_MESSAGES, 110, 2 * KIB); /* 1 KiB is left: less than half a batch waits */
    assert_true(picks_nothing());
}

static void only_a_further_ack_is_news(void **state)
{
    (void)state;
    send_after(0, FP_LANE_MESSAGES, 10, 1000);
    send_after(0, FP_LANE_MESSAGES, 20, 1000);
    assert_true(ack_after(10, FP_LANE_MESSAGES, 10, 16));
    assert_int_equal(l.bytes_out, 1000);
    assert_true(ack_after(0, FP_LANE_MESSAGES, 15, 16)); /* half of a batch */
    assert_int_equal(l.bytes_out, 1000);
    assert_false(ack_after(0, FP_LANE_MESSAGES, 15, 16));
    assert_false(ack_after(0, FP_LANE_MESSAGES, 10, 0)); /* late: its credit is old */
    assert_false(ack_after(0, FP_LANE_MESSAGES, 21, 0)); /* never sent */
    assert_false(ack_after(0, FP_LANES, 1, 0));
    assert_int_equal(l.credit, 16);
    assert_true(ack_after(0, FP_LANE_MESSAGES, 20, 16));
    assert_int_equal(l.flight_count + l.bytes_out, 0);
}

static void without_an_answer_all_is_lost_once_and_the_window_at_its_least(void **state)
{
    (void)state;
    struct fp_mono due;
    assert_false(link_due(&l, &due));
    send_after(0, FP_LANE_MESSAGES, 10, 1000);
    send_after(5, FP_LANE_BULK, 10, 1000);
    assert_true(link_due(&l, &due));
    assert_int_equal(due.us, 1000 * MS + LINK_RTO_START_US);
    now_us = due.us - 1;
    assert_true(link_tick(&l, now()));
    assert_int_equal(l.flight_count, 2);
    now_us = due.us;
    assert_true(link_tick(&l, now()));
    assert_true(l.flight_count == 0 && l.bytes_out == 0 && l.window == LINK_WINDOW_MIN); /* L3 */
    assert_true(picks(FP_LANE_MESSAGES, 1));
    send_after(0, FP_LANE_MESSAGES, 10, 1000);
    assert_true(link_due(&l, &due));
    assert_int_equal(due.us, now_us + 2 * LINK_RTO_START_US); /* and more patience */
}

static void the_ack_of_a_first_copy_counts_after_a_loss(void **state)
{
    (void)state;
    send_after(0, FP_LANE_MESSAGES, 10, 1000);
    now_us += LINK_RTO_START_US;
    assert_true(link_tick(&l, now()));
    assert_true(ack_after(1, FP_LANE_MESSAGES, 10, 16));
    assert_true(picks(FP_LANE_MESSAGES, 11));
    assert_int_equal(l.rtt_us, 0); /* which copy it was, nobody knows */
}

static void no_progress_for_a_minute_is_a_dead_link(void **state)
{
    (void)state;
    uint64_t began = now_us;
    struct fp_mono due;
    bool alive = true;
    for (uint64_t last = 1; alive; last++) {
        assert_true(now_us - began <= LINK_DEAD_US);
        send_after(0, FP_LANE_MESSAGES, l.lanes[FP_LANE_MESSAGES].sent + 1, 100);
        assert_true(link_due(&l, &due));
        now_us = due.us;
        alive = link_tick(&l, now());
    }
    assert_int_equal(now_us - began, LINK_DEAD_US);
    assert_false(link_tick(&l, now()));
}

static void a_pause_is_no_death(void **state)
{
    (void)state;
    now_us += 10 * (uint64_t)LINK_DEAD_US;
    send_after(0, FP_LANE_MESSAGES, 1, 100);
    assert_true(link_tick(&l, now()));
}

static void a_credit_of_nought_takes_back_what_is_on_the_way_and_is_asked_about(void **state)
{
    (void)state;
    struct fp_mono due;
    send_after(0, FP_LANE_MESSAGES, 10, 1000);
    send_after(0, FP_LANE_MESSAGES, 20, 1000);
    assert_true(ack_after(10, FP_LANE_MESSAGES, 5, 0)); /* full in the middle of a batch */
    assert_int_equal(l.flight_count + l.bytes_out, 0);
    assert_true(picks_nothing());
    assert_true(link_due(&l, &due));
    uint64_t first = due.us - now_us;
    now_us = due.us;
    assert_true(link_tick(&l, now()));
    assert_true(picks(FP_LANE_MESSAGES, 6));
    send_after(0, FP_LANE_MESSAGES, 10, 1000);
    assert_true(picks_nothing()); /* one asks */
    assert_false(ack_after(10, FP_LANE_MESSAGES, 5, 0));
    assert_true(link_due(&l, &due));
    assert_int_equal(due.us - now_us, 2 * first); /* and asks less and less */
    assert_false(ack_after(10, FP_LANE_MESSAGES, 5, 16));
    assert_true(picks(FP_LANE_MESSAGES, 6));
}

static void who_says_to_wait_is_not_dead(void **state)
{
    (void)state;
    struct fp_mono due;
    for (int i = 0; i < 20; i++) {
        send_after(0, FP_LANE_MESSAGES, 1, 100);
        assert_false(ack_after(10, FP_LANE_MESSAGES, 0, 0));
        assert_true(link_due(&l, &due));
        now_us = due.us;
        assert_true(link_tick(&l, now()));
        assert_true(picks(FP_LANE_MESSAGES, 1));
    }
    assert_true(now_us > 2 * (uint64_t)LINK_DEAD_US);
}

static void a_nack_sends_once_more_from_there_once_a_round_trip(void **state)
{
    (void)state;
    send_after(0, FP_LANE_BULK, 5, 100);
    assert_true(ack_after(100, FP_LANE_BULK, 5, 16)); /* a round trip of 100 ms */
    send_after(0, FP_LANE_MESSAGES, 10, 1000);
    send_after(0, FP_LANE_MESSAGES, 20, 1000);
    send_after(0, FP_LANE_BULK, 6, 1000);
    now_us += 99 * MS;
    link_nack(&l, FP_LANE_MESSAGES, 11, now());
    assert_int_equal(l.lanes[FP_LANE_MESSAGES].acked, 10); /* it has what is before */
    assert_true(picks(FP_LANE_MESSAGES, 21));              /* too soon to be about this batch */
    now_us += 101 * MS;
    link_nack(&l, FP_LANE_MESSAGES, 11, now());
    assert_true(picks(FP_LANE_MESSAGES, 11));
    assert_int_equal(l.flight_count, 1); /* the other lane's is not touched */
    send_after(0, FP_LANE_MESSAGES, 20, 1000);
    now_us += 50 * MS;
    link_nack(&l, FP_LANE_MESSAGES, 11, now());
    assert_true(picks(FP_LANE_MESSAGES, 21));
}

static void a_nack_that_makes_no_sense_does_nothing(void **state)
{
    (void)state;
    send_after(0, FP_LANE_MESSAGES, 10, 1000);
    assert_true(ack_after(100, FP_LANE_MESSAGES, 10, 16));
    send_after(0, FP_LANE_MESSAGES, 20, 1000);
    now_us += 1000 * MS;
    struct link before = l;
    link_nack(&l, FP_LANE_MESSAGES, 10, now());
    link_nack(&l, FP_LANE_MESSAGES, 0, now());
    link_nack(&l, FP_LANE_MESSAGES, 22, now());
    link_nack(&l, FP_LANE_MESSAGES, UINT64_MAX, now());
    link_nack(&l, FP_LANES, 1, now());
    assert_memory_equal(&l, &before, sizeof l);
}

static void a_lane_goes_back_when_what_was_sent_clearly_later_is_answered(void **state)
{
    (void)state;
    link_next(&l, FP_LANE_URGENT, 2);
    send_after(0, FP_LANE_URGENT, 1, 100); /* lost, and nothing follows it in its lane */
    send_after(20, FP_LANE_MESSAGES, 10, 1000);
    assert_true(ack_after(100, FP_LANE_MESSAGES, 10, 16));
    assert_int_equal(l.flight_count, 1); /* 20 ms may be a matter of order */
    send_after(0, FP_LANE_MESSAGES, 20, 1000);
    assert_true(ack_after(100, FP_LANE_MESSAGES, 20, 16));
    assert_true(picks(FP_LANE_URGENT, 1));
    assert_int_equal(l.flight_count, 0);
}

/* Sends until there is no room, then answers all after the given round trip: `rounds` times. */
static void rounds_of(unsigned ms, unsigned rounds)
{
    unsigned lane;
    uint64_t from;
    size_t room;
    link_next(&l, FP_LANE_BULK, UINT64_MAX);
    while (rounds-- > 0) {
        while (link_pick(&l, &lane, &from, &room)) {
            link_sent(&l, lane, from, room, now());
        }
        now_us += ms * MS;
        while (l.flight_count > 0) {
            (void)link_ack(&l, l.flights[0].lane, l.flights[0].last, 64, now());
        }
    }
}

static void the_window_grows_while_the_round_trip_is_short(void **state)
{
    (void)state;
    rounds_of(100, 3);
    assert_true(l.window > 4 * LINK_WINDOW_START); /* twice a round trip */
    l.grown_to_threshold = true;
    size_t before = l.window;
    rounds_of(100, 8);
    assert_in_range(l.window, before + before / 8, 3 * before); /* then by steps */
    rounds_of(100, 200);
    assert_true(l.window <= LINK_WINDOW_MAX);
}

static void the_window_shrinks_when_a_queue_builds(void **state)
{
    (void)state;
    rounds_of(100, 5);
    size_t before = l.window;
    rounds_of(400, 12);
    assert_true(l.window < before / 2);
    rounds_of(400, 60);
    assert_true(l.window >= LINK_WINDOW_MIN);
}

static void the_shortest_round_trip_is_looked_at_again(void **state)
{
    (void)state;
    rounds_of(20, 5);
    rounds_of(300, 100); /* another way: half a minute */
    assert_int_equal(l.rtt_min_us, 300 * MS);
    assert_true(l.window > LINK_WINDOW_START);
}

static void who_has_little_to_send_learns_nothing_of_the_window(void **state)
{
    (void)state;
    for (uint64_t i = 1; i < 50; i++) {
        send_after(0, FP_LANE_MESSAGES, i, 100);
        assert_true(ack_after(100, FP_LANE_MESSAGES, i, 16));
    }
    assert_int_equal(l.window, LINK_WINDOW_START);
}

static void a_batch_is_new_known_or_beyond_a_hole(void **state)
{
    (void)state;
    uint64_t skip;
    assert_int_equal(link_judge(0, 1, 5, &skip), LINK_TAKE);
    assert_int_equal(skip, 0);
    assert_int_equal(link_judge(3, 1, 5, &skip), LINK_TAKE);
    assert_int_equal(skip, 3);
    assert_int_equal(link_judge(5, 1, 5, &skip), LINK_KNOWN);
    assert_int_equal(link_judge(9, 1, 5, &skip), LINK_KNOWN);
    assert_int_equal(link_judge(3, 5, 1, &skip), LINK_HOLE);
    assert_int_equal(link_judge(3, 0, 9, &skip), LINK_HOLE); /* records count from 1 */
    assert_int_equal(link_judge(UINT64_MAX - 1, UINT64_MAX, 1, &skip), LINK_TAKE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_better_lane_goes_first_and_each_from_where_it_was, fresh),
        cmocka_unit_test_setup(a_session_begins_behind_what_the_peer_has, fresh),
        cmocka_unit_test_setup(what_was_learnt_of_the_link_is_kept_if_so_said, fresh),
        cmocka_unit_test_setup(after_a_pause_the_window_is_doubted, fresh),
        cmocka_unit_test_setup(above_the_window_goes_one_urgent_batch_and_nothing_else, fresh),
        cmocka_unit_test_setup(above_the_credit_goes_one_urgent_batch_and_nothing_else, fresh),
        cmocka_unit_test_setup(flights_do_not_overrun_their_table, fresh),
        cmocka_unit_test_setup(the_room_is_what_the_window_has_left, fresh),
        cmocka_unit_test_setup(only_a_further_ack_is_news, fresh),
        cmocka_unit_test_setup(without_an_answer_all_is_lost_once_and_the_window_at_its_least, fresh),
        cmocka_unit_test_setup(the_ack_of_a_first_copy_counts_after_a_loss, fresh),
        cmocka_unit_test_setup(no_progress_for_a_minute_is_a_dead_link, fresh),
        cmocka_unit_test_setup(a_pause_is_no_death, fresh),
        cmocka_unit_test_setup(a_credit_of_nought_takes_back_what_is_on_the_way_and_is_asked_about, fresh),
        cmocka_unit_test_setup(who_says_to_wait_is_not_dead, fresh),
        cmocka_unit_test_setup(a_nack_sends_once_more_from_there_once_a_round_trip, fresh),
        cmocka_unit_test_setup(a_nack_that_makes_no_sense_does_nothing, fresh),
        cmocka_unit_test_setup(a_lane_goes_back_when_what_was_sent_clearly_later_is_answered, fresh),
        cmocka_unit_test_setup(the_window_grows_while_the_round_trip_is_short, fresh),
        cmocka_unit_test_setup(the_window_shrinks_when_a_queue_builds, fresh),
        cmocka_unit_test_setup(the_shortest_round_trip_is_looked_at_again, fresh),
        cmocka_unit_test_setup(who_has_little_to_send_learns_nothing_of_the_window, fresh),
        cmocka_unit_test_setup(a_batch_is_new_known_or_beyond_a_hole, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
