/* The trunk's rows as they lie in the file: nothing is left of a body that has gone up, and what it costs does not grow with the log. */
#include "tests/unit/sqlite/store_fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include "plugin/sqlite/sqlite_db.h"
#include "plugin/sqlite/sqlite_impl.h"

#define COUNT 600
#define BODY_MAX 12016

static const char secret[] = "TopSecret-0451!!"; /* 16 bytes, over and over: any 31 bytes of a body hold it whole */
static const char plain[] = "harmless........";

static struct fp_bytes body_of(const char *text, size_t len)
{
    static uint8_t body[BODY_MAX];

    for (size_t i = 0; i < len; i += 16) {
        memcpy(body + i, text, 16);
    }
    return fp_bytes_of(body, len);
}

static size_t size_of(uint64_t n)
{
    static const size_t sizes[] = {48, 100, 300, 300, 900, 2000, 3900, 4090, 12000}; /* in a cell, about a page, in overflow pages */
    uint64_t r = n;

    return sizes[store_script_random(&r) % (sizeof sizes / sizeof sizes[0])];
}

static size_t count_in(const struct fixture *f, const char *name)
{
    char *bytes = NULL;
    size_t size = fixture_read(f, name, &bytes);
    size_t count = 0;

    for (size_t i = 0; i + 16 <= size; i++) {
        count += memcmp(bytes + i, secret, 16) == 0;
    }
    free(bytes);
    return count;
}

static size_t count_left(const struct fixture *f)
{
    return count_in(f, "hub.db") + count_in(f, "hub.db-wal");
}

static void begin(struct fixture *f)
{
    assert_int_equal(f->p.begin(f->p.ctx), FP_OK);
}

static void commit(struct fixture *f)
{
    assert_int_equal(f->p.commit(f->p.ctx), FP_OK);
}

/* The lanes take turns: the leaves of those before the last split in the middle of the tree. */
static const char *text_of(uint64_t n)
{
    return n % 3 == 0 ? secret : plain;
}

static struct store_branch branch_of(uint64_t n, uint64_t cid)
{
    return (struct store_branch){.device = store_script_id("d", n % 7), .n = n, .cid = cid, .lane = (uint8_t)(n % 4), .at = {n}};
}

static uint64_t fill(struct fixture *f)
{
    struct store_conv c = {.id = store_script_id("c", 1), .scope = store_script_id("s", 1)};

    assert_int_equal(fixture_open(f), FP_OK);
    begin(f);
    assert_int_equal(f->p.save_conv(f->p.ctx, &c, fp_bytes_of("", 0), fp_bytes_of("", 0)), FP_OK);
    commit(f);
    for (uint64_t n = 1; n <= COUNT; n++) {
        struct store_record r = {.lane = (uint8_t)(n % 4), .record = body_of(text_of(n), size_of(n))};
        struct store_branch b = branch_of(n, c.cid);
        begin(f);
        assert_int_equal(f->p.add_record(f->p.ctx, &r), FP_OK);
        b.number = r.number;
        b.event = body_of(text_of(n), size_of(n + 1));
        assert_int_equal(f->p.save_branch(f->p.ctx, &b), FP_OK);
        commit(f);
    }
    return c.cid;
}

/* In some order, as answers come: all but a few of the harmless ones. */
static void settle_all(struct fixture *f, uint64_t cid)
{
    for (uint64_t i = 0; i < COUNT; i++) {
        uint64_t n = 1 + i * 7 % COUNT; /* no divisor of COUNT: each comes once */
        struct store_branch b = branch_of(n, cid);
        if (n % 10 == 1 && text_of(n) == plain) {
            continue;
        }
        b.settled = true;
        b.seq = i + 1;
        begin(f);
        assert_int_equal(f->p.save_branch(f->p.ctx, &b), FP_OK);
        commit(f);
    }
}

static void drop_all(struct fixture *f)
{
    bool more = true;

    for (uint8_t lane = 0; lane < 4; lane++) {
        for (more = true; more;) {
            begin(f);
            assert_int_equal(f->p.drop_records(f->p.ctx, lane, UINT64_MAX, 7, &more), FP_OK);
            commit(f);
        }
    }
}

