/* Nobody can tell whether runs lie in the archive: whatever is read, changed or dropped, it is as if they had never been moved. */
#include <stdio.h>

#include "tests/conformance/store_cases.h"

static const struct fp_wall far = {UINT64_MAX};

/* Everything that may go. */
static void archive_all(struct store_port p, struct fp_wall before)
{
    bool more = true;

    for (size_t i = 0; more; i++) {
        assert_true(i < 1000);
        assert_int_equal(p.archive(p.ctx, before, far, &more), FP_OK);
    }
}

static struct fp_bytes text_of(uint64_t first, char *buf)
{
    int len = snprintf(buf, 64, "events from %u on, and what else there is to say", (unsigned)first);

    return fp_bytes_of(buf, (size_t)len);
}

/* Runs of one, two, three, one ... events up to `last`, at 1000 + last. */
static uint64_t conv_with(struct store_port p, uint64_t number, uint64_t last)
{
    begin(p);
    uint64_t cid = add_conv(p, number, 1);
    for (uint64_t first = 1, n = 1; first <= last; first += n, n = n % 3 + 1) {
        char buf[64];
        struct store_run run = {.cid = cid, .first = first, .last = first + n - 1, .msgs = first + n - 1, .at = {1000 + first + n - 1}};
        run.events = text_of(first, buf);
        memset(run.chain, (int)(1 + run.last % 250), sizeof run.chain);
        assert_int_equal(p.append(p.ctx, &run), FP_OK);
    }
    commit(p);
    return cid;
}

struct seen {
    uint64_t next, first, last;
    uint64_t changed; /* the run that says "changed" */
    size_t count;
    bool good;
};

static bool see(void *arg, const struct store_run *run)
{
    struct seen *s = arg;
    char buf[64];

    s->good = s->good && (s->count == 0 || run->first == s->next) && run->msgs == run->last && run->at.ms == 1000 + run->last;
    s->good = s->good && run->chain[31] == 1 + run->last % 250;
    s->good = s->good && fp_bytes_eq(run->events, run->first == s->changed ? bytes_of("changed") : text_of(run->first, buf));
    s->first = s->count == 0 ? run->first : s->first;
    s->next = run->last + 1;
    s->last = run->last;
    s->count++;
    return true;
}

static struct seen look(struct store_port p, uint64_t cid, uint64_t from, uint64_t to, uint64_t changed)
{
    struct seen s = {.good = true, .changed = changed};

    assert_int_equal(p.each_run(p.ctx, cid, from, to, see, &s), FP_OK);
    assert_true(s.good);
    return s;
}

static void what_is_read_is_the_same(void **state)
{
    struct store_port p = port_of(state);
    uint64_t cid = conv_with(p, 1, 40); /* ends with 40 */

    for (int round = 0; round < 3; round++) {
        struct seen all = look(p, cid, 1, UINT64_MAX, 0);
        assert_int_equal(all.first, 1);
        assert_int_equal(all.last, 42);
        for (uint64_t from = 1; from <= 42; from++) {
            struct seen s = look(p, cid, from, from, 0);
            assert_int_equal(s.count, 1);
            assert_true(s.first <= from && from <= s.last);
            s = look(p, cid, from, 42, 0);
            assert_true(s.first <= from && s.last == 42);
        }
        assert_int_equal(look(p, cid, 43, UINT64_MAX, 0).count, 0);
        assert_int_equal(get_conv(p, 1).head, 42);
        assert_int_equal(get_conv(p, 1).at.ms, 1042);
        archive_all(p, round == 0 ? (struct fp_wall){1020} : far); /* first a part of them, then all but the last */
        p = round == 1 ? restarted(state) : p;
    }
}

static bool stop_at_second(void *arg, const struct store_run *run)
{
    (void)run;
    return ++*(size_t *)arg < 2;
}

static void a_reader_may_stop_anywhere(void **state)
{
    struct store_port p = port_of(state);
    uint64_t cid = conv_with(p, 1, 40);
    size_t count = 0;

    archive_all(p, (struct fp_wall){1020});
    assert_int_equal(p.each_run(p.ctx, cid, 1, 42, stop_at_second, &count), FP_OK);
    assert_int_equal(count, 2);
}

static void it_goes_on_from_the_head(void **state)
{
    struct store_port p = port_of(state);
    uint64_t cid = conv_with(p, 1, 40);

    archive_all(p, far);
    begin(p);
    assert_int_equal(add_run(p, cid, 42, 43), FP_ECORRUPT); /* T3 */
    begin(p);
    assert_int_equal(add_run(p, cid, 43, 43), FP_OK);
    commit(p);
    assert_int_equal(get_conv(p, 1).head, 43);
    archive_all(p, far);
    assert_int_equal(get_conv(p, 1).head, 43);
}

