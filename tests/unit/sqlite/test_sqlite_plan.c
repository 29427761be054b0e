#include "tests/unit/sqlite/store_fixture.h"

#include <stdio.h>

#include "plugin/sqlite/sqlite_sql.h"

/* A step that is not a range of a key: "SCAN" without a limit, or a sort. The whole table of exceptions, with the reason of each. */
static const struct {
    enum sql which;
    const char *step;
} allowed[] = {
    {SQL_CHANGE, "SCAN member USING COVERING INDEX member_change"}, /* LIMIT 1 from its end: one look-up */
    {SQL_SEGMENT_ANY, "SCAN segment"},                              /* LIMIT 1 from its beginning */
    {SQL_TIMERS, "SCAN timer USING INDEX timer_due"},               /* all of them are asked for, at the start */
};

static bool is_allowed(enum sql which, const char *step)
{
    for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++) {
        if (allowed[i].which == which && strcmp(allowed[i].step, step) == 0) {
            return true;
        }
    }
    return false;
}

/* How many steps of the statement's plan are neither a range nor allowed. */
static size_t bad_steps(sqlite3 *db, const char *sql, enum sql which)
{
    char explain[2048];
    sqlite3_stmt *stmt = NULL;
    size_t bad = 0;

    (void)snprintf(explain, sizeof explain, "EXPLAIN QUERY PLAN %s", sql);
    assert_int_equal(sqlite3_prepare_v2(db, explain, -1, &stmt, NULL), SQLITE_OK);
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        const char *step = (const char *)sqlite3_column_text(stmt, 3);
        bool slow = strstr(step, "SCAN") || strstr(step, "TEMP B-TREE") || strstr(step, "AUTOMATIC");
        if (slow && !is_allowed(which, step)) {
            print_error("%s\n  -> %s\n", sql, step);
            bad++;
        }
    }
    assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
    return bad;
}

static void every_statement_is_a_range_of_a_key(void **state)
{
    struct fixture *f = *state;
    sqlite3 *db = NULL;
    size_t bad = 0;

    assert_int_equal(fixture_open(f), FP_OK);
    fixture_close(f);
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    for (int i = 0; i < SQL_STORE_COUNT; i++) {
        assert_non_null(sqlite_sql_store[i]);
        bad += bad_steps(db, sqlite_sql_store[i], (enum sql)i);
    }
    for (size_t i = 0; i < SQL_ACCESS_COUNT; i++) {
        bad += bad_steps(db, sqlite_sql_access[i], SQL_STORE_COUNT);
    }
    bad += bad_steps(db, "SELECT scope FROM member", SQL_STORE_COUNT) == 1 ? 0 : 1; /* the check itself finds one */
    assert_int_equal(bad, 0);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_statement_is_a_range_of_a_key, fixture_set_up, fixture_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
