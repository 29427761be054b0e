#include <inttypes.h>
#include <string.h>

#include "edge-relay/net/config_table.h"

#define HELP_COLUMNS 100
#define HELP_INDENT 10

/* Breaks at blanks. Backquotes are for Markdown and left out. */
static void print_wrapped(FILE *out, const char *text)
{
    size_t column = 0;

    while (*text != '\0') {
        size_t word = strcspn(text, " ");

        if (column == 0 || column + 1 + word > HELP_COLUMNS - HELP_INDENT) {
            (void)fprintf(out, "%s%*s", column == 0 ? "" : "\n", HELP_INDENT, "");
            column = 0;
        } else {
            (void)fputc(' ', out);
            column++;
        }
        for (size_t i = 0; i < word; i++) {
            if (text[i] != '`') {
                (void)fputc(text[i], out);
            }
        }
        column += word;
        text += word + strspn(text + word, " ");
    }
    (void)fputc('\n', out);
}

static void print_plain(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text != '`') {
            (void)fputc(*text, out);
        }
    }
}

static const char about[] =
    "NAME\n"
    "    fieldpost-relay - WebSocket gateway in front of an MQTT broker\n"
    "\n"
    "SYNOPSIS\n"
    "    fieldpost-relay [-c FILE] [-o NAME=VALUE]... [--check]\n"
    "    fieldpost-relay --help | --version | --options\n"
    "\n"
    "DESCRIPTION\n"
    "    Serves MQTT over WebSocket (path /mqtt, subprotocols mqtt and mqttv3.1) and carries the bytes to a broker's TCP or Unix\n"
    "    socket, one broker connection for each client. It also serves the web console's files (option www), /healthz and /metrics.\n"
    "    It runs in the foreground, needs no root and writes nothing but its log, on stderr.\n"
    "\n"
    "    -c FILE        options, one `name value` a line; # begins a comment\n"
    "    -o NAME=VALUE  one option; it counts more than the file\n"
    "    --check        checks the configuration, certificate and folder included, says what is wrong and ends\n"
    "    --options      prints the table of options in Markdown\n"
    "    --version      prints the version\n"
    "    --help         prints this\n"
    "\n"
    "SIGNALS\n"
    "    SIGTERM, SIGINT  stops accepting, closes clients with 1001 and ends, after 3 seconds at most\n"
    "    SIGHUP           reads the configuration again; what is marked (SIGHUP) below changes, the rest counts from the next\n"
    "                     start. A configuration or certificate with an error changes nothing and is logged.\n"
    "\n"
    "EXIT STATUS\n"
    "    0  ended by a signal, or --check found nothing wrong\n"
    "    1  it could not start, or failed later; the log says why\n"
    "    2  the command line or the configuration is wrong\n"
    "\n"
    "REFUSALS\n"
    "    HTTP 400 no or an unknown subprotocol, or a handshake that is not one; 403 an Origin that is not allowed; 404; 405;\n"
    "    408 headers that did not come in time; 429 too many connections or too fast; 431 headers above 8 KiB; 503 too many clients.\n"
    "    WebSocket 1003 a text frame; 1013 the broker cannot be reached; 1011 the broker's connection broke; 1001 we stop.\n"
    "\n"
    "OPTIONS\n";

void config_print_help(FILE *out)
{
    print_plain(out, about);
    for (size_t i = 0; i < option_row_count; i++) {
        const struct option_row *o = &option_rows[i];
        const char *shape = option_row_shape(o);

        (void)fprintf(out, "    %s ", o->name);
        if (shape != NULL) {
            print_plain(out, shape);
        } else {
            (void)fprintf(out, "%" PRIu64 " to %" PRIu64, o->min, o->max);
        }
        (void)fprintf(out, " (default %s)%s\n", o->preset, o->live ? " (SIGHUP)" : "");
        print_wrapped(out, o->about);
    }
}

void config_print_markdown(FILE *out)
{
    (void)fputs("| option | values | default | SIGHUP | what it is for |\n|---|---|---|---|---|\n", out);
    for (size_t i = 0; i < option_row_count; i++) {
        const struct option_row *o = &option_rows[i];
        const char *shape = option_row_shape(o);

        (void)fprintf(out, "| `%s` | ", o->name);
        if (shape != NULL) {
            (void)fputs(shape, out);
        } else {
            (void)fprintf(out, "%" PRIu64 " to %" PRIu64, o->min, o->max);
        }
        (void)fprintf(out, " | `%s` | %s | %s |\n", o->preset, o->live ? "yes" : "no", o->about);
    }
}
