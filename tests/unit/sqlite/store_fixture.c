#include "tests/unit/sqlite/store_fixture.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t next_epoch(void *arg)
{
    struct fixture *f = arg;

    return ++f->next_epoch;
}

int fixture_set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    if (!f) {
        return -1;
    }
    temp_dir_make(&f->dir);
    temp_dir_path(&f->dir, "hub.db", f->path);
    f->config = (struct sqlite_store_config){.path = f->path, .random = next_epoch, .random_arg = f, .now_s = 1700000000};
    *state = f;
    return 0;
}

int fixture_tear_down(void **state)
{
    struct fixture *f = *state;

    fixture_close(f);
    temp_dir_remove(&f->dir);
    free(f);
    return 0;
}

enum fp_err fixture_open(struct fixture *f)
{
    enum fp_err err = sqlite_store_open(&f->store, &f->config, &f->info, f->why, sizeof f->why);

    f->p = f->store ? sqlite_store_port(f->store) : (struct store_port){0};
    return err;
}

void fixture_close(struct fixture *f)
{
    sqlite_store_close(f->store);
    f->store = NULL;
}

void fixture_sql(struct fixture *f, const char *sql)
{
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
    if (rc != SQLITE_OK) {
        print_error("%s: %s\n", sql, sqlite3_errmsg(db));
    }
    assert_int_equal(rc, SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

size_t fixture_read(const struct fixture *f, const char *name, char **out)
{
    char path[TEMP_PATH_MAX];

    temp_dir_path(&f->dir, name, path);
    FILE *file = fopen(path, "rb");
    *out = NULL;
    if (!file) {
        return 0;
    }
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    size_t size = (size_t)ftell(file);
    rewind(file);
    *out = malloc(size + 1);
    assert_non_null(*out);
    assert_int_equal(fread(*out, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    return size;
}

void fixture_write(const struct fixture *f, const char *name, const void *bytes, size_t size)
{
    char path[TEMP_PATH_MAX];

    temp_dir_path(&f->dir, name, path);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

size_t fixture_count(const struct fixture *f, const char *prefix)
{
    size_t count = 0;
    DIR *dir = opendir(f->dir.path);

    assert_non_null(dir);
    for (const struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        count += strncmp(e->d_name, prefix, strlen(prefix)) == 0;
    }
    (void)closedir(dir);
    return count;
}

void fixture_commit(struct fixture *f, uint64_t seed)
{
    assert_int_equal(store_script_tx(f->p, seed), FP_OK);
    assert_int_equal(f->p.commit(f->p.ctx), FP_OK);
}

uint64_t fixture_hash(struct fixture *f)
{
    uint64_t hash = 0;

    assert_int_equal(store_script_hash(f->p, &hash), FP_OK);
    return hash;
}
