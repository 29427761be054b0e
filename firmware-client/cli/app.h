/*
 * app.h: one run of the program: its settings, what it writes, and the exit codes.
 */
#ifndef FIRMWARE_CLIENT_CLI_APP_H
#define FIRMWARE_CLIENT_CLI_APP_H

#include "firmware-client/cli/settings.h"
#include "fp/err.h"

enum exit_code {
    EXIT_FINE = 0,
    EXIT_FAILED = 1, /* refused, or it could not be done */
    EXIT_USAGE = 2,
    EXIT_QUEUED = 3, /* on this device's disk, not yet at the hub */
};

struct app {
    struct settings set;
    settings_env_fn env;
};

/* Writes to stdout and empties s. False, once it cannot (a closed pipe): the caller ends. */
bool app_put(struct str *s);
/* "fieldpost: denied: sentence" on stderr, and {"type":"error"} on stdout with --json. Returns EXIT_FAILED. */
int app_refused(const struct app *app, const char *code, struct fp_bytes reason);
int app_error(const struct app *app, const char *code, const char *reason);
/* The same with exit code 2. */
int app_usage(const struct app *app, const char *reason);
void app_verbose(const struct app *app, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* An id among the words; false: said already, and the caller returns EXIT_USAGE. */
bool app_id(const struct app *app, const char *what, const char *text, struct fp_id *out);
bool app_seq(const struct app *app, const char *what, const char *text, uint64_t *out);
/* SIGINT, SIGTERM or SIGHUP has come: end in good order. */
bool app_stopped(void);
void app_catch_signals(void);

#endif
