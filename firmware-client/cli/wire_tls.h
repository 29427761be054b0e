/*
 * wire_tls.h: TLS for a run, from the settings.
 *
 * Errors      FP_ECONFIG, FP_EDENIED ... and a sentence in `why`
 */
#ifndef FIRMWARE_CLIENT_CLI_WIRE_TLS_H
#define FIRMWARE_CLIENT_CLI_WIRE_TLS_H

#include "firmware-client/cli/settings.h"
#include "firmware-client/include/fieldpost.h"

struct wire_tls;

/* Puts itself in front of *transport. */
enum fp_err wire_tls_open(struct wire_tls **out, const struct settings *s, struct fp_transport *transport, struct str *why);
const char *wire_tls_error(const struct wire_tls *t); /* empty if there is none */
void wire_tls_close(struct wire_tls *t);

#endif
