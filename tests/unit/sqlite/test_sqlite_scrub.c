/* What was redacted or dropped is in no file of the store any more, wherever SQLite has carried it in the meantime. */
#include "tests/unit/sqlite/store_fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include "plugin/sqlite/sqlite_db.h"
#include "plugin/sqlite/sqlite_impl.h"
#include "tests/support/lossy_vfs.h"

#define CONVS 14
#define RUNS 700
#define BODY_MAX 13000

static const char secret[] = "TopSecret-0451!!"; /* 16 bytes, over and over: any 31 bytes of a body hold it whole */
static const char plain[] = "harmless........";

struct world {
    struct fixture *f;
    uint64_t cid[CONVS];
    uint64_t head[CONVS];
    struct {
        uint64_t cid, first;
        bool secret;
    } run[RUNS * 2];
    size_t runs;
    uint8_t body[BODY_MAX + 16];
};

static struct fp_bytes body_of(struct world *w, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i += 16) {
        memcpy(w->body + i, text, 16);
    }
    return fp_bytes_of(w->body, len);
}

static size_t any_size(uint64_t *r)
{
    static const size_t sizes[] = {48, 100, 300, 300, 900, 2000, 3900, 4090, 12000}; /* in a cell, about a page, in overflow pages */

    return sizes[store_script_random(r) % (sizeof sizes / sizeof sizes[0])];
}

/* A run at the head of any of the conversations: their leaves split again and again, in the middle of the tree. */
static void put_one(struct world *w, uint64_t *r, bool is_secret)
{
    struct store_port p = w->f->p;
    size_t c = store_script_random(r) % CONVS;
    struct store_run run = {.cid = w->cid[c], .first = w->head[c] + 1, .last = w->head[c] + 1};

    run.events = body_of(w, is_secret ? secret : plain, any_size(r));
    assert_int_equal(p.append(p.ctx, &run), FP_OK);
    w->head[c]++;
    w->run[w->runs].cid = run.cid;
    w->run[w->runs].first = run.first;
    w->run[w->runs++].secret = is_secret;
}

static void append_one(struct world *w, uint64_t *r, bool is_secret)
{
    struct store_port p = w->f->p;

    assert_int_equal(p.begin(p.ctx), FP_OK);
    put_one(w, r, is_secret);
    assert_int_equal(p.commit(p.ctx), FP_OK);
}

