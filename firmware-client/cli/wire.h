/*
 * wire.h: the ports of a run: the outbox file, and TCP or TLS.
 *
 * Errors      FP_EBUSY: another process has the outbox open; otherwise a sentence in `why`
 */
#ifndef FIRMWARE_CLIENT_CLI_WIRE_H
#define FIRMWARE_CLIENT_CLI_WIRE_H

#include "firmware-client/cli/settings.h"
#include "firmware-client/include/fieldpost.h"

struct wire;

enum fp_err wire_open(struct wire **out, const struct settings *s, const char *outbox_path, struct str *why);
void wire_close(struct wire *w);
struct fp_transport wire_transport(struct wire *w);
struct fp_storage wire_storage(struct wire *w);
struct fp_random wire_random(struct wire *w);
/* Why the transport does not stand, as a sentence; empty if it does, or if nobody knows. */
const char *wire_error(const struct wire *w);
/* Until the transport is readable (or writable, if that is wanted), or extra_fd (-1: none) is readable, or ms have passed, or a signal came. */
void wire_wait(struct wire *w, bool wants_write, int extra_fd, uint64_t ms);

#endif
