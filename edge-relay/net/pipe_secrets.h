/*
 * pipe_secrets.h: passwords, keys and certificates of the trunk, from files.
 *
 * Errors      name the option and the file, never what is in it. A file with a password or key that others may read is refused.
 */
#ifndef EDGE_RELAY_NET_PIPE_SECRETS_H
#define EDGE_RELAY_NET_PIPE_SECRETS_H

#include "edge-relay/net/config.h"
#include "firmware-client/ports/transport_tls.h"

/* The first line of the file; NULL in *out where no file is named. The caller's to wipe and free. */
bool pipe_password(const char *path, const char *option, char **out, char out_error[CONFIG_ERROR_MAX]);
bool pipe_wants_tls(const struct config *c);
/* fp_tls_init() by the options hub_ca_file, hub_cert_file, hub_key_file, hub_psk_identity and hub_psk_file. */
bool pipe_tls(const struct config *c, const char *host, struct fp_tls *tls, const struct fp_transport *inner, struct fp_transport *out,
              char out_error[CONFIG_ERROR_MAX]);

#endif
