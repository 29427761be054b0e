/*
 * settings.h: where the hub is and who we are: flags before environment before file before what is built in.
 *
 * Errors      false, and a sentence that names the flag, the variable, or file, line and option
 * Memory      settings_fini() frees
 */
#ifndef FIRMWARE_CLIENT_CLI_SETTINGS_H
#define FIRMWARE_CLIENT_CLI_SETTINGS_H

#include "firmware-client/cli/args.h"

enum setting {
    SET_HOST,
    SET_PORT,
    SET_USER,
    SET_DEVICE,
    SET_PASSWORD, /* no flag: others could read it in the list of processes */
    SET_PASSWORD_FILE,
    SET_STATE,
    SET_CONFIG,
    SET_TLS,
    SET_CAFILE,
    SET_CERT,
    SET_KEY,
    SET_PSK_IDENTITY,
    SET_PSK_FILE,
    SET_TIMEOUT,
    SET_JSON,
    SET_VERBOSE,
    SET_COUNT
};

#define SETTINGS_OPTIONS                                                                                                                             \
    "host= port= user= device= password-file= config= state= tls cafile= cert= key= psk-identity= psk-file= timeout= json verbose"

typedef const char *(*settings_env_fn)(const char *name); /* NULL: not set */

struct settings {
    char *value[SET_COUNT]; /* NULL: not set */
    uint16_t port;
    uint64_t timeout_ms;
    bool tls, json, verbose;
};

/* Reads all of them. The file of --config or FIELDPOST_CONFIG must be there, the usual one need not. */
bool settings_load(struct settings *s, const struct args *a, settings_env_fn env, struct str *why);
void settings_fini(struct settings *s);
const char *settings_get(const struct settings *s, enum setting which);
/* Lines of a file; `path` for the sentence. What is set already stays. */
bool settings_lines(struct settings *s, const char *path, const char *text, size_t len, struct str *why);
/* A file that holds one secret in its first line, and that others cannot read. The caller frees *out. */
bool settings_secret(const char *path, char **out, struct str *why);
/* What is in a file; at most 1 MiB. mode may be NULL. */
bool settings_read_file(const char *path, struct str *out, unsigned *out_mode, struct str *why);
/* ~/.config/name, or what XDG says; empty if there is no home. */
void settings_home(struct str *out, settings_env_fn env, const char *xdg, const char *fallback, const char *name);

#endif
