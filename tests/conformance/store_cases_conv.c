#include <stdlib.h>

#include "tests/conformance/store_cases.h"

static void nothing_is_found_in_an_empty_store(void **state)
{
    struct store_port p = port_of(state);
    struct fp_bytes title = {0};
    struct fp_bytes context = {0};

    assert_false(has_conv(p, 1));
    assert_int_equal(p.load_about(p.ctx, 1, &title, &context), FP_ECORRUPT);
}

static void a_committed_conversation_is_there_after_a_restart(void **state)
{
    struct store_port p = port_of(state);
    struct store_conv c = {.id = store_script_id("c", 1), .scope = store_script_id("s", 2), .floor = 3, .about_seq = 4, .retention_days = 5};
    memset(c.floor_chain, 6, sizeof c.floor_chain);
    struct fp_bytes title = {0};
    struct fp_bytes context = {0};

    begin(p);
    assert_int_equal(p.save_conv(p.ctx, &c, bytes_of("title"), bytes_of("context")), FP_OK);
    commit(p);
    p = restarted(state);

    struct store_conv read = get_conv(p, 1);
    assert_int_equal(read.cid, c.cid);
    assert_true(fp_id_eq(&read.scope, &c.scope));
    assert_int_equal(read.floor, 3);
    assert_memory_equal(read.floor_chain, c.floor_chain, sizeof c.floor_chain);
    assert_int_equal(read.about_seq, 4);
    assert_int_equal(read.retention_days, 5);
    assert_int_equal(read.head, 3); /* T3 */
    assert_memory_equal(read.chain, c.floor_chain, sizeof c.floor_chain);
    assert_int_equal(p.load_about(p.ctx, c.cid, &title, &context), FP_OK);
    assert_true(fp_bytes_eq(title, bytes_of("title")));
    assert_true(fp_bytes_eq(context, bytes_of("context")));
}

/* Retention moves the floor, and keeps the chain there with it. */
static void the_chain_at_the_floor_is_kept_until_it_is_saved_anew(void **state)
{
    struct store_port p = port_of(state);
    static const uint8_t zeros[32];
    struct store_conv want = {.floor_chain = {[0] = 7, [31] = 9}};

    begin(p);
    uint64_t cid = add_conv(p, 1, 1);
    assert_int_equal(add_run(p, cid, 1, 3), FP_OK);
    commit(p);
    struct store_conv c = get_conv(p, 1);
    assert_memory_equal(c.floor_chain, zeros, sizeof zeros);
    c.floor = 2;
    memcpy(c.floor_chain, want.floor_chain, sizeof c.floor_chain);
    begin(p);
    assert_int_equal(p.save_conv(p.ctx, &c, (struct fp_bytes){0}, (struct fp_bytes){0}), FP_OK);
    commit(p);
    begin(p);
    assert_int_equal(add_run(p, cid, 4, 5), FP_OK); /* is not append()'s to change */
    commit(p);
    begin(p);
    memset(c.floor_chain, 1, sizeof c.floor_chain);
    assert_int_equal(p.save_conv(p.ctx, &c, (struct fp_bytes){0}, (struct fp_bytes){0}), FP_OK);
    assert_memory_equal(get_conv(p, 1).floor_chain, c.floor_chain, sizeof c.floor_chain);
    p.rollback(p.ctx);
    p = restarted(state);
    c = get_conv(p, 1);
    assert_int_equal(c.floor, 2);
    assert_int_equal(c.head, 5);
    assert_memory_equal(c.floor_chain, want.floor_chain, sizeof want.floor_chain);
}

static void a_save_without_a_transaction_is_refused(void **state)
{
    struct store_port p = port_of(state);
    struct store_conv c = {.id = store_script_id("c", 1), .scope = store_script_id("s", 1)};

    assert_int_equal(p.save_conv(p.ctx, &c, bytes_of(""), bytes_of("")), FP_ECORRUPT);
    assert_int_equal(p.commit(p.ctx), FP_ECORRUPT);
    p.rollback(p.ctx);
    assert_false(has_conv(p, 1));
}

