/*
 * config.h: the daemon's options. One table drives parsing, --help and the README.
 *
 * Errors      each says where (file:line, or -o), which option, and why; nothing is taken from a configuration that has one
 */
#ifndef EDGE_RELAY_NET_CONFIG_H
#define EDGE_RELAY_NET_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "edge-relay/net/log.h"

#define CONFIG_TEXT_MAX 1024
#define CONFIG_ERROR_MAX 512
#define CONFIG_OVERRIDES_MAX 64

/* All zero is the empty text: the option is off. */
struct config_text {
    char text[CONFIG_TEXT_MAX];
};

struct config {
    struct config_text listen, listen_tls, metrics_listen;
    struct config_text cert_file, key_file;
    struct config_text broker;
    struct config_text www;
    struct config_text relay, site, hub; /* the trunk */
    struct config_text site_password_file, hub_password_file;
    struct config_text hub_ca_file, hub_cert_file, hub_key_file, hub_psk_identity, hub_psk_file;
    struct config_text origins;
    uint64_t max_clients, max_per_address, connects_per_s;
    uint64_t handshake_s, connect_s, probe_s, ping_s;
    enum log_level log_level;
};

/* Where the options come from, for SIGHUP to read them again. */
struct config_source {
    const char *file; /* NULL: none */
    const char *overrides[CONFIG_OVERRIDES_MAX];
    size_t override_count;
};

/* False, and a sentence in out_error, if anything is wrong; *c is touched only if all is fine. */
bool config_load(const struct config_source *source, struct config *c, char out_error[CONFIG_ERROR_MAX]);
/* What config_load() cannot see in single options: files that must be there, options that need each other. */
bool config_check(const struct config *c, char out_error[CONFIG_ERROR_MAX]);

void config_print_help(FILE *out);
void config_print_markdown(FILE *out);

#endif
