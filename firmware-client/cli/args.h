/*
 * args.h: the command line: which command, its options and its words.
 *
 * Shape       --name VALUE, --name=VALUE, or --name for an option without a value. Those of all commands may stand before the command or after it,
 *             the command's own after it. `--` ends the options; a lone `-` is a word.
 * Errors      false, and a sentence in `why`: exit code 2
 * Memory      everything points into argv
 */
#ifndef FIRMWARE_CLIENT_CLI_ARGS_H
#define FIRMWARE_CLIENT_CLI_ARGS_H

#include "firmware-client/cli/str.h"

struct args;
struct app;

struct command {
    const char *name;
    const char *words;   /* such as "CONV TEXT..." */
    const char *options; /* names with blanks between; "=" behind one that takes a value: "reply= must-confirm" */
    size_t words_min;
    size_t words_max;
    int (*run)(struct app *app, const struct args *args); /* an exit code */
    const char *brief;
    const char *help; /* description and own options */
    const char *examples;
};

#define ARGS_OPTIONS_MAX 64
struct args {
    const struct command *command; /* NULL: none was given */
    bool help;
    bool version;
    size_t option_count;
    const char *names[ARGS_OPTIONS_MAX]; /* not terminated where --name=VALUE was written: compare with name_lens */
    size_t name_lens[ARGS_OPTIONS_MAX];
    const char *values[ARGS_OPTIONS_MAX]; /* "" for an option without a value */
    size_t word_count;
    char **words;
};

/* shared: the options of all commands, in the form of command.options. argv is put in another order. */
bool args_parse(struct args *a, int argc, char **argv, const struct command *commands, size_t count, const char *shared, struct str *why);
/* The last value given, or NULL. */
const char *args_get(const struct args *a, const char *name);
/* Each value in turn: *at starts at 0. NULL at the end. */
const char *args_next(const struct args *a, const char *name, size_t *at);
/* A whole number; false, with a sentence, if the option is there and is none. Without the option *out stays. */
bool args_uint(const struct args *a, const char *name, uint64_t *out, struct str *why);
bool args_number(const char *text, uint64_t *out);

#endif
