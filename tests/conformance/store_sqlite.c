/* The suite over SQLite, on a file in a folder of its own. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "plugin/sqlite/sqlite_store.h"
#include "tests/conformance/store_conformance.h"
#include "tests/support/temp_dir.h"

struct world {
    struct temp_dir dir;
    char path[TEMP_PATH_MAX];
    char archive[TEMP_PATH_MAX];
    struct sqlite_store *store;
};

static uint64_t chance(void *arg)
{
    static uint64_t last;
    (void)arg;
    return ++last;
}

static enum fp_err open_store(struct world *w, struct store_port *out)
{
    const struct sqlite_store_config config = {.path = w->path, .random = chance, .archive_dir = w->archive};
    struct store_info info = {0};
    char why[256];
    enum fp_err err = sqlite_store_open(&w->store, &config, &info, why, sizeof why);

    if (err) {
        (void)fprintf(stderr, "%s\n", why);
        return err;
    }
    *out = sqlite_store_port(w->store);
    return info.quarantined ? FP_ECORRUPT : FP_OK;
}

static enum fp_err make(void *ctx, struct store_port *out)
{
    struct world *w = ctx;

    temp_dir_make(&w->dir);
    temp_dir_path(&w->dir, "hub.db", w->path);
    temp_dir_path(&w->dir, "", w->archive); /* beside the database; nothing of it is left at the end either */
    return open_store(w, out);
}

static enum fp_err restart(void *ctx, struct store_port *out)
{
    struct world *w = ctx;

    sqlite_store_close(w->store);
    return open_store(w, out);
}

static void end(void *ctx)
{
    struct world *w = ctx;

    sqlite_store_close(w->store);
    w->store = NULL;
    temp_dir_remove(&w->dir);
}

int main(void)
{
    struct world w = {0};
    const struct store_maker maker = {.ctx = &w, .make = make, .restart = restart, .end = end};

    return store_conformance_run(&maker);
}
