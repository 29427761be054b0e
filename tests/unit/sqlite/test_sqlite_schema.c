#include "tests/unit/sqlite/store_fixture.h"

#include <stdio.h>

#include "plugin/sqlite/sqlite_db.h"
#include "plugin/sqlite/sqlite_schema.h"

/* Three releases of a made-up schema, the fourth of which cannot be reached. */
static const char *const steps[] = {
    "CREATE TABLE t (a INTEGER) STRICT; INSERT INTO t VALUES (1)",
    "ALTER TABLE t ADD COLUMN b INTEGER; UPDATE t SET b = a + 1",
    "CREATE INDEX t_b ON t (b)",
    "INSERT INTO t VALUES (5, 6); CREATE TABLE t (again)",
};

static sqlite3 *open_db(struct fixture *f)
{
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(sqlite_harden(db), SQLITE_OK);
    return db;
}

static int64_t number(sqlite3 *db, const char *sql)
{
    int64_t n = -1;

    assert_int_equal(sqlite_number(db, sql, &n), SQLITE_OK);
    return n;
}

static struct sqlite_schema first(int count)
{
    return (struct sqlite_schema){.migrations = steps, .count = count};
}

static void from_every_older_version_the_end_is_the_same(void **state)
{
    struct fixture *f = *state;

    for (int from = 0; from <= 3; from++) {
        (void)remove(f->path);
        sqlite3 *db = open_db(f);
        assert_int_equal(sqlite_schema_migrate(db, first(from)), FP_OK);
        assert_int_equal(number(db, "PRAGMA user_version"), from);
        assert_int_equal(sqlite_schema_migrate(db, first(3)), FP_OK);
        assert_int_equal(number(db, "PRAGMA user_version"), 3);
        assert_int_equal(number(db, "PRAGMA application_id"), SQLITE_SCHEMA_APPLICATION);
        assert_int_equal(number(db, "SELECT b FROM t INDEXED BY t_b WHERE b = 2"), 2);
        assert_int_equal(number(db, "SELECT count(*) FROM t"), 1);
        assert_int_equal(sqlite_schema_check(db, first(3)), FP_OK);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
    }
}

