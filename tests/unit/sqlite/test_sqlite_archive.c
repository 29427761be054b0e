/* The archive as files: what is moved away and put back, what is damaged, what has to be gone. */
#include "tests/unit/sqlite/archive_kit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/support/mem_store.h"

#define AWAY "away"

static const struct fp_wall far = {UINT64_MAX};

static void old_runs_are_in_a_file_and_not_in_the_database(void **state)
{
    struct fixture *f = *state;
    char *db = NULL;

    assert_int_equal(open_with(f), FP_OK);
    uint64_t cid = fill(f);
    assert_int_equal(archive_upto(f, (struct fp_wall){1021}), FP_OK);
    assert_int_equal(fixture_count(f, "fp-c1-1-20-"), 1);
    assert_int_equal(archive_upto(f, far), FP_OK);
    assert_int_equal(fixture_count(f, "fp-c1-21-39-"), 1); /* never the newest */
    check_all(f, cid, RUNS);
    fixture_close(f);
    size_t size = fixture_read(f, "hub.db", &db);
    assert_null(memmem(db, size, "in the run of 7:", 16)); /* secure_delete */
    assert_non_null(memmem(db, size, "in the run of 40:", 17));
    free(db);
}

static void a_quiet_conversation_waits_until_it_is_overdue(void **state)
{
    struct fixture *f = *state;
    bool more = true;

    assert_int_equal(open_with(f), FP_OK);
    (void)fill(f);
    while (more) {
        assert_int_equal(f->p.archive(f->p.ctx, (struct fp_wall){1030}, (struct fp_wall){1001}, &more), FP_OK);
    }
    assert_int_equal(fixture_count(f, "fp-"), 0);
    for (more = true; more;) {
        assert_int_equal(f->p.archive(f->p.ctx, (struct fp_wall){1030}, (struct fp_wall){1002}, &more), FP_OK);
    }
    assert_int_equal(fixture_count(f, "fp-c1-1-29-"), 1);
}

static void a_long_conversation_fills_several_files(void **state)
{
    struct fixture *f = *state;
    static uint8_t bytes[60000];
    uint64_t r = 1;
    struct store_conv c = {.id = store_script_id("c", 1), .scope = store_script_id("s", 1)};
    bool more = true;

    assert_int_equal(open_with(f), FP_OK);
    assert_int_equal(f->p.begin(f->p.ctx), FP_OK);
    assert_int_equal(f->p.save_conv(f->p.ctx, &c, fp_bytes_of("", 0), fp_bytes_of("", 0)), FP_OK);
    for (uint64_t i = 1; i <= 30; i++) {
        for (size_t at = 0; at < sizeof bytes; at++) {
            bytes[at] = (uint8_t)store_script_random(&r);
        }
        struct store_run run = {.cid = c.cid, .first = i, .last = i, .msgs = i, .at = {i}, .events = fp_bytes_of(bytes, sizeof bytes)};
        assert_int_equal(f->p.append(f->p.ctx, &run), FP_OK);
    }
    assert_int_equal(f->p.commit(f->p.ctx), FP_OK);
    for (size_t step = 0; more; step++) { /* full ones do not wait, the rest does */
        assert_true(step < 12);
        assert_int_equal(f->p.archive(f->p.ctx, far, (struct fp_wall){0}, &more), FP_OK);
    }
    assert_int_equal(fixture_count(f, "fp-"), 7);
    assert_int_equal(fixture_count(f, "fp-c1-1-4-"), 1);
    assert_int_equal(fixture_count(f, "fp-c1-25-28-"), 1);
}

static void what_is_moved_away_is_missed_by_name_and_read_again_when_it_is_back(void **state)
{
    struct fixture *f = *state;
    char name[TEMP_PATH_MAX];
    struct store_away away;
    struct seen s;
    bool found = false;

    assert_int_equal(open_with(f), FP_OK);
    uint64_t cid = fill(f);
    assert_int_equal(archive_upto(f, (struct fp_wall){1021}), FP_OK);
    check_all(f, cid, RUNS);
    file_name(f, 0, name);
    move(f, name, AWAY);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(read_from(f, cid, 1, &s), FP_EAGAIN);
        assert_int_equal(s.count, 0);
        assert_int_equal(read_from(f, cid, 21, &s), FP_OK);
        assert_int_equal(s.count, 20);
        assert_true(round == 1 || says(f, "events 1 to 20 lie in the archive and cannot be read"));
        assert_null(f->p.line(f->p.ctx)); /* once is enough */
        assert_int_equal(f->p.find_away(f->p.ctx, cid, 7, &away, &found), FP_OK);
        assert_true(found);
        assert_true(away.first == 1 && away.last == 20 && away.msgs == 20 && away.at.ms == 1020 && away.chain[0] == 20);
        assert_int_equal(f->p.find_away(f->p.ctx, cid, 21, &away, &found), FP_OK);
        assert_false(found);
    }
    redact(f, cid, 3, FP_EAGAIN);
    move(f, AWAY, name);
    check_all(f, cid, RUNS);
    assert_true(says(f, "is there again"));
    redact(f, cid, 3, FP_OK);
    check_all(f, cid, RUNS - 1);
}

