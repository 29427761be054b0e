#include "tests/unit/sqlite/store_fixture.h"

#include <stdio.h>

#include "plugin/sqlite/sqlite_db.h"

#define ADVANCES 500
#define USERS 24

/* One member's advances, as they were told. */
struct told {
    size_t count;
    struct store_advance a[ADVANCES];
};

static uint64_t open_conv(struct fixture *f)
{
    struct store_conv c = {.id = store_script_id("c", 1), .scope = store_script_id("s", 1)};

    assert_int_equal(fixture_open(f), FP_OK);
    assert_int_equal(f->p.begin(f->p.ctx), FP_OK);
    assert_int_equal(f->p.save_conv(f->p.ctx, &c, fp_bytes_of("", 0), fp_bytes_of("", 0)), FP_OK);
    assert_int_equal(f->p.commit(f->p.ctx), FP_OK);
    return c.cid;
}

/* As members read: mostly message by message, seconds to days apart. */
static void tell(struct fixture *f, uint64_t cid, uint64_t user, uint64_t seed, struct told *out)
{
    uint64_t r = seed;
    struct store_advance a = {.cid = cid, .user = store_script_id("user", user), .kind = STORE_ADVANCE_READ, .at = {UINT64_C(1767225600000)}};

    assert_int_equal(f->p.begin(f->p.ctx), FP_OK);
    for (out->count = 0; out->count < ADVANCES; out->count++) {
        a.seq += 1 + (store_script_random(&r) % 4 == 0 ? store_script_random(&r) % 300 : 0);
        a.at.ms += store_script_random(&r) % (store_script_random(&r) % 8 == 0 ? 200000000 : 900000);
        assert_int_equal(f->p.add_advance(f->p.ctx, &a), FP_OK);
        out->a[out->count] = a;
    }
    assert_int_equal(f->p.commit(f->p.ctx), FP_OK);
}

static void check_find(struct fixture *f, const struct store_advance *like, uint64_t seq, const struct store_advance *want)
{
    struct fp_wall at = {7};
    bool found = !want;

    assert_int_equal(f->p.find_advance(f->p.ctx, like->cid, &like->user, like->kind, seq, &at, &found), FP_OK);
    assert_int_equal(found, want != NULL);
    if (want) {
        assert_int_equal(at.ms, want->at.ms);
    }
}

static void every_seq_is_found_where_the_horizon_first_reached_it(void **state)
{
    struct fixture *f = *state;
    static struct told told;
    uint64_t cid = open_conv(f);
    uint64_t seq = 1;

    tell(f, cid, 7, 1, &told);
    for (size_t i = 0; i < told.count; i++) {
        for (; seq <= told.a[i].seq; seq++) {
            check_find(f, told.a, seq, &told.a[i]);
        }
    }
    check_find(f, told.a, seq, NULL); /* not yet */
    check_find(f, told.a, UINT64_MAX, NULL);
    struct store_advance other = told.a[0];
    other.kind = STORE_ADVANCE_DELIVERED;
    check_find(f, &other, 1, NULL);
}

static void a_clock_that_was_set_back_is_told_as_it_was(void **state)
{
    struct fixture *f = *state;
    struct store_advance a = {.cid = open_conv(f), .user = store_script_id("u", 1), .seq = 1, .at = {1000}};
    const struct store_advance later = {.cid = a.cid, .user = a.user, .seq = INT64_MAX, .at = {3}};

    assert_int_equal(f->p.begin(f->p.ctx), FP_OK);
    assert_int_equal(f->p.add_advance(f->p.ctx, &a), FP_OK);
    assert_int_equal(f->p.add_advance(f->p.ctx, &later), FP_OK);
    assert_int_equal(f->p.commit(f->p.ctx), FP_OK);
    check_find(f, &a, 1, &a);
    check_find(f, &a, 2, &later);
}

