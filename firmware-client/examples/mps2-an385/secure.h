/* secure.h: what stands between the client and the UART: nothing (plain.c), or TLS with a key that both sides know (psk.c). */
#ifndef FIRMWARE_CLIENT_EXAMPLES_MPS2_AN385_SECURE_H
#define FIRMWARE_CLIENT_EXAMPLES_MPS2_AN385_SECURE_H

#include "firmware-client/examples/mps2-an385/settings.h"
#include "firmware-client/include/fieldpost.h"

/* The identity of the key is the device's name. */
enum fp_err secure_over(const struct settings *s, struct fp_transport below, struct fp_random random, struct fp_transport *out);
void secure_report(void); /* says how much memory it took at most */

#endif
