/* The archive's files on their disk. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugin/sqlite/sqlite_segment.h"

static bool path_of(const char *dir, const char *name, char out[PATH_MAX])
{
    int len = snprintf(out, PATH_MAX, "%s/%s", dir, name);
    return len > 0 && len < PATH_MAX;
}

static enum fp_err failed(const char *what, int code, struct why why)
{
    why_set(why, "cannot %s it: %s", what, strerror(code));
    return code == ENOSPC || code == EDQUOT ? FP_EFULL : FP_EIO;
}

/* A name that was made or taken away is on disk. */
static enum fp_err sync_dir(const char *dir, struct why why)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int code = fd < 0 || fsync(fd) != 0 ? errno : 0;

    if (fd >= 0) {
        (void)close(fd); /* nothing was written through it */
    }
    return code == 0 ? FP_OK : failed("sync the directory of", code, why);
}

bool segment_same(const struct segment_stamp *a, const struct segment_stamp *b)
{
    return a->there == b->there && a->inode == b->inode && a->bytes == b->bytes && a->changed.tv_sec == b->changed.tv_sec &&
           a->changed.tv_nsec == b->changed.tv_nsec;
}

int segment_look(const char *dir, const char *name, struct segment_stamp *out)
{
    char path[PATH_MAX];
    struct stat st;

    *out = (struct segment_stamp){0};
    if (!path_of(dir, name, path)) {
        return ENAMETOOLONG;
    }
    if (lstat(path, &st) != 0) {
        return errno;
    }
    if (!S_ISREG(st.st_mode)) {
        return EINVAL;
    }
    *out = (struct segment_stamp){.there = true, .inode = st.st_ino, .bytes = st.st_size, .changed = st.st_ctim};
    return 0;
}

static int write_all(int fd, const uint8_t *p, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, p, len);
        if (n < 0 && errno != EINTR) {
            return errno;
        }
        if (n > 0) {
            p += n;
            len -= (size_t)n;
        }
    }
    return fsync(fd) == 0 ? 0 : errno;
}

enum fp_err segment_write(const char *dir, const char *name, struct fp_bytes file, struct why why)
{
    char path[PATH_MAX];

    if (!path_of(dir, name, path)) {
        return failed("make", ENAMETOOLONG, why);
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return failed("make", errno, why);
    }
    int code = write_all(fd, file.p, file.len);
    if (close(fd) != 0 && code == 0) {
        code = errno;
    }
    return code == 0 ? sync_dir(dir, why) : failed("write", code, why);
}

static int read_all(int fd, uint8_t *p, size_t len)
{
    while (len > 0) {
        ssize_t n = read(fd, p, len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return n < 0 ? errno : ENODATA;
        }
        p += n;
        len -= (size_t)n;
    }
    return 0;
}

enum fp_err segment_read(const char *dir, const struct segment *seg, uint8_t **own_out, struct why why)
{
    char path[PATH_MAX];
    struct segment_stamp stamp;
    int code = segment_look(dir, seg->name, &stamp);

    *own_out = NULL;
    if (code == 0 && (uint64_t)stamp.bytes != seg->bytes) {
        why_set(why, "it is damaged: it has %llu bytes and not %llu", (unsigned long long)stamp.bytes, (unsigned long long)seg->bytes);
        return FP_EAGAIN;
    }
    if (code == 0 && path_of(dir, seg->name, path)) {
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        uint8_t *file = fd < 0 ? NULL : malloc((size_t)seg->bytes);
        code = fd < 0 ? errno : file ? read_all(fd, file, (size_t)seg->bytes) : ENOMEM;
        if (fd >= 0) {
            (void)close(fd); /* nothing was written through it */
        }
        if (code == 0) {
            *own_out = file;
            return FP_OK;
        }
        free(file);
    }
    (void)failed("read", code, why);
    return code == ENOMEM ? FP_ENOMEM : stamp.there ? FP_EIO : FP_EAGAIN;
}

static int overwrite(int fd)
{
    static const uint8_t zeros[4096];
    struct stat st;

    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        return EINVAL;
    }
    for (off_t at = 0; at < st.st_size; at += (off_t)sizeof zeros) {
        size_t len = st.st_size - at < (off_t)sizeof zeros ? (size_t)(st.st_size - at) : sizeof zeros;
        if (pwrite(fd, zeros, len, at) != (ssize_t)len) {
            return errno != 0 ? errno : EIO;
        }
    }
    return fsync(fd) == 0 ? 0 : errno;
}

enum fp_err segment_erase(const char *dir, const char *name, bool *out_there, struct why why)
{
    char path[PATH_MAX];

    *out_there = false;
    if (!path_of(dir, name, path)) {
        return FP_OK;
    }
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return errno == ENOENT ? FP_OK : failed("erase", errno, why);
    }
    *out_there = true;
    int code = overwrite(fd);
    (void)close(fd); /* it is on disk already */
    if (code == 0 && unlink(path) != 0) {
        code = errno;
    }
    return code == 0 ? sync_dir(dir, why) : failed("erase", code, why);
}
