#include "firmware-client/ports/storage_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static enum fp_err file_read(void *ctx, uint32_t at, void *buf, size_t len)
{
    const struct fp_storage_file *f = ctx;
    uint8_t *to = buf;
    while (len > 0) {
        ssize_t got = pread(f->fd, to, len, (off_t)at);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return FP_EIO;
        }
        to += got;
        at += (uint32_t)got;
        len -= (size_t)got;
    }
    return FP_OK;
}

static enum fp_err write_all(int fd, uint32_t at, const uint8_t *p, size_t len)
{
    while (len > 0) {
        ssize_t put = pwrite(fd, p, len, (off_t)at);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            return FP_EIO;
        }
        p += put;
        at += (uint32_t)put;
        len -= (size_t)put;
    }
    return FP_OK;
}

static enum fp_err file_program(void *ctx, uint32_t at, const void *p, size_t len)
{
    const struct fp_storage_file *f = ctx;
    return at > f->size || len > f->size - at ? FP_EIO : write_all(f->fd, at, p, len);
}

static enum fp_err erase_to(int fd, uint32_t at, uint32_t len)
{
    uint8_t erased[4096];
    memset(erased, 0xff, sizeof(erased));
    enum fp_err err = FP_OK;
    while (!err && len > 0) {
        uint32_t now = len < sizeof(erased) ? len : (uint32_t)sizeof(erased);
        err = write_all(fd, at, erased, now);
        at += now;
        len -= now;
    }
    return err;
}

static enum fp_err file_erase(void *ctx, uint32_t at)
{
    const struct fp_storage_file *f = ctx;
    return at >= f->size || at % f->sector_bytes != 0 ? FP_EIO : erase_to(f->fd, at, f->sector_bytes);
}

static enum fp_err file_sync(void *ctx)
{
    const struct fp_storage_file *f = ctx;
    return fdatasync(f->fd) == 0 ? FP_OK : FP_EIO;
}

/* A new file's name is durable only when its directory is. */
static enum fp_err sync_directory(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t len = slash ? (size_t)(slash - path) + 1 : 1;
    if (len >= sizeof(folder)) {
        return FP_EIO;
    }
    memcpy(folder, slash ? path : ".", len);
    folder[len] = '\0';
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return FP_EIO;
    }
    enum fp_err err = fsync(fd) == 0 ? FP_OK : FP_EIO;
    (void)close(fd); /* it was only read */
    return err;
}

/* Is it as a making that was cut short leaves it? A file system may give zeros where the size was written, and the bytes were not. */
static enum fp_err check_blank(int fd, off_t size)
{
    uint8_t piece[4096];
    for (off_t at = 0; at < size;) {
        ssize_t got = pread(fd, piece, sizeof(piece), at);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return FP_EIO;
        }
        for (ssize_t i = 0; i < got; i++) {
            if (piece[i] != 0xff && piece[i] != 0) {
                return FP_ECONFIG;
            }
        }
        at += got;
    }
    return FP_OK;
}

/* Fills a file that is new, or whose making was cut short. One of another size that holds something is not ours to change. */
static enum fp_err fill(const struct fp_storage_file *f, const char *path)
{
    struct stat st;
    if (fstat(f->fd, &st) != 0) {
        return FP_EIO;
    }
    if (st.st_size == (off_t)f->size) {
        return sync_directory(path); /* whoever made it may have been killed just before */
    }
    if (st.st_size > (off_t)f->size) {
        return FP_ECONFIG;
    }
    enum fp_err err = check_blank(f->fd, st.st_size);
    if (err) {
        return err;
    }
    err = erase_to(f->fd, 0, f->size);
    if (!err && fsync(f->fd) != 0) {
        err = FP_EIO;
    }
    if (err) {
        return errno == ENOSPC || errno == EDQUOT ? FP_EFULL : FP_EIO;
    }
    return sync_directory(path);
}

enum fp_err fp_storage_file_open(struct fp_storage_file *f, const char *path, uint32_t size, uint32_t sector_bytes, struct fp_storage *out)
{
    if (sector_bytes == 0 || size % sector_bytes != 0 || size / sector_bytes < 3) {
        return FP_ECONFIG;
    }
    *f = (struct fp_storage_file){.fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600), .size = size, .sector_bytes = sector_bytes};
    if (f->fd < 0) {
        return FP_EIO;
    }
    enum fp_err err = flock(f->fd, LOCK_EX | LOCK_NB) == 0 ? FP_OK : errno == EWOULDBLOCK ? FP_EBUSY : FP_EIO;
    if (!err) {
        err = fill(f, path);
    }
    if (err) {
        int why = errno;
        fp_storage_file_close(f);
        errno = why;
        return err;
    }
    *out = (struct fp_storage){.ctx = f,
                               .size = size,
                               .sector_bytes = sector_bytes,
                               .program_bytes = 1,
                               .read = file_read,
                               .program = file_program,
                               .erase = file_erase,
                               .sync = file_sync};
    return FP_OK;
}

void fp_storage_file_close(struct fp_storage_file *f)
{
    if (f->fd >= 0) {
        (void)close(f->fd); /* what counts was synced */
        f->fd = -1;
    }
}
