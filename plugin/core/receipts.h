/*
 * receipts.h: how far one member has received and read one conversation, and what the others may know of it.
 *
 * Shape       two horizons ("everything up to seq N"), not a flag per message; each once as it is, and once as it is shown
 * Units       seq counts from 1 in each conversation; 0 means none yet
 * Invariants  R1 read <= delivered, in both.  R2 none of the four moves back.  R3 merging twice, late or out of order ends the same.
 *             R4 what is shown <= what is.
 * Errors      FP_ECONFLICT: the report names a message that does not exist yet
 * Memory      the caller owns every struct
 * Source      schemas/cddl/command.cddl (receipt-body), schemas/CONTRACT.md, "Receipts, and who may see whom"
 */
#ifndef PLUGIN_CORE_RECEIPTS_H
#define PLUGIN_CORE_RECEIPTS_H

#include <stdbool.h>
#include <stdint.h>

#include "fp/err.h"

struct receipt {
    uint64_t delivered, read;
    uint64_t shown_delivered, shown_read;
};

struct receipt_report {
    uint64_t delivered, read;
    bool private_read; /* that he has read is not shown */
    bool hidden;       /* he hides: nothing is shown */
};

struct receipt_moved {
    bool own;   /* delivered or read */
    bool shown; /* shown_delivered or shown_read */
};

/* On an error neither *known nor *out_moved is touched. */
enum fp_err receipt_merge(struct receipt *known, const struct receipt_report *report, uint64_t head, struct receipt_moved *out_moved);

/* He has said something, and with it that he is there: what is shown comes up to what is. False: it was there already. */
bool receipt_show(struct receipt *known);

#endif
