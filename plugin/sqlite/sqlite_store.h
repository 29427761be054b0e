/*
 * sqlite_store.h: the store port on SQLite (WAL, synchronous=FULL), and the broker thread's read-only look-ups.
 *
 * Shape       one file; migrations numbered, each in one transaction; a file that is no database of ours, or fails its check, is moved
 *             aside as <file>.bad-<unix time> together with its -wal and -shm, and a new one with a new epoch begun
 *             <file>.lock is held (flock) while the store is open: two brokers on one file are impossible
 * Errors      FP_EVERSION: written by a newer release (left as it is). FP_EIO: cannot be opened or created; *out_why says what and where
 *             FP_EBUSY: another process has it open. A save or commit outside of a transaction, a begin or prune inside of one and
 *             what breaks T3 or T4, and a save to a conversation, member or device that is not there, are FP_ECORRUPT.
 * Thread      a store by one thread, an access reader by one (another) thread
 */
#ifndef PLUGIN_SQLITE_SQLITE_STORE_H
#define PLUGIN_SQLITE_SQLITE_STORE_H

#include "plugin/hub/store.h"

struct sqlite_store_config {
    const char *path;              /* of the file; its directory exists */
    uint64_t max_bytes;            /* page quota; 0 = none. Below the disk's size it keeps deletes possible on a full disk */
    const char *vfs;               /* NULL = the default; tests give a fault-injecting one */
    uint64_t (*random)(void *arg); /* for the epoch; arg as below */
    void *random_arg;              /* outlives the store */
    uint64_t now_s;                /* for the name of a file moved aside */
    const char *archive_dir;       /* where old runs go; NULL: nowhere */
};

struct sqlite_store;

/* out_why gets the reason of a failure, or, where FP_OK comes with out_info->quarantined, what was wrong with the old file. */
enum fp_err sqlite_store_open(struct sqlite_store **out, const struct sqlite_store_config *config, struct store_info *out_info, char *out_why,
                              size_t why_cap);
void sqlite_store_close(struct sqlite_store *s); /* checkpoints; closing NULL is fine */
struct store_port sqlite_store_port(struct sqlite_store *s);
/* What SQLite said last when something failed, for the log; "" if nothing has. Good until the next call on the store. */
const char *sqlite_store_last_error(const struct sqlite_store *s);

/*
 * What may this user read? Committed state up to membership change `applied` only: a row that is newer counts as "no", so that a
 * reader never sees an event from before he was let in, nor one after he was put out.
 */
struct sqlite_access;
enum fp_err sqlite_access_open(struct sqlite_access **out, const char *path, const char *vfs);
void sqlite_access_close(struct sqlite_access *a);
/* *out_settled is false if the answer may change without a grant being told (a newer row was there): do not cache it. */
enum fp_err sqlite_access_conv(struct sqlite_access *a, const struct fp_id *conv, const struct fp_id *user, uint64_t applied, bool *out_allowed,
                               bool *out_settled);
enum fp_err sqlite_access_scope(struct sqlite_access *a, const struct fp_id *scope, const struct fp_id *user, uint64_t applied, bool *out_allowed,
                                bool *out_settled);
/* Two users who are active members of the same scope other than `dm` (looks at no more than 64 of the first one's scopes). */
enum fp_err sqlite_access_peers(struct sqlite_access *a, const struct fp_id *user, const struct fp_id *other, bool *out_allowed);
/* The device's owner; not found while it has none. */
enum fp_err sqlite_access_device(struct sqlite_access *a, const struct fp_id *device, struct fp_id *out_owner, bool *out_found);
/* May the status of this user's devices be read by his peers (store_person.open)? Of whom nothing is known hides from nobody. */
enum fp_err sqlite_access_open_status(struct sqlite_access *a, const struct fp_id *user, bool *out_open);

#endif
