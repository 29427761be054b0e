#include "tests/conformance/store_cases.h"

static bool get_person(struct store_port p, uint64_t number, struct store_person *out)
{
    struct fp_id user = store_script_id("u", number);
    bool found = true;

    assert_int_equal(p.load_person(p.ctx, &user, out, &found), FP_OK);
    return found;
}

static void check_person(struct store_port p, uint64_t number, const struct store_person *want)
{
    struct store_person read = {0};

    assert_true(get_person(p, number, &read));
    assert_true(fp_id_eq(&read.user, &want->user));
    assert_int_equal(read.last_seen.ms, want->last_seen.ms);
    assert_int_equal(read.status_until.ms, want->status_until.ms);
    assert_int_equal(read.version, want->version);
    assert_int_equal(read.open, want->open);
    assert_true(fp_bytes_eq(read.status, want->status));
    assert_true(fp_bytes_eq(read.policy, want->policy));
}

static void save_person(struct store_port p, const struct store_person *person)
{
    assert_int_equal(p.save_person(p.ctx, person), FP_OK);
}

/* Somebody of whom everything is known. */
static struct store_person somebody(uint64_t number)
{
    return (struct store_person){
        .user = store_script_id("u", number),
        .last_seen = {1700000000000},
        .status_until = {1700000060000},
        .version = 7,
        .open = true,
        .status = bytes_of("on the crane"),
        .policy = fp_bytes_of("\xa1\x01\x00", 3), /* with a zero byte in it */
    };
}

static void a_person_is_inserted_and_replaced(void **state)
{
    struct store_port p = port_of(state);
    struct store_person read = {0};
    struct store_person one = somebody(1);
    struct store_person other = somebody(12);

    assert_false(get_person(p, 1, &read));
    begin(p); /* no conversation is needed */
    save_person(p, &one);
    save_person(p, &other);
    check_person(p, 1, &one); /* the transaction's own */
    commit(p);
    p = restarted(state);
    check_person(p, 1, &one);
    one = (struct store_person){.user = one.user, .last_seen = {1}, .version = 8, .policy = bytes_of("p")};
    begin(p);
    save_person(p, &one);
    commit(p);
    p = restarted(state);
    check_person(p, 1, &one);
    check_person(p, 12, &other);
    assert_false(get_person(p, 2, &read));
}

static void a_person_may_have_no_status_and_no_policy(void **state)
{
    struct store_port p = port_of(state);
    struct store_person nothing = {.user = store_script_id("u", 1)};
    struct store_person empty = {.user = store_script_id("u", 2), .status = bytes_of(""), .policy = bytes_of("")};
    struct store_person read = {0};

    begin(p);
    save_person(p, &nothing);
    save_person(p, &empty);
    commit(p);
    p = restarted(state);
    check_person(p, 1, &nothing);
    check_person(p, 2, &empty);
    read.status = read.policy = bytes_of("what was there before");
    assert_true(get_person(p, 1, &read));
    assert_int_equal(read.status.len, 0);
    assert_int_equal(read.policy.len, 0);
    struct store_person one = somebody(1); /* and back */
    begin(p);
    save_person(p, &one);
    save_person(p, &nothing);
    commit(p);
    check_person(p, 1, &nothing);
}

static void a_person_has_large_bytes_as_they_came(void **state)
{
    struct store_port p = port_of(state);
    static uint8_t bytes[20000];
    struct store_person one = somebody(1);
    uint64_t r = 3;

    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)store_script_random(&r);
    }
    one.policy = fp_bytes_of(bytes, sizeof bytes);
    one.status = fp_bytes_of(bytes + 7, 9000);
    begin(p);
    save_person(p, &one);
    commit(p);
    p = restarted(state);
    check_person(p, 1, &one);
}

