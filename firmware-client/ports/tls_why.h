/*
 * tls_why.h: what mbedTLS says, as a verdict and a sentence.
 */
#ifndef FIRMWARE_CLIENT_PORTS_TLS_WHY_H
#define FIRMWARE_CLIENT_PORTS_TLS_WHY_H

#include "firmware-client/ports/transport_tls.h"

void fp_tls_say(struct fp_tls *t, const char *sentence);

/* A handshake failed with this code. Fills t->error. */
enum fp_err fp_tls_why_open(struct fp_tls *t, int code);
/* The stream has ended with this code. Fills t->error; always FP_EIO or FP_ENOMEM. */
enum fp_err fp_tls_why_end(struct fp_tls *t, int code);

#endif
