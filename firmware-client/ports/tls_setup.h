/*
 * tls_setup.h: the half of fp_tls_init() that may fail. All of *t has been initialised before, and is freed by fp_tls_fini() also after an error.
 */
#ifndef FIRMWARE_CLIENT_PORTS_TLS_SETUP_H
#define FIRMWARE_CLIENT_PORTS_TLS_SETUP_H

#include "firmware-client/ports/transport_tls.h"

enum fp_err fp_tls_set_up(struct fp_tls *t, const struct fp_tls_config *config);

#endif
