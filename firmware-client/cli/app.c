#include "firmware-client/cli/app.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>

#include "firmware-client/cli/show.h"
#include "firmware-client/cli/text.h"

static volatile sig_atomic_t stop_asked;

static void on_signal(int number)
{
    (void)number;
    stop_asked = 1;
}

bool app_stopped(void)
{
    return stop_asked != 0;
}

void app_catch_signals(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {0};
    action.sa_handler = on_signal; /* without SA_RESTART: a wait ends at once */
    (void)sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        (void)sigaction(numbers[i], &action, NULL); /* these three can always be caught */
    }
    action.sa_handler = SIG_IGN;
    (void)sigaction(SIGPIPE, &action, NULL);
}

bool app_put(struct str *s)
{
    bool fine = s->len == 0 || (fwrite(s->p, 1, s->len, stdout) == s->len && fflush(stdout) == 0);
    str_clear(s);
    return fine;
}

int app_refused(const struct app *app, const char *code, struct fp_bytes reason)
{
    struct str text = {0};
    struct str line = {0};
    text_inert(&text, reason, TEXT_ONE_LINE);
    (void)fprintf(stderr, "fieldpost: %s%s%s\n", code, text.len > 0 ? ": " : "", str_get(&text));
    if (app->set.json) {
        show_error(&line, code, str_get(&text));
        (void)app_put(&line); /* the error is on stderr as well */
    }
    str_fini(&text);
    str_fini(&line);
    return EXIT_FAILED;
}

int app_error(const struct app *app, const char *code, const char *reason)
{
    return app_refused(app, code, fp_bytes_of(reason, strlen(reason)));
}

int app_usage(const struct app *app, const char *reason)
{
    (void)app_refused(app, "usage", fp_bytes_of(reason, strlen(reason)));
    return EXIT_USAGE;
}

void app_verbose(const struct app *app, const char *format, ...)
{
    if (!app->set.verbose) {
        return;
    }
    va_list args;
    va_start(args, format);
    (void)fputs("fieldpost: ", stderr);
    (void)vfprintf(stderr, format, args);
    (void)fputc('\n', stderr);
    va_end(args);
}

bool app_id(const struct app *app, const char *what, const char *text, struct fp_id *out)
{
    if (fp_id_parse(text, strlen(text), out)) {
        return true;
    }
    struct str why = {0};
    str_format(&why, "%s must be 1 to 36 characters of A-Z a-z 0-9 . _ ~ -, not %s", what, text);
    (void)app_usage(app, str_get(&why));
    str_fini(&why);
    return false;
}

bool app_seq(const struct app *app, const char *what, const char *text, uint64_t *out)
{
    if (args_number(*text == '#' ? text + 1 : text, out) && *out > 0) {
        return true;
    }
    struct str why = {0};
    str_format(&why, "%s must be the number of an event, such as 12, not %s", what, text);
    (void)app_usage(app, str_get(&why));
    str_fini(&why);
    return false;
}
