#include "plugin/sqlite/sqlite_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_MAX_BYTES (SQLITE_FILE_PATH_MAX + 64)

static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
#define SUFFIX_COUNT (sizeof suffixes / sizeof suffixes[0])

void why_set(struct why why, const char *format, ...)
{
    if (!why.text || why.cap == 0) {
        return;
    }
    va_list args;
    va_start(args, format);
    (void)vsnprintf(why.text, why.cap, format, args);
    va_end(args);
}

static enum fp_err errno_err(int code)
{
    return code == ENOSPC || code == EDQUOT ? FP_EFULL : FP_EIO;
}

/* The directory that path lies in. */
static void directory_of(const char *path, char *out, size_t cap)
{
    const char *slash = strrchr(path, '/');

    if (!slash) {
        (void)snprintf(out, cap, ".");
    } else if (slash == path) {
        (void)snprintf(out, cap, "/");
    } else {
        (void)snprintf(out, cap, "%.*s", (int)(slash - path), path);
    }
}

static enum fp_err sync_directory(const char *path, struct why why)
{
    char name[NAME_MAX_BYTES];

    directory_of(path, name, sizeof name);
    int fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int code = fd < 0 || fsync(fd) != 0 ? errno : 0;
    if (fd >= 0) {
        (void)close(fd); /* nothing was written through it */
    }
    if (code != 0) {
        why_set(why, "cannot sync the directory %s: %s", name, strerror(code));
        return errno_err(code);
    }
    return FP_OK;
}

static enum fp_err check_path(const char *path, struct why why)
{
    char name[NAME_MAX_BYTES];
    struct stat st;

    if (!path || path[0] == '\0' || strlen(path) > SQLITE_FILE_PATH_MAX) {
        why_set(why, "the database needs a path of 1 to %d bytes", SQLITE_FILE_PATH_MAX);
        return FP_EIO;
    }
    directory_of(path, name, sizeof name);
    if (stat(name, &st) != 0) {
        why_set(why, "the directory %s of the database: %s", name, strerror(errno));
        return FP_EIO;
    }
    if (!S_ISDIR(st.st_mode)) {
        why_set(why, "%s, where the database should be, is no directory", name);
        return FP_EIO;
    }
    return FP_OK;
}

enum fp_err sqlite_file_lock(const char *path, int *out_fd, struct why why)
{
    char name[NAME_MAX_BYTES];

    *out_fd = -1;
    enum fp_err err = check_path(path, why);
    if (err) {
        return err;
    }
    (void)snprintf(name, sizeof name, "%s.lock", path);
    int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        why_set(why, "cannot open the lock file %s: %s", name, strerror(errno));
        return errno_err(errno);
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        int code = errno;
        (void)close(fd); /* nothing was written through it */
        if (code == EWOULDBLOCK) {
            why_set(why, "the database %s is in use by another broker (it holds %s)", path, name);
            return FP_EBUSY;
        }
        why_set(why, "cannot lock %s: %s", name, strerror(code));
        return FP_EIO;
    }
    *out_fd = fd;
    return FP_OK;
}

enum fp_err sqlite_file_state(const char *path, enum sqlite_file_state *out_state, struct why why)
{
    char wal[NAME_MAX_BYTES];
    struct stat st;

    if (stat(path, &st) == 0) {
        *out_state = SQLITE_FILE_THERE;
        if (!S_ISREG(st.st_mode)) {
            why_set(why, "%s is no regular file", path);
            return FP_EIO;
        }
        return FP_OK;
    }
    if (errno != ENOENT) {
        why_set(why, "cannot look at %s: %s", path, strerror(errno));
        return FP_EIO;
    }
    (void)snprintf(wal, sizeof wal, "%s-wal", path);
    *out_state = stat(wal, &st) == 0 && st.st_size > 0 ? SQLITE_FILE_LOST : SQLITE_FILE_ABSENT;
    return FP_OK;
}

enum fp_err sqlite_file_create(const char *path, struct why why)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0) {
        why_set(why, "cannot create the database %s: %s", path, strerror(errno));
        return errno_err(errno);
    }
    (void)close(fd); /* nothing was written through it */
    return sync_directory(path, why);
}

void sqlite_file_remove(const char *path)
{
    char name[NAME_MAX_BYTES];

    for (size_t i = 0; i < SUFFIX_COUNT; i++) {
        (void)snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
        (void)unlink(name); /* most are not there; what stays is moved aside at the next start */
    }
}

static bool name_is_taken(const char *path, uint64_t number)
{
    char name[NAME_MAX_BYTES];
    struct stat st;

    for (size_t i = 0; i < SUFFIX_COUNT; i++) {
        (void)snprintf(name, sizeof name, "%s.bad-%" PRIu64 "%s", path, number, suffixes[i]);
        if (lstat(name, &st) == 0) {
            return true;
        }
    }
    return false;
}

enum fp_err sqlite_file_move_aside(const char *path, uint64_t now_s, struct why why)
{
    char from[NAME_MAX_BYTES];
    char to[NAME_MAX_BYTES];

    while (name_is_taken(path, now_s)) {
        now_s++;
    }
    /* The file itself goes last: if we are cut off in between, the next start finds it and moves what is left. */
    for (size_t i = SUFFIX_COUNT; i > 0; i--) {
        (void)snprintf(from, sizeof from, "%s%s", path, suffixes[i - 1]);
        (void)snprintf(to, sizeof to, "%s.bad-%" PRIu64 "%s", path, now_s, suffixes[i - 1]);
        if (rename(from, to) != 0 && errno != ENOENT) {
            why_set(why, "cannot move the bad database %s aside: %s", from, strerror(errno));
            return errno_err(errno);
        }
    }
    return sync_directory(path, why);
}
