#include "firmware-client/cli/clock.h"

#include <inttypes.h>
#include <time.h>

static bool split(struct fp_wall at, bool local, struct tm *out)
{
    time_t seconds = (time_t)(at.ms / 1000);
    return at.ms / 1000 < 253402300800ULL && (local ? localtime_r(&seconds, out) : gmtime_r(&seconds, out)) != NULL; /* up to the year 9999 */
}

void clock_local(struct str *out, struct fp_wall at)
{
    struct tm t;
    if (!split(at, true, &t)) {
        str_format(out, "%" PRIu64 " ms", at.ms);
        return;
    }
    str_format(out, "%04d-%02d-%02d %02d:%02d", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min);
}

void clock_utc(struct str *out, struct fp_wall at)
{
    struct tm t;
    if (!split(at, false, &t)) {
        str_format(out, "%" PRIu64 " ms", at.ms);
        return;
    }
    str_format(out, "%04d-%02d-%02dT%02d:%02d:%02d.%03uZ", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec,
               (unsigned)(at.ms % 1000));
}

struct fp_mono clock_mono(void)
{
    struct timespec t = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail with this clock */
    return (struct fp_mono){.us = (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000};
}