static void a_migration_that_fails_leaves_the_version_before(void **state)
{
    sqlite3 *db = open_db(*state);

    assert_int_equal(sqlite_schema_migrate(db, first(4)), FP_ECORRUPT);
    assert_int_equal(number(db, "PRAGMA user_version"), 3);
    assert_int_equal(number(db, "SELECT count(*) FROM t"), 1); /* its first half is gone as well */
    assert_int_equal(sqlite3_get_autocommit(db), 1);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void a_newer_version_and_a_strangers_file_are_told_apart(void **state)
{
    sqlite3 *db = open_db(*state);

    assert_int_equal(sqlite_schema_check(db, first(3)), FP_ECORRUPT); /* empty: not ours */
    assert_int_equal(sqlite_schema_migrate(db, first(3)), FP_OK);
    assert_int_equal(sqlite_schema_check(db, first(2)), FP_EVERSION);
    assert_int_equal(sqlite3_exec(db, "PRAGMA application_id = 9", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite_schema_check(db, first(3)), FP_ECORRUPT);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* Each released version must stay reachable: a file made by the first i migrations opens and works. */
static void every_released_version_opens(void **state)
{
    struct fixture *f = *state;
    struct sqlite_schema ours = sqlite_schema_current();

    for (int from = 1; from <= ours.count; from++) {
        (void)remove(f->path);
        sqlite3 *db = open_db(f);
        struct sqlite_schema older = {.migrations = ours.migrations, .count = from};
        assert_int_equal(sqlite_schema_migrate(db, older), FP_OK);
        assert_int_equal(sqlite3_exec(db, "INSERT INTO meta (one, epoch, boot, fence) VALUES (1, 99, 4, 0)", NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
        assert_int_equal(fixture_open(f), FP_OK);
        assert_int_equal(f->info.epoch, 99);
        assert_int_equal(f->info.boot, 5);
        assert_false(f->info.quarantined);
        fixture_commit(f, 3);
        fixture_close(f);
    }
}

static bool no_chain(void *arg, const struct store_run *run)
{
    static const uint8_t zeros[32];
    size_t *runs = arg;

    assert_memory_equal(run->chain, zeros, sizeof zeros);
    assert_int_equal(run->events.len, 3);
    ++*runs;
    return true;
}

/* A file of the first release: its runs have no chain, and the next one brings the first. */
static void events_of_the_first_version_have_no_chain(void **state)
{
    struct fixture *f = *state;
    const struct fp_id id = store_script_id("c", 1);
    struct store_run run = {.cid = 1, .first = 4, .last = 4, .msgs = 4, .events = fp_bytes_of("new", 3), .chain = {[0] = 9, [31] = 8}};
    struct store_conv c = {0};
    bool found = false;
    size_t runs = 0;
    sqlite3 *db = open_db(f);

    assert_int_equal(sqlite_schema_migrate(db, (struct sqlite_schema){.migrations = sqlite_schema_current().migrations, .count = 1}), FP_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "INSERT INTO meta VALUES (1, 99, 4, 0);"
                                  "INSERT INTO conversation VALUES (1, x'026331', x'027331', 0, 0, 0, x'', x'');"
                                  "INSERT INTO event VALUES (1 << 36 | 1, 2, 2, 70, x'010203'), (1 << 36 | 3, 3, 3, 80, x'040506')",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_int_equal(fixture_open(f), FP_OK);
    assert_int_equal(f->p.load_conv(f->p.ctx, &id, &c, &found), FP_OK);
    assert_true(found);
    assert_int_equal(c.head, 3);
    assert_memory_equal(c.chain, ((uint8_t[32]){0}), 32);
    assert_memory_equal(c.floor_chain, ((uint8_t[32]){0}), 32);
    assert_int_equal(f->p.each_run(f->p.ctx, 1, 1, 3, no_chain, &runs), FP_OK);
    assert_int_equal(runs, 2);
    assert_int_equal(f->p.begin(f->p.ctx), FP_OK);
    assert_int_equal(f->p.append(f->p.ctx, &run), FP_OK);
    assert_int_equal(f->p.commit(f->p.ctx), FP_OK);
    assert_int_equal(f->p.load_conv(f->p.ctx, &id, &c, &found), FP_OK);
    assert_memory_equal(c.chain, run.chain, 32);
    fixture_close(f);
    fixture_sql(f, "UPDATE conversation SET floor = 2, floor_chain = x'00'"); /* what we never write */
    assert_int_equal(fixture_open(f), FP_OK);
    assert_int_equal(f->p.load_conv(f->p.ctx, &id, &c, &found), FP_ECORRUPT);
    fixture_close(f);
    fixture_sql(f, "UPDATE conversation SET floor_chain = x''; UPDATE event SET chain = x'00'");
    assert_int_equal(fixture_open(f), FP_OK);
    assert_int_equal(f->p.load_conv(f->p.ctx, &id, &c, &found), FP_ECORRUPT);
}

static bool note_cid(void *arg, const struct store_conv *c)
{
    *(uint64_t *)arg = c->cid;
    return true;
}

/* Files of the releases before there was a trunk: what is there stays as it is, and the trunk begins at 1. */
static void the_trunk_begins_in_files_of_every_version_before_it(void **state)
{
    static const char content[] = "INSERT INTO meta (one, epoch, boot, fence) VALUES (1, 99, 4, 0);"
                                  "INSERT INTO conversation (id, scope, floor, about_seq, retention_days, title, context)"
                                  " VALUES (x'026331', x'027331', 20, 0, 0, x'', x'');"
                                  "INSERT INTO device (id, user) VALUES (x'026431', x'027531');"
                                  "INSERT INTO answers (key, last, at, rows) VALUES (1 << 36 | 1, 3, 70, x'010203')";
    const struct fp_id scope = store_script_id("s", 1);
    const struct fp_id device = store_script_id("d", 1);

    for (int from = 1; from <= 2; from++) {
        struct fixture *f = *state;
        struct store_record r = {.lane = 2, .record = fp_bytes_of("r", 1)};
        struct store_answers a = {0};
        struct store_device d = {0};
        const struct store_branch b = {.device = device, .n = 4, .cid = 1, .lane = 2, .number = 1, .event = fp_bytes_of("e", 1)};
        uint64_t cid = 0;
        bool found = false;
        sqlite3 *db = open_db(f);

        assert_int_equal(sqlite_schema_migrate(db, (struct sqlite_schema){.migrations = sqlite_schema_current().migrations, .count = from}), FP_OK);
        assert_int_equal(sqlite3_exec(db, content, NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
        assert_int_equal(fixture_open(f), FP_OK);
        assert_int_equal(f->info.epoch, 99);
        assert_int_equal(f->p.each_conv_in(f->p.ctx, &scope, 0, 9, note_cid, &cid), FP_OK);
        assert_int_equal(cid, 1);
        assert_int_equal(f->p.begin(f->p.ctx), FP_OK);
        assert_int_equal(f->p.add_record(f->p.ctx, &r), FP_OK);
        assert_int_equal(r.number, 1);
        assert_int_equal(f->p.save_branch(f->p.ctx, &b), FP_OK);
        assert_int_equal(f->p.skip_answers(f->p.ctx, 1, 9), FP_OK);
        assert_int_equal(f->p.append(f->p.ctx, &(struct store_run){.cid = 1, .first = 21, .last = 21}), FP_OK); /* T3 */
        assert_int_equal(f->p.commit(f->p.ctx), FP_OK);
        assert_int_equal(f->p.load_device(f->p.ctx, &device, &d, &found), FP_OK);
        assert_true(found && d.next_n == 9);
        assert_int_equal(f->p.load_answers(f->p.ctx, 1, 2, &a, &found), FP_OK);
        assert_true(found && a.rows.len == 3);
        fixture_close(f);
        assert_int_equal(remove(f->path), 0);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(from_every_older_version_the_end_is_the_same),        TEST(a_migration_that_fails_leaves_the_version_before),
        TEST(a_newer_version_and_a_strangers_file_are_told_apart), TEST(every_released_version_opens),
        TEST(events_of_the_first_version_have_no_chain),           TEST(the_trunk_begins_in_files_of_every_version_before_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
