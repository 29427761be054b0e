/*
 * relays_file.h: the file that names the relays of a hub and what each of them may do.
 *
 * Shape       one relay a line: `NAME scopes S1,S2[,...] [users U1,U2,...]`; `#` begins a comment, a line without words is fine
 * Errors      FP_ECONFIG, and a line for the operator: "FILE:LINE: relay NAME: FIELD: REASON (got "VALUE")"
 * Memory      values only
 * Thread      no hidden state
 */
#ifndef PLUGIN_MOSQ_RELAYS_FILE_H
#define PLUGIN_MOSQ_RELAYS_FILE_H

#include "plugin/hub/hub.h"

struct relay_list {
    struct hub_relay rows[HUB_RELAYS_MAX];
    size_t count;
};

/* On an error *out is not touched. */
enum fp_err relays_file_read(const char *path, struct relay_list *out, char *out_why, size_t why_cap);

/* The relay of that name, or NULL. */
const struct hub_relay *relay_list_find(const struct relay_list *list, const struct fp_id *name);

#endif