static int64_t used_bytes(struct fixture *f)
{
    sqlite3 *db = NULL;
    int64_t pages = 0;

    fixture_close(f);
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(sqlite_number(db, "SELECT page_count FROM pragma_page_count", &pages), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_int_equal(fixture_open(f), FP_OK);
    return pages * 4096;
}

static void an_advance_costs_a_few_bytes(void **state)
{
    struct fixture *f = *state;
    static struct told told;
    uint64_t cid = open_conv(f);
    int64_t before = used_bytes(f);

    for (uint64_t user = 0; user < USERS; user++) {
        tell(f, cid, 1000000 + user, user, &told);
    }
    double each = (double)(used_bytes(f) - before) / (USERS * ADVANCES);
    print_message("%.1f bytes of file an advance\n", each);
    assert_true(each <= 24);
}

static void a_horizon_that_does_not_ascend_is_refused(void **state)
{
    struct fixture *f = *state;
    static struct told told;
    uint64_t cid = open_conv(f);

    tell(f, cid, 7, 3, &told);
    assert_int_equal(f->p.begin(f->p.ctx), FP_OK);
    assert_int_equal(f->p.add_advance(f->p.ctx, &told.a[ADVANCES - 1]), FP_ECORRUPT);
    assert_int_equal(f->p.commit(f->p.ctx), FP_ECORRUPT); /* rolled back whole */
    check_find(f, told.a, 1, &told.a[0]);
    struct store_advance stray = {.cid = cid + 1, .user = store_script_id("u", 1), .seq = 1};
    assert_int_equal(f->p.add_advance(f->p.ctx, &stray), FP_ECORRUPT); /* outside of a transaction */
    assert_int_equal(f->p.begin(f->p.ctx), FP_OK);
    assert_int_equal(f->p.add_advance(f->p.ctx, &stray), FP_ECORRUPT); /* no such conversation */
}

static size_t trim(struct fixture *f, uint64_t cid, uint64_t upto, size_t limit)
{
    bool more = true;
    size_t calls = 0;

    for (; more; calls++) {
        assert_true(calls < 10000);
        assert_int_equal(f->p.begin(f->p.ctx), FP_OK);
        assert_int_equal(f->p.trim_advances(f->p.ctx, cid, upto, limit, &more), FP_OK);
        assert_int_equal(f->p.commit(f->p.ctx), FP_OK);
    }
    return calls;
}

static void what_tells_of_later_events_stays_when_the_rest_is_trimmed(void **state)
{
    struct fixture *f = *state;
    static struct told told[3];
    uint64_t cid = open_conv(f);

    for (size_t i = 0; i < 3; i++) {
        tell(f, cid, 7 + 50 * i, i, &told[i]);
    }
    uint64_t upto = told[0].a[250].seq;
    assert_true(trim(f, cid, upto, 2) > 5); /* in pieces */
    for (size_t i = 0; i < 3; i++) {
        for (size_t k = 0; k < ADVANCES; k++) {
            if (told[i].a[k].seq > upto) {
                check_find(f, &told[i].a[k], told[i].a[k].seq, &told[i].a[k]);
            }
        }
    }
    (void)trim(f, cid, UINT64_MAX, SIZE_MAX);
    for (size_t i = 0; i < 3; i++) {
        check_find(f, told[i].a, 1, NULL);
        check_find(f, told[i].a, told[i].a[ADVANCES - 1].seq, NULL);
    }
}

static void a_trim_that_was_rolled_back_begins_anew(void **state)
{
    struct fixture *f = *state;
    static struct told told;
    uint64_t cid = open_conv(f);
    bool more = false;

    tell(f, cid, 7, 1, &told);
    assert_int_equal(f->p.begin(f->p.ctx), FP_OK);
    assert_int_equal(f->p.trim_advances(f->p.ctx, cid, UINT64_MAX, 3, &more), FP_OK);
    assert_true(more);
    f->p.rollback(f->p.ctx);
    check_find(f, told.a, 1, &told.a[0]);
    (void)trim(f, cid, UINT64_MAX, 4);
    check_find(f, told.a, 1, NULL);
}

static void a_row_that_holds_what_we_never_write_is_corrupt(void **state)
{
    struct fixture *f = *state;
    static const char *const bad[] = {
        "x'80'",                                                      /* a number is cut off */
        "x'01'",                                                      /* half a pair */
        "x'0001'",                                                    /* no step */
        "x'ffffffffffffffffff0201'",                                  /* more than 64 bits */
        "x'ffffffffffffffffffff01'",                                  /* for ever */
        "x'01010101feffffffffffffffff0101'",                          /* the seq wraps round */
        "zeroblob(2000)",                                             /* longer than any row of ours */
        "CAST(replace(hex(zeroblob(49)), '00', char(1, 1)) AS BLOB)", /* one pair too many */
    };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct store_advance a = {.cid = i == 0 ? open_conv(f) : 1, .user = store_script_id("u", 1), .seq = 100 + i, .at = {5}};
        char sql[256];
        struct fp_wall at = {0};
        bool found = false;
        fixture_close(f);
        (void)snprintf(sql, sizeof sql, "DELETE FROM advance; INSERT INTO advance VALUES (1, x'027531', 0, 1, 1, %s)", bad[i]);
        fixture_sql(f, sql);
        assert_int_equal(fixture_open(f), FP_OK);
        assert_int_equal(f->p.find_advance(f->p.ctx, 1, &a.user, STORE_ADVANCE_DELIVERED, INT64_MAX, &at, &found), FP_ECORRUPT);
        assert_int_equal(f->p.begin(f->p.ctx), FP_OK);
        assert_int_equal(f->p.add_advance(f->p.ctx, &a), FP_ECORRUPT);
        assert_int_equal(f->p.begin(f->p.ctx), FP_OK); /* the one before is gone */
        assert_int_equal(f->p.trim_advances(f->p.ctx, 1, 0, 10, &found), FP_ECORRUPT);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_seq_is_found_where_the_horizon_first_reached_it),
        TEST(a_clock_that_was_set_back_is_told_as_it_was),
        TEST(an_advance_costs_a_few_bytes),
        TEST(a_horizon_that_does_not_ascend_is_refused),
        TEST(what_tells_of_later_events_stays_when_the_rest_is_trimmed),
        TEST(a_trim_that_was_rolled_back_begins_anew),
        TEST(a_row_that_holds_what_we_never_write_is_corrupt),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