static void without_archive_dir_it_is_away(void **state)
{
    struct fixture *f = *state;
    struct seen s;

    assert_int_equal(open_with(f), FP_OK);
    uint64_t cid = fill(f);
    assert_int_equal(archive_upto(f, far), FP_OK);
    fixture_close(f);
    f->config.archive_dir = NULL;
    assert_int_equal(fixture_open(f), FP_OK);
    assert_int_equal(read_from(f, cid, 1, &s), FP_EAGAIN);
    assert_int_equal(read_from(f, cid, RUNS, &s), FP_OK);
    assert_int_equal(archive_upto(f, far), FP_OK);
    fixture_close(f);
    assert_int_equal(open_with(f), FP_OK);
    check_all(f, cid, RUNS);
}

static void a_damaged_file_is_never_served(void **state)
{
    struct fixture *f = *state;
    char name[TEMP_PATH_MAX];
    char *good = NULL;
    struct seen s;

    assert_int_equal(open_with(f), FP_OK);
    uint64_t cid = fill(f);
    assert_int_equal(archive_upto(f, (struct fp_wall){1021}), FP_OK);
    file_name(f, 0, name);
    size_t size = fixture_read(f, name, &good);
    for (size_t i = 0; i < size; i += i < 80 ? 1 : 7) {
        good[i] = (char)(good[i] ^ 0x20);
        fixture_write(f, name, good, size);
        assert_int_equal(read_from(f, cid, 1, &s), FP_EAGAIN);
        assert_int_equal(s.count, 0);
        good[i] = (char)(good[i] ^ 0x20);
    }
    fixture_write(f, name, good, size - 1);
    assert_int_equal(read_from(f, cid, 1, &s), FP_EAGAIN);
    fixture_write(f, name, "", 0);
    assert_int_equal(read_from(f, cid, 1, &s), FP_EAGAIN);
    fixture_write(f, name, good, size);
    check_all(f, cid, RUNS);
    free(good);
}

/* A sound file, but of other events: only the hash in the database tells. */
static void another_file_under_its_name_is_never_served(void **state)
{
    struct fixture *f = *state;
    char name[2][TEMP_PATH_MAX];
    struct seen s;

    assert_int_equal(open_with(f), FP_OK);
    uint64_t cid = fill(f);
    assert_int_equal(archive_upto(f, (struct fp_wall){1021}), FP_OK);
    assert_int_equal(archive_upto(f, far), FP_OK);
    file_name(f, 0, name[0]);
    file_name(f, 1, name[1]);
    move(f, name[0], AWAY);
    move(f, name[1], name[0]);
    move(f, AWAY, name[1]);
    assert_int_equal(read_from(f, cid, 1, &s), FP_EAGAIN);
    move(f, name[0], AWAY);
    move(f, name[1], name[0]);
    move(f, AWAY, name[1]);
    check_all(f, cid, RUNS);
}

static void what_was_redacted_is_in_no_file(void **state)
{
    struct fixture *f = *state;
    char name[TEMP_PATH_MAX];
    char path[TEMP_PATH_MAX];
    char *bytes = NULL;
    uint8_t left[4096];
    size_t others = 0;

    assert_int_equal(open_with(f), FP_OK);
    uint64_t cid = fill(f);
    assert_int_equal(archive_upto(f, far), FP_OK);
    file_name(f, 0, name);
    temp_dir_path(&f->dir, name, path);
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    redact(f, cid, 7, FP_OK);
    assert_int_equal(fixture_count(f, name), 1);
    assert_int_equal(scrub(f), FP_OK);
    assert_int_equal(fixture_count(f, "fp-"), 0);
    ssize_t got = read(fd, left, sizeof left); /* the bytes themselves are gone, not only their name */
    assert_true(got > 200);
    for (ssize_t i = 0; i < got; i++) {
        others += left[i] != 0;
    }
    assert_int_equal(others, 0);
    (void)close(fd);
    check_all(f, cid, RUNS - 1);
    assert_int_equal(archive_upto(f, far), FP_OK);
    check_all(f, cid, RUNS - 1);
    fixture_close(f);
    size_t size = fixture_read(f, "hub.db", &bytes);
    assert_null(memmem(bytes, size, "in the run of 7:", 16));
    free(bytes);
}

