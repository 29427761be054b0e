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

#define YEAR_MIN 1970
#define YEAR_MAX 9999
#define DURATION_MAX 1000000000ULL /* of any unit; more than 30 years */

static bool parse_duration(const char *text, struct fp_wall now, struct fp_wall *out)
{
    static const char units[] = "smhd";
    static const uint64_t unit_ms[] = {1000, 60000, 3600000, 86400000};
    uint64_t count = 0;
    const char *p = text;
    for (; *p >= '0' && *p <= '9' && count < DURATION_MAX; p++) {
        count = count * 10 + (uint64_t)(*p - '0');
    }
    const char *unit = *p ? strchr(units, *p) : NULL;
    if (p == text || !unit || p[1] != '\0' || count == 0 || count > DURATION_MAX) {
        return false;
    }
    out->ms = now.ms + count * unit_ms[unit - units];
    return true;
}

/* Digits, and what must stand behind them. */
static bool take_digits(const char **p, int digits, char after, int *out)
{
    *out = 0;
    for (int i = 0; i < digits; i++, (*p)++) {
        if (**p < '0' || **p > '9') {
            return false;
        }
        *out = *out * 10 + (**p - '0');
    }
    return !after || *(*p)++ == after;
}

static bool parse_utc(const char *p, struct fp_wall *out)
{
    struct tm t = {0};
    unsigned ms = 0;
    bool fine = take_digits(&p, 4, '-', &t.tm_year) && take_digits(&p, 2, '-', &t.tm_mon) && take_digits(&p, 2, 'T', &t.tm_mday) &&
                take_digits(&p, 2, ':', &t.tm_hour) && take_digits(&p, 2, ':', &t.tm_min) && take_digits(&p, 2, '\0', &t.tm_sec);
    if (fine && *p == '.') {
        unsigned scale = 100;
        for (p++; *p >= '0' && *p <= '9'; p++, scale /= 10) {
            ms += (unsigned)(*p - '0') * scale;
        }
    }
    if (!fine || strcmp(p, "Z") != 0 || t.tm_year < YEAR_MIN || t.tm_year > YEAR_MAX) {
        return false;
    }
    t.tm_year -= 1900;
    t.tm_mon -= 1;
    struct tm given = t;
    time_t seconds = timegm(&t); /* it moves what is no date, such as the 30th of February */
    out->ms = (uint64_t)seconds * 1000 + ms;
    return seconds >= 0 && t.tm_mon == given.tm_mon && t.tm_mday == given.tm_mday && t.tm_hour == given.tm_hour && t.tm_min == given.tm_min &&
           t.tm_sec == given.tm_sec;
}

bool clock_parse(const char *text, struct fp_wall now, struct fp_wall *out)
{
    return parse_duration(text, now, out) || parse_utc(text, out);
}

struct fp_wall clock_wall(void)
{
    struct timespec t = {0};
    (void)clock_gettime(CLOCK_REALTIME, &t); /* cannot fail with this clock */
    return (struct fp_wall){.ms = (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000};
}

struct fp_mono clock_mono(void)
{
    struct timespec t = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail with this clock */
    return (struct fp_mono){.us = (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000};
}
