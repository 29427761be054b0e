/*
 * state.h: the folder that keeps what must outlive a run: the outbox of each device and the name of this one.
 *
 * Shape       $XDG_STATE_HOME/fieldpost-client/<user>@<host>_<port>, mode 0700; in it `device` and `<device>.outbox`
 * Errors      false, and a sentence
 */
#ifndef FIRMWARE_CLIENT_CLI_STATE_H
#define FIRMWARE_CLIENT_CLI_STATE_H

#include "firmware-client/cli/settings.h"

/* Makes the folder, with all above it. */
bool state_folder(const struct settings *s, settings_env_fn env, struct str *out, struct str *why);
/* The device of the settings, or the one of the folder, made at random the first time. */
bool state_device(const struct settings *s, const char *folder, struct str *out, struct str *why);

#endif