static void a_rollback_takes_people_back(void **state)
{
    struct store_port p = port_of(state);
    struct store_person one = somebody(1);
    struct store_person changed = {.user = one.user, .version = 9, .status = bytes_of("other")};
    struct store_person fresh = somebody(2);
    struct store_person read = {0};

    assert_int_equal(p.save_person(p.ctx, &one), FP_ECORRUPT); /* no transaction */
    assert_false(get_person(p, 1, &read));
    begin(p);
    save_person(p, &one);
    commit(p);
    begin(p);
    save_person(p, &changed);
    save_person(p, &changed);
    save_person(p, &fresh);
    save_person(p, &fresh);
    p.rollback(p.ctx);
    check_person(p, 1, &one);
    assert_false(get_person(p, 2, &read));
    begin(p);
    save_person(p, &changed);
    p = restarted(state); /* without a commit */
    check_person(p, 1, &one);
}

static struct store_timer timer(enum store_timer_kind kind, uint64_t owner, uint64_t seq, uint64_t due)
{
    return (struct store_timer){.kind = kind, .owner = store_script_id("o", owner), .seq = seq, .version = due + 1, .due = {due}};
}

static void save_timer(struct store_port p, struct store_timer t)
{
    assert_int_equal(p.save_timer(p.ctx, &t), FP_OK);
}

static enum fp_err drop_timer(struct store_port p, struct store_timer t)
{
    return p.drop_timer(p.ctx, t.kind, &t.owner, t.seq);
}

struct seen_timers {
    struct store_timer t[16];
    size_t count;
    size_t stop_after;
};

static bool see_timer(void *arg, const struct store_timer *t)
{
    struct seen_timers *s = arg;

    s->t[s->count++] = *t;
    return s->count != s->stop_after;
}

/* In this order; no two of a test are due at the same time. */
static void check_timers(struct store_port p, const struct store_timer *want, size_t count)
{
    struct seen_timers seen = {0};

    assert_int_equal(p.each_timer(p.ctx, see_timer, &seen), FP_OK);
    assert_int_equal(seen.count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(seen.t[i].kind, want[i].kind);
        assert_true(fp_id_eq(&seen.t[i].owner, &want[i].owner));
        assert_int_equal(seen.t[i].seq, want[i].seq);
        assert_int_equal(seen.t[i].version, want[i].version);
        assert_int_equal(seen.t[i].due.ms, want[i].due.ms);
    }
}

static void timers_come_by_due_whatever_they_are_of(void **state)
{
    struct store_port p = port_of(state);
    const struct store_timer by_due[] = {
        timer(STORE_TIMER_RETENTION, 3, 0, 5),       timer(STORE_TIMER_TTL, 1, 9, 40),
        timer(STORE_TIMER_STATUS, 20, 0, 300),       timer(STORE_TIMER_TTL, 1, 8, 1000),
        timer(STORE_TIMER_TTL, 2, 9, 1700000000000),
    };
    static const size_t saved[] = {3, 0, 4, 2, 1};
    struct seen_timers some = {.stop_after = 2};

    check_timers(p, NULL, 0);
    begin(p);
    for (size_t i = 0; i < sizeof saved / sizeof saved[0]; i++) {
        save_timer(p, by_due[saved[i]]);
    }
    check_timers(p, by_due, 5); /* the transaction's own */
    commit(p);
    p = restarted(state);
    check_timers(p, by_due, 5);
    assert_int_equal(p.each_timer(p.ctx, see_timer, &some), FP_OK);
    assert_int_equal(some.count, 2);
}

static void timers_of_the_same_time_all_come(void **state)
{
    struct store_port p = port_of(state);
    struct seen_timers seen = {0};

    begin(p);
    for (uint64_t i = 0; i < 4; i++) {
        save_timer(p, timer(STORE_TIMER_TTL, i % 2, i / 2, 50));
        save_timer(p, timer(STORE_TIMER_STATUS, i, 0, 50));
    }
    commit(p);
    assert_int_equal(p.each_timer(p.ctx, see_timer, &seen), FP_OK);
    assert_int_equal(seen.count, 8);
}