static void a_transaction_in_a_transaction_is_refused_and_the_outer_one_stays(void **state)
{
    struct store_port p = port_of(state);

    begin(p);
    (void)add_conv(p, 1, 1);
    assert_int_equal(p.begin(p.ctx), FP_ECORRUPT);
    commit(p);
    assert_true(has_conv(p, 1));
}

static void a_rollback_takes_everything_back(void **state)
{
    struct store_port p = port_of(state);

    begin(p);
    uint64_t cid = add_conv(p, 1, 1);
    assert_int_equal(add_run(p, cid, 1, 3), FP_OK);
    commit(p);

    begin(p);
    struct store_conv c = get_conv(p, 1);
    c.floor = 2;
    assert_int_equal(p.save_conv(p.ctx, &c, bytes_of("other"), (struct fp_bytes){0}), FP_OK);
    assert_int_equal(add_run(p, cid, 4, 4), FP_OK);
    (void)add_conv(p, 2, 1);
    assert_int_equal(get_conv(p, 1).head, 4); /* a load sees the transaction's own changes */
    assert_int_equal(get_conv(p, 1).floor, 2);
    p.rollback(p.ctx);

    struct fp_bytes title = {0};
    struct fp_bytes context = {0};
    assert_int_equal(get_conv(p, 1).head, 3);
    assert_int_equal(get_conv(p, 1).floor, 0);
    assert_false(has_conv(p, 2));
    assert_int_equal(p.load_about(p.ctx, cid, &title, &context), FP_OK);
    assert_true(fp_bytes_eq(title, bytes_of("title")));
    begin(p);
    assert_int_equal(add_run(p, cid, 4, 5), FP_OK);
    commit(p);
}

static void a_restart_drops_the_open_transaction(void **state)
{
    struct store_port p = port_of(state);

    begin(p);
    (void)add_conv(p, 1, 1);
    p = restarted(state);
    assert_false(has_conv(p, 1));
}

static void an_update_keeps_what_it_does_not_name(void **state)
{
    struct store_port p = port_of(state);
    struct fp_bytes title = {0};
    struct fp_bytes context = {0};

    begin(p);
    uint64_t cid = add_conv(p, 1, 1);
    assert_int_equal(add_run(p, cid, 1, 2), FP_OK);
    struct store_conv c = {.cid = cid, .id = store_script_id("c", 1), .scope = store_script_id("s", 1), .about_seq = 2};
    assert_int_equal(p.save_conv(p.ctx, &c, bytes_of("new"), (struct fp_bytes){0}), FP_OK);
    commit(p);
    assert_int_equal(p.load_about(p.ctx, cid, &title, &context), FP_OK);
    assert_true(fp_bytes_eq(title, bytes_of("new")));
    assert_true(fp_bytes_eq(context, bytes_of("context")));
    assert_int_equal(get_conv(p, 1).about_seq, 2);
    assert_int_equal(get_conv(p, 1).head, 2); /* append() alone changes it */
}

static void a_second_conversation_of_that_name_is_refused_with_all_before_it(void **state)
{
    struct store_port p = port_of(state);
    struct store_conv again = {.id = store_script_id("c", 1), .scope = store_script_id("s", 1)};

    begin(p);
    (void)add_conv(p, 1, 1);
    commit(p);
    begin(p);
    (void)add_conv(p, 2, 1);
    assert_int_equal(p.save_conv(p.ctx, &again, bytes_of(""), bytes_of("")), FP_ECORRUPT);
    assert_int_equal(p.commit(p.ctx), FP_ECORRUPT); /* T2: the transaction is gone */
    assert_false(has_conv(p, 2));
}

static void runs_are_contiguous(void **state)
{
    struct store_port p = port_of(state);
    static const struct {
        uint64_t first, last;
    } bad[] = {{1, 1}, {2, 2}, {4, 4}, {0, 3}, {3, 2}};

    begin(p);
    uint64_t cid = add_conv(p, 1, 1);
    assert_int_equal(add_run(p, cid, 1, 2), FP_OK);
    commit(p);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) { /* T3 */
        begin(p);
        (void)add_conv(p, 2, 1);
        assert_int_equal(add_run(p, cid, bad[i].first, bad[i].last), FP_ECORRUPT);
        p.rollback(p.ctx);
        assert_false(has_conv(p, 2)); /* T2 */
        assert_int_equal(get_conv(p, 1).head, 2);
    }
}

