/*
 * change.h: what change.c, redact.c and elide.c share: messages, and what later events have made of them.
 *
 * Memory      what is handed out lives in the arena, until the batch is over
 * Source      schemas/CONTRACT.md, "Changing what was said"
 */
#ifndef PLUGIN_HUB_CHANGE_H
#define PLUGIN_HUB_CHANGE_H

#include "plugin/core/target.h"
#include "plugin/hub/state.h"

struct changing { /* the message that a command is about */
    struct fp_event msg;
    struct target target;
    bool known; /* the store has a row of it: only then can there be edits of it, lost ones included */
};

/* Finds the message of key 8 (ref): FP_EMALFORMED without one, FP_EUNKNOWN if it is none, or none that the author of the command may see. */
enum fp_err change_find(struct hub *h, struct command_ctx *x, struct changing *out);
enum fp_err change_save(struct hub *h, struct command_ctx *x, const struct changing *ch);
/* The version of an event: its own seq, or that of the event that last changed it. */
enum fp_err change_version(struct hub *h, const struct hub_conv *c, uint64_t seq, uint64_t *out);

/* Takes the body out of the event (key 10 null, key 23 its hash) and adds the flags. An event without a body only gets the flags. */
bool elide_event(struct fp_enc *e, struct fp_event ev, uint32_t flags);
#define ELIDED_MORE_BYTES 48 /* by how much that can make an event longer: a hash with its head, flags */

#endif
