#include "tests/unit/sqlite/store_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void each_open_counts_and_the_epoch_stays(void **state)
{
    struct fixture *f = *state;

    for (uint64_t boot = 1; boot <= 3; boot++) {
        assert_int_equal(fixture_open(f), FP_OK);
        assert_int_equal(f->info.epoch, 1);
        assert_int_equal(f->info.boot, boot);
        assert_false(f->info.quarantined);
        fixture_close(f);
    }
}

static void a_new_epoch_counts_from_the_next_open(void **state)
{
    struct fixture *f = *state;

    for (uint64_t epoch = UINT64_MAX; epoch >= UINT64_MAX - 1; epoch--) {
        assert_int_equal(fixture_open(f), FP_OK);
        assert_int_equal(f->p.begin(f->p.ctx), FP_OK);
        assert_int_equal(f->p.new_epoch(f->p.ctx, epoch), FP_OK);
        assert_int_equal(f->p.commit(f->p.ctx), FP_OK);
        assert_int_equal(f->p.begin(f->p.ctx), FP_OK);
        assert_int_equal(f->p.new_epoch(f->p.ctx, 77), FP_OK);
        f->p.rollback(f->p.ctx);
        fixture_close(f);
        assert_int_equal(fixture_open(f), FP_OK);
        assert_true(f->info.epoch == epoch);
        fixture_close(f);
    }
    assert_int_equal(fixture_open(f), FP_OK);
    assert_int_equal(f->info.boot, 5);
    assert_false(f->info.quarantined);
}

static void the_highest_change_is_known_at_the_start(void **state)
{
    struct fixture *f = *state;
    struct store_conv c = {.id = store_script_id("c", 1), .scope = store_script_id("s", 1)};

    assert_int_equal(fixture_open(f), FP_OK);
    assert_int_equal(f->info.change, 0);
    assert_int_equal(f->p.begin(f->p.ctx), FP_OK);
    assert_int_equal(f->p.save_conv(f->p.ctx, &c, fp_bytes_of("", 0), fp_bytes_of("", 0)), FP_OK);
    for (uint64_t i = 1; i <= 20; i++) {
        struct store_member m = {.cid = c.cid, .scope = c.scope, .user = store_script_id("u", i), .change = i * 3};
        assert_int_equal(f->p.save_member(f->p.ctx, &m), FP_OK);
    }
    assert_int_equal(f->p.commit(f->p.ctx), FP_OK);
    fixture_close(f);
    assert_int_equal(fixture_open(f), FP_OK);
    assert_int_equal(f->info.change, 60);
}

static void files_are_for_the_owner_alone(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {"hub.db", "hub.db-wal", "hub.db-shm", "hub.db.lock"};
    char path[TEMP_PATH_MAX];
    struct stat st;

    mode_t before = umask(0);
    assert_int_equal(fixture_open(f), FP_OK);
    (void)umask(before);
    fixture_commit(f, 1);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        temp_dir_path(&f->dir, names[i], path);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
    }
}

static void a_second_store_on_the_file_is_refused(void **state)
{
    struct fixture *f = *state;
    struct sqlite_store *second = NULL;
    struct store_info info;
    char why[256];

    assert_int_equal(fixture_open(f), FP_OK);
    assert_int_equal(sqlite_store_open(&second, &f->config, &info, why, sizeof why), FP_EBUSY);
    assert_null(second);
    assert_non_null(strstr(why, "in use by another broker"));

    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) { /* another process is refused as well */
        struct sqlite_store_config config = f->config;
        _exit(sqlite_store_open(&second, &config, &info, why, sizeof why) == FP_EBUSY ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    fixture_commit(f, 1); /* and did no harm to the first */
    fixture_close(f);
    assert_int_equal(fixture_open(f), FP_OK);
}

static void a_missing_directory_is_named(void **state)
{
    struct fixture *f = *state;
    char path[TEMP_PATH_MAX];

    temp_dir_path(&f->dir, "nowhere/hub.db", path);
    f->config.path = path;
    assert_int_equal(fixture_open(f), FP_EIO);
    assert_non_null(strstr(f->why, "/nowhere"));
    f->config.path = f->path;
}

static void a_directory_at_the_path_is_no_reason_to_move_it(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(mkdir(f->path, 0700), 0);
    assert_int_equal(fixture_open(f), FP_EIO);
    assert_non_null(strstr(f->why, "no regular file"));
    assert_int_equal(fixture_count(f, "hub.db.bad"), 0);
    assert_int_equal(rmdir(f->path), 0);
}

/* Root may read everything, so somebody else has to try. */
static int open_as_nobody(struct fixture *f)
{
    if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0)) {
        return 2;
    }
    enum fp_err err = fixture_open(f);
    return err == FP_EIO && f->why[0] != '\0' ? 0 : 1;
}

static void a_file_that_may_not_be_opened_stays_where_it_is(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(fixture_open(f), FP_OK);
    fixture_close(f);
    assert_int_equal(chmod(f->dir.path, 0777), 0);
    char lock[TEMP_PATH_MAX];
    temp_dir_path(&f->dir, "hub.db.lock", lock);
    assert_int_equal(chmod(lock, 0666), 0);
    assert_int_equal(chmod(f->path, 0), 0);
    (void)fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        _exit(open_as_nobody(f));
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(fixture_count(f, "hub.db.bad"), 0);
    assert_int_equal(chmod(f->path, 0600), 0);
    assert_int_equal(fixture_open(f), FP_OK);
    assert_int_equal(f->info.boot, 2);
}