static void check_sound(struct fixture *f)
{
    int64_t faults = -1;
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(sqlite_number(db, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'", &faults), SQLITE_OK);
    assert_int_equal(faults, 0);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static bool is_plain(void *arg, const struct store_branch *b)
{
    ++*(size_t *)arg;
    assert_true(b->event.len == size_of(b->n + 1));
    for (size_t i = 0; i < b->event.len; i++) {
        assert_int_equal(b->event.p[i], plain[i % 16]);
    }
    return true;
}

static void of_what_was_settled_and_dropped_nothing_is_left(void **state)
{
    struct fixture *f = *state;
    size_t open = 0;
    uint64_t cid = fill(f);

    assert_int_equal(f->p.scrub(f->p.ctx), FP_OK); /* nothing is due yet: what follows has to make it so */
    settle_all(f, cid);
    drop_all(f);
    assert_true(count_left(f) > 100);
    assert_int_equal(f->p.scrub(f->p.ctx), FP_OK);
    assert_int_equal(count_left(f), 0);
    assert_int_equal(f->p.each_branch(f->p.ctx, cid, is_plain, &open), FP_OK);
    assert_int_equal(open, COUNT / 10 - COUNT / 30);
    check_sound(f);
    fixture_close(f);
    assert_int_equal(count_left(f), 0);
}

static void either_alone_makes_a_scrub_due(void **state)
{
    struct fixture *f = *state;
    uint64_t cid = fill(f);

    drop_all(f);
    assert_int_equal(f->p.scrub(f->p.ctx), FP_OK);
    assert_true(count_left(f) > 0); /* the events of the branches */
    assert_false(f->store->scrub_due);
    settle_all(f, cid);
    assert_true(f->store->scrub_due);
    assert_int_equal(f->p.scrub(f->p.ctx), FP_OK);
    assert_int_equal(count_left(f), 0);
}

/* In pieces, while the site goes on: a round ends although more is dropped during it, and nothing slips through. */
static void a_round_ends_while_more_goes(void **state)
{
    struct fixture *f = *state;
    size_t pieces = 0;
    uint64_t cid = fill(f);
    uint64_t n = 0;
    struct store_branch again = branch_of(3, cid);
    enum fp_err err = FP_EBUSY;

    again.settled = true;
    settle_all(f, cid);
    for (; err == FP_EBUSY; pieces++) {
        bool more = false;
        assert_true(pieces < COUNT);
        begin(f);
        assert_int_equal(f->p.drop_records(f->p.ctx, (uint8_t)(n++ % 4), UINT64_MAX, COUNT, &more), FP_OK);
        assert_int_equal(f->p.save_branch(f->p.ctx, &again), FP_OK);
        commit(f);
        err = store_scrub(f->store, 9);
    }
    assert_int_equal(err, FP_OK);
    assert_true(pieces > 20);
    assert_int_equal(count_left(f), 0);
    check_sound(f);
}

/* Of a redaction all is gone before the start is over; these bytes come and go all the time, and wait for the next scrub. */
static void a_start_does_not_go_over_the_file_for_them(void **state)
{
    struct fixture *f = *state;

    for (int due = 1; due <= 2; due++) {
        (void)fill(f);
        drop_all(f);
        assert_true(f->store->scrub_due);
        fixture_close(f);
        fixture_sql(f, "DELETE FROM branch"); /* whatever was left, */
        fixture_sql(f, "VACUUM");
        assert_int_equal(count_left(f), 0);
        fixture_sql(f,
                    "PRAGMA secure_delete = OFF; INSERT INTO branch VALUES (1, x'026431', 1, 0, 0, 0, 0, 0, 0, 0, CAST('TopSecret-0451!!' AS BLOB));"
                    "DELETE FROM branch"); /* and now it is certain */
        assert_true(count_left(f) > 0);
        if (due == 1) {
            fixture_sql(f, "UPDATE meta SET scrub = 1");
        }
        assert_int_equal(fixture_open(f), FP_OK);
        assert_int_equal(count_left(f) > 0, due == 2);
        assert_int_equal(f->p.scrub(f->p.ctx), FP_OK);
        assert_int_equal(count_left(f), 0);
        fixture_close(f);
        assert_int_equal(remove(f->path), 0);
    }
}

static void what_we_never_write_is_told(void **state)
{
    struct fixture *f = *state;
    const struct fp_id relay = store_script_id("r", 1);
    const struct store_peer peer = {.relay = relay, .epoch = 3};
    struct store_branch b = branch_of(1, 0);
    struct store_peer got = {0};
    bool found = false;

    assert_int_equal(fixture_open(f), FP_OK);
    begin(f);
    assert_int_equal(f->p.save_peer(f->p.ctx, &peer), FP_OK);
    assert_int_equal(f->p.save_branch(f->p.ctx, &b), FP_OK);
    commit(f);
    fixture_close(f);
    fixture_sql(f, "UPDATE peer SET acked = x'00'; UPDATE branch SET lane = 4");
    assert_int_equal(fixture_open(f), FP_OK);
    assert_int_equal(f->p.load_peer(f->p.ctx, &relay, &got, &found), FP_ECORRUPT);
    assert_int_equal(f->p.load_branch(f->p.ctx, &b.device, 1, &b, &found), FP_ECORRUPT);
    begin(f);
    assert_int_equal(f->p.save_peer(f->p.ctx, &peer), FP_OK);
    commit(f);
    assert_int_equal(f->p.load_peer(f->p.ctx, &relay, &got, &found), FP_OK);
}

static void the_numbers_of_a_lane_end(void **state)
{
    struct fixture *f = *state;
    struct store_record r = {.lane = 1};

    assert_int_equal(fixture_open(f), FP_OK);
    fixture_close(f);
    fixture_sql(f, "INSERT INTO lane VALUES (1, (1 << 60) - 3)");
    assert_int_equal(fixture_open(f), FP_OK);
    begin(f);
    assert_int_equal(f->p.add_record(f->p.ctx, &r), FP_OK);
    commit(f);
    begin(f);
    assert_int_equal(f->p.add_record(f->p.ctx, &r), FP_EFULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(of_what_was_settled_and_dropped_nothing_is_left), TEST(either_alone_makes_a_scrub_due), TEST(a_round_ends_while_more_goes),
        TEST(a_start_does_not_go_over_the_file_for_them),      TEST(what_we_never_write_is_told),    TEST(the_numbers_of_a_lane_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
