/*
 * export.h: a conversation as a file, and what is wrong with one.
 *
 * Shape       a CBOR sequence: the head {1: "fieldpost-export", 2: 1, 3: conv, 4: epoch / null, 5: from, 6: the chain in front of it, 7: to, 8: the
 *             chain at `to`}, then the events from `from` to `to` as the hub told them, byte for byte
 * Invariants  E1 a file is fine if its events are the numbers from..to of conv, each as deterministic as the contract wants it and with nothing in
 *             it that the chain does not cover, and the chain over them from head.before on ends at head.after.
 * Memory      what was read points into the file's bytes; own_* is freed by export_close()
 * Source      schemas/cddl/event.cddl, "Chain"
 */
#ifndef FIRMWARE_CLIENT_CLI_EXPORT_H
#define FIRMWARE_CLIENT_CLI_EXPORT_H

#include "firmware-client/cli/str.h"
#include "fp/event.h"
#include "plugin/core/chain.h"

#define EXPORT_HEAD_MAX 192

struct export_head {
    struct fp_id conv;
    uint64_t epoch; /* 0 = null */
    uint64_t from, to;
    struct chain before, after;
};

void export_put_head(struct fp_enc *e, const struct export_head *h);

/* A line about a file that was written or verified. */
void export_show(struct str *out, bool json, bool verified, const char *path, const struct export_head *h);

/* One event: FP_OK, and it is in the chain; FP_EMALFORMED: no event of `conv` that the chain covers whole. *out_seq as far as it can be read. */
enum fp_err export_add(struct chain *chain, const struct fp_id *conv, struct fp_bytes one, uint64_t *out_seq);

struct export_file {
    struct export_head head;
    struct chain *own_chains; /* [0] in front of head.from; [i] behind the i-th event */
    uint64_t count;           /* events up to where it went wrong */
    uint64_t bad_seq;         /* where: 0 if it is not one event */
};

/* True if the file is fine (E1). False: `why` says what is wrong, and what could be read (count may be 0) is there. */
bool export_open(struct export_file *f, struct fp_bytes in, struct str *why);
void export_close(struct export_file *f);

struct export_diff {
    uint64_t from, to; /* what both hold */
    uint64_t differs;  /* the first that differs; 0: none does */
    bool earlier;      /* they differ in front of what both hold; where, cannot be told */
};
/* False: they have nothing in common. */
bool export_compare(const struct export_file *a, const struct export_file *b, struct export_diff *out);

#endif
