/*
 * store.h: the port through which the hub remembers.
 *
 * Shape       a transaction around everything that changes; loads see the transaction's own changes
 * Units       seq from 1; fp_wall in ms; cid, did: the store's own small numbers for a conversation and a device, from 1
 * Invariants  T1 after commit() returned FP_OK all of it is on disk, whatever happens next.
 *             T2 after any error from a save or from commit(), and after rollback(), nothing of the transaction is there.
 *             T3 runs of one conversation are contiguous: append() takes first == head + 1 only. Where there is no run, head is the floor and the
 *                chain that of the floor.
 *             T4 answers of one device are contiguous in n, likewise.
 * Errors      FP_EFULL: no room (reads go on). FP_EBUSY: try again. FP_EIO, FP_ENOMEM: tell the operator. FP_ECORRUPT: what is on disk is not what
 *             the caller thinks (T3, T4, a row without its parent, a save outside of a transaction). "Not there" is no error: *out_found is false.
 * Memory      spans that a load hands out are good until the next call on the store
 * Thread      all from one thread (the engine's)
 */
#ifndef PLUGIN_HUB_STORE_H
#define PLUGIN_HUB_STORE_H

#include "fp/bytes.h"
#include "fp/err.h"
#include "fp/time.h"

struct store_conv {
    uint64_t cid; /* 0 in save_conv: a new one, filled in */
    struct fp_id id;
    struct fp_id scope;
    uint64_t floor;          /* events up to here are gone */
    uint8_t floor_chain[32]; /* after the floor, as in store_run; zero where floor is 0 */
    uint64_t about_seq;      /* the version of the about: seq of the event that last changed it */
    uint64_t retention_days; /* 0 = for ever */
    /* What follows comes from the last run (0 if there is none) and is changed by append() alone. */
    uint64_t head;
    uint64_t msgs;     /* messages (kind msg) from 1 to head */
    struct fp_wall at; /* of the head */
    uint8_t chain[32]; /* after the head (schemas/cddl/event.cddl); zero where head is 0 */
};

struct store_run {
    uint64_t cid;
    uint64_t first, last;
    uint64_t msgs;          /* up to and with last */
    struct fp_wall at;      /* of last */
    struct fp_bytes events; /* a run, as in fp/event.h */
    uint8_t chain[32];      /* after last */
};

/* How far a member has come. What is shown is what the others may know of it; it follows at once unless he reads in private or hides. */
struct store_receipt {
    uint64_t cid;
    struct fp_id user;
    uint64_t delivered, read;
    uint64_t shown_delivered, shown_read;
};

enum store_advance_kind {
    STORE_ADVANCE_DELIVERED = 0,
    STORE_ADVANCE_READ = 1,
};

/* A shown horizon has moved up to seq at this time. Per (cid, user, kind) seq and at ascend. */
struct store_advance {
    uint64_t cid;
    struct fp_id user;
    enum store_advance_kind kind;
    uint64_t seq;
    struct fp_wall at;
};

/* A message that was changed by later events, or waits to be confirmed. One that was never changed has no row: its version is its own seq. */
struct store_target {
    uint64_t cid;
    uint64_t seq;     /* of the message */
    uint64_t version; /* seq of the event that last changed it */
    uint64_t body_at; /* seq of the event whose body stands now; 0: none does (deleted or redacted) */
    uint8_t state;    /* enum target_state of plugin/core/target.h */
};

struct store_confirm {
    uint64_t cid;
    uint64_t seq; /* of the message */
    struct fp_id user;
    struct fp_wall at;
};

struct store_person {
    struct fp_id user;
    struct fp_wall last_seen;    /* 0: never */
    struct fp_wall status_until; /* of the text; 0: until it is changed */
    uint64_t version;            /* of the status: increases with each change */
    bool open;                   /* the policy hides him from nobody: his devices' .../status may be read by his peers */
    struct fp_bytes status;      /* text; empty: none */
    struct fp_bytes policy;      /* policy-body as it came, raw CBOR; empty: the default */
};

enum store_timer_kind {
    STORE_TIMER_STATUS = 1,    /* owner = user */
    STORE_TIMER_TTL = 2,       /* owner = conversation, seq = the message */
    STORE_TIMER_RETENTION = 3, /* owner = conversation */
};

struct store_timer { /* one row per (kind, owner, seq): saving it again replaces it */
    enum store_timer_kind kind;
    struct fp_id owner;
    uint64_t seq;
    uint64_t version; /* a timer fires once per version */
    struct fp_wall due;
};

