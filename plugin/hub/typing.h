/*
 * typing.h: what typing.c and typing_remote.c share: the conversations where somebody types.
 *
 * Shape       a row for each conversation; who types at the far end of a trunk has a row in it as if the trunk were a device of his
 * Memory      soft state; a restart forgets it
 */
#ifndef PLUGIN_HUB_TYPING_H
#define PLUGIN_HUB_TYPING_H

#include "plugin/core/typing.h"
#include "plugin/hub/state.h"

struct typing_conv {
    struct fp_id id;
    struct typing t;
    uint64_t passed; /* hash of those here whom the far ends know of; 0: nobody */
    struct fp_mono passed_at;
    UT_hash_handle hh; /* by id */
};

struct typing_convs {
    struct typing_conv *table;
    struct fp_mono due; /* nothing is to be done before */
};

struct typing_conv *typing_conv_find(const struct hub *h, const struct fp_id *id);
struct typing_conv *typing_conv_get(struct hub *h, const struct fp_id *id); /* NULL: too many, or no memory; then it is not shown */
void typing_note_due(struct hub *h, const struct typing_conv *tc);          /* it has changed */

/* Do the far ends still show somebody? Then the row is kept until they have been told that it is over. */
static inline bool typing_passed(const struct typing_conv *tc, struct fp_mono now)
{
    return tc->passed != 0 && tc->passed_at.us + TYPING_LASTS_US > now.us;
}

#endif