static void check_quarantined(struct fixture *f, const char *what)
{
    enum fp_err err = fixture_open(f);

    if (err || !f->info.quarantined) {
        print_error("%s: error %d, %s\n", what, err, f->why);
    }
    assert_int_equal(err, FP_OK);
    assert_true(f->info.quarantined);
    assert_int_equal(f->info.boot, 1);
    assert_true(f->why[0] != '\0');
    assert_true(fixture_count(f, "hub.db.bad-1700000000") > 0);
    fixture_commit(f, 1); /* the new one works */
    fixture_close(f);
    assert_int_equal(fixture_open(f), FP_OK);
    assert_false(f->info.quarantined);
    fixture_close(f);
}

static void a_file_that_is_no_database_is_moved_aside_whole(void **state)
{
    struct fixture *f = *state;
    char *kept = NULL;
    char garbage[9000];

    memset(garbage, 'x', sizeof garbage);
    fixture_write(f, "hub.db", garbage, sizeof garbage);
    fixture_write(f, "hub.db-wal", "log", 3);
    check_quarantined(f, "garbage");
    assert_int_equal(f->info.epoch, 1);
    assert_int_equal(fixture_read(f, "hub.db.bad-1700000000", &kept), sizeof garbage);
    assert_memory_equal(kept, garbage, sizeof garbage);
    free(kept);
    fixture_write(f, "hub.db", "short", 5); /* in the same second: the first one stays */
    check_quarantined(f, "five bytes");
    assert_int_equal(fixture_read(f, "hub.db.bad-1700000000", &kept), sizeof garbage);
    free(kept);
    assert_int_equal(fixture_read(f, "hub.db.bad-1700000001", &kept), 5);
    free(kept);
    fixture_write(f, "hub.db", "", 0);
    check_quarantined(f, "an empty file");
}

static void a_file_that_has_been_cut_off_is_moved_aside(void **state)
{
    struct fixture *f = *state;
    static const double parts[] = {0.001, 0.05, 0.3, 0.5, 0.9};

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        char *bytes = NULL;
        assert_int_equal(fixture_open(f), FP_OK);
        for (uint64_t seed = 0; seed < 40; seed++) {
            fixture_commit(f, seed);
        }
        fixture_close(f);
        size_t size = fixture_read(f, "hub.db", &bytes);
        fixture_write(f, "hub.db", bytes, (size_t)((double)size * parts[i]));
        free(bytes);
        check_quarantined(f, "cut off");
    }
}

static void somebody_elses_database_is_moved_aside(void **state)
{
    struct fixture *f = *state;

    fixture_sql(f, "CREATE TABLE t (a); INSERT INTO t VALUES (1)");
    check_quarantined(f, "another program's");
    fixture_sql(f, "PRAGMA application_id = 7");
    check_quarantined(f, "ours with another number");
    fixture_sql(f, "DELETE FROM meta");
    check_quarantined(f, "ours without its epoch");
    fixture_sql(f, "DROP TABLE answers");
    check_quarantined(f, "ours without a table");
}

static void a_log_without_its_file_is_moved_aside(void **state)
{
    struct fixture *f = *state;

    fixture_write(f, "hub.db-wal", "what is left", 12);
    check_quarantined(f, "a log alone");
    assert_int_equal(fixture_count(f, "hub.db.bad-1700000000-wal"), 1);
}

static void a_newer_release_is_left_as_it_is(void **state)
{
    struct fixture *f = *state;
    char *before = NULL;
    char *after = NULL;

    assert_int_equal(fixture_open(f), FP_OK);
    fixture_commit(f, 1);
    fixture_close(f);
    fixture_sql(f, "PRAGMA user_version = 1000");
    size_t size = fixture_read(f, "hub.db", &before);
    assert_int_equal(fixture_open(f), FP_EVERSION);
    assert_non_null(strstr(f->why, "newer release"));
    assert_int_equal(fixture_read(f, "hub.db", &after), size);
    assert_memory_equal(before, after, size);
    assert_int_equal(fixture_count(f, "hub.db.bad"), 0);
    free(before);
    free(after);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_open_counts_and_the_epoch_stays),
        TEST(a_new_epoch_counts_from_the_next_open),
        TEST(the_highest_change_is_known_at_the_start),
        TEST(files_are_for_the_owner_alone),
        TEST(a_second_store_on_the_file_is_refused),
        TEST(a_missing_directory_is_named),
        TEST(a_directory_at_the_path_is_no_reason_to_move_it),
        TEST(a_file_that_may_not_be_opened_stays_where_it_is),
        TEST(a_file_that_is_no_database_is_moved_aside_whole),
        TEST(a_file_that_has_been_cut_off_is_moved_aside),
        TEST(somebody_elses_database_is_moved_aside),
        TEST(a_log_without_its_file_is_moved_aside),
        TEST(a_newer_release_is_left_as_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