static void a_run_needs_its_conversation(void **state)
{
    struct store_port p = port_of(state);

    begin(p);
    assert_int_equal(add_run(p, 77, 1, 1), FP_ECORRUPT);
    begin(p);
    assert_int_equal(add_run(p, UINT64_MAX, 1, 1), FP_ECORRUPT);
    struct store_conv c = {.cid = 77, .id = store_script_id("c", 1), .scope = store_script_id("s", 1)};
    begin(p);
    assert_int_equal(p.save_conv(p.ctx, &c, bytes_of(""), bytes_of("")), FP_ECORRUPT);
}

static void head_msgs_and_at_are_those_of_the_last_run(void **state)
{
    struct store_port p = port_of(state);
    const struct store_run run = {.first = 3, .last = 9, .msgs = 5, .at = {123456}, .events = bytes_of("x")};
    struct store_run mine = run;

    begin(p);
    mine.cid = add_conv(p, 1, 1);
    assert_int_equal(add_run(p, mine.cid, 1, 2), FP_OK);
    assert_int_equal(p.append(p.ctx, &mine), FP_OK);
    (void)add_conv(p, 2, 1);
    commit(p);
    struct store_conv c = get_conv(p, 1);
    assert_int_equal(c.head, 9);
    assert_int_equal(c.msgs, 5);
    assert_int_equal(c.at.ms, 123456);
    assert_int_equal(get_conv(p, 2).head, 0);
}

struct seen_runs {
    uint64_t first[16];
    uint64_t last[16];
    size_t count;
    size_t stop_after;
};

static bool see_run(void *arg, const struct store_run *run)
{
    struct seen_runs *s = arg;

    s->first[s->count] = run->first;
    s->last[s->count++] = run->last;
    return s->count != s->stop_after;
}

static void check_runs(struct store_port p, uint64_t cid, const uint64_t range[2], const uint64_t *firsts, size_t count)
{
    struct seen_runs seen = {0};

    assert_int_equal(p.each_run(p.ctx, cid, range[0], range[1], see_run, &seen), FP_OK);
    assert_int_equal(seen.count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(seen.first[i], firsts[i]);
    }
}

static void a_range_brings_the_runs_that_hold_any_of_it(void **state)
{
    struct store_port p = port_of(state);

    begin(p);
    uint64_t other = add_conv(p, 1, 1);
    uint64_t cid = add_conv(p, 2, 1);
    uint64_t empty = add_conv(p, 3, 1);
    assert_int_equal(add_run(p, other, 1, 50), FP_OK);
    assert_int_equal(add_run(p, cid, 1, 1), FP_OK);
    assert_int_equal(add_run(p, cid, 2, 10), FP_OK);
    assert_int_equal(add_run(p, cid, 11, 12), FP_OK);
    commit(p);
    check_runs(p, cid, (uint64_t[]){1, 12}, (uint64_t[]){1, 2, 11}, 3);
    check_runs(p, cid, (uint64_t[]){0, UINT64_MAX}, (uint64_t[]){1, 2, 11}, 3);
    check_runs(p, cid, (uint64_t[]){5, 6}, (uint64_t[]){2}, 1);
    check_runs(p, cid, (uint64_t[]){10, 11}, (uint64_t[]){2, 11}, 2);
    check_runs(p, cid, (uint64_t[]){12, 99}, (uint64_t[]){11}, 1);
    check_runs(p, cid, (uint64_t[]){13, 99}, NULL, 0);
    check_runs(p, cid, (uint64_t[]){6, 5}, NULL, 0);
    check_runs(p, empty, (uint64_t[]){1, 9}, NULL, 0);
    check_runs(p, 99, (uint64_t[]){1, 9}, NULL, 0);
    check_runs(p, UINT64_MAX, (uint64_t[]){1, 9}, NULL, 0);

    struct seen_runs seen = {.stop_after = 2};
    assert_int_equal(p.each_run(p.ctx, cid, 1, 12, see_run, &seen), FP_OK);
    assert_int_equal(seen.count, 2);
}

