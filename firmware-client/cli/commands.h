/*
 * commands.h: the table of commands. Each run function gets words that are as many as the table allows, and returns an exit code.
 */
#ifndef FIRMWARE_CLIENT_CLI_COMMANDS_H
#define FIRMWARE_CLIENT_CLI_COMMANDS_H

#include "firmware-client/cli/app.h"
#include "firmware-client/cli/args.h"

extern const struct command commands[];
extern const size_t commands_count;

int run_send(struct app *app, const struct args *args);
int run_listen(struct app *app, const struct args *args);
int run_history(struct app *app, const struct args *args);
int run_conversations(struct app *app, const struct args *args);
int run_create(struct app *app, const struct args *args);
int run_invite(struct app *app, const struct args *args);
int run_leave(struct app *app, const struct args *args);
int run_remove(struct app *app, const struct args *args);
int run_edit(struct app *app, const struct args *args);
int run_delete(struct app *app, const struct args *args);
int run_redact(struct app *app, const struct args *args);
int run_confirm(struct app *app, const struct args *args);
int run_react(struct app *app, const struct args *args);
int run_read(struct app *app, const struct args *args);
int run_readers(struct app *app, const struct args *args);
int run_policy(struct app *app, const struct args *args);
int run_export(struct app *app, const struct args *args);
int run_verify(struct app *app, const struct args *args);
int run_who(struct app *app, const struct args *args);
int run_typing(struct app *app, const struct args *args);
int run_status(struct app *app, const struct args *args);
int run_outbox(struct app *app, const struct args *args);
int run_chat(struct app *app, const struct args *args);
int run_decode(struct app *app, const struct args *args);

/* What --help prints: of the program, or of one command. */
void help_program(struct str *out);
void help_command(struct str *out, const struct command *c);

#endif
