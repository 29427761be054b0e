/*
 * show.h: events, states, conversations and people as a line for people or as one JSON object.
 *
 * Invariants  each call writes one line, with its end; a text of several lines goes on behind four blanks. What came from the wire passes through
 *             text.h or json.h.
 * Source      the field names are documented in `fieldpost help`, "JSON"
 */
#ifndef FIRMWARE_CLIENT_CLI_SHOW_H
#define FIRMWARE_CLIENT_CLI_SHOW_H

#include "firmware-client/cli/str.h"
#include "firmware-client/include/fieldpost.h"

/* with_conv: the line for people names the conversation too. */
void show_event(struct str *out, bool json, bool with_conv, const struct fp_event *ev);
void show_conv(struct str *out, bool json, const struct fp_conv *conv, struct fp_bytes title);
void show_members(struct str *out, bool json, const struct fp_id *conv, struct fp_about about);
void show_presence(struct str *out, bool json, struct fp_bytes presence);
void show_receipts(struct str *out, bool json, const struct fp_id *conv, struct fp_bytes receipts);
/* What k-readers is answered with; false: it cannot be read, and nothing is shown. */
bool show_readers(struct str *out, bool json, const struct fp_id *conv, uint64_t seq, struct fp_bytes value);
void show_typing(struct str *out, bool json, const struct fp_id *conv, struct fp_bytes typing);
/* One state of an own command: for JSON a line each, for people what became of it in the end. */
void show_state(struct str *out, bool json, const struct fp_notice *n, const char *verb);
void show_pending(struct str *out, bool json, uint64_t ticket, enum fp_send_state state, const struct fp_command *cmd);
void show_skipped(struct str *out, bool json, const struct fp_notice *n);
/* "a, b are typing"; empty if nobody is. */
void show_typing_names(struct str *out, struct fp_bytes typing, const struct fp_id *self);
/* {"type":"error"} on out if json; otherwise nothing: the caller says it on stderr. */
void show_error(struct str *out, const char *code, const char *reason);

#endif
