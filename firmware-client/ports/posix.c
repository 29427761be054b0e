#include "firmware-client/ports/posix.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/random.h>
#include <time.h>

struct fp_mono fp_posix_mono(void)
{
    struct timespec t = {0};
#ifdef CLOCK_BOOTTIME
    if (clock_gettime(CLOCK_BOOTTIME, &t) != 0)
#endif
    {
        (void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail with this clock */
    }
    return (struct fp_mono){.us = (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000};
}

struct fp_wall fp_posix_wall(void)
{
    struct timespec t = {0};
    (void)clock_gettime(CLOCK_REALTIME, &t); /* likewise */
    return (struct fp_wall){.ms = t.tv_sec < 0 ? 0 : (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000};
}

int fp_posix_entropy(void *ctx, unsigned char *out, size_t len)
{
    (void)ctx;
    while (len > 0) {
        ssize_t n = getrandom(out, len, 0);
        if (n < 0 && errno != EINTR) {
            return -1;
        }
        out += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static uint32_t random_next(void *ctx)
{
    uint32_t n;
    (void)ctx;
    if (fp_posix_entropy(NULL, (unsigned char *)&n, sizeof n) != 0) {
        uint64_t us = fp_posix_mono().us * 0x9e3779b97f4a7c15ULL;
        n = (uint32_t)(us >> 32);
    }
    return n;
}

struct fp_random fp_posix_random(void)
{
    return (struct fp_random){.next = random_next};
}

bool fp_posix_wait(int fd, bool want_write, struct fp_mono until, struct fp_mono now)
{
    uint64_t us = until.us > now.us ? until.us - now.us : 0;
    uint64_t ms = us / 1000 + (us % 1000 != 0);
    struct pollfd p = {.fd = fd, .events = (short)(POLLIN | (want_write ? POLLOUT : 0))};
    return poll(&p, 1, ms > INT_MAX ? INT_MAX : (int)ms) > 0;
}
