#include "tests/unit/sqlite/store_fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/support/lossy_vfs.h"
#include "tests/support/mem_store.h"

#define CUTS 300
#define CUTS_A_FILE 25 /* then from an empty file again: bounds the time */
#define TX_MAX 60

static const struct {
    int rc;
    bool for_good;
} faults[] = {{SQLITE_IOERR, false}, {SQLITE_FULL, false}, {SQLITE_IOERR, true}, {SQLITE_FULL, true}};

struct world {
    struct fixture *f;
    struct mem_store *model; /* what has to be there */
    uint64_t before_last;    /* hash of what was there before the last transaction, */
    uint64_t with_last;      /* and with it: a cut in the middle of a commit may leave either */
};

static uint64_t model_hash(struct world *w)
{
    uint64_t hash = 0;

    assert_int_equal(store_script_hash(mem_store_port(w->model), &hash), FP_OK);
    return hash;
}

/* The same transaction on both; the model keeps it if the store said so. */
static enum fp_err both(struct world *w, uint64_t seed)
{
    struct store_port model = mem_store_port(w->model);
    struct store_port p = w->f->p;

    assert_int_equal(store_script_tx(model, seed), FP_OK);
    enum fp_err err = store_script_tx(p, seed);
    if (!err) {
        err = p.commit(p.ctx);
    }
    if (err) {
        p.rollback(p.ctx);
        w->with_last = model_hash(w);
        model.rollback(model.ctx);
        w->before_last = model_hash(w);
        return err;
    }
    assert_int_equal(model.commit(model.ctx), FP_OK);
    return FP_OK;
}

static void start(struct world *w, struct fixture *f)
{
    lossy_vfs_register();
    lossy_vfs_reset();
    f->config.vfs = LOSSY_VFS;
    w->f = f;
    w->model = mem_store_new();
    assert_non_null(w->model);
}

static void reopen(struct world *w, uint64_t seed)
{
    enum fp_err err = fixture_open(w->f);

    if (err || w->f->info.quarantined) {
        print_error("seed %d: error %d, quarantined %d: %s\n", (int)seed, err, w->f->info.quarantined, w->f->why);
    }
    assert_int_equal(err, FP_OK);
    assert_false(w->f->info.quarantined);
}

/* Transactions until one fails because the power went off; none may fail before that. */
static void run_to_the_cut(struct world *w, uint64_t *r, uint64_t cut_at)
{
    enum fp_err err = FP_OK;

    lossy_vfs_fail(cut_at, SQLITE_IOERR, true);
    for (size_t i = 0; i < TX_MAX && !err; i++) {
        err = both(w, store_script_random(r));
        assert_true(!err || lossy_vfs_failed());
    }
}

static void begin_anew(struct world *w)
{
    mem_store_free(w->model);
    w->model = mem_store_new();
    assert_non_null(w->model);
    fixture_close(w->f);
    assert_int_equal(remove(w->f->path), 0);
    lossy_vfs_reset();
    reopen(w, 0);
}

/* True if the transaction that the cut interrupted has made it, whole. */
static bool check_after_cut(struct world *w, uint64_t cut)
{
    uint64_t hash = fixture_hash(w->f);
    uint64_t want = model_hash(w);

    if (hash == want) {
        return false;
    }
    if (hash != w->with_last || want != w->before_last) {
        print_error("cut %d: what is there is neither with nor without the interrupted transaction\n", (int)cut);
    }
    assert_int_equal(want, w->before_last);
    assert_int_equal(hash, w->with_last);
    return true;
}

static void a_power_cut_at_any_moment_loses_nothing_that_was_committed(void **state)
{
    struct world w = {0};
    uint64_t r = 2026;
    size_t let_through = 0;

    start(&w, *state);
    reopen(&w, 0);
    for (uint64_t cut = 0; cut < CUTS; cut++) {
        w.before_last = w.with_last = 0;
        run_to_the_cut(&w, &r, 1 + store_script_random(&r) % 500);
        fixture_close(w.f);
        lossy_vfs_power_cut(cut);
        reopen(&w, cut);
        bool through = check_after_cut(&w, cut);
        let_through += through;
        if (through || cut % CUTS_A_FILE == CUTS_A_FILE - 1) {
            begin_anew(&w);
        }
    }
    print_message("%d cuts; the interrupted transaction was there after %d of them\n", CUTS, (int)let_through);
    fixture_close(w.f);
    mem_store_free(w.model);
}

/* The k-th call of one transaction fails, once: T2 here and now, and after a crash right then. */
static bool fail_kth(struct world *w, uint64_t k, int rc, bool for_good)
{
    lossy_vfs_fail(k, rc, for_good);
    enum fp_err err = both(w, k * 31 + 7);
    bool failed = lossy_vfs_failed();

    lossy_vfs_fail(0, 0, false);
    assert_true(failed || err == FP_OK);
    if (err) {
        assert_true(err == FP_EIO || err == FP_EFULL || err == FP_ENOMEM);
        assert_true(sqlite_store_last_error(w->f->store)[0] != '\0');
    }
    assert_int_equal(fixture_hash(w->f), model_hash(w));
    assert_int_equal(both(w, k * 31 + 8), FP_OK); /* it works again */
    return failed;
}

static void every_call_of_the_file_system_may_fail(void **state)
{
    struct world w = {0};

    start(&w, *state);
    reopen(&w, 0);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        size_t in_a_row = 0;
        for (uint64_t k = 1; k < 400 && in_a_row < 20; k++) { /* some transactions are shorter than others */
            in_a_row = fail_kth(&w, k, faults[i].rc, faults[i].for_good) ? 0 : in_a_row + 1;
        }
        assert_int_equal(in_a_row, 20);
        begin_anew(&w);
    }
    fixture_close(w.f);
    reopen(&w, 0);
    assert_int_equal(fixture_hash(w.f), model_hash(&w));
    fixture_close(w.f);
    mem_store_free(w.model);
}

static void a_commit_that_failed_does_not_come_back_after_a_crash(void **state)
{
    struct world w = {0};
    uint64_t r = 77;

    start(&w, *state);
    reopen(&w, 0);
    for (uint64_t seed = 1; seed <= 100; seed++) {
        assert_int_equal(both(&w, store_script_random(&r)), FP_OK);
        lossy_vfs_fail_next_sync(SQLITE_IOERR_FSYNC);
        enum fp_err err = both(&w, store_script_random(&r));
        assert_true(err == FP_EIO || !lossy_vfs_failed()); /* a few of the transactions change nothing */
        lossy_vfs_fail(1, SQLITE_IOERR, true);             /* the power goes: no orderly close */
        fixture_close(w.f);
        lossy_vfs_power_cut(seed);
        reopen(&w, seed);
        assert_int_equal(fixture_hash(w.f), model_hash(&w));
        if (seed % CUTS_A_FILE == 0) {
            begin_anew(&w);
        }
    }
    fixture_close(w.f);
    mem_store_free(w.model);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_power_cut_at_any_moment_loses_nothing_that_was_committed),
        TEST(every_call_of_the_file_system_may_fail),
        TEST(a_commit_that_failed_does_not_come_back_after_a_crash),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