static void what_is_dropped_while_it_is_away_is_erased_when_it_is_back(void **state)
{
    struct fixture *f = *state;
    char name[TEMP_PATH_MAX];
    uint64_t last = 0;
    struct seen s;

    assert_int_equal(open_with(f), FP_OK);
    uint64_t cid = fill(f);
    assert_int_equal(archive_upto(f, (struct fp_wall){1021}), FP_OK);
    file_name(f, 0, name);
    move(f, name, AWAY);
    assert_int_equal(read_from(f, cid, 1, &s), FP_EAGAIN);
    assert_true(says(f, "cannot be read"));
    assert_int_equal(f->p.begin(f->p.ctx), FP_OK);
    assert_int_equal(f->p.drop_runs(f->p.ctx, cid, 19, 9, &last), FP_OK); /* a part of it cannot go */
    assert_int_equal(last, 0);
    assert_int_equal(f->p.drop_runs(f->p.ctx, cid, 20, 9, &last), FP_OK); /* counts as one; eight more need a higher upto */
    assert_int_equal(last, 20);
    assert_int_equal(f->p.commit(f->p.ctx), FP_OK);
    assert_int_equal(read_from(f, cid, 21, &s), FP_OK);
    assert_int_equal(s.count, 20);
    assert_int_equal(scrub(f), FP_OK);
    assert_true(says(f, "delete it there"));
    assert_null(f->p.line(f->p.ctx));
    fixture_close(f);
    move(f, AWAY, name);
    assert_int_equal(open_with(f), FP_OK);
    assert_int_equal(read_from(f, cid, 1, &s), FP_OK);
    assert_int_equal(s.count, 20); /* never served */
    assert_int_equal(scrub(f), FP_OK);
    assert_int_equal(fixture_count(f, "fp-"), 0);
}

/* ------------------------------------------------------------------ the same script with and without an archive */

static void an_archive_changes_nothing_that_can_be_told(void **state)
{
    struct fixture *f = *state;
    struct mem_store *mem = mem_store_new();
    struct store_port plain = mem_store_port(mem);
    uint64_t r = 17;

    assert_int_equal(open_with(f), FP_OK);
    for (uint64_t i = 0; i < 400; i++) {
        uint64_t seed = store_script_random(&r);
        bool keep = store_script_random(&r) % 4 != 0;
        assert_int_equal(store_script_tx(f->p, seed), FP_OK);
        assert_int_equal(store_script_tx(plain, seed), FP_OK);
        if (keep) {
            assert_int_equal(f->p.commit(f->p.ctx), FP_OK);
            assert_int_equal(plain.commit(plain.ctx), FP_OK);
        } else {
            f->p.rollback(f->p.ctx);
            plain.rollback(plain.ctx);
        }
        if (i % 9 == 0) {
            assert_int_equal(archive_upto(f, (struct fp_wall){store_script_random(&r) % (i + 20)}), FP_OK);
            assert_int_equal(scrub(f), FP_OK);
        }
        if (i % 60 == 59) {
            fixture_close(f);
            assert_int_equal(open_with(f), FP_OK);
        }
        if (i % 20 == 0) {
            uint64_t hash = 0;
            assert_int_equal(store_script_hash(plain, &hash), FP_OK);
            assert_true(hash == fixture_hash(f));
        }
    }
    assert_true(fixture_count(f, "fp-") > 0);
    mem_store_free(mem);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(old_runs_are_in_a_file_and_not_in_the_database),
        TEST(a_quiet_conversation_waits_until_it_is_overdue),
        TEST(a_long_conversation_fills_several_files),
        TEST(what_is_moved_away_is_missed_by_name_and_read_again_when_it_is_back),
        TEST(without_archive_dir_it_is_away),
        TEST(a_damaged_file_is_never_served),
        TEST(another_file_under_its_name_is_never_served),
        TEST(what_was_redacted_is_in_no_file),
        TEST(what_is_dropped_while_it_is_away_is_erased_when_it_is_back),
        TEST(an_archive_changes_nothing_that_can_be_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
