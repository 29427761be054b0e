/*
 * log.h: one line a happening on stderr: `level event key=value ...`, made to be searched.
 *
 * Shape       a value that has blanks or quotes in it is written with quotes and \-escapes; bytes that do not print as \xNN, so that
 *             no peer can write a line of its own
 * Thread      one thread
 */
#ifndef EDGE_RELAY_NET_LOG_H
#define EDGE_RELAY_NET_LOG_H

#include <stdbool.h>

enum log_level {
    LOG_ERROR,
    LOG_WARN,
    LOG_INFO,
    LOG_DEBUG,
};

/* What is below this level is not written. */
void log_set_level(enum log_level level);

/* `keys` are the words of one format, "key=%s other=%d"; %s values are quoted where needed. Only %s, %d, %u, %zu, %lu, %llu. */
__attribute__((format(printf, 3, 4))) void log_line(enum log_level level, const char *event, const char *keys, ...);

/* The same for what strangers can cause: at most 20 lines a second, then one line that says how many were left out. */
__attribute__((format(printf, 3, 4))) void log_flood(enum log_level level, const char *event, const char *keys, ...);

#endif
