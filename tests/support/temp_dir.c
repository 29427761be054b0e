#include "tests/support/temp_dir.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void need(int ok, const char *what)
{
    if (!ok) {
        perror(what);
        abort();
    }
}

void temp_dir_make(struct temp_dir *d)
{
    const char *base = getenv("TMPDIR");

    (void)snprintf(d->path, sizeof d->path, "%s/fieldpost-XXXXXX", base ? base : "/tmp");
    need(mkdtemp(d->path) != NULL, d->path);
}

void temp_dir_path(const struct temp_dir *d, const char *name, char out[TEMP_PATH_MAX])
{
    int len = snprintf(out, TEMP_PATH_MAX, "%s/%s", d->path, name);

    need(len > 0 && len < TEMP_PATH_MAX, "temp_dir: a path is too long");
}

void temp_dir_remove(const struct temp_dir *d)
{
    char name[TEMP_PATH_MAX];
    DIR *dir = opendir(d->path);

    need(dir != NULL, d->path);
    for (const struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
            temp_dir_path(d, e->d_name, name);
            need(unlink(name) == 0, name);
        }
    }
    (void)closedir(dir);
    need(rmdir(d->path) == 0, d->path);
}
