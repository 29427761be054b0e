/*
 * durable.h: a command that must arrive: onto the disk first, then to the hub, then what became of it.
 */
#ifndef FIRMWARE_CLIENT_CLI_DURABLE_H
#define FIRMWARE_CLIENT_CLI_DURABLE_H

#include "firmware-client/cli/app.h"
#include "fp/command.h"

/* The whole run of a command such as `send`. verb: what is said when it arrived, such as "sent". Returns the exit code. */
int durable_run(const struct app *app, const struct fp_command *cmd, const char *verb);

#define BODY_BYTES_MAX 65536

#endif
