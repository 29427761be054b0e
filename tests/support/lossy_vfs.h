/*
 * lossy_vfs.h: an SQLite VFS on top of the default one that can lose what was not synced, and fail on demand.
 *
 * Shape       files lie on the real disk; for each one the shim keeps, by sector of 512 bytes, what was there at its last xSync. A power
 *             cut gives back a random part of those sectors and sizes, and forgets files that were made but never synced, and
 *             deletions whose directory was not. The -shm is memory: a cut removes it. Syncs cost nothing: nothing is really synced.
 * Invariants  L1 what was there at the last xSync of a file, and was not written since, survives every cut.
 * Thread      one; global state: one test at a time
 */
#ifndef TESTS_SUPPORT_LOSSY_VFS_H
#define TESTS_SUPPORT_LOSSY_VFS_H

#include <stdbool.h>
#include <stdint.h>

#define LOSSY_VFS "lossy"

void lossy_vfs_register(void);
/*
 * The k-th counted call from now on fails with rc (an SQLite code; a write does half of its work first), and with for_good all that follow:
 * the power is off. Counted are open, delete, read, write, truncate and sync. k = 0: none fails.
 */
void lossy_vfs_fail(uint64_t k, int rc, bool for_good);
/* The next sync fails, once: what it should have made safe is written, but may or may not be there after a cut. */
void lossy_vfs_fail_next_sync(int rc);
uint64_t lossy_vfs_calls(void); /* since lossy_vfs_fail() */
bool lossy_vfs_failed(void);    /* has any been made to fail since? */
/* All files are closed by now. */
void lossy_vfs_power_cut(uint64_t seed);
/* Forgets what it knows of all files, as if all were synced; the failures too. */
void lossy_vfs_reset(void);

#endif
