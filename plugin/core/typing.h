/*
 * typing.h: who is typing in one conversation, and when the others are to be told so.
 *
 * Shape       a row per (user, device), in the order they began; a digest names the first few users and counts them all
 * Invariants  Y1 a row ends TYPING_LASTS_US after its last word.
 *             Y2 two digests are TYPING_EVERY_US apart at least, but for "nobody", which goes out at once.
 *             Y3 a digest that says the same as the one before it is not told.
 * Memory      the caller owns every struct; all zero: nobody types, and that is known. Who comes when all rows are taken is not shown.
 * Thread      no hidden state; one thread at a time per struct
 * Source      schemas/CONTRACT.md, "Receipts, and who may see whom"
 */
#ifndef PLUGIN_CORE_TYPING_H
#define PLUGIN_CORE_TYPING_H

#include "fp/bytes.h"
#include "fp/limits.h"
#include "fp/time.h"

#define TYPING_ROWS_MAX 64
#define TYPING_LASTS_US 6000000U
#define TYPING_EVERY_US 1000000U

struct typing_key {
    struct fp_id user;
    struct fp_id device;
};

struct typing_row {
    struct typing_key key;
    struct fp_mono until;
};

struct typing_digest {
    struct fp_id names[FP_TYPING_NAMES_MAX];
    size_t name_count;
    size_t count; /* of users */
};

struct typing {
    struct typing_row rows[TYPING_ROWS_MAX];
    size_t count;
    struct typing_digest now;  /* what would be told */
    struct typing_digest told; /* what the others know */
    bool ever_told;
    struct fp_mono told_at;
};

/* The device says that its user types (again). False: there is no row left. */
bool typing_begin(struct typing *t, const struct typing_key *key, struct fp_mono now);

void typing_end(struct typing *t, const struct typing_key *key);
void typing_end_user(struct typing *t, const struct fp_id *user);     /* on all of his devices */
void typing_end_device(struct typing *t, const struct fp_id *device); /* whoever's it is */

/* Ends every row that ran out by now. Returns how many. */
size_t typing_expire(struct typing *t, struct fp_mono now);

/* Is a digest due? Then it goes into *out and counts as told. */
bool typing_tell(struct typing *t, struct fp_mono now, struct typing_digest *out);

/* When typing_expire() or typing_tell() next has work to do; false if never. */
bool typing_next(const struct typing *t, struct fp_mono *out_due);

/* Nobody types, the others know it, and Y2 does not hold the next digest back: *t may as well be all zero. */
bool typing_over(const struct typing *t, struct fp_mono now);

#endif
