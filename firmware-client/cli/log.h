/*
 * log.h: the events of one conversation and the own messages that have none yet, as a chat shows them.
 *
 * Invariants  G1 what has a seq comes first, in the order of seq, each once; then what is provisional or queued, as it came.
 *             G2 a state never goes back.
 */
#ifndef FIRMWARE_CLIENT_CLI_LOG_H
#define FIRMWARE_CLIENT_CLI_LOG_H

#include "firmware-client/cli/str.h"
#include "firmware-client/include/fieldpost.h"

struct log_entry {
    uint64_t seq;    /* 0: not at the hub yet */
    uint64_t ticket; /* 0: of another run, or not ours */
    bool own;        /* a state is shown */
    enum fp_send_state state;
    struct fp_id device; /* of what is provisional, with its n: a site has it, the hub not yet; none otherwise */
    uint64_t n;
    char *text;
};

struct log {
    struct log_entry *entries;
    size_t count;
};

/* The text is kept as a copy. False: it is there already. */
bool log_event(struct log *l, uint64_t seq, uint64_t ticket, bool own, const char *text);
/* The same of what has no seq yet. */
bool log_provisional(struct log *l, const struct fp_event *ev, const char *text);
/* It has its seq now, or was taken back. */
void log_settled(struct log *l, const struct fp_id *device, uint64_t n);
void log_queued(struct log *l, uint64_t ticket, const char *text);
/* reason: added to the text when it failed. */
void log_state(struct log *l, uint64_t ticket, enum fp_send_state state, const char *reason);
/* What another member has, and has read: own messages up to there. */
void log_receipt(struct log *l, uint64_t delivered, uint64_t read);
const char *log_mark(const struct log_entry *e);
void log_fini(struct log *l);

#endif