static void a_rewritten_run_is_read_as_it_is_now(void **state)
{
    struct store_port p = port_of(state);
    uint64_t cid = conv_with(p, 1, 40);

    archive_all(p, far);
    begin(p);
    assert_int_equal(p.rewrite_run(p.ctx, cid, 7, bytes_of("changed")), FP_OK); /* 7..7: one, two, three, one */
    (void)look(p, cid, 1, 42, 7);
    p.rollback(p.ctx);
    assert_int_equal(look(p, cid, 1, 42, 0).last, 42);
    begin(p);
    assert_int_equal(p.rewrite_run(p.ctx, cid, 7, bytes_of("changed")), FP_OK);
    commit(p);
    assert_int_equal(look(p, cid, 1, 42, 7).last, 42);
    archive_all(p, far);
    p = restarted(state);
    assert_int_equal(look(p, cid, 1, 42, 7).last, 42);
    begin(p);
    assert_int_equal(p.rewrite_run(p.ctx, cid, 8, bytes_of("changed")), FP_OK);
    assert_int_equal(p.rewrite_run(p.ctx, cid, 9, bytes_of("changed")), FP_ECORRUPT); /* inside of 8..9 */
    assert_int_equal(look(p, cid, 1, 42, 7).last, 42);
}

static void runs_are_dropped_oldest_first_whole_and_up_to_the_limit(void **state)
{
    struct store_port p = port_of(state);
    uint64_t cid = conv_with(p, 1, 40);

    archive_all(p, (struct fp_wall){1015}); /* one file up to 13..13 */
    archive_all(p, (struct fp_wall){1030}); /* another one up to 26..27 */
    begin(p);
    assert_int_equal(drop_runs_of(p, cid, 0, 9), 0);
    assert_int_equal(drop_runs_of(p, cid, 42, 0), 0);
    assert_int_equal(drop_runs_of(p, cid, 2, 9), 1); /* 2..3 ends later */
    assert_int_equal(look(p, cid, 1, 42, 0).first, 2);
    p.rollback(p.ctx);
    assert_int_equal(look(p, cid, 1, 42, 0).first, 1);
    begin(p);
    assert_int_equal(drop_runs_of(p, cid, 42, 2), 3);
    commit(p);
    archive_all(p, far); /* what has come back goes again */
    assert_int_equal(look(p, cid, 1, 42, 0).first, 4);
    p = restarted(state);
    begin(p);
    assert_int_equal(drop_runs_of(p, cid, 20, SIZE_MAX), 19);
    commit(p);
    assert_int_equal(look(p, cid, 1, 42, 0).first, 20);
    begin(p);
    assert_int_equal(drop_runs_of(p, cid, 42, SIZE_MAX), 39); /* never the last one */
    commit(p);
    struct seen s = look(p, cid, 1, 42, 0);
    assert_int_equal(s.first, 40);
    assert_int_equal(s.count, 1);
    p = restarted(state);
    assert_int_equal(look(p, cid, 1, 42, 0).first, 40);
}

/* The oldest runs are rows again, and what follows them lies in the archive. */
static void what_was_changed_and_what_was_not_are_dropped_alike(void **state)
{
    struct store_port p = port_of(state);
    uint64_t cid = conv_with(p, 1, 40);

    archive_all(p, (struct fp_wall){1015});
    archive_all(p, far);
    begin(p);
    assert_int_equal(p.rewrite_run(p.ctx, cid, 7, bytes_of("changed")), FP_OK);
    commit(p);
    assert_int_equal(look(p, cid, 1, 42, 7).last, 42);
    begin(p);
    assert_int_equal(drop_runs_of(p, cid, 10, 2), 3);
    assert_int_equal(look(p, cid, 1, 42, 7).first, 4);
    assert_int_equal(drop_runs_of(p, cid, 30, SIZE_MAX), 30);
    assert_int_equal(look(p, cid, 1, 42, 7).first, 31);
    commit(p);
}

static void one_that_forgets_what_is_old_is_left_alone_and_there_is_a_place_for_it(void **state)
{
    struct store_port p = port_of(state);
    uint64_t cid = conv_with(p, 1, 40);
    struct store_conv c = get_conv(p, 1);
    struct store_away away;
    bool found = true;
    bool more = true;

    c.retention_days = 3;
    begin(p);
    assert_int_equal(p.archive(p.ctx, far, far, &more), FP_ECORRUPT); /* in a transaction */
    assert_int_equal(p.save_conv(p.ctx, &c, (struct fp_bytes){0}, (struct fp_bytes){0}), FP_OK);
    commit(p);
    archive_all(p, far);
    assert_int_equal(look(p, cid, 1, 42, 0).last, 42);
    assert_int_equal(p.find_away(p.ctx, cid, 1, &away, &found), FP_OK);
    assert_false(found);
    assert_null(p.line(p.ctx));
}

const struct CMUnitTest store_cases_archive[] = {
    cmocka_unit_test(what_is_read_is_the_same),
    cmocka_unit_test(a_reader_may_stop_anywhere),
    cmocka_unit_test(it_goes_on_from_the_head),
    cmocka_unit_test(a_rewritten_run_is_read_as_it_is_now),
    cmocka_unit_test(runs_are_dropped_oldest_first_whole_and_up_to_the_limit),
    cmocka_unit_test(what_was_changed_and_what_was_not_are_dropped_alike),
    cmocka_unit_test(one_that_forgets_what_is_old_is_left_alone_and_there_is_a_place_for_it),
    {.name = NULL},
};
