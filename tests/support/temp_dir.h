/*
 * temp_dir.h: a folder of a test's own, gone afterwards with all that is in it. What goes wrong ends the program.
 */
#ifndef TESTS_SUPPORT_TEMP_DIR_H
#define TESTS_SUPPORT_TEMP_DIR_H

#define TEMP_PATH_MAX 512

struct temp_dir {
    char path[256];
};

void temp_dir_make(struct temp_dir *d);
void temp_dir_path(const struct temp_dir *d, const char *name, char out[TEMP_PATH_MAX]);
/* The files in it, then the folder. */
void temp_dir_remove(const struct temp_dir *d);

#endif