struct expected {
    struct fp_bytes bytes;
    size_t hits;
};

static bool same_events(void *arg, const struct store_run *run)
{
    struct expected *e = arg;

    e->hits += fp_bytes_eq(run->events, e->bytes);
    return true;
}

static void bytes_come_back_as_they_were_whatever_their_length(void **state)
{
    struct store_port p = port_of(state);
    static const size_t sizes[] = {0, 1, 400, 4000, 4096, 4097, 49152, 1 << 20};
    uint8_t *big = malloc(1 << 20);
    uint64_t r = 1;

    assert_non_null(big);
    for (size_t i = 0; i < 1 << 20; i++) {
        big[i] = (uint8_t)store_script_random(&r);
    }
    begin(p);
    uint64_t cid = add_conv(p, 1, 1);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        const struct store_run run = {.cid = cid, .first = i + 1, .last = i + 1, .events = fp_bytes_of(big, sizes[i])};
        assert_int_equal(p.append(p.ctx, &run), FP_OK);
    }
    commit(p);
    p = restarted(state);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct expected e = {.bytes = fp_bytes_of(big, sizes[i])};
        assert_int_equal(p.each_run(p.ctx, cid, i + 1, i + 1, same_events, &e), FP_OK);
        assert_int_equal(e.hits, 1);
    }
    free(big);
}

struct seen_convs {
    struct store_conv c[16];
    size_t count;
};

static bool see_conv(void *arg, const struct store_conv *c)
{
    struct seen_convs *s = arg;

    s->c[s->count++] = *c;
    return true;
}

static void conversations_come_in_pages_by_number(void **state)
{
    struct store_port p = port_of(state);
    uint64_t cid[5];
    struct seen_convs seen = {0};

    begin(p);
    for (uint64_t i = 0; i < 5; i++) {
        cid[i] = add_conv(p, 9 - i, i);
    }
    assert_int_equal(add_run(p, cid[1], 1, 7), FP_OK);
    commit(p);
    assert_int_equal(p.each_conv(p.ctx, 0, 3, see_conv, &seen), FP_OK);
    assert_int_equal(seen.count, 3);
    assert_int_equal(p.each_conv(p.ctx, seen.c[2].cid, 3, see_conv, &seen), FP_OK);
    assert_int_equal(seen.count, 5);
    for (uint64_t i = 0; i < 5; i++) {
        assert_int_equal(seen.c[i].cid, cid[i]);
        assert_int_equal(seen.c[i].head, i == 1 ? 7 : 0);
    }
    assert_int_equal(p.each_conv(p.ctx, UINT64_MAX, SIZE_MAX, see_conv, &seen), FP_OK);
    assert_int_equal(p.each_conv(p.ctx, 0, 0, see_conv, &seen), FP_OK);
    assert_int_equal(seen.count, 5);
}

const struct CMUnitTest store_cases_conv[] = {
    cmocka_unit_test(nothing_is_found_in_an_empty_store),
    cmocka_unit_test(a_committed_conversation_is_there_after_a_restart),
    cmocka_unit_test(the_chain_at_the_floor_is_kept_until_it_is_saved_anew),
    cmocka_unit_test(a_save_without_a_transaction_is_refused),
    cmocka_unit_test(a_transaction_in_a_transaction_is_refused_and_the_outer_one_stays),
    cmocka_unit_test(a_rollback_takes_everything_back),
    cmocka_unit_test(a_restart_drops_the_open_transaction),
    cmocka_unit_test(an_update_keeps_what_it_does_not_name),
    cmocka_unit_test(a_second_conversation_of_that_name_is_refused_with_all_before_it),
    cmocka_unit_test(runs_are_contiguous),
    cmocka_unit_test(a_run_needs_its_conversation),
    cmocka_unit_test(head_msgs_and_at_are_those_of_the_last_run),
    cmocka_unit_test(a_range_brings_the_runs_that_hold_any_of_it),
    cmocka_unit_test(bytes_come_back_as_they_were_whatever_their_length),
    cmocka_unit_test(conversations_come_in_pages_by_number),
    {.name = NULL},
};
