#include "edge-relay/net/log.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define LINE_MAX_BYTES 1024
#define FLOOD_PER_S 20

static enum log_level shown = LOG_INFO;

struct line {
    char text[LINE_MAX_BYTES];
    size_t len;
};

void log_set_level(enum log_level level)
{
    shown = level;
}

static void put(struct line *l, const char *text, size_t len)
{
    size_t room = sizeof l->text - 1 - l->len; /* the line end has its place */
    size_t n = len < room ? len : room;

    memcpy(l->text + l->len, text, n);
    l->len += n;
}

static void put_value(struct line *l, const char *value)
{
    bool quoted = *value == '\0' || strpbrk(value, " \"\\=") != NULL;

    put(l, "\"", quoted);
    for (const char *p = value; *p != '\0'; p++) {
        unsigned char c = (unsigned char)*p;
        char escaped[8];

        if (c == '"' || c == '\\') {
            put(l, "\\", 1);
            put(l, p, 1);
        } else if (c < ' ' || c >= 0x7f) {
            put(l, escaped, (size_t)snprintf(escaped, sizeof escaped, "\\x%02x", c));
        } else {
            put(l, p, 1);
        }
    }
    put(l, "\"", quoted);
}

/* Walks the format by hand, since a %s has to be escaped before it is put in. Returns what follows the conversion. */
static const char *put_conversion(struct line *l, const char *f, va_list *args)
{
    char number[24];
    int n = 0;

    if (strncmp(f, "s", 1) == 0) {
        const char *value = va_arg(*args, const char *);
        put_value(l, value != NULL ? value : "");
        return f + 1;
    }
    if (strncmp(f, "d", 1) == 0) {
        n = snprintf(number, sizeof number, "%d", va_arg(*args, int));
        f += 1;
    } else if (strncmp(f, "u", 1) == 0) {
        n = snprintf(number, sizeof number, "%u", va_arg(*args, unsigned));
        f += 1;
    } else if (strncmp(f, "zu", 2) == 0) {
        n = snprintf(number, sizeof number, "%zu", va_arg(*args, size_t));
        f += 2;
    } else if (strncmp(f, "llu", 3) == 0) {
        n = snprintf(number, sizeof number, "%llu", va_arg(*args, unsigned long long));
        f += 3;
    } else if (strncmp(f, "lu", 2) == 0) {
        n = snprintf(number, sizeof number, "%lu", va_arg(*args, unsigned long));
        f += 2;
    }
    put(l, number, n > 0 ? (size_t)n : 0);
    return f;
}

static void write_line(enum log_level level, const char *event, const char *keys, va_list *args)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};
    struct line l = {.len = 0};

    put(&l, names[level], strlen(names[level]));
    put(&l, " ", 1);
    put(&l, event, strlen(event));
    put(&l, " ", *keys != '\0');
    for (const char *f = keys; *f != '\0';) {
        if (*f == '%') {
            f = put_conversion(&l, f + 1, args);
        } else {
            put(&l, f++, 1);
        }
    }
    l.text[l.len++] = '\n';
    (void)fwrite(l.text, 1, l.len, stderr); /* where would we say that stderr is gone? */
}

void log_line(enum log_level level, const char *event, const char *keys, ...)
{
    va_list args;

    if (level > shown) {
        return;
    }
    va_start(args, keys);
    write_line(level, event, keys, &args);
    va_end(args);
}

void log_flood(enum log_level level, const char *event, const char *keys, ...)
{
    static time_t second;
    static unsigned lines, left_out;
    struct timespec now;
    va_list args;

    if (level > shown) {
        return;
    }
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    if (now.tv_sec != second) {
        if (left_out > 0) {
            log_line(LOG_WARN, "log_left_out", "lines=%u", left_out);
        }
        second = now.tv_sec;
        lines = 0;
        left_out = 0;
    }
    if (lines >= FLOOD_PER_S) {
        left_out++;
        return;
    }
    lines++;
    va_start(args, keys);
    write_line(level, event, keys, &args);
    va_end(args);
}
