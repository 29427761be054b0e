/*
 * store_fixture.h: a SQLite store on a file in a folder of its own, for tests of the store.
 */
#ifndef TESTS_UNIT_SQLITE_STORE_FIXTURE_H
#define TESTS_UNIT_SQLITE_STORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "plugin/sqlite/sqlite_store.h"
#include "tests/support/store_script.h"
#include "tests/support/temp_dir.h"

struct fixture {
    struct temp_dir dir;
    char path[TEMP_PATH_MAX];
    struct sqlite_store_config config;
    struct sqlite_store *store;
    struct store_port p;
    struct store_info info;
    char why[512];
    uint64_t next_epoch; /* what the config's random() hands out, counting */
};

int fixture_set_up(void **state); /* does not open the store */
int fixture_tear_down(void **state);

enum fp_err fixture_open(struct fixture *f);
void fixture_close(struct fixture *f);
/* SQL on the file, the store being closed. */
void fixture_sql(struct fixture *f, const char *sql);
/* A file in the folder, or NULL in *out if it is not there; to be freed. */
size_t fixture_read(const struct fixture *f, const char *name, char **out);
void fixture_write(const struct fixture *f, const char *name, const void *bytes, size_t size);
/* How many files of the folder begin with prefix. */
size_t fixture_count(const struct fixture *f, const char *prefix);
/* A transaction of the script, committed. */
void fixture_commit(struct fixture *f, uint64_t seed);
uint64_t fixture_hash(struct fixture *f);

#endif
