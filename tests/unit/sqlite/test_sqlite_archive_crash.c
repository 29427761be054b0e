/* The archive and what a crash leaves of it: nothing is lost, and nothing stays that should be gone. */
#include "tests/unit/sqlite/archive_kit.h"

#include <errno.h>
#include <unistd.h>

#include "tests/support/lossy_vfs.h"

static const struct fp_wall far = {UINT64_MAX};

/* ------------------------------------------------------------------ calls of the store's own files that fail (linked with --wrap) */

static uint64_t calls;
static uint64_t fail_from; /* 0: never */

static bool fails(void)
{
    calls++;
    if ((fail_from != 0 && calls >= fail_from) || lossy_vfs_failed()) {
        errno = EIO;
        return true;
    }
    return false;
}

static void arm(uint64_t k)
{
    calls = 0;
    fail_from = k;
}

#define WRAP(type, name, params, args)                                                                                                               \
    type __real_##name params;                                                                                                                       \
    type __wrap_##name params;                                                                                                                       \
    type __wrap_##name params                                                                                                                        \
    {                                                                                                                                                \
        return fails() ? -1 : __real_##name args;                                                                                                    \
    }

WRAP(int, fsync, (int fd), (fd))
WRAP(int, unlink, (const char *path), (path))
WRAP(ssize_t, pwrite64, (int fd, const void *p, size_t len, off_t at), (fd, p, len, at))

ssize_t __real_write(int fd, const void *p, size_t len);
ssize_t __wrap_write(int fd, const void *p, size_t len);
ssize_t __wrap_write(int fd, const void *p, size_t len)
{
    if (!fails()) {
        return __real_write(fd, p, len);
    }
    (void)__real_write(fd, p, len / 2); /* half of it is there */
    errno = EIO;
    return -1;
}

/* ------------------------------------------------------------------ */

static void a_crash_at_any_call_loses_nothing_and_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    bool done = false;

    assert_int_equal(open_with(f), FP_OK);
    uint64_t cid = fill(f);
    fixture_close(f);
    for (uint64_t k = 1; !done; k++) {
        assert_true(k < 50);
        assert_int_equal(open_with(f), FP_OK);
        arm(k);
        done = archive_upto(f, (struct fp_wall){1000 + 2 * k}) == FP_OK;
        assert_int_equal(done, calls < k);
        check_all(f, cid, RUNS);
        fixture_close(f); /* its lock file is closed by the kernel too */
        arm(0);
        assert_int_equal(open_with(f), FP_OK);
        check_all(f, cid, RUNS);
        assert_int_equal(scrub(f), FP_OK);
        assert_int_equal(fixture_count(f, "fp-"), done ? 1 : 0);
        check_all(f, cid, RUNS);
        fixture_close(f);
    }
}

static void an_erasure_that_is_cut_off_is_finished_later(void **state)
{
    struct fixture *f = *state;
    bool done = false;

    for (uint64_t k = 1; !done; k++) {
        assert_true(k < 50);
        assert_int_equal(open_with(f), FP_OK);
        uint64_t cid = fill(f);
        assert_int_equal(archive_upto(f, far), FP_OK);
        redact(f, cid, 7, FP_OK);
        arm(k);
        assert_int_equal(scrub(f), FP_OK); /* what cannot be erased holds nothing up */
        done = calls < k;
        check_all(f, cid, RUNS - 1);
        fixture_close(f);
        arm(0);
        assert_int_equal(open_with(f), FP_OK);
        assert_int_equal(scrub(f), FP_OK);
        assert_int_equal(fixture_count(f, "fp-"), 0);
        check_all(f, cid, RUNS - 1);
        fixture_close(f);
        char path[TEMP_PATH_MAX];
        temp_dir_path(&f->dir, "hub.db", path);
        assert_int_equal(unlink(path), 0);
    }
}

static void a_power_cut_at_any_time_loses_nothing(void **state)
{
    struct fixture *f = *state;
    uint64_t r = 3;
    size_t redacted = 0;

    lossy_vfs_register();
    lossy_vfs_reset();
    f->config.vfs = LOSSY_VFS;
    assert_int_equal(open_with(f), FP_OK);
    uint64_t cid = fill(f);
    for (uint64_t cut = 0; cut < 40; cut++) {
        lossy_vfs_fail(1 + store_script_random(&r) % 60, SQLITE_IOERR, true);
        (void)archive_upto(f, (struct fp_wall){1001 + store_script_random(&r) % RUNS});
        if (f->p.begin(f->p.ctx) == FP_OK && f->p.rewrite_run(f->p.ctx, cid, redacted + 1, fp_bytes_of("*", 1)) == FP_OK) {
            redacted += f->p.commit(f->p.ctx) == FP_OK;
        }
        (void)scrub(f);
        fixture_close(f);
        lossy_vfs_power_cut(cut);
        lossy_vfs_fail(0, 0, false);
        assert_int_equal(open_with(f), FP_OK);
        assert_false(f->info.quarantined);
        struct seen s;
        assert_int_equal(read_from(f, cid, 1, &s), FP_OK);
        assert_true(s.good);
        assert_int_equal(s.count, RUNS);
        assert_true(RUNS - s.secrets == redacted); /* a commit that failed is not there, also after the cut */
        assert_int_equal(scrub(f), FP_OK);
    }
    assert_true(redacted > 3 && redacted < RUNS - 1);
    fixture_close(f);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_crash_at_any_call_loses_nothing_and_leaves_nothing),
        TEST(an_erasure_that_is_cut_off_is_finished_later),
        TEST(a_power_cut_at_any_time_loses_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