static void fill(struct world *w, struct fixture *f, uint64_t seed)
{
    uint64_t r = seed;

    *w = (struct world){.f = f};
    assert_int_equal(fixture_open(f), FP_OK);
    assert_int_equal(f->p.begin(f->p.ctx), FP_OK);
    for (size_t i = 0; i < CONVS; i++) {
        struct store_conv c = {.id = store_script_id("c", i), .scope = store_script_id("s", 1)};
        assert_int_equal(f->p.save_conv(f->p.ctx, &c, fp_bytes_of("", 0), fp_bytes_of("", 0)), FP_OK);
        w->cid[i] = c.cid;
    }
    for (size_t i = 0; i < RUNS; i++) {
        put_one(w, &r, store_script_random(&r) % 3 == 0);
    }
    assert_int_equal(f->p.commit(f->p.ctx), FP_OK);
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

static void redact(struct world *w, uint64_t seed)
{
    struct store_port p = w->f->p;
    uint64_t r = seed;

    assert_int_equal(p.begin(p.ctx), FP_OK);
    for (size_t i = 0; i < w->runs; i++) {
        if (w->run[i].secret) {
            w->run[i].secret = false;
            assert_int_equal(p.rewrite_run(p.ctx, w->run[i].cid, w->run[i].first, body_of(w, plain, any_size(&r))), FP_OK);
        }
    }
    assert_int_equal(p.commit(p.ctx), FP_OK);
}

/* Every leaf of the events is written again, as it lies in memory: a number of the same size changes in each of its rows. */
static void touch_every_page(struct fixture *f)
{
    assert_int_equal(sqlite3_exec(f->store->db, "UPDATE event SET at = 1 - at", NULL, NULL, NULL), SQLITE_OK);
}

struct seen {
    uint64_t next;
    size_t others; /* runs that are neither harmless nor what was expected */
};

static bool see(void *arg, const struct store_run *run)
{
    struct seen *seen = arg;

    seen->others += run->first != seen->next || run->events.len == 0;
    for (size_t i = 0; i < run->events.len; i++) {
        seen->others += run->events.p[i] != (uint8_t)plain[i % 16];
    }
    seen->next = run->last + 1;
    return true;
}

/* The scrub has harmed nothing: every run is there, as it was written, and SQLite finds no fault. */
static void check_unharmed(struct world *w)
{
    sqlite3 *db = NULL;
    int64_t faults = -1;

    for (size_t i = 0; i < CONVS; i++) {
        struct seen seen = {.next = 1};
        assert_int_equal(w->f->p.each_run(w->f->p.ctx, w->cid[i], 1, UINT64_MAX, see, &seen), FP_OK);
        assert_int_equal(seen.others, 0);
        assert_int_equal(seen.next, w->head[i] + 1);
    }
    assert_int_equal(sqlite3_open(w->f->path, &db), SQLITE_OK);
    assert_int_equal(sqlite_number(db, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'", &faults), SQLITE_OK);
    assert_int_equal(faults, 0);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void what_was_redacted_is_in_no_file(void **state)
{
    struct fixture *f = *state;
    static struct world w;

    fill(&w, f, 21); /* with SQLite 3.40 and secure_delete alone 30 copies were left of this one, in gaps of pages */
    redact(&w, 1021);
    assert_true(count_left(f) > 100);
    assert_int_equal(f->p.scrub(f->p.ctx), FP_OK);
    assert_int_equal(count_left(f), 0);
    check_unharmed(&w);
    touch_every_page(f); /* nor does it come back from memory */
    assert_int_equal(count_left(f), 0);
    fixture_close(f);
    assert_int_equal(count_left(f), 0);
    assert_int_equal(fixture_open(f), FP_OK);
    check_unharmed(&w);
}

static void what_was_dropped_is_in_no_file(void **state)
{
    struct fixture *f = *state;
    static struct world w;
    uint64_t r = 5;
    uint64_t last = 0;

    fill(&w, f, 4);
    for (size_t i = 0; i < CONVS; i++) { /* the last run stays in any case: make it a harmless one */
        struct store_run run = {.cid = w.cid[i], .first = w.head[i] + 1, .last = w.head[i] + 1};
        run.events = body_of(&w, plain, any_size(&r));
        assert_int_equal(f->p.begin(f->p.ctx), FP_OK);
        assert_int_equal(f->p.append(f->p.ctx, &run), FP_OK);
        assert_int_equal(f->p.drop_runs(f->p.ctx, w.cid[i], UINT64_MAX, SIZE_MAX, &last), FP_OK);
        assert_int_equal(f->p.commit(f->p.ctx), FP_OK);
        assert_int_equal(last, w.head[i]);
        struct store_conv c = {0};
        struct fp_id id = store_script_id("c", i);
        bool found = false;
        assert_int_equal(f->p.load_conv(f->p.ctx, &id, &c, &found), FP_OK);
        assert_int_equal(c.head, w.head[i] + 1);
    }
    assert_int_equal(f->p.scrub(f->p.ctx), FP_OK);
    assert_int_equal(count_left(f), 0);
}

static void in_pieces_between_other_writes_nothing_slips_through(void **state)
{
    struct fixture *f = *state;
    static struct world w;
    uint64_t r = 7;
    size_t pieces = 0;
    enum fp_err err = FP_EBUSY;

    fill(&w, f, 6);
    redact(&w, 7);
    for (; err == FP_EBUSY; pieces++) {
        assert_true(pieces < RUNS);
        err = store_scrub(f->store, 9);
        append_one(&w, &r, false);
    }
    assert_int_equal(err, FP_OK);
    assert_true(pieces > 20);
    assert_int_equal(count_left(f), 0);
    check_unharmed(&w);
}

static void a_reader_in_the_way_means_later(void **state)
{
    struct fixture *f = *state;
    static struct world w;
    sqlite3 *reader = NULL;
    int64_t n = 0;

    fill(&w, f, 8);
    assert_int_equal(sqlite3_open(f->path, &reader), SQLITE_OK);
    assert_int_equal(sqlite3_exec(reader, "BEGIN", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite_number(reader, "SELECT count(*) FROM event", &n), SQLITE_OK);
    redact(&w, 9);
    assert_int_equal(f->p.scrub(f->p.ctx), FP_EBUSY);
    assert_int_equal(sqlite3_exec(reader, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(f->p.scrub(f->p.ctx), FP_OK);
    assert_int_equal(count_left(f), 0);
    assert_int_equal(sqlite3_close(reader), SQLITE_OK);
    check_unharmed(&w);
}

static void what_a_restart_left_undone_is_done_at_the_next_open(void **state)
{
    struct fixture *f = *state;
    static struct world w;

    lossy_vfs_register();
    lossy_vfs_reset();
    f->config.vfs = LOSSY_VFS;
    fill(&w, f, 10);
    redact(&w, 11);
    lossy_vfs_fail(1, SQLITE_IOERR, true); /* no orderly close */
    fixture_close(f);
    lossy_vfs_power_cut(1);
    assert_true(count_left(f) > 0);
    assert_int_equal(fixture_open(f), FP_OK);
    assert_int_equal(count_left(f), 0);
    check_unharmed(&w);
}

static void a_power_cut_in_the_middle_harms_nothing(void **state)
{
    struct fixture *f = *state;
    static struct world w;
    uint64_t r = 12;

    lossy_vfs_register();
    lossy_vfs_reset();
    f->config.vfs = LOSSY_VFS;
    fill(&w, f, 12);
    for (uint64_t cut = 0; cut < 25; cut++) {
        for (size_t i = 0; i < 8; i++) {
            append_one(&w, &r, i % 2 == 0);
        }
        redact(&w, cut);
        lossy_vfs_fail(1 + store_script_random(&r) % 200, SQLITE_IOERR, true);
        enum fp_err err = f->p.scrub(f->p.ctx);
        assert_true(err == FP_OK || lossy_vfs_failed());
        fixture_close(f);
        lossy_vfs_power_cut(cut);
        enum fp_err opened = fixture_open(f);
        if (opened || f->info.quarantined) {
            print_error("cut %d: %s\n", (int)cut, f->why);
        }
        assert_int_equal(opened, FP_OK);
        assert_false(f->info.quarantined);
        check_unharmed(&w);
        assert_int_equal(count_left(f), 0);
    }
    fixture_close(f);
}

static void there_is_a_place_for_it(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(fixture_open(f), FP_OK);
    assert_int_equal(f->p.scrub(f->p.ctx), FP_OK);                                       /* nothing to do */
    assert_int_equal(f->p.rewrite_run(f->p.ctx, 1, 1, fp_bytes_of("", 0)), FP_ECORRUPT); /* outside of a transaction */
    assert_int_equal(f->p.begin(f->p.ctx), FP_OK);
    assert_int_equal(f->p.scrub(f->p.ctx), FP_ECORRUPT);                                 /* inside of one */
    assert_int_equal(f->p.rewrite_run(f->p.ctx, 1, 1, fp_bytes_of("", 0)), FP_ECORRUPT); /* no such run */
    assert_int_equal(f->p.commit(f->p.ctx), FP_ECORRUPT);
    assert_int_equal(f->p.scrub(f->p.ctx), FP_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_redacted_is_in_no_file),
        TEST(what_was_dropped_is_in_no_file),
        TEST(in_pieces_between_other_writes_nothing_slips_through),
        TEST(a_reader_in_the_way_means_later),
        TEST(what_a_restart_left_undone_is_done_at_the_next_open),
        TEST(a_power_cut_in_the_middle_harms_nothing),
        TEST(there_is_a_place_for_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