struct store_member {
    uint64_t cid;
    struct fp_id scope; /* the conversation's: makes "what may this user see" one look-up */
    struct fp_id user;
    uint8_t role;
    bool active;        /* false: has left; kept so that a return is known */
    uint64_t joined;    /* seq of the event that let him in */
    uint64_t from;      /* sees history from this seq */
    uint64_t read_msgs; /* how many of the conversation's messages he has read or written himself */
    uint64_t change;    /* number of the membership change that made this row; increases across the whole store and across restarts */
};

struct store_device {
    uint64_t did; /* 0 in save_device: a new one, filled in */
    struct fp_id id;
    struct fp_id user;
    uint64_t next_n; /* from the last answers; 1 at first; changed by save_answers() alone */
};

struct store_answers { /* what was said to commands first..last of one device, so that it can be said again */
    uint64_t did;
    uint64_t first, last;
    struct fp_wall at;
    struct fp_bytes rows; /* one CBOR item a command, in order; the hub's own shape (plugin/core/dedupe.h) */
};

/* ---- the trunk. A site has one log up; a hub has a row for each relay. */

struct store_record { /* of the site's log up; number is given by the store: contiguous in each lane, from 1, never used again */
    uint8_t lane;
    uint64_t number;
    struct fp_wall at;      /* when it was taken */
    uint64_t boot, mono_ms; /* and on which start's clock: store_info.boot */
    struct fp_bytes record; /* the site's own shape */
};

/* What a site has in custody: a command of (device, n), until it is settled, and then its outcome for as long as answers are kept. */
struct store_branch {
    struct fp_id device;
    uint64_t n;
    uint64_t cid;
    uint8_t lane; /* where it travels: the number there is its place in the relay's order */
    uint64_t number;
    bool settled;
    uint64_t seq;          /* settled: its canonical seq, or 0: refused */
    uint64_t code;         /* settled and refused: nack-code */
    struct fp_wall at;     /* taken; settled: of the canonical event */
    struct fp_bytes event; /* the provisional event as told; empty once settled */
};

#define STORE_BRANCHES_COUNTED 64 /* count_branches() ends there */

struct store_peer { /* the other end of a trunk: of a hub, a relay by its name; of a site, the hub by the site's own name */
    struct fp_id relay;
    uint64_t epoch;    /* of the peer's log; 0: never met */
    uint64_t have[4];  /* durable, contiguous: what is held of the peer's lanes */
    uint64_t acked[4]; /* what the peer has said to hold of ours */
};

struct store_held { /* of a hub: what a relay holds of one conversation */
    struct fp_id relay;
    uint64_t cid;
    uint64_t seq;
    uint64_t receipts; /* hash of all shown horizons that it has been told */
    uint64_t about;    /* conv-state as of this (floor) */
};

struct store_info {
    uint64_t epoch;   /* random, of this database */
    uint64_t boot;    /* how often it has been opened, this time included */
    uint64_t change;  /* the highest membership change on disk */
    bool quarantined; /* the file that was there was bad; it has been moved aside and this is a new epoch */
};

/* A part of a conversation that lies in the archive and cannot be read now. What it was up to is known all the same. */
struct store_away {
    uint64_t first, last;
    uint64_t msgs;     /* up to and with last */
    struct fp_wall at; /* of last */
    uint8_t chain[32]; /* after last */
};

struct store_room {
    uint64_t db_bytes, wal_bytes; /* of the files */
    uint64_t quota_bytes;         /* what the database may grow to */
    uint64_t free_bytes;          /* of the disk, for us */
};

/* A callback returns false to stop the iteration; that is no error. It may not call the store. */
typedef bool (*store_run_fn)(void *arg, const struct store_run *run);
typedef bool (*store_member_fn)(void *arg, const struct store_member *m);
typedef bool (*store_conv_member_fn)(void *arg, const struct store_conv *c, const struct store_member *m);
typedef bool (*store_conv_fn)(void *arg, const struct store_conv *c);
typedef bool (*store_receipt_fn)(void *arg, const struct store_receipt *r);
typedef bool (*store_target_fn)(void *arg, const struct store_target *t);
typedef bool (*store_confirm_fn)(void *arg, const struct store_confirm *c);
typedef bool (*store_timer_fn)(void *arg, const struct store_timer *t);
typedef bool (*store_record_fn)(void *arg, const struct store_record *r);
typedef bool (*store_branch_fn)(void *arg, const struct store_branch *b);

struct store_port {
    void *ctx;

    enum fp_err (*begin)(void *ctx);
    enum fp_err (*commit)(void *ctx);
    void (*rollback)(void *ctx); /* also fine without a transaction */

