/*
 * sqlite_file.h: the database as files: the lock that keeps a second broker out, making a new one, moving a bad one aside.
 *
 * Errors      each failure leaves one sentence in why
 */
#ifndef PLUGIN_SQLITE_SQLITE_FILE_H
#define PLUGIN_SQLITE_SQLITE_FILE_H

#include "fp/err.h"

#include <stddef.h>
#include <stdint.h>

#define SQLITE_FILE_PATH_MAX 4000

struct why {
    char *text; /* may be NULL */
    size_t cap;
};

void why_set(struct why why, const char *format, ...) __attribute__((format(printf, 2, 3)));

enum sqlite_file_state {
    SQLITE_FILE_ABSENT,
    SQLITE_FILE_THERE,
    SQLITE_FILE_LOST, /* the file is gone, but a -wal with content is there */
};

/* Held until the descriptor is closed. FP_EBUSY: another process has it. */
enum fp_err sqlite_file_lock(const char *path, int *out_fd, struct why why);
enum fp_err sqlite_file_state(const char *path, enum sqlite_file_state *out_state, struct why why);
/* Empty, mode 0600 (SQLite gives -wal and -shm the same), its name on disk. */
enum fp_err sqlite_file_create(const char *path, struct why why);
/* Takes back what sqlite_file_create() and a failed first open made. */
void sqlite_file_remove(const char *path);
/* To <path>.bad-<now_s>, or the next number that is free; with -wal, -shm and -journal. */
enum fp_err sqlite_file_move_aside(const char *path, uint64_t now_s, struct why why);

#endif
