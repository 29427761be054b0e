/* What happens to runs after they were appended: the chain that goes with them, rewriting, dropping, scrubbing. */
#include "tests/conformance/store_cases.h"

static void chain_of(uint64_t last, uint8_t out[32])
{
    memset(out, (int)(last + 1), 32);
    out[0] = 0; /* as a digest may begin */
    out[31] = 0;
}

/* A run with a chain, a time and a text of its own. */
static void put_run(struct store_port p, uint64_t cid, uint64_t first, uint64_t last)
{
    uint8_t text[3] = {'r', (uint8_t)first, (uint8_t)last};
    struct store_run run = {.cid = cid, .first = first, .last = last, .msgs = last, .at = {1000 + last}, .events = fp_bytes_of(text, sizeof text)};

    chain_of(last, run.chain);
    assert_int_equal(p.append(p.ctx, &run), FP_OK);
}

static bool is_chain(const uint8_t chain[32], uint64_t last)
{
    uint8_t want[32];

    chain_of(last, want);
    return memcmp(chain, want, sizeof want) == 0;
}

struct want_run {
    uint64_t first, last;
    const char *text; /* NULL: what it was appended with */
};

struct want_runs {
    uint64_t cid;
    const struct want_run *runs;
    size_t count;
    size_t seen;
};

static bool check_run(void *arg, const struct store_run *run)
{
    struct want_runs *w = arg;

    assert_true(w->seen < w->count);
    const struct want_run *want = &w->runs[w->seen++];
    uint8_t first_text[3] = {'r', (uint8_t)want->first, (uint8_t)want->last};
    assert_int_equal(run->cid, w->cid);
    assert_int_equal(run->first, want->first);
    assert_int_equal(run->last, want->last);
    assert_int_equal(run->msgs, want->last);
    assert_int_equal(run->at.ms, 1000 + want->last);
    assert_true(is_chain(run->chain, want->last));
    assert_true(fp_bytes_eq(run->events, want->text ? bytes_of(want->text) : fp_bytes_of(first_text, sizeof first_text)));
    return true;
}

static void check_runs(struct store_port p, uint64_t cid, const struct want_run *runs, size_t count)
{
    struct want_runs w = {.cid = cid, .runs = runs, .count = count};

    assert_int_equal(p.each_run(p.ctx, cid, 1, UINT64_MAX, check_run, &w), FP_OK);
    assert_int_equal(w.seen, count);
}

static void check_head(struct store_port p, uint64_t number, uint64_t head)
{
    static const uint8_t zero[32] = {0};
    struct store_conv c = get_conv(p, number);

    assert_int_equal(c.head, head);
    assert_int_equal(c.msgs, head);
    assert_int_equal(c.at.ms, head > 0 ? 1000 + head : 0);
    assert_true(head > 0 ? is_chain(c.chain, head) : memcmp(c.chain, zero, sizeof zero) == 0);
}

/* Conversations 1 and 2 with runs 1..2, 3..3, 4..9 and 10..10 each; returns the cid of 1, that of 2 follows. */
static uint64_t two_convs(struct store_port p)
{
    uint64_t cid[2];

    begin(p);
    for (uint64_t c = 0; c < 2; c++) {
        cid[c] = add_conv(p, c + 1, 1);
        put_run(p, cid[c], 1, 2);
        put_run(p, cid[c], 3, 3);
        put_run(p, cid[c], 4, 9);
        put_run(p, cid[c], 10, 10);
    }
    commit(p);
    assert_int_equal(cid[1], cid[0] + 1);
    return cid[0];
}

static const struct want_run untouched[] = {{1, 2, NULL}, {3, 3, NULL}, {4, 9, NULL}, {10, 10, NULL}};

static void the_chain_is_that_of_the_last_run(void **state)
{
    struct store_port p = port_of(state);
    struct store_conv junk = {.id = store_script_id("c", 3), .scope = store_script_id("s", 1)};

    memset(junk.chain, 0xff, sizeof junk.chain); /* changed by append() alone */
    uint64_t cid = two_convs(p);
    begin(p);
    assert_int_equal(p.save_conv(p.ctx, &junk, bytes_of(""), bytes_of("")), FP_OK);
    commit(p);
    check_head(p, 1, 10);
    check_head(p, 3, 0);
    begin(p);
    put_run(p, cid, 11, 12);
    check_head(p, 1, 12);
    p.rollback(p.ctx);
    check_head(p, 1, 10);
    struct store_conv c = get_conv(p, 1);
    memset(c.chain, 0xff, sizeof c.chain);
    begin(p);
    assert_int_equal(p.save_conv(p.ctx, &c, (struct fp_bytes){0}, (struct fp_bytes){0}), FP_OK);
    commit(p);
    p = restarted(state);
    check_head(p, 1, 10);
    check_head(p, 2, 10);
    check_head(p, 3, 0);
    check_runs(p, cid, untouched, 4);
}

