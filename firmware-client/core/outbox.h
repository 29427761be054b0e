/*
 * outbox.h: the log on the storage port: commands that the hub has not answered, and cursors. Survives the power going at any byte.
 *
 * Shape       a ring of sectors. A sector begins with a header (magic, layout version, its number in the log, crc), then records (length, type,
 *             crc, body).
 *             Records: COMMAND (ticket, composed, bytes), CANCEL (ticket), STATE (epoch, first ticket, its n), CURSOR (conversation, scope, seq).
 *             A new sector belongs to the log once it has a STATE. Before the oldest sector is given up, what is still live in it is written again
 *             in the new one, in front of its STATE; one sector is always kept free for that, and erased when it is taken.
 * Invariants  O1 what append() accepted is found again after open(), bytes and ticket, until it is done or cancelled; nothing else ever is.
 *             O2 tickets are given in order, without a hole, and never twice, whatever happens.
 *             O3 n of the first pending command and the epoch that it counts in are on the storage before they are used. The n of each other
 *                follows by counting: n(ticket) = first n + the commands between them that were not cancelled.
 *             O4 a record with a bad crc, and all that stands behind it in its sector, was never accepted. An error leaves all as it was; only what
 *                the port failed to write or sync (FP_EIO) may be found by the next open() all the same, unless the ticket was given again;
 *                a CANCEL: unless something was written after it.
 *             O5 reclaiming never loses a live record: it is synced at its new place before the old one is erased.
 * Errors      FP_EFULL: no room, on the storage or in slots[]; done(), cancel(), number() and flush() always have some, since commands and cursors
 *             leave it. FP_ETOOLARGE: longer than a record may be. FP_EIO: the port.
 * Memory      the caller owns struct and slots; a body is read back into the caller's buffer
 */
#ifndef FIRMWARE_CLIENT_CORE_OUTBOX_H
#define FIRMWARE_CLIENT_CORE_OUTBOX_H

#include "firmware-client/include/fieldpost.h"

#define FP_OUTBOX_VERSION 1

/* One pending command. The state is the client's: it is not on the storage. */
struct fp_slot {
    uint32_t at;        /* where its record begins */
    uint16_t len;       /* bytes of its body */
    uint8_t state;      /* enum fp_send_state */
    uint8_t marks;      /* enum fp_slot_mark */
    uint32_t cancel_at; /* of its CANCEL record, if cancelled */
};
enum fp_slot_mark {
    FP_SLOT_CANCELLED = 1, /* takes no n */
    FP_SLOT_ANSWERED = 2,  /* the hub has answered; waits for those before it */
    FP_SLOT_OLD = 4,       /* came back from the storage: an earlier run may have sent it */
    FP_SLOT_SENT = 8,      /* left on this connection; the client's to use */
};

/* What is known of a conversation on the storage; parallel to the client's conversations. */
struct fp_cursor {
    struct fp_id conv; /* none: free */
    struct fp_id scope;
    uint64_t seq;
    uint32_t at; /* of its latest record; UINT32_MAX: none */
};

struct fp_outbox {
    struct fp_storage storage;
    struct fp_slot *slots; /* a ring of slot_cap; see fp_outbox_slot() */
    struct fp_cursor *cursors;
    uint64_t first;   /* ticket of the oldest pending command; == next if there is none */
    uint64_t next;    /* ticket of the next append */
    uint64_t epoch;   /* 0: never said hello */
    uint64_t first_n; /* n of `first`; meaningless while epoch is 0 */
    uint32_t slot_cap;
    uint32_t first_slot; /* where the slot of `first` is */
    uint32_t cancelled;  /* of those pending */
    uint32_t state_at;   /* latest STATE record; UINT32_MAX: none */
    uint32_t sectors;    /* of the storage */
    uint32_t chain;      /* sectors that hold the log, the one that is written included */
    uint32_t sector;     /* the one that is written */
    uint32_t number;     /* its number in the log */
    uint32_t used;       /* bytes of it that are taken; all, if what stands behind cannot be used */
    uint16_t cursor_cap;
    bool dirty;           /* `first` has moved since the latest STATE record */
    uint64_t doubt;       /* its CANCEL record could not be written, but may be found; 0: none */
    uint64_t saved_first; /* `first` in that record: all from there on need a slot when the log is read back */
};

/*
 * Reads the log back; erases what must be erased. storage, slots and cursors as given. FP_ECONFIG: the sizes of the region make no sense, or it was
 * written with others, or has more commands than slots. FP_EVERSION. Either touches nothing.
 */
enum fp_err fp_outbox_open(struct fp_outbox *o, struct fp_storage storage, struct fp_slot *slots, uint32_t slot_cap, struct fp_cursor *cursors,
                           uint16_t cursor_cap);

/*
 * Accepts a command: two spans that are stored one after the other. Synced when it returns FP_OK. composed: the hub's clock when it was composed,
 * as far as known (0: not), and by how much that may be off.
 */
struct fp_composed {
    struct fp_wall at;
    uint32_t error_ms;
};
enum fp_err fp_outbox_append(struct fp_outbox *o, struct fp_composed composed, struct fp_bytes head, struct fp_bytes rest, uint64_t *out_ticket);
/* Reads a pending command's bytes into buf. FP_EUNKNOWN: not pending. FP_ETOOLARGE: cap. FP_ECORRUPT: it is not what was written. */
enum fp_err fp_outbox_read(const struct fp_outbox *o, uint64_t ticket, void *buf, size_t cap, size_t *out_len, struct fp_composed *out_composed);
struct fp_slot *fp_outbox_slot(const struct fp_outbox *o, uint64_t ticket); /* NULL: not pending (or cancelled) */

uint64_t fp_outbox_n(const struct fp_outbox *o, uint64_t ticket); /* O3 */
uint64_t fp_outbox_ticket(const struct fp_outbox *o, uint64_t n); /* 0: no pending command has it */
uint64_t fp_outbox_next_n(const struct fp_outbox *o);             /* of the next append */

/* The hub has answered this one. Those at the front that are answered or cancelled are dropped; written lazily, with the next record or flush(). */
enum fp_err fp_outbox_done(struct fp_outbox *o, uint64_t ticket);
/* Synced when it returns FP_OK. Only for what was never sent: the n of those behind it move. */
enum fp_err fp_outbox_cancel(struct fp_outbox *o, uint64_t ticket);
/* The first pending command gets this n, in this epoch, and the others follow. Synced. Another epoch than before drops all cursors. */
enum fp_err fp_outbox_number(struct fp_outbox *o, uint64_t epoch, uint64_t first_n);

/* Remembers a cursor; not synced (flush does). Going back is ignored. FP_EFULL: cursors[] is full. */
enum fp_err fp_outbox_set_cursor(struct fp_outbox *o, const struct fp_id *conv, const struct fp_id *scope, uint64_t seq);
enum fp_err fp_outbox_drop_cursor(struct fp_outbox *o, const struct fp_id *conv);
/* Writes what done() held back, and syncs. */
enum fp_err fp_outbox_flush(struct fp_outbox *o);

#endif