    enum fp_err (*load_conv)(void *ctx, const struct fp_id *id, struct store_conv *out, bool *out_found);
    /* Inserts (cid 0) or changes floor, its chain, about_seq and retention. title and context are kept where their p is NULL. */
    enum fp_err (*save_conv)(void *ctx, struct store_conv *c, struct fp_bytes title, struct fp_bytes context);
    enum fp_err (*load_about)(void *ctx, uint64_t cid, struct fp_bytes *out_title, struct fp_bytes *out_context);
    enum fp_err (*each_conv)(void *ctx, uint64_t after_cid, size_t limit, store_conv_fn fn, void *arg); /* cid ascending */

    enum fp_err (*append)(void *ctx, const struct store_run *run);
    /*
     * The runs that hold any of from..to, ascending. The first may begin before from, the last end after to. FP_EAGAIN where one comes that lies in
     * the archive and is not there now (find_away).
     */
    enum fp_err (*each_run)(void *ctx, uint64_t cid, uint64_t from, uint64_t to, store_run_fn fn, void *arg);

    enum fp_err (*load_member)(void *ctx, uint64_t cid, const struct fp_id *user, struct store_member *out, bool *out_found);
    enum fp_err (*save_member)(void *ctx, const struct store_member *m); /* inserts or replaces */
    enum fp_err (*save_read_msgs)(void *ctx, uint64_t cid, const struct fp_id *user, uint64_t read_msgs);
    enum fp_err (*each_member)(void *ctx, uint64_t cid, store_member_fn fn, void *arg); /* active ones, by length of the id, then bytes */
    enum fp_err (*each_conv_of)(void *ctx, const struct fp_id *user, store_conv_member_fn fn, void *arg); /* active ones, cid ascending */

    /* All zero (but cid and user) where there is no row. */
    enum fp_err (*load_receipt)(void *ctx, uint64_t cid, const struct fp_id *user, struct store_receipt *out);
    enum fp_err (*save_receipt)(void *ctx, const struct store_receipt *r);                /* inserts or replaces */
    enum fp_err (*each_receipt)(void *ctx, uint64_t cid, store_receipt_fn fn, void *arg); /* of active members, in their order; those with a row */
    enum fp_err (*add_advance)(void *ctx, const struct store_advance *a);                 /* FP_ECORRUPT where seq does not ascend */
    /* When did the user's shown horizon first reach seq? */
    enum fp_err (*find_advance)(void *ctx, uint64_t cid, const struct fp_id *user, enum store_advance_kind kind, uint64_t seq, struct fp_wall *out_at,
                                bool *out_found);
    /* Forgets what only tells of events up to `upto`; at most about `limit` rows of the store a call. In a transaction. */
    enum fp_err (*trim_advances)(void *ctx, uint64_t cid, uint64_t upto, size_t limit, bool *out_more);

    enum fp_err (*load_target)(void *ctx, uint64_t cid, uint64_t seq, struct store_target *out, bool *out_found);
    enum fp_err (*save_target)(void *ctx, const struct store_target *t);                                            /* inserts or replaces */
    enum fp_err (*each_target)(void *ctx, uint64_t cid, uint64_t from, uint64_t to, store_target_fn fn, void *arg); /* seq ascending */
    enum fp_err (*save_confirm)(void *ctx, const struct store_confirm *c);                              /* inserts; the first time stays */
    enum fp_err (*each_confirm)(void *ctx, uint64_t cid, uint64_t seq, store_confirm_fn fn, void *arg); /* by length of the user's id, then bytes */

    /*
     * Puts other bytes in the place of those of the run that begins at first; its seqs, counts and chain stay. For redaction.
     * FP_ECORRUPT where no run begins there, FP_EAGAIN where it lies in the archive and is not there now.
     */
    enum fp_err (*rewrite_run)(void *ctx, uint64_t cid, uint64_t first, struct fp_bytes events);
    /*
     * After a commit that rewrote or dropped runs, dropped records or settled branches: nothing of the old bytes is left in any file of the store.
     * Outside of a transaction. FP_EBUSY: not done yet, call again.
     */
    enum fp_err (*scrub)(void *ctx);
    /*
     * Removes up to limit runs whose last is <= upto, oldest first; never a conversation's last. *out_last: of the last one removed, 0: none. A part
     * that is away goes as a whole or not at all, and counts as one run.
     */
    enum fp_err (*drop_runs)(void *ctx, uint64_t cid, uint64_t upto, size_t limit, uint64_t *out_last);

    enum fp_err (*load_person)(void *ctx, const struct fp_id *user, struct store_person *out, bool *out_found);
    enum fp_err (*save_person)(void *ctx, const struct store_person *p);                                       /* inserts or replaces */
    enum fp_err (*save_timer)(void *ctx, const struct store_timer *t);                                         /* inserts or replaces */
    enum fp_err (*drop_timer)(void *ctx, enum store_timer_kind kind, const struct fp_id *owner, uint64_t seq); /* fine where there is none */
    enum fp_err (*each_timer)(void *ctx, store_timer_fn fn, void *arg);                                        /* by due */