static void a_timer_is_replaced_by_one_of_the_same_kind_owner_and_seq(void **state)
{
    struct store_port p = port_of(state);
    const struct store_timer first = timer(STORE_TIMER_TTL, 1, 5, 10);
    const struct store_timer later = timer(STORE_TIMER_TTL, 1, 5, 99);
    const struct store_timer beside[] = {timer(STORE_TIMER_TTL, 1, 6, 20), timer(STORE_TIMER_TTL, 2, 5, 30), timer(STORE_TIMER_RETENTION, 1, 5, 40)};

    begin(p);
    save_timer(p, first);
    for (size_t i = 0; i < 3; i++) {
        save_timer(p, beside[i]);
    }
    commit(p);
    begin(p);
    save_timer(p, later);
    commit(p);
    p = restarted(state);
    check_timers(p, (const struct store_timer[]){beside[0], beside[1], beside[2], later}, 4);
}

static void a_dropped_timer_is_gone(void **state)
{
    struct store_port p = port_of(state);
    const struct store_timer gone = timer(STORE_TIMER_TTL, 1, 5, 10);
    const struct store_timer stays[] = {timer(STORE_TIMER_TTL, 1, 6, 20), timer(STORE_TIMER_TTL, 2, 5, 30), timer(STORE_TIMER_RETENTION, 1, 5, 40)};

    begin(p);
    save_timer(p, gone);
    for (size_t i = 0; i < 3; i++) {
        save_timer(p, stays[i]);
    }
    commit(p);
    begin(p);
    assert_int_equal(drop_timer(p, gone), FP_OK);
    assert_int_equal(drop_timer(p, gone), FP_OK); /* fine where there is none */
    assert_int_equal(drop_timer(p, timer(STORE_TIMER_STATUS, 77, 0, 0)), FP_OK);
    check_timers(p, stays, 3);
    commit(p);
    p = restarted(state);
    check_timers(p, stays, 3);
    begin(p);
    save_timer(p, gone); /* and comes again */
    commit(p);
    check_timers(p, (const struct store_timer[]){gone, stays[0], stays[1], stays[2]}, 4);
}

static void a_rollback_takes_timers_back(void **state)
{
    struct store_port p = port_of(state);
    const struct store_timer before[] = {timer(STORE_TIMER_TTL, 1, 5, 10), timer(STORE_TIMER_TTL, 1, 6, 20)};

    assert_int_equal(p.save_timer(p.ctx, &before[0]), FP_ECORRUPT); /* no transaction */
    begin(p);
    save_timer(p, before[0]);
    save_timer(p, before[1]);
    commit(p);
    assert_int_equal(drop_timer(p, before[0]), FP_ECORRUPT); /* no transaction */
    begin(p);
    save_timer(p, timer(STORE_TIMER_TTL, 1, 5, 70));
    assert_int_equal(drop_timer(p, before[0]), FP_OK);
    save_timer(p, timer(STORE_TIMER_TTL, 1, 5, 80));
    assert_int_equal(drop_timer(p, before[1]), FP_OK);
    save_timer(p, timer(STORE_TIMER_STATUS, 9, 0, 1));
    p.rollback(p.ctx);
    check_timers(p, before, 2);
    begin(p);
    assert_int_equal(drop_timer(p, before[0]), FP_OK);
    p = restarted(state); /* without a commit */
    check_timers(p, before, 2);
}

const struct CMUnitTest store_cases_people[] = {
    cmocka_unit_test(a_person_is_inserted_and_replaced),
    cmocka_unit_test(a_person_may_have_no_status_and_no_policy),
    cmocka_unit_test(a_person_has_large_bytes_as_they_came),
    cmocka_unit_test(a_rollback_takes_people_back),
    cmocka_unit_test(timers_come_by_due_whatever_they_are_of),
    cmocka_unit_test(timers_of_the_same_time_all_come),
    cmocka_unit_test(a_timer_is_replaced_by_one_of_the_same_kind_owner_and_seq),
    cmocka_unit_test(a_dropped_timer_is_gone),
    cmocka_unit_test(a_rollback_takes_timers_back),
    {.name = NULL},
};