struct seen_chains {
    bool good;
    size_t count;
};

static bool see_conv(void *arg, const struct store_conv *c)
{
    struct seen_chains *s = arg;

    s->good = s->good && is_chain(c->chain, 10);
    s->count++;
    return true;
}

static bool see_conv_of(void *arg, const struct store_conv *c, const struct store_member *m)
{
    (void)m;
    return see_conv(arg, c);
}

static void the_chain_comes_with_every_listing_of_conversations(void **state)
{
    struct store_port p = port_of(state);
    struct seen_chains all = {.good = true};
    struct seen_chains his = {.good = true};
    uint64_t cid = two_convs(p);
    const struct store_member m = {.cid = cid, .scope = store_script_id("s", 1), .user = store_script_id("u", 1), .active = true};

    begin(p);
    assert_int_equal(p.save_member(p.ctx, &m), FP_OK);
    commit(p);
    assert_int_equal(p.each_conv(p.ctx, 0, 9, see_conv, &all), FP_OK);
    assert_int_equal(all.count, 2);
    assert_true(all.good);
    assert_int_equal(p.each_conv_of(p.ctx, &m.user, see_conv_of, &his), FP_OK);
    assert_int_equal(his.count, 1);
    assert_true(his.good);
}

static void rewrite(struct store_port p, uint64_t cid, uint64_t first, const char *text)
{
    assert_int_equal(p.rewrite_run(p.ctx, cid, first, bytes_of(text)), FP_OK);
}

static void a_rewritten_run_has_other_bytes_and_keeps_the_rest(void **state)
{
    struct store_port p = port_of(state);
    const uint64_t cid = two_convs(p);
    static const struct want_run after[] = {{1, 2, ""}, {3, 3, NULL}, {4, 9, "much longer than it was before"}, {10, 10, "x"}};

    begin(p);
    rewrite(p, cid, 4, "not what stays");
    rewrite(p, cid, 4, "much longer than it was before");
    rewrite(p, cid, 1, "");
    rewrite(p, cid, 10, "x"); /* the head's */
    check_runs(p, cid, after, 4);
    commit(p);
    check_runs(p, cid, after, 4);
    p = restarted(state);
    check_runs(p, cid, after, 4);
    check_head(p, 1, 10);
    check_runs(p, cid + 1, untouched, 4);
    check_head(p, 2, 10);
    begin(p);
    put_run(p, cid, 11, 11);
    commit(p);
}

static void only_the_seq_that_a_run_begins_at_names_it(void **state)
{
    struct store_port p = port_of(state);
    const uint64_t cid = two_convs(p);
    static const uint64_t bad[] = {0, 2, 5, 9, 11, UINT64_MAX};
    const uint64_t nobody[] = {0, cid + 2, UINT64_MAX};

    assert_int_equal(p.rewrite_run(p.ctx, cid, 1, bytes_of("x")), FP_ECORRUPT); /* no transaction */
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        begin(p);
        rewrite(p, cid, 3, "gone with the next");
        assert_int_equal(p.rewrite_run(p.ctx, cid, bad[i], bytes_of("x")), FP_ECORRUPT);
        assert_int_equal(p.commit(p.ctx), FP_ECORRUPT);
        check_runs(p, cid, untouched, 4); /* T2 */
    }
    for (size_t i = 0; i < sizeof nobody / sizeof nobody[0]; i++) {
        begin(p);
        assert_int_equal(p.rewrite_run(p.ctx, nobody[i], 1, bytes_of("x")), FP_ECORRUPT);
    }
    check_runs(p, cid, untouched, 4);
    check_runs(p, cid + 1, untouched, 4);
}

static void runs_are_dropped_oldest_first_whole_and_up_to_the_limit(void **state)
{
    struct store_port p = port_of(state);
    const uint64_t cid = two_convs(p);

    begin(p);
    assert_int_equal(drop_runs_of(p, cid, 1, 9), 0); /* 1..2 ends later */
    assert_int_equal(drop_runs_of(p, cid, 0, 9), 0);
    assert_int_equal(drop_runs_of(p, cid, 10, 0), 0);
    check_runs(p, cid, untouched, 4);
    assert_int_equal(drop_runs_of(p, cid, 8, 1), 2);
    check_runs(p, cid, untouched + 1, 3);
    assert_int_equal(drop_runs_of(p, cid, 8, 9), 3); /* 4..9 ends later */
    commit(p);
    check_runs(p, cid, untouched + 2, 2);
    p = restarted(state);
    check_runs(p, cid, untouched + 2, 2);
    begin(p);
    assert_int_equal(drop_runs_of(p, cid, 9, 9), 9);
    commit(p);
    check_runs(p, cid, untouched + 3, 1);
    check_head(p, 1, 10);
    check_runs(p, cid + 1, untouched, 4);
    check_head(p, 2, 10);
    begin(p);
    assert_int_equal(drop_runs_of(p, cid + 2, 9, 9), 0); /* nobody's */
    assert_int_equal(drop_runs_of(p, UINT64_MAX, 9, 9), 0);
    commit(p);
}

