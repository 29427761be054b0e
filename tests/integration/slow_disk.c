/*
 * slow_disk.c: preloaded into the broker, it holds the first write of each transaction to SQLite's log back for a while, as a slow disk would.
 *
 * A kill -9 loses only what has not been written yet, and that moment is short on a fast disk: a hub that tells before it commits would
 * hardly ever be caught. Here it is.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#define HOLD_NS (8 * 1000 * 1000)

static __thread bool begun; /* something of this transaction has been written */

static bool is_log(int fd)
{
    char link[64];
    char path[512];

    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, sizeof path);
    return len > 4 && memcmp(path + len - 4, "-wal", 4) == 0;
}

static void hold(int fd)
{
    if (!begun && is_log(fd)) {
        begun = true;
        (void)nanosleep(&(struct timespec){.tv_nsec = HOLD_NS}, NULL);
    }
}

ssize_t pwrite64(int fd, const void *data, size_t len, off64_t at)
{
    ssize_t (*real)(int, const void *, size_t, off64_t) = (ssize_t(*)(int, const void *, size_t, off64_t))dlsym(RTLD_NEXT, "pwrite64");

    hold(fd);
    return real(fd, data, len, at);
}

int fdatasync(int fd)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");

    begun = false;
    return real(fd);
}