    /* The user's highest role in any conversation of the scope (FP_ROLE_NONE: in none), and whether the scope has any conversation. */
    enum fp_err (*load_scope)(void *ctx, const struct fp_id *scope, const struct fp_id *user, uint8_t *out_role, bool *out_exists);

    enum fp_err (*load_device)(void *ctx, const struct fp_id *id, struct store_device *out, bool *out_found);
    enum fp_err (*save_device)(void *ctx, struct store_device *d); /* a new one */
    enum fp_err (*save_answers)(void *ctx, const struct store_answers *a);
    /* The answers that hold n; not found where they have been pruned. */
    enum fp_err (*load_answers)(void *ctx, uint64_t did, uint64_t n, struct store_answers *out, bool *out_found);
    /* Removes up to limit rows older than `before`, but for each device's last; its own transaction. */
    enum fp_err (*prune_answers)(void *ctx, struct fp_wall before, size_t limit, size_t *out_removed);
    /* The device's next n becomes this one, without answers for those between: their repeats are not found. FP_ECORRUPT where it is lower. */
    enum fp_err (*skip_answers)(void *ctx, uint64_t did, uint64_t next_n);

    /* cid ascending, of one scope, behind after_cid */
    enum fp_err (*each_conv_in)(void *ctx, const struct fp_id *scope, uint64_t after_cid, size_t limit, store_conv_fn fn, void *arg);

    enum fp_err (*add_record)(void *ctx, struct store_record *r); /* fills in r->number */
    enum fp_err (*each_record)(void *ctx, uint8_t lane, uint64_t from, size_t limit, store_record_fn fn, void *arg);
    /* The oldest number that is kept (== next where none is) and the next one; both survive that all is dropped. */
    enum fp_err (*lane_range)(void *ctx, uint8_t lane, uint64_t *out_oldest, uint64_t *out_next);
    enum fp_err (*drop_records)(void *ctx, uint8_t lane, uint64_t upto, size_t limit, bool *out_more); /* in a transaction */

    enum fp_err (*save_branch)(void *ctx, const struct store_branch *b); /* inserts or replaces (device, n) */
    enum fp_err (*load_branch)(void *ctx, const struct fp_id *device, uint64_t n, struct store_branch *out, bool *out_found);
    enum fp_err (*find_branch)(void *ctx, uint8_t lane, uint64_t number, struct store_branch *out, bool *out_found);
    enum fp_err (*each_branch)(void *ctx, uint64_t cid, store_branch_fn fn, void *arg); /* those not settled, in the order in which they were taken */
    enum fp_err (*count_branches)(void *ctx, const struct fp_id *device,
                                  uint64_t *out_open); /* of a device, not settled; see STORE_BRANCHES_COUNTED */
    enum fp_err (*prune_branches)(void *ctx, struct fp_wall before, size_t limit, size_t *out_removed); /* settled ones; its own transaction */

    enum fp_err (*load_peer)(void *ctx, const struct fp_id *relay, struct store_peer *out, bool *out_found);
    enum fp_err (*save_peer)(void *ctx, const struct store_peer *p);                                      /* inserts or replaces */
    enum fp_err (*load_held)(void *ctx, const struct fp_id *relay, uint64_t cid, struct store_held *out); /* all 0 where there is no row */
    enum fp_err (*save_held)(void *ctx, const struct store_held *r);                                      /* inserts or replaces */
    enum fp_err (*forget_held)(void *ctx, const struct fp_id *relay);                                     /* all rows of that relay */

    /*
     * One step of moving old runs into the archive, if there is one: those from before `before`, as soon as there are enough of them for a file or
     * the oldest is from before `overdue`; never a conversation's last run, and none of one that forgets what is old (retention_days). Nothing that
     * can be read changes. Its own transaction. *out_more is false when all conversations have been looked at; the next call begins anew.
     */
    enum fp_err (*archive)(void *ctx, struct fp_wall before, struct fp_wall overdue, bool *out_more);
    /* The first part of from.. that is away. */
    enum fp_err (*find_away)(void *ctx, uint64_t cid, uint64_t from, struct store_away *out, bool *out_found);
    /* The next line that the operator should see; NULL: none. Good until the next call on the store. */
    const char *(*line)(void *ctx);

    /* Of the room that there is: the larger share of what the store may use and of what its disk has. Also in a transaction; 0: not known. */
    unsigned (*percent_used)(void *ctx);
    void (*room)(void *ctx, struct store_room *out); /* the same in bytes; 0: not known */

    /* From the next open on store_info.epoch is this one (not 0). In a transaction; numbers and all else stay. */
    enum fp_err (*new_epoch)(void *ctx, uint64_t epoch);
};

#endif