static void the_last_run_is_never_dropped(void **state)
{
    struct store_port p = port_of(state);
    const uint64_t cid = two_convs(p);

    begin(p);
    const uint64_t empty = add_conv(p, 3, 1);
    assert_int_equal(drop_runs_of(p, empty, UINT64_MAX, SIZE_MAX), 0);
    assert_int_equal(drop_runs_of(p, cid, UINT64_MAX, SIZE_MAX), 9);
    assert_int_equal(drop_runs_of(p, cid, UINT64_MAX, SIZE_MAX), 0);
    commit(p);
    p = restarted(state);
    check_runs(p, cid, untouched + 3, 1);
    check_head(p, 1, 10);
    check_head(p, 3, 0);
    begin(p);
    put_run(p, cid, 11, 15); /* T3 goes on from the head */
    assert_int_equal(drop_runs_of(p, cid, 15, 9), 10);
    commit(p);
    check_runs(p, cid, &(const struct want_run){11, 15, NULL}, 1);
    check_head(p, 1, 15);
}

static void a_rollback_takes_rewriting_and_dropping_back(void **state)
{
    struct store_port p = port_of(state);
    const uint64_t cid = two_convs(p);
    uint64_t last = 0;

    assert_int_equal(p.drop_runs(p.ctx, cid, 9, 9, &last), FP_ECORRUPT); /* no transaction */
    begin(p);
    rewrite(p, cid, 1, "one");
    rewrite(p, cid, 4, "four");
    rewrite(p, cid, 4, "four again");
    assert_int_equal(drop_runs_of(p, cid, 3, 1), 2);
    put_run(p, cid, 11, 12);
    assert_int_equal(drop_runs_of(p, cid, 12, 9), 10);
    rewrite(p, cid, 11, "eleven");
    p.rollback(p.ctx);
    check_runs(p, cid, untouched, 4);
    check_head(p, 1, 10);
    begin(p);
    rewrite(p, cid, 1, "one");
    assert_int_equal(drop_runs_of(p, cid, 9, 9), 9);
    p = restarted(state); /* without a commit */
    check_runs(p, cid, untouched, 4);
    check_head(p, 1, 10);
}

/* It may take several calls (FP_EBUSY: try again). */
static void scrub_all(struct store_port p)
{
    enum fp_err err = FP_EBUSY;

    for (size_t i = 0; err == FP_EBUSY; i++) {
        assert_true(i < 1000);
        err = p.scrub(p.ctx);
    }
    assert_int_equal(err, FP_OK);
}

static void a_scrub_changes_nothing_that_can_be_read(void **state)
{
    struct store_port p = port_of(state);
    static const struct want_run after[] = {{4, 9, "*"}, {10, 10, NULL}};

    scrub_all(p); /* of an empty store, and with nothing to do */
    const uint64_t cid = two_convs(p);
    begin(p);
    rewrite(p, cid, 4, "*");
    assert_int_equal(drop_runs_of(p, cid, 3, 9), 3);
    commit(p);
    scrub_all(p);
    scrub_all(p);
    check_runs(p, cid, after, 2);
    check_runs(p, cid + 1, untouched, 4);
    p = restarted(state);
    check_runs(p, cid, after, 2);
    check_head(p, 1, 10);
    check_runs(p, cid + 1, untouched, 4);
}

static void a_scrub_in_a_transaction_is_refused_and_the_transaction_stays(void **state)
{
    struct store_port p = port_of(state);

    begin(p);
    (void)add_conv(p, 1, 1);
    assert_int_equal(p.scrub(p.ctx), FP_ECORRUPT);
    commit(p);
    assert_true(has_conv(p, 1));
}

const struct CMUnitTest store_cases_runs[] = {
    cmocka_unit_test(the_chain_is_that_of_the_last_run),
    cmocka_unit_test(the_chain_comes_with_every_listing_of_conversations),
    cmocka_unit_test(a_rewritten_run_has_other_bytes_and_keeps_the_rest),
    cmocka_unit_test(only_the_seq_that_a_run_begins_at_names_it),
    cmocka_unit_test(runs_are_dropped_oldest_first_whole_and_up_to_the_limit),
    cmocka_unit_test(the_last_run_is_never_dropped),
    cmocka_unit_test(a_rollback_takes_rewriting_and_dropping_back),
    cmocka_unit_test(a_scrub_changes_nothing_that_can_be_read),
    cmocka_unit_test(a_scrub_in_a_transaction_is_refused_and_the_transaction_stays),
    {.name = NULL},
};
