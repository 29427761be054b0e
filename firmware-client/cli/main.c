/*
 * fieldpost: the command line client. See `fieldpost --help`.
 */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>

#include "firmware-client/cli/commands.h"

static const char *environment(const char *name)
{
    return getenv(name);
}

static int wrong_usage(const char *why, const struct command *c)
{
    (void)fprintf(stderr, "fieldpost: usage: %s\nTry: fieldpost %s%s--help\n", why, c ? c->name : "", c ? " " : "");
    return EXIT_USAGE;
}

static int run(struct app *app, const struct args *args, struct str *text)
{
    if (!settings_load(&app->set, args, environment, text)) {
        return wrong_usage(str_get(text), args->command);
    }
    app_catch_signals();
    return args->command->run(app, args);
}

int main(int argc, char **argv)
{
    struct app app = {.env = environment};
    struct args args;
    struct str text = {0};
    int code = EXIT_FINE;
    (void)setlocale(LC_TIME, "");
    if (!args_parse(&args, argc, argv, commands, commands_count, SETTINGS_OPTIONS, &text)) {
        code = wrong_usage(str_get(&text), args.command);
    } else if (args.version) {
        str_text(&text, "fieldpost 0.1.0\n");
        code = app_put(&text) ? EXIT_FINE : EXIT_FAILED;
    } else if (args.help) {
        if (args.command) {
            help_command(&text, args.command);
        } else {
            help_program(&text);
        }
        code = app_put(&text) ? EXIT_FINE : EXIT_FAILED;
    } else if (!args.command) {
        code = wrong_usage("there is no command", NULL);
    } else {
        code = run(&app, &args, &text);
    }
    settings_fini(&app.set);
    str_fini(&text);
    return code;
}
