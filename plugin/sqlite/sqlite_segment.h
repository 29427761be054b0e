/*
 * sqlite_segment.h: one file of the archive: whole runs of one conversation, without a gap, deflated and hashed.
 *
 * Shape       "FPARCH", 0, 1; runs and raw bytes as u32; first and last seq as u64; the length of the conversation's id, the id, zeros up to
 *             36 bytes; three zeros; the runs as one zlib stream; the SHA-256 of all that. Numbers with the most significant byte first.
 *             A run in the stream: first, last, msgs, at as u64, the length of its events as u32, the chain, the events.
 * Invariants  A1 a file is written once and never changed: it is complete and on disk before a row names it, and no row names it any more
 *                before it is erased.
 * Errors      FP_EAGAIN: the file is not there now, or is not the one that was written. FP_EIO: it is there, but cannot be read or written. why says
 *             what is the matter
 */
#ifndef PLUGIN_SQLITE_SQLITE_SEGMENT_H
#define PLUGIN_SQLITE_SQLITE_SEGMENT_H

#include <sys/types.h>

#include "plugin/hub/store.h"
#include "plugin/sqlite/sqlite_file.h"

#define SEGMENT_RAW_BYTES (256U << 10) /* of the runs before they are deflated, unless one alone is longer; twice that took 17 ms */
#define SEGMENT_RAW_MAX (4U << 20)     /* what is read back */
#define SEGMENT_NAME_MAX 128
#define SEGMENT_HASH_BYTES 32

struct segment { /* a row of the table */
    uint64_t cid, first, last;
    uint64_t msgs; /* up to and with last */
    struct fp_wall at;
    uint64_t runs, bytes;
    uint8_t sha256[SEGMENT_HASH_BYTES];
    uint8_t chain[32];
    char name[SEGMENT_NAME_MAX];
};

struct segment_build { /* begin with a zeroed one */
    uint8_t *own_raw;
    size_t len, cap;
};

/* FP_ENOMEM: as it was before. */
enum fp_err segment_add(struct segment_build *b, const struct store_run *run);
/* The whole file, to be freed; fills in bytes and sha256. */
enum fp_err segment_pack(const struct segment_build *b, const struct fp_id *conv, struct segment *seg, uint8_t **own_out);
/* The runs of a file, to be freed. */
enum fp_err segment_unpack(const struct segment *seg, struct fp_bytes file, uint8_t **own_out, size_t *out_len, struct why why);
/* The next run; false at the end, or where it is cut off. */
bool segment_next(struct fp_bytes *rest, struct store_run *out);

struct segment_stamp { /* is it still the file that it was? */
    bool there;
    ino_t inode;
    off_t bytes;
    struct timespec changed;
};

bool segment_same(const struct segment_stamp *a, const struct segment_stamp *b);
/* What of the file can be seen without reading it; the errno that says why it is not there. */
int segment_look(const char *dir, const char *name, struct segment_stamp *out);
/* FP_EFULL, FP_EIO: what there is of it is to be erased. */
enum fp_err segment_write(const char *dir, const char *name, struct fp_bytes file, struct why why);
enum fp_err segment_read(const char *dir, const struct segment *seg, uint8_t **own_out, struct why why);
/* Overwrites it, then removes it. *out_there is false where there is none. */
enum fp_err segment_erase(const char *dir, const char *name, bool *out_there, struct why why);

#endif
