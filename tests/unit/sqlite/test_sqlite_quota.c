#include "tests/unit/sqlite/store_fixture.h"

#include <stdlib.h>

#include "plugin/sqlite/sqlite_db.h"

#define ROWS_BYTES 3000

/* One transaction: a row of answers for the device, at its n. */
static enum fp_err answer(struct fixture *f, uint64_t did, uint64_t n)
{
    static const uint8_t rows[ROWS_BYTES];
    const struct store_answers a = {.did = did, .first = n, .last = n, .at = {n}, .rows = fp_bytes_of(rows, sizeof rows)};
    enum fp_err err = f->p.begin(f->p.ctx);

    if (!err) {
        err = f->p.save_answers(f->p.ctx, &a);
    }
    return err ? err : f->p.commit(f->p.ctx);
}

static void a_full_store_reads_and_deletes_and_goes_on_when_there_is_room(void **state)
{
    struct fixture *f = *state;
    struct store_device d = {.id = store_script_id("d", 1), .user = store_script_id("u", 1)};
    struct store_answers a = {0};
    bool found = false;
    uint64_t n = 1;

    f->config.max_bytes = 400 * 1024;
    assert_int_equal(fixture_open(f), FP_OK);
    assert_int_equal(f->p.begin(f->p.ctx), FP_OK);
    assert_int_equal(f->p.save_device(f->p.ctx, &d), FP_OK);
    assert_int_equal(f->p.commit(f->p.ctx), FP_OK);
    unsigned empty = f->p.percent_used(f->p.ctx);
    assert_in_range(empty, 10, 84);
    enum fp_err err = answer(f, d.did, n);
    while (!err && n < 1000) {
        err = answer(f, d.did, ++n);
    }
    assert_int_equal(err, FP_EFULL);
    assert_in_range(n, 20, 400 / 3);
    assert_in_range(f->p.percent_used(f->p.ctx), 96, 100);
    struct store_room room = {0};
    f->p.room(f->p.ctx, &room);
    assert_in_range(room.db_bytes + room.wal_bytes, room.quota_bytes / 2, 4 * room.quota_bytes);
    assert_true(room.db_bytes <= room.quota_bytes && room.quota_bytes > 0);
    assert_true(room.free_bytes > 0);
    assert_true(sqlite_store_last_error(f->store)[0] != '\0');
    assert_int_equal(f->p.commit(f->p.ctx), FP_ECORRUPT); /* rolled back whole */

    assert_int_equal(f->p.load_answers(f->p.ctx, d.did, n - 1, &a, &found), FP_OK);
    assert_true(found);
    assert_int_equal(f->p.load_answers(f->p.ctx, d.did, n, &a, &found), FP_OK);
    assert_false(found);
    assert_int_equal(answer(f, d.did, n), FP_EFULL); /* still */
    fixture_close(f);
    assert_int_equal(fixture_open(f), FP_OK); /* a full one opens */
    assert_false(f->info.quarantined);

    size_t removed = 0;
    assert_int_equal(f->p.prune_answers(f->p.ctx, (struct fp_wall){n / 2}, 1000, &removed), FP_OK);
    assert_true(removed > 0);
    assert_in_range(f->p.percent_used(f->p.ctx), empty, 90); /* what is free inside of the file counts */
    assert_int_equal(answer(f, d.did, n), FP_OK);
}

static void result_codes_mean_what_the_caller_does_next(void **state)
{
    static const struct {
        int rc;
        enum fp_err err;
    } table[] = {
        {SQLITE_OK, FP_OK},
        {SQLITE_ROW, FP_OK},
        {SQLITE_DONE, FP_OK},
        {SQLITE_FULL, FP_EFULL},
        {SQLITE_BUSY, FP_EBUSY},
        {SQLITE_BUSY_SNAPSHOT, FP_EBUSY},
        {SQLITE_NOMEM, FP_ENOMEM},
        {SQLITE_IOERR_NOMEM, FP_ENOMEM},
        {SQLITE_IOERR_FSYNC, FP_EIO},
        {SQLITE_CANTOPEN, FP_EIO},
        {SQLITE_READONLY_DBMOVED, FP_EIO},
        {SQLITE_CORRUPT_VTAB, FP_ECORRUPT},
        {SQLITE_NOTADB, FP_ECORRUPT},
        {SQLITE_ERROR, FP_ECORRUPT},
        {SQLITE_CONSTRAINT_UNIQUE, FP_ECORRUPT},
        {SQLITE_TOOBIG, FP_ECORRUPT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        assert_int_equal(sqlite_err(NULL, table[i].rc), table[i].err);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_full_store_reads_and_deletes_and_goes_on_when_there_is_room),
        cmocka_unit_test(result_codes_mean_what_the_caller_does_next),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
